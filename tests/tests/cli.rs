//! The commands, laid out as Asterisk's; exit statuses; start and stop.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;

use e2e::{Boot, Config, Golden, Phone, Process, Server, Subscribe};

/// The extensions of the captures.
fn golden_config() -> Config {
    let pjsip = "[alice]\ntype=aor\nmax_contacts=5\n";
    Config::office()
        .file(
            "extensions.conf",
            "[general]\n[default]\nexten => 1000,hint,Custom:a\nexten => 1001,hint,Custom:b,CustomPresence:b\n\
             exten => 1002,hint,Custom:a&Custom:b\nexten => 1003,hint,Custom:c\nexten => 1004,hint,PJSIP/alice\n\
             exten => _20XX,hint,Custom:p${EXTEN}\nexten => 1000,1,NoOp\nexten => 1001,1,NoOp\n",
        )
        .replace("pjsip.conf", "[alice](phone)\n", &format!("[alice](phone)\naors=alice\n{pjsip}"))
}

/// A capture without the column of watchers, which counts others in Asterisk.
fn unwatched(text: &str) -> String {
    text.lines()
        .map(|line| line.split("  Watchers").next().unwrap_or_default().trim_end().to_owned() + "\n")
        .collect()
}

#[test]
fn hints_are_shown_as_asterisk_shows_them() {
    let server = Server::start(golden_config());
    server.devstate("Custom:a", "NOT_INUSE");
    server.run("presencestate change CustomPresence:b away");
    let mut phone = Phone::new(&server, "alice");
    let lamps: Vec<_> =
        ["1000", "1000", "2042"].map(|exten| phone.subscribe(Subscribe::presence(exten))).into();
    let hints = server.run("core show hints");
    assert_eq!(unwatched(&hints), unwatched(&Golden::cli("core_show_hints")));
    let row = hints.lines().find(|line| line.starts_with("1000@default")).unwrap();
    assert!(row.ends_with("Watchers  2"), "{row}");
    for name in ["1000", "2042"] {
        let shown = server.run(&format!("core show hint {name}"));
        assert_eq!(unwatched(&shown), unwatched(&Golden::cli(&format!("core_show_hint_{name}"))));
    }
    assert_eq!(server.run("dialplan show default"), Golden::cli("dialplan_show_default"));
    assert_eq!(server.run("dialplan show 1000@default"), Golden::cli("dialplan_show_1000@default"));
    let (text, status) = server.cli("dialplan show nosuch");
    assert_eq!((text, status), (Golden::cli("dialplan_show_nosuch"), 1));
    assert_eq!(server.run("devstate list"), Golden::cli("devstate_list"));
    for lamp in lamps {
        phone.unsubscribe(lamp);
    }
    let row = server.run("core show hint 1000@default");
    assert!(row.contains("Watchers  0"), "{row}");
}

#[test]
fn states_are_changed_and_refused_as_asterisk_does() {
    let server = Server::start(golden_config());
    assert_eq!(server.run("devstate change Custom:z INUSE"), "Changing z to INUSE\n");
    assert_eq!(server.run("devstate change custom:z ringing"), "Changing z to ringing\n");
    let (text, status) = server.cli("devstate change PJSIP/x INUSE");
    assert_eq!((text, status), (Golden::cli("devstate_change_PJSIP_x_INUSE"), 1));
    let (text, status) = server.cli("devstate change Custom:z FOO");
    assert!(text.starts_with("Usage: devstate change") && status == 1, "{status} {text}");
    let (text, status) = server.cli("presencestate change Other:q away");
    assert_eq!((text, status), (Golden::cli("presencestate_change_Other_q_away"), 1));
    assert_eq!(server.cli("presencestate change CustomPresence:q bogus").1, 1);
    server.run("presencestate change CustomPresence:b \"away,c3Vi,bXNn,e\"");
    assert_eq!(server.run("presencestate list"), Golden::cli("presencestate_list"));
    assert!(server.run("core show hint 1001").contains("Presence:away"));
    assert_eq!(server.run("devstate delete Custom:z"), "Deleted Custom:z\n");
    assert_eq!(server.cli("devstate delete Custom:z").1, 1);
}

#[test]
fn modules_are_shown_as_asterisk_shows_them() {
    let server = Server::start(golden_config());
    let rows = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    // The row of a module that both have is the same but for its uses.
    let golden = rows(&Golden::cli("module_show_like_pidf"));
    let ours = server.run("module show like pidf");
    let expected = ["res_pjsip_pidf_body_generator.so", "res_pjsip_xpidf_body_generator.so"];
    for name in expected {
        let row = ours.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(golden.contains(row), "{row}");
    }
    assert_eq!(ours.lines().next(), golden.iter().find(|row| row.starts_with("Module ")).map(String::as_str));
    assert!(ours.ends_with("2 modules loaded\n"), "{ours}");
    assert_eq!(server.run("module show like nosuch"), Golden::cli("module_show_like_nosuch"));
    assert_eq!(server.run("module reload pbx_config.so"), Golden::cli("module_reload_pbx_config.so"));
    let (text, status) = server.cli("module reload nosuch.so");
    assert!(text.starts_with(&Golden::cli("module_reload_nosuch.so")) && status == 1, "{status} {text}");
    assert_eq!(server.run("dialplan reload"), Golden::cli("dialplan_reload"));
}

#[test]
fn endpoints_and_subscriptions_are_shown_as_asterisk_shows_them() {
    let server = Server::start(golden_config());
    let text = server.run("pjsip show endpoints");
    let golden = Golden::cli("pjsip_show_endpoints");
    let head = |text: &str| {
        text.lines().take_while(|line| !line.starts_with(" Endpoint:  alice")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(head(&text), head(&golden));
    let transport =
        format!("  Transport:  udp                       udp      0      0  127.0.0.1:{}", server.port());
    assert!(text.contains(&transport), "{text}");
    assert!(text.ends_with("Objects found: 6\n\n"), "{text}");
    assert_eq!(server.run("pjsip show auths like nosuch"), Golden::cli("pjsip_show_auths"));

    assert_eq!(
        server.run("pjsip show subscriptions outbound"),
        Golden::cli("pjsip_show_subscriptions_outbound")
    );
    let mut phone = Phone::new(&server, "alice");
    let lamp = phone.subscribe(Subscribe::presence("1000").expires("300"));
    let text = server.run("pjsip show subscriptions inbound");
    let golden = Golden::cli("pjsip_show_subscriptions_inbound");
    assert_eq!(text.lines().take(5).collect::<Vec<_>>(), golden.lines().take(5).collect::<Vec<_>>());
    let block: Vec<&str> = text.lines().skip(5).collect();
    assert_eq!(block[..2], ["Endpoint: alice/<none>", "Resource: 1000/presence"]);
    assert!(block[2].starts_with("  Expiry:      ") && block[2].ends_with(lamp.call_id()), "{}", block[2]);
    assert_eq!(block[3..], ["", "1 active subscriptions"]);
    assert!(server.run("pjsip show subscriptions inbound like 1001").ends_with("0 active subscriptions\n"));
}

#[test]
fn core_commands_answer_in_asterisks_words() {
    let server = Server::start(Config::office());
    assert_eq!(server.run("core waitfullybooted"), Golden::cli("core_waitfullybooted"));
    let uptime = server.run("core show uptime");
    let labels =
        |text: &str| text.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(labels(&uptime), labels(&Golden::cli("core_show_uptime")));
    assert_eq!(server.run("core set verbose 5"), Golden::cli("core_set_verbose_5"));
    assert!(server.run("core show version").starts_with("Starling "));
    let help = server.run("core show help");
    for command in
        ["core show hints", "devstate change", "module show", "pjsip show endpoints", "dialplan show"]
    {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command}\n{help}");
    }
    assert!(server.run("core show help devstate change").starts_with("Usage: devstate change"));
    let (text, status) = server.cli("no such thing");
    assert!(text.starts_with("No such command 'no such thing'") && status == 1, "{status} {text}");
}

#[test]
fn the_sip_logger_shows_packets() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    assert_eq!(server.run("pjsip set logger on"), "PJSIP Logging enabled\n");
    let lamp = phone.subscribe(Subscribe::presence("1000"));
    let address = phone.address();
    server.wait_for_log(&format!("from UDP:{address} --->"), 1);
    server.wait_for_log("NOTIFY sip:alice@", 1);
    assert_eq!(server.run("pjsip set logger off"), "PJSIP Logging disabled\n");
    assert_eq!(server.run("pjsip set logger host 192.0.2.1"), "PJSIP Logging Enabled for host: 192.0.2.1\n");
    assert_eq!(server.cli("pjsip set logger host nobody").1, 1);
    let before = server.log().matches("--->").count();
    phone.unsubscribe(lamp);
    assert_eq!(server.log().matches("--->").count(), before);
}

#[test]
fn a_stop_ends_well_and_a_second_start_is_refused() {
    for command in ["core stop now", "core stop gracefully"] {
        let server = Server::start(Config::office());
        let second = server.boot().fail().expect(1);
        let socket = server.boot().path("run/asterisk.ctl");
        assert!(
            second.stderr.contains("already running on")
                && second.stderr.contains(&*socket.to_string_lossy()),
            "{}",
            second.stderr
        );
        assert_eq!(server.run(command), "");
        server.stop_when_told();
    }
}

#[test]
fn without_a_server_a_command_fails_at_once() {
    let boot = Boot::new(&Config::office());
    let (text, status) = boot.cli("core show uptime");
    assert_eq!(status, 1);
    assert!(
        text.starts_with("Unable to connect to remote starling (does ") && text.contains("asterisk.ctl"),
        "{text}"
    );
}

#[test]
fn the_command_line_is_asterisks() {
    let boot = Boot::new(&Config::office());
    let version = boot.starling(&["-V"]).expect(0);
    assert!(version.stdout.starts_with("Starling "), "{}", version.stdout);
    let help = boot.starling(&["-h"]).expect(0);
    assert!(help.stdout.contains("-x <COMMAND>"), "{}", help.stdout);
    boot.starling(&["-Z"]).expect(1);
    let missing =
        Process::run(std::process::Command::new(e2e::starling()).args(["-C", "/nonexistent.conf", "-f"]))
            .expect(1);
    assert!(missing.stderr.contains("/nonexistent.conf"), "{}", missing.stderr);
}

#[test]
fn the_greeting_has_the_version_and_a_choice_left_out_its_usage() {
    let server = Server::start(Config::office().append("modules.conf", "load => res_pjsip_history\n"));
    let mut greeting = String::new();
    let socket = UnixStream::connect(server.boot().path("run/asterisk.ctl")).expect("the server listens");
    BufReader::new(socket).read_line(&mut greeting).expect("it greets");
    let version = server.run("core show version");
    let number = version.split_whitespace().nth(1).expect("a version");
    assert_eq!(greeting.trim_end().splitn(3, '/').nth(2), Some(number), "{greeting}");
    for command in ["pjsip set logger", "pjsip set history"] {
        let (text, status) = server.cli(command);
        assert!(text.starts_with(&format!("Usage: {command} on|off")) && status == 1, "{status} {text}");
    }
    assert!(server.cli("help").0.contains("(type 'core show help' for"));
}

/// Without -f the server goes to the background once it has booted; if it does not boot, whoever
/// started it sees why.
#[test]
fn the_background_start_tells_how_it_went() {
    let boot = Boot::new(&Config::office());
    boot.starling(&[]).expect(0);
    assert_eq!(boot.cli("core waitfullybooted"), ("Asterisk has fully booted.\n".into(), 0));
    assert_eq!(boot.cli("core stop now").1, 0);
    let broken = Boot::new(&Config::office().append("modules.conf", "require => nothing\n"));
    let ended = broken.starling(&[]).expect(2);
    assert!(ended.stderr.contains("nothing"), "{}", ended.stderr);
}

#[test]
fn the_configuration_can_be_checked_without_a_server() {
    let good = Boot::new(&Config::office()).starling(&["--check-config"]).expect(0);
    assert!(good.stdout.contains("pjsip.conf: 0 error(s), "), "{}", good.stdout);
    for open in ["[alice]: whoever says that it is this endpoint", "[secret]: the password is its user name"]
    {
        assert!(good.stdout.contains(open), "{}", good.stdout);
    }
    let unsure = Config::office()
        .append("logger.conf", "[logfiles]\nfoo = blah\n")
        .append("pjsip.conf", "[t]\ntype=transport\nprotocol=tls\nbind=127.0.0.1:0\n");
    let checked = Boot::new(&unsure).starling(&["--check-config"]).expect(1).stdout;
    for told in [
        "'blah' is not a known level",
        "logger.conf: 0 error(s), 1 warning(s)",
        "[t]: the transport is not opened: TLS needs cert_file",
        "pjsip.conf: 1 error(s), ",
    ] {
        assert!(checked.contains(told), "{told}\n{checked}");
    }
    let bad = Config::office().append("pjsip.conf", "[x]\ntype=endpoint\nsub_min_expiry=soon\n");
    let ended = Boot::new(&bad).starling(&["--check-config"]).expect(1);
    assert!(ended.stdout.contains("ERROR") && ended.stdout.contains("sub_min_expiry"), "{}", ended.stdout);
}
