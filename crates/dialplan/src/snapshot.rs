//! What an extension shows at one moment.

use std::sync::{Arc, LazyLock};

use state::{Call, DeviceState, ExtensionState, PresenceValue};

use crate::definition::HintDefinition;

/// What an extension shows.
// There is one for each hint, and one more with each change: as small as it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionSnapshot {
    key: Arc<str>,
    /// Length of the extension in the key.
    exten: u32,
    /// What its devices make of it.
    pub state: ExtensionState,
    /// Whether the hint is gone for good.
    pub removed: bool,
    /// Grows with every visible change (state, presence, call, removal) of any hint: of two snapshots
    /// of a hint the one with the greater number is the newer one. Devices and display name may
    /// differ between snapshots of one number.
    pub seq: u64,
    definition: Arc<HintDefinition>,
    /// The states of the definition's devices, in its order.
    devices: Box<[DeviceState]>,
    /// What few hints have.
    rest: Option<Box<Rest>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rest {
    presence: PresenceValue,
    /// The calls of devices, each with its place in `devices`.
    calls: Vec<(usize, Arc<Call>)>,
}

/// A device of a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceSnapshot<'a> {
    /// Its name, as the hint spells it.
    pub name: &'a str,
    /// Its state; [`DeviceState::Invalid`] if nobody reports it.
    pub state: DeviceState,
    /// The call that it is in, where a source knows it.
    pub call: Option<&'a Arc<Call>>,
}

static NO_PRESENCE: LazyLock<PresenceValue> = LazyLock::new(PresenceValue::default);

impl ExtensionSnapshot {
    /// A hint that shows nothing yet.
    pub(crate) fn new(key: Arc<str>, exten: u32, definition: Arc<HintDefinition>) -> Self {
        Self {
            key,
            exten,
            state: ExtensionState::Deactivated,
            removed: false,
            seq: 0,
            definition,
            devices: Box::default(),
            rest: None,
        }
    }

    /// The same hint with this definition, these states and calls of its devices, and this presence.
    pub(crate) fn next(
        &self,
        definition: &Arc<HintDefinition>,
        devices: Box<[DeviceState]>,
        calls: Vec<(usize, Arc<Call>)>,
        presence: PresenceValue,
    ) -> Self {
        let is_plain = calls.is_empty() && presence == *NO_PRESENCE;
        Self {
            key: self.key.clone(),
            state: ExtensionState::from(DeviceState::aggregate(devices.iter().copied())),
            definition: definition.clone(),
            devices,
            rest: (!is_plain).then(|| Box::new(Rest { presence, calls })),
            ..*self
        }
    }

    /// The end of the hint.
    pub(crate) fn end(&self) -> Self {
        Self { state: ExtensionState::Removed, devices: Box::default(), removed: true, ..self.clone() }
    }

    /// Whether phones must be told: the difference shows on a lamp, or it rings for someone else.
    pub(crate) fn looks_like(&self, other: &Self) -> bool {
        let rings = |state: ExtensionState| state.bits() > 0 && state.bits() & 8 != 0;
        self.state == other.state
            && self.presence() == other.presence()
            && (!rings(self.state) || self.calls() == other.calls())
    }

    /// `1000@default`
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// The extension: `1000`.
    pub fn exten(&self) -> &str {
        exten(&self.key, self.exten)
    }

    /// The context that the hint stands in.
    pub fn context(&self) -> &str {
        context(&self.key, self.exten)
    }

    /// The display name; may be empty.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// What the hint is defined as.
    pub fn definition(&self) -> &Arc<HintDefinition> {
        &self.definition
    }

    /// What its presence providers say; [`PresenceState::Invalid`](state::PresenceState) if none
    /// of them answers.
    pub fn presence(&self) -> &PresenceValue {
        self.rest.as_ref().map_or(&NO_PRESENCE, |rest| &rest.presence)
    }

    /// Each device of the hint, in its order.
    pub fn devices(&self) -> impl Iterator<Item = DeviceSnapshot<'_>> {
        let call = |place: usize| self.calls().iter().find(|(at, _)| *at == place).map(|(_, call)| call);
        let states = self.devices.iter().enumerate();
        let named = self.definition.devices().zip(states);
        named.map(move |(name, (place, state))| DeviceSnapshot { name, state: *state, call: call(place) })
    }

    fn calls(&self) -> &[(usize, Arc<Call>)] {
        self.rest.as_ref().map_or(&[], |rest| &rest.calls)
    }
}

/// The extension of a key.
pub(crate) fn exten(key: &str, length: u32) -> &str {
    key.get(..length as usize).unwrap_or_default()
}

/// The context of a key.
pub(crate) fn context(key: &str, exten: u32) -> &str {
    key.get(exten as usize + 1..).unwrap_or_default()
}
