//! The SIP history: the last packets of each shard, as `pjsip show history` lists them.
//!
//! Off, it costs one look at a flag. On, it keeps a bounded number of packets and bytes: the oldest go
//! first. A packet is kept as it was; what a filter asks for is read from it when it is shown.

mod filter;
mod show;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::output::Peer;

pub use filter::{Filter, FilterError};
pub use show::{show, show_entry};

/// Packets that are kept in all.
const PACKETS: usize = 10_000;
/// Bytes that are kept in all.
const BYTES: usize = 32 << 20;

/// A packet that was received or sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number: the packets of all shards are counted together.
    pub number: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Whether it was sent.
    pub sent: bool,
    /// The other end.
    pub peer: Peer,
    /// What it was.
    pub packet: Arc<[u8]>,
}

/// The history of all shards.
#[derive(Debug, Default)]
pub struct History {
    on: AtomicBool,
    next: AtomicU64,
    /// One for each shard: only the shard and whoever looks at it lock it.
    shards: Vec<Mutex<Ring>>,
}

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl History {
    /// An empty one for so many shards, off.
    pub fn new(shards: usize) -> Self {
        Self { shards: (0..shards).map(|_| Mutex::default()).collect(), ..Self::default() }
    }

    /// Whether packets are kept.
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Starts or stops keeping packets. Those that are there stay.
    pub fn set(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }

    /// Forgets all packets; the next one has number 0.
    pub fn clear(&self) {
        for shard in &self.shards {
            *lock(shard) = Ring::default();
        }
        self.next.store(0, Ordering::Relaxed);
    }

    /// The packets that are kept, by number.
    pub fn entries(&self) -> Vec<Entry> {
        let mut all: Vec<_> = self
            .shards
            .iter()
            .flat_map(|shard| lock(shard).entries.iter().cloned().collect::<Vec<_>>())
            .collect();
        all.sort_by_key(|entry| entry.number);
        all
    }

    /// Keeps a packet of a shard, if packets are kept and it is more than a keep-alive.
    pub(crate) fn record(&self, shard: u16, sent: bool, peer: Peer, packet: &[u8]) {
        if !self.is_on() || packet.trim_ascii().is_empty() {
            return;
        }
        let Some(ring) = self.shards.get(usize::from(shard)) else { return };
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (packets, bytes) = (PACKETS / self.shards.len(), BYTES / self.shards.len());
        let mut ring = lock(ring);
        ring.bytes += packet.len();
        ring.entries.push_back(Entry { number, timestamp, sent, peer, packet: packet.into() });
        while ring.entries.len() > packets || ring.bytes > bytes {
            let Some(oldest) = ring.entries.pop_front() else { return };
            ring.bytes -= oldest.packet.len();
        }
    }
}

fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}
