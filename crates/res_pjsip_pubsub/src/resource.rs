//! The resources that a shard's subscriptions watch, each with its newest data.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use module_api::Payload;

/// Names a resource of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResourceId(u32);

/// A watched resource.
pub(crate) struct Resource {
    /// Packages with one topic share their resources.
    pub(crate) topic: Arc<str>,
    /// The resource's name in its topic, such as `1000@default`.
    pub(crate) key: Arc<str>,
    /// Its newest data.
    pub(crate) payload: Arc<Payload>,
    /// Indices of the subscriptions that watch it.
    watchers: Vec<u32>,
}

/// The table of a shard.
#[derive(Default)]
pub(crate) struct Resources {
    entries: Vec<Option<Resource>>,
    free: Vec<u32>,
    index: HashTable<u32>,
    hasher: RandomState,
}

impl Resources {
    pub(crate) fn find(&self, topic: &str, key: &str) -> Option<ResourceId> {
        let hash = self.hasher.hash_one((topic, key));
        let same = |id: &u32| self.entry(*id).is_some_and(|r| &*r.topic == topic && &*r.key == key);
        self.index.find(hash, same).map(|id| ResourceId(*id))
    }

    /// Finds a resource or adds it; it has this payload or a newer one then.
    pub(crate) fn provide(&mut self, topic: &str, key: &str, payload: Arc<Payload>) -> ResourceId {
        let Some(id) = self.find(topic, key) else { return self.insert(topic, key, payload) };
        if let Some(resource) = self.get_mut(id)
            && payload.seq > resource.payload.seq
        {
            resource.payload = payload;
        }
        id
    }

    fn insert(&mut self, topic: &str, key: &str, payload: Arc<Payload>) -> ResourceId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            self.entries.len() as u32 - 1
        });
        let resource = Resource { topic: topic.into(), key: key.into(), payload, watchers: Vec::new() };
        self.entries[id as usize] = Some(resource);
        let (entries, hasher) = (&self.entries, &self.hasher);
        let rehash =
            |id: &u32| entries[*id as usize].as_ref().map_or(0, |r| hasher.hash_one((&*r.topic, &*r.key)));
        self.index.insert_unique(hasher.hash_one((topic, key)), id, rehash);
        ResourceId(id)
    }

    pub(crate) fn get(&self, id: ResourceId) -> Option<&Resource> {
        self.entry(id.0)
    }

    pub(crate) fn get_mut(&mut self, id: ResourceId) -> Option<&mut Resource> {
        self.entries.get_mut(id.0 as usize)?.as_mut()
    }

    /// The resources of a topic, with their keys.
    pub(crate) fn of_topic(&self, topic: &str) -> Vec<(ResourceId, Arc<str>)> {
        let entries = (0..).zip(&self.entries);
        let there = entries.filter_map(|(id, entry)| Some((ResourceId(id), entry.as_ref()?)));
        let of_topic = there.filter(|(_, resource)| *resource.topic == *topic);
        of_topic.map(|(id, resource)| (id, resource.key.clone())).collect()
    }

    /// The subscriptions that watch a resource.
    pub(crate) fn watchers(&self, id: ResourceId) -> &[u32] {
        self.get(id).map_or(&[], |resource| &resource.watchers)
    }

    /// Adds a watcher; gives its place, which [`unwatch`](Self::unwatch) wants back.
    pub(crate) fn watch(&mut self, id: ResourceId, subscription: u32) -> u32 {
        let Some(resource) = self.get_mut(id) else { return 0 };
        resource.watchers.push(subscription);
        resource.watchers.len() as u32 - 1
    }

    /// Removes the watcher at `place`; gives the watcher that moved there, if one did. A resource
    /// without watchers is forgotten.
    pub(crate) fn unwatch(&mut self, id: ResourceId, place: u32) -> Option<u32> {
        let resource = self.get_mut(id)?;
        if (place as usize) < resource.watchers.len() {
            resource.watchers.swap_remove(place as usize);
        }
        let moved = resource.watchers.get(place as usize).copied();
        if resource.watchers.is_empty() {
            let hash = self.hasher.hash_one((&*self.entry(id.0)?.topic, &*self.entry(id.0)?.key));
            if let Ok(entry) = self.index.find_entry(hash, |other| *other == id.0) {
                entry.remove();
            }
            self.entries[id.0 as usize] = None;
            self.free.push(id.0);
        }
        moved
    }

    fn entry(&self, id: u32) -> Option<&Resource> {
        self.entries.get(id as usize)?.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Arc<Payload> {
        Arc::new(Payload::default())
    }

    #[test]
    fn a_resource_lives_as_long_as_it_is_watched() {
        let mut resources = Resources::default();
        let id = resources.insert("t", "1000@default", payload());
        assert_eq!(resources.find("t", "1000@default"), Some(id));
        assert_eq!(resources.find("t", "1001@default"), None);
        let places: Vec<u32> = [7, 8, 9].iter().map(|s| resources.watch(id, *s)).collect();
        assert_eq!(resources.unwatch(id, places[0]), Some(9), "the last moves to the free place");
        assert_eq!(resources.watchers(id), [9, 8]);
        assert_eq!(resources.unwatch(id, 1), None);
        assert_eq!(resources.unwatch(id, 0), None);
        assert_eq!(resources.find("t", "1000@default"), None);
    }

    #[test]
    fn topics_do_not_mix() {
        let mut resources = Resources::default();
        let a = resources.insert("a", "k", payload());
        let b = resources.insert("b", "k", payload());
        assert_ne!(a, b);
        assert_eq!((resources.find("a", "k"), resources.find("b", "k")), (Some(a), Some(b)));
    }
}
