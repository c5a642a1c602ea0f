//! The file is Asterisk's: its schema, its sample, and whatever a key or value may contain.

#![allow(clippy::unwrap_used, reason = "a helper of tests that unwraps fails the test, as it should")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use store::Store;
use tempfile::TempDir;

/// A copy of what an Asterisk left when it stopped.
fn sample() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("astdb.sqlite3");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/asterisk.sqlite3"), &path).unwrap();
    (dir, path)
}

fn sql_of_schema(path: &Path) -> Vec<(String, String, Option<String>)> {
    let file = Connection::open(path).unwrap();
    let mut select = file.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY name").unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_new_file_has_the_schema_of_asterisk() {
    let (dir, asterisk) = sample();
    let new = dir.path().join("new.sqlite3");
    drop(Store::open(&new).unwrap());
    assert_eq!(sql_of_schema(&new), sql_of_schema(&asterisk));
}

#[test]
fn the_file_of_an_asterisk_is_read_and_written_in_place() {
    let (_dir, path) = sample();
    let store = Store::open(&path).unwrap();

    assert_eq!(store.get("pbx", "UUID").as_deref(), Some("7b636fd6-c390-42ef-ad95-0a4d6350f938"));
    let states = store.family("CustomDevstate");
    assert_eq!(states, [("a".into(), "INUSE".into()), ("b".into(), "RINGING".into())]);
    assert_eq!(store.get("CustomPresence", "b").as_deref(), Some("dnd,lunch,away"));
    let subscriptions = store.family("subscription_persistence/subscription_persistence");
    assert_eq!(subscriptions.len(), 6);
    assert!(subscriptions.iter().all(|(id, json)| id.len() == 36 && json.contains("SUBSCRIBE sip:")));
    let contacts = store.family("registrar/contact");
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].0, "alice;@f401f4c5d68d92ee59a9635a41026062");
    assert_eq!(store.family("registrar")[0].0, "contact/alice;@f401f4c5d68d92ee59a9635a41026062");
    assert_eq!(store.entries().len(), 11);

    store.put("CustomDevstate", "a", "NOT_INUSE").wait().unwrap();
    drop(store);
    let files: Vec<_> =
        std::fs::read_dir(path.parent().unwrap()).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(files, std::slice::from_ref(&path), "a clean stop leaves one file");
    let value: String = Connection::open(&path)
        .unwrap()
        .query_row("SELECT value FROM astdb WHERE key = '/CustomDevstate/a'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(value, "NOT_INUSE");
}

#[test]
fn an_older_asterisk_declares_varchar() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("astdb.sqlite3");
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "CREATE TABLE astdb(key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key));
             INSERT INTO astdb VALUES('/pbx/UUID', 'x'), ('/f/latin1', CAST(x'636166e9' AS TEXT)),
                 ('/f/blob', x'00ff'), ('/f/number', 5), ('/f/null', NULL), (NULL, 'no key'), ('stray', 'x'),
                 (CAST(x'2f662fe9' AS TEXT), 'odd key');",
        )
        .unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(store.get("pbx", "UUID").as_deref(), Some("x"));
    assert_eq!(store.get("f", "latin1").as_deref(), Some("caf\u{fffd}"));
    let rows = [("blob", "\0\u{fffd}"), ("latin1", "caf\u{fffd}"), ("number", "5"), ("\u{fffd}", "odd key")];
    assert_eq!(store.family("f"), rows.map(|(k, v)| (k.to_string(), v.to_string())));
    assert_eq!(store.get("f", "null"), None);
    assert_eq!(store.delete_tree("f", None).wait(), Ok(5), "also what reads cannot show");
}

#[test]
fn any_text_is_a_key_and_nothing_is_a_wildcard() {
    let keys = [
        "%", "_", "a_c", "abc", "ABC", "a/b", "a", "a0", "a/", "/", "", "o'brien", "\"q\"", "nul\0l", "nul",
        "Zoë", "🔔",
    ];
    for restart in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("astdb.sqlite3");
        let mut store = Store::open(&path).unwrap();
        for family in ["f", "F", "f%", "f_", "fx"] {
            for key in keys {
                drop(store.put(family, key, &format!("{family} {key}")));
            }
        }
        if restart {
            drop(store);
            store = Store::open(&path).unwrap();
        }
        for key in keys {
            assert_eq!(store.get("f", key), Some(format!("f {key}")), "{key:?}");
        }
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        assert!(store.family("f").iter().map(|(key, _)| key).eq(sorted.iter()));

        assert_eq!(store.delete_tree("f", Some("a_c")).wait(), Ok(1));
        assert_eq!(store.get("f", "abc").as_deref(), Some("f abc"));
        assert_eq!(store.delete_tree("f", Some("a")).wait(), Ok(3), "a, a/ and a/b, but not a0");
        assert_eq!(store.delete_tree("f_", None).wait(), Ok(keys.len()));
        assert_eq!(store.family("fx").len(), keys.len());
        assert_eq!(store.delete("f", "nul").wait(), Ok(true));
        assert_eq!(store.delete("f", "nul").wait(), Ok(false));
        assert_eq!(store.get("f", "nul\0l").as_deref(), Some("f nul\0l"));
    }
}

#[test]
fn a_read_sees_what_is_not_yet_on_the_disk() {
    let (_dir, path) = sample();
    let store = Store::open(&path).unwrap();
    // Another process keeps the file: nothing is committed until it lets go.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let put = store.put("CustomDevstate", "c", "BUSY");
    let removed = store.delete_tree("CustomDevstate", Some("a"));
    let tree = store.delete_tree("subscription_persistence", None);
    let again = store.put("subscription_persistence", "x", "y");
    assert_eq!(store.get("CustomDevstate", "c").as_deref(), Some("BUSY"));
    assert_eq!(store.get("CustomDevstate", "a"), None);
    let states = [("b", "RINGING"), ("c", "BUSY")].map(|(k, v)| (k.to_string(), v.to_string()));
    assert_eq!(store.family("CustomDevstate"), states);
    assert_eq!(store.family("subscription_persistence"), [("x".to_string(), "y".to_string())]);
    assert_eq!(store.status().commits, 0);
    assert_eq!(store.status().queued, 4);
    assert!(!store.flush(Duration::ZERO));

    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!((put.wait(), removed.wait(), tree.wait(), again.wait()), (Ok(()), Ok(1), Ok(6), Ok(())));
    assert_eq!(store.family("CustomDevstate"), states);
}
