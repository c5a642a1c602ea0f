//! What an extension shows at one moment.

use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use state::{Call, DeviceState, ExtensionState, PresenceValue};

use crate::definition::HintDefinition;
use crate::hint::Hint;

/// A hint and what it showed at one moment.
#[derive(Debug, Clone)]
pub struct ExtensionSnapshot {
    hint: Arc<Hint>,
    shown: Arc<Shown>,
}

impl ExtensionSnapshot {
    pub(crate) fn new(hint: Arc<Hint>, shown: Arc<Shown>) -> Self {
        Self { hint, shown }
    }

    /// Whose it is.
    pub fn hint(&self) -> &Arc<Hint> {
        &self.hint
    }

    /// `1000@default`
    pub fn key(&self) -> &str {
        self.hint.key()
    }

    /// The extension: `1000`.
    pub fn exten(&self) -> &str {
        self.hint.exten()
    }

    /// The context that the hint stands in.
    pub fn context(&self) -> &str {
        self.hint.context()
    }
}

impl Deref for ExtensionSnapshot {
    type Target = Shown;

    fn deref(&self) -> &Shown {
        &self.shown
    }
}

/// What a hint shows.
// There is one for each hint, and one more with each change: as small as it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What its devices make of it.
    pub state: ExtensionState,
    /// Whether the hint is gone for good.
    pub removed: bool,
    /// Grows with every visible change (state, presence, call, removal) of any hint: of two snapshots
    /// of a hint the one with the greater number is the newer one. Devices and display name may
    /// differ between snapshots of one number.
    pub seq: u64,
    definition: Arc<HintDefinition>,
    /// The states of the definition's devices, in its order, unless there are more.
    few: [Option<DeviceState>; 8],
    /// What few hints have.
    rest: Option<Box<Rest>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rest {
    /// The states of the definition's devices where they are too many for [`Shown::few`].
    many: Vec<DeviceState>,
    presence: PresenceValue,
    /// The calls of devices, each with its place among them.
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

impl Shown {
    /// A hint that shows nothing yet.
    pub(crate) fn new(definition: Arc<HintDefinition>) -> Self {
        Self {
            state: ExtensionState::Deactivated,
            removed: false,
            seq: 0,
            definition,
            few: [None; 8],
            rest: None,
        }
    }

    /// The same hint with this definition, these states and calls of its devices, and this presence.
    pub(crate) fn next(
        &self,
        definition: &Arc<HintDefinition>,
        devices: Vec<DeviceState>,
        calls: Vec<(usize, Arc<Call>)>,
        presence: PresenceValue,
    ) -> Self {
        let mut few = [None; 8];
        let mut many = Vec::new();
        let aggregate = DeviceState::aggregate(devices.iter().copied());
        if devices.len() > few.len() {
            many = devices;
        } else {
            few.iter_mut().zip(devices).for_each(|(place, state)| *place = Some(state));
        }
        let is_plain = many.is_empty() && calls.is_empty() && presence == *NO_PRESENCE;
        Self {
            state: ExtensionState::from(aggregate),
            definition: definition.clone(),
            few,
            rest: (!is_plain).then(|| Box::new(Rest { many, presence, calls })),
            ..*self
        }
    }

    /// The end of the hint.
    pub(crate) fn end(&self) -> Self {
        let presence = self.presence().clone();
        let last = self.next(&self.definition, Vec::new(), Vec::new(), presence);
        Self { state: ExtensionState::Removed, removed: true, ..last }
    }

    /// Whether phones must be told: the difference shows on a lamp, or it rings for someone else.
    pub(crate) fn looks_like(&self, other: &Self) -> bool {
        let rings = |state: ExtensionState| state.bits() > 0 && state.bits() & 8 != 0;
        self.state == other.state
            && self.presence() == other.presence()
            && (!rings(self.state) || self.calls() == other.calls())
    }

    /// The display name; may be empty.
    pub fn name(&self) -> &str {
        self.definition.name()
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
        let many = self.rest.iter().flat_map(|rest| &rest.many);
        let states = self.few.iter().flatten().chain(many).enumerate();
        let named = self.definition.devices().zip(states);
        named.map(move |(name, (place, state))| DeviceSnapshot { name, state: *state, call: call(place) })
    }

    fn calls(&self) -> &[(usize, Arc<Call>)] {
        self.rest.as_ref().map_or(&[], |rest| &rest.calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hint_shows_takes_five_words() {
        assert_eq!(size_of::<Shown>(), 40);
    }
}
