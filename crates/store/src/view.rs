//! The writes that are not yet committed: the queue of the writer, and what reads must lay over the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::pending::Promise;

/// All keys below a node, compared byte by byte (Asterisk compares with LIKE: no case, `_` and `%` wild).
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    /// `/family` or `/family/key`, without a slash at the end; empty for everything.
    pub(crate) node: Arc<str>,
    /// Whether the key that is the node itself belongs to it.
    pub(crate) with_node: bool,
}

impl Tree {
    /// The members of a family.
    pub(crate) fn family(family: &str) -> Self {
        Self { node: format!("/{family}").into(), with_node: false }
    }

    /// Everything in the file.
    pub(crate) fn all() -> Self {
        Self { node: "".into(), with_node: false }
    }

    /// First key below the node, and the first one after all of them: `0` follows `/` in ASCII.
    pub(crate) fn bounds(&self) -> (String, String) {
        (format!("{}/", self.node), format!("{}0", self.node))
    }

    fn contains(&self, key: &str) -> bool {
        key.strip_prefix(&*self.node)
            .is_some_and(|rest| rest.starts_with('/') || (self.with_node && rest.is_empty()))
    }
}

/// What one write changes. `None` deletes.
pub(crate) enum Change {
    Set(Arc<str>, Option<Arc<str>>),
    DeleteTree(Tree),
}

impl Change {
    /// Bytes that it holds while it waits, about.
    pub(crate) fn size(&self) -> usize {
        const OVERHEAD: usize = 256;
        OVERHEAD
            + match self {
                Self::Set(key, value) => key.len() + value.as_ref().map_or(0, |v| v.len()),
                Self::DeleteTree(tree) => tree.node.len(),
            }
    }
}

/// A queued write.
pub(crate) struct Op {
    pub(crate) change: Change,
    pub(crate) promise: Promise,
}

/// Writes not yet retired, by number. Whatever is in `entries` is newer than every tree in `trees`.
#[derive(Default)]
pub(crate) struct View {
    entries: BTreeMap<Arc<str>, (u64, Option<Arc<str>>)>,
    trees: Vec<(u64, Tree)>,
    pub(crate) queue: Vec<Op>,
    /// Of the queue and the batch that is being committed.
    pub(crate) bytes: usize,
    /// Number of the newest queued write; the first is 1.
    pub(crate) last: u64,
    /// Number of the newest write that is in the file or has failed.
    pub(crate) retired: u64,
    /// Number of the newest write whose outcome was told, its callback included.
    pub(crate) told: u64,
    /// The last handle is gone: commit what is queued, then stop.
    pub(crate) closing: bool,
    /// The writer thread has ended.
    pub(crate) stopped: bool,
}

/// The pending writes of one tree, to be laid over its rows.
pub(crate) struct Overlay {
    entries: Vec<(Arc<str>, Option<Arc<str>>)>,
    trees: Vec<Tree>,
}

impl View {
    pub(crate) fn push(&mut self, op: Op) {
        self.last += 1;
        self.bytes += op.change.size();
        match &op.change {
            Change::Set(key, value) => {
                self.entries.insert(key.clone(), (self.last, value.clone()));
            }
            Change::DeleteTree(tree) => {
                for (_, entry) in self.entries.iter_mut().filter(|(key, _)| tree.contains(key)) {
                    *entry = (self.last, None);
                }
                self.trees.push((self.last, tree.clone()));
            }
        }
        self.queue.push(op);
    }

    /// What a pending write says about `key`: `None` nothing, `Some(None)` it will not exist.
    pub(crate) fn get(&self, key: &str) -> Option<Option<Arc<str>>> {
        match self.entries.get(key) {
            Some((_, value)) => Some(value.clone()),
            None => self.trees.iter().any(|(_, tree)| tree.contains(key)).then_some(None),
        }
    }

    pub(crate) fn overlay(&self, tree: &Tree) -> Overlay {
        let inside = self.entries.iter().filter(|(key, _)| tree.contains(key));
        Overlay {
            entries: inside.map(|(key, (_, value))| (key.clone(), value.clone())).collect(),
            trees: self.trees.iter().map(|(_, tree)| tree.clone()).collect(),
        }
    }

    /// Forgets the writes up to `number`, of `bytes`: they are in the file, or have failed and never were.
    pub(crate) fn retire(&mut self, number: u64, bytes: usize) {
        self.retired = number;
        self.bytes -= bytes;
        self.entries.retain(|_, (written, _)| *written > number);
        self.trees.retain(|(written, _)| *written > number);
    }
}

impl Overlay {
    pub(crate) fn hides(&self, key: &str) -> bool {
        self.trees.iter().any(|tree| tree.contains(key))
    }

    pub(crate) fn apply(self, rows: &mut BTreeMap<String, String>) {
        for (key, value) in self.entries {
            match value {
                Some(value) => rows.insert(key.to_string(), value.to_string()),
                None => rows.remove(&*key),
            };
        }
    }
}
