//! What readers look into: a dialplan and the hints of its extensions, never changed but for the
//! hints that are made of patterns, which are added shard by shard.

use std::sync::Arc;

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::BuildHasher;

use crate::context::Context;
use crate::dialplan::{Dialplan, Found};
use crate::hint::{Hint, key};

/// Hints by key, in a word each: their keys are in the hints.
#[derive(Clone, Default)]
pub(crate) struct HintSet {
    hints: HashTable<Arc<Hint>>,
    hasher: RandomState,
}

impl HintSet {
    pub(crate) fn get(&self, key: &str) -> Option<&Arc<Hint>> {
        self.hints.find(self.hasher.hash_one(key), |hint| hint.key() == key)
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Adds a hint, in place of one of the same key.
    pub(crate) fn insert(&mut self, hint: Arc<Hint>) {
        let hasher = &self.hasher;
        let hash = |hint: &Arc<Hint>| hasher.hash_one(hint.key());
        match self.hints.entry(hash(&hint), |other| other.key() == hint.key(), hash) {
            Entry::Occupied(mut entry) => *entry.get_mut() = hint,
            Entry::Vacant(entry) => {
                entry.insert(hint);
            }
        }
    }

    fn remove(&mut self, key: &str) {
        if let Ok(entry) = self.hints.find_entry(self.hasher.hash_one(key), |hint| hint.key() == key) {
            entry.remove();
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Hint>> {
        self.hints.iter()
    }
}

/// Adding a hint of a pattern copies one of so many shards.
const SHARDS: usize = 256;

pub(crate) struct Table {
    dialplan: Arc<Dialplan>,
    /// The hints of extensions with a name.
    hints: HintSet,
    /// The hints that were made of patterns, by the hash of their key.
    instances: Vec<ArcSwap<HintSet>>,
    hasher: RandomState,
}

/// What someone means by an extension.
pub(crate) enum Match<'t> {
    Hint(Arc<Hint>),
    /// A pattern that there is no hint of yet.
    Pattern(Found<'t>),
}

impl Table {
    pub(crate) fn new(dialplan: Arc<Dialplan>, hints: HintSet, instances: HintSet) -> Self {
        let hasher = RandomState::default();
        let mut shards: Vec<HintSet> = (0..SHARDS).map(|_| HintSet::default()).collect();
        for hint in instances.hints {
            if let Some(shard) = shards.get_mut(shard_of(&hasher, hint.key())) {
                shard.insert(hint);
            }
        }
        Self { dialplan, hints, instances: shards.into_iter().map(ArcSwap::from_pointee).collect(), hasher }
    }

    pub(crate) fn dialplan(&self) -> &Arc<Dialplan> {
        &self.dialplan
    }

    pub(crate) fn find(&self, context: &str, exten: &str, now: u64) -> Option<Match<'_>> {
        let Some(found) = self.dialplan.find_hint(context, exten, now) else {
            let auto = |c: &Context| c.autohints.then(|| self.instance(&key(exten, &c.name))).flatten();
            return self.dialplan.search(context, now, auto).map(Match::Hint);
        };
        if !found.extension.is_pattern() {
            let key = key(&found.extension.name, &found.context.name);
            return self.hints.get(&key).cloned().map(Match::Hint);
        }
        let instance = self.instance(&key(exten, &found.context.name));
        Some(instance.map_or(Match::Pattern(found), Match::Hint))
    }

    pub(crate) fn get(&self, key: &str) -> Option<Arc<Hint>> {
        let hint = self.hints.get(key).cloned();
        hint.or_else(|| self.instance(key))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Arc<Hint>> {
        self.hints.iter().cloned().chain(self.instances())
    }

    /// The hints that were made of patterns.
    pub(crate) fn instances(&self) -> impl Iterator<Item = Arc<Hint>> {
        let all = |shard: &ArcSwap<HintSet>| shard.load().iter().cloned().collect::<Vec<_>>();
        self.instances.iter().flat_map(all)
    }

    /// Adds a hint of a pattern. Only for the one writer.
    pub(crate) fn insert(&self, hint: &Arc<Hint>) {
        if let Some(shard) = self.instances.get(shard_of(&self.hasher, hint.key())) {
            let mut hints = HintSet::clone(&shard.load());
            hints.insert(hint.clone());
            shard.store(Arc::new(hints));
        }
    }

    /// Removes a hint of a pattern. Only for the one writer.
    pub(crate) fn remove(&self, key: &str) {
        if let Some(shard) = self.instances.get(shard_of(&self.hasher, key)) {
            let mut hints = HintSet::clone(&shard.load());
            hints.remove(key);
            shard.store(Arc::new(hints));
        }
    }

    /// The hint of a key, if it was made of a pattern.
    pub(crate) fn instance(&self, key: &str) -> Option<Arc<Hint>> {
        let shard = self.instances.get(shard_of(&self.hasher, key))?;
        shard.load().get(key).cloned()
    }
}

impl Default for Table {
    fn default() -> Self {
        let dialplan = Arc::new(Dialplan::default());
        Self::new(dialplan, HintSet::default(), HintSet::default())
    }
}

fn shard_of(hasher: &RandomState, key: &str) -> usize {
    (hasher.hash_one(key) >> 32) as usize % SHARDS
}
