//! The part of `res_pjsip_pubsub` in one shard: tables, timers, queue, messages.

use std::any::Any;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashTable};
use module_api::{EventPackage, Fail, Payload};
use res_pjsip::{Answer, ClosedConnection, Core, Output, Request, ShardModule, Snapshot, resolve};

use crate::body::Bodies;
use crate::flow::{Flows, NewFlow};
use crate::intern::Interner;
use crate::registry::Registry;
use crate::resource::{ResourceId, Resources};
use crate::service::{Shared, SubscriptionInfo, WatcherInfo};
use crate::stats::PubSubStats;
use crate::subscribe;
use crate::subscription::{Reason, Subscription};
use crate::table::Table;

/// The name by which shards know this module.
pub(crate) const NAME: &str = "res_pjsip_pubsub";

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimerKind {
    Expiry,
    Retry,
}

/// A message to the module in a shard.
pub(crate) enum Message {
    /// The loaded modules have changed.
    Registry(Arc<Registry>),
    /// New states wait in [`Shared`].
    Updates,
    /// A phone can be reached a new way.
    NewFlow(NewFlow),
    /// Lists the subscriptions.
    List(std::sync::mpsc::Sender<Vec<SubscriptionInfo>>),
    /// Counts the subscriptions by what they need.
    Uses(std::sync::mpsc::Sender<Vec<Used>>),
    /// Tells what the watchers of a resource (topic, key) know.
    Watchers(Arc<str>, Arc<str>, std::sync::mpsc::Sender<Vec<WatcherInfo>>),
}

/// How many subscriptions of a shard need this.
pub(crate) struct Used {
    pub(crate) event: Arc<str>,
    pub(crate) media_type: Arc<str>,
    pub(crate) subscriptions: usize,
}

/// All subscriptions of one shard.
pub(crate) struct PubSub {
    pub(crate) shard: u16,
    pub(crate) shared: Arc<Shared>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) subscriptions: Table<Subscription>,
    pub(crate) resources: Resources,
    pub(crate) bodies: Bodies,
    /// Subscriptions to be notified, with their generation.
    pub(crate) queue: VecDeque<(u32, u32)>,
    pub(crate) user_agents: Interner,
    pub(crate) names: Interner,
    pub(crate) flows: Flows,
    pub(crate) stats: Arc<PubSubStats>,
    dialogs: HashTable<u32>,
    hasher: RandomState,
}

impl PubSub {
    pub(crate) fn new(shard: u16, shared: Arc<Shared>) -> Self {
        Self {
            shard,
            registry: shared.registry(),
            stats: shared.stats(shard),
            shared,
            subscriptions: Table::default(),
            resources: Resources::default(),
            bodies: Bodies::default(),
            queue: VecDeque::new(),
            user_agents: Interner::default(),
            names: Interner::default(),
            flows: Flows::default(),
            dialogs: HashTable::new(),
            hasher: RandomState::default(),
        }
    }

    /// Adds a subscription to all tables.
    pub(crate) fn insert(&mut self, subscription: Subscription) -> u32 {
        let hash = dialog_hash(&self.hasher, &subscription);
        let (resource, peer) = (subscription.resource, subscription.peer);
        let (index, generation) = self.subscriptions.insert(subscription);
        let place = self.resources.watch(resource, index);
        if let Some(subscription) = self.subscriptions.get_mut(index) {
            subscription.generation = generation;
            subscription.place = place;
        }
        let (subscriptions, hasher) = (&self.subscriptions, &self.hasher);
        let rehash = |index: &u32| subscriptions.get(*index).map_or(0, |s| dialog_hash(hasher, s));
        self.dialogs.insert_unique(hash, index, rehash);
        self.flows.add(index, peer);
        self.stats.active.add();
        self.count_watcher(resource, 1);
        index
    }

    /// Removes a subscription from all tables.
    pub(crate) fn remove(&mut self, index: u32) {
        let Some(subscription) = self.subscriptions.get(index) else { return };
        let hash = dialog_hash(&self.hasher, subscription);
        if let Ok(entry) = self.dialogs.find_entry(hash, |other| *other == index) {
            entry.remove();
        }
        let (resource, place) = (subscription.resource, subscription.place);
        self.flows.remove(index, subscription.peer);
        if subscription.ending != Some(Reason::NoResource) {
            self.count_watcher(resource, -1);
        }
        self.leave(resource, place);
        self.subscriptions.remove(index);
        self.stats.active.subtract();
    }

    /// The subscription whose dialog has these ids.
    pub(crate) fn find_dialog(&self, call_id: &[u8], local_tag: &[u8], remote_tag: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one((call_id, local_tag, remote_tag));
        let same = |index: &u32| {
            self.subscriptions.get(*index).is_some_and(|s| s.dialog.matches(call_id, local_tag, remote_tag))
        };
        self.dialogs.find(hash, same).copied()
    }

    /// Arms the expiry timer of a subscription.
    pub(crate) fn arm_expiry(&mut self, core: &mut Core, index: u32) {
        let Some(subscription) = self.subscriptions.get_mut(index) else { return };
        subscription.armed_for = subscription.expires_at;
        core.arm(subscription.expires_at, timer_token(TimerKind::Expiry, index, subscription.generation));
    }

    fn expired(&mut self, core: &mut Core, index: u32, out: &mut Output) {
        let Some(subscription) = self.subscriptions.get(index) else { return };
        if !subscription.is_alive() {
            return;
        }
        if core.now() < subscription.expires_at {
            // Refreshed meanwhile. A timer that was overtaken by an earlier one does nothing.
            if core.now() >= subscription.armed_for {
                self.arm_expiry(core, index);
            }
            return;
        }
        self.stats.expired.add();
        self.end(core, index, Reason::Timeout, out);
    }

    /// Takes the new states that other threads have left.
    fn take_updates(&mut self, core: &mut Core, out: &mut Output) {
        for ((topic, key), payload) in self.shared.take_updates(self.shard) {
            let Some(id) = self.resources.find(&topic, &key) else { continue };
            self.update(core, id, payload, out);
        }
    }

    fn update(&mut self, core: &mut Core, id: ResourceId, payload: Arc<Payload>, out: &mut Output) {
        let Some(resource) = self.resources.get_mut(id) else { return };
        if payload.seq <= resource.payload.seq {
            return;
        }
        let gone = payload.terminated;
        resource.payload = payload;
        let watchers = self.resources.watchers(id).to_vec();
        for index in watchers {
            if !gone || self.follow(index) {
                self.mark_dirty(index);
            } else {
                self.stats.ended_with_resource.add();
                self.end(core, index, Reason::NoResource, out);
            }
        }
    }

    /// The resource of a subscription is gone: if what the phone asked for means another one now
    /// (an include or a pattern took its place), watches that.
    fn follow(&mut self, index: u32) -> bool {
        let Some(subscription) = self.subscriptions.get(index).filter(|s| s.is_alive()) else { return false };
        let Some(package) = self.registry.package(&subscription.event).cloned() else { return false };
        let asked_for = subscription.texts.resource();
        let Ok(key) = subscribe::resolve(&*package, &subscription.endpoint, asked_for) else { return false };
        // Not counted at the old one: it is gone with its count, though its name may be there again.
        self.watch_instead(index, &*package, &key)
    }

    /// Lets a subscription watch another resource; false if that is not there.
    pub(crate) fn watch_instead(&mut self, index: u32, package: &dyn EventPackage, key: &str) -> bool {
        let Some(subscription) = self.subscriptions.get(index) else { return false };
        let Ok(payload) = self.current(package, key) else { return false };
        if payload.terminated {
            return false;
        }
        let (old, place) = (subscription.resource, subscription.place);
        // In this order: the resource must not be forgotten if old and new are one.
        let new = self.resources.provide(package.topic(), key, payload);
        let new_place = self.resources.watch(new, index);
        self.count_watcher(new, 1);
        self.leave(old, place);
        if let Some(subscription) = self.subscriptions.get_mut(index)
            && old != new
        {
            (subscription.resource, subscription.place) = (new, new_place);
        }
        true
    }

    /// Takes a watcher from its resource.
    fn leave(&mut self, resource: ResourceId, place: u32) {
        if let Some(moved) = self.resources.unwatch(resource, place)
            && let Some(moved) = self.subscriptions.get_mut(moved)
        {
            moved.place = place;
        }
    }

    /// Other modules: what changed while a package was away is read again, and whoever gets bodies of
    /// other code now, or had none, is notified once. Whoever gets none any more waits.
    fn replace_registry(&mut self, core: &mut Core, registry: Arc<Registry>, out: &mut Output) {
        let before = std::mem::replace(&mut self.registry, registry.clone());
        self.bodies.forget();
        for package in registry.new_packages(&before) {
            self.read_again(core, &**package, out);
        }
        // Subscriptions of a kind share their fate, and there are few kinds.
        let mut kinds: HashMap<(Arc<str>, Arc<str>), bool, RandomState> = HashMap::default();
        let mut touched = Vec::new();
        for (index, subscription) in self.subscriptions.iter() {
            let (event, media_type) = (&subscription.event, &subscription.media_type);
            let same = *kinds
                .entry((event.clone(), media_type.clone()))
                .or_insert_with(|| registry.makes_the_same(&before, event, media_type));
            if !same || subscription.waiting {
                touched.push(index);
            }
        }
        for index in touched {
            if let Some(subscription) = self.subscriptions.get_mut(index) {
                subscription.waiting = registry.package(&subscription.event).is_none();
                if subscription.waiting {
                    continue;
                }
            }
            self.mark_dirty(index);
        }
    }

    /// Takes over what a package says of all its resources that are watched.
    fn read_again(&mut self, core: &mut Core, package: &dyn EventPackage, out: &mut Output) {
        for (id, key) in self.resources.of_topic(package.topic()) {
            match package.current(&key) {
                Ok(payload) => self.update(core, id, Arc::new(payload), out),
                Err(Fail::NoData) => {
                    let Some(resource) = self.resources.get(id) else { continue };
                    let last = Payload {
                        seq: resource.payload.seq + 1,
                        terminated: true,
                        ..Payload::clone(&resource.payload)
                    };
                    self.update(core, id, Arc::new(last), out);
                }
                // It is told by its hook; the state from before stays.
                Err(_) => {}
            }
        }
    }

    fn uses(&self) -> Vec<Used> {
        let mut uses: HashMap<(Arc<str>, Arc<str>), usize, RandomState> = HashMap::default();
        for (_, subscription) in self.subscriptions.iter() {
            *uses.entry((subscription.event.clone(), subscription.media_type.clone())).or_default() += 1;
        }
        let used = |((event, media_type), subscriptions)| Used { event, media_type, subscriptions };
        uses.into_iter().map(used).collect()
    }

    pub(crate) fn count_watcher(&self, resource: ResourceId, change: isize) {
        if let Some(resource) = self.resources.get(resource) {
            self.shared.count_watcher(&resource.topic, &resource.key, change);
        }
    }

    fn watchers(&self, core: &Core, topic: &str, key: &str) -> Vec<WatcherInfo> {
        let Some(id) = self.resources.find(topic, key) else { return Vec::new() };
        let watchers = self.resources.watchers(id).iter().filter_map(|index| self.subscriptions.get(*index));
        let package = |subscription: &Subscription| self.registry.package(&subscription.event).is_some();
        watchers.map(|subscription| subscription.explain(core.now(), package(subscription))).collect()
    }

    fn list(&self, core: &Core) -> Vec<SubscriptionInfo> {
        let info = |subscription: &Subscription| SubscriptionInfo {
            endpoint: subscription.endpoint.clone(),
            resource: subscription.texts.resource().to_owned(),
            event: subscription.event.clone(),
            expiry: if subscription.is_alive() { subscription.seconds_left(core.now()) } else { 0 },
            call_id: String::from_utf8_lossy(subscription.dialog.call_id()).into_owned(),
        };
        self.subscriptions.iter().map(|(_, subscription)| info(subscription)).collect()
    }
}

impl ShardModule for PubSub {
    fn name(&self) -> &'static str {
        NAME
    }

    fn methods(&self) -> &'static [&'static str] {
        &["SUBSCRIBE"]
    }

    fn request(&mut self, core: &mut Core, request: &Request<'_>, out: &mut Output) {
        self.subscribe(core, request, out);
    }

    fn answer(&mut self, core: &mut Core, token: u64, answer: Answer, out: &mut Output) {
        if let Some(index) = self.alive(token) {
            self.notify_answered(core, index, answer, out);
        }
    }

    fn timer(&mut self, core: &mut Core, token: u64, out: &mut Output) {
        let Some(index) = self.alive(token) else { return };
        if token >> KIND_SHIFT == TimerKind::Retry as u64 {
            self.mark_dirty(index);
        } else {
            self.expired(core, index, out);
        }
    }

    fn connections_closed(&mut self, _: &mut Core, closed: &[ClosedConnection], _: &mut Output) {
        self.forget_connections(closed);
    }

    fn message(&mut self, core: &mut Core, message: Box<dyn Any + Send>, out: &mut Output) {
        let Ok(message) = message.downcast::<Message>() else { return };
        match *message {
            Message::Registry(registry) => self.replace_registry(core, registry, out),
            Message::Uses(reply) => drop(reply.send(self.uses())),
            Message::Updates => self.take_updates(core, out),
            Message::NewFlow(flow) => self.new_flow(core, &flow),
            // Whoever asked may have given up waiting.
            Message::List(reply) => drop(reply.send(self.list(core))),
            Message::Watchers(topic, key, reply) => drop(reply.send(self.watchers(core, &topic, &key))),
        }
    }

    fn configured(&mut self, core: &mut Core, old: &Snapshot, out: &mut Output) {
        self.reconfigure(core, old, out);
    }

    fn resolved(&mut self, core: &mut Core, token: u64, answer: resolve::Answer, out: &mut Output) {
        if let Some(index) = self.alive(token) {
            self.located(core, index, answer, out);
        }
    }

    fn work(&mut self, core: &mut Core, budget: usize, out: &mut Output) -> bool {
        for _ in 0..budget {
            let Some((index, generation)) = self.queue.pop_front() else { return false };
            let Some(subscription) = self.subscriptions.get_mut(index) else { continue };
            if subscription.generation != generation {
                continue;
            }
            subscription.queued = false;
            if subscription.dirty && !subscription.is_busy() {
                self.notify(core, index, out);
            }
        }
        !self.queue.is_empty()
    }
}

impl Drop for PubSub {
    /// The module is unloaded: nobody watches any more.
    fn drop(&mut self) {
        for (_, subscription) in self.subscriptions.iter() {
            if subscription.ending != Some(Reason::NoResource) {
                self.count_watcher(subscription.resource, -1);
            }
        }
    }
}

impl PubSub {
    /// The subscription of a token, if it is still the same one.
    fn alive(&self, token: u64) -> Option<u32> {
        let index = token as u32;
        let generation = (token >> 32) as u32 & GENERATION_MASK;
        self.subscriptions.get(index).filter(|s| s.generation == generation).map(|_| index)
    }
}

/// Tokens: index (32 bits), generation (20), kind of timer (4).
const KIND_SHIFT: u32 = 52;
/// Generations wrap here.
pub(crate) const GENERATION_MASK: u32 = (1 << 20) - 1;

/// The token of a subscription's NOTIFY.
pub(crate) fn token(index: u32, generation: u32) -> u64 {
    u64::from(generation & GENERATION_MASK) << 32 | u64::from(index)
}

/// The token of a subscription's timer.
pub(crate) fn timer_token(kind: TimerKind, index: u32, generation: u32) -> u64 {
    (kind as u64) << KIND_SHIFT | token(index, generation)
}

fn dialog_hash(hasher: &RandomState, subscription: &Subscription) -> u64 {
    let dialog = &subscription.dialog;
    hasher.hash_one((dialog.call_id(), dialog.local_tag(), dialog.remote_tag()))
}
