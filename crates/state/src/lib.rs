//! What a lamp can show, and who says so: device states, extension states, presence states, and
//! the [`DeviceStates`] that keeps what several sources say of one device.
//!
//! Everything here is pure: no clock, no lock, no I/O. Times are `u64` milliseconds on a clock
//! that the caller owns.
//!
//! ```
//! use state::{DeviceState, DeviceStates, ExtensionState, SourceId};
//!
//! let mut states = DeviceStates::new();
//! let (here, there) = (SourceId::new("PJSIP"), SourceId::new("publish:00:1b:63"));
//! states.set("PJSIP/alice", &here, DeviceState::Ringing, 0, None);
//! states.set("pjsip/alice", &there, DeviceState::InUse, 0, Some(30_000));
//!
//! let both = states.get("PJSIP/alice").expect("was just set");
//! assert_eq!(both, DeviceState::RingInUse);
//! assert_eq!(ExtensionState::from(both).text(), "InUse&Ringing");
//!
//! states.expire(30_000); // the other server was not heard of again
//! assert_eq!(states.get("PJSIP/alice"), Some(DeviceState::Ringing));
//! ```

mod call;
pub mod cli;
mod device;
mod devices;
mod extension;
mod name;
mod presence;
mod report;

pub use call::{Call, Party};
pub use device::{DeviceState, UnknownWord};
pub use devices::{Attachment, DeviceChange, DeviceStates};
pub use extension::ExtensionState;
pub use name::{Name, NameRef};
pub use presence::{PresenceState, PresenceValue};
pub use report::{Reported, SourceId};
