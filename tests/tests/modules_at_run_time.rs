//! Modules are loaded, unloaded and replaced on a running server, and no lamp goes dark.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use e2e::{Boot, Config, Message, Phone, Server, Subscribe, module_dir};

const PIDF: &str = "res_pjsip_pidf_body_generator";

/// An office whose modules are files of its own.
fn boot() -> Boot {
    let config = Config::office().replace("asterisk.conf", "astmoddir => {modules}", "astmoddir => modules");
    let boot = Boot::new(&config);
    let directory = boot.path("modules");
    fs::create_dir(&directory).expect("the directory is ours");
    for entry in fs::read_dir(module_dir()).expect("it was built").flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        if let Some(module) = name.strip_prefix("lib").filter(|name| name.ends_with(".so")) {
            fs::copy(entry.path(), directory.join(module)).expect("the directory is ours");
        }
    }
    boot
}

fn file_of(server: &Server, module: &str) -> PathBuf {
    server.boot().path("modules").join(format!("{module}.so"))
}

/// How often the code of a module is mapped.
fn mapped(server: &Server, module: &str) -> usize {
    let maps = fs::read_to_string(format!("/proc/{}/maps", server.process().id())).expect("it runs");
    maps.lines().filter(|line| line.contains(&format!("/memfd:starling/{module}/"))).count()
}

fn note(notify: &Message) -> String {
    let (_, rest) = notify.body().split_once("<note>").expect("a note");
    rest.split('<').next().expect("its end").to_owned()
}

#[test]
fn a_generator_in_use_goes_by_force_only_and_its_lamps_wait_for_it() {
    let server = boot().start();
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    assert!(mapped(&server, PIDF) > 0);
    let (text, status) = server.cli(&format!("module unload {PIDF}.so"));
    let refused = format!(
        "module {PIDF} is in use: 1 subscription(s)\nUnable to unload resource {PIDF}.so\nCommand 'module unload {PIDF}.so' failed.\n"
    );
    assert_eq!((text, status), (refused, 1));
    assert_eq!(server.run(&format!("module unload -f {PIDF}.so")), format!("Unloaded {PIDF}.so\n"));
    assert_eq!(mapped(&server, PIDF), 0);
    assert!(!server.run("module show").contains(PIDF));
    server.devstate("Custom:a", "INUSE");
    server.devstate("Custom:a", "ONHOLD");
    phone.nothing_for(Duration::from_millis(300));
    let waits = server.run("core explain hint 1000@default");
    assert!(waits.contains("waits for a module that makes its body type"), "{waits}");
    assert_eq!(Phone::new(&server, "bob").status(&Subscribe::presence("1000")), 489);

    assert_eq!(server.run(&format!("module load {PIDF}.so")), format!("Loaded {PIDF}.so\n"));
    assert_eq!(note(phone.notify(&mut lamp)), "On hold");
    phone.nothing_for(Duration::from_millis(100));
    server.devstate("Custom:a", "NOT_INUSE");
    assert_eq!(note(phone.notify(&mut lamp)), "Ready");
    phone.refresh(&mut lamp, 600);
    phone.unsubscribe(lamp);
    server.stop();
}

/// What changes while an event package is away is told when it is back: no lamp is frozen, and a hint
/// that is gone by then ends its subscriptions.
#[test]
fn lamps_of_an_event_package_that_was_away_catch_up() {
    let server = boot().start();
    let mut phone = Phone::new(&server, "alice");
    let mut stays = phone.subscribe(Subscribe::presence("1000"));
    let mut goes = phone.subscribe(Subscribe::dialog("1003"));
    let (text, _) = server.cli("module unload res_pjsip_exten_state");
    assert!(text.starts_with("module res_pjsip_exten_state is in use: 2 subscription(s)\n"), "{text}");
    server.run("module unload -f res_pjsip_exten_state");
    assert_eq!(mapped(&server, "res_pjsip_exten_state"), 0);
    server.devstate("Custom:a", "INUSE");
    let extensions = server.boot().path("extensions.conf");
    let text = fs::read_to_string(&extensions).expect("it was written");
    fs::write(&extensions, text.replace("exten => 1003,hint,Custom:c\n", "")).expect("the directory is ours");
    server.run("dialplan reload");
    phone.nothing_for(Duration::from_millis(300));
    let waits = server.run("core explain hint 1000@default");
    assert!(waits.contains("waits for the module of its event"), "{waits}");
    server.run("module load res_pjsip_exten_state");
    assert_eq!(note(phone.notify(&mut stays)), "On the phone");
    let end = phone.notify(&mut goes);
    assert_eq!(end.header("Subscription-State"), "terminated;reason=noresource");
    phone.nothing_for(Duration::from_millis(100));
    server.devstate("Custom:a", "NOT_INUSE");
    assert_eq!(note(phone.notify(&mut stays)), "Ready");
    server.stop();
}

#[test]
fn new_code_takes_over_under_live_lamps() {
    let server = boot().start();
    let mut phones: Vec<_> = ["alice", "bob"].map(|name| Phone::new(&server, name)).into();
    let mut lamps: Vec<_> =
        phones.iter_mut().map(|phone| phone.subscribe(Subscribe::presence("1000"))).collect();
    let mut other = phones[0].subscribe(Subscribe::dialog("1000"));
    // What the file on disk becomes does not touch the code that runs.
    let file = file_of(&server, PIDF);
    let code = fs::read(&file).expect("it is there");
    fs::write(&file, &code[..4096]).expect("the directory is ours");
    let (text, status) = server.cli(&format!("module refresh {PIDF}.so"));
    assert!(text.contains("is cut short") && status == 1, "{text}");
    phones[0].nothing_for(Duration::from_millis(100));

    fs::write(&file, with_another_note(&code)).expect("the directory is ours");
    let done = server.run(&format!("module refresh {PIDF}.so"));
    assert_eq!(done, format!("Unloaded and loaded {PIDF}.so\n"));
    for (phone, lamp) in phones.iter_mut().zip(&mut lamps) {
        assert_eq!(note(phone.notify(lamp)), "ready", "the new code's word, once");
        phone.nothing_for(Duration::from_millis(100));
    }
    server.devstate("Custom:a", "INUSE");
    for (phone, lamp) in phones.iter_mut().zip(&mut lamps) {
        assert_eq!(note(phone.notify(lamp)), "On the phone");
    }
    phones[0].notify(&mut other);
    server.devstate("Custom:a", "NOT_INUSE");
    assert_eq!(note(phones[1].notify(&mut lamps[1])), "ready");
    let list = server.run("pjsip show subscriptions inbound");
    assert!(list.contains("3 active subscriptions"), "{list}");
    server.stop();
}

/// The module's file, saying `ready` where it said `Ready`.
fn with_another_note(code: &[u8]) -> Vec<u8> {
    let mut code = code.to_vec();
    let places: Vec<_> = (0..code.len()).filter(|at| code[*at..].starts_with(b"Ready")).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| code[at] = b'r');
    code
}

#[test]
fn a_module_is_loaded_with_what_it_requires() {
    let server = boot().start();
    for module in [PIDF, "res_pjsip_xpidf_body_generator", "res_pjsip_dialog_info_body_generator"] {
        server.run(&format!("module unload {module}"));
    }
    let (text, status) = server.cli("module unload res_pjsip_pubsub.so");
    assert!(
        text.starts_with("module res_pjsip_pubsub is in use: required by res_pjsip_exten_state\n"),
        "{text}"
    );
    assert_eq!(status, 1);
    assert_eq!(
        server.run("module unload res_pjsip_exten_state.so RES_PJSIP_PUBSUB"),
        "Unloaded res_pjsip_exten_state.so\nUnloaded RES_PJSIP_PUBSUB\n"
    );
    assert_eq!(Phone::new(&server, "alice").status(&Subscribe::presence("1000")), 501);
    assert_eq!(
        server.run(&format!("module load {PIDF}")),
        format!("Loaded res_pjsip_pubsub.so, which {PIDF} requires\nLoaded {PIDF}\n")
    );
    server.run("module load res_pjsip_exten_state.so");
    let mut phone = Phone::new(&server, "alice");
    let lamp = phone.subscribe(Subscribe::presence("1000"));
    let detail = server.run(&format!("module show detail {PIDF}.so"));
    for line in [
        "Status        running\n",
        "Requires      res_pjsip, res_pjsip_pubsub\n",
        "Required by   -\n",
        "Used by       1 subscription(s)\n",
        "body generator         application/pidf+xml                      1        0       0      0",
    ] {
        assert!(detail.contains(line), "{line}\n{detail}");
    }
    phone.unsubscribe(lamp);
    let (text, status) = server.cli("module load res_pjsip_pubsub");
    assert!(text.starts_with("module res_pjsip_pubsub is already loaded\n") && status == 1, "{text}");
    let (text, status) = server.cli("module load ../modules/res_pjsip_exten_state.so");
    assert!(text.contains("is no name of a module") && status == 1, "{text}");
    let (text, status) = server.cli("module load nosuch.so");
    assert!(
        text.ends_with("Unable to load module nosuch.so\nCommand 'module load nosuch.so' failed.\n"),
        "{text}"
    );
    assert_eq!(status, 1);
    server.stop();
}

/// Cycles of unloading and loading under traffic, with changes in between: nothing grows, no NOTIFY
/// is lost. `STARLING_CYCLES` makes it longer.
#[test]
fn cycles_under_traffic_leave_nothing_behind() {
    let cycles = std::env::var("STARLING_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(50);
    let server = boot().start();
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    let mut other = phone.subscribe(Subscribe::dialog("1000"));
    let pid = server.process().id();
    let threads = || fs::read_dir(format!("/proc/{pid}/task")).expect("it runs").count();
    // The sockets of consoles that just left may still be there.
    let files = || {
        let links = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").flatten();
        let targets = links.filter_map(|link| fs::read_link(link.path()).ok());
        targets.filter(|target| !target.to_string_lossy().starts_with("socket:")).count()
    };
    let (mut most_threads, mut most_files, mut mappings) = (0, 0, None);
    for cycle in 0..cycles {
        let (state, word) = [("INUSE", "On the phone"), ("NOT_INUSE", "Ready")][cycle % 2];
        if cycle % 3 == 0 {
            server.run(&format!("module refresh {PIDF}"));
            phone.notify(&mut lamp);
            server.devstate("Custom:a", state);
        } else {
            server.run(&format!("module unload -f {PIDF}"));
            server.devstate("Custom:a", state);
            server.run(&format!("module load {PIDF}"));
        }
        assert_eq!(note(phone.notify(&mut lamp)), word, "cycle {cycle}");
        phone.notify(&mut other);
        let mapped = mapped(&server, PIDF);
        assert_eq!(*mappings.get_or_insert(mapped), mapped, "cycle {cycle}: mappings");
        // Threads that serve commands come and go: what counts is that there are not more and more.
        let (threads, files) = (threads(), files());
        if cycle < 10 {
            (most_threads, most_files) = (most_threads.max(threads), most_files.max(files));
        } else {
            assert!(threads <= most_threads + 3, "cycle {cycle}: {threads} threads, {most_threads} before");
            assert!(files <= most_files + 3, "cycle {cycle}: {files} files, {most_files} before");
        }
    }
    server.stop();
}
