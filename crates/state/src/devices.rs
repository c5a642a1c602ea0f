//! What each source says of each device, for how long, and what it adds up to.
//!
//! A source that goes away, or whose lease ends, takes its contribution with it: no lamp is frozen
//! by a dead source.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};

use crate::{DeviceState, Name, NameRef};

/// Who reports a state: `Custom`, `ami:user`, `publish:<entity id>`. Compared with case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(Arc<str>);

impl SourceId {
    /// The source of a name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What one source says of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Who says so.
    pub source: SourceId,
    /// What it says.
    pub state: DeviceState,
    /// When it last said so, in milliseconds on the caller's clock.
    pub at: u64,
    /// When this ends by itself, in milliseconds on the caller's clock; never if `None`.
    pub deadline: Option<u64>,
}

/// A device whose aggregate changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceChange {
    /// Its name, as it was first spelled.
    pub device: Arc<str>,
    /// What it was; `None` if no source reported it.
    pub old: Option<DeviceState>,
    /// What it is; `None` if no source reports it any more.
    pub new: Option<DeviceState>,
}

/// All devices that some source reports.
#[derive(Debug, Default)]
pub struct DeviceStates {
    devices: HashMap<Name, Device, RandomState>,
    by_source: HashMap<SourceId, HashSet<Name, RandomState>, RandomState>,
    deadlines: BTreeSet<(u64, Name, SourceId)>,
}

#[derive(Debug)]
struct Device {
    /// Never empty.
    reports: Vec<Reported>,
    aggregate: DeviceState,
}

impl DeviceStates {
    /// No device.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over what a source says of a device at `now`, instead of what it said before, until
    /// `deadline` (both milliseconds on the caller's clock) or until the source says something else.
    pub fn set(
        &mut self,
        device: &str,
        source: &SourceId,
        state: DeviceState,
        now: u64,
        deadline: Option<u64>,
    ) -> Option<DeviceChange> {
        let name = match self.devices.get_key_value(&NameRef(device)) {
            Some((name, _)) => name.clone(),
            None => Name::new(device),
        };
        let report = Reported { source: source.clone(), state, at: now, deadline };
        let old = self.get(device);
        let entry = self.devices.entry(name.clone()).or_insert_with(Device::new);
        let before = entry.put(report);
        if let Some(deadline) = before.as_ref().and_then(|report| report.deadline) {
            self.deadlines.remove(&(deadline, name.clone(), source.clone()));
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, name.clone(), source.clone()));
        }
        if before.is_none() {
            let devices = self.by_source.entry(source.clone()).or_default();
            devices.insert(name.clone());
        }
        self.change(&name, old)
    }

    /// Forgets what one source says of one device.
    pub fn remove(&mut self, device: &str, source: &SourceId) -> Option<DeviceChange> {
        let (name, old) = self.take(device, source)?;
        self.change(&name, old)
    }

    /// Forgets everything that a source says.
    pub fn remove_source(&mut self, source: &SourceId) -> Vec<DeviceChange> {
        let devices = self.by_source.get(source).into_iter().flatten();
        let devices: Vec<Name> = devices.cloned().collect();
        let mut changes = Vec::new();
        for name in devices {
            changes.extend(self.remove(name.as_str(), source));
        }
        changes
    }

    /// Forgets every report whose deadline is `now` or earlier. A device with several of them
    /// changes once.
    pub fn expire(&mut self, now: u64) -> Vec<DeviceChange> {
        let mut touched: Vec<(Name, Option<DeviceState>)> = Vec::new();
        let mut seen: HashSet<Name, RandomState> = HashSet::default();
        while let Some((deadline, name, source)) = self.deadlines.first().cloned() {
            if deadline > now {
                break;
            }
            self.deadlines.pop_first();
            if let Some((name, old)) = self.take(name.as_str(), &source)
                && seen.insert(name.clone())
            {
                touched.push((name, old));
            }
        }
        let changes = touched.iter().map(|(name, old)| self.change(name, *old));
        changes.flatten().collect()
    }

    /// The earliest deadline, in milliseconds on the caller's clock.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(deadline, ..)| *deadline)
    }

    /// The aggregate of a device, if some source reports it.
    pub fn get(&self, device: &str) -> Option<DeviceState> {
        let device = self.devices.get(&NameRef(device))?;
        Some(device.aggregate)
    }

    /// What each source says of a device.
    pub fn reports(&self, device: &str) -> &[Reported] {
        let device = self.devices.get(&NameRef(device));
        device.map_or(&[], |device| &device.reports)
    }

    /// All devices with their aggregates, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, DeviceState)> {
        let devices = self.devices.iter();
        devices.map(|(name, device)| (name.as_arc(), device.aggregate))
    }

    /// How many devices are reported.
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// Whether no device is reported.
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// Removes one report everywhere; gives the aggregate from before.
    fn take(&mut self, device: &str, source: &SourceId) -> Option<(Name, Option<DeviceState>)> {
        let (name, entry) = self.devices.get_key_value(&NameRef(device))?;
        let (name, old) = (name.clone(), entry.aggregate);
        let entry = self.devices.get_mut(&NameRef(device))?;
        let report = entry.drop_report(source)?;
        if entry.reports.is_empty() {
            self.devices.remove(&NameRef(device));
        }
        if let Some(deadline) = report.deadline {
            self.deadlines.remove(&(deadline, name.clone(), source.clone()));
        }
        if let Some(devices) = self.by_source.get_mut(source) {
            devices.remove(&name);
            if devices.is_empty() {
                self.by_source.remove(source);
            }
        }
        Some((name, Some(old)))
    }

    fn change(&self, name: &Name, old: Option<DeviceState>) -> Option<DeviceChange> {
        let new = self.get(name.as_str());
        (new != old).then(|| DeviceChange { device: name.as_arc().clone(), old, new })
    }
}

impl Device {
    fn new() -> Self {
        // Most devices have one source, and a vector grows to four at its first push.
        Self { reports: Vec::with_capacity(1), aggregate: DeviceState::Invalid }
    }

    /// Gives what the same source said before.
    fn put(&mut self, report: Reported) -> Option<Reported> {
        let same = self.reports.iter_mut().find(|r| r.source == report.source);
        let before = match same {
            Some(same) => Some(std::mem::replace(same, report)),
            None => {
                self.reports.push(report);
                None
            }
        };
        self.aggregate();
        before
    }

    fn drop_report(&mut self, source: &SourceId) -> Option<Reported> {
        let index = self.reports.iter().position(|r| r.source == *source)?;
        let report = self.reports.remove(index);
        self.aggregate();
        Some(report)
    }

    fn aggregate(&mut self) {
        self.aggregate = DeviceState::aggregate(self.reports.iter().map(|r| r.state));
    }
}

#[cfg(test)]
mod tests;
