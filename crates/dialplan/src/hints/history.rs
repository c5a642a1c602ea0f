//! The last changes of each hint. A hint that never changed has none and costs nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::Hints;
use super::writer::Writer;
use crate::explain::{Cause, Change, DeviceExplanation, Explanation, SourceReport};
use crate::hint::Hint;
use crate::snapshot::Shown;
use state::{DeviceState, ExtensionState, NameRef};

/// So many changes of a hint are kept.
const KEPT: usize = 50;

#[derive(Default)]
pub(super) struct History(HashMap<Box<str>, VecDeque<Change>, RandomState>);

impl History {
    /// Keeps a change. The first computation of a hint is none.
    pub(super) fn note(&mut self, at: u64, hint: &Hint, before: &Shown, after: &Shown, cause: &Arc<Cause>) {
        if before.state == ExtensionState::Deactivated {
            return;
        }
        let changes = self.0.entry(hint.key().into()).or_default();
        changes.truncate(KEPT - 1);
        changes.push_front(Change {
            at,
            state: (before.state, after.state),
            presence: (before.presence().clone(), after.presence().clone()),
            cause: cause.clone(),
        });
    }

    /// Forgets a hint that is gone.
    pub(super) fn forget(&mut self, key: &str) {
        self.0.remove(key);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn of(&self, key: &str) -> Vec<Change> {
        self.0.get(key).into_iter().flatten().cloned().collect()
    }
}

impl Hints {
    /// Why the hint of a key, `1000@default`, shows what it shows; `None` if there is no such hint, or
    /// nobody asked yet for that extension of a pattern.
    pub fn explain(&self, key: &str) -> Option<Explanation> {
        let now = self.now();
        let writer = self.lock();
        let hint = self.get(key)?;
        Some(writer.explain(&hint, now))
    }
}

impl Writer {
    fn explain(&self, hint: &Hint, now: u64) -> Explanation {
        let (definition, snapshot) = (hint.definition(), hint.shown());
        let report = |device: &str, report: &state::Reported| SourceReport {
            source: report.source.clone(),
            state: report.state,
            age: now.saturating_sub(report.at),
            lease_left: self.states.deadline(device, &report.source).map(|at| at.saturating_sub(now)),
        };
        let device = |name: &str| DeviceExplanation {
            name: name.into(),
            state: self.shown(name),
            sources: self.states.reports(name).iter().map(|said| report(name, said)).collect(),
            call: self.states.call(name).cloned(),
        };
        let value = |name: &str| {
            let entry = self.presentities.get(&NameRef(name));
            (name.into(), entry.map(|entry| entry.value.clone()).unwrap_or_default())
        };
        let devices: Vec<_> = definition.devices().map(device).collect();
        Explanation {
            key: hint.key().into(),
            providers: definition.presence().map(value).collect(),
            definition: definition.clone(),
            aggregate: DeviceState::aggregate(devices.iter().map(|device| device.state)),
            devices,
            state: snapshot.state,
            presence: snapshot.presence().clone(),
            watchers: hint.watchers(),
            now,
            changes: self.history.of(hint.key()),
        }
    }
}
