//! Non-INVITE transactions (RFC 3261 section 17, with the fixes of RFC 4320).
//!
//! [`ServerTransactions`] absorbs retransmitted requests: the first copy is handled, every further
//! one gets the same answer again. [`ClientTransactions`] sends our own requests until they are
//! answered or time out. Both are tables of one shard: no lock, no clock, no socket.

mod client;
mod server;

pub use client::{ClientStart, ClientTimer, ClientTransactions, Tick, Undelivered};
pub use server::{Arrival, ServerTransactions, TransactionId, TransactionKey};

use crate::Millis;

/// The timers of RFC 3261 section 17 and appendix A, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Round-trip estimate (`timer_t1`, 500 ms).
    pub t1: Millis,
    /// Longest interval between two copies of a request (4 s).
    pub t2: Millis,
    /// How long a non-INVITE transaction lives: timers F and J (`timer_b`, 32 s).
    pub timeout: Millis,
}

impl Default for Timers {
    fn default() -> Self {
        Self { t1: 500, t2: 4_000, timeout: 32_000 }
    }
}
