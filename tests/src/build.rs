//! The programs under test: the release build in the target directory that the tests are in.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The daemon.
pub fn starling() -> PathBuf {
    module_dir().join("starling")
}

/// Where the daemon's modules are (`libres_*.so`).
pub fn module_dir() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

/// Where cargo, and `install-tools`, put what they make.
pub fn target_dir() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    // target/debug/deps/e2e-0123456789abcdef
    test.ancestors().nth(3).expect("a test lies three levels deep").to_owned()
}

/// Builds what is missing or out of date; cargo itself keeps two builds apart by a lock.
fn build() -> PathBuf {
    let target = target_dir();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--workspace", "--target-dir"])
        .arg(&target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("release")
}
