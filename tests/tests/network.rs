//! Addresses, transports, routes: where packets go, and what they say of where they came from.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use e2e::{Config, Message, Phone, Server, Subscribe};

/// An endpoint without `transport`: it is answered and notified by the transport that it uses.
const CAROL: &str = "[carol]\ntype=endpoint\ncontext=default\nallow=ulaw\n";

/// The office with a second transport and the endpoint carol.
fn office_with(bind: &str) -> Config {
    let transport = format!("[second]\ntype=transport\nprotocol=udp\nbind={bind}\n");
    Config::office().append("pjsip.conf", &transport).append("pjsip.conf", CAROL)
}

/// What a message says of the address it was sent from.
#[track_caller]
fn assert_names(message: &Message, server: SocketAddr) {
    assert_eq!(message.header("Contact"), format!("<sip:{server}>"), "{message}");
    let via = format!("SIP/2.0/UDP {server};rport;branch=z9hG4bK");
    assert!(!message.is_request("NOTIFY") || message.header("Via").starts_with(&via), "{message}");
}

/// A phone's lamp from the first NOTIFY to the last.
#[track_caller]
fn assert_lit(server: &Server, phone: &mut Phone, at: SocketAddr) {
    server.devstate("Custom:a", "NOT_INUSE");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    assert_names(&lamp.answer, at);
    assert_names(&lamp.last, at);
    server.devstate("Custom:a", "INUSE");
    let notify = phone.notify(&mut lamp);
    assert!(notify.body().contains("On the phone"), "{notify}");
    assert_names(notify, at);
    phone.refresh(&mut lamp, 600);
    phone.unsubscribe(lamp);
}

#[test]
fn phones_may_speak_ipv6() {
    if UdpSocket::bind("[::1]:0").is_err() {
        println!("skipped: this machine has no [::1]");
        return;
    }
    let server = Server::start(office_with("[::1]:{port}"));
    let six = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], server.port()));
    // alice's transport is the other one, which no packet to [::1] can leave by.
    for name in ["carol", "alice"] {
        let mut phone = Phone::at(six, name);
        let uri = format!("sip:{name}@{}", phone.address());
        assert_lit(&server, &mut phone, six);
        let lamp = phone.subscribe(Subscribe::dialog("1000"));
        assert_eq!(lamp.last.request_uri(), uri);
        let via = format!("SIP/2.0/UDP {0};rport={1};received=::1;", phone.address(), phone.address().port());
        assert!(lamp.answer.header("Via").starts_with(&via), "{}", lamp.answer);
        assert!(lamp.last.body().contains("entity=\"sip:1000@[::1]"), "{}", lamp.last);
    }
    assert_lit(&server, &mut Phone::new(&server, "carol"), server.address());
    server.stop();
}

#[test]
fn each_phone_is_answered_by_the_socket_that_it_uses() {
    let server = Server::start(office_with("127.0.0.2:{port}"));
    let second = SocketAddr::from(([127, 0, 0, 2], server.port()));
    let mut phones = [server.address(), second, server.address(), second].map(|at| {
        let mut phone = Phone::at(at, "carol");
        let lamp = phone.subscribe(Subscribe::presence("1000"));
        assert_names(&lamp.answer, at);
        (phone, lamp, at)
    });
    for state in ["INUSE", "NOT_INUSE"] {
        server.devstate("Custom:a", state);
        for (phone, lamp, at) in &mut phones {
            assert_names(phone.notify(lamp), *at);
        }
    }
    server.stop();
}

/// An address of this machine that others could see; none on a machine without a network.
fn outer_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: this asks for the way there.
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

#[test]
fn a_server_on_all_addresses_names_the_one_that_the_phone_sees() {
    let config = Config::office().replace("pjsip.conf", "bind=127.0.0.1:", "bind=0.0.0.0:");
    let server = Server::start(config);
    assert_lit(&server, &mut Phone::new(&server, "alice"), server.address());
    match outer_address() {
        Some(ip) => {
            let at = SocketAddr::new(ip, server.port());
            assert_lit(&server, &mut Phone::at(at, "alice"), at);
        }
        None => println!("skipped in part: this machine has no network"),
    }
    server.stop();
}

/// RFC 3261 section 12.1.1: proxies that want to stay between are kept, and asked in their order.
#[test]
fn notifies_go_by_the_recorded_route() {
    let server = Server::start(Config::office());
    let (mut phone, mut proxy) = (Phone::new(&server, "alice"), Phone::new(&server, "proxy"));
    let route = format!("<sip:{};lr>, <sip:far.example.com;lr>", proxy.address());
    let ask = Subscribe::presence("1000").header("Record-Route", &route);
    let (call_id, answer) = phone.try_subscribe(&ask);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.all("Record-Route").join(", "), route, "{answer}");
    let target = format!("sip:alice@{}", phone.address());
    for state in ["", "INUSE", "NOT_INUSE"] {
        if !state.is_empty() {
            server.devstate("Custom:a", state);
        }
        let notify = proxy.receive_notify(&call_id);
        assert_eq!(notify.request_uri(), target, "{notify}");
        assert_eq!(notify.all("Route").join(", "), route, "{notify}");
    }
    server.stop();
}

#[test]
fn notifies_go_to_the_contact_and_a_refresh_moves_it() {
    let server = Server::start(Config::office());
    let (mut phone, mut other) = (Phone::new(&server, "alice"), Phone::new(&server, "other"));
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    let contact = |phone: &Phone| format!("Contact: <sip:alice@{}>", phone.address());
    lamp.change(|ask| ask.edit(&contact(&phone), &contact(&other)));
    assert_eq!(phone.in_dialog(&mut lamp).status(), 200);
    let notify = other.receive_notify(lamp.call_id());
    assert_eq!(notify.request_uri(), format!("sip:alice@{}", other.address()));
    server.devstate("Custom:a", "INUSE");
    assert!(other.receive_notify(lamp.call_id()).body().contains("On the phone"));
    server.stop();
}

#[test]
fn a_contact_with_a_host_name_is_reached_where_the_subscribe_came_from() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let own = phone.address().to_string();
    let ask = Subscribe::presence("1000")
        .edit(&format!("Contact: <sip:alice@{own}>"), "Contact: <sip:alice@phone.example.com:5070;x=y>");
    let mut lamp = phone.subscribe(ask);
    assert_eq!(lamp.last.request_uri(), "sip:alice@phone.example.com:5070;x=y");
    server.devstate("Custom:a", "INUSE");
    assert!(phone.notify(&mut lamp).body().contains("On the phone"));
    phone.unsubscribe(lamp);
    server.stop();
}

/// RFC 3581: with `rport` to where the request came from, without to the port that Via names; as
/// Asterisk does, `force_rport` (the default) is as if all requests had it.
#[test]
fn answers_go_where_via_and_force_rport_say() {
    let config = Config::office().append("pjsip.conf", "[strict](phone)\nforce_rport=no\n");
    let server = Server::start(config);
    for (name, rport, at_source) in [
        ("alice", ";rport", true),
        ("alice", "", true),
        ("strict", ";rport", true),
        ("strict", "", false),
        // Nobody's option counts for a stranger.
        ("stranger", ";rport", true),
        ("stranger", "", false),
    ] {
        let (mut phone, mut other) = (Phone::new(&server, name), Phone::new(&server, "other"));
        let ask = Subscribe::presence("9999").edit(
            &format!("Via: SIP/2.0/UDP {};rport", phone.address()),
            &format!("Via: SIP/2.0/UDP {}{rport}", other.address()),
        );
        let (call_id, text) = phone.request(&ask);
        phone.send(text.as_bytes());
        let receiver = if at_source { &mut phone } else { &mut other };
        let answer = receiver.receive_answer(&call_id, 1);
        assert_eq!(answer.status(), if name == "stranger" { 401 } else { 404 }, "{name} {rport}");
        assert!(answer.header("Via").contains(";received=127.0.0.1"), "{answer}");
        let filled = format!(";rport={}", phone.address().port());
        assert_eq!(answer.header("Via").contains(&filled), at_source, "{answer}");
    }
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

/// The kernel spreads ports over the shards, and a Call-ID's shard is another one as often as not.
#[test]
fn sixty_four_phones_show_what_is_true() {
    let server = Server::start(Config::office());
    let mut phones: Vec<_> = (0..64)
        .map(|number| {
            let mut phone = Phone::new(&server, "alice");
            let shared = phone.subscribe(Subscribe::presence("1000"));
            let own = phone.subscribe(Subscribe::presence(&(2000 + number).to_string()));
            (phone, shared, own)
        })
        .collect();
    let told = |number: usize, what: &str, notify: &Message| {
        assert!(notify.body().contains(&format!("<note>{what}</note>")), "{number}: {notify}");
    };
    for (state, note) in [
        ("INUSE", "On the phone"),
        ("RINGING", "Ringing"),
        ("UNAVAILABLE", "Unavailable"),
        ("NOT_INUSE", "Ready"),
    ] {
        server.devstate("Custom:a", state);
        for (number, (phone, shared, _)) in phones.iter_mut().enumerate() {
            told(number, note, phone.notify(shared));
        }
    }
    for (state, note) in [("BUSY", "On the phone"), ("ONHOLD", "On hold")] {
        for number in (0..64).step_by(5) {
            server.devstate(&format!("Custom:p{}", 2000 + number), state);
        }
        for (number, (phone, _, own)) in phones.iter_mut().enumerate().step_by(5) {
            told(number, note, phone.notify(own));
        }
    }
    // Each of the others shows what it showed.
    for (number, (phone, mut shared, mut own)) in phones.into_iter().enumerate() {
        let mut phone = phone;
        phone.refresh(&mut shared, 600);
        told(number, "Ready", &shared.last);
        phone.refresh(&mut own, 600);
        told(number, if number % 5 == 0 { "On hold" } else { "Ready" }, &own.last);
        // Its inbox is empty: nobody was told twice.
        assert_eq!(own.last.cseq(), if number % 5 == 0 { 4 } else { 2 }, "{number}");
        assert_eq!(shared.last.cseq(), 6, "{number}");
    }
    let subscriptions = server.run("pjsip show subscriptions inbound");
    assert_eq!(subscriptions.lines().last(), Some("128 active subscriptions"));
    server.stop();
}

#[test]
fn the_server_can_be_started_again_at_once_on_its_port() {
    let mut server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    for state in ["INUSE", "RINGING", "NOT_INUSE"] {
        let mut lamp = phone.subscribe(Subscribe::presence("1000"));
        server.devstate("Custom:a", state);
        phone.notify(&mut lamp);
        let port = server.port();
        server = server.restart();
        assert_eq!(server.port(), port);
    }
    phone.subscribe(Subscribe::presence("1000"));
    server.stop();
}
