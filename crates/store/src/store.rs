//! The store itself: reads, queued writes, counters.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::open::{self, OpenError};
use crate::pending::{Pending, WriteError};
use crate::view::{Change, Op, Tree, View};
use crate::writer;

/// Bytes of keys and values (256 more are counted for each write) that may wait for the disk. Beyond that a write
/// fails at once with [`WriteError::QueueFull`]: a shard must never block. A single larger write is taken when
/// nothing waits.
pub const QUEUE_LIMIT: usize = 64 << 20;

/// The persistent store, an astdb. Clones are handles on the same store; the last one that goes writes what is
/// queued and closes the file.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

/// Counters since the store was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Transactions that reached the disk.
    pub commits: u64,
    /// Writes in them.
    pub writes: u64,
    /// Writes that failed, writes refused because the queue was full, and reads that failed.
    pub errors: u64,
    /// Writes that are not yet committed.
    pub queued: u64,
    /// The newest error, also if writing works again.
    pub last_error: Option<String>,
}

impl Store {
    /// Opens the astdb `path`, or makes it. Checks the whole file (`quick_check`), so that damage is found here and
    /// not in the middle of a call.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let (writer, reader) = open::open(path)?;
        Self::start(Arc::new(Mutex::new(writer)), Arc::new(Mutex::new(reader)))
            .map_err(|e| OpenError::failed(path, e))
    }

    /// A store that forgets everything when its last handle goes; for tests.
    pub fn memory() -> Result<Self, OpenError> {
        let path = Path::new(":memory:");
        let connection = Arc::new(Mutex::new(open::memory().map_err(|e| OpenError::failed(path, e))?));
        Self::start(connection.clone(), connection).map_err(|e| OpenError::failed(path, e))
    }

    /// The value of `/family/key`. Bytes that are not UTF-8 (Asterisk stores what it is given) read as U+FFFD. What
    /// the disk fails to give is logged, counted, and reads as absent, here and in the other reads.
    pub fn get(&self, family: &str, key: &str) -> Option<String> {
        let key = format!("/{family}/{key}");
        // First what is pending, then the file: a write is in one of them at any time.
        if let Some(pending) = lock(&self.shared().view).get(&key) {
            return pending.map(|value| value.to_string());
        }
        let connection = lock(&self.shared().reader);
        let found = connection
            .prepare_cached("SELECT value FROM astdb WHERE key = ?1")
            .and_then(|mut select| select.query_row([&key], |row| text(row, 0)).optional());
        self.noted(found).flatten().flatten()
    }

    /// The keys (without `/family/`) and values of a family, sorted by the bytes of the key; as they were at one
    /// instant. A family may have several parts, as in `registrar/contact`.
    pub fn family(&self, family: &str) -> Vec<(String, String)> {
        let tree = Tree::family(family);
        let cut = tree.node.len() + 1;
        let rows = self.rows(&tree).into_iter();
        rows.map(|(mut key, value)| (key.split_off(cut), value)).collect()
    }

    /// All keys as `/family/key` and values, sorted by the bytes of the key; as they were at one instant.
    pub fn entries(&self) -> Vec<(String, String)> {
        self.rows(&Tree::all()).into_iter().collect()
    }

    /// Sets `/family/key`.
    pub fn put(&self, family: &str, key: &str, value: &str) -> Pending {
        self.queue(Change::Set(format!("/{family}/{key}").into(), Some(value.into())), |_| ())
    }

    /// Deletes `/family/key`; says whether it was there.
    pub fn delete(&self, family: &str, key: &str) -> Pending<bool> {
        self.queue(Change::Set(format!("/{family}/{key}").into(), None), |rows| rows > 0)
    }

    /// Deletes the members of a family or, with `key`, `/family/key` and all that is below `/family/key/`; says how
    /// many there were.
    pub fn delete_tree(&self, family: &str, key: Option<&str>) -> Pending<usize> {
        let tree = match key {
            None => Tree::family(family),
            Some(key) => Tree { node: format!("/{family}/{key}").into(), with_node: true },
        };
        self.queue(Change::DeleteTree(tree), |rows| rows)
    }

    /// Waits until every write queued before has ended, durable or failed, and its callback has returned. False: it
    /// took longer than `timeout`.
    #[must_use]
    pub fn flush(&self, timeout: Duration) -> bool {
        let view = lock(&self.shared().view);
        let last = view.last;
        let waited = self.shared().told.wait_timeout_while(view, timeout, |view| view.told < last);
        waited.unwrap_or_else(|e| e.into_inner()).0.told >= last
    }

    /// Writes everything into the file itself and leaves nothing beside it, for whoever reads the file next: the last
    /// thing that a server does with its store. The last handle that is dropped does the same.
    pub fn fold(&self) {
        let writer = lock(&self.shared().writer);
        if let Err(error) = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())) {
            tracing::warn!("The store's last writes stay in its -wal file: {error}");
        }
    }

    /// The counters.
    pub fn status(&self) -> Status {
        let view = lock(&self.shared().view);
        let queued = view.last - view.retired;
        drop(view);
        let c = lock(&self.shared().counters);
        let last_error = c.last_error.clone();
        Status { commits: c.commits, writes: c.writes, errors: c.errors, queued, last_error }
    }

    fn start(writer: Arc<Mutex<Connection>>, reader: Arc<Mutex<Connection>>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            view: Mutex::default(),
            counters: Mutex::default(),
            queued: Condvar::new(),
            told: Condvar::new(),
            reader,
            writer,
        });
        let of_thread = shared.clone();
        let thread =
            std::thread::Builder::new().name("astdb".into()).spawn(move || writer::run(&of_thread))?;
        Ok(Self { handle: Arc::new(Handle { shared, thread: Some(thread) }) })
    }

    fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    fn queue<T: 'static>(&self, change: Change, outcome: fn(usize) -> T) -> Pending<T> {
        let (pending, promise) = Pending::new(outcome);
        let mut view = lock(&self.shared().view);
        let refused = if view.stopped {
            WriteError::Stopped
        } else if view.bytes > 0 && view.bytes + change.size() > QUEUE_LIMIT {
            WriteError::QueueFull
        } else {
            view.push(Op { change, promise });
            drop(view);
            self.shared().queued.notify_one();
            return pending;
        };
        drop(view);
        self.shared().count_error(&refused);
        promise.keep(Err(refused));
        pending
    }

    /// The rows of a tree as of now. The snapshot of the file and that of the pending writes are taken under one
    /// lock, so no write falls between them; the rows are read after it.
    fn rows(&self, tree: &Tree) -> BTreeMap<String, String> {
        let connection = lock(&self.shared().reader);
        let view = lock(&self.shared().view);
        // A transaction begins at its first read.
        let pinned = connection.unchecked_transaction().and_then(|transaction| {
            transaction.query_row("SELECT 1 FROM astdb LIMIT 1", [], |_| Ok(())).optional()?;
            Ok(transaction)
        });
        let overlay = view.overlay(tree);
        drop(view);
        let mut rows = BTreeMap::new();
        let read = pinned.and_then(|_transaction| {
            let mut select =
                connection.prepare_cached("SELECT key, value FROM astdb WHERE key >= ?1 AND key < ?2")?;
            let mut found = select.query(tree.bounds())?;
            while let Some(row) = found.next()? {
                if let (Some(key), Some(value)) = (text(row, 0)?, text(row, 1)?)
                    && !overlay.hides(&key)
                {
                    rows.insert(key, value);
                }
            }
            Ok(())
        });
        self.noted(read);
        overlay.apply(&mut rows);
        rows
    }

    fn noted<T>(&self, read: rusqlite::Result<T>) -> Option<T> {
        read.inspect_err(|e| {
            tracing::error!("astdb: cannot read: {e}");
            self.shared().count_error(e);
        })
        .ok()
    }
}

/// What the handles share with the writer thread. Order of locks: a connection, then the view, then the counters.
pub(crate) struct Shared {
    pub(crate) view: Mutex<View>,
    pub(crate) counters: Mutex<Counters>,
    /// Something was queued, or the store closes.
    pub(crate) queued: Condvar,
    /// The outcomes of a batch are told.
    pub(crate) told: Condvar,
    /// Closed before the writer, which then folds the WAL into the file.
    reader: Arc<Mutex<Connection>>,
    pub(crate) writer: Arc<Mutex<Connection>>,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) commits: u64,
    pub(crate) writes: u64,
    pub(crate) errors: u64,
    pub(crate) last_error: Option<String>,
    /// The last batch failed.
    pub(crate) failing: bool,
}

impl Shared {
    fn count_error(&self, error: &dyn std::error::Error) {
        let mut counters = lock(&self.counters);
        counters.errors += 1;
        counters.last_error = Some(error.to_string());
    }
}

struct Handle {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        lock(&self.shared.view).closing = true;
        self.shared.queued.notify_one();
        // The last handle may have been in a callback: the writer cannot wait for itself, and ends soon.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join(); // it can only say that it panicked, which stderr has
        }
    }
}

/// Locks; a panic elsewhere leaves nothing half done that a reader could not take.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

/// A column as text, whatever Asterisk put there; `None` for NULL.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        ValueRef::Integer(n) => Some(n.to_string()),
        ValueRef::Real(n) => Some(n.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    })
}
