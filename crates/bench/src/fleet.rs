//! Phones on several threads.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::lamp::{Lamp, ReadLamp};
use crate::phones::{Counts, Phones, Round};
use crate::subscription::Watch;

/// What a thread shall do with its phones.
type Order = Box<dyn FnOnce(&mut Phones) + Send>;

/// [`Phones`] on threads of their own, which serve them while the fleet has something to do.
pub struct Fleet {
    threads: Vec<mpsc::Sender<Order>>,
}

impl Fleet {
    /// Spreads `watches` over `threads` threads with `sockets` sockets each.
    ///
    /// # Errors
    ///
    /// A socket cannot be bound.
    pub fn new(
        server: SocketAddr,
        mut watches: Vec<Watch>,
        threads: usize,
        sockets: usize,
        read: ReadLamp,
    ) -> Result<Self> {
        let size = watches.len().div_ceil(threads.max(1)).max(1);
        let mut fleet = Self { threads: Vec::new() };
        while !watches.is_empty() {
            let rest = watches.split_off(size.min(watches.len()));
            let share = std::mem::replace(&mut watches, rest);
            let run = format!("{}-{}", fleet.threads.len(), std::process::id());
            let (orders, todo) = mpsc::channel::<Order>();
            let (tell, told) = mpsc::channel();
            thread::spawn(move || {
                // Made here: the buffers of the system calls stay with their thread.
                let phones = Phones::new(server, share, sockets, &run, read);
                let mut phones = phones.map_err(|error| tell.send(error)).ok()?;
                drop(tell);
                todo.iter().for_each(|order| order(&mut phones));
                Some(())
            });
            // The thread sends an error, or nothing and drops its end.
            told.recv().map_or(Ok(()), Err)?;
            fleet.threads.push(orders);
        }
        Ok(fleet)
    }

    /// Subscribes everything; gives the time until the last state had come and was answered.
    ///
    /// # Errors
    ///
    /// As [`Phones::subscribe`].
    pub fn subscribe(&self, patience: Duration) -> Result<Duration> {
        let (times, ()) = self.each(move |phones| phones.subscribe(patience), || ())?;
        Ok(times.into_iter().max().unwrap_or_default())
    }

    /// Runs `change` and serves until every lamp shows `lamp`; gives what `change` gave.
    ///
    /// # Errors
    ///
    /// As [`Phones::subscribe`].
    pub fn until<R>(&self, lamp: Lamp, patience: Duration, change: impl FnOnce() -> R) -> Result<(Round, R)> {
        let (rounds, changed) = self.each(move |phones| phones.until(lamp, patience), change)?;
        let round = Round {
            first: rounds.iter().filter_map(|round| round.first).min(),
            last: rounds.iter().map(|round| round.last).max().unwrap_or_else(Instant::now),
            wrong: rounds.iter().map(|round| round.wrong).sum(),
        };
        Ok((round, changed))
    }

    /// Serves for a while, so that late and repeated messages are heard.
    ///
    /// # Errors
    ///
    /// As [`Phones::subscribe`].
    pub fn listen(&self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        let serve = move |phones: &mut Phones| {
            while let Some(rest) = end.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
                phones.turn(rest)?;
            }
            Ok(())
        };
        self.each(serve, || ()).map(drop)
    }

    /// The sum over all threads.
    ///
    /// # Errors
    ///
    /// A thread has ended, here and below.
    pub fn counts(&self) -> Result<Counts> {
        let (counts, ()) = self.each(|phones| Ok(phones.counts()), || ())?;
        Ok(counts.into_iter().fold(Counts::default(), |sum, counts| sum + counts))
    }

    /// As [`Phones::unsettled`].
    ///
    /// # Errors
    ///
    /// As [`Fleet::counts`].
    pub fn unsettled(&self) -> Result<(usize, Option<u16>)> {
        let (all, ()) = self.each(|phones| Ok(phones.unsettled()), || ())?;
        Ok(all.into_iter().fold((0, None), |(sum, first), (count, refused)| (sum + count, first.or(refused))))
    }

    /// Lamps that do not show `lamp`, looked at one by one.
    ///
    /// # Errors
    ///
    /// As [`Fleet::counts`].
    pub fn wrong(&self, lamp: Lamp) -> Result<usize> {
        let wrong = move |phones: &mut Phones| Ok(phones.lamps().filter(|(_, l)| *l != Some(lamp)).count());
        Ok(self.each(wrong, || ())?.0.into_iter().sum())
    }

    /// The ports of all sockets.
    ///
    /// # Errors
    ///
    /// As [`Fleet::counts`].
    pub fn ports(&self) -> Result<Vec<u16>> {
        let (ports, ()) = self.each(|phones| Ok(phones.ports().collect::<Vec<_>>()), || ())?;
        Ok(ports.concat())
    }

    /// Has every thread run `serve`, and runs `meanwhile` in this one.
    fn each<T: Send + 'static, R>(
        &self,
        serve: impl Fn(&mut Phones) -> Result<T> + Clone + Send + 'static,
        meanwhile: impl FnOnce() -> R,
    ) -> Result<(Vec<T>, R)> {
        let gone = || Error::other("a thread of phones has ended");
        let order = |thread: &mpsc::Sender<Order>| {
            let (serve, (tell, result)) = (serve.clone(), mpsc::sync_channel(1));
            // Nobody hears the result only if another thread's failure was reported already.
            thread.send(Box::new(move |phones| drop(tell.send(serve(phones))))).map_err(|_| gone())?;
            Ok(result)
        };
        let results: Vec<_> = self.threads.iter().map(order).collect::<Result<_>>()?;
        let done = meanwhile();
        let results = results.into_iter().map(|result| result.recv().map_err(|_| gone())?);
        Ok((results.collect::<Result<_>>()?, done))
    }
}
