//! What only the one writer sees: reports of sources, and which hints look at which device.
//!
//! A change costs what it concerns: the hints of the device, found by its name.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use state::{
    DeviceChange, DeviceState, DeviceStates, ExtensionState, Name, NameRef, PresenceValue, SourceId,
};

use super::autohints::AutoHints;
use super::history::History;
use super::providers::Providers;
use super::table::{Table, key};
use crate::dialplan::{Dialplan, Found};
use crate::explain::{By, Cause};
use crate::functions::Functions;
use crate::hint::{DeviceSnapshot, ExtensionSnapshot, Hint, HintDefinition};
use crate::parse;
use crate::provider::split_device;
use crate::variables::{Calls, expand};

#[derive(Default)]
pub(super) struct Writer {
    pub(super) states: DeviceStates,
    pub(super) providers: Providers,
    /// The hints that name a device.
    pub(super) devices: HashMap<Name, Vec<Arc<Hint>>, RandomState>,
    /// What a presentity says, and the hints that name it.
    pub(super) presentities: HashMap<Name, Presentity, RandomState>,
    pub(super) history: History,
    pub(super) autohints: AutoHints,
    /// Hints of patterns that nobody watched when they were last looked at, the oldest first.
    pub(super) unwatched: VecDeque<Arc<Hint>>,
    /// When the change that is being made is made, in milliseconds since 1970.
    pub(super) now: u64,
    seq: u64,
    news: Vec<Arc<ExtensionSnapshot>>,
}

#[derive(Default)]
pub(super) struct Presentity {
    pub(super) value: PresenceValue,
    pub(super) hints: Vec<Arc<Hint>>,
}

impl Writer {
    /// What became visible since this was last called, in order.
    pub(super) fn take_news(&mut self) -> Vec<Arc<ExtensionSnapshot>> {
        std::mem::take(&mut self.news)
    }

    pub(super) fn set(&mut self, device: &str, source: &SourceId, state: DeviceState, lease: Option<u64>) {
        let change = self.states.set(device, source, state, self.now, lease);
        self.apply(change, &By::Source(source.clone()));
    }

    pub(super) fn remove(&mut self, device: &str, source: &SourceId) {
        let change = self.states.remove(device, source);
        let answer = self.ask_if_silent(device);
        self.apply(change.into_iter().chain(answer), &By::Withdrawn(source.clone()));
    }

    pub(super) fn remove_source(&mut self, source: &SourceId, by: &By) {
        let mut changes = self.states.remove_source(source);
        changes.extend(self.ask_all(source.as_str()));
        self.apply(changes, by);
    }

    pub(super) fn expire(&mut self, now: u64) {
        let changes = self.states.expire(now);
        self.apply(changes, &By::LeaseEnd);
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.states.next_deadline()
    }

    pub(super) fn device_state(&self, device: &str) -> DeviceState {
        match self.states.get(device) {
            None | Some(DeviceState::Unknown) => match self.providers.ask(device) {
                Some((_, state)) => state,
                None => self.shown(device),
            },
            Some(state) => state,
        }
    }

    pub(super) fn device_states(&self) -> Vec<(Arc<str>, DeviceState)> {
        let states = self.states.iter();
        states.map(|(name, state)| (name.clone(), state)).collect()
    }

    pub(super) fn ask_presence(&self, presentity: &str) -> PresenceValue {
        let value = self.providers.ask_presence(presentity);
        value.unwrap_or_else(PresenceValue::invalid)
    }

    /// Takes over what the provider of a device answers now.
    pub(super) fn ask_again(&mut self, device: &str) {
        if let Some(source) = self.providers.source(device) {
            let change = self.ask(device);
            self.apply(change, &By::Source(source));
        }
    }

    fn ask(&mut self, device: &str) -> Option<DeviceChange> {
        let (source, state) = self.providers.ask(device)?;
        self.states.set(device, &source, state, self.now, None)
    }

    /// Asks the provider of a device that a hint names, or is about to, if it said nothing
    /// definite yet.
    fn ask_if_silent(&mut self, device: &str) -> Option<DeviceChange> {
        let source = self.providers.source(device)?;
        let mut reports = self.states.reports(device).iter();
        let own = reports.find(|report| report.source == source);
        match own.map(|report| report.state) {
            None | Some(DeviceState::Unknown) => self.ask(device),
            Some(_) => None,
        }
    }

    /// Asks for all devices of hints that have this label or technology.
    pub(super) fn ask_all(&mut self, label: &str) -> Vec<DeviceChange> {
        let meant = |device: &&Name| {
            split_device(device.as_str()).is_some_and(|(_, l, _)| l.eq_ignore_ascii_case(label))
        };
        let devices: Vec<Name> = self.devices.keys().filter(meant).cloned().collect();
        let mut changes = Vec::new();
        for device in devices {
            changes.extend(self.ask(device.as_str()));
        }
        changes
    }

    pub(super) fn presence_changed(&mut self, presentity: &str, by: &By) {
        if !self.presentities.contains_key(&NameRef(presentity)) {
            return;
        }
        let value = self.ask_presence(presentity);
        let Some(entry) = self.presentities.get_mut(&NameRef(presentity)) else {
            return;
        };
        let cause = Arc::new(Cause::Presence {
            presentity: presentity.into(),
            old: entry.value.state,
            new: value.state,
            by: by.clone(),
        });
        entry.value = value;
        for hint in entry.hints.clone() {
            self.refresh(&hint, &cause);
        }
    }

    /// Makes the hint of a pattern for one extension, as it was [defined](instance).
    pub(super) fn instantiate(
        &mut self,
        table: &Table,
        found: Found<'_>,
        exten: &str,
        definition: HintDefinition,
    ) -> Arc<Hint> {
        let context = found.context.name.clone();
        let key = key(exten, &context).into();
        let hint = Hint::new(key, exten.into(), context, definition);
        self.watch_new(&hint);
        table.insert(&hint);
        self.make_room(table, &hint);
        hint
    }

    /// Lets a hint that nobody knows yet follow its devices, and computes it.
    pub(super) fn watch_new(&mut self, hint: &Arc<Hint>) {
        self.watch(hint);
        // What it shows first is no change, so the cause does not matter.
        self.refresh(hint, &Arc::new(Cause::Reload));
    }

    /// Lets a hint follow its devices and presentities.
    pub(super) fn watch(&mut self, hint: &Arc<Hint>) {
        let definition = hint.definition();
        for device in &definition.members.devices {
            if !self.devices.contains_key(&NameRef(device)) {
                // No hint looks at it yet, so none needs to hear of the change.
                self.ask_if_silent(device);
            }
            let hints = self.devices.entry(Name::new(device.clone()));
            // Most devices have one hint.
            let hints = hints.or_insert_with(|| Vec::with_capacity(1));
            // Hints come one after the other: if this one is in, it is the last.
            if !hints.last().is_some_and(|last| Arc::ptr_eq(last, hint)) {
                hints.push(hint.clone());
            }
        }
        for presentity in &definition.members.presence {
            let name = Name::new(presentity.clone());
            if !self.presentities.contains_key(&name) {
                let value = self.ask_presence(presentity);
                let hints = Vec::new();
                self.presentities.insert(name.clone(), Presentity { value, hints });
            }
            if let Some(entry) = self.presentities.get_mut(&name)
                && !entry.hints.last().is_some_and(|h| Arc::ptr_eq(h, hint))
            {
                entry.hints.push(hint.clone());
            }
        }
    }

    /// Recomputes what a hint shows, and tells it if that is visibly something else.
    pub(super) fn refresh(&mut self, hint: &Hint, cause: &Arc<Cause>) {
        let before = hint.snapshot();
        let definition = hint.definition();
        let members = &definition.members;
        let devices =
            members.devices.iter().map(|name| DeviceSnapshot { name: name.clone(), state: self.shown(name) });
        let devices: Vec<_> = devices.collect();
        let aggregate = DeviceState::aggregate(devices.iter().map(|device| device.state));
        let snapshot = ExtensionSnapshot {
            state: ExtensionState::from(aggregate),
            devices,
            presence: self.presence_of(&members.presence),
            name: definition.name.clone(),
            ..ExtensionSnapshot::clone(&before)
        };
        if snapshot.state != before.state || snapshot.presence != before.presence {
            self.history.note(self.now, &before, &snapshot, cause);
            self.publish(hint, snapshot);
        } else if snapshot != *before {
            hint.show(Arc::new(snapshot));
        }
    }

    /// Shows that a hint is gone.
    pub(super) fn retire(&mut self, hint: &Hint) {
        let snapshot = ExtensionSnapshot {
            state: ExtensionState::Removed,
            devices: Vec::new(),
            removed: true,
            ..ExtensionSnapshot::clone(&hint.snapshot())
        };
        self.history.forget(hint.key());
        self.publish(hint, snapshot);
    }

    fn publish(&mut self, hint: &Hint, mut snapshot: ExtensionSnapshot) {
        self.seq += 1;
        snapshot.seq = self.seq;
        let snapshot = Arc::new(snapshot);
        hint.show(snapshot.clone());
        self.news.push(snapshot);
    }

    /// Recomputes the hints of devices that changed.
    pub(super) fn apply(&mut self, changes: impl IntoIterator<Item = DeviceChange>, by: &By) {
        for change in changes {
            if change.new.is_some() {
                self.autohints.note(&change.device);
            }
            let Some(hints) = self.devices.get(&NameRef(&change.device)).cloned() else {
                continue;
            };
            // Its own report may be what ended.
            self.ask_if_silent(&change.device);
            let cause = Arc::new(Cause::Device {
                new: self.states.get(&change.device),
                device: change.device,
                old: change.old,
                by: by.clone(),
            });
            hints.iter().for_each(|hint| self.refresh(hint, &cause));
        }
    }

    pub(super) fn shown(&self, device: &str) -> DeviceState {
        let state = self.states.get(device);
        state.unwrap_or(DeviceState::Invalid)
    }

    fn presence_of(&self, presentities: &[Arc<str>]) -> PresenceValue {
        let entry = |name: &Arc<str>| self.presentities.get(&NameRef(name));
        PresenceValue::aggregate(presentities.iter().filter_map(entry).map(|e| &e.value))
    }
}

/// Whether a name means nothing else inside of a hint's value or in a key.
pub(super) fn is_plain(exten: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"&,@(){}[]$".contains(c);
    exten.len() <= 79 && exten.chars().all(plain)
}

/// What a pattern hint means for one extension. Calls functions: only without the writer's lock.
///
/// Names that would mean something else inside of a hint's value, or in a key, are refused: nobody
/// may watch a device of his own choice.
pub(super) fn instance(
    dialplan: &Dialplan,
    functions: &Functions,
    found: Found<'_>,
    exten: &str,
) -> Option<HintDefinition> {
    if !is_plain(exten) {
        return None;
    }
    let globals = dialplan.global_map();
    let place = Some((exten, &*found.context.name));
    let value = |name: &str| parse::value(&globals, place, name);
    // What cannot be expanded was reported when the pattern was read.
    let expanded = |text: &str| Arc::from(&*expand(text, &value, Calls::Run(functions)).0);
    let mut hint = found.hint.clone();
    hint.app = expanded(&hint.app);
    hint.data = expanded(&hint.data);
    Some(HintDefinition { from_pattern: true, ..HintDefinition::new(&hint) })
}
