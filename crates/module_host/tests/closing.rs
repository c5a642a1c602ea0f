//! Loading, calling, unloading: nothing stays mapped, nothing that is kept points into what is gone.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

mod support;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use std::{fs, thread};

use module_api::{Body, BodyGenerator, Document, Fail, Inputs, ResourceQuery};
use module_host::{Counters, LoadError, UnloadError, Unloaded};
use support::{context, host, lock, moddir, module_file, state};

/// They look at the memory map of the process, so they run one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    lock(&ONE)
}

fn mapped() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("/memfd:starling/")).count()
}

fn query<'a>(resource: &'a str) -> ResourceQuery<'a> {
    ResourceQuery {
        endpoint: "alice".into(),
        context: "default".into(),
        resource: resource.into(),
        event: "unruly".into(),
    }
}

/// `STARLING_CYCLES` makes it longer or shorter; `make memory` and `make soak` run it under valgrind.
#[test]
fn cycles_leave_nothing_mapped() {
    let cycles = std::env::var("STARLING_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(200);
    let _alone = alone();
    let dir = moddir(&["res_unruly"]);
    let (host, daemon) = host(dir.path(), Vec::new());
    daemon.hint("unruly", "panic in drop", "yes");
    let data = state(0);
    for cycle in 0..cycles {
        host.load("res_unruly").unwrap();
        let contract = host.contract("res_unruly").unwrap();
        let mut cx = context(&data);
        let mut body = Body::new();
        for version in [0, 1, 2, 0] {
            cx.version = version;
            let expected = [Ok(()), Err(Fail::NoData), Err(Fail::Panicked)][version as usize];
            assert_eq!(contract.generators[0].generate(&cx, &mut body), expected);
        }
        contract.listeners[0].extension_state_changed("1000@default", &data);
        contract.listeners[0].extension_state_changed("panic", &data);
        assert!(mapped() > 0);
        drop(contract);
        assert_eq!(host.unload("res_unruly", false).unwrap(), Unloaded::Gone, "cycle {cycle}");
        assert_eq!(mapped(), 0, "cycle {cycle}");
    }
    assert_eq!(lock(&daemon.published).len(), cycles);
}

#[test]
fn what_came_from_a_module_outlives_it() {
    let _alone = alone();
    let dir = moddir(&["res_unruly"]);
    let (host, daemon) = host(dir.path(), Vec::new());
    host.load("res_unruly").unwrap();
    let contract = host.contract("res_unruly").unwrap();
    let payload = contract.packages[0].current("1000@default").unwrap();
    let key = contract.packages[0].resolve(&query("1000")).unwrap();
    contract.listeners[0].extension_state_changed("1000@default", &state(1));
    let mut body = Body::new();
    let data = state(0);
    contract.generators[0].generate(&context(&data), &mut body).unwrap();
    let mut doc = Document::new();
    doc.root("presence");
    contract.supplements[0].supplement(&context(&data), &mut doc).unwrap();
    drop(contract);
    assert_eq!(host.unload("res_unruly", false).unwrap(), Unloaded::Gone);
    assert_eq!(mapped(), 0);

    // All of this grows, is copied and is freed now.
    assert_eq!(key, "1000@default");
    let mut copy = payload.clone();
    copy.bytes.extend_from_slice(&[0; 1000]);
    copy.kind.push_str(" and more");
    assert_eq!(payload.extension.as_ref().unwrap().exten, "1000@default");
    drop((payload, copy));
    let published: Vec<_> = lock(&daemon.published).drain(..).collect();
    assert_eq!(published[0].2.bytes.as_slice(), b"from the module");
    drop(published);
    body.raw().extend_from_slice(&[b'x'; 10_000]);
    let mut out = Vec::new();
    body.finish(&mut out);
    assert!(out.starts_with(b"some of it"));
    let root = doc.root_node().unwrap();
    for _ in 0..1000 {
        doc.child(root, "more");
    }
}

#[test]
fn panics_are_counted_and_the_hook_is_taken_out_of_use() {
    let _alone = alone();
    let dir = moddir(&["res_unruly"]);
    let (host, daemon) = host(dir.path(), Vec::new());
    host.load("res_unruly").unwrap();
    let contract = host.contract("res_unruly").unwrap();
    let package = &contract.packages[0];
    assert_eq!((package.event(), package.topic()), ("unruly", "unrulies"));
    assert_eq!(package.resolve(&query("1000")).unwrap(), "1000@default");
    assert_eq!(package.resolve(&query("gone")), Err(410));
    assert_eq!(package.resolve(&query("fine")), Err(500), "200 refuses nothing");
    assert_eq!(package.current("nothing"), Err(Fail::NoData));
    for _ in 0..Counters::PANICS / 2 {
        assert_eq!(package.current("panic"), Err(Fail::Panicked));
        assert_eq!(package.resolve(&query("panic")), Err(500));
    }
    let counters = contract.counters().iter().find(|counters| counters.what() == "unruly").unwrap();
    assert_eq!((counters.calls(), counters.errors(), counters.panics()), (14, 12, 10));
    assert!(counters.out_of_use());
    assert_eq!(package.current("1000"), Err(Fail::Panicked));
    assert_eq!(counters.panics(), Counters::PANICS);
    let log = daemon.log();
    assert_eq!(log[0], "res_unruly Notice loading");
    assert!(log[1].starts_with("res_unruly Error panicked at ") && log[1].ends_with(": current"), "{log:?}");
    // The others of the module go on.
    let generator = &contract.generators[0];
    assert_eq!(generator.inputs(), Inputs::VERSION | Inputs::UNIQUE);
    assert_eq!(generator.generate(&context(&state(0)), &mut Body::new()), Ok(()));
}

#[test]
fn who_still_holds_it_keeps_it_open() {
    let _alone = alone();
    let dir = moddir(&["res_unruly"]);
    let (host, _) = host(dir.path(), Vec::new());
    let host = host.unload_wait(Duration::ZERO);
    host.load("res_unruly").unwrap();
    let generator: Arc<dyn BodyGenerator> = host.contract("res_unruly").unwrap().generators[0].clone();
    assert_eq!(host.unload("res_unruly", false).unwrap(), Unloaded::StillHeld);
    assert!(!host.is_running("res_unruly"));
    assert_eq!(generator.generate(&context(&state(0)), &mut Body::new()), Ok(()));
    // It can be loaded again meanwhile: that is another image.
    host.load("res_unruly").unwrap();
    drop(generator);
    let (start, one) = (Instant::now(), mapped() / 2);
    while mapped() > one {
        assert!(start.elapsed() < Duration::from_secs(10), "the first image is never closed");
        thread::yield_now();
    }
}

#[test]
fn a_file_that_is_replaced_is_what_is_loaded_next() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("res_unruly.so");
    let original = fs::read(module_file("res_unruly")).unwrap();
    fs::write(&file, &original).unwrap();
    let (host, _) = host(dir.path(), Vec::new());
    host.load("res_unruly").unwrap();
    // Written over in place, which kills a process that has the file itself mapped.
    let text: &[u8] = b"Misbehaves";
    let at = original.windows(text.len()).position(|bytes| bytes == text).unwrap();
    let mut changed = original;
    changed[at..at + text.len()].copy_from_slice(b"Behaves OK");
    fs::write(&file, &changed).unwrap();
    let contract = host.contract("res_unruly").unwrap();
    assert_eq!(contract.generators[0].generate(&context(&state(0)), &mut Body::new()), Ok(()));
    drop(contract);
    assert_eq!(host.modules()[0].description, "Misbehaves");
    assert_eq!(host.unload("res_unruly", false).unwrap(), Unloaded::Gone);
    host.load("res_unruly").unwrap();
    assert_eq!(host.modules()[0].description, "Behaves OK");
}

#[test]
fn a_module_that_declines_or_panics_is_closed_and_says_why() {
    let _alone = alone();
    let dir = moddir(&["res_unruly"]);
    let (host, daemon) = host(dir.path(), Vec::new());
    for (told, expected) in [
        ("decline", "told to at "),
        ("go wrong", "it panicked while it was loaded"),
        ("evil header", "it registers \"text/x\\r\\nEvil: 1\", which is no media type"),
    ] {
        daemon.hint("unruly", "load", told);
        let error = host.load("res_unruly").unwrap_err();
        assert!(
            matches!(&error, LoadError::Declined { reason, .. } if reason.starts_with(expected)),
            "{error}"
        );
        let row = host.modules().remove(0);
        assert!(!row.running && row.reason.unwrap().starts_with(expected));
    }
    // A registry that cannot use what it brings is a reason too.
    lock(&daemon.hints).clear();
    *lock(&daemon.refuse) = Some("text/unruly has a generator".into());
    let error = host.load("res_unruly").unwrap_err();
    assert_eq!(error.to_string(), "module res_unruly does not run: text/unruly has a generator");
    assert_eq!(host.unload("res_unruly", false).unwrap(), Unloaded::NotRunning);
    assert!(matches!(host.unload("res_unruly", false), Err(UnloadError::NotFound(_))));
    let start = Instant::now();
    while mapped() > 0 {
        assert!(start.elapsed() < Duration::from_secs(10), "it is never closed");
        thread::yield_now();
    }
}
