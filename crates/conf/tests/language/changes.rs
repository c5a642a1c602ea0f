//! Whether a reload needs to read files again.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::{directory, load, write};

fn touch(path: &Path, time: SystemTime) {
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_change_of_any_file_is_seen() {
    let dir = directory(&[("t.conf", "[s]\n#include a\n#tryinclude b"), ("a", "x=1")]);
    let included = dir.path().join("a");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    touch(&included, time);
    let before = load(&dir).unwrap();
    assert!(before.fingerprint().unchanged());

    // Same size, another time, by a nanosecond; and back.
    touch(&included, time + Duration::from_nanos(1));
    assert!(!before.fingerprint().unchanged());
    touch(&included, time);
    assert!(before.fingerprint().unchanged());

    // Same time, another size.
    write(dir.path(), "a", b"x=12");
    touch(&included, time);
    assert!(!before.fingerprint().unchanged());
    let after = load(&dir).unwrap();
    assert!(after.fingerprint().unchanged());

    write(dir.path(), "b", b"");
    assert!(!after.fingerprint().unchanged(), "what was missing is there");
    fs::remove_file(included).unwrap();
    assert!(!before.fingerprint().unchanged(), "what was there is missing");
}

#[test]
fn a_glob_always_counts_as_changed() {
    let dir = directory(&[("t.conf", "[s]\n#include a*"), ("a", "x=1")]);
    assert!(!load(&dir).unwrap().fingerprint().unchanged());
}
