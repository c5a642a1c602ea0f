//! Against a map that does the same, with restarts in between.

use std::collections::BTreeMap;

use proptest::prelude::*;
use store::Store;

#[derive(Debug, Clone)]
enum Step {
    Put(String, String, String),
    Delete(String, String),
    DeleteTree(String, Option<String>),
    Commit,
    Reopen,
}

fn name() -> impl Strategy<Value = String> {
    // Few, so that they meet; of the characters that mean something to a path, to LIKE, or to SQL.
    "[aA/%_0']{0,3}"
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (name(), name(), any::<String>()).prop_map(|(f, k, v)| Step::Put(f, k, v)),
        3 => (name(), name()).prop_map(|(f, k)| Step::Delete(f, k)),
        2 => (name(), proptest::option::of(name())).prop_map(|(f, k)| Step::DeleteTree(f, k)),
        2 => Just(Step::Commit),
        1 => Just(Step::Reopen),
    ]
}

/// Removes a tree from the model; gives the number of its keys.
fn delete_tree(model: &mut BTreeMap<String, String>, family: &str, key: Option<&str>) -> usize {
    let before = model.len();
    let node = key.map(|key| format!("/{family}/{key}"));
    let below = format!("{}/", node.clone().unwrap_or(format!("/{family}")));
    model.retain(|key, _| !key.starts_with(&below) && Some(key) != node.as_ref());
    before - model.len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_a_map(steps in proptest::collection::vec(step(), 1..40), asked in name()) {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("astdb.sqlite3");
        let mut store = Store::open(&path)?;
        let mut model = BTreeMap::new();
        // Answers are asked for later, so that writes of several steps meet in one commit.
        let mut counts = Vec::new();
        for step in steps {
            match step {
                Step::Put(family, key, value) => {
                    drop(store.put(&family, &key, &value));
                    model.insert(format!("/{family}/{key}"), value);
                }
                Step::Delete(family, key) => {
                    let there = model.remove(&format!("/{family}/{key}"));
                    let deleted = store.delete(&family, &key);
                    counts.push((Box::new(move || deleted.wait().map(usize::from)) as Box<dyn FnOnce() -> _>, usize::from(there.is_some())));
                }
                Step::DeleteTree(family, key) => {
                    let number = delete_tree(&mut model, &family, key.as_deref());
                    let deleted = store.delete_tree(&family, key.as_deref());
                    counts.push((Box::new(move || deleted.wait()), number));
                }
                Step::Commit => {
                    for (count, expected) in counts.drain(..) {
                        prop_assert_eq!(count(), Ok(expected));
                    }
                }
                Step::Reopen => {
                    drop(store);
                    store = Store::open(&path)?;
                }
            }
            let entries: Vec<_> = model.clone().into_iter().collect();
            prop_assert_eq!(store.entries(), entries);
            prop_assert_eq!(store.get(&asked, &asked), model.get(&format!("/{asked}/{asked}")).cloned());
            let prefix = format!("/{asked}/");
            let members = model.iter().filter_map(|(k, v)| Some((k.strip_prefix(&prefix)?.to_string(), v.clone())));
            prop_assert_eq!(store.family(&asked), members.collect::<Vec<_>>());
        }
        for (count, expected) in counts {
            prop_assert_eq!(count(), Ok(expected));
        }
        prop_assert_eq!(store.status().errors, 0);
    }
}
