//! The sample configuration at the top level, as it is; only ports and directories are changed.

use std::path::Path;

use e2e::{Config, Phone, Server, Subscribe};

fn sample() -> Config {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Config::copy_of(&top)
        .replace("pjsip.conf", "127.0.0.1:5060", "127.0.0.1:{port}")
        .replace("asterisk.conf", "target/release", "{modules}")
        .replace("asterisk.conf", "target/", "")
}

/// What README.md shows.
#[test]
fn the_sample_works_as_the_readme_says() {
    let server = Server::start(sample());
    let mut alice = Phone::new(&server, "alice");
    let mut bob = Phone::new(&server, "bob");
    let mut lamp = alice.subscribe(Subscribe::presence("1001"));
    let mut early = bob.subscribe(Subscribe::dialog("1003"));
    assert_eq!(server.run("devstate change Custom:lamp1 INUSE"), "Changing lamp1 to INUSE\n");
    assert!(alice.notify(&mut lamp).body().contains("<note>On the phone</note>"));
    assert!(bob.notify(&mut early).body().contains("<state>confirmed</state>"));
    // 1003 is lamp1 and lamp2, and bob has notify_early_inuse_ringing.
    server.run("devstate change Custom:lamp2 RINGING");
    assert!(bob.notify(&mut early).body().contains("<state>early</state>"));
    let hints = server.run("core show hints");
    assert!(hints.contains("- 3 hints registered"), "{hints}");
    let table = server.run("pjsip show subscriptions inbound");
    assert!(table.ends_with("2 active subscriptions\n"), "{table}");
    let log = server.stop();
    assert!(!log.contains(" WARNING[") && !log.contains(" ERROR["), "{log}");
}

#[test]
fn the_sample_loads_ten_modules_and_says_ten() {
    let server = Server::start(sample());
    let table = server.run("module show");
    assert!(table.ends_with("\n10 modules loaded\n") && !table.contains("Not Running"), "{table}");
    server.stop();
}

/// The lines that are commented out work too: options that are there to be switched on.
#[test]
fn the_lines_that_are_commented_out_are_right() {
    let uncommented = |config: Config, name: &str, wanted: &[&str]| {
        wanted
            .iter()
            .fold(config, |config, line| config.replace(name, &format!("\n;{line}"), &format!("\n{line}")))
    };
    let config =
        uncommented(sample(), "modules.conf", &["load => res_pjsip_endpoint_identifier_anonymous.so"]);
    let identify = ["[lobby](phone)", "[lobby]", "type=identify", "endpoint=lobby", "match=192.0.2.7"];
    let config = uncommented(config, "pjsip.conf", &["user_agent=Starling", "debug=yes"]);
    let config = uncommented(config, "pjsip.conf", &identify);
    let config = uncommented(
        config,
        "asterisk.conf",
        &[
            "debug = 0",
            "nofork = yes",
            "maxfiles = 20000",
            "execincludes = no",
            "astctlpermissions = 0660",
            "astctl = asterisk.ctl",
        ],
    );
    let config = uncommented(config, "logger.conf", &["full = ", "security = security"]);
    let server = Server::start(config);
    assert!(server.run("module show").ends_with("\n11 modules loaded\n"));
    let lamp = Phone::new(&server, "alice").subscribe(Subscribe::presence("1001"));
    assert_eq!(lamp.answer.header("Server"), "Starling");
    let log = server.stop();
    assert!(!log.contains(" WARNING[") && !log.contains(" ERROR["), "{log}");
    assert!(log.contains("SUBSCRIBE sip:1001@"), "debug=yes shows packets: {log}");
}
