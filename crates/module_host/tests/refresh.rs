//! New code takes over from old code, what a module may register, and files that are not opened.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;

use module_api::{Body, BodyGenerator, Fail};
use module_host::{Builtin, Counters, Kind, Unloaded};
use support::{Part, context, host, lock, moddir, module_file, state};

const PIDF: &str = "res_pjsip_pidf_body_generator";

fn body(generator: &dyn BodyGenerator) -> String {
    let data = state(1);
    let mut body = Body::new();
    generator.generate(&context(&data), &mut body).unwrap();
    let mut out = Vec::new();
    body.finish(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn new_code_takes_over_and_the_old_code_is_closed() {
    let dir = moddir(&[PIDF]);
    let required = ["res_pjsip", "res_pjsip_pubsub"]
        .map(|name| Arc::new(Part::new(&Arc::default(), name, 50, &[])) as Arc<dyn Builtin>);
    let (host, daemon) = host(dir.path(), required.into());
    assert_eq!(host.load(PIDF).unwrap(), ["res_pjsip", "res_pjsip_pubsub", PIDF]);
    let old = lock(&daemon.contracts)[PIDF].clone();
    assert!(body(&*old.generators[0]).contains("On the phone"));
    drop(old);

    let file = dir.path().join(format!("{PIDF}.so"));
    let code = fs::read(&file).unwrap();
    fs::write(&file, "no module").unwrap();
    let error = host.refresh(PIDF).unwrap_err();
    assert!(error.to_string().ends_with("is not a shared object"), "{error}");
    assert!(body(&*lock(&daemon.contracts)[PIDF].generators[0]).contains("On the phone"), "the old goes on");

    fs::write(&file, replaced(&code, b"On the phone", b"on THE phone")).unwrap();
    *lock(&daemon.refuse) = Some("no".into());
    assert!(host.refresh(PIDF).unwrap_err().to_string().ends_with("does not run: no"));
    *lock(&daemon.refuse) = None;
    assert!(body(&*lock(&daemon.contracts)[PIDF].generators[0]).contains("On the phone"), "and on");
    assert_eq!(host.refresh(PIDF).unwrap(), Unloaded::Gone);
    assert!(body(&*lock(&daemon.contracts)[PIDF].generators[0]).contains("on THE phone"));
    assert!(host.refresh("nosuch").is_err() && host.refresh("res_pjsip").is_err());
}

/// A file with other bytes in the place of those, all of them.
fn replaced(code: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut code = code.to_vec();
    let places: Vec<_> =
        code.windows(from.len()).enumerate().filter(|(_, w)| *w == from).map(|(at, _)| at).collect();
    assert!(!places.is_empty() && from.len() == to.len());
    places.into_iter().for_each(|at| code[at..at + to.len()].copy_from_slice(to));
    code
}

#[test]
fn devices_and_commands_of_a_module_are_called_and_counted() {
    let dir = moddir(&["res_unruly"]);
    let (host, daemon) = host(dir.path(), Vec::new());
    host.load("res_unruly").unwrap();
    let contract = host.contract("res_unruly").unwrap();
    let (devices, command) = (&contract.devices[0], &contract.commands[0]);
    assert_eq!(
        (devices.label(), devices.state("busy"), devices.state("x")),
        ("Unruly:", Ok(3), Err(Fail::NoData))
    );
    assert_eq!(devices.state("panic"), Err(Fail::Panicked));
    assert_eq!((command.words(), command.summary()), ("unruly say", "Say something"));
    assert_eq!(command.run(&["a", "b"]), Ok("a b\n".into()));
    assert_eq!((command.run(&["fail"]), command.run(&[])), (Err("no\n".into()), Err(String::new())));
    assert_eq!(command.run(&["changed", "Unruly:busy"]), Ok(String::new()));
    assert_eq!(*lock(&daemon.devices), ["Unruly:busy"]);
    assert!(command.run(&["panic"]).unwrap_err().contains("Panicked"));
    command.run(&["slow"]).unwrap();

    let mut cx_data = support::context(&DATA);
    cx_data.version = 3;
    assert_eq!(contract.generators[0].generate(&cx_data, &mut Body::new()), Err(Fail::Internal), "not UTF-8");

    let counters = contract.counters().iter().find(|c| c.kind() == Kind::Command).unwrap();
    assert_eq!((counters.calls(), counters.errors(), counters.panics(), counters.slow()), (6, 1, 1, 1));
    assert!(counters.time() > Counters::SLOW);
    let detail = host.detail("res_unruly").unwrap().to_string();
    let line = detail.lines().find(|line| line.starts_with("command")).unwrap();
    let words: Vec<_> = line.split_whitespace().take(7).collect();
    assert_eq!(words, ["command", "unruly", "say", "6", "1", "1", "1"], "{detail}");
    assert!(detail.contains("Build         version 0.1.0, module_api 0.1.0, ABI epoch 1\n"), "{detail}");
    assert!(detail.contains(&format!("File          {}", dir.path().display())), "{detail}");
}

static DATA: std::sync::LazyLock<module_api::Payload> = std::sync::LazyLock::new(|| state(0));

#[test]
fn files_that_others_may_change_are_not_opened() {
    let dir = moddir(&["res_unruly"]);
    let elsewhere = moddir(&["res_unruly"]);
    let file = dir.path().join("res_unruly.so");
    let (host, _) = host(dir.path(), Vec::new());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o777)).unwrap();
    let error = host.load("res_unruly").unwrap_err().to_string();
    assert_eq!(error, format!("{} is not opened: everybody may write to it", file.display()));
    fs::remove_file(&file).unwrap();
    symlink(elsewhere.path().join("res_unruly.so"), &file).unwrap();
    let error = host.load("res_unruly").unwrap_err().to_string();
    assert!(error.contains("outside of the module directory"), "{error}");
    fs::remove_file(&file).unwrap();
    // A link within is as good as its file.
    fs::copy(module_file("res_unruly"), dir.path().join("unruly-1.0")).unwrap();
    symlink("unruly-1.0", &file).unwrap();
    host.load("res_unruly").unwrap();
    for name in ["../res_unruly", "/etc/passwd", "a/b.so"] {
        let error = host.load(name).unwrap_err().to_string();
        assert!(error.contains("is no name of a module"), "{error}");
    }
}
