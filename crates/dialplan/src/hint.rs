//! One live hint: what it is defined as, what it shows, who watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use conf::Pos;
use state::{DeviceState, ExtensionState, PresenceValue};

use crate::context::Priority;
use crate::hint_text::HintText;

/// What an extension shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionSnapshot {
    /// `1000@default`
    pub key: Arc<str>,
    /// The extension: `1000`.
    pub exten: Arc<str>,
    /// The context that the hint stands in.
    pub context: Arc<str>,
    /// What its devices make of it.
    pub state: ExtensionState,
    /// Each device of the hint, in its order.
    pub devices: Vec<DeviceSnapshot>,
    /// What its presence providers say; [`PresenceState::Invalid`](state::PresenceState) if none
    /// of them answers.
    pub presence: PresenceValue,
    /// The display name; may be empty.
    pub name: Arc<str>,
    /// Whether the hint is gone for good.
    pub removed: bool,
    /// Grows with every visible change (state, presence, removal) of any hint: of two snapshots of
    /// a hint the one with the greater number is the newer one. Devices and display name may
    /// differ between snapshots of one number.
    pub seq: u64,
}

/// A device of a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSnapshot {
    /// Its name, as the hint spells it.
    pub name: Arc<str>,
    /// Its state; [`DeviceState::Invalid`] if nobody reports it.
    pub state: DeviceState,
}

/// What a hint is defined as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintDefinition {
    /// The value without display name, variables expanded.
    pub text: Arc<str>,
    /// The devices and presence providers in it.
    pub members: HintText,
    /// The display name; may be empty.
    pub name: Arc<str>,
    /// Where it stands; for one made of a pattern, where the pattern stands.
    pub pos: Pos,
    /// Whether it was made of a pattern.
    pub from_pattern: bool,
    /// Whether `autohints` made it of a device; then it stands where its context does.
    pub auto: bool,
}

impl HintDefinition {
    pub(crate) fn new(hint: &Priority) -> Self {
        Self {
            text: hint.app.clone(),
            members: HintText::parse(&hint.app),
            name: hint.data.clone(),
            pos: hint.pos.clone(),
            from_pattern: false,
            auto: false,
        }
    }

    /// Whether it means the same, wherever it stands.
    pub(crate) fn means(&self, other: &Self) -> bool {
        self.text == other.text && self.name == other.name
    }
}

/// A hint that can be watched. It keeps its identity through reloads as long as its extension and
/// context have a hint.
#[derive(Debug)]
pub struct Hint {
    key: Arc<str>,
    exten: Arc<str>,
    context: Arc<str>,
    definition: ArcSwap<HintDefinition>,
    snapshot: ArcSwap<ExtensionSnapshot>,
    watchers: AtomicUsize,
    /// Since when nobody needs it, in milliseconds, as far as a sweep saw; see [`IN_USE`], [`GONE`].
    idle_since: AtomicU64,
}

/// Someone watched a hint or asked for it since the last sweep.
const IN_USE: u64 = u64::MAX - 1;

/// A hint is about to be removed: it must not be given to anyone.
const GONE: u64 = u64::MAX;

impl Hint {
    /// A hint that shows nothing yet: its state is [`ExtensionState::Deactivated`] until it is
    /// first computed, before anyone can find it.
    pub(crate) fn new(
        key: Arc<str>,
        exten: Arc<str>,
        context: Arc<str>,
        definition: HintDefinition,
    ) -> Arc<Self> {
        let snapshot = ExtensionSnapshot {
            key: key.clone(),
            exten: exten.clone(),
            context: context.clone(),
            state: ExtensionState::Deactivated,
            devices: Vec::new(),
            presence: PresenceValue::default(),
            name: definition.name.clone(),
            removed: false,
            seq: 0,
        };
        Arc::new(Self {
            key,
            exten,
            context,
            definition: ArcSwap::from_pointee(definition),
            snapshot: ArcSwap::from_pointee(snapshot),
            watchers: AtomicUsize::new(0),
            idle_since: AtomicU64::new(IN_USE),
        })
    }

    /// `1000@default`
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// The extension: `1000`.
    pub fn exten(&self) -> &Arc<str> {
        &self.exten
    }

    /// The context that it stands in.
    pub fn context(&self) -> &Arc<str> {
        &self.context
    }

    /// What it shows now.
    pub fn snapshot(&self) -> Arc<ExtensionSnapshot> {
        self.snapshot.load_full()
    }

    /// What it is defined as now.
    pub fn definition(&self) -> Arc<HintDefinition> {
        self.definition.load_full()
    }

    /// Counts one more watcher.
    pub fn add_watcher(&self) {
        self.watchers.fetch_add(1, Ordering::SeqCst);
        self.touch();
    }

    /// Counts one watcher less; never below none.
    pub fn remove_watcher(&self) {
        let less = |watchers: usize| watchers.checked_sub(1);
        self.touch();
        let counted = self.watchers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        debug_assert!(counted.is_ok(), "a watcher left {} that never came", self.key);
    }

    /// How many watch it.
    pub fn watchers(&self) -> usize {
        self.watchers.load(Ordering::SeqCst)
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

    pub(crate) fn define(&self, definition: HintDefinition) {
        self.definition.store(Arc::new(definition));
    }

    pub(crate) fn show(&self, snapshot: Arc<ExtensionSnapshot>) {
        self.snapshot.store(snapshot);
    }
}
