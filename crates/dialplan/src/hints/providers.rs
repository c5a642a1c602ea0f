//! Providers by label, and what changes when one comes or goes.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use state::{Call, DeviceState, Name, NameRef, PresenceValue, SourceId};

use super::Orphan;
use super::table::Table;
use super::writer::Writer;
use crate::explain::By;
use crate::hint::key;
use crate::provider::{DeviceProvider, Kind, PresenceProvider, split_device, split_presence};

/// Of several providers of one label the latest answers.
#[derive(Default)]
pub(super) struct Providers {
    technologies: ByLabel<dyn DeviceProvider>,
    labels: ByLabel<dyn DeviceProvider>,
    presence: ByLabel<dyn PresenceProvider>,
    last_id: u64,
}

type ByLabel<P> = HashMap<Name, Entry<P>, RandomState>;

struct Entry<P: ?Sized> {
    /// The providers of the label as a source.
    source: SourceId,
    /// With their ids; the last one answers.
    providers: Vec<(u64, Arc<P>)>,
}

/// What a provider says of a device.
pub(super) struct Answer {
    pub(super) source: SourceId,
    pub(super) state: DeviceState,
    pub(super) call: Option<Arc<Call>>,
}

impl Providers {
    /// What the provider of a device answers, and as which source.
    pub(super) fn ask(&self, device: &str) -> Option<Answer> {
        let (kind, label, rest) = split_device(device)?;
        let entry = self.of(kind).get(&NameRef(label))?;
        let (_, provider) = entry.providers.last()?;
        Some(Answer { source: entry.source.clone(), state: provider.state(rest), call: provider.call(rest) })
    }

    /// As which source the provider of a device answers, if it has one.
    pub(super) fn source(&self, device: &str) -> Option<SourceId> {
        let (kind, label, _) = split_device(device)?;
        Some(self.of(kind).get(&NameRef(label))?.source.clone())
    }

    pub(super) fn ask_presence(&self, presentity: &str) -> Option<PresenceValue> {
        let (label, rest) = split_presence(presentity)?;
        let (_, provider) = self.presence.get(&NameRef(label))?.providers.last()?;
        Some(provider.presence(rest))
    }

    fn of(&self, kind: Kind) -> &ByLabel<dyn DeviceProvider> {
        match kind {
            Kind::Technology => &self.technologies,
            Kind::Label => &self.labels,
        }
    }
}

impl Writer {
    pub(super) fn add_device_provider(
        &mut self,
        kind: Kind,
        label: &str,
        provider: Arc<dyn DeviceProvider>,
    ) -> u64 {
        self.providers.last_id += 1;
        let id = self.providers.last_id;
        let providers = match kind {
            Kind::Technology => &mut self.providers.technologies,
            Kind::Label => &mut self.providers.labels,
        };
        add(providers, label, id, provider);
        self.ask_of(label, &By::ProviderAdded(label.into()));
        id
    }

    pub(super) fn add_presence_provider(&mut self, label: &str, provider: Arc<dyn PresenceProvider>) -> u64 {
        self.providers.last_id += 1;
        let id = self.providers.last_id;
        add(&mut self.providers.presence, label, id, provider);
        self.ask_all_presence(label, &By::ProviderAdded(label.into()));
        id
    }

    pub(super) fn remove_provider(&mut self, id: u64) {
        if let Some((label, last)) = remove(&mut self.providers.technologies, id) {
            self.device_provider_left(&label, last);
        } else if let Some((label, last)) = remove(&mut self.providers.labels, id) {
            self.device_provider_left(&label, last);
        } else if let Some((label, _)) = remove(&mut self.providers.presence, id) {
            self.ask_all_presence(label.as_str(), &By::ProviderRemoved(label.as_arc().clone()));
        }
    }

    fn device_provider_left(&mut self, label: &Name, last: bool) {
        let by = By::ProviderRemoved(label.as_arc().clone());
        if last {
            self.remove_source(&SourceId::new(label.as_str()), &by);
        } else {
            self.ask_of(label.as_str(), &by);
        }
    }

    fn ask_of(&mut self, label: &str, by: &By) {
        let changes = self.ask_all(label);
        self.apply(changes, by);
    }

    fn ask_all_presence(&mut self, label: &str, by: &By) {
        let is_concerned =
            |presentity: &str| split_presence(presentity).is_some_and(|(l, _)| l.eq_ignore_ascii_case(label));
        let presentities = self.presentities.keys();
        let presentities: Vec<Name> =
            presentities.filter(|presentity| is_concerned(presentity.as_str())).cloned().collect();
        for presentity in presentities {
            self.presence_changed(presentity.as_str(), by);
        }
    }

    /// What no provider is there for and no source reports, hint by hint in the order of the
    /// dialplan, patterns too as far as their labels say enough.
    pub(super) fn orphans(&self, table: &Table) -> Vec<Orphan> {
        let mut orphans = Vec::new();
        for context in table.dialplan().contexts() {
            let extensions = context.extensions.iter();
            for (extension, hint) in extensions.filter_map(|e| Some((e, e.hint()?))) {
                let devices = hint.devices().filter(|device| self.is_orphan(device));
                let presence = hint.presence().filter(|presentity| self.is_orphan_presentity(presentity));
                orphans.extend(devices.chain(presence).map(|device| Orphan {
                    key: key(&extension.name, &context.name).into(),
                    device: device.into(),
                    pos: hint.pos.clone(),
                }));
            }
        }
        orphans.sort_by(|a, b| {
            let place = |o: &Orphan| (o.pos.file.clone(), o.pos.line);
            place(a).cmp(&place(b))
        });
        orphans
    }

    fn is_orphan(&self, device: &str) -> bool {
        let answers = match split_device(device) {
            Some((kind, label, _)) => {
                label.contains("${") || self.providers.of(kind).contains_key(&NameRef(label))
            }
            None => device.contains("${"),
        };
        !answers && self.states.get(device).is_none()
    }

    fn is_orphan_presentity(&self, presentity: &str) -> bool {
        match split_presence(presentity) {
            Some((label, _)) => {
                !label.contains("${") && !self.providers.presence.contains_key(&NameRef(label))
            }
            None => !presentity.contains("${"),
        }
    }
}

fn add<P: ?Sized>(providers: &mut ByLabel<P>, label: &str, id: u64, provider: Arc<P>) {
    let new = || Entry { source: SourceId::new(label), providers: Vec::new() };
    providers.entry(Name::new(label)).or_insert_with(new).providers.push((id, provider));
}

/// Removes a provider; gives its label and whether it was the last one of it.
fn remove<P: ?Sized>(providers: &mut ByLabel<P>, id: u64) -> Option<(Name, bool)> {
    let of = |entry: &Entry<P>| entry.providers.iter().any(|(other, _)| *other == id);
    let (label, _) = providers.iter().find(|(_, entry)| of(entry))?;
    let label = label.clone();
    let list = &mut providers.get_mut(&label)?.providers;
    list.retain(|(other, _)| *other != id);
    let last = list.is_empty();
    if last {
        providers.remove(&label);
    }
    Some((label, last))
}
