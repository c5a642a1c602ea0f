//! Files that cannot be opened, and what the operator is told.

#![allow(clippy::unwrap_used, reason = "a helper of tests that unwraps fails the test, as it should")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Uid, seteuid};
use rusqlite::Connection;
use store::{OpenError, Store};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/asterisk.sqlite3");

/// Opens a file with this content, which must not be touched.
fn refuse(content: &[u8]) -> OpenError {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("astdb.sqlite3");
    fs::write(&path, content).unwrap();
    let error = Store::open(&path).err().unwrap();
    assert_eq!(fs::read(&path).unwrap(), content, "{error}");
    assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
    error
}

#[test]
fn not_a_database() {
    assert!(matches!(refuse(b"[general]\nthis is no database\n"), OpenError::NotADatabase { .. }));
    assert!(matches!(refuse(&[b'x'; 8192]), OpenError::NotADatabase { .. }));
}

#[test]
fn damaged_pages() {
    let mut file = fs::read(SAMPLE).unwrap();
    file[4096..8192].fill(0xa5);
    assert!(matches!(refuse(&file), OpenError::Corrupt { .. }));
}

#[test]
fn truncated_anywhere() {
    let file = fs::read(SAMPLE).unwrap();
    for length in [1, 50, 99, 100, 511, 512, 4095, 4096, 5000, 8192, 16384, file.len() - 100, file.len() - 1]
    {
        let error = refuse(&file[..length]);
        assert!(
            matches!(error, OpenError::Corrupt { .. } | OpenError::NotADatabase { .. }),
            "{length}: {error}"
        );
    }
}

#[test]
fn another_schema() {
    let found = |sql| {
        let dir = tempfile::tempdir().unwrap();
        Connection::open(dir.path().join("db")).unwrap().execute_batch(sql).unwrap();
        match refuse(&fs::read(dir.path().join("db")).unwrap()) {
            OpenError::Schema { found, .. } => found,
            other => panic!("{other}"),
        }
    };
    assert_eq!(found("CREATE TABLE cdr(a); CREATE TABLE cel(b);"), "it has the tables cdr, cel");
    assert_eq!(
        found("CREATE TABLE astdb(key TEXT, value TEXT);"),
        "its table astdb has the columns key, value"
    );
    assert_eq!(
        found("CREATE TABLE astdb(key INTEGER PRIMARY KEY, v TEXT);"),
        "its table astdb has the columns key INTEGER primary key, v"
    );
}

#[test]
fn no_directory_and_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("var/lib");
    let error = Store::open(&missing.join("astdb.sqlite3")).err().unwrap();
    assert_eq!(
        error,
        OpenError::DirectoryMissing { path: missing.join("astdb.sqlite3"), directory: missing }
    );
    assert!(error.to_string().contains("astdbdir"));
    assert!(matches!(Store::open(dir.path()).err().unwrap(), OpenError::Unreadable { .. }));
}

#[test]
fn a_locked_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("astdb.sqlite3");
    fs::copy(SAMPLE, &path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    assert_eq!(Store::open(&path).err(), Some(OpenError::Locked { path }));
}

/// Permissions do not bind root, so that the test's other half runs as another process that is nobody.
#[test]
fn no_permission() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    let test = ["--exact", "child_has_no_permission", "--ignored", "--nocapture"];
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(test).env("STORE_TEST_CHILD", dir.path()).output().unwrap();
    // Whatever the child could not open may be opened again.
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("saw every refusal"));
}

#[test]
#[ignore = "the process that no_permission starts"]
fn child_has_no_permission() {
    let Some(dir) = std::env::var_os("STORE_TEST_CHILD").map(PathBuf::from) else { return };
    let path = &dir.join("astdb.sqlite3");
    fs::copy(SAMPLE, path).unwrap();
    let open = |file: u32, directory: u32, path: &Path| {
        let _ = fs::set_permissions(path, Permissions::from_mode(file));
        fs::set_permissions(&dir, Permissions::from_mode(directory)).unwrap();
        let root = Uid::effective().is_root();
        if root {
            seteuid(Uid::from_raw(65534)).unwrap();
        }
        let error = Store::open(path).err();
        if root {
            seteuid(Uid::from_raw(0)).unwrap();
        }
        error.unwrap()
    };
    let read_only = |error: OpenError| assert!(matches!(error, OpenError::ReadOnly { .. }), "{error}");
    read_only(open(0o444, 0o555, path));
    read_only(open(0o444, 0o777, path));
    read_only(open(0o666, 0o555, path));
    read_only(open(0o666, 0o555, &dir.join("new.sqlite3")));
    let error = open(0o000, 0o777, path);
    assert!(matches!(error, OpenError::Unreadable { .. }), "{error}");
    println!("saw every refusal");
}
