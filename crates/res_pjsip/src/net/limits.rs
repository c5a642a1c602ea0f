//! How many connections there may be, and how long one may be silent.
//!
//! What an attacker could hold open is bounded: connections in all and from one address, the time
//! until the first complete message, the time until a message that has begun is complete, silence,
//! and what waits for a peer that does not read. Not on the packet path: asked once a connection.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};

/// Connections from one IPv4 address or IPv6 /64: an office behind one address fits.
pub(crate) const MAX_PER_ADDRESS: usize = 2_000;
/// Connections in all, if the limit on open files (`maxfiles` of `asterisk.conf`) allows as many.
pub(crate) const MAX_CONNECTIONS: usize = 65_536;
/// A connection must bring its first message in this time, handshakes included, and finish each
/// message that it has begun.
pub(crate) const MESSAGE_TIME: Duration = Duration::from_secs(32);
/// A connection that brings nothing at all for this long is closed: twice the longest subscription.
pub(crate) const IDLE_TIME: Duration = Duration::from_secs(7_200);
/// How long opening a connection may take.
pub(crate) const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long a peer may take no byte of what waits for it.
pub(crate) const STALL_TIME: Duration = Duration::from_secs(10);
/// Bytes that may wait for a peer to read.
pub(crate) const MAX_QUEUED: usize = 8 << 20;

/// Counts the connections of all shards.
#[derive(Debug)]
pub(crate) struct Limits {
    most: usize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A counted connection; dropping it takes it off the count.
#[derive(Debug)]
pub(crate) struct Admission {
    limits: Arc<Limits>,
    address: IpAddr,
}

impl Limits {
    /// The limits of this process: a quarter of its files is left for other things.
    pub(crate) fn of_process() -> Arc<Self> {
        Self::new(allowed_by_files())
    }

    fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default() })
    }

    /// Counts a connection with `address`, if it may be.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admission> {
        let address = neighbourhood(address);
        let mut counts = self.lock();
        if counts.all >= self.most {
            return None;
        }
        let of_address = counts.by_address.entry(address).or_default();
        if *of_address >= MAX_PER_ADDRESS {
            return None;
        }
        *of_address += 1;
        counts.all += 1;
        Some(Admission { limits: self.clone(), address })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut counts = self.limits.lock();
        counts.all = counts.all.saturating_sub(1);
        if let Some(of_address) = counts.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

/// Connections that the limit on open files allows.
pub(crate) fn allowed_by_files() -> usize {
    let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
    usize::try_from(files / 4 * 3).unwrap_or(usize::MAX).min(MAX_CONNECTIONS)
}

/// What counts as one address: whoever has an IPv6 address has 2^64 of them.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_all() {
        let limits = Limits::new(MAX_PER_ADDRESS + 1);
        let mut held: Vec<_> = (0..MAX_PER_ADDRESS).map(|_| limits.admit(ip("192.0.2.1")).unwrap()).collect();
        assert!(limits.admit(ip("192.0.2.1")).is_none());
        assert!(limits.admit(ip("::ffff:192.0.2.1")).is_none());
        let other = limits.admit(ip("192.0.2.2")).unwrap();
        assert!(limits.admit(ip("192.0.2.3")).is_none(), "full");
        drop(other);
        held.pop();
        assert!(limits.admit(ip("192.0.2.1")).is_some());
        drop(held);
        assert!(limits.lock().by_address.is_empty());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let limits = Limits::new(usize::MAX);
        let _held: Vec<_> =
            (0..MAX_PER_ADDRESS).map(|i| limits.admit(ip(&format!("2001:db8::{i:x}"))).unwrap()).collect();
        assert!(limits.admit(ip("2001:db8::ffff:1")).is_none());
        assert!(limits.admit(ip("2001:db8:0:1::1")).is_some());
    }
}
