//! Where everyone is: the contacts of all addresses of record (the location service of RFC 3261, 10).
//!
//! Permanent contacts come from `pjsip.conf`, others from REGISTER and from the store. The contacts
//! of an AOR are one immutable list that is replaced as a whole: readers hold a lock for the time of
//! a look-up, and never wait for the disk. Whoever must know of every change [listens](Location::listen).

mod contact;
mod listeners;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use foldhash::fast::RandomState;
use store::{Store, WriteError};

use crate::config::PjsipConfig;
pub use contact::{Binding, Contact, ContactStatus, Qualify};
use listeners::Listeners;
pub use listeners::{ContactChange, ContactEvent, LocationGuard, Removal};
pub(crate) use stored::parameters;

/// The time since 1970.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Locks over which the AORs are spread.
const STRIPES: usize = 64;

type Contacts = Arc<[Binding]>;
type Stripe = HashMap<Arc<str>, Contacts, RandomState>;

/// What a registration changes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Changes {
    pub(crate) added: Vec<Contact>,
    pub(crate) refreshed: Vec<Contact>,
    /// Ids of contacts.
    pub(crate) removed: Vec<(Arc<str>, Removal)>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.refreshed.is_empty() && self.removed.is_empty()
    }
}

/// See the module's description.
pub struct Location {
    stripes: [RwLock<Stripe>; STRIPES],
    hasher: RandomState,
    store: Option<Store>,
    clock: Clock,
    listeners: Arc<Listeners>,
}

impl Location {
    /// Reads the contacts of a store and keeps them there. Those that have expired, or whose
    /// connection is gone, are taken out of it.
    pub fn open(store: &Store) -> Arc<Self> {
        let location = Self::with_clock(Some(store.clone()), system_clock());
        let now = location.now();
        for (key, value) in store.family(stored::FAMILY) {
            let Some(id) = key.strip_prefix("contact/") else { continue };
            match stored::read(id, &value) {
                Ok(contact) if contact.has_expired(now) || contact.prune_on_boot => {
                    drop(store.delete(stored::FAMILY, &key));
                }
                Ok(contact) => {
                    let mut stripe = location.write(&contact.aor);
                    let mut bindings = stripe.get(&contact.aor).map_or(Vec::new(), |known| known.to_vec());
                    let aor = contact.aor.clone();
                    bindings.push(Binding::new(contact));
                    stripe.insert(aor, bindings.into());
                }
                Err(why) => tracing::warn!("astdb: the contact /registrar/{key} is ignored: {why}"),
            }
        }
        Arc::new(location)
    }

    /// A location service that forgets, with a clock of its own; for tests.
    pub fn memory(clock: Clock) -> Arc<Self> {
        Arc::new(Self::with_clock(None, clock))
    }

    /// Takes over what a configuration says of contacts: which are permanent, and how all are
    /// qualified.
    pub fn configure(&self, config: &PjsipConfig) {
        let aors = self.aors();
        let gone = aors.iter().filter(|aor| !config.aors.contains_key(*aor));
        for aor in config.aors.keys().chain(gone) {
            self.configure_aor(aor, config);
        }
    }

    /// The contacts of an AOR, sorted by id.
    pub fn contacts_of(&self, aor: &str) -> Contacts {
        self.read(aor, |contacts| contacts.cloned().unwrap_or_default())
    }

    /// A contact of an AOR.
    pub fn contact(&self, aor: &str, id: &str) -> Option<Binding> {
        self.read(aor, |contacts| contacts?.iter().find(|it| &*it.contact.id == id).cloned())
    }

    /// Whether any contact of an AOR can be reached.
    pub fn is_available(&self, aor: &str) -> bool {
        self.read(aor, |contacts| contacts.is_some_and(|all| all.iter().any(|it| it.status().is_available())))
    }

    /// All contacts, in no order.
    pub fn contacts(&self) -> Vec<Binding> {
        self.each(|_, contacts| contacts.iter().cloned().collect::<Vec<_>>())
    }

    /// All AORs that have contacts, in no order.
    pub fn aors(&self) -> Vec<Arc<str>> {
        self.each(|aor, _| [aor.clone()])
    }

    /// Calls `listener` after each change, from the thread that made it, until the guard is dropped.
    pub fn listen(&self, listener: Box<dyn Fn(&ContactEvent) + Send + Sync>) -> LocationGuard {
        Listeners::add(&self.listeners, listener.into())
    }

    /// The time since 1970.
    pub fn clock(&self) -> Duration {
        (self.clock)()
    }

    /// Seconds since 1970.
    pub fn now(&self) -> u64 {
        self.clock().as_secs()
    }

    /// Changes the contacts of an AOR as `plan` says. The change counts at once; `done` is called
    /// when it is on the disk, or has failed and is taken back.
    pub(crate) fn register<E>(
        self: &Arc<Self>,
        aor: &Arc<str>,
        plan: impl FnOnce(&[Binding]) -> Result<Changes, E>,
        done: impl FnOnce(Result<(), WriteError>) + Send + 'static,
    ) -> Result<(), E> {
        let mut stripe = self.write(aor);
        let before = stripe.get(aor).cloned().unwrap_or_default();
        let changes = plan(&before)?;
        if changes.is_empty() {
            drop(stripe);
            done(Ok(()));
            return Ok(());
        }
        let (after, events) = apply(&before, changes);
        set(&mut stripe, aor, after.clone());
        // In the order of the changes: whoever comes next waits for the lock.
        let mut writes: Vec<_> = events.iter().filter_map(|event| self.store_change(event)).collect();
        drop(stripe);
        self.tell(&events);
        let Some(last) = writes.pop() else {
            done(Ok(()));
            return Ok(());
        };
        let failure = Arc::new(std::sync::OnceLock::new());
        for write in writes {
            let failure = failure.clone();
            write.then(move |result| {
                if let Err(error) = result {
                    // The first one is told.
                    let _ = failure.set(error);
                }
            });
        }
        let (location, aor) = (self.clone(), aor.clone());
        last.then(move |result| {
            let result = failure.get().map_or(result, |error| Err(error.clone()));
            if result.is_err() {
                location.take_back(&aor, before, &after);
            }
            done(result);
        });
        Ok(())
    }

    /// Removes a contact, if it is still there.
    pub fn remove(&self, aor: &str, id: &str, why: Removal) {
        let mut stripe = self.write(aor);
        let Some((aor, before)) = stripe.get_key_value(aor).map(|(aor, all)| (aor.clone(), all.clone()))
        else {
            return;
        };
        if !before.iter().any(|it| &*it.contact.id == id) {
            return;
        }
        let changes = Changes { removed: vec![(id.into(), why)], ..Changes::default() };
        let (after, events) = apply(&before, changes);
        set(&mut stripe, &aor, after);
        // A contact that is read back has expired by then.
        events.iter().filter_map(|event| self.store_change(event)).for_each(drop);
        drop(stripe);
        self.tell(&events);
    }

    /// Notes whether a contact answered.
    pub(crate) fn set_status(&self, binding: &Binding, status: ContactStatus, rtt: Option<Duration>) {
        if binding.set_status(status, rtt) != status {
            self.tell(&[ContactEvent { change: ContactChange::Status, binding: binding.clone() }]);
        }
    }

    fn with_clock(store: Option<Store>, clock: Clock) -> Self {
        Self {
            stripes: std::array::from_fn(|_| RwLock::default()),
            hasher: RandomState::default(),
            store,
            clock,
            listeners: Arc::default(),
        }
    }

    fn configure_aor(&self, aor: &Arc<str>, config: &PjsipConfig) {
        let configured = config.aors.get(aor);
        let mut stripe = self.write(aor);
        let before = stripe.get(aor).cloned().unwrap_or_default();
        let wanted = configured
            .iter()
            .flat_map(|aor| aor.contacts.iter().map(|uri| Contact::permanent(aor, uri)))
            .collect::<Vec<_>>();
        let is_wanted = |binding: &Binding| wanted.iter().any(|contact| contact.id == binding.contact.id);
        let gone = before.iter().filter(|it| it.contact.is_permanent() && !is_wanted(it));
        let mut changes = Changes {
            removed: gone.map(|it| (it.contact.id.clone(), Removal::Configuration)).collect(),
            ..Changes::default()
        };
        for contact in wanted {
            match before.iter().find(|it| it.contact.id == contact.id) {
                None => changes.added.push(contact),
                Some(known) if *known.contact != contact => changes.refreshed.push(contact),
                Some(_) => {}
            }
        }
        if let Some(configured) = configured {
            let qualify = Qualify::of(configured);
            let others =
                before.iter().filter(|it| !it.contact.is_permanent() && it.contact.qualify != qualify);
            changes.refreshed.extend(others.map(|it| Contact { qualify, ..Contact::clone(&it.contact) }));
        }
        if changes.is_empty() {
            return;
        }
        let (after, events) = apply(&before, changes);
        set(&mut stripe, aor, after);
        events.iter().filter_map(|event| self.store_change(event)).for_each(drop);
        drop(stripe);
        self.tell(&events);
    }

    /// The store refused a registration: what it changed is as before, unless another one came
    /// meanwhile, which then decides.
    fn take_back(&self, aor: &Arc<str>, before: Contacts, after: &Contacts) {
        let mut stripe = self.write(aor);
        let now = stripe.get(aor).cloned().unwrap_or_default();
        let untouched = Arc::ptr_eq(&now, after) || (now.is_empty() && after.is_empty());
        if !untouched {
            return;
        }
        set(&mut stripe, aor, before.clone());
        drop(stripe);
        let missing_in =
            |all: &Contacts, one: &Binding| !all.iter().any(|it| it.contact.id == one.contact.id);
        let event = |change, binding: &Binding| ContactEvent { change, binding: binding.clone() };
        let failed = ContactChange::Removed(Removal::RegistrationFailure);
        let added = after.iter().filter(|it| missing_in(&before, it)).map(|it| event(failed, it));
        let removed =
            before.iter().filter(|it| missing_in(after, it)).map(|it| event(ContactChange::Added, it));
        self.tell(&added.chain(removed).collect::<Vec<_>>());
    }

    /// Writes a change; permanent contacts are not stored.
    fn store_change(&self, event: &ContactEvent) -> Option<store::Pending> {
        let (store, contact) = (self.store.as_ref()?, &event.binding.contact);
        if contact.is_permanent() {
            return None;
        }
        let key = stored::key(&contact.id);
        Some(match event.change {
            ContactChange::Removed(_) => store.delete(stored::FAMILY, &key).without_outcome(),
            _ => store.put(stored::FAMILY, &key, &stored::write(contact)),
        })
    }

    fn tell(&self, events: &[ContactEvent]) {
        events.iter().for_each(|event| self.listeners.tell(event));
    }

    fn stripe(&self, aor: &str) -> &RwLock<Stripe> {
        &self.stripes[(self.hasher.hash_one(aor) % STRIPES as u64) as usize]
    }

    fn write(&self, aor: &str) -> RwLockWriteGuard<'_, Stripe> {
        self.stripe(aor).write().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, aor: &str, look: impl FnOnce(Option<&Contacts>) -> T) -> T {
        look(self.stripe(aor).read().unwrap_or_else(PoisonError::into_inner).get(aor))
    }

    fn each<T, I: IntoIterator<Item = T>>(&self, look: impl Fn(&Arc<str>, &Contacts) -> I) -> Vec<T> {
        let mut all = Vec::new();
        for stripe in &self.stripes {
            let stripe = stripe.read().unwrap_or_else(PoisonError::into_inner);
            all.extend(stripe.iter().flat_map(|(aor, contacts)| look(aor, contacts)));
        }
        all
    }
}

/// The clock of the system.
fn system_clock() -> Clock {
    Arc::new(|| SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// The contacts after some changes, and an event for each of these.
fn apply(before: &Contacts, changes: Changes) -> (Contacts, Vec<ContactEvent>) {
    let mut after = before.to_vec();
    let mut events = Vec::new();
    let mut note = |change, binding: &Binding| events.push(ContactEvent { change, binding: binding.clone() });
    for (id, why) in changes.removed {
        if let Some(place) = after.iter().position(|it| it.contact.id == id) {
            note(ContactChange::Removed(why), &after.remove(place));
        }
    }
    for contact in changes.refreshed {
        if let Some(known) = after.iter_mut().find(|it| it.contact.id == contact.id) {
            *known = known.with(contact);
            note(ContactChange::Refreshed, known);
        }
    }
    for contact in changes.added {
        let binding = Binding::new(contact);
        note(ContactChange::Added, &binding);
        after.push(binding);
    }
    after.sort_by(|one, other| one.contact.id.cmp(&other.contact.id));
    (after.into(), events)
}

fn set(stripe: &mut Stripe, aor: &Arc<str>, contacts: Contacts) {
    if contacts.is_empty() {
        stripe.remove(aor);
    } else {
        stripe.insert(aor.clone(), contacts);
    }
}
