//! Commands: layouts as captured from Asterisk, exit statuses, start and stop.

use std::os::unix::fs::PermissionsExt;

use e2e::{Boot, Config, Golden, Phone, Server, Subscribe};
use nix::sys::signal::Signal;

/// The office from which the answers were captured: its extensions.conf, line by line.
const EXTENSIONS: &str = "\
[general]
[default]
exten => 1000,hint,Custom:a
exten => 1001,hint,Custom:b,CustomPresence:b
exten => 1002,hint,Custom:a&Custom:b
exten => 1003,hint,Custom:c
exten => 1004,hint,PJSIP/alice
exten => _20XX,hint,Custom:p${EXTEN}
exten => 1000,1,NoOp
exten => 1001,1,NoOp
";

fn captured_office() -> (Server, Phone) {
    let server = Server::start(Config::office().file("extensions.conf", EXTENSIONS));
    let mut phone = Phone::new(&server, "alice");
    for (extension, watchers) in
        [("1000", 3), ("1001", 4), ("1002", 2), ("1003", 1), ("1004", 1), ("2042", 1)]
    {
        for _ in 0..watchers {
            phone.subscribe(Subscribe::presence(extension));
        }
    }
    (server, phone)
}

#[test]
fn hints_are_shown_as_captured() {
    let (server, _phone) = captured_office();
    assert_eq!(server.run("core show hint 1000"), Golden::cli("core_show_hint_1000"));
    assert_eq!(server.run("core show hint 2042"), Golden::cli("core_show_hint_2042"));
    // It was captured with func_presencestate, which is none of ours yet: nobody knows CustomPresence.
    let golden = Golden::cli("core_show_hints").replace("Presence:away", "Presence:    ");
    assert_eq!(server.run("core show hints"), golden);
    server.stop();
}

#[test]
fn the_dialplan_is_shown_as_captured() {
    let (server, _phone) = captured_office();
    assert_eq!(server.run("dialplan show 1000@default"), Golden::cli("dialplan_show_1000@default"));
    assert_eq!(server.run("dialplan show default"), Golden::cli("dialplan_show_default"));
    assert_eq!(server.cli("dialplan show nosuch"), (Golden::cli("dialplan_show_nosuch"), 1));
    server.stop();
}

#[test]
fn devices_are_listed_and_changed_as_captured() {
    let server = Server::start(Config::office());
    assert_eq!(server.run("devstate change Custom:a INUSE"), "Changing a to INUSE\n");
    assert_eq!(server.run("devstate change custom:A not_inuse"), "Changing A to not_inuse\n");
    assert_eq!(server.run("devstate list"), Golden::cli("devstate_list"));
    // Asterisk's -rx ends with 0 whatever happens.
    let failed = Golden::cli("devstate_change_PJSIP_x_INUSE");
    assert_eq!(server.cli("devstate change PJSIP/x INUSE"), (failed, 1));
    for line in [
        "devstate change Custom:z FOO",
        "devstate change Custom:z",
        "devstate change Custom:z INUSE 1",
        "devstate change",
    ] {
        let (text, status) = server.cli(line);
        assert!(text.starts_with("Usage: devstate change ") && status == 1, "{line}: {text}");
        assert!(
            text.contains("UNKNOWN NOT_INUSE INUSE BUSY INVALID UNAVAILABLE RINGING RINGINUSE ONHOLD"),
            "{text}"
        );
    }
    assert_eq!(server.run("devstate list"), Golden::cli("devstate_list"), "nothing has changed");
    server.stop();
}

#[test]
fn modules_are_shown_as_captured() {
    let server = Server::start(Config::office());
    assert_eq!(server.run("module show like nosuch"), Golden::cli("module_show_like_nosuch"));
    // Two of the four were captured with supplements that are none of ours yet.
    let golden = Golden::cli("module_show_like_pidf");
    let golden: String = golden.split_inclusive('\n').filter(|line| !line.contains("supplement")).collect();
    assert_eq!(server.run("module show like pidf"), golden.replace("4 modules", "2 modules"));
    assert_eq!(server.run("module show like PIDF"), golden.replace("4 modules", "2 modules"));
    let all = Golden::cli("module_show");
    let ours = server.run("module show");
    assert_eq!(ours.lines().next(), all.lines().next());
    // Name, description and support level of each; use counts are of other things here and there.
    let columns = |line: &str| {
        (
            line.get(..line.len().saturating_sub(36)).map(str::trim_end).map(str::to_owned),
            line.ends_with(" core"),
        )
    };
    for line in ours.lines().skip(1).filter(|line| line.ends_with(" core")) {
        let found = all.lines().any(|captured| columns(captured) == columns(line));
        assert!(found, "{line}\n{all}");
    }
    server.stop();
}

#[test]
fn subscriptions_are_shown_as_captured() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let lamps = [
        phone.subscribe(Subscribe::presence("1000")),
        phone.subscribe(Subscribe::dialog("1001")),
        phone.subscribe(Subscribe::presence("1001")),
    ];
    let golden = Golden::cli("pjsip_show_subscriptions_inbound");
    let (head, rest) = golden.split_once("\n\n").expect("a head");
    let block = rest.split("\n\n").next().expect("a first subscription");
    assert_eq!(
        block,
        "Endpoint: alice/<none>\nResource: 1001/presence\n  Expiry:     3547  ka4akyy6vxasraax"
    );
    let table = server.run("pjsip show subscriptions inbound");
    // Seconds go by.
    let mut lines = Vec::new();
    for line in table.lines() {
        match line.strip_prefix("  Expiry:     3") {
            Some(rest) if rest.len() > 3 && !line.contains('<') => {
                lines.push(format!("  Expiry:     3...{}", &rest[3..]))
            }
            _ => lines.push(line.to_owned()),
        }
    }
    let subscription = |resource: &str, call_id: &str| {
        format!("Endpoint: alice/<none>\nResource: {resource}\n  Expiry:     3...  {call_id}\n\n")
    };
    let [one, two, three] = lamps.each_ref().map(|lamp| lamp.call_id());
    let expected = format!(
        "{head}\n\n{}{}{}3 active subscriptions\n",
        subscription("1000/presence", one),
        subscription("1001/dialog", two),
        subscription("1001/presence", three),
    );
    let expected = expected.replace("3600", "3...");
    assert_eq!(lines.join("\n") + "\n", expected);
    let like = server.run("pjsip show subscriptions inbound like 1001/dialog");
    assert!(like.ends_with("\n1 active subscriptions\n") && like.contains(two), "{like}");
    let outbound = server.run("pjsip show subscriptions outbound");
    assert_eq!(outbound, Golden::cli("pjsip_show_subscriptions_outbound"));
    server.stop();
}

#[test]
fn endpoints_are_shown_as_captured() {
    let pjsip = "[global]\ntype=global\n[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{port}\n\
                 [alice]\ntype=endpoint\ncontext=default\ntransport=udp\naors=alice\nallow=ulaw\n[alice]\ntype=aor\nmax_contacts=5\n\
                 [early]\ntype=endpoint\ncontext=default\ntransport=udp\nnotify_early_inuse_ringing=yes\nallow=ulaw\n\
                 [nosub]\ntype=endpoint\ncontext=default\nallow_subscribe=no\nallow=ulaw\n";
    let server = Server::start(Config::office().file("pjsip.conf", pjsip));
    // Its contact was registered, which is none of ours yet; the first one in the head stays.
    let golden = Golden::cli("pjsip_show_endpoints");
    let golden: String =
        golden.split_inclusive('\n').filter(|line| !line.contains("Contact:  alice")).collect();
    let golden = golden.replace("127.0.0.1:15060", &format!("127.0.0.1:{}", server.port()));
    assert_eq!(server.run("pjsip show endpoints"), golden);
    server.stop();
}

#[test]
fn core_commands_answer_as_captured() {
    let server = Server::start(Config::office());
    assert_eq!(server.run("core waitfullybooted"), Golden::cli("core_waitfullybooted"));
    assert_eq!(server.run("core set verbose 5"), Golden::cli("core_set_verbose_5"));
    assert!(server.run("core show version").starts_with("Starling "));
    assert!(server.run("core show uptime").starts_with("System uptime: "));
    server.stop();
}

#[test]
fn an_unknown_command_fails() {
    let server = Server::start(Config::office());
    let (text, status) = server.cli("make me a sandwich");
    assert!(text.starts_with("No such command 'make me a sandwich'") && status == 1, "{text}");
    server.stop();
}

#[test]
fn core_stop_ends_the_server_with_status_0() {
    for line in ["core stop now", "core stop gracefully", "core stop when convenient"] {
        let boot = Boot::new(&Config::office());
        let server = boot.start();
        let socket = server.boot().path("run/asterisk.ctl");
        assert_eq!(server.cli(line), (String::new(), 0), "{line}");
        server.wait_for_log("Stopping", 1);
        server.boot().wait_for_end();
        assert!(!socket.exists(), "{line}: the control socket is still there");
    }
}

#[test]
fn signals_end_the_server_with_status_0() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = Server::start(Config::office());
        assert_eq!(server.signal_and_end(signal).status, 0, "{signal}");
    }
}

#[test]
fn the_control_socket_has_the_permissions_that_were_asked_for() {
    let server = Server::start(
        Config::office().append("asterisk.conf", "[files]\nastctlpermissions = 0660\nastctl = my.ctl\n"),
    );
    let socket = server.boot().path("run/my.ctl");
    let mode = socket.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o660, "{mode:o}");
    server.stop();
}

#[test]
fn a_second_server_does_not_start() {
    let server = Server::start(Config::office());
    let second = server.boot().fail().expect(1);
    assert!(second.stderr.contains("already running"), "{second:?}");
    // The first one did not notice.
    assert_eq!(Phone::new(&server, "alice").status(&Subscribe::presence("1000")), 200);
    server.stop();
}

/// A server that was killed leaves its socket behind; the next one takes its place.
#[test]
fn a_socket_that_was_left_behind_is_no_obstacle() {
    let server = Server::start(Config::office());
    let boot = server.kill();
    assert!(boot.path("run/asterisk.ctl").exists());
    let (text, status) = boot.cli("core show hints");
    assert!(text.contains("Unable to connect to remote") && status == 1, "{text}");
    boot.start().stop();
}

#[test]
fn a_command_without_a_server_fails() {
    let boot = Boot::new(&Config::office());
    let ended = boot.starling(&["-rx", "core show hints"]).expect(1);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.starts_with("Unable to connect to remote"), "{ended:?}");
    assert!(ended.stderr.contains("asterisk.ctl"), "{ended:?}");
}

#[test]
fn version_and_help_are_printed() {
    let boot = Boot::new(&Config::empty());
    let ended = boot.starling(&["-V"]).expect(0);
    assert!(ended.stdout.starts_with("Starling "), "{ended:?}");
    for letter in ["-h", "--help"] {
        let ended = boot.starling(&[letter]).expect(0);
        assert!(ended.stdout.contains("Usage: starling") && ended.stdout.contains("-r"), "{ended:?}");
    }
}

#[test]
fn a_wrong_option_is_an_error() {
    let ended = Boot::new(&Config::office()).starling(&["-Z"]).expect(1);
    assert!(ended.stderr.contains("-Z"), "{ended:?}");
}

#[test]
fn a_configuration_file_that_was_named_must_be_there() {
    let ended = Boot::new(&Config::empty()).starling(&["-f"]).expect(1);
    assert!(ended.stderr.contains("asterisk.conf"), "{ended:?}");
}

/// Without -f the command ends when the server has booted, and the server lives on.
#[test]
fn a_server_in_the_background_has_booted_when_the_command_ends() {
    let boot = Boot::new(&Config::office());
    let ended = boot.starling(&[]).expect(0);
    assert_eq!(ended.stderr, "", "{ended:?}");
    assert_eq!(boot.processes().len(), 1);
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], boot.port()));
    assert_eq!(Phone::at(address, "alice").status(&Subscribe::presence("1000")), 200);
    assert_eq!(boot.cli("core waitfullybooted").1, 0);
    assert_eq!(boot.cli("core stop now").1, 0);
    boot.wait_for_end();
    let log = std::fs::read_to_string(boot.path("log/messages")).expect("it has a log");
    assert!(log.contains("loaded res_pjsip ("), "{log}");
}

#[test]
fn a_boot_that_fails_in_the_background_is_told() {
    for (config, status, expected) in [
        (
            Config::office().append("modules.conf", "require => res_nosuch.so\n"),
            2,
            "the required module res_nosuch",
        ),
        (Config::office().no_file("modules.conf"), 1, "modules.conf"),
    ] {
        // Often: whether the end of the child is seen must not depend on who is faster.
        for _ in 0..10 {
            let boot = Boot::new(&config);
            let ended = boot.starling(&[]);
            assert_eq!(ended.status, status, "{ended:?}");
            assert!((ended.stdout.clone() + &ended.stderr).contains(expected), "{ended:?}");
            assert_eq!(boot.processes(), [] as [i32; 0]);
        }
    }
}
