//! Group commit, callbacks, a full queue, a full disk, kill -9.

#![allow(clippy::unwrap_used, reason = "a helper of tests that unwraps fails the test, as it should")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rusqlite::Connection;
use store::{QUEUE_LIMIT, Store, WriteError};

const LONG: Duration = Duration::from_secs(60);

/// Names the file to a test that was started as another process.
const CHILD: &str = "STORE_TEST_CHILD";

/// A command that runs one ignored test of this file; `before` is shell.
fn child(test: &str, path: &Path, before: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{before} exec \"$@\""), "sh"]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]).env(CHILD, path);
    command
}

fn child_path() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

#[test]
fn writes_of_many_threads_share_commits() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("astdb.sqlite3")).unwrap();
    let (done, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (store, done) = (store.clone(), done.clone());
            scope.spawn(move || {
                for n in 0..500 {
                    let done = done.clone();
                    store.put("f", &format!("{thread}-{n}"), "v").then(move |r| done.send(r).unwrap());
                }
            });
        }
    });
    for _ in 0..4000 {
        assert_eq!(results.recv_timeout(LONG).unwrap(), Ok(()));
    }
    assert!(store.flush(LONG));
    let status = store.status();
    assert_eq!((status.writes, status.errors, status.queued), (4000, 0, 0));
    assert!(status.commits < 1000, "{} commits for 4000 writes", status.commits);
    assert_eq!(store.family("f").len(), 4000);
}

#[test]
fn a_callback_may_write_may_panic_and_may_hold_the_last_handle() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("astdb.sqlite3");
    let store = Store::open(&path).unwrap();
    store.put("f", "panics", "v").then(|_| panic!("on purpose"));
    let (let_go, gone) = mpsc::channel();
    let (done, second) = mpsc::channel();
    let last = store.clone();
    store.put("f", "first", "v").then(move |_| {
        gone.recv().unwrap();
        last.put("f", "second", "v").then(move |result| done.send(result).unwrap());
    });
    drop(store);
    let_go.send(()).unwrap();
    assert_eq!(second.recv_timeout(LONG).unwrap(), Ok(()));
    let keys: Vec<_> = Store::open(&path).unwrap().family("f").into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["first", "panics", "second"]);
}

#[test]
fn a_full_queue_refuses_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("astdb.sqlite3");
    let store = Store::open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let large = store.put("f", "large", &"x".repeat(QUEUE_LIMIT)); // more than fits, but nothing waits
    assert_eq!(store.put("f", "small", "v").wait(), Err(WriteError::QueueFull));
    assert_eq!(store.get("f", "small"), None);
    assert_eq!(store.status().errors, 1);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(large.wait(), Ok(()));
    assert_eq!(store.put("f", "small", "v").wait(), Ok(()));
}

#[test]
fn a_store_in_memory_does_the_same() {
    let store = Store::memory().unwrap();
    store.put("f", "k", "v").wait().unwrap();
    assert_eq!(store.family("f"), [("k".to_string(), "v".to_string())]);
    assert_eq!(store.delete("f", "k").wait(), Ok(true));
    assert_eq!(store.get("f", "k"), None);
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("astdb.sqlite3");
    let mut expected = BTreeMap::new();
    for round in 0..3 {
        let mut writer =
            child("child_writes_until_killed", &path, "").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).split(b'\n');
        let mut acknowledged = |line: std::io::Result<Vec<u8>>| {
            let line = String::from_utf8(line.unwrap()).unwrap();
            // A line that was cut off has no end mark.
            let ack = line.split_once("acked ").and_then(|(_, rest)| rest.strip_suffix('.'));
            ack.map(|key| expected.insert(key.to_string(), format!("value of {key}"))).is_some()
        };
        let before_kill =
            lines.by_ref().filter_map(|line| acknowledged(line).then_some(())).take(300).count();
        assert_eq!(before_kill, 300, "round {round}: the child stopped by itself");
        writer.kill().unwrap();
        writer.wait().unwrap();
        for line in lines {
            acknowledged(line);
        }

        let store = Store::open(&path).unwrap();
        for (key, value) in &expected {
            assert_eq!(store.get("f", key).as_ref(), Some(value), "{key} was acknowledged");
        }
    }
}

#[test]
#[ignore = "the process that what_was_acknowledged_survives_kill_9 kills"]
fn child_writes_until_killed() {
    let Some(path) = child_path() else { return };
    let store = &Store::open(&path).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for n in 0.. {
                    let key = format!("{}-{thread}-{n}", std::process::id());
                    store.put("f", &key, &format!("value of {key}")).wait().unwrap();
                    println!("\nacked {key}.");
                }
            });
        }
    });
}

#[test]
fn a_full_disk_fails_the_write_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    // A limit on the size of files; writing beyond it must be an error, not a signal.
    let mut full = child("child_fills_the_disk", &dir.path().join("astdb.sqlite3"), "trap '' XFSZ;");
    let output = full.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("survived the full disk"));
}

#[test]
#[ignore = "the process whose disk a_full_disk_fails_the_write_and_nothing_else fills"]
fn child_fills_the_disk() {
    let Some(path) = child_path() else { return };
    let store = Store::open(&path).unwrap();
    store.put("f", "before", "old").wait().unwrap();

    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, 200_000, hard).unwrap();
    let kilobyte = "x".repeat(1000);
    let fitted =
        (0..1000).take_while(|n| store.put("f", &format!("fill{n}"), &kilobyte).wait().is_ok()).count();
    assert!((1..1000).contains(&fitted), "{fitted} writes fitted");
    let failed = store.put("f", "before", &"new".repeat(10_000));
    assert!(failed.wait().is_err());

    assert_eq!(store.get("f", "before").as_deref(), Some("old"), "the failed write never was");
    assert_eq!(store.get("f", &format!("fill{fitted}")), None);
    assert_eq!(store.family("f").len(), fitted + 1);
    let status = store.status();
    assert_eq!((status.errors, status.queued), (2, 0));
    assert!(status.last_error.is_some());

    setrlimit(Resource::RLIMIT_FSIZE, hard, hard).unwrap();
    store.put("f", "before", "newer").wait().unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.get("f", "before").as_deref(), Some("newer"));
    assert_eq!(store.family("f").len(), fitted + 1);
    println!("survived the full disk");
}

#[test]
fn a_folded_store_has_everything_in_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("astdb.sqlite3");
    let store = Store::open(&path).unwrap();
    store.put("pbx", "UUID", "1").wait().unwrap();
    store.fold();
    let beside = std::fs::metadata(dir.path().join("astdb.sqlite3-wal")).map_or(0, |wal| wal.len());
    assert_eq!(beside, 0);
    // A copy of the file alone is the whole store, while this one is still open.
    let copy = dir.path().join("copy.sqlite3");
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!(Store::open(&copy).unwrap().get("pbx", "UUID").as_deref(), Some("1"));
}
