//! The live hints: which there are, what they show, and who is told of changes.
//!
//! Reading ([`Hints::find`], [`Hints::get`], [`Hint::snapshot`]) never waits for a writer: readers
//! load an immutable table and the hint's current snapshot. Everything that changes something
//! takes turns, finds the concerned hints by device, and queues what became visible; listeners are
//! called afterwards, in order, without any lock held.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use conf::Pos;
use state::{Call, DeviceState, PresenceValue, SourceId};

use crate::dialplan::Dialplan;
use crate::explain::By;
use crate::functions::{ExtensionStateFunction, Functions, HintFunction};
use crate::hint::Hint;
use crate::provider::{DeviceProvider, Kind, PresenceProvider};
use outbox::Outbox;
use replace::Definitions;
use table::Table;
use writer::Writer;

mod autohints;
mod history;
mod outbox;
mod providers;
mod replace;
mod sweep;
mod table;
#[cfg(test)]
mod tests;
mod watching;
mod writer;

pub use outbox::{ListenGuard, Listener};
pub use replace::ReplaceReport;

/// Gives the time: milliseconds since 1970, UTC.
pub type Clock = dyn Fn() -> u64 + Send + Sync;

/// All hints of the dialplan.
pub struct Hints {
    clock: Arc<Clock>,
    functions: Functions,
    table: ArcSwap<Table>,
    writer: Mutex<Writer>,
    outbox: Arc<Outbox>,
}

/// A device or presentity of a hint that nobody answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The hint: `1000@default`. A pattern hint is named by its pattern.
    pub key: Arc<str>,
    /// The device or presentity.
    pub device: Arc<str>,
    /// Where the hint stands.
    pub pos: Pos,
}

impl Hints {
    /// No hints, no providers; times are the system's.
    pub fn new() -> Arc<Self> {
        Self::with_clock(Arc::new(|| {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
            since_1970.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
        }))
    }

    /// No hints, no providers, and a clock of the caller's: for simulations and tests.
    pub fn with_clock(clock: Arc<Clock>) -> Arc<Self> {
        Arc::new_cyclic(|hints| {
            let functions = Functions::default();
            functions.add("HINT", Arc::new(HintFunction(hints.clone()))).keep();
            functions.add("EXTENSION_STATE", Arc::new(ExtensionStateFunction(hints.clone()))).keep();
            Self {
                clock,
                functions,
                table: ArcSwap::from_pointee(Table::default()),
                writer: Mutex::new(Writer::default()),
                outbox: Arc::new(Outbox::default()),
            }
        })
    }

    /// The functions that hints may call; `HINT` and `EXTENSION_STATE` are always there.
    pub fn functions(&self) -> &Functions {
        &self.functions
    }

    /// Reads a dialplan in place of the one before, as a whole. Hints that are in both keep their
    /// identity, state and watchers, and are heard of only if something visible changed; hints that
    /// are gone show that they are [removed](crate::ExtensionSnapshot::removed).
    ///
    /// A hint that was made of a pattern, or is watched, stays if a pattern hint of its context
    /// matches it now.
    pub fn replace(&self, dialplan: Dialplan) -> ReplaceReport {
        let dialplan = Arc::new(dialplan);
        let mut definitions = Definitions::default();
        // Functions are called without the lock, so a hint may be made meanwhile: then once more.
        loop {
            definitions.complete(&self.table.load(), &dialplan, &self.functions);
            let done = self.write(|writer| {
                let old = self.table.load();
                if !definitions.is_complete(&old, &dialplan) {
                    return None;
                }
                let (table, removed, report) = writer.replace(&old, &dialplan, &definitions);
                self.table.store(Arc::new(table));
                removed.iter().for_each(|hint| writer.retire(hint));
                Some(report)
            });
            if let Some(report) = done {
                return report;
            }
        }
    }

    /// The hint that someone in a context means by an extension, through patterns and includes. A
    /// hint of a pattern is made when it is asked for, and then stays for a minute at least, or as
    /// long as it has watchers (see [`Hints::sweep`]); all else takes no lock.
    pub fn find(&self, context: &str, exten: &str) -> Option<Arc<Hint>> {
        loop {
            let table = self.table.load_full();
            let found = match table.find(context, exten, self.now())? {
                table::Match::Hint(hint) if hint.touch() => return Some(hint),
                // It is being removed: wait until it is.
                table::Match::Hint(_) => {
                    drop(self.lock());
                    continue;
                }
                table::Match::Pattern(found) => found,
            };
            // Functions are called without the lock.
            let definition = writer::instance(table.dialplan(), &self.functions, found, exten)?;
            let hint = self.write(|writer| {
                if !Arc::ptr_eq(&table, &self.table.load()) {
                    return None;
                }
                let there = table.instance(&crate::hint::key(exten, &found.context.name));
                let there = there.filter(|hint| hint.touch());
                Some(there.unwrap_or_else(|| writer.instantiate(&table, found, exten, definition)))
            });
            // Without one the dialplan was read anew meanwhile.
            if hint.is_some() {
                return hint;
            }
        }
    }

    /// Whether someone in a context reaches an extension now, with a hint or without.
    pub fn exists(&self, context: &str, exten: &str) -> bool {
        self.table.load().dialplan().exists(context, exten, self.now())
    }

    /// The hint of a key, `1000@default`, if it exists already.
    pub fn get(&self, key: &str) -> Option<Arc<Hint>> {
        self.table.load().get(key)
    }

    /// All hints, in no order. Patterns that nobody asked for are not among them.
    pub fn hints(&self) -> Vec<Arc<Hint>> {
        self.table.load().iter().collect()
    }

    /// The dialplan that the hints come from.
    pub fn dialplan(&self) -> Arc<Dialplan> {
        self.table.load().dialplan().clone()
    }

    /// Calls a listener with each snapshot that becomes visible from now on, in the order of
    /// [`seq`](crate::ExtensionSnapshot::seq), one at a time, until the guard is dropped; a call that is
    /// underway then still ends. It may read and find hints and change states; what it changes is
    /// told after it returned. A change may be told by another thread than the one that made it.
    pub fn listen(&self, listener: Box<Listener>) -> ListenGuard {
        self.outbox.listen(listener)
    }

    /// The time on the clock of the hints, in milliseconds since 1970.
    pub fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Takes over what a source says of a device, until `lease` (a time on the clock of the hints, see
    /// [`Hints::now`] and [`Hints::expire`]) or until it says something else.
    pub fn set_device_state(&self, device: &str, source: &SourceId, state: DeviceState, lease: Option<u64>) {
        self.set_device_call(device, source, state, lease, None);
    }

    /// [`Hints::set_device_state`], with the call that the device is in as far as the source knows it:
    /// while it rings, the watchers are told who is calling.
    pub fn set_device_call(
        &self,
        device: &str,
        source: &SourceId,
        state: DeviceState,
        lease: Option<u64>,
        call: Option<Arc<Call>>,
    ) {
        self.write(|writer| writer.set(device, source, state, lease, call));
    }

    /// Forgets what a source says of a device.
    pub fn remove_device_state(&self, device: &str, source: &SourceId) {
        self.write(|writer| writer.remove(device, source));
    }

    /// Forgets everything that a source says.
    pub fn remove_source(&self, source: &SourceId) {
        self.write(|writer| writer.remove_source(source, &By::Withdrawn(source.clone())));
    }

    /// Forgets every report whose lease ended at `now` or earlier.
    pub fn expire(&self, now: u64) {
        self.write(|writer| writer.expire(now));
    }

    /// When [`Hints::expire`] has something to do next.
    pub fn next_deadline(&self) -> Option<u64> {
        self.lock().next_deadline()
    }

    /// The state of any device, hinted or not: the aggregate of what is reported, else what its
    /// provider answers, else [`DeviceState::Invalid`].
    pub fn device_state(&self, device: &str) -> DeviceState {
        self.lock().device_state(device)
    }

    /// All devices that something is reported of, in no order.
    pub fn device_states(&self) -> Vec<(Arc<str>, DeviceState)> {
        self.lock().device_states()
    }

    /// What a presentity says, hinted or not, by its provider.
    pub fn presence(&self, presentity: &str) -> PresenceValue {
        self.lock().ask_presence(presentity)
    }

    /// Lets a provider answer for all devices `label:rest`, under any case of the label. It is the
    /// source of that name, until the guard is dropped.
    pub fn add_provider(self: &Arc<Self>, label: &str, provider: Arc<dyn DeviceProvider>) -> ProviderGuard {
        self.add_device_provider(Kind::Label, label, provider)
    }

    /// Lets a provider answer for all devices `technology/rest`, as [`Hints::add_provider`] does.
    pub fn add_technology(
        self: &Arc<Self>,
        technology: &str,
        provider: Arc<dyn DeviceProvider>,
    ) -> ProviderGuard {
        self.add_device_provider(Kind::Technology, technology, provider)
    }

    /// Lets a provider answer for all presentities `label:rest`, until the guard is dropped.
    pub fn add_presence_provider(
        self: &Arc<Self>,
        label: &str,
        provider: Arc<dyn PresenceProvider>,
    ) -> ProviderGuard {
        let id = self.write(|writer| writer.add_presence_provider(label, provider));
        ProviderGuard::new(self, id)
    }

    /// Asks the provider of a device again.
    pub fn device_changed(&self, device: &str) {
        self.write(|writer| writer.ask_again(device));
    }

    /// Asks the provider of a presentity again.
    pub fn presence_changed(&self, presentity: &str) {
        let label = presentity.split(':').next().unwrap_or_default();
        self.write(|writer| writer.presence_changed(presentity, &By::Source(SourceId::new(label))));
    }

    /// Devices and presentities of hints that nobody answers for: worth a warning once everything
    /// is loaded. In the order of the file.
    pub fn orphans(&self) -> Vec<Orphan> {
        let writer = self.lock();
        writer.orphans(&self.table.load())
    }

    pub(crate) fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    fn add_device_provider(
        self: &Arc<Self>,
        kind: Kind,
        label: &str,
        provider: Arc<dyn DeviceProvider>,
    ) -> ProviderGuard {
        let id = self.write(|writer| writer.add_device_provider(kind, label, provider));
        ProviderGuard::new(self, id)
    }

    /// Runs a change alone, then tells the listeners what became visible.
    fn write<T>(&self, change: impl FnOnce(&mut Writer) -> T) -> T {
        let now = self.now();
        let mut writer = self.lock();
        writer.now = now;
        let result = change(&mut writer);
        writer.make_autohints(&self.table.load());
        self.outbox.push(writer.take_news());
        drop(writer);
        self.outbox.deliver();
        result
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Writer> {
        // A provider that panicked left nothing half done that the next change would not repair.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Hints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hints").finish_non_exhaustive()
    }
}

/// Keeps a provider; dropped, the provider is asked no more and what it said is forgotten.
#[derive(Debug)]
#[must_use = "dropping it removes the provider"]
pub struct ProviderGuard {
    hints: Weak<Hints>,
    id: u64,
}

impl ProviderGuard {
    fn new(hints: &Arc<Hints>, id: u64) -> Self {
        let hints = Arc::downgrade(hints);
        Self { hints, id }
    }
}

impl Drop for ProviderGuard {
    fn drop(&mut self) {
        if let Some(hints) = self.hints.upgrade() {
            hints.write(|writer| writer.remove_provider(self.id));
        }
    }
}
