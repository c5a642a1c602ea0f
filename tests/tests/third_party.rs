//! Modules that are not ours: built from outside of the workspace against the published crate, loaded
//! into the built daemon, used by SIPp. And what becomes of a server whose modules misbehave.

use std::fs;
use std::path::Path;

use e2e::third_party::{self, Api};
use e2e::{Boot, Config, Phone, Server, Sipp, Subscribe, module_dir};

const JSON: &str = "res_presence_json_body_generator";
const NAMES: &str = "res_pidf_display_name_body_supplement";
const BOARD: &str = "res_notice_board";
const DOOR: &str = "res_door";

/// An office with our modules and those of `directory`, which are loaded too.
fn office(directory: &Path, modules: &[&str]) -> Server {
    let loads: String = modules.iter().map(|module| format!("load => {module}.so\n")).collect();
    let config = Config::office()
        .replace("asterisk.conf", "astmoddir => {modules}", "astmoddir => modules")
        .append("modules.conf", &loads)
        .append("extensions.conf", "exten => 500,hint,Door:front\nexten => 501,hint,Custom:a(Alice & Co)\n")
        .append("extensions.conf", "exten => 502,hint,Bad:panic&Bad:number&Custom:a\n");
    let boot = Boot::new(&config);
    let own = boot.path("modules");
    fs::create_dir(&own).expect("the directory is ours");
    for from in [&module_dir(), directory] {
        for entry in fs::read_dir(from).expect("it was built").flatten() {
            let name = entry.file_name().into_string().unwrap_or_default();
            if name.ends_with(".so") {
                fs::copy(entry.path(), own.join(name.trim_start_matches("lib"))).expect("it is ours");
            }
        }
    }
    let server = boot.start();
    let table = server.run("module show");
    assert!(modules.iter().all(|module| table.contains(module)), "{table}");
    assert!(!table.contains("Not Running"), "{table}\n{}", server.log());
    server
}

/// What a phone asks for, and the texts of its two NOTIFYs as regular expressions.
struct Ask<'a> {
    event: &'a str,
    accept: &'a str,
    extension: &'a str,
    first: &'a str,
    second: &'a str,
}

/// A SIPp that subscribes; after its first NOTIFY `change` lets the second come.
#[track_caller]
fn sipp(server: &Server, ask: &Ask<'_>, change: impl FnOnce()) {
    let accepted = server.counter("NOTIFY requests accepted");
    let pieces = [
        ("EVENT", ask.event),
        ("TYPE", &ask.accept.replace('+', "[+]")),
        ("ACCEPT", ask.accept),
        ("EXTENSION", ask.extension),
        ("FIRST", ask.first),
        ("SECOND", ask.second),
    ];
    let scenario =
        pieces.iter().fold(include_str!("../sipp/module.xml").to_owned(), |text, (name, value)| {
            let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            text.replace(name, &value.replace('"', "&quot;"))
        });
    let file = server.boot().path(&format!("{}.xml", ask.event));
    fs::write(&file, scenario).expect("the directory is ours");
    let sipp = Sipp::start(server, &file.display().to_string(), &[]);
    server.wait_for_counter("NOTIFY requests accepted", accepted + 1);
    change();
    sipp.end();
    // Its last answer may still be on its way when it ends.
    server.wait_for_counter("NOTIFY requests accepted", accepted + 2);
}

/// Every kind of thing that a module can bring, used over the wire.
fn the_examples_work(directory: &Path) {
    let server = office(directory, &[JSON, NAMES, BOARD, DOOR]);
    let ask = Ask {
        event: "presence",
        accept: "application/vnd.example.presence+json",
        extension: "501",
        first: r#"^."extension":"501","name":"Alice & Co","state":"free","reachable":true.$"#,
        second: r#""state":"on the phone""#,
    };
    sipp(&server, &ask, || server.devstate("Custom:a", "INUSE"));
    let name = r#"<c:display-name xmlns:c="urn:ietf:params:xml:ns:pidf:cipid">Alice &amp; Co<"#;
    let pidf = Ask { accept: "application/pidf+xml", first: name, second: name, ..ask };
    sipp(&server, &pidf, || server.devstate("Custom:a", "NOT_INUSE"));

    let notice = Ask {
        event: "x-notice",
        accept: "text/plain",
        extension: "lobby",
        first: "^Nothing new$",
        second: "^Fire drill at ten$",
    };
    assert_eq!(server.run("notice set lobby Nothing new"), "Notice on lobby\n");
    sipp(&server, &notice, || {
        server.run("notice set lobby Fire drill at ten");
    });
    let (usage, status) = server.cli("notice set");
    assert!(usage.contains("Usage: notice set BOARD TEXT..."), "{usage}");
    assert_eq!(status, 1);

    let door = Ask {
        event: "presence",
        accept: "application/pidf+xml",
        extension: "500",
        first: "Ready",
        second: "On the phone",
    };
    sipp(&server, &door, || {
        server.run("door open front");
    });
    let (text, status) = server.cli("door open front");
    assert!(text.starts_with("front is open already\n") && status == 1, "{text}");
    assert!(server.run("core show hint 500").contains("State:InUse"));
    server.run("door close front");
    assert!(server.run("core show hint 500").contains("State:Idle"));
    assert!(server.log().contains("front closes"), "{}", server.log());

    // They come and go as ours do.
    for module in [JSON, NAMES, BOARD, DOOR] {
        let text = server.run(&format!("module unload -f {module}"));
        assert_eq!(text, format!("Unloaded {module}\n"));
    }
    let (_, status) = server.cli("door open front");
    assert_eq!(status, 1, "its commands are gone");
    server.stop();
}

#[test]
fn modules_built_against_the_published_crate_work() {
    the_examples_work(&third_party::examples(Api::Now));
}

/// The promise of `module_api`: what was built when this epoch began runs on today's server.
#[test]
fn modules_built_against_the_first_published_crate_work() {
    let directory = third_party::examples(Api::First);
    the_examples_work(&directory);
    let boot = Boot::new(&Config::office());
    for module in [JSON, NAMES, BOARD, DOOR] {
        let file = directory.join(format!("lib{module}.so")).display().to_string();
        let report = boot.starling(&["--check-module", &file]).expect(0).stdout;
        assert!(report.contains("needs interface 1.0") && report.contains("can be loaded"), "{report}");
    }
}

/// What `docs/writing-a-module.md` tells a newcomer to do, from an empty folder on.
#[test]
fn the_template_makes_a_module() {
    let folder = tempfile::tempdir().expect("the temporary directory can be written");
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/template");
    fs::create_dir(folder.path().join("src")).expect("the directory is ours");
    for file in ["Cargo.toml", "src/lib.rs"] {
        let text = fs::read_to_string(template.join(file)).expect("it is in the project");
        assert!(text.contains("{{crate_name}}"), "{text}");
        let text = text.replace("{{crate_name}}", "res_mine");
        fs::write(folder.path().join(file), text).expect("the directory is ours");
    }
    // The versions that are there already.
    fs::copy(template.join("../Cargo.lock"), folder.path().join("Cargo.lock"))
        .expect("the directory is ours");
    third_party::make(folder.path(), Api::Now, &["test", "--quiet", "--lib"]);
    let modules = third_party::make(folder.path(), Api::Now, &["build"]);
    let server = office(&modules, &["res_mine"]);
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000").accept("text/x-lamp"));
    assert_eq!(lamp.last.body(), "1000 green\n");
    server.devstate("Custom:a", "INUSE");
    assert_eq!(phone.notify(&mut lamp).body(), "1000 red\n");
    phone.unsubscribe(lamp);
    server.stop();
}

/// What the log has of a panic of its generator: module, file, place, text.
const PANIC: &str = "res_misbehaving/src/lib.rs:27:38: in use";

#[test]
fn a_module_that_misbehaves_costs_nobody_else_anything() {
    let server = office(&third_party::misbehaving(), &["res_misbehaving"]);
    let mut victim = Phone::new(&server, "alice");
    let mut other = Phone::new(&server, "bob");
    let mut bad = victim.subscribe(Subscribe::presence("1000").accept("text/x-moods"));
    let mut good = other.subscribe(Subscribe::presence("1000"));
    assert_eq!(bad.last.body(), "state 0");

    // It panics: this change is not told, the next one is, and the others never notice.
    server.devstate("Custom:a", "INUSE");
    assert!(other.notify(&mut good).body().contains("On the phone"));
    server.wait_for_log(PANIC, 1);

    server.devstate("Custom:a", "NOT_INUSE");
    other.notify(&mut good);
    assert_eq!(victim.notify(&mut bad).body(), "state 0");

    // It takes its time: that is named.
    server.devstate("Custom:a", "RINGING");
    assert_eq!(victim.notify(&mut bad).body(), "state 8");
    other.notify(&mut good);
    server.wait_for_log("res_misbehaving: body generator 'text/x-moods' took ", 1);

    // It makes what is no text: that is not sent.
    server.devstate("Custom:a", "ONHOLD");
    server.wait_for_log("The body generator for text/x-moods failed on '1000': Internal", 1);
    other.notify(&mut good);
    server.devstate("Custom:a", "NOT_INUSE");
    other.notify(&mut good);
    assert_eq!(victim.notify(&mut bad).body(), "state 0");

    // Its devices are unknown, its supplement keeps a body from being sent, its command fails.
    let hint = server.run("core explain hint 502@default");
    assert_eq!(hint.matches("UNKNOWN").count(), 2, "{hint}");
    let without = other.subscribe(Subscribe::presence("1000").accept("application/xpidf+xml"));
    assert_eq!(without.last.body(), "");
    let (text, status) = server.cli("misbehave");
    assert!(text.starts_with("the command failed in its module: Panicked\n") && status == 1, "{text}");

    // At last it is out of use, and everybody can see it.
    for panics in 2..=10 {
        server.devstate("Custom:a", "INUSE");
        // The two phones may be in different shards.
        server.wait_for_log(PANIC, panics);
        other.notify(&mut good);
        server.devstate("Custom:a", "NOT_INUSE");
        other.notify(&mut good);
        if panics < 10 {
            assert_eq!(victim.notify(&mut bad).body(), "state 0");
        }
    }
    server.wait_for_log("res_misbehaving: text/x-moods is out of use after 10 panics", 1);
    let detail = server.run("module show detail res_misbehaving");
    let status = "Status        running, but out of use after 10 panics: body generator text/x-moods\n";
    assert!(detail.contains(status) && detail.contains("OUT OF USE"), "{detail}");
    let slow = server.log().lines().filter(|line| line.contains("slow calls so far")).count();
    assert_eq!(slow, 1, "{}", server.log());

    // Loading it again is a new beginning, and its lamps go on.
    server.run("module refresh res_misbehaving");
    let detail = server.run("module show detail res_misbehaving");
    assert!(detail.contains("Status        running\n"), "{detail}");
    assert_eq!(victim.notify(&mut bad).body(), "state 0");
    victim.unsubscribe(bad);
    other.unsubscribe(good);
    other.unsubscribe(without);
    // Not `stop`: that looks for panics in the log, and there they are.
    server.run("core stop now");
    server.stop_when_told();
}
