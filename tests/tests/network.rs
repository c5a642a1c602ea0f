//! Addresses: IPv6, several transports, all interfaces, proxies, many phones, a restart.

use std::net::SocketAddr;
use std::time::Duration;

use e2e::{Boot, Config, Phone, Process, Server, Subscribe};

#[test]
fn phones_subscribe_over_ipv6() {
    let config = Config::office().replace("pjsip.conf", "127.0.0.1:{port}", "[::1]:{port}");
    let server = Server::start(config);
    let address: SocketAddr = format!("[::1]:{}", server.port()).parse().expect("an address");
    let mut phone = Phone::at(address, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    assert_eq!(lamp.answer.header("Contact"), format!("<sip:[::1]:{}>", server.port()));
    assert!(
        lamp.last.header("Via").starts_with(&format!("SIP/2.0/UDP [::1]:{};", server.port())),
        "{}",
        lamp.last
    );
    server.devstate("Custom:a", "INUSE");
    let entity = format!("entity=\"sip:1000@[::1]:{}\"", server.port());
    assert!(phone.notify(&mut lamp).body().contains(&entity), "{}", lamp.last);
    phone.unsubscribe(lamp);
    server.stop();
}

/// An endpoint without `transport` is told by the way on which it came.
#[test]
fn two_transports_serve_side_by_side() {
    let second = "[udp6]\ntype=transport\nprotocol=udp\nbind=[::1]:{port}\n[third]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{port2}\n";
    let config = Config::office().append("pjsip.conf", second).replace("pjsip.conf", "transport=udp\n", "");
    let server = Server::start(config);
    let port = server.port();
    let places = [format!("127.0.0.1:{port}"), format!("[::1]:{port}"), format!("127.0.0.1:{}", port + 1)];
    let mut phones = places.map(|place| {
        let mut phone = Phone::at(place.parse().expect("an address"), "alice");
        let lamp = phone.subscribe(Subscribe::presence("1000"));
        assert_eq!(lamp.answer.header("Contact"), format!("<sip:{place}>"));
        assert!(lamp.last.header("Via").starts_with(&format!("SIP/2.0/UDP {place};")), "{}", lamp.last);
        (phone, lamp)
    });
    server.devstate("Custom:a", "INUSE");
    for (phone, lamp) in &mut phones {
        assert!(phone.notify(lamp).body().contains("On the phone"));
    }
    let table = server.run("pjsip show transports");
    assert!(["udp ", "udp6 ", "third "].iter().all(|name| table.contains(name)), "{table}");
    server.stop();
}

/// IPv4 and IPv6 phones by turns, so that every shard serves both. (An IPv6 address was once read into
/// the room of the IPv4 address before it, and the answer went astray.)
#[test]
fn an_ipv6_phone_is_answered_after_an_ipv4_phone() {
    let second = "[udp6]\ntype=transport\nprotocol=udp\nbind=[::1]:{port}\n";
    let config = Config::office().append("pjsip.conf", second).replace("pjsip.conf", "transport=udp\n", "");
    let server = Server::start(config);
    let mut phones: Vec<_> = (0..32)
        .map(|number| {
            let host = if number % 2 == 0 { "127.0.0.1" } else { "[::1]" };
            let place = format!("{host}:{}", server.port()).parse().expect("an address");
            let mut phone = Phone::at(place, "alice");
            let lamp = phone.subscribe(Subscribe::presence("1000"));
            (phone, lamp)
        })
        .collect();
    server.devstate("Custom:a", "INUSE");
    for (phone, lamp) in &mut phones {
        phone.notify(lamp);
        phone.refresh(lamp, 600);
    }
    server.stop();
}

/// Bound to all addresses, the server names the one that the phone sees.
#[test]
fn contact_is_the_address_that_the_phone_sees() {
    for (bind, seen) in [("0.0.0.0:{port}", "127.0.0.1"), ("[::]:{port}", "[::1]")] {
        let server = Server::start(Config::office().replace("pjsip.conf", "127.0.0.1:{port}", bind));
        let seen = format!("{seen}:{}", server.port());
        let mut phone = Phone::at(seen.parse().expect("an address"), "alice");
        let lamp = phone.subscribe(Subscribe::presence("1000"));
        assert_eq!(lamp.answer.header("Contact"), format!("<sip:{seen}>"), "{bind}");
        assert_eq!(lamp.last.header("Contact"), format!("<sip:{seen}>"), "{bind}");
        assert!(lamp.last.header("Via").starts_with(&format!("SIP/2.0/UDP {seen};")), "{}", lamp.last);
        phone.unsubscribe(lamp);
        server.stop();
    }
}

/// A proxy that stays in the dialog by Record-Route gets the NOTIFYs (RFC 3261 section 12.1.1).
#[test]
fn notifies_follow_the_route_set() {
    let server = Server::start(Config::office());
    let mut proxy = Phone::new(&server, "alice");
    let inner = "<sip:192.0.2.9;lr>";
    let outer = format!("<sip:{};lr>", proxy.address());
    // The phone itself is out of reach.
    let ask = Subscribe::presence("1000")
        .header("Record-Route", &outer)
        .header("Record-Route", inner)
        .edit(&format!("Contact: <sip:alice@{}>", proxy.address()), "Contact: <sip:alice@192.0.2.8:5070>");
    let mut lamp = proxy.subscribe(ask);
    assert_eq!(lamp.answer.all("Record-Route"), [outer.as_str(), inner]);
    assert_eq!(lamp.last.request_uri(), "sip:alice@192.0.2.8:5070");
    assert_eq!(lamp.last.all("Route").join(", "), format!("{outer}, {inner}"));
    server.devstate("Custom:a", "INUSE");
    assert!(proxy.notify(&mut lamp).body().contains("On the phone"));
    server.stop();
}

/// NOTIFYs go to the phone's Contact, which need not be where its SUBSCRIBE came from; a refresh may
/// move it (RFC 6665 section 4.2.1.4).
#[test]
fn a_refresh_moves_the_target() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut moved = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    let (from, to) = (
        format!("Contact: <sip:alice@{}>", phone.address()),
        format!("Contact: <sip:alice@{}>", moved.address()),
    );
    lamp.change(|ask| ask.edit(&from, &to));
    assert_eq!(phone.in_dialog(&mut lamp).status(), 200);
    assert!(moved.notify(&mut lamp).start_line().contains(&moved.address().to_string()));
    server.devstate("Custom:a", "INUSE");
    moved.notify(&mut lamp);
    phone.nothing_for(Duration::from_millis(300));
    server.stop();
}

/// More phones than shards, by far: every one is told, whichever core got its packets.
#[test]
fn phones_on_all_shards_are_told() {
    let server = Server::start(Config::office());
    let mut phones: Vec<_> = (0..150)
        .map(|_| {
            let mut phone = Phone::new(&server, "alice");
            let lamp = phone.subscribe(Subscribe::dialog("1000"));
            (phone, lamp)
        })
        .collect();
    assert_eq!(server.counter("Subscriptions"), 150);
    for (state, shown) in [("RINGING", "early"), ("INUSE", "confirmed")] {
        server.devstate("Custom:a", state);
        for (phone, lamp) in &mut phones {
            assert!(phone.notify(lamp).body().contains(&format!("<state>{shown}</state>")), "{}", lamp.last);
        }
    }
    for (phone, lamp) in &mut phones {
        phone.refresh(lamp, 600);
    }
    assert_eq!(server.counter("Subscriptions refreshed"), 150);
    assert_eq!(server.counter("Packets dropped, shard busy"), 0);
    server.stop();
}

#[test]
fn a_server_that_starts_again_takes_its_port() {
    let server = Server::start(Config::office());
    let address = server.address();
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    let server = server.restart();
    assert_eq!(server.address(), address);
    // It knows nothing of the subscription, says so, and the phone subscribes anew.
    assert_eq!(phone.in_dialog(&mut lamp).status(), 481);
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    server.devstate("Custom:a", "INUSE");
    phone.notify(&mut lamp);
    let boot = server.kill();
    let server = boot.start();
    phone.subscribe(Subscribe::presence("1000"));
    server.stop();
}

/// Ready means ready: a packet that comes right after the word is served. (Shards once heard of the
/// end of the boot later than the operator, and dropped what came before.)
#[test]
fn a_server_that_says_ready_serves_at_once() {
    for _ in 0..20 {
        let boot = Boot::new(&Config::office());
        let process = Process::start(&mut boot.command(&["-f"]));
        process.wait_for("Ready.", 1);
        let address = SocketAddr::from(([127, 0, 0, 1], boot.port()));
        assert_eq!(Phone::at(address, "alice").options().status(), 200);
    }
}

/// RFC 3581, and `force_rport=no`: without rport an answer goes to the port in Via.
#[test]
fn answers_go_to_the_port_that_via_names() {
    let server = Server::start(Config::office().append("pjsip.conf", "[strict](phone)\nforce_rport=no\n"));
    let mut phone = Phone::new(&server, "strict");
    let mut other = Phone::new(&server, "strict");
    let via = format!("Via: SIP/2.0/UDP {};rport", phone.address());
    let ask = Subscribe::presence("1000").edit(&via, &format!("Via: SIP/2.0/UDP {}", other.address()));
    let (call_id, text) = phone.request(&ask);
    phone.send(text.as_bytes());
    assert_eq!(other.receive_answer(&call_id, 1).status(), 200);
    phone.receive_notify(&call_id);
    server.stop();
}
