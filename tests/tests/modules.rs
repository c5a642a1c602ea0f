//! A feature exists when its module is loaded: one module at a time is left out, the feature is gone,
//! the rest works.

use e2e::{Boot, Config, Phone, Server, Subscribe};

const DIALOG_INFO: &str = "application/dialog-info+xml";
const XPIDF: &str = "application/xpidf+xml";

/// Leaves a module out; gives the server, whose other modules all run.
fn without(module: &str) -> Server {
    let server = Server::start(Config::office().without(module));
    let table = server.run("module show");
    assert!(!table.contains(&format!("{module}.so")), "{table}");
    assert!(!table.contains("Not Running"), "{table}");
    server
}

/// A lamp of the event package, with this body, lights and follows a change.
#[track_caller]
fn works(server: &Server, ask: Subscribe) {
    let mut phone = Phone::new(server, "bob");
    let mut lamp = phone.subscribe(ask);
    server.devstate("Custom:b", "INUSE");
    let body = phone.notify(&mut lamp).body().to_owned();
    assert!(!body.is_empty());
    server.devstate("Custom:b", "NOT_INUSE");
    phone.notify(&mut lamp);
    phone.unsubscribe(lamp);
}

#[track_caller]
fn refused(server: &Server, ask: &Subscribe, status: u16) {
    assert_eq!(Phone::new(server, "alice").status(ask), status);
}

#[test]
fn without_pubsub_a_subscribe_is_501_and_options_are_answered() {
    let config = Config::office();
    // What requires it cannot run either; the names of those are told.
    let server = Server::start(config.without("res_pjsip_pubsub"));
    let mut phone = Phone::new(&server, "alice");
    let (_, answer) = phone.try_subscribe(&Subscribe::presence("1000"));
    assert_eq!(answer.status(), 501);
    assert_eq!(answer.header("Allow"), "OPTIONS, REGISTER");
    assert_eq!(phone.options().status(), 200);
    let table = server.run("module show like exten_state");
    assert!(table.contains("Not Running"), "{table}");
    assert!(server.log().contains("res_pjsip_exten_state"), "{}", server.log());
    let (_, status) = server.cli("pjsip show subscriptions inbound");
    assert_eq!(status, 1, "its commands are gone");
}

#[test]
fn without_exten_state_events_are_489() {
    let server = without("res_pjsip_exten_state");
    refused(&server, &Subscribe::presence("1000"), 489);
    refused(&server, &Subscribe::dialog("1000"), 489);
    assert_eq!(Phone::new(&server, "alice").options().status(), 200);
}

#[test]
fn without_a_generator_its_body_is_489_and_the_others_are_made() {
    let server = without("res_pjsip_pidf_body_generator");
    refused(&server, &Subscribe::presence("1001"), 489);
    works(&server, Subscribe::presence("1001").accept(XPIDF));
    works(&server, Subscribe::dialog("1001"));
    let server = without("res_pjsip_xpidf_body_generator");
    for accept in [XPIDF, "application/cpim-pidf+xml"] {
        refused(&server, &Subscribe::presence("1001").accept(accept), 489);
    }
    works(&server, Subscribe::presence("1001"));
    let server = without("res_pjsip_dialog_info_body_generator");
    refused(&server, &Subscribe::dialog("1001"), 489);
    refused(&server, &Subscribe::presence("1001").accept(DIALOG_INFO), 489);
    works(&server, Subscribe::presence("1001"));
}

#[test]
fn without_an_identifier_nobody_is_known_by_it() {
    let identify = "[alice]\ntype=identify\nendpoint=alice\nmatch=127.0.0.1\n";
    let ask = Subscribe::presence("1001");
    let server = Server::start(Config::office().without("res_pjsip_endpoint_identifier_user"));
    assert_eq!(Phone::new(&server, "alice").status(&ask), 401);
    let by_address =
        Config::office().without("res_pjsip_endpoint_identifier_user").append("pjsip.conf", identify);
    let server = Server::start(by_address);
    assert_eq!(Phone::new(&server, "whoever").status(&ask), 200);
    let server = Server::start(
        Config::office().without("res_pjsip_endpoint_identifier_ip").append("pjsip.conf", identify),
    );
    assert_eq!(Phone::new(&server, "whoever").status(&ask), 401);
    works(&server, ask);
}

#[test]
fn the_anonymous_identifier_lets_strangers_in() {
    let anonymous = Config::office().append("pjsip.conf", "[anonymous](phone)\n");
    let ask = Subscribe::presence("1001");
    assert_eq!(Phone::new(&Server::start(anonymous.clone()), "stranger").status(&ask), 401);
    let loaded = anonymous.append("modules.conf", "load => res_pjsip_endpoint_identifier_anonymous.so\n");
    let server = Server::start(loaded);
    assert_eq!(Phone::new(&server, "stranger").status(&ask), 200);
    let list = server.run("pjsip show subscriptions inbound");
    assert!(list.contains("Endpoint: anonymous/"), "{list}");
}

#[test]
fn without_pbx_config_there_are_no_hints() {
    let server = without("pbx_config");
    refused(&server, &Subscribe::presence("1000"), 404);
    assert_eq!(server.run("core show hints"), "There are no registered dialplan hints\n");
    assert_eq!(server.cli("dialplan show").1, 1, "its commands are gone");
}

#[test]
fn without_func_devstate_custom_devices_are_unavailable_and_that_is_told() {
    let server = without("func_devstate");
    assert_eq!(server.cli("devstate change Custom:a INUSE").1, 1);
    let hint = server.run("core show hint 1000");
    assert!(hint.contains("State:Unavailable"), "{hint}");
    let lamp = Phone::new(&server, "alice").subscribe(Subscribe::presence("1000"));
    assert!(lamp.last.body().contains("<basic>closed</basic>"), "{}", lamp.last);
    let log = server.log();
    let line = log.lines().find(|line| line.contains("Custom:a")).expect("a warning");
    assert!(line.contains("WARNING") && line.contains("extensions.conf:3"), "{line}");
}

#[test]
fn without_res_pjsip_the_server_runs_with_the_rest() {
    let server = Server::start(Config::office().without("res_pjsip"));
    assert_eq!(server.cli("pjsip show endpoints").1, 1);
    server.devstate("Custom:a", "BUSY");
    assert!(server.run("core show hint 1000").contains("State:Busy"));
}

#[test]
fn names_may_have_any_case_and_no_ending() {
    let config =
        Config::office().replace("modules.conf", "load => res_pjsip_pubsub.so", "LOAD = RES_pjsip_PUBSUB");
    let config = config.replace("modules.conf", "load => func_devstate.so", "load => func_devstate");
    works(&Server::start(config), Subscribe::presence("1001"));
}

#[test]
fn autoload_takes_everything_but_noload() {
    let config = Config::office()
        .file("modules.conf", "[modules]\nautoload=yes\nnoload => res_pjsip_xpidf_body_generator.so\n");
    let server = Server::start(config);
    works(&server, Subscribe::dialog("1001"));
    refused(&server, &Subscribe::presence("1000").accept(XPIDF), 489);
    assert!(!server.run("module show").contains("xpidf"));
}

#[test]
fn order_in_the_file_does_not_matter() {
    let config = Config::office();
    let mut lines: Vec<&str> =
        config.text("modules.conf").lines().filter(|line| line.starts_with("load")).collect();
    lines.reverse();
    let text = format!("[modules]\n{}\n", lines.join("\n"));
    works(&Server::start(config.file("modules.conf", &text)), Subscribe::presence("1001"));
}

/// The place of a line that is added to the office's `modules.conf`.
fn added_line() -> String {
    format!("modules.conf:{}:", Config::office().text("modules.conf").lines().count() + 1)
}

#[test]
fn a_missing_module_is_one_line_and_a_required_one_ends_the_start() {
    let missing = "load => mine.so\nload => chan_pjsip.so\nload => app_dial.so\n";
    let server = Server::start(Config::office().append("modules.conf", missing));
    let log = server.log();
    let lines = |name: &str| log.lines().filter(|line| line.contains(name)).collect::<Vec<_>>();
    assert_eq!(lines("mine").len(), 1, "{log}");
    assert!(lines("mine")[0].contains("ERROR") && lines("mine")[0].contains(&added_line()), "{log}");
    // What only Asterisk has is no error, and one line for all.
    assert_eq!((lines("chan_pjsip").len(), lines("app_dial").len()), (1, 1), "{log}");
    assert!(lines("chan_pjsip")[0].contains("left out: chan_pjsip, app_dial"), "{log}");
    assert!(lines("chan_pjsip")[0].contains("NOTICE"), "{log}");
    works(&server, Subscribe::presence("1001"));

    let required = Config::office().append("modules.conf", "require => my_module.so\n");
    let ended = Boot::new(&required).fail().expect(2);
    assert!(ended.stderr.contains("my_module") && ended.stderr.contains(&added_line()), "{}", ended.stderr);
}

#[test]
fn a_bad_modules_conf_ends_the_start() {
    let ended = Boot::new(&Config::office().no_file("modules.conf")).fail().expect(1);
    assert!(ended.stderr.contains("modules.conf"), "{}", ended.stderr);
    let ended = Boot::new(&Config::office().append("modules.conf", "lode => x.so\n")).fail().expect(1);
    assert!(ended.stderr.contains(&added_line()) && ended.stderr.contains("lode"), "{}", ended.stderr);
    let excluded = "require => res_pjsip.so\nnoload => res_pjsip.so\n";
    let ended = Boot::new(&Config::office().append("modules.conf", excluded)).fail().expect(1);
    assert!(ended.stderr.contains("res_pjsip"), "{}", ended.stderr);
}

/// A directory of modules with one file more.
fn with_module(name: &str, content: &[u8]) -> (Server, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("the temporary directory can be written");
    let files = std::fs::read_dir(e2e::module_dir()).expect("the modules are built");
    for entry in files.filter_map(Result::ok) {
        if entry.path().extension().is_some_and(|ending| ending == "so") {
            let copy = directory.path().join(entry.file_name());
            std::fs::copy(entry.path(), copy).expect("the directory is ours");
        }
    }
    std::fs::write(directory.path().join(format!("{name}.so")), content).expect("the directory is ours");
    let path = directory.path().display().to_string();
    let config = Config::office()
        .replace("asterisk.conf", "{modules}", &path)
        .append("modules.conf", &format!("load => {name}.so\n"));
    (Server::start(config), directory)
}

/// The one line that says why a file is no module.
#[track_caller]
fn refused_file(server: &Server, name: &str, why: &str) {
    let log = server.log();
    let lines: Vec<&str> =
        log.lines().filter(|line| line.contains("ERROR") && line.contains(&format!("{name}.so"))).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains(why), "{}", lines[0]);
    assert!(server.run(&format!("module show like {name}")).contains("Not Running"));
    works(server, Subscribe::presence("1001"));
}

#[test]
fn a_text_file_is_no_module() {
    let (server, _directory) = with_module("res_note", b"remember the milk\n");
    refused_file(&server, "res_note", "is not a shared object");
}

#[test]
fn a_shared_object_that_is_no_module_is_refused() {
    let libc = std::fs::read("/proc/self/maps").unwrap();
    let maps = String::from_utf8(libc).unwrap();
    let path =
        maps.lines().find_map(|line| line.split_whitespace().last().filter(|path| path.contains("libc.so")));
    let (server, _directory) = with_module("res_libc", &std::fs::read(path.unwrap()).unwrap());
    refused_file(&server, "res_libc", "not a module");
}

#[test]
fn a_module_under_another_name_is_refused() {
    let pidf = e2e::module_dir().join("libres_pjsip_pidf_body_generator.so");
    let (server, _directory) = with_module("res_other", &std::fs::read(pidf).unwrap());
    refused_file(&server, "res_other", "res_pjsip_pidf_body_generator");
}

#[test]
fn check_module_says_what_a_file_is() {
    let boot = Boot::new(&Config::office());
    let module = e2e::module_dir().join("libres_pjsip_exten_state.so");
    let ended = boot.starling(&["--check-module", &module.display().to_string()]).expect(0);
    assert!(ended.stdout.contains("PJSIP Extension State Notifications"), "{}", ended.stdout);
    let text = boot.path("modules.conf").display().to_string();
    assert_ne!(boot.starling(&["--check-module", &text]).status, 0);
}

#[test]
fn modules_are_started_by_priority() {
    let server = Server::start(Config::office());
    let log = server.log();
    let place = |name: &str| log.find(&format!("Loaded {name} ")).unwrap_or_else(|| panic!("{name}: {log}"));
    let order = ["res_pjsip", "res_pjsip_pubsub", "res_pjsip_exten_state", "func_devstate", "pbx_config"];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{log}");
}
