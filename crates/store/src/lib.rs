//! What must survive a restart: custom device and presence states, registered contacts, persisted subscriptions.
//!
//! A [`Store`] is the SQLite file `astdb.sqlite3` in `astdbdir` (asterisk.conf), with the table of Asterisk's astdb:
//! keys are `/family/key`, values are text. The file of an existing Asterisk is read and written in place.
//!
//! ```
//! # let dir = tempfile::tempdir()?;
//! let store = store::Store::open(&dir.path().join("astdb.sqlite3"))?;
//! store.put("CustomDevstate", "lunch", "BUSY").wait()?; // returns when the state is on the disk
//! assert_eq!(store.get("CustomDevstate", "lunch").as_deref(), Some("BUSY"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Durability
//!
//! The file is in WAL mode with `synchronous=FULL`: a commit is synced to the disk before it is reported, so an
//! acknowledged write survives `kill -9` and, as far as the disk keeps its promises, a power cut. (`NORMAL` would
//! save that sync and lose the last commits at a power cut: a phone would have its 200 and no subscription.) What
//! makes it cheap is group commit: one writer thread commits all writes that came while it was committing the
//! previous ones. A backup must copy the `-wal` file too while the server runs; a clean stop folds it into the file.
//!
//! # Memory
//!
//! Values stay in the file. Reads go through SQLite on a connection of their own, which a commit does not block, and
//! see a small view of the writes that are not yet committed on top. A hundred thousand persisted
//! subscriptions therefore cost disk, not a second copy in memory.

mod open;
mod pending;
mod store;
mod view;
mod writer;

pub use open::OpenError;
pub use pending::{Pending, WriteError};
pub use store::{QUEUE_LIMIT, Status, Store};
