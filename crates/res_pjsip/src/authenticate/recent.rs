//! What happened lately: a table of bounded size that all shards share without a lock.
//!
//! It is what makes a captured request worthless in every shard, though its copy may come with another
//! Call-ID and so to another shard. A key is a 24-bit print in one of several sets of eight entries;
//! two keys are confused once in about two million look-ups, which costs a phone one more challenge.
//! When a set is full the entry that ends first makes room.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use sip::Millis;

/// Entries of a set.
const WAYS: usize = 8;
/// Sets that are made at once when one of them is first needed.
const CHUNK: usize = 512;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Recent {
    chunks: Box<[OnceLock<Box<[AtomicU64]>>]>,
    hasher: RandomState,
}

/// An entry: print (24 bits), end in milliseconds modulo 2^28 (three days), count (12 bits). An empty
/// one is 0; a count is never 0.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry(u64);

impl Entry {
    const TIME: u64 = (1 << 28) - 1;
    const COUNT: u64 = (1 << 12) - 1;

    fn new(print: u64, until: Millis, count: u64) -> Self {
        Self(print << 40 | (until & Self::TIME) << 12 | count.min(Self::COUNT))
    }

    fn print(self) -> u64 {
        self.0 >> 40
    }

    fn count(self) -> u64 {
        self.0 & Self::COUNT
    }

    /// Milliseconds until its end; none if it is over, or empty.
    fn left(self, now: Millis) -> Option<Millis> {
        let left = (self.0 >> 12).wrapping_sub(now) & Self::TIME;
        (self.0 != 0 && left != 0 && left <= Self::TIME / 2).then_some(left)
    }

    fn again(self) -> Self {
        if self.count() < Self::COUNT { Self(self.0 + 1) } else { self }
    }
}

impl Recent {
    /// The longest that anything is remembered: a day.
    pub(crate) const LONGEST: Millis = 24 * 3600 * 1000;

    /// A table of `chunks` times 4,096 entries, 8 bytes each; chunks are made when needed.
    pub(crate) fn new(chunks: usize) -> Self {
        Self { chunks: (0..chunks.max(1)).map(|_| OnceLock::new()).collect(), hasher: RandomState::new() }
    }

    /// Counts `key`: how often it has been counted until its end, this time included, and the
    /// milliseconds until then. The first time sets the end.
    pub(crate) fn count(&self, key: impl Hash, now: Millis, until: Millis) -> (u64, Millis) {
        let hash = self.hasher.hash_one(key);
        let print = hash >> 40;
        let until = until.clamp(now + 1, now + Self::LONGEST);
        let fresh = Entry::new(print, until, 1);
        let set = self.set(hash);
        loop {
            let (known, room) = look(set, print, now);
            let (slot, old, new) = match (known, room) {
                (Some((slot, old)), _) => (slot, old, old.again()),
                (None, Some((slot, old))) => (slot, old, fresh),
                // There is no set without entries.
                (None, None) => return (1, until - now),
            };
            if slot.compare_exchange(old.0, new.0, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                continue;
            }
            // Two shards may have put the same key into two entries at the same moment.
            let twins = set.iter().map(load).filter(|it| it.print() == print && it.left(now).is_some());
            let count = twins.map(Entry::count).sum::<u64>().max(new.count());
            return (count, new.left(now).unwrap_or_default());
        }
    }

    /// Forgets `key`.
    pub(crate) fn forget(&self, key: impl Hash, now: Millis) {
        let hash = self.hasher.hash_one(key);
        if let (Some((slot, old)), _) = look(self.set(hash), hash >> 40, now) {
            // Who counted it meanwhile keeps it.
            let _ = slot.compare_exchange(old.0, 0, Ordering::SeqCst, Ordering::SeqCst);
        }
    }

    fn set(&self, hash: u64) -> &[AtomicU64] {
        let sets = self.chunks.len() * CHUNK;
        let set = (hash & u64::from(u32::MAX)) as usize % sets;
        let Some(chunk) = self.chunks.get(set / CHUNK) else { return &[] };
        let entries = chunk.get_or_init(|| (0..CHUNK * WAYS).map(|_| AtomicU64::new(0)).collect());
        let start = set % CHUNK * WAYS;
        entries.get(start..start + WAYS).unwrap_or_default()
    }
}

type Found<'a> = Option<(&'a AtomicU64, Entry)>;

fn load(slot: &AtomicU64) -> Entry {
    Entry(slot.load(Ordering::SeqCst))
}

/// The live entry of a print, and the one that makes room for a new one.
fn look(set: &[AtomicU64], print: u64, now: Millis) -> (Found<'_>, Found<'_>) {
    let entries = || set.iter().map(|slot| (slot, load(slot)));
    let known = entries().find(|(_, entry)| entry.print() == print && entry.left(now).is_some());
    (known, entries().min_by_key(|(_, entry)| entry.left(now).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_counts_until_its_end() {
        let recent = Recent::new(1);
        assert_eq!(recent.count("a", 1000, 6000), (1, 5000));
        assert_eq!(recent.count("a", 2000, 9000), (2, 4000), "the first one sets the end");
        assert_eq!(recent.count("b", 2000, 9000).0, 1);
        assert_eq!(recent.count("a", 5999, 9000).0, 3);
        assert_eq!(recent.count("a", 6000, 9000).0, 1);
        recent.forget("a", 6001);
        assert_eq!(recent.count("a", 6002, 9000).0, 1);
    }

    #[test]
    fn time_may_wrap_and_counts_stay() {
        let recent = Recent::new(1);
        let now = Entry::TIME - 10;
        assert_eq!(recent.count("a", now, now + 100).0, 1);
        for count in 2..5000_u64 {
            assert_eq!(recent.count("a", now + 50, 0).0, count.min(Entry::COUNT));
        }
        assert_eq!(recent.count("a", now + 100, now + 200).0, 1);
    }

    #[test]
    fn a_full_table_forgets_what_ends_first_and_does_not_grow() {
        let recent = Recent::new(1);
        for key in 0..50_000_u64 {
            assert_eq!(recent.count(key, 0, 1000 + key).0, 1);
        }
        let last = (49_990..50_000_u64).filter(|key| recent.count(*key, 0, 1).0 == 2).count();
        assert!(last >= 9, "{last} of the newest are known");
        assert_eq!(recent.chunks.len(), 1);
    }

    /// Of several threads that bring the same key at once, at most one is the first.
    #[test]
    fn no_two_threads_are_first() {
        let recent = Recent::new(64);
        let firsts: Vec<Vec<u64>> = std::thread::scope(|scope| {
            let count = || (0..20_000_u64).filter(|key| recent.count(*key, 0, 1000).0 == 1).collect();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
        });
        let mut all: Vec<u64> = firsts.into_iter().flatten().collect();
        let total = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(total, all.len(), "a key was first twice");
        assert!(total > 19_900, "{total} were ever first");
    }
}
