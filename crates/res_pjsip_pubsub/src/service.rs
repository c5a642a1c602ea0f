//! Subscriptions as the rest of the server sees them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use module_api::Payload;
use res_pjsip::Pjsip;
use res_pjsip::config::Endpoint;

use crate::flow::NewFlow;
use crate::module::{Message, NAME, PubSub};
use crate::registry::{ModuleParts, Registry};
use crate::stats::PubSubStats;

/// Told when a resource (topic, key) gains or loses watchers.
pub type WatcherHook = Box<dyn Fn(&str, &str, isize) + Send + Sync>;

/// How long a command waits for a shard that is busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// What `pjsip show subscriptions inbound` shows of one subscription.
#[derive(Debug, Clone)]
pub struct SubscriptionInfo {
    /// The watcher.
    pub endpoint: Arc<Endpoint>,
    /// The user part that was asked for.
    pub resource: String,
    /// The event package.
    pub event: Arc<str>,
    /// Seconds left.
    pub expiry: u64,
    /// Call-ID.
    pub call_id: String,
}

/// What `core explain hint` says of a watcher.
#[derive(Debug, Clone)]
pub struct WatcherInfo {
    /// The watcher.
    pub endpoint: Arc<Endpoint>,
    /// The event package.
    pub event: Arc<str>,
    /// The type of its bodies.
    pub media_type: Arc<str>,
    /// Call-ID.
    pub call_id: String,
    /// Seconds left.
    pub expiry: u64,
    /// Time since the last NOTIFY was sent.
    pub notified: Duration,
    /// CSeq number of the last NOTIFY.
    pub cseq: u32,
    /// Version of its body; none before the first.
    pub version: Option<u32>,
    /// What became of it.
    pub answer: NotifyAnswer,
    /// What it waits for.
    pub pending: Pending,
}

/// What became of a NOTIFY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyAnswer {
    /// Nothing yet, or none was sent.
    None,
    /// The phone answered with this status.
    Status(u16),
    /// Nobody answered in time (RFC 3261, timer F).
    TimedOut,
    /// It could not be delivered: its connection is gone, or none could be made.
    Undelivered,
}

/// What is on the way to a watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// Nothing: the phone has the newest state.
    Nothing,
    /// The answer to the NOTIFY with the newest state.
    Answer,
    /// The answer to an older NOTIFY; then the newest state is sent.
    NewerState,
    /// Its turn in the queue, or the time that the phone asked for (Retry-After).
    Turn,
    /// The address behind its Contact or route, which is being looked up.
    Address,
    /// A module that makes its body type.
    Generator,
    /// The module of its event.
    Package,
    /// A way to its phone: the connection is gone, and the phone has not come back.
    Connection,
}

type Updates = HashMap<(Arc<str>, Arc<str>), Arc<Payload>>;

/// What shards and the rest of the server share.
pub(crate) struct Shared {
    registry: Mutex<Arc<Registry>>,
    /// For each shard the newest state of each resource that changed since it last looked: bounded
    /// by the number of resources, however slow the shard is.
    updates: Vec<Mutex<Updates>>,
    stats: Vec<Arc<PubSubStats>>,
    watchers: WatcherHook,
}

/// `res_pjsip_pubsub` while it is loaded: dropping it ends all subscriptions without a word.
pub struct PubSubService {
    pjsip: Arc<Pjsip>,
    shared: Arc<Shared>,
    running: AtomicBool,
}

impl PubSubService {
    /// Adds subscriptions to the shards of `pjsip`.
    pub fn start(pjsip: Arc<Pjsip>, watchers: WatcherHook) -> Arc<Self> {
        let count = pjsip.shard_count();
        let shared = Arc::new(Shared::new(count, watchers));
        let for_shards = shared.clone();
        pjsip.add_module(Arc::new(move |shard| Box::new(PubSub::new(shard, for_shards.clone()))));
        Arc::new(Self { pjsip, shared, running: AtomicBool::new(true) })
    }

    /// Adds what a module brings. An event or media type that is taken is an error.
    pub fn add_parts(&self, module: &str, parts: ModuleParts) -> Result<(), String> {
        let mut registry = lock(&self.shared.registry);
        *registry = Arc::new(registry.with(module, parts)?);
        self.publish_registry(&registry);
        Ok(())
    }

    /// Puts what a module brings in place of what it brought before, in one step. An event or media type
    /// that another module has is an error; then nothing changes.
    pub fn replace_parts(&self, module: &str, parts: ModuleParts) -> Result<(), String> {
        let mut registry = lock(&self.shared.registry);
        *registry = Arc::new(registry.without(module).with(module, parts)?);
        self.publish_registry(&registry);
        Ok(())
    }

    /// How many subscriptions need something that a module brought.
    pub fn users_of(&self, module: &str) -> usize {
        let registry = self.shared.registry();
        let uses = self.ask(Message::Uses);
        let of_module =
            uses.into_iter().filter(|used| registry.is_from(module, &used.event, &used.media_type));
        of_module.map(|used| used.subscriptions).sum()
    }

    /// Removes what a module brought.
    pub fn remove_parts(&self, module: &str) {
        let mut registry = lock(&self.shared.registry);
        *registry = Arc::new(registry.without(module));
        self.publish_registry(&registry);
    }

    /// Tells every shard the new state of a resource.
    pub fn publish(&self, topic: &str, key: &str, payload: Payload) {
        self.shared.publish(topic, key, payload, |shard| {
            self.pjsip.send_to_shard(shard, NAME, Box::new(Message::Updates));
        });
    }

    /// A phone has registered: its subscriptions whose connection is gone follow it.
    pub fn new_flow(&self, flow: &NewFlow) {
        self.pjsip.send_to_module(NAME, |_| Box::new(Message::NewFlow(flow.clone())));
    }

    /// All inbound subscriptions, by endpoint and resource.
    pub fn list(&self) -> Vec<SubscriptionInfo> {
        let mut all = self.ask(Message::List);
        let order = |s: &SubscriptionInfo| {
            (s.endpoint.id.clone(), s.resource.clone(), s.event.clone(), s.call_id.clone())
        };
        all.sort_by_cached_key(order);
        all
    }

    /// The watchers of a resource, by endpoint.
    pub fn watchers(&self, topic: &str, key: &str) -> Vec<WatcherInfo> {
        let (topic, key): (Arc<str>, Arc<str>) = (topic.into(), key.into());
        let mut all = self.ask(|reply| Message::Watchers(topic.clone(), key.clone(), reply));
        all.sort_by_cached_key(|w: &WatcherInfo| (w.endpoint.id.clone(), w.event.clone(), w.call_id.clone()));
        all
    }

    /// Asks every shard and puts the answers together. A shard that is too busy is left out.
    fn ask<T>(&self, message: impl Fn(mpsc::Sender<Vec<T>>) -> Message) -> Vec<T> {
        let (reply, answers) = mpsc::channel();
        self.pjsip.send_to_module(NAME, |_| Box::new(message(reply.clone())));
        drop(reply);
        let mut all = Vec::new();
        for _ in 0..self.pjsip.shard_count() {
            match answers.recv_timeout(PATIENCE) {
                Ok(part) => all.extend(part),
                Err(_) => break,
            }
        }
        all
    }

    /// The counters of all shards, added up.
    pub fn stats(&self) -> Vec<(&'static str, u64)> {
        res_pjsip::sum(self.shared.stats.iter().map(|stats| stats.values()))
    }

    /// Number of live subscriptions.
    pub fn active(&self) -> u64 {
        self.shared.stats.iter().map(|stats| stats.active.get()).sum()
    }

    /// Takes subscriptions out of the shards.
    pub fn stop(&self) {
        if self.running.swap(false, Ordering::Relaxed) {
            self.pjsip.remove_module(NAME);
        }
    }

    fn publish_registry(&self, registry: &Arc<Registry>) {
        self.pjsip.send_to_module(NAME, |_| Box::new(Message::Registry(registry.clone())));
    }
}

impl Drop for PubSubService {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    pub(crate) fn new(shards: usize, watchers: WatcherHook) -> Self {
        Self {
            registry: Mutex::default(),
            updates: (0..shards).map(|_| Mutex::default()).collect(),
            stats: (0..shards).map(|_| Arc::default()).collect(),
            watchers,
        }
    }

    /// Leaves a new state for every shard, and wakes those that had nothing to look at.
    pub(crate) fn publish(&self, topic: &str, key: &str, payload: Payload, wake: impl Fn(u16)) {
        let (topic, key, payload): (Arc<str>, Arc<str>, _) = (topic.into(), key.into(), Arc::new(payload));
        for (shard, updates) in self.updates.iter().enumerate() {
            let mut updates = lock(updates);
            let idle = updates.is_empty();
            let newest = updates.entry((topic.clone(), key.clone())).or_insert_with(|| payload.clone());
            if payload.seq > newest.seq {
                *newest = payload.clone();
            }
            drop(updates);
            if idle {
                wake(shard as u16);
            }
        }
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        lock(&self.registry).clone()
    }

    pub(crate) fn stats(&self, shard: u16) -> Arc<PubSubStats> {
        self.stats.get(usize::from(shard)).cloned().unwrap_or_default()
    }

    pub(crate) fn take_updates(&self, shard: u16) -> Updates {
        self.updates
            .get(usize::from(shard))
            .map(|updates| std::mem::take(&mut *lock(updates)))
            .unwrap_or_default()
    }

    pub(crate) fn count_watcher(&self, topic: &str, key: &str, change: isize) {
        (self.watchers)(topic, key, change);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
