//! What each source says of each device, for how long, and what it adds up to.
//!
//! A source that goes away, or whose lease ends, takes its contribution with it: no lamp is frozen
//! by a dead source.
//!
//! A server has hundreds of thousands of devices, nearly all of them with one source, their own
//! provider. So that is what takes little memory: a device is one small allocation beside its name,
//! and only what is unusual (foreign sources, leases, calls) has tables of its own.

use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet, HashTable};

use crate::report::Reports;
use crate::{Call, DeviceState, Name, NameRef, Reported, SourceId};

/// A device whose aggregate, or whose call, changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceChange {
    /// Its name, as it was first spelled.
    pub device: Arc<str>,
    /// What it was; `None` if no source reported it.
    pub old: Option<DeviceState>,
    /// What it is; `None` if no source reports it any more. The same as `old` if only the call
    /// changed.
    pub new: Option<DeviceState>,
}

/// What is kept with a device for the one who follows its state.
pub trait Attachment: Default {
    /// Whether nothing is kept: a device with an empty attachment that nobody reports is forgotten.
    fn is_empty(&self) -> bool;
}

impl Attachment for () {
    fn is_empty(&self) -> bool {
        true
    }
}

/// All devices that some source reports, or that something is attached to.
#[derive(Debug)]
pub struct DeviceStates<A = ()> {
    // Boxed: half of the places of a table may be empty.
    devices: HashTable<Box<Device<A>>>,
    hasher: RandomState,
    /// How many devices each source reports as their own provider.
    own: HashMap<SourceId, usize, RandomState>,
    /// What each source reports of devices that are not its own.
    foreign: HashMap<SourceId, HashSet<Name, RandomState>, RandomState>,
    /// The calls of devices, where a source knows them.
    calls: HashMap<Name, Vec<(SourceId, Arc<Call>)>, RandomState>,
    /// When what a source says of a device ends by itself.
    leases: HashMap<Name, Vec<(SourceId, u64)>, RandomState>,
    /// The same by time.
    deadlines: BTreeSet<(u64, Name, SourceId)>,
}

#[derive(Debug)]
struct Device<A> {
    name: Box<str>,
    attachment: A,
    reports: Reports,
}

impl<A> Default for DeviceStates<A> {
    fn default() -> Self {
        Self {
            devices: HashTable::new(),
            hasher: RandomState::default(),
            own: HashMap::default(),
            foreign: HashMap::default(),
            calls: HashMap::default(),
            leases: HashMap::default(),
            deadlines: BTreeSet::new(),
        }
    }
}

impl DeviceStates {
    /// No device.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<A: Attachment> DeviceStates<A> {
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
        self.set_with_call(device, source, state, now, deadline, None)
    }

    /// [`set`](Self::set), with the call that the device is in as far as the source knows it.
    pub fn set_with_call(
        &mut self,
        device: &str,
        source: &SourceId,
        state: DeviceState,
        now: u64,
        deadline: Option<u64>,
        call: Option<Arc<Call>>,
    ) -> Option<DeviceChange> {
        let old = self.get(device);
        let entry = self.entry(device);
        let before = entry.reports.put(Reported { source: source.clone(), state, at: now });
        if before.is_none() {
            self.index(device, source);
        }
        self.set_deadline(device, source, deadline);
        let other_call = self.set_call(device, source, call);
        self.change(device, old, other_call)
    }

    /// Forgets what one source says of one device.
    pub fn remove(&mut self, device: &str, source: &SourceId) -> Option<DeviceChange> {
        let (name, old, other_call) = self.take(device, source)?;
        self.change(&name, old, other_call)
    }

    /// Forgets everything that a source says.
    pub fn remove_source(&mut self, source: &SourceId) -> Vec<DeviceChange> {
        let foreign = self.foreign.get(source).into_iter().flatten();
        let mut devices: Vec<Arc<str>> = foreign.map(|name| name.as_arc().clone()).collect();
        if self.own.contains_key(source) {
            let own = self.devices.iter().filter(|device| is_own(&device.name, source));
            devices.extend(own.map(|device| Arc::from(&*device.name)));
        }
        devices.iter().filter_map(|device| self.remove(device, source)).collect()
    }

    /// Forgets every report whose deadline is `now` or earlier. A device with several of them
    /// changes once.
    pub fn expire(&mut self, now: u64) -> Vec<DeviceChange> {
        let mut touched: Vec<(Arc<str>, Option<DeviceState>, bool)> = Vec::new();
        let mut seen: HashMap<Name, usize, RandomState> = HashMap::default();
        while let Some((deadline, name, source)) = self.deadlines.first().cloned() {
            if deadline > now {
                break;
            }
            self.deadlines.pop_first();
            let Some((spelled, old, other_call)) = self.take(name.as_str(), &source) else { continue };
            let index = *seen.entry(name).or_insert(touched.len());
            match touched.get_mut(index) {
                Some((_, _, any_call)) => *any_call |= other_call,
                None => touched.push((spelled, old, other_call)),
            }
        }
        let changes = touched.iter().map(|(name, old, other_call)| self.change(name, *old, *other_call));
        changes.flatten().collect()
    }

    /// The earliest deadline, in milliseconds on the caller's clock.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(deadline, ..)| *deadline)
    }

    /// The aggregate of a device, if some source reports it.
    pub fn get(&self, device: &str) -> Option<DeviceState> {
        self.device(device)?.reports.aggregate()
    }

    /// What each source says of a device.
    pub fn reports(&self, device: &str) -> &[Reported] {
        self.device(device).map_or(&[], |device| device.reports.as_slice())
    }

    /// When what a source says of a device ends by itself, in milliseconds on the caller's clock; never
    /// if `None`.
    pub fn deadline(&self, device: &str, source: &SourceId) -> Option<u64> {
        let mut leases = self.leases.get(&NameRef(device))?.iter();
        leases.find(|(other, _)| other == source).map(|(_, deadline)| *deadline)
    }

    /// The call of a device, where a source knows one; the oldest of several.
    pub fn call(&self, device: &str) -> Option<&Arc<Call>> {
        let calls = self.calls.get(&NameRef(device))?.iter();
        calls.map(|(_, call)| call).min_by_key(|call| call.since)
    }

    /// All devices that are reported with their aggregates, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, DeviceState)> {
        self.devices.iter().filter_map(|device| Some((&*device.name, device.reports.aggregate()?)))
    }

    /// How many devices are reported.
    pub fn len(&self) -> usize {
        self.devices.iter().filter(|device| !device.reports.is_empty()).count()
    }

    /// Whether no device is reported.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.foreign.is_empty()
    }

    /// What is attached to a device that is known.
    pub fn attachment(&self, device: &str) -> Option<&A> {
        self.device(device).map(|device| &device.attachment)
    }

    /// Changes what is attached to a device; gives what `change` gives.
    pub fn attach<T>(&mut self, device: &str, change: impl FnOnce(&mut A) -> T) -> T {
        let entry = self.entry(device);
        let result = change(&mut entry.attachment);
        let is_empty = entry.is_empty();
        if is_empty {
            self.forget(device);
        }
        result
    }

    /// All devices that something is attached to, in no order.
    pub fn attached(&self) -> impl Iterator<Item = &str> {
        self.devices.iter().filter(|device| !device.attachment.is_empty()).map(|device| &*device.name)
    }

    /// Takes all attachments off.
    pub fn detach_all(&mut self) {
        self.devices.retain(|device| {
            device.attachment = A::default();
            !device.is_empty()
        });
    }

    fn hash(&self, device: &str) -> u64 {
        self.hasher.hash_one(NameRef(device))
    }

    fn device(&self, name: &str) -> Option<&Device<A>> {
        let found = self.devices.find(self.hash(name), |device| device.name.eq_ignore_ascii_case(name));
        found.map(|device| &**device)
    }

    fn entry(&mut self, name: &str) -> &mut Device<A> {
        let (hash, hasher) = (self.hash(name), &self.hasher);
        let entry = self.devices.entry(
            hash,
            |device| device.name.eq_ignore_ascii_case(name),
            |device| hasher.hash_one(NameRef(&device.name)),
        );
        let new = || Device { name: name.into(), attachment: A::default(), reports: Reports::default() };
        entry.or_insert_with(|| Box::new(new())).into_mut()
    }

    fn forget(&mut self, name: &str) {
        let hash = self.hash(name);
        if let Ok(entry) = self.devices.find_entry(hash, |device| device.name.eq_ignore_ascii_case(name)) {
            entry.remove();
        }
    }

    /// Notes that a source reports a device.
    fn index(&mut self, device: &str, source: &SourceId) {
        if is_own(device, source) {
            *self.own.entry(source.clone()).or_default() += 1;
        } else {
            self.foreign.entry(source.clone()).or_default().insert(Name::new(device));
        }
    }

    fn unindex(&mut self, device: &str, source: &SourceId) {
        if is_own(device, source) {
            if let Some(count) = self.own.get_mut(source) {
                *count -= 1;
                if *count == 0 {
                    self.own.remove(source);
                }
            }
        } else if let Some(devices) = self.foreign.get_mut(source) {
            devices.remove(&NameRef(device));
            if devices.is_empty() {
                self.foreign.remove(source);
            }
        }
    }

    fn set_deadline(&mut self, device: &str, source: &SourceId, deadline: Option<u64>) {
        let old = self.deadline(device, source);
        if old == deadline {
            return;
        }
        let name = Name::new(device);
        if let Some(old) = old {
            self.deadlines.remove(&(old, name.clone(), source.clone()));
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, name, source.clone()));
        }
        replace(&mut self.leases, device, source, deadline);
    }

    /// Takes over the call that a source knows; true if another one is shown now.
    fn set_call(&mut self, device: &str, source: &SourceId, call: Option<Arc<Call>>) -> bool {
        if call.is_none() && self.calls.is_empty() {
            return false;
        }
        let before = self.call(device).cloned();
        replace(&mut self.calls, device, source, call);
        self.call(device) != before.as_ref()
    }

    /// Removes one report everywhere; gives the device's name, its aggregate from before, and
    /// whether another call is shown now.
    fn take(&mut self, device: &str, source: &SourceId) -> Option<(Arc<str>, Option<DeviceState>, bool)> {
        let old = self.get(device)?;
        let entry = self.entry(device);
        entry.reports.remove(source)?;
        let name = Arc::from(&*entry.name);
        let is_empty = entry.is_empty();
        if is_empty {
            self.forget(device);
        }
        self.set_deadline(device, source, None);
        self.unindex(device, source);
        let other_call = self.set_call(device, source, None);
        Some((name, Some(old), other_call))
    }

    fn change(&self, device: &str, old: Option<DeviceState>, other_call: bool) -> Option<DeviceChange> {
        let new = self.get(device);
        (new != old || other_call).then(|| {
            let name = self.device(device).map_or(device, |device| &device.name);
            DeviceChange { device: name.into(), old, new }
        })
    }
}

impl<A: Attachment> Device<A> {
    fn is_empty(&self) -> bool {
        self.attachment.is_empty() && self.reports.is_empty()
    }
}

/// What a source adds to what it says of a device, in place of what it added before.
fn replace<T>(
    all: &mut HashMap<Name, Vec<(SourceId, T)>, RandomState>,
    device: &str,
    source: &SourceId,
    value: Option<T>,
) {
    if let Some(of_device) = all.get_mut(&NameRef(device)) {
        of_device.retain(|(other, _)| other != source);
        if of_device.is_empty() {
            all.remove(&NameRef(device));
        }
    }
    if let Some(value) = value {
        all.entry(Name::new(device)).or_default().push((source.clone(), value));
    }
}

/// Whether a source is the provider of a device: `Custom` of `Custom:lamp`, `PJSIP` of `PJSIP/alice`.
fn is_own(device: &str, source: &SourceId) -> bool {
    let label = device.split_once('/').or_else(|| device.split_once(':'));
    label.is_some_and(|(label, _)| label.eq_ignore_ascii_case(source.as_str()))
}

#[cfg(test)]
mod tests;
