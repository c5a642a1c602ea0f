//! One live hint: what it is defined as, what it shows, who watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::definition::HintDefinition;
use crate::snapshot::{ExtensionSnapshot, Shown};

/// A hint that can be watched. It keeps its identity through reloads as long as its extension and
/// context have a hint.
#[derive(Debug)]
pub struct Hint {
    key: Box<str>,
    /// Length of the extension in the key.
    exten: u8,
    watchers: AtomicU32,
    shown: ArcSwap<Shown>,
    /// Since when nobody needs it, in milliseconds, as far as a sweep saw; see [`IN_USE`], [`GONE`].
    idle_since: AtomicU64,
}

/// Someone watched a hint or asked for it since the last sweep.
const IN_USE: u64 = u64::MAX - 1;

/// A hint is about to be removed: it must not be given to anyone.
const GONE: u64 = u64::MAX;

impl Hint {
    /// A hint that shows nothing yet: its state is
    /// [`ExtensionState::Deactivated`](state::ExtensionState) until it is first computed, before anyone
    /// can find it.
    pub(crate) fn new(exten: &str, context: &str, definition: Arc<HintDefinition>) -> Arc<Self> {
        let key = key(exten, context).into();
        // Names of extensions have 79 bytes at most.
        let exten = u8::try_from(exten.len()).unwrap_or(u8::MAX);
        Arc::new(Self {
            key,
            exten,
            watchers: AtomicU32::new(0),
            shown: ArcSwap::from_pointee(Shown::new(definition)),
            idle_since: AtomicU64::new(IN_USE),
        })
    }

    /// `1000@default`
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The extension: `1000`.
    pub fn exten(&self) -> &str {
        self.key.get(..usize::from(self.exten)).unwrap_or_default()
    }

    /// The context that it stands in.
    pub fn context(&self) -> &str {
        self.key.get(usize::from(self.exten) + 1..).unwrap_or_default()
    }

    /// What it shows now.
    pub fn snapshot(self: &Arc<Self>) -> ExtensionSnapshot {
        ExtensionSnapshot::new(self.clone(), self.shown())
    }

    pub(crate) fn shown(&self) -> Arc<Shown> {
        self.shown.load_full()
    }

    /// What it is defined as now.
    pub fn definition(&self) -> Arc<HintDefinition> {
        self.shown.load().definition().clone()
    }

    /// Counts one more watcher.
    pub fn add_watcher(&self) {
        self.watchers.fetch_add(1, Ordering::SeqCst);
        self.touch();
    }

    /// Counts one watcher less; never below none.
    pub fn remove_watcher(&self) {
        let less = |watchers: u32| watchers.checked_sub(1);
        self.touch();
        let counted = self.watchers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        debug_assert!(counted.is_ok(), "a watcher left {} that never came", self.key);
    }

    /// How many watch it.
    pub fn watchers(&self) -> usize {
        self.watchers.load(Ordering::SeqCst) as usize
    }

    /// Notes that someone needs it; false if it is too late.
    pub(crate) fn touch(&self) -> bool {
        let in_use = |since: u64| (since != GONE).then_some(IN_USE);
        self.idle_since.fetch_update(Ordering::SeqCst, Ordering::SeqCst, in_use).is_ok()
    }

    /// Since when nobody needs it, as far as a sweep saw.
    pub(crate) fn idle_since(&self) -> Option<u64> {
        Some(self.idle_since.load(Ordering::SeqCst)).filter(|since| *since < IN_USE)
    }

    /// Gives it up if nobody watches it or asked for it for so long, and starts to count if not.
    pub(crate) fn condemn_if_idle(&self, now: u64, idle: u64) -> bool {
        let since = self.idle_since.load(Ordering::SeqCst);
        if self.watchers() > 0 || since == GONE {
            return false;
        }
        let is_due = since != IN_USE && now.saturating_sub(since) >= idle;
        let next = if is_due { GONE } else { since.min(now) };
        // Whoever needs it meanwhile wins.
        let swap = self.idle_since.compare_exchange(since, next, Ordering::SeqCst, Ordering::SeqCst);
        swap.is_ok() && is_due
    }

    /// Gives it up if nobody watches it.
    pub(crate) fn condemn(&self) -> bool {
        let since = self.idle_since.load(Ordering::SeqCst);
        let swap = || self.idle_since.compare_exchange(since, GONE, Ordering::SeqCst, Ordering::SeqCst);
        self.watchers() == 0 && swap().is_ok()
    }

    pub(crate) fn show(&self, shown: Arc<Shown>) {
        self.shown.store(shown);
    }
}

/// `1000@default`
pub(crate) fn key(exten: &str, context: &str) -> String {
    [exten, "@", context].concat()
}
