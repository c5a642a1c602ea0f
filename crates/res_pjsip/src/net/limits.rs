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

use crate::config::ConnectionLimits;

/// Connections in all, if the limit on open files (`maxfiles` of `asterisk.conf`) allows as many.
const MAX_CONNECTIONS: usize = 65_536;
/// How long opening a connection may take.
pub(crate) const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long a peer may take no byte of what waits for it.
pub(crate) const STALL_TIME: Duration = Duration::from_secs(10);
/// How long the answer to a last message may take, when nothing more can be read behind it.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(1);
/// Bytes that may wait for a peer to read.
pub(crate) const MAX_QUEUED: usize = 8 << 20;

/// Counts the connections of all shards.
#[derive(Debug)]
pub(crate) struct Limits {
    most: usize,
    per_address: usize,
    /// What a connection must keep.
    pub(crate) times: Times,
    counts: Mutex<Counts>,
}

/// How long a connection may be silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Until the first message is complete, and each one that has begun.
    pub(crate) message: Duration,
    /// Without any message.
    pub(crate) idle: Duration,
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
    /// The limits that `[system]` sets; what it leaves open depends on the process.
    pub(crate) fn new(config: &ConnectionLimits) -> Arc<Self> {
        let times = Times { message: config.message_time, idle: config.idle_time };
        let most = config.most.unwrap_or_else(allowed_by_files);
        Arc::new(Self { most, per_address: config.per_address, times, counts: Mutex::default() })
    }

    /// Counts a connection with `address`, if it may be.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admission> {
        let address = neighbourhood(address);
        let mut counts = self.lock();
        if counts.all >= self.most {
            return None;
        }
        if counts.by_address.get(&address).copied().unwrap_or_default() >= self.per_address {
            return None;
        }
        *counts.by_address.entry(address).or_default() += 1;
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

/// Connections that the limit on open files allows: a quarter is left for other things.
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

    fn limits(most: usize, per_address: usize) -> Arc<Limits> {
        let time = Duration::from_secs(1);
        Limits::new(&ConnectionLimits { most: Some(most), per_address, message_time: time, idle_time: time })
    }

    #[test]
    fn one_address_cannot_take_all() {
        let limits = limits(4, 3);
        let mut held: Vec<_> = (0..3).map(|_| limits.admit(ip("192.0.2.1")).unwrap()).collect();
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
        let limits = limits(100, 2);
        let _held = ["2001:db8::1", "2001:db8::2"].map(|address| limits.admit(ip(address)).unwrap());
        assert!(limits.admit(ip("2001:db8::ffff:1")).is_none());
        assert!(limits.admit(ip("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn a_refused_address_is_not_remembered() {
        let limits = limits(100, 0);
        assert!(limits.admit(ip("192.0.2.1")).is_none());
        assert!(limits.lock().by_address.is_empty());
    }
}
