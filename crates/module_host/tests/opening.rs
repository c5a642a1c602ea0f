//! What is opened and what is refused, with real files.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

mod support;

use std::path::{Path, PathBuf};
use std::{env, fs};

use module_api::abi::{EPOCH, LAYOUT_DIGEST, LEVEL, MAGIC, Root};
use module_host::{LoadError, OpenError, check_module};
use support::{host, moddir, module_file};

const PIDF: &str = "res_pjsip_pidf_body_generator";

/// What comes of loading that file.
fn refused(dir: &Path, name: &str) -> OpenError {
    match host(dir, Vec::new()).0.load(name) {
        Err(LoadError::Open(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.so"))
}

/// A copy of the pidf module, with other bytes so far behind its magic.
fn patched(offset: usize, bytes: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut file = fs::read(module_file(PIDF)).unwrap();
    let magics: Vec<_> = file.windows(MAGIC.len()).enumerate().filter(|(_, bytes)| *bytes == MAGIC).collect();
    assert_eq!(magics.len(), 1, "the root is where the magic is");
    let at = magics[0].0 + offset;
    file[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(path(dir.path(), PIDF), file).unwrap();
    dir
}

#[test]
fn a_file_that_is_no_elf() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(path(dir.path(), "res_text"), "not a module").unwrap();
    let error = refused(dir.path(), "res_text");
    assert!(matches!(error, OpenError::NotShared { .. }), "{error}");
    assert!(error.to_string().ends_with("res_text.so is not a shared object"), "{error}");
}

#[test]
fn an_elf_file_that_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let file = fs::read(module_file(PIDF)).unwrap();
    fs::write(path(dir.path(), PIDF), &file[..5000]).unwrap();
    let error = refused(dir.path(), PIDF);
    assert!(matches!(error, OpenError::Cut { .. }), "{error}");
}

#[test]
fn a_file_for_another_machine() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = fs::read(module_file(PIDF)).unwrap();
    // The machine's number in the ELF header.
    file[18] ^= 0x55;
    fs::write(path(dir.path(), PIDF), file).unwrap();
    let error = refused(dir.path(), PIDF);
    assert!(matches!(error, OpenError::Link { .. }), "{error}");
    assert!(!error.to_string().contains("/proc/self"), "{error}");
}

#[test]
fn a_shared_object_that_is_no_module() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let library =
        maps.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.contains("libgcc_s"));
    let dir = tempfile::tempdir().unwrap();
    fs::copy(library.expect("every Rust program has it"), path(dir.path(), "res_other")).unwrap();
    let error = refused(dir.path(), "res_other");
    assert!(matches!(error, OpenError::NotModule { .. }), "{error}");
}

#[test]
fn a_module_under_another_name() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(module_file(PIDF), path(dir.path(), "res_other")).unwrap();
    let error = refused(dir.path(), "res_other");
    assert!(matches!(&error, OpenError::Misnamed { declared, .. } if declared == PIDF), "{error}");
}

#[test]
fn a_module_of_another_epoch() {
    let dir = patched(MAGIC.len(), &(EPOCH + 1).to_ne_bytes());
    let error = refused(dir.path(), PIDF);
    assert!(
        matches!(error, OpenError::Epoch { theirs, ours, .. } if theirs == EPOCH + 1 && ours == EPOCH),
        "{error}"
    );
    assert_eq!(error.to_string().lines().count(), 1);
}

#[test]
fn a_module_of_another_layout() {
    let dir = patched(MAGIC.len() + 8, &(LAYOUT_DIGEST ^ 1).to_ne_bytes());
    let error = refused(dir.path(), PIDF);
    assert!(matches!(error, OpenError::Layout { theirs, .. } if theirs == LAYOUT_DIGEST ^ 1), "{error}");
    assert_eq!(error.to_string().lines().count(), 1);
}

#[test]
fn a_module_that_needs_a_later_server() {
    let level = std::mem::offset_of!(Root, level);
    let dir = patched(level, &(LEVEL + 1).to_ne_bytes());
    let error = refused(dir.path(), PIDF);
    assert!(matches!(error, OpenError::Level { needs, ours, .. } if needs == LEVEL + 1 && ours == LEVEL));
    assert!(error.to_string().ends_with("it needs a later server"), "{error}");
    let text = check(&path(dir.path(), PIDF));
    assert!(text.contains("it needs a later server") && text.contains("ok: false"), "{text}");
}

#[test]
fn a_module_that_is_not_there() {
    let dir = moddir(&[PIDF]);
    let (host, _) = host(dir.path(), Vec::new());
    let error = host.load("res_nosuch.so").unwrap_err();
    assert!(matches!(error, LoadError::NotFound(_)), "{error}");
}

/// The complete check belongs into a process of its own: this runs the test below in one.
fn check(file: &Path) -> String {
    let output = std::process::Command::new(env::current_exe().unwrap())
        .args(["check_in_a_process_of_its_own", "--exact", "--nocapture", "--include-ignored"])
        .env("CHECK_FILE", file)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "only what `check` starts"]
fn check_in_a_process_of_its_own() {
    if let Some(file) = env::var_os("CHECK_FILE") {
        let report = check_module(Path::new(&file));
        print!("{report}ok: {}", report.is_ok());
    }
}

#[test]
fn the_complete_check_agrees() {
    for name in [PIDF, "res_pjsip_exten_state"] {
        let text = check(&module_file(name));
        assert!(text.contains("ok: true"), "{text}");
        assert!(text.contains("requires res_pjsip, res_pjsip_pubsub"), "{text}");
    }
}

#[test]
fn the_complete_check_refuses_what_the_host_refuses() {
    let dir = patched(MAGIC.len() + 8, &(LAYOUT_DIGEST ^ 1).to_ne_bytes());
    let text = check(&path(dir.path(), PIDF));
    assert!(text.contains("another way") && text.contains("ok: false"), "{text}");
    let dir = patched(MAGIC.len(), &(EPOCH + 1).to_ne_bytes());
    let text = check(&path(dir.path(), PIDF));
    assert!(text.contains("interface 2") && text.contains("ok: false"), "{text}");
}
