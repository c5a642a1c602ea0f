//! `type=system`: read once, at start.
//!
//! Four options are Starling's own, limits of connections (TCP, TLS, WebSocket):
//!
//! | option | default | what it limits |
//! | --- | --- | --- |
//! | `max_connections` | 0 | connections in all; 0: three quarters of the files that the process may open, at most 65536 |
//! | `max_connections_per_address` | 2000 | connections with one IPv4 address or IPv6 /64 |
//! | `connection_message_timeout` | 32 | seconds until the first message is complete, and each one that has begun |
//! | `connection_idle_timeout` | 7200 | seconds without any message |

use std::time::Duration;

use conf::Severity;

use super::draft::Draft;
use super::options::Options;
use super::table::{BOOL, Kind, ObjectType, OptionSpec, Shown, UINT, opt};
use super::value::Value;

/// The table of `type=system`.
pub static SYSTEM: ObjectType = ObjectType::new("system", OPTIONS);

const OPTIONS: &[OptionSpec] = &[
    opt("accept_multiple_sdp_answers", BOOL, "no"),
    opt("compact_headers", BOOL, "no"),
    opt("connection_idle_timeout", SECONDS, "7200").listed(Shown::Never),
    opt("connection_message_timeout", SECONDS, "32").listed(Shown::Never),
    opt("disable_rport", BOOL, "no"),
    opt("disable_tcp_switch", BOOL, "yes"),
    opt("follow_early_media_fork", BOOL, "yes"),
    opt("max_connections", UINT, "0").listed(Shown::Never),
    opt("max_connections_per_address", UINT, "2000").listed(Shown::Never),
    opt("taskpool_auto_increment", UINT, "1"),
    opt("taskpool_idle_timeout", UINT, "60"),
    opt("taskpool_initial_size", UINT, "4"),
    opt("taskpool_max_size", UINT, "50"),
    opt("taskpool_minimum_size", UINT, "4"),
    opt("threadpool_auto_increment", UINT, "1"),
    opt("threadpool_idle_timeout", UINT, "60"),
    opt("threadpool_initial_size", UINT, "4"),
    opt("threadpool_max_size", UINT, "50"),
    opt("timer_b", UINT, "32000"),
    opt("timer_t1", UINT, "500"),
];

/// A time that is not none at all.
const SECONDS: Kind = Kind::Number { min: 1, max: u32::MAX as i64 };

/// The smallest T1, in milliseconds.
const MIN_TIMER_T1: u32 = 100;

/// How many connections there may be, and how long one may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections in all; `None` for what the limit on open files allows.
    pub most: Option<usize>,
    /// Connections with one IPv4 address or IPv6 /64: an office behind one address fits.
    pub per_address: usize,
    /// Time until the first message is complete, handshakes included, and each one that has begun.
    pub message_time: Duration,
    /// Time without any message: twice the longest subscription.
    pub idle_time: Duration,
}

/// Settings of the SIP stack as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// T1 of RFC 3261: the estimate of a round trip.
    pub timer_t1: Duration,
    /// Timer B of RFC 3261, and with it D, F, H and J; at least 64 times T1.
    pub timer_b: Duration,
    /// Whether headers are written by their compact names.
    pub compact_headers: bool,
    /// Whether requests too long for UDP stay on UDP (RFC 3261, 18.1.1 would have TCP).
    pub disable_tcp_switch: bool,
    /// Limits of connections.
    pub connections: ConnectionLimits,
    /// Whether our own Via goes without `rport`.
    pub disable_rport: bool,
    /// Every option, for listings.
    pub options: Options,
}

impl System {
    /// The settings of a section.
    pub(crate) fn build(draft: &mut Draft<'_>) -> Self {
        let t1 = draft.options.number("timer_t1").max(MIN_TIMER_T1);
        raise(draft, "timer_t1", t1);
        let b = draft.options.number("timer_b").max(t1.saturating_mul(64));
        raise(draft, "timer_b", b);
        Self::from_options(draft.options.clone())
    }

    fn from_options(options: Options) -> Self {
        Self {
            timer_t1: Duration::from_millis(options.number("timer_t1").into()),
            timer_b: Duration::from_millis(options.number("timer_b").into()),
            compact_headers: options.flag("compact_headers"),
            disable_tcp_switch: options.flag("disable_tcp_switch"),
            disable_rport: options.flag("disable_rport"),
            connections: ConnectionLimits {
                most: Some(options.number("max_connections") as usize).filter(|most| *most > 0),
                per_address: options.number("max_connections_per_address") as usize,
                message_time: Duration::from_secs(options.number("connection_message_timeout").into()),
                idle_time: Duration::from_secs(options.number("connection_idle_timeout").into()),
            },
            options,
        }
    }
}

impl Default for System {
    fn default() -> Self {
        Self::from_options(Options::new(&SYSTEM))
    }
}

/// Sets `option` to `least` when it is less.
fn raise(draft: &mut Draft<'_>, option: &str, least: u32) {
    let written = draft.options.number(option);
    if written < least {
        draft.complain(Severity::Warning, option, &format!("is {written}, too short, raised to {least} ms"));
        draft.options.replace(option, Value::Number(least.into()));
    }
}
