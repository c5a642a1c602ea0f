//! SIP without I/O: messages, headers, URIs, transactions, dialogs, timers.

mod timer;

pub use timer::{Millis, TimerWheel};
