//! Opening the file, and saying clearly why it cannot be opened.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

/// Asterisk's own words for the table, so that both see the same schema.
const CREATE: &str = "CREATE TABLE astdb(key TEXT, value TEXT, PRIMARY KEY(key))";

/// How long another process may hold the file (a backup, a `sqlite3` shell) before a write fails.
const BUSY: Duration = Duration::from_secs(5);

/// Why there is no store, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The directory of the file does not exist.
    #[error("{}: the directory {} does not exist: create it, or change astdbdir in asterisk.conf", path.display(), directory.display())]
    DirectoryMissing {
        /// The file that was to be opened.
        path: PathBuf,
        /// The directory that is missing.
        directory: PathBuf,
    },
    /// It cannot be read at all.
    #[error("{}: cannot read it: {reason}: it must be a file that the server's user may read and write", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        reason: String,
    },
    /// It, or its directory, where SQLite keeps `-wal` and `-shm` beside it, cannot be written.
    #[error("{}: cannot write it or the directory it is in: {reason}: give both to the server's user", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// The operating system's or SQLite's reason.
        reason: String,
    },
    /// It is some other kind of file.
    #[error("{}: not an SQLite database: restore it from a backup, or move it away to start with an empty one", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// It is a database, but damaged.
    #[error("{}: damaged ({damage}): restore it from a backup, or save what can be read with `sqlite3 OLD .recover | sqlite3 NEW`", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The first thing that the integrity check found.
        damage: String,
    },
    /// It is a database of something else.
    #[error("{}: not an astdb ({found}): move it away, or change astdbdir in asterisk.conf", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// What is in it.
        found: String,
    },
    /// Another process holds it.
    #[error("{}: in use by another process: stop the Asterisk or the tool that has it open", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// Anything else, such as a full disk.
    #[error("{}: {reason}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// The operating system's or SQLite's reason.
        reason: String,
    },
}

impl OpenError {
    pub(crate) fn failed(path: &Path, reason: impl Display) -> Self {
        Self::Failed { path: path.into(), reason: reason.to_string() }
    }
}

/// A connection that writes and one that reads.
pub(crate) fn open(path: &Path) -> Result<(Connection, Connection), OpenError> {
    reachable(path)?;
    whole_pages(path)?;
    let writer = connect(path).map_err(|e| classify(path, e))?;
    if writer.is_readonly("main").map_err(|e| classify(path, e))? {
        return Err(OpenError::ReadOnly { path: path.into(), reason: "SQLite can only read it".into() });
    }
    sound(path, &writer)?;
    schema(path, &writer)?;
    let reader = durable(&writer).and_then(|()| {
        let reader = connect(path)?;
        reader.pragma_update(None, "query_only", true)?;
        Ok(reader)
    });
    Ok((writer, reader.map_err(|e| classify(path, e))?))
}

/// A database that is nowhere.
pub(crate) fn memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(CREATE)?;
    Ok(connection)
}

/// What the operating system says better than SQLite.
fn reachable(path: &Path) -> Result<(), OpenError> {
    let directory = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.exists() {
        return Err(OpenError::DirectoryMissing { path: path.into(), directory: directory.into() });
    }
    let unreadable =
        |reason: &dyn Display| OpenError::Unreadable { path: path.into(), reason: reason.to_string() };
    match File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) if !metadata.is_file() => return Err(unreadable(&"not a regular file")),
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(unreadable(&e)),
    }
    let writable = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    writable.map(drop).map_err(|e| OpenError::ReadOnly { path: path.into(), reason: e.to_string() })
}

/// SQLite reads a last page that is cut off as if zeros followed, and a file of a few bytes as an empty one.
fn whole_pages(path: &Path) -> Result<(), OpenError> {
    let unreadable = |e: std::io::Error| OpenError::Unreadable { path: path.into(), reason: e.to_string() };
    let mut file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    // Journals of a crash have what is missing.
    let journal = ["-wal", "-journal"].iter().any(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        Path::new(&name).exists()
    });
    if length == 0 || journal {
        return Ok(());
    }
    let mut header = [0; 18];
    if file.read_exact(&mut header).is_err() {
        return Err(OpenError::NotADatabase { path: path.into() });
    }
    let [.., high, low] = header;
    let page = match u64::from(u16::from_be_bytes([high, low])) {
        1 => 65536,
        size => size,
    };
    if header.starts_with(b"SQLite format 3\0") && page > 0 && !length.is_multiple_of(page) {
        let damage = format!("truncated: {length} bytes are not a number of pages of {page}");
        return Err(OpenError::Corrupt { path: path.into(), damage });
    }
    Ok(())
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // No URI flag: a directory may be called `file:`.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

fn sound(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let check = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match check.map_err(|e| classify(path, e))?.as_str() {
        "ok" => Ok(()),
        damage => Err(OpenError::Corrupt { path: path.into(), damage: damage.into() }),
    }
}

/// Finds the astdb table, or makes it in an empty database.
fn schema(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let list = |sql| -> rusqlite::Result<Vec<String>> {
        connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
    };
    let failed = |e| classify(path, e);
    let foreign = |found| Err(OpenError::Schema { path: path.into(), found });
    let tables = list("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").map_err(failed)?;
    if tables.is_empty() {
        return connection.execute_batch(CREATE).map_err(failed);
    }
    if !tables.iter().any(|name| name == "astdb") {
        return foreign(format!("it has the tables {}", tables.join(", ")));
    }
    // Asterisk versions differ in the declared type (VARCHAR(256), TEXT); SQLite treats them alike.
    let columns = list(
        "SELECT name || iif(type LIKE '%CHAR%' OR type LIKE '%TEXT%', '', ' ' || type) || iif(pk, ' primary key', '')
         FROM pragma_table_info('astdb') ORDER BY cid",
    )
    .map_err(failed)?;
    if columns != ["key primary key", "value"] {
        return foreign(format!("its table astdb has the columns {}", columns.join(", ")));
    }
    Ok(())
}

/// Makes every commit durable; see the crate's documentation. Ends with a transaction that changes nothing but
/// needs all that a change needs: locks, `-wal` and `-shm`.
fn durable(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?.rollback()
}

fn classify(path: &Path, e: rusqlite::Error) -> OpenError {
    let (path, reason) = (PathBuf::from(path), e.to_string());
    match e.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Corrupt { path, damage: reason },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            OpenError::ReadOnly { path, reason }
        }
        _ => OpenError::Failed { path, reason },
    }
}
