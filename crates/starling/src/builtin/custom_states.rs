//! States that an operator sets, by name: `Custom:` devices and `CustomPresence:` presentities. They
//! are kept in the store, under Asterisk's family and keys, and are there again after a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use state::Name;
use store::Store;

use crate::server::lock;

/// Names, compared without case, with the text that was set.
pub(crate) struct CustomStates {
    family: &'static str,
    store: Store,
    values: Mutex<BTreeMap<Name, Arc<str>>>,
}

impl CustomStates {
    /// What the store has of a family.
    pub(crate) fn open(store: &Store, family: &'static str) -> Self {
        let values = store.family(family).into_iter().map(|(name, value)| (Name::new(name), value.into()));
        Self { family, store: store.clone(), values: Mutex::new(values.collect()) }
    }

    /// Sets a state. A name that is known in another spelling keeps its first one.
    pub(crate) fn set(&self, name: &str, value: &str) {
        let mut values = lock(&self.values);
        let key = Name::new(name);
        let spelled = values.get_key_value(&key).map_or_else(|| key.clone(), |(known, _)| known.clone());
        values.insert(spelled.clone(), value.into());
        let family = self.family;
        self.store.put(family, spelled.as_str(), value).then(move |result| {
            if let Err(error) = result {
                tracing::error!(
                    "{family}/{} is set, but will not survive a restart: {error}",
                    spelled.as_str()
                );
            }
        });
    }

    /// Forgets a state; false if there is none.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let Some((name, _)) = lock(&self.values).remove_entry(&Name::new(name)) else { return false };
        let family = self.family;
        self.store.delete(family, name.as_str()).then(move |result| {
            if let Err(error) = result {
                tracing::error!(
                    "{family}/{} is gone, but a restart will bring it back: {error}",
                    name.as_str()
                );
            }
        });
        true
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<str>> {
        lock(&self.values).get(&Name::new(name)).cloned()
    }

    /// The names, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        lock(&self.values).keys().map(|name| name.as_str().to_owned()).collect()
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> Vec<(Name, Arc<str>)> {
        lock(&self.values).iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(states: &CustomStates) -> Vec<(String, String)> {
        states.all().iter().map(|(name, value)| (name.as_str().to_owned(), value.to_string())).collect()
    }

    #[test]
    fn what_was_set_is_there_after_a_restart() {
        let store = Store::memory().unwrap();
        let states = CustomStates::open(&store, "CustomDevstate");
        states.set("Lamp", "INUSE");
        states.set("lamp", "BUSY");
        states.set("other", "RINGING");
        assert!(states.remove("OTHER"));
        assert!(!states.remove("other"));
        let again = CustomStates::open(&store, "CustomDevstate");
        assert_eq!(all(&again), [("Lamp".to_owned(), "BUSY".to_owned())]);
        assert_eq!(again.get("LAMP").as_deref(), Some("BUSY"));
        assert!(CustomStates::open(&store, "CustomPresence").all().is_empty());
    }
}
