//! Phones on a few sockets, served by the thread that calls them.
//!
//! ```no_run
//! use std::time::Duration;
//! use bench::{Lamp, Package, Phones, Watch};
//!
//! let server = "127.0.0.1:5060".parse().unwrap();
//! let watch = Watch { user: "alice".into(), extension: "1001".into(), package: Package::Presence, password: None };
//! let mut phones = Phones::new(server, vec![watch], 1, "run1", Lamp::scan)?;
//! phones.subscribe(Duration::from_secs(5))?;
//! phones.turn(Duration::from_secs(1))?;
//! println!("{:?}", phones.lamp(0));
//! # Ok::<(), std::io::Error>(())
//! ```

use std::collections::VecDeque;
use std::io::{ErrorKind, Result};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use sip::{RawMessage, Scanner};
use udp::Receiver;

use crate::lamp::{Lamp, ReadLamp};
use crate::outbox::{Outbox, wait};
use crate::subscription::{Heard, Subscription, Watch, answer, index};

/// New subscriptions under way at once: their messages fit into any receive buffer.
const WINDOW: usize = 64;
/// Timers of RFC 3261 section 17.1.2 for SUBSCRIBE.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const TIMER_F: Duration = Duration::from_secs(32);

/// What was sent and heard. Sums of bytes are UDP payloads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// SUBSCRIBEs, without repetitions.
    pub subscribes: u64,
    /// SUBSCRIBEs sent again because no answer came.
    pub resent: u64,
    /// SUBSCRIBEs that were never answered.
    pub unanswered: u64,
    /// SUBSCRIBEs that had to be made anew with a password.
    pub challenged: u64,
    /// NOTIFYs, without repetitions.
    pub notifies: u64,
    /// NOTIFYs that came again.
    pub repeated: u64,
    /// NOTIFYs that belong to no subscription.
    pub strangers: u64,
    /// Datagrams that are no SIP message.
    pub garbage: u64,
    /// Bytes of all NOTIFYs, repetitions included.
    pub notify_bytes: u64,
    /// Bytes of the answers to them.
    pub answer_bytes: u64,
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            subscribes: self.subscribes + other.subscribes,
            resent: self.resent + other.resent,
            unanswered: self.unanswered + other.unanswered,
            challenged: self.challenged + other.challenged,
            notifies: self.notifies + other.notifies,
            repeated: self.repeated + other.repeated,
            strangers: self.strangers + other.strangers,
            garbage: self.garbage + other.garbage,
            notify_bytes: self.notify_bytes + other.notify_bytes,
            answer_bytes: self.answer_bytes + other.answer_bytes,
        }
    }
}

/// How a change went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// When the first NOTIFY had come.
    pub first: Option<Instant>,
    /// When the last one had been answered.
    pub last: Instant,
    /// Lamps that do not show what they should.
    pub wrong: usize,
}

/// A SUBSCRIBE that waits for its answer.
#[derive(Debug)]
struct Pending {
    index: usize,
    since: Instant,
    due: Instant,
    interval: Duration,
}

/// Simulated phones.
pub struct Phones {
    server: SocketAddr,
    sockets: Vec<UdpSocket>,
    addresses: Vec<SocketAddr>,
    subscriptions: Vec<Subscription>,
    pending: VecDeque<Pending>,
    read: ReadLamp,
    /// How many lamps show what.
    lamps: [usize; Lamp::ALL.len()],
    counts: Counts,
    receiver: Receiver,
    scanner: Scanner,
    outbox: Outbox,
}

impl Phones {
    /// Phones that will watch `watches` over `sockets` sockets of their own. `run` is a token that
    /// keeps their Call-IDs apart from those of other phones.
    ///
    /// # Errors
    ///
    /// A socket cannot be bound.
    pub fn new(
        server: SocketAddr,
        watches: Vec<Watch>,
        sockets: usize,
        run: &str,
        read: ReadLamp,
    ) -> Result<Self> {
        let sockets = sockets.max(1);
        let bound: Vec<_> = (0..sockets).map(|_| bind()).collect::<Result<_>>()?;
        let (addresses, bound) = bound.into_iter().unzip();
        let subscription = |(i, watch)| Subscription::new(watch, i % sockets, i, run);
        Ok(Self {
            server,
            sockets: bound,
            addresses,
            subscriptions: watches.into_iter().enumerate().map(subscription).collect(),
            pending: VecDeque::new(),
            read,
            lamps: [0; Lamp::ALL.len()],
            counts: Counts::default(),
            receiver: Receiver::new(),
            scanner: Scanner::new(),
            outbox: Outbox::default(),
        })
    }

    /// Subscribes everything, or renews all subscriptions, a few dozen at a time. Gives the time it took until the last state had
    /// come and was answered, or all of `patience`; [`Phones::unsettled`] says whether it worked.
    ///
    /// # Errors
    ///
    /// What the sockets say, here and below.
    pub fn subscribe(&mut self, patience: Duration) -> Result<Duration> {
        let start = Instant::now();
        let mut next = 0;
        loop {
            self.pending.retain(|p| self.subscriptions.get(p.index).is_some_and(|s| !s.is_settled()));
            while self.pending.len() < WINDOW && next < self.subscriptions.len() {
                self.renew(next)?;
                next += 1;
            }
            let elapsed = start.elapsed();
            if (self.pending.is_empty() && next == self.subscriptions.len()) || elapsed > patience {
                return Ok(elapsed);
            }
            self.turn(T1)?;
        }
    }

    /// Sends a SUBSCRIBE: the first of the subscription, or a refresh.
    ///
    /// # Errors
    ///
    /// As [`Phones::subscribe`].
    pub fn renew(&mut self, index: usize) -> Result<()> {
        let Some(subscription) = self.subscriptions.get_mut(index) else {
            return Ok(());
        };
        subscription.renew(self.server);
        self.counts.subscribes += 1;
        let now = Instant::now();
        self.pending.push_back(Pending { index, since: now, due: now + T1, interval: T1 });
        self.send(index)
    }

    /// Serves until every lamp shows `lamp`, or all of `patience`.
    ///
    /// # Errors
    ///
    /// As [`Phones::subscribe`].
    pub fn until(&mut self, lamp: Lamp, patience: Duration) -> Result<Round> {
        let start = Instant::now();
        let heard = self.counts.notifies;
        let mut first = None;
        loop {
            let came = self.turn(T1)?;
            let last = Instant::now();
            if self.counts.notifies > heard {
                first = first.or(came);
            }
            let wrong = self.subscriptions.len() - self.lamps.get(lamp as usize).copied().unwrap_or(0);
            if wrong == 0 || last - start > patience {
                return Ok(Round { first, last, wrong });
            }
        }
    }

    /// Waits for packets, at most `timeout`, and answers those that are there; sends again what was
    /// not answered in time. Gives when packets came.
    ///
    /// # Errors
    ///
    /// As [`Phones::subscribe`].
    pub fn turn(&mut self, timeout: Duration) -> Result<Option<Instant>> {
        let now = Instant::now();
        self.send_again(now)?;
        let due = self.pending.front().map_or(timeout, |p| p.due.saturating_duration_since(now));
        let ready = wait(&self.sockets, PollFlags::POLLIN, timeout.min(due))?;
        let came = (!ready.is_empty()).then(Instant::now);
        for socket in ready {
            self.serve(socket)?;
        }
        Ok(came)
    }

    /// What the lamp of a watch shows, by its position; `None` while it is not known.
    pub fn lamp(&self, index: usize) -> Option<Lamp> {
        self.subscriptions.get(index)?.lamp
    }

    /// What each lamp is and shows.
    pub fn lamps(&self) -> impl Iterator<Item = (&Watch, Option<Lamp>)> {
        self.subscriptions.iter().map(|s| (&s.watch, s.lamp))
    }

    /// Subscriptions without a state, refused or ended ones included, and the first refusal.
    pub fn unsettled(&self) -> (usize, Option<u16>) {
        let bad = |s: &&Subscription| !s.is_settled() || s.refused.is_some() || s.ended;
        (self.subscriptions.iter().filter(bad).count(), self.subscriptions.iter().find_map(|s| s.refused))
    }

    /// What was sent and heard since the start.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The ports of the sockets.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        self.addresses.iter().map(SocketAddr::port)
    }

    fn serve(&mut self, socket: usize) -> Result<()> {
        let Self { sockets, receiver, scanner, outbox, subscriptions, lamps, counts, read, .. } = self;
        let (server, own) = (self.server, self.addresses.get(socket).copied());
        let Some((socket, own)) = sockets.get(socket).zip(own) else {
            return Ok(());
        };
        let received = receiver.receive(socket, |from, datagram| {
            let Ok(message) = scanner.scan(datagram) else {
                counts.garbage += 1;
                return;
            };
            let subscription = message.call_id().ok().and_then(index).and_then(|i| subscriptions.get_mut(i));
            if message.request().is_none() {
                let Some(subscription) = subscription else { return };
                subscription.answered(&message, server);
                if subscription.take_again() {
                    counts.challenged += 1;
                    // What cannot be written was refused the first time.
                    outbox.push(server, |out| drop(subscription.write(out, server, own)));
                }
                return;
            }
            let heard = subscription.map_or(Heard::Stranger, |s| hear(s, &message, *read));
            match heard {
                Heard::Changed(before, after) => {
                    counts.notifies += 1;
                    for (lamp, count) in lamps.iter_mut().enumerate() {
                        *count -= usize::from(before.is_some_and(|b| b as usize == lamp));
                        *count += usize::from(after.is_some_and(|a| a as usize == lamp));
                    }
                }
                Heard::Repeated => counts.repeated += 1,
                Heard::Stranger => counts.strangers += 1,
            }
            let length = outbox.push(from, |out| answer(out, &message, heard != Heard::Stranger));
            counts.notify_bytes += datagram.len() as u64;
            counts.answer_bytes += length as u64;
        });
        match received {
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Err(error)
            }
            _ => outbox.flush(socket),
        }
    }

    fn send(&mut self, index: usize) -> Result<()> {
        let Self { subscriptions, sockets, addresses, outbox, server, .. } = self;
        let Some(subscription) = subscriptions.get(index) else {
            return Ok(());
        };
        let (Some(socket), Some(own)) =
            (sockets.get(subscription.socket), addresses.get(subscription.socket))
        else {
            return Ok(());
        };
        let mut written = Ok(());
        outbox.push(*server, |out| written = subscription.write(out, *server, *own));
        written.map_err(|error| std::io::Error::new(ErrorKind::InvalidInput, error))?;
        outbox.flush(socket)
    }

    /// Timers E and F. The queue is in the order of sending; doubled intervals make it uneven, which
    /// at worst delays a repetition.
    fn send_again(&mut self, now: Instant) -> Result<()> {
        while let Some(pending) = self.pending.pop_front_if(|p| p.due <= now) {
            let Pending { index, since, interval, .. } = pending;
            if self.subscriptions.get(index).is_none_or(Subscription::is_settled) {
                continue;
            }
            if now - since > TIMER_F {
                self.counts.unanswered += 1;
                continue;
            }
            self.counts.resent += 1;
            self.send(index)?;
            let interval = (interval * 2).min(T2);
            self.pending.push_back(Pending { index, since, due: now + interval, interval });
        }
        Ok(())
    }
}

fn hear(subscription: &mut Subscription, request: &RawMessage<'_>, read: ReadLamp) -> Heard {
    match request.request() {
        Some(line) if line.method == "NOTIFY" => subscription.notified(request, read),
        _ => Heard::Stranger,
    }
}

fn bind() -> Result<(SocketAddr, UdpSocket)> {
    let (address, mut sockets) = udp::bind(SocketAddr::from(([127, 0, 0, 1], 0)), 0, 1)?;
    match sockets.pop() {
        Some(socket) => Ok((address, socket)),
        None => Err(ErrorKind::AddrNotAvailable.into()),
    }
}

#[cfg(test)]
mod tests;
