//! Requests that nobody can be found for, counted by the address that they come from: options
//! `unidentified_request_count` and `unidentified_request_period` of `[global]`.

use std::net::IpAddr;

use sip::Millis;

use super::Recent;

/// Counts requests by address, 32,768 addresses at most, for all shards.
#[derive(Debug)]
pub struct Strangers(Recent);

/// What an address has done within the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated {
    /// Requests, the present one included.
    pub count: u64,
    /// Milliseconds since the first of them.
    pub since: Millis,
}

impl Default for Strangers {
    fn default() -> Self {
        Self(Recent::new(8))
    }
}

impl Strangers {
    /// Counts a request of `source`. A period begins with a request and lasts `period` milliseconds.
    pub(crate) fn count(&self, source: IpAddr, now: Millis, period: Millis) -> Repeated {
        let period = period.clamp(1, Recent::LONGEST);
        let (count, left) = self.0.count(source.to_canonical(), now, now + period);
        Repeated { count, since: period.saturating_sub(left) }
    }

    /// Forgets an address: somebody there has a password.
    pub(crate) fn forget(&self, source: IpAddr, now: Millis) {
        self.0.forget(source.to_canonical(), now);
    }
}
