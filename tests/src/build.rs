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

/// Cargo, as if no cargo had started this test.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo tells the test of its own package would make build scripts (ring's) run again, and
    // everything after them be built again, at each turn from `cargo build` to `cargo test` and back.
    for (name, _) in std::env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        if of_package.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            command.env_remove(name);
        }
    }
    command
}

/// Builds what is missing or out of date; cargo itself keeps two builds apart by a lock.
fn build() -> PathBuf {
    let target = target_dir();
    let output = cargo()
        .args(["build", "--release", "--workspace", "--target-dir"])
        .arg(&target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("release")
}
