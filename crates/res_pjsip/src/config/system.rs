//! `type=system`: read once, at start.

use std::time::Duration;

use conf::Severity;

use super::draft::Draft;
use super::options::Options;
use super::table::{BOOL, ObjectType, OptionSpec, UINT, opt};
use super::value::Value;

/// The table of `type=system`.
pub static SYSTEM: ObjectType = ObjectType::new("system", OPTIONS);

const OPTIONS: &[OptionSpec] = &[
    opt("accept_multiple_sdp_answers", BOOL, "no"),
    opt("compact_headers", BOOL, "no"),
    opt("disable_rport", BOOL, "no"),
    opt("disable_tcp_switch", BOOL, "yes"),
    opt("follow_early_media_fork", BOOL, "yes"),
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

/// The smallest T1, in milliseconds.
const MIN_TIMER_T1: u32 = 100;

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
