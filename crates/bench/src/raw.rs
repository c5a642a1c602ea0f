//! What the machine can do without any SIP: datagrams of the same sizes, batched the same way.
//!
//! One thread sends what stands for the NOTIFYs, another answers each; on a machine with more than
//! two cores there are several such pairs. No server that answers for every watcher can be faster.

use std::io::{ErrorKind, Result};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use udp::{BATCH, Receiver, Sender};

use crate::outbox::{Outbox, wait};

/// Datagrams under way in a pair; enough to fill the batches of both sides.
const WINDOW: usize = 8 * BATCH;
/// Exchanges before the clock starts: threads have started by then and buffers are mapped.
const WARM_UP: usize = 4 * WINDOW;
/// After so long without an answer what is under way counts as lost.
const PATIENCE: Duration = Duration::from_millis(200);

/// A measurement of [`raw_limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawLimit {
    /// Datagrams that were answered.
    pub exchanges: usize,
    /// How long they took, from one answer to another.
    pub elapsed: Duration,
    /// Datagrams or answers that got lost.
    pub lost: usize,
}

impl RawLimit {
    /// Exchanges per second.
    pub fn rate(&self) -> f64 {
        self.exchanges as f64 / self.elapsed.as_secs_f64()
    }
}

/// Exchanges datagrams of `question` bytes for answers of `answer` bytes over the loopback
/// interface, at least `exchanges` of them, by `pairs` pairs of threads; the answering thread of a
/// pair uses `sockets` sockets.
///
/// # Errors
///
/// What the sockets say.
///
/// ```
/// let limit = bench::raw_limit(900, 400, 100, 1, 2)?;
/// assert_eq!(limit.exchanges, 100);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn raw_limit(
    question: usize,
    answer: usize,
    exchanges: usize,
    pairs: usize,
    sockets: usize,
) -> Result<RawLimit> {
    let pairs = pairs.max(1);
    let pairs: Vec<_> = (0..pairs).map(|_| Pair::bind(sockets.max(1))).collect::<Result<_>>()?;
    let share = exchanges.div_ceil(pairs.len());
    let results: Vec<_> = thread::scope(|scope| {
        let run =
            |pair| scope.spawn(move || Pair::run(pair, &vec![b'q'; question], &vec![b'a'; answer], share));
        let threads: Vec<_> = pairs.iter().map(run).collect();
        threads.into_iter().map(join).collect::<Result<_>>()
    })?;
    Ok(RawLimit {
        exchanges: share * pairs.len(),
        elapsed: results.iter().map(|(_, elapsed)| *elapsed).max().unwrap_or_default(),
        lost: results.iter().map(|(lost, _)| lost).sum(),
    })
}

/// The sockets of two threads that talk to each other.
struct Pair {
    asking: UdpSocket,
    answering: Vec<UdpSocket>,
    addresses: Vec<SocketAddr>,
}

impl Pair {
    fn bind(sockets: usize) -> Result<Self> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (_, mut asking) = udp::bind(any, 0, 1)?;
        let mut pair = Self {
            asking: asking.pop().ok_or(ErrorKind::AddrNotAvailable)?,
            answering: Vec::new(),
            addresses: Vec::new(),
        };
        for _ in 0..sockets {
            let (address, socket) = udp::bind(any, 0, 1)?;
            pair.addresses.push(address);
            pair.answering.extend(socket);
        }
        Ok(pair)
    }

    /// Gives what got lost and how long the exchanges took.
    fn run(&self, question: &[u8], answer: &[u8], exchanges: usize) -> Result<(usize, Duration)> {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let answering = scope.spawn(|| self.answer(answer, &over));
            let asked = self.ask(question, exchanges);
            over.store(true, Ordering::Relaxed);
            join(answering)?;
            asked
        })
    }

    fn ask(&self, question: &[u8], exchanges: usize) -> Result<(usize, Duration)> {
        let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
        // Wherever among the sockets a batch begins, it is one slice of this.
        let sockets = self.addresses.iter().cycle().take(self.addresses.len() + BATCH);
        let datagrams: Vec<_> = sockets.map(|to| (*to, question)).collect();
        self.exchange(&mut sender, &mut receiver, &datagrams, WARM_UP)?;
        let start = Instant::now();
        let lost = self.exchange(&mut sender, &mut receiver, &datagrams, exchanges)?;
        Ok((lost, start.elapsed()))
    }

    /// Sends until `exchanges` answers have come; gives what got lost.
    fn exchange(
        &self,
        sender: &mut Sender,
        receiver: &mut Receiver,
        datagrams: &[(SocketAddr, &[u8])],
        exchanges: usize,
    ) -> Result<usize> {
        let (mut sent, mut answered, mut lost) = (0, 0, 0);
        while answered < exchanges {
            let room = (WINDOW + answered + lost).min(exchanges + lost).saturating_sub(sent).min(BATCH);
            if room > 0 {
                let first = sent % self.addresses.len();
                let batch = datagrams.get(first..first + room).unwrap_or_default();
                sent += or_none(sender.send(&self.asking, batch))?;
            }
            // An answer that comes after it counted as lost was not lost.
            let received = or_none(receiver.receive(&self.asking, |_, _| {}))?;
            lost -= received.saturating_sub(sent - answered - lost);
            answered += received;
            if received == 0 && room < BATCH && wait(&[&self.asking], PollFlags::POLLIN, PATIENCE)?.is_empty()
            {
                lost = sent - answered;
            }
        }
        Ok(lost)
    }

    fn answer(&self, answer: &[u8], over: &AtomicBool) -> Result<()> {
        let (mut receiver, mut outbox) = (Receiver::new(), Outbox::default());
        while !over.load(Ordering::Relaxed) {
            for ready in wait(&self.answering, PollFlags::POLLIN, Duration::from_millis(10))? {
                let Some(socket) = self.answering.get(ready) else {
                    continue;
                };
                let put = |from, _: &[u8]| {
                    let _ = outbox.push(from, |out| out.extend_from_slice(answer));
                };
                or_none(receiver.receive(socket, put))?;
                outbox.flush(socket)?;
            }
        }
        Ok(())
    }
}

fn or_none(result: Result<usize>) -> Result<usize> {
    result.or_else(|error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(0),
        _ => Err(error),
    })
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_datagram_is_answered() {
        for (exchanges, pairs, sockets) in [(1, 1, 1), (5000, 1, 3), (1000, 2, 16)] {
            let limit = raw_limit(900, 400, exchanges, pairs, sockets).unwrap();
            assert_eq!(limit.exchanges, exchanges);
            assert!(limit.elapsed > Duration::ZERO && limit.rate() > 1.0, "{limit:?}");
        }
    }
}
