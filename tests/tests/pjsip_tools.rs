//! The operator's tools over the wire: `pjsip send notify`, `pjsip show history`, listings.

use std::time::Duration;

use e2e::{Config, Dns, Golden, Phone, Server, Subscribe};

fn config() -> Config {
    Config::office()
        .append("modules.conf", "load => res_pjsip_notify.so\nload => res_pjsip_history.so\n")
        .file(
            "pjsip_notify.conf",
            "[reboot]\nEvent=>check-sync\\;reboot=true\n[text]\nEvent=>note\nContent=>hello\n",
        )
}

#[test]
fn notifies_are_sent_to_contacts_and_uris() {
    let boot = e2e::Boot::new(&config());
    // The phone has its port before the server has its file.
    let any = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let port = any.local_addr().expect("it is bound").port();
    drop(any);
    let desk = format!(
        "[desk](phone)\naors=desk\n[desk]\ntype=aor\ncontact=sip:desk@127.0.0.1:{port}\n[default_outbound_endpoint](phone)\n"
    );
    let file = boot.path("pjsip.conf");
    let text = std::fs::read_to_string(&file).expect("it is there") + &desk;
    std::fs::write(&file, text).expect("the directory is ours");
    let server = boot.start();
    let mut phone = Phone::on_port(server.address(), port, "desk");

    assert_eq!(
        server.run("pjsip send notify reboot endpoint desk"),
        "Sending NOTIFY of type 'reboot' to 'desk'\n"
    );
    let notify = phone.receive(|message| message.is_request("NOTIFY"));
    assert!(notify.start_line().starts_with(&format!("NOTIFY sip:desk@127.0.0.1:{port} ")), "{notify}");
    assert_eq!(notify.header("Event"), "check-sync;reboot=true");
    assert_eq!(notify.header("Subscription-State"), "terminated");
    assert!(notify.header("From").starts_with("<sip:desk@127.0.0.1"), "{notify}");
    server.wait_for_log("was answered 200", 1);

    phone.answer_with("489 Bad Event");
    server.run(&format!("pjsip send notify text uri sip:other@127.0.0.1:{port}"));
    let notify = phone.receive(|message| message.is_request("NOTIFY"));
    assert_eq!(notify.body(), "hello");
    assert!(notify.header("From").starts_with("<sip:asterisk@"), "{notify}");
    server.wait_for_log("was answered 489", 1);

    for (line, says) in [
        ("pjsip send notify nothing endpoint desk", "no type 'nothing'"),
        ("pjsip send notify text endpoint nobody", "no endpoint 'nobody'"),
        ("pjsip send notify text endpoint alice", "'alice' has no contact"),
        ("pjsip send notify text uri tel:1", "not a SIP URI"),
        ("pjsip send notify text", "Usage:"),
    ] {
        let (text, status) = server.cli(line);
        assert!(status != 0 && text.contains(says), "{line}: {text}");
    }
    phone.nothing_for(Duration::from_millis(100));

    // What is not loaded does not exist, and a changed file counts after its reload.
    let kinds = server.boot().path("pjsip_notify.conf");
    std::fs::write(kinds, "[reset]\nEvent=>reset\n").expect("the directory is ours");
    server.run("module reload res_pjsip_notify.so");
    phone.answer_with("200 OK");
    server.run("pjsip send notify reset endpoint desk");
    assert_eq!(phone.receive(|message| message.is_request("NOTIFY")).header("Event"), "reset");
    server.stop();
}

#[test]
fn a_notify_finds_its_phone_by_name() {
    let dns = Dns::start();
    let config = config()
        .append("modules.conf", "load => res_resolver_unbound.so\n")
        .file("resolver_unbound.conf", &format!("[general]\nnameserver={}\n", dns.address()))
        .append("pjsip.conf", "[desk](phone)\naors=desk\n[desk]\ntype=aor\ncontact=sip:desk@phone.test\n");
    let server = Server::start(config);
    let mut phone = Phone::new(&server, "desk");
    dns.srv("_sip._udp.phone.test", 1, phone.address().port(), "here.phone.test");
    dns.a("here.phone.test", [127, 0, 0, 1]);
    server.run("pjsip send notify reboot endpoint desk");
    let notify = phone.receive(|message| message.is_request("NOTIFY"));
    assert!(notify.start_line().starts_with("NOTIFY sip:desk@phone.test "), "{notify}");
    server.stop();
}

#[test]
fn the_history_keeps_what_was_said() {
    let server = Server::start(config());
    let mut phone = Phone::new(&server, "alice");
    phone.options();
    let head = server.run("pjsip show history");
    assert_eq!(head.lines().count(), 2, "off: {head}");
    assert_eq!(server.run("pjsip set history on"), "PJSIP history enabled\n");
    let lamp = phone.subscribe(Subscribe::presence("1000"));
    server.wait_for_counter("NOTIFY requests accepted", 1);
    assert_eq!(server.run("pjsip set history off"), "PJSIP history disabled\n");
    phone.options();
    let text = server.run("pjsip show history");
    let rows: Vec<_> = text.lines().skip(2).collect();
    let ways: Vec<_> = rows.iter().map(|row| &row[17..22]).collect();
    assert_eq!(ways, ["* <==", "* ==>", "* ==>", "* <=="], "{text}");
    let address = phone.address();
    for (at, line) in
        [(0, "SUBSCRIBE sip:1000@"), (1, "SIP/2.0 200 OK"), (2, "NOTIFY sip:"), (3, "SIP/2.0 200 OK")]
    {
        assert!(rows[at].starts_with(&format!("{at:05} ")), "{text}");
        assert!(rows[at][23..].starts_with(&format!("{:<24} {line}", address.to_string())), "{text}");
    }
    let chosen = |filter: &str| {
        let text = server.run(&format!("pjsip show history where {filter}"));
        text.lines().skip(2).map(|row| row[..5].parse().expect("a number")).collect::<Vec<u32>>()
    };
    assert_eq!(chosen("sip.msg.request.method = NOTIFY"), [2]);
    assert_eq!(chosen("number > 0 and not sip.msg.request.method like ^N"), [1, 3]);
    assert_eq!(chosen(&format!("sip.msg.call-id = {}", lamp.call_id())), [0, 1, 2, 3]);
    let entry = server.run("pjsip show history entry 2");
    assert!(entry.starts_with(&format!("<--- History Entry 2 Sent to {address} at ")), "{entry}");
    assert!(entry.contains("\nNOTIFY sip:alice@") && entry.contains("</presence>"), "{entry}");
    let (text, status) = server.cli("pjsip show history where nubmer = 1");
    assert!(status != 0 && text.contains("'nubmer'"), "{text}");
    assert_eq!(server.cli("pjsip show history entry 99").1, 1);
    server.run("pjsip set history clear");
    assert_eq!(server.run("pjsip show history").lines().count(), 2);
    server.stop();
}

#[test]
fn listings_of_what_runs() {
    let server = Server::start(config());
    let mut phone = Phone::new(&server, "alice");
    let lamp = phone.subscribe(Subscribe::presence("1000"));
    let text = server.run("pjsip list subscriptions inbound");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "Endpoint/CLI                   Resource/Event                 Expiry Call-id");
    assert!(lines[1].starts_with("alice/<none>                   1000/presence "), "{text}");
    assert!(lines[1].ends_with(&format!(" {}", lamp.call_id())), "{text}");
    assert_eq!(lines[3], "1 active subscriptions");
    let text = server.run("pjsip show identifiers");
    let names: Vec<_> = text.lines().map(str::trim_end).collect();
    assert_eq!(names[..3], ["Identifier Names:", "ip", "username"], "{text}");
    server.stop();
}

/// The configuration of the captures, as far as listings need it.
const CAPTURED: &str = "\
[global]
type=global
user_agent=golden
[udp]
type=transport
protocol=udp
bind=127.0.0.1:{port}
[alice]
type=endpoint
context=default
transport=udp
aors=alice
allow=ulaw
[alice]
type=aor
max_contacts=5
";

#[test]
fn objects_are_listed_as_asterisk_lists_them() {
    let server = Server::start(config().file("pjsip.conf", CAPTURED));
    let here = format!("127.0.0.1:{}", server.port());
    for name in ["show_settings", "show_auths", "show_identifies", "show_transports"] {
        let command = format!("pjsip {}", name.replace('_', " "));
        let golden = Golden::cli(&format!("pjsip_{name}")).replace("127.0.0.1:15060", &here);
        let text = server.run(&command);
        // Settings that only we have come behind Asterisk's.
        let ours = text.split("\nConnection Settings:").next().unwrap_or_default();
        assert_eq!(ours, golden, "{command}");
    }
    // The capture has a contact, and an endpoint in a state of a server with channels.
    let parameters = |text: &str| {
        let (_, table) = text.split_once("ParameterName").expect("a table");
        let rows = table.lines().skip(2).filter(|row| !row.starts_with(" contact "));
        rows.map(str::to_owned).collect::<Vec<_>>()
    };
    for name in ["show_aor_alice", "show_endpoint_alice"] {
        let command = format!("pjsip {}", name.replace('_', " "));
        let ours = parameters(&server.run(&command));
        assert_eq!(ours, parameters(&Golden::cli(&format!("pjsip_{name}"))), "{command}");
    }
    for name in ["show_aors", "show_contacts", "list_contacts", "show_endpoints", "list_endpoints"] {
        let command = format!("pjsip {}", name.replace('_', " "));
        let golden = Golden::cli(&format!("pjsip_{name}"));
        let text = server.run(&command);
        if text != "No objects found.\n\n" {
            let head = |text: &str| {
                text.lines().take_while(|line| !line.contains("alice")).map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(head(&text), head(&golden), "{command}");
        }
    }
    for object in ["endpoint", "aor", "auth", "contact", "transport", "identify"] {
        let command = format!("pjsip show {object} nobody");
        let text = format!("Unable to find object nobody.\n\nCommand '{command}' failed.\n");
        assert_eq!(server.cli(&command), (text, 1));
    }
    // Every command has a usage, and names are completed.
    for object in ["endpoint", "aor", "auth", "contact", "transport", "identify"] {
        let (usage, _) = server.cli(&format!("core show help pjsip show {object}"));
        assert!(usage.contains("Usage: pjsip show"), "{usage}");
    }
    server.stop();
}
