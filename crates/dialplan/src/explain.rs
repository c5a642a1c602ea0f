//! Why a hint shows what it shows, and what it showed before: [`Hints::explain`](crate::Hints::explain).

use std::fmt;
use std::sync::Arc;

use state::{Call, DeviceState, ExtensionState, PresenceState, PresenceValue, SourceId};

use crate::definition::HintDefinition;

/// Everything that a hint's state is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// `1000@default`
    pub key: Arc<str>,
    /// What it is defined as, and where.
    pub definition: Arc<HintDefinition>,
    /// Its devices, in its order.
    pub devices: Vec<DeviceExplanation>,
    /// Its presence providers, in its order, and what each says.
    pub providers: Vec<(Arc<str>, PresenceValue)>,
    /// What the devices add up to.
    pub aggregate: DeviceState,
    /// What that makes of the extension.
    pub state: ExtensionState,
    /// What the presence providers add up to.
    pub presence: PresenceValue,
    /// How many watch it.
    pub watchers: usize,
    /// When this was asked for, in milliseconds since 1970 on the clock of the hints.
    pub now: u64,
    /// The last 50 visible changes, newest first.
    pub changes: Vec<Change>,
}

/// One device of an [`Explanation`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceExplanation {
    /// Its name, as the hint spells it.
    pub name: Arc<str>,
    /// What its sources add up to; [`DeviceState::Invalid`] if there is none.
    pub state: DeviceState,
    /// Who reports it.
    pub sources: Vec<SourceReport>,
    /// The call that it is in, where a source knows it.
    pub call: Option<Arc<Call>>,
}

/// What one source says of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceReport {
    /// Who says so.
    pub source: SourceId,
    /// What it says.
    pub state: DeviceState,
    /// Milliseconds since it last said so.
    pub age: u64,
    /// Milliseconds until its lease ends, if it has one.
    pub lease_left: Option<u64>,
}

/// A visible change of a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When, in milliseconds since 1970 on the clock of the hints.
    pub at: u64,
    /// The extension's state before and after.
    pub state: (ExtensionState, ExtensionState),
    /// The presence before and after.
    pub presence: (PresenceValue, PresenceValue),
    /// Why.
    pub cause: Arc<Cause>,
}

/// Why a hint shows something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A device's aggregate, or its call, changed; `None` is a device that nobody reports.
    Device {
        /// The device.
        device: Arc<str>,
        /// What it was.
        old: Option<DeviceState>,
        /// What it is.
        new: Option<DeviceState>,
        /// Who changed it.
        by: By,
    },
    /// A presentity changed.
    Presence {
        /// The presentity.
        presentity: Arc<str>,
        /// What it was.
        old: PresenceState,
        /// What it is.
        new: PresenceState,
        /// Who changed it.
        by: By,
    },
    /// The hint was read again and looks at something else.
    Reload,
}

/// Who changed a device or a presentity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A source said something else.
    Source(SourceId),
    /// A source took back what it said.
    Withdrawn(SourceId),
    /// A lease ended without being renewed.
    LeaseEnd,
    /// A provider of this label came.
    ProviderAdded(Arc<str>),
    /// The provider of this label went.
    ProviderRemoved(Arc<str>),
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => write!(f, "source {source}"),
            Self::Withdrawn(source) => write!(f, "source {source} withdrew"),
            Self::LeaseEnd => f.write_str("lease ended"),
            Self::ProviderAdded(label) => write!(f, "provider {label} added"),
            Self::ProviderRemoved(label) => write!(f, "provider {label} removed"),
        }
    }
}

impl fmt::Display for Cause {
    /// `Custom:lamp1 NOT_INUSE -> INUSE (source Custom)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device { device, old, new: Some(new), by } if *old == Some(*new) => {
                write!(f, "{device} {} with another call ({by})", new.word())
            }
            Self::Device { device, old, new, by } => {
                let word = |state: &Option<DeviceState>| state.unwrap_or(DeviceState::Invalid).word();
                write!(f, "{device} {} -> {} ({by})", word(old), word(new))
            }
            // The texts may have changed alone.
            Self::Presence { presentity, old, new, by } if old == new => {
                write!(f, "{presentity} {} with other texts ({by})", presence_word(*new))
            }
            Self::Presence { presentity, old, new, by } => {
                write!(f, "{presentity} {} -> {} ({by})", presence_word(*old), presence_word(*new))
            }
            Self::Reload => f.write_str("reload"),
        }
    }
}

/// A presence for people: that nothing answers has no word of its own.
fn presence_word(state: PresenceState) -> &'static str {
    if state == PresenceState::Invalid { "invalid" } else { state.word() }
}
