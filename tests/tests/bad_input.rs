//! Garbage from the network and mistakes in the configuration: named, counted, and without harm.

use std::net::UdpSocket;
use std::path::Path;

use e2e::{Boot, Config, Phone, Server, Subscribe};

/// Still there, and still serving.
#[track_caller]
fn assert_serves(server: &Server) {
    let mut phone = Phone::new(server, "alice");
    let lamp = phone.subscribe(Subscribe::presence("1000"));
    phone.unsubscribe(lamp);
}

/// Numbers that look random and are the same in each run (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Sends packets one after the other so that none is lost: each few are followed by an OPTIONS.
fn bombard(server: &Server, packets: impl IntoIterator<Item = Vec<u8>>) -> u64 {
    let sender = UdpSocket::bind(("127.0.0.1", 0)).expect("a port is free");
    let mut phone = Phone::new(server, "alice");
    let mut count = 0;
    for packet in packets {
        sender.send_to(&packet, server.address()).expect("it fits");
        count += 1;
        if count % 16 == 0 {
            assert_eq!(phone.options().status(), 200);
        }
    }
    assert_eq!(phone.options().status(), 200);
    count
}

#[test]
fn random_garbage_is_counted_and_harmless() {
    let server = Server::start(Config::office());
    let mut noise = Noise(0x5eed);
    let packets = (0..1000).map(|_| {
        let length = noise.next() % 600 + 5;
        // Never a keep-alive, which has its own counter.
        std::iter::once(b'x').chain((0..length).map(|_| noise.next() as u8)).collect()
    });
    let sent = bombard(&server, packets);
    server.wait_for_counter("Dropped: not a SIP message", sent);
    assert_eq!(server.counter("Dropped: not a SIP message"), sent);
    assert_serves(&server);
    server.stop();
}

#[test]
fn keep_alives_are_counted_and_not_answered() {
    let server = Server::start(Config::office());
    let sent = bombard(&server, [b"\r\n\r\n".to_vec(), b"\r\n".to_vec(), b"\0\0\0\0".to_vec()]);
    server.wait_for_counter("Keep-alive packets", sent);
    server.stop();
}

/// The torture messages of RFC 4475 and our own, whole and cut at many places.
#[test]
fn truncated_messages_are_harmless() {
    let server = Server::start(Config::office());
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sip/testdata");
    let mut packets = Vec::new();
    for folder in ["rfc4475", "events"] {
        let folder = testdata.join(folder);
        for entry in
            folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten()
        {
            let message = std::fs::read(entry.path()).expect("it is a file");
            let pieces = 12;
            for piece in 1..=pieces {
                packets.push(message[..message.len() * piece / pieces].to_vec());
            }
        }
    }
    assert!(packets.len() > 500, "{}", packets.len());
    bombard(&server, packets);
    assert_serves(&server);
    let log = server.stop();
    assert!(!log.contains(" WARNING[") && !log.contains(" ERROR["), "no phone can cause those: {log}");
}

/// A good SUBSCRIBE with one byte changed, at every place.
#[test]
fn damaged_requests_are_harmless() {
    let server = Server::start(Config::office());
    let mut noise = Noise(0xdead);
    let text = Phone::new(&server, "alice").request(&Subscribe::presence("9999")).1.into_bytes();
    let packets = (0..text.len()).map(|at| {
        let mut packet = text.clone();
        packet[at] = noise.next() as u8;
        packet
    });
    bombard(&server, packets.collect::<Vec<_>>());
    assert_serves(&server);
    server.stop();
}

#[test]
fn datagrams_of_the_greatest_size_are_harmless() {
    let server = Server::start(Config::office());
    let text = Phone::new(&server, "alice").request(&Subscribe::presence("1000")).1;
    let long = |before: &str, what: &str| {
        let padding = what.repeat((65_000 - text.len()) / what.len());
        text.replacen(before, &format!("{padding}{before}"), 1).into_bytes()
    };
    let packets = vec![
        vec![b'a'; 65_000],
        vec![b'\n'; 65_000],
        long("Max-Forwards", "X: y\r\n"),
        long("Max-Forwards", "Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"),
        long(">;tag", "a"),
        long("Content-Length", "Accept: text/plain\r\n"),
        long("\r\n\r\n", "x"),
    ];
    bombard(&server, packets);
    assert_serves(&server);
    server.stop();
}

/// What a mistake in pjsip.conf costs: itself.
#[test]
fn an_unknown_option_of_an_endpoint_is_named_and_the_endpoint_works() {
    let config = Config::office().append("pjsip.conf", "[carol](phone)\nallow_subscirbe=yes\n");
    let line = config.text("pjsip.conf").lines().count();
    let server = Server::start(config);
    assert_eq!(Phone::new(&server, "carol").status(&Subscribe::presence("1000")), 200);
    let log = server.stop();
    let place = format!("pjsip.conf:{line}:");
    let found =
        log.lines().any(|l| l.contains(" WARNING[") && l.contains(&place) && l.contains("allow_subscirbe"));
    assert!(found, "{place} {log}");
}

#[test]
fn a_bad_value_is_named_and_the_other_endpoints_work() {
    let config = Config::office().append("pjsip.conf", "[carol](phone)\nsub_min_expiry=often\n");
    let line = config.text("pjsip.conf").lines().count();
    let server = Server::start(config);
    assert_eq!(Phone::new(&server, "carol").status(&Subscribe::presence("1000")), 401, "it is not there");
    assert_serves(&server);
    let log = server.stop();
    let place = format!("pjsip.conf:{line}:");
    let words = [" ERROR[", &place, "carol", "sub_min_expiry", "often"];
    assert!(log.lines().any(|line| words.iter().all(|word| line.contains(word))), "{words:?} {log}");
}

#[test]
fn a_mistake_in_extensions_conf_costs_its_line_only() {
    let config = Config::office().append(
        "extensions.conf",
        "exten => 1010,hint\nexten >> 1011,hint,Custom:x\nexten => 1012,hint,Custom:a\nnonsense\n",
    );
    let first = config.text("extensions.conf").lines().count() - 3;
    let server = Server::start(config);
    let mut phone = Phone::new(&server, "alice");
    assert_eq!(phone.status(&Subscribe::presence("1000")), 200);
    assert_eq!(phone.status(&Subscribe::presence("1011")), 404);
    assert_eq!(phone.status(&Subscribe::presence("1012")), 200);
    let log = server.stop();
    for line in [first, first + 1, first + 3] {
        let place = format!("extensions.conf:{line}:");
        assert_eq!(log.matches(&place).count(), 1, "{place} {log}");
    }
}

#[test]
fn a_hint_for_a_device_that_nobody_knows_is_named() {
    let config = Config::office().append("extensions.conf", "exten => 1010,hint,Costum:a\n");
    let line = config.text("extensions.conf").lines().count();
    let log = Server::start(config).stop();
    let place = format!("extensions.conf:{line}:");
    assert!(
        log.lines().any(|l| l.contains(" WARNING[") && l.contains(&place) && l.contains("Costum:a")),
        "{log}"
    );
}

#[test]
fn a_port_in_use_keeps_the_server_from_starting() {
    let boot = Boot::new(&Config::office());
    let _other = UdpSocket::bind(("127.0.0.1", boot.port())).expect("it is ours");
    let ended = boot.fail().expect(1);
    let expected =
        format!("transport 'udp' cannot listen on udp:127.0.0.1:{}: the address is in use", boot.port());
    assert!(ended.stderr.contains(&expected), "{ended:?}");
    // In the background too.
    let ended = boot.starling(&[]).expect(1);
    assert!(ended.stderr.contains(&expected), "{ended:?}");
}

/// An address that no interface has costs that transport; the others work.
#[test]
fn a_transport_that_cannot_listen_is_named() {
    let config = Config::office()
        .append("pjsip.conf", "[far]\ntype=transport\nprotocol=udp\nbind=192.0.2.77:{port}\n");
    let server = Server::start(config);
    assert_serves(&server);
    let log = server.stop();
    assert!(log.contains("transport 'far' cannot listen on udp:192.0.2.77:"), "{log}");
}

#[test]
fn without_pjsip_conf_there_is_no_sip_but_a_server() {
    let server = Server::start(Config::office().no_file("pjsip.conf"));
    server.devstate("Custom:a", "INUSE");
    let log = server.stop();
    assert!(log.lines().any(|line| line.contains(" ERROR[") && line.contains("pjsip.conf")), "{log}");
}

#[test]
fn a_bad_value_in_asterisk_conf_is_named() {
    let config = Config::office().append("asterisk.conf", "maxfiles = many\n");
    let line = config.text("asterisk.conf").lines().count();
    let log = Server::start(config).stop();
    let place = format!("asterisk.conf:{line}:");
    assert!(
        log.lines().any(|l| l.contains(" WARNING[") && l.contains(&place) && l.contains("maxfiles")),
        "{log}"
    );
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let config = Config::office().file("run", "a file, not a directory");
    let ended = Boot::new(&config).fail().expect(1);
    assert!(ended.stderr.contains("astrundir"), "{ended:?}");
}
