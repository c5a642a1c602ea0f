//! What only the one writer sees: reports of sources, and which hints look at which device.
//!
//! A change costs what it concerns: the hints of the device, found by its name.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use state::{Call, DeviceChange, DeviceState, DeviceStates, Name, NameRef, PresenceValue, SourceId};

use super::autohints::AutoHints;
use super::history::History;
use super::providers::Providers;
use super::table::Table;
use super::watching::Watching;
use crate::definition::{HintDefinition, Origin};
use crate::dialplan::{Dialplan, Found};
use crate::explain::{By, Cause};
use crate::functions::Functions;
use crate::hint::Hint;
use crate::parse;
use crate::provider::split_device;
use crate::snapshot::{ExtensionSnapshot, Shown};
use crate::variables::{Calls, expand};

#[derive(Default)]
pub(super) struct Writer {
    /// What is said of each device, and the hints that name it.
    pub(super) states: DeviceStates<Watching>,
    pub(super) providers: Providers,
    /// What a presentity says, and the hints that name it.
    pub(super) presentities: HashMap<Name, Presentity, RandomState>,
    pub(super) history: History,
    pub(super) autohints: AutoHints,
    /// Hints of patterns that nobody watched when they were last looked at, the oldest first.
    pub(super) unwatched: VecDeque<Arc<Hint>>,
    /// When the change that is being made is made, in milliseconds since 1970.
    pub(super) now: u64,
    seq: u64,
    news: Vec<ExtensionSnapshot>,
}

#[derive(Default)]
pub(super) struct Presentity {
    pub(super) value: PresenceValue,
    pub(super) hints: Vec<Arc<Hint>>,
}

impl Writer {
    /// What became visible since this was last called, in order.
    pub(super) fn take_news(&mut self) -> Vec<ExtensionSnapshot> {
        std::mem::take(&mut self.news)
    }

    pub(super) fn set(
        &mut self,
        device: &str,
        source: &SourceId,
        state: DeviceState,
        lease: Option<u64>,
        call: Option<Arc<Call>>,
    ) {
        let change = self.states.set_with_call(device, source, state, self.now, lease, call);
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
                Some(answer) => answer.state,
                None => self.shown(device),
            },
            Some(state) => state,
        }
    }

    pub(super) fn device_states(&self) -> Vec<(Arc<str>, DeviceState)> {
        let states = self.states.iter();
        states.map(|(name, state)| (name.into(), state)).collect()
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
        let answer = self.providers.ask(device)?;
        self.states.set_with_call(device, &answer.source, answer.state, self.now, None, answer.call)
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
        let meant =
            |device: &&str| split_device(device).is_some_and(|(_, l, _)| l.eq_ignore_ascii_case(label));
        let devices: Vec<Box<str>> = self.states.attached().filter(meant).map(Box::from).collect();
        devices.iter().filter_map(|device| self.ask(device)).collect()
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
        let hint = Hint::new(exten, &found.context.name, Arc::new(definition));
        self.watch_new(&hint);
        table.insert(&hint);
        self.make_room(table, &hint);
        hint
    }

    /// Lets a hint that nobody knows yet follow its devices, and computes it.
    pub(super) fn watch_new(&mut self, hint: &Arc<Hint>) {
        self.watch(hint, &hint.definition());
        // What it shows first is no change, so the cause does not matter.
        self.refresh(hint, &Arc::new(Cause::Reload));
    }

    /// Lets a hint follow the devices and presentities of its definition.
    pub(super) fn watch(&mut self, hint: &Arc<Hint>, definition: &HintDefinition) {
        for device in definition.devices() {
            if self.watching(device).is_empty() {
                // No hint looks at it yet, so none needs to hear of the change.
                self.ask_if_silent(device);
            }
            self.states.attach(device, |watching| watching.add(hint));
        }
        for presentity in definition.presence() {
            if !self.presentities.contains_key(&NameRef(presentity)) {
                let value = self.ask_presence(presentity);
                let hints = Vec::new();
                self.presentities.insert(Name::new(presentity), Presentity { value, hints });
            }
            if let Some(entry) = self.presentities.get_mut(&NameRef(presentity))
                && !entry.hints.last().is_some_and(|h| Arc::ptr_eq(h, hint))
            {
                entry.hints.push(hint.clone());
            }
        }
    }

    /// The hints that name a device.
    pub(super) fn watching(&self, device: &str) -> &[Arc<Hint>] {
        self.states.attachment(device).map_or(&[], Watching::as_slice)
    }

    /// Recomputes what a hint shows, and tells it if that is visibly something else.
    pub(super) fn refresh(&mut self, hint: &Arc<Hint>, cause: &Arc<Cause>) {
        self.refresh_as(hint, &hint.definition(), cause);
    }

    /// [`refresh`](Self::refresh) of a hint that is defined as this from now on.
    pub(super) fn refresh_as(
        &mut self,
        hint: &Arc<Hint>,
        definition: &Arc<HintDefinition>,
        cause: &Arc<Cause>,
    ) {
        let before = hint.shown();
        let states = definition.devices().map(|device| self.shown(device)).collect();
        let calls = definition.devices().enumerate();
        let calls = calls.filter_map(|(place, device)| Some((place, self.states.call(device)?.clone())));
        let shown = before.next(definition, states, calls.collect(), self.presence_of(definition));
        if !shown.looks_like(&before) {
            self.history.note(self.now, hint, &before, &shown, cause);
            self.publish(hint, shown);
        } else if shown != *before {
            hint.show(Arc::new(shown));
        }
    }

    /// Shows that a hint is gone.
    pub(super) fn retire(&mut self, hint: &Arc<Hint>) {
        self.history.forget(hint.key());
        self.publish(hint, hint.shown().end());
    }

    fn publish(&mut self, hint: &Arc<Hint>, mut shown: Shown) {
        self.seq += 1;
        shown.seq = self.seq;
        let shown = Arc::new(shown);
        hint.show(shown.clone());
        self.news.push(ExtensionSnapshot::new(hint.clone(), shown));
    }

    /// Recomputes the hints of devices that changed.
    pub(super) fn apply(&mut self, changes: impl IntoIterator<Item = DeviceChange>, by: &By) {
        for change in changes {
            if change.new.is_some() {
                self.autohints.note(&change.device);
            }
            let hints = self.watching(&change.device).to_vec();
            if hints.is_empty() {
                continue;
            }
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

    fn presence_of(&self, definition: &HintDefinition) -> PresenceValue {
        let entry = |name: &str| self.presentities.get(&NameRef(name));
        PresenceValue::aggregate(definition.presence().filter_map(entry).map(|entry| &entry.value))
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
    let expanded = |text| expand(text, &value, Calls::Run(functions)).0;
    let (text, name) = (expanded(found.hint.text()), expanded(found.hint.name()));
    Some(HintDefinition::new(&text, &name, found.hint.pos.clone(), Origin::Pattern))
}
