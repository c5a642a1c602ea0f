//! Modules of third parties: crates outside of the workspace, built against the published form of
//! `module_api` (`cargo package`), or against the one that was published first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::build::{self, target_dir};

/// A published form of `module_api`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// What would be published now.
    Now,
    /// What was published first in this epoch: `tests/published/`.
    First,
}

/// The directory of the modules of `examples/`, built against that form.
pub fn examples(api: Api) -> PathBuf {
    static BUILT: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
    let source = project().join("examples");
    BUILT[api as usize].get_or_init(|| make(&source, api, &["build", "--locked"])).clone()
}

/// The directory of the modules of `tests/modules/`, which misbehave.
pub fn misbehaving() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let source = project().join("tests/modules");
    BUILT.get_or_init(|| make(&source, Api::Now, &["build", "--locked"])).clone()
}

/// Runs a command of cargo in the folder of a crate or a workspace, with that form of `module_api` in
/// the place of the one from crates.io; gives the directory of the modules that it made.
pub fn make(source: &Path, api: Api, command: &[&str]) -> PathBuf {
    // They share folders, and with them what they are made of.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    // A folder for each form: cargo gives what they make the same names.
    let target = target_dir().join(format!("third-party/{api:?}"));
    let crate_file = match api {
        Api::Now => package(&target),
        Api::First => project().join("tests/published/module_api-0.1.0.crate"),
    };
    unpack(&crate_file, &target);
    let path = target.join("module_api-0.1.0");
    let patch = format!("patch.crates-io.module_api.path={:?}", path.display().to_string());
    cargo(source, command.iter().copied().chain(["--config", &patch, "--target-dir"]), &target);
    target.join("debug")
}

/// Makes the file that `cargo publish` would send.
fn package(target: &Path) -> PathBuf {
    let command = ["package", "-p", "module_api", "--no-verify", "--allow-dirty", "--quiet", "--target-dir"];
    cargo(&project(), command, target);
    target.join("package/module_api-0.1.0.crate")
}

/// Unpacks a crate unless that was done already: the same file then is not built again.
fn unpack(crate_file: &Path, to: &Path) {
    let bytes = fs::read(crate_file).unwrap_or_else(|error| panic!("{}: {error}", crate_file.display()));
    let done = to.join("unpacked.crate");
    if fs::read(&done).is_ok_and(|old| old == bytes) {
        return;
    }
    fs::create_dir_all(to).expect("the target directory can be written");
    let tar = Command::new("tar").arg("-xzf").arg(crate_file).arg("-C").arg(to).status();
    assert!(tar.is_ok_and(|status| status.success()), "{} is not unpacked", crate_file.display());
    fs::write(done, bytes).expect("the target directory can be written");
}

fn cargo<'a>(directory: &Path, arguments: impl IntoIterator<Item = &'a str>, target: &Path) {
    let mut command = build::cargo();
    command.args(arguments).arg(target).current_dir(directory);
    let output = command.output().expect("cargo runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the project").to_owned()
}
