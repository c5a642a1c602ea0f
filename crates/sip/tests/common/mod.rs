//! The messages under `testdata/`.

use std::path::{Path, PathBuf};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// The bytes of one file under `testdata/`.
#[allow(dead_code, reason = "not every test crate reads single files")]
pub(crate) fn read(path: &str) -> Vec<u8> {
    std::fs::read(testdata().join(path)).unwrap()
}

/// Every corpus message as `(folder/NAME, bytes)`, sorted by name.
#[allow(dead_code, reason = "not every test crate reads the whole corpus")]
pub(crate) fn corpus() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in ["rfc4475", "events"] {
        for entry in std::fs::read_dir(testdata().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            files.push((format!("{folder}/{name}"), std::fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}
