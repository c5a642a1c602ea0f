//! `extensions.conf`: contexts, patterns, includes, and the live hints that lamps show.
//!
//! ```
//! use dialplan::{Dialplan, Hints};
//! use state::{DeviceState, ExtensionState, SourceId};
//!
//! let config = conf::Loader::new("/etc/asterisk").parse(
//!     "extensions.conf",
//!     "[default]\n\
//!      exten => 1000,hint,PJSIP/alice&PJSIP/alice2,CustomPresence:alice(Alice)\n\
//!      exten => _20XX,hint,Custom:p${EXTEN}\n",
//! )?;
//! let (dialplan, diagnostics) = Dialplan::parse(&config);
//! assert!(diagnostics.is_empty());
//!
//! let hints = Hints::new();
//! hints.replace(dialplan);
//! let alice = hints.find("default", "1000").expect("it has a hint");
//! let source = SourceId::new("PJSIP");
//! hints.set_device_state("PJSIP/alice2", &source, DeviceState::Ringing, None);
//! assert_eq!(alice.snapshot().state, ExtensionState::Ringing);
//!
//! let parked = hints.find("default", "2042").expect("the pattern has a hint");
//! assert_eq!(parked.definition().text(), "Custom:p2042");
//! # Ok::<(), conf::LoadError>(())
//! ```
//!
//! # Where this differs from Asterisk
//!
//! - Names of devices are compared without letter case throughout.
//! - A repeated ringing state is told again only if it rings for another call: else nothing visible
//!   changed.
//! - Hints made of a pattern are expanded anew at a reload. A watched hint whose line is gone lives
//!   on if a pattern hint of its context matches.
//! - Hints made of a pattern go when nobody watched them or asked for them for a minute, and are made
//!   anew when they are asked for. At most 10,000 that nobody watches are kept.
//! - The variables of hints are read anew at each reload; a global that was removed is gone.
//! - An extension that is asked for may not bring `&`, `,` or brackets into a pattern's hint.
//! - `n` right after a hint is reported, blanks around device names do not count.
//! - A function that is not known, or has no value, is reported with the line of the hint. One that leads
//!   back to itself ends after eight rounds.
//! - An include whose times cannot be read does not count. Who watches a hint goes on watching it when
//!   the include through which it was found counts no more.
//! - Autohints are also made for devices that were reported before a reload, in the order of their
//!   names.
//! - Expressions are not evaluated and switches not followed; each is reported with its line.

pub mod cli;
mod context;
mod definition;
mod dialplan;
mod explain;
mod functions;
mod hint;
mod hint_text;
mod hints;
mod parse;
mod pattern;
mod provider;
mod snapshot;
mod timing;
mod variables;

pub use context::{Context, Extension, Include, Priority};
pub use definition::{HintDefinition, Origin};
pub use dialplan::{Dialplan, Found};
pub use explain::{By, Cause, Change, DeviceExplanation, Explanation, SourceReport};
pub use functions::{CallError, Function, FunctionGuard, Functions};
pub use hint::Hint;
pub use hints::{Clock, Hints, ListenGuard, Listener, Orphan, ProviderGuard, ReplaceReport};
pub use provider::{DeviceProvider, PresenceProvider};
pub use snapshot::{DeviceSnapshot, ExtensionSnapshot, Shown};
