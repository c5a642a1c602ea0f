//! The office: what there is, who watches what, and what every lamp must show.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bench::{Command, Counts, DeviceState, EXPIRES, Lamp, Office, Package, Phones, Server, Watch};

use crate::Result;

pub(crate) const EXTENSIONS: usize = 20;
pub(crate) const PHONES: usize = 40;
/// Lamps of a phone.
const LAMPS: usize = 8;
/// Sockets that the phones share.
const SOCKETS: usize = 8;
/// How long all phones may take to subscribe.
const PATIENCE: Duration = Duration::from_secs(10);

/// A lamp in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    /// What it shows; `None` while it is not known.
    pub(crate) shown: Option<Lamp>,
    /// Whether that is what the server was told.
    pub(crate) is_right: bool,
}

/// The running office.
pub(crate) struct DemoOffice {
    server: Server,
    phones: Phones,
    states: [DeviceState; EXTENSIONS],
    random: Random,
    /// The change that is on its way.
    command: Option<Command>,
    interval: Duration,
    next_change: Instant,
    next_refresh: Instant,
    /// Changes that were made.
    pub(crate) changes: u64,
}

impl DemoOffice {
    /// Starts the server and subscribes the phones.
    pub(crate) fn open(seed: u64, interval: Duration) -> Result<Self> {
        let extensions = (0..EXTENSIONS).map(|e| (extension(e), device(e))).collect();
        let office =
            Office { extensions, endpoints: (0..PHONES).map(endpoint).collect(), ..Office::default() };
        let server = Server::start(&office)?;
        for e in 0..EXTENSIONS {
            server.command(&change(e, DeviceState::NotInUse))?;
        }
        // A phone reads a body as XML and believes nothing else.
        let read = |package, body: &[u8]| Lamp::parse(package, body).ok();
        let mut phones = Phones::new(server.address(), watches(), SOCKETS, "demo", read)?;
        phones.subscribe(PATIENCE)?;
        let (unsettled, status) = phones.unsettled();
        if unsettled > 0 {
            let why = status.map_or("no answer".to_owned(), |status| format!("status {status}"));
            return Err(format!("{unsettled} lamps could not be subscribed: {why}").into());
        }
        let now = Instant::now();
        Ok(Self {
            server,
            phones,
            states: [DeviceState::NotInUse; EXTENSIONS],
            random: Random(seed),
            command: None,
            interval,
            next_change: now,
            next_refresh: now + EXPIRES / 2,
            changes: 0,
        })
    }

    /// Serves the phones until a packet has come, at most `timeout`, and makes the changes that are
    /// due.
    pub(crate) fn turn(&mut self, timeout: Duration) -> Result<()> {
        let now = Instant::now();
        if now >= self.next_refresh {
            self.phones.subscribe(PATIENCE)?;
            self.next_refresh = now + EXPIRES / 2;
        }
        self.finish_change()?;
        if self.command.is_none() && now >= self.next_change {
            let e = self.random.below(EXTENSIONS);
            let state = DeviceState::ALL[self.random.below(DeviceState::ALL.len())];
            self.command = Some(self.server.send(&change(e, state))?);
            self.states[e] = state;
            self.changes += 1;
            self.next_change = (self.next_change + self.interval).max(now);
        }
        self.phones.turn(timeout)?;
        Ok(())
    }

    /// Serves without changes until every lamp is right, at most `patience`; gives how many are not.
    pub(crate) fn settle(&mut self, patience: Duration) -> Result<usize> {
        let end = Instant::now() + patience;
        loop {
            self.finish_change()?;
            let (right, all) = self.agreement();
            if (right == all && self.command.is_none()) || Instant::now() > end {
                return Ok(all - right);
            }
            self.phones.turn(Duration::from_millis(10))?;
        }
    }

    /// Stops the server.
    pub(crate) fn close(self) -> Result<()> {
        Ok(self.server.stop()?)
    }

    /// The extension, its state, and the lamp of each phone that watches it.
    pub(crate) fn row(&self, e: usize) -> (String, DeviceState, [Option<Cell>; PHONES]) {
        let mut cells = [None; PHONES];
        for (index, (watch, shown)) in self.phones.lamps().enumerate() {
            if watched(index) == e {
                let is_right = shown == Some(self.states[e].lamp(watch.package));
                cells[index / LAMPS] = Some(Cell { shown, is_right });
            }
        }
        (extension(e), self.states[e], cells)
    }

    /// Lamps that show what the server was told, and all lamps.
    pub(crate) fn agreement(&self) -> (usize, usize) {
        let is_right = |(index, (watch, shown)): &(usize, (&Watch, Option<Lamp>))| {
            *shown == Some(self.states[watched(*index)].lamp(watch.package))
        };
        (self.phones.lamps().enumerate().filter(is_right).count(), PHONES * LAMPS)
    }

    /// What the phones have counted.
    pub(crate) fn counts(&self) -> Counts {
        self.phones.counts()
    }

    fn finish_change(&mut self) -> Result<()> {
        if let Some(command) = self.command.take_if(Command::is_over) {
            command.wait()?;
        }
        Ok(())
    }
}

/// The package that a phone speaks.
pub(crate) fn package(phone: usize) -> Package {
    if phone.is_multiple_of(2) { Package::Presence } else { Package::Dialog }
}

/// A seed that differs each time.
pub(crate) fn any_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.subsec_nanos().into())
}

/// Phone by phone, [`LAMPS`] for each.
fn watches() -> Vec<Watch> {
    let watch = |index: usize| {
        let phone = index / LAMPS;
        Watch {
            user: endpoint(phone),
            extension: extension(watched(index)),
            package: package(phone),
            password: None,
        }
    };
    (0..PHONES * LAMPS).map(watch).collect()
}

/// Which extension the `index`-th lamp of the office watches. 7 and 20 have no common divisor, so
/// the lamps of a phone differ, and each extension is watched by equally many.
fn watched(index: usize) -> usize {
    (index / LAMPS + index % LAMPS * 7) % EXTENSIONS
}

fn extension(e: usize) -> String {
    format!("{}", 1001 + e)
}

fn device(e: usize) -> String {
    format!("Custom:lamp{}", e + 1)
}

fn endpoint(phone: usize) -> String {
    format!("phone{}", phone + 1)
}

fn change(e: usize, state: DeviceState) -> String {
    format!("devstate change {} {}", device(e), state.word())
}

/// SplitMix64: enough for a show.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // The remainder is below `limit`, a usize.
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_extension_is_watched_by_phones_of_both_kinds() {
        let watches = watches();
        let distinct: HashSet<_> = watches.iter().map(|w| (&w.user, &w.extension)).collect();
        assert_eq!(distinct.len(), PHONES * LAMPS);
        for e in 0..EXTENSIONS {
            let of = |package| {
                watches.iter().filter(|w| w.extension == extension(e) && w.package == package).count()
            };
            assert_eq!((of(Package::Presence), of(Package::Dialog)), (8, 8), "{e}");
        }
    }

    #[test]
    fn random_numbers_reach_every_extension() {
        let mut random = Random(1);
        let reached: HashSet<_> = (0..1000).map(|_| random.below(EXTENSIONS)).collect();
        assert_eq!(reached.len(), EXTENSIONS);
    }
}
