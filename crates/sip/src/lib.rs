//! SIP without I/O: messages, headers, URIs, transactions, dialogs, timers.

mod timer;
pub mod transaction;

pub use timer::{Millis, TimerWheel};
