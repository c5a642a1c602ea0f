//! The log: `tracing` events written in Asterisk's formats to the channels of `logger.conf`.
//!
//! # How to log (needs only `tracing`)
//!
//! | level | written as | meaning |
//! | --- | --- | --- |
//! | ERROR | `tracing::error!` | something the operator asked for does not work until they act |
//! | WARNING | `tracing::warn!` | the operator should look at it; **never** something that a phone can cause at will |
//! | NOTICE | `tracing::info!` | worth a line in the log, also what a phone did wrong (the line that fail2ban reads) |
//! | VERBOSE n | `tracing::info!(verbose = n, ..)` | the course of events for someone who watches the console; 1 rare, 4 per request |
//! | SECURITY | `tracing::info!(security = true, ..)` | security events in the form `SecurityEvent="..",..` |
//! | DEBUG | `tracing::debug!` (`debug = n` for a level above 1) | for developers; costs nothing while `core set debug` is off |
//! | TRACE | `tracing::trace!` (`trace = n` for a level above 1) | every step; `core set trace` |
//! | custom | `tracing::info!(log.level = "NAME", ..)` | a level named in `custom_levels` of `logger.conf` |
//!
//! ```
//! tracing::info!("Request 'SUBSCRIBE' from '<sip:a@b>' failed for '192.0.2.7:5060' (callid: x) - No matching endpoint found");
//! tracing::info!(verbose = 3, "Subscription of alice to 1000@default is active");
//! tracing::info!(security = true, r#"SecurityEvent="InvalidPassword",Severity="Error""#);
//! ```
//!
//! - The line names the source file as `crate/file.rs`; a field `log.file = "res_x"` names something else instead, as
//!   for code that logs through a host.
//! - Further fields follow the message as ` name=value`.
//! - A message is one line: control characters come out as `\n`, `\x1b`, so nothing that a phone sends can forge a
//!   line. A SIP trace, which wants several lines, sets `multiline = true`; then each line gets its own prefix.
//! - Nothing blocks: a bounded queue (`logger_queue_limit`) leads to one writer thread. What does not fit is dropped
//!   and the count is logged as a WARNING.
//!
//! # How the daemon uses it
//!
//! ```no_run
//! use tracing_subscriber::layer::SubscriberExt;
//!
//! let (logger, layer) = logger::Logger::start(logger::Options::default())?;
//! let subscriber = tracing_subscriber::registry().with(layer);
//! // hand `subscriber` to tracing::subscriber::set_global_default, then read logger.conf:
//! let answer = logger.reload(None);
//! logger.flush(std::time::Duration::from_secs(5));
//! # Ok::<(), std::io::Error>(())
//! ```

mod channel;
mod console;
mod date;
mod escape;
mod format;
mod layer;
mod level;
mod logger;
mod record;
mod rotate;
mod settings;
mod show;
mod syslog;
mod writer;

pub use console::{Console, ConsoleLine};
pub use layer::LogLayer;
pub use level::{Level, LevelSet};
pub use logger::{Answer, Logger, Options, Sink};
pub use settings::check;
