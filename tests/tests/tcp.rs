//! Phones over TCP: connections, what becomes of lamps when they break, long NOTIFYs.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use e2e::{Config, PATIENCE, Phone, Server, Sipp, Subscribe, Wire};

/// The office with TCP beside UDP, on the same port.
fn office() -> Config {
    Config::office().append("pjsip.conf", "[tcp]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1:{port}\n")
}

fn phone(server: &Server, name: &str) -> Phone {
    Phone::over(Wire::tcp(server.address()), name)
}

/// A line of `core explain hint`.
#[track_caller]
fn assert_explained(server: &Server, hint: &str, words: &str) {
    let text = server.run(&format!("core explain hint {hint}"));
    assert!(text.contains(words), "{words}:\n{text}");
}

#[test]
fn a_lamp_lives_on_its_connection() {
    let server = Server::start(office());
    let mut phone = phone(&server, "alice");
    let mut udp = Phone::new(&server, "bob");
    let mut other = udp.subscribe(Subscribe::presence("1000"));
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    let (here, contact) = (server.address(), format!("<sip:{};transport=TCP>", server.address()));
    assert_eq!(lamp.answer.header("Contact"), contact);
    assert_eq!(lamp.last.header("Contact"), contact);
    let via = format!("SIP/2.0/TCP {here};rport;branch=z9hG4bK");
    assert!(lamp.last.header("Via").starts_with(&via), "{}", lamp.last);
    for (state, words) in [("INUSE", "On the phone"), ("RINGING", "Ringing"), ("NOT_INUSE", "Ready")] {
        server.devstate("Custom:a", state);
        assert!(phone.notify(&mut lamp).body().contains(words));
        assert!(udp.notify(&mut other).body().contains(words));
    }
    phone.refresh(&mut lamp, 600);
    phone.unsubscribe(lamp);
    assert_eq!(server.counter("Connections accepted"), 1);
    assert_eq!(server.counter("Requests sent again"), 0);
    server.stop();
}

#[test]
fn sipp_subscribes_over_tcp() {
    let server = Server::start(office());
    server.devstate("Custom:a", "NOT_INUSE");
    let sipp = Sipp::start(&server, "change.xml", &["-t", "t1"]);
    server.wait_for_counter("NOTIFY requests accepted", 1);
    server.devstate("Custom:a", "INUSE");
    server.wait_for_counter("NOTIFY requests accepted", 2);
    server.devstate("Custom:a", "NOT_INUSE");
    sipp.end();
    server.stop();
}

#[test]
fn tcp_over_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        println!("skipped: this machine has no [::1]");
        return;
    }
    let config = office()
        .append("pjsip.conf", "[tcp6]\ntype=transport\nprotocol=tcp\nbind=[::1]:{port}\n[carol](phone)\n");
    let server = Server::start(config);
    let address = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, server.port()));
    let mut phone = Phone::over(Wire::tcp(address), "carol");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    assert_eq!(lamp.answer.header("Contact"), format!("<sip:{address};transport=TCP>"));
    server.devstate("Custom:a", "INUSE");
    phone.notify(&mut lamp);
    server.stop();
}

#[test]
fn peers_outside_are_told_the_external_address() {
    let external = "external_signaling_hostname=pbx.example.com\nexternal_signaling_port=5099\n";
    let server = Server::start(office().append("pjsip.conf", external));
    let mut phone = phone(&server, "alice");
    let lamp = phone.subscribe(Subscribe::presence("1000"));
    assert_eq!(lamp.answer.header("Contact"), "<sip:pbx.example.com:5099;transport=TCP>");
    assert!(lamp.last.header("Via").starts_with("SIP/2.0/TCP pbx.example.com:5099;"), "{}", lamp.last);
    server.stop();
    let server = Server::start(
        office().append("pjsip.conf", external).append("pjsip.conf", "local_net=127.0.0.0/8\n"),
    );
    let mut phone = Phone::over(Wire::tcp(server.address()), "alice");
    let lamp = phone.subscribe(Subscribe::presence("1000"));
    assert_eq!(lamp.answer.header("Contact"), format!("<sip:{};transport=TCP>", server.address()));
    server.stop();
}

/// ```text
///  phone                          server
///    |== SUBSCRIBE (connection 1) ==>|
///    |== connection 1 breaks ========|
///    |                               |  a change
///    |<= connection 2 to the Contact |
///    |<= NOTIFY (connection 2) ======|
/// ```
#[test]
fn a_phone_that_listens_is_connected_to_when_its_connection_breaks() {
    let server = Server::start(office());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut phone = phone(&server, "alice");
    let contact = listener.local_addr().expect("it is bound");
    phone.set_contact(&format!("sip:alice@{contact};transport=tcp"));
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    phone.wire().reset();
    server.wait_for_number("Connections", 0);
    server.devstate("Custom:a", "INUSE");
    let (stream, _) = listener.accept().expect("the server connects");
    phone.move_to(Wire::accepted(stream));
    assert!(phone.notify(&mut lamp).body().contains("On the phone"));
    // The next one goes the same way.
    server.devstate("Custom:a", "RINGING");
    assert!(phone.notify(&mut lamp).body().contains("Ringing"));
    assert_eq!(server.counter("Connections opened"), 1);
    server.stop();
}

/// ```text
///  phone                            server
///    |== SUBSCRIBE (connection 1) ==>|
///    |== connection 1 breaks ========|
///    |                               |  changes; nobody listens at the Contact
///    |== refresh (connection 2) ====>|
///    |<============ 200, NOTIFY =====|  the newest state
/// ```
#[test]
fn a_lamp_whose_phone_cannot_be_reached_waits_for_its_refresh() {
    let server = Server::start(office());
    let mut phone = phone(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    phone.wire().reset();
    server.devstate("Custom:a", "INUSE");
    server.wait_for_counter("Subscriptions without a connection", 1);
    assert_explained(
        &server,
        "1000@default",
        "not delivered; the newest state waits: the phone's connection is gone",
    );
    assert_eq!(server.counter("Subscriptions"), 1);
    server.devstate("Custom:a", "RINGING");
    phone.move_to(Wire::tcp(server.address()));
    phone.refresh(&mut lamp, 600);
    assert!(lamp.last.body().contains("Ringing"), "{}", lamp.last);
    assert_explained(&server, "1000@default", "has the newest state");
    server.devstate("Custom:a", "INUSE");
    assert!(phone.notify(&mut lamp).body().contains("On the phone"));
    server.stop();
}

#[test]
fn a_connection_that_breaks_under_a_notify_costs_no_state() {
    let server = Server::start(office());
    let mut phone = phone(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    phone.answer_nothing();
    server.devstate("Custom:a", "INUSE");
    phone.notify(&mut lamp);
    phone.wire().reset();
    server.wait_for_counter("Requests without a way", 1);
    phone.answer_with("200 OK");
    phone.move_to(Wire::tcp(server.address()));
    phone.refresh(&mut lamp, 600);
    assert!(lamp.last.body().contains("On the phone"), "{}", lamp.last);
    server.stop();
}

#[test]
fn a_contact_may_ask_for_another_transport() {
    let server = Server::start(office());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let contact = listener.local_addr().expect("it is bound");
    let mut phone = Phone::new(&server, "alice");
    phone.set_contact(&format!("sip:alice@{contact};transport=tcp"));
    let (call_id, answer) = phone.try_subscribe(&Subscribe::presence("1000"));
    assert_eq!(answer.status(), 200);
    let (stream, _) = listener.accept().expect("the server connects");
    let mut there = Phone::over(Wire::accepted(stream), "alice");
    let notify = there.receive_notify(&call_id);
    assert!(notify.header("Via").starts_with("SIP/2.0/TCP "), "{notify}");
    server.stop();
}

/// A subscription whose NOTIFYs have more than 1300 bytes.
fn long_subscribe() -> Subscribe {
    let name = format!("From: \"{}\" <", "x".repeat(1200));
    Subscribe::presence("1000").edit("From: <", &name)
}

/// The office where the switch of RFC 3261 18.1.1 is on.
fn switching() -> Config {
    office().append("pjsip.conf", "[system]\ntype=system\ndisable_tcp_switch=no\n")
}

#[test]
fn a_long_notify_goes_by_tcp() {
    let server = Server::start(switching());
    let mut phone = Phone::new(&server, "alice");
    let listener = TcpListener::bind(phone.address()).expect("TCP has ports of its own");
    let (call_id, answer) = phone.try_subscribe(&long_subscribe());
    assert_eq!(answer.status(), 200);
    let (stream, _) = listener.accept().expect("the server connects");
    let mut there = Phone::over(Wire::accepted(stream), "alice");
    let notify = there.receive_notify(&call_id);
    assert!(notify.text().len() > 1300);
    assert!(notify.header("Via").starts_with(&format!("SIP/2.0/TCP {};", server.address())), "{notify}");
    server.wait_for_counter("NOTIFY requests accepted", 1);
    server.devstate("Custom:a", "INUSE");
    assert!(there.receive_notify(&call_id).body().contains("On the phone"));
    assert_eq!(server.counter("Connections opened"), 1);
    server.stop();
}

#[test]
fn a_long_notify_goes_by_udp_where_tcp_is_refused() {
    let server = Server::start(switching());
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(long_subscribe());
    assert!(
        lamp.last.header("Via").starts_with(&format!("SIP/2.0/UDP {};", server.address())),
        "{}",
        lamp.last
    );
    assert_eq!(server.counter("Requests switched back to UDP"), 1);
    // It is remembered: no second attempt.
    server.devstate("Custom:a", "INUSE");
    phone.notify(&mut lamp);
    assert_eq!(server.counter("Requests switched to TCP"), 1);
    server.stop();
}

#[test]
fn by_default_a_long_notify_stays_on_udp() {
    let server = Server::start(office());
    let mut phone = Phone::new(&server, "alice");
    let lamp = phone.subscribe(long_subscribe());
    assert!(lamp.last.text().len() > 1300);
    assert_eq!(server.counter("Requests switched to TCP"), 0);
    server.stop();
}

#[test]
fn pings_are_answered_and_sent() {
    let config = office().replace("pjsip.conf", "type=global\n", "type=global\nkeep_alive_interval=1\n");
    let server = Server::start(config);
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
    stream.write_all(b"\r\n\r\n").expect("it is connected");
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"\r\n");
    // Silence is filled by the server.
    let mut ping = [0; 4];
    stream.read_exact(&mut ping).expect("a ping");
    assert_eq!(&ping, b"\r\n\r\n");
    server.wait_for_counter("Keep-alive packets", 1);
    server.stop();
}

#[test]
fn a_connection_without_a_message_is_closed() {
    let limits = "[system]\ntype=system\nconnection_message_timeout=1\nconnection_idle_timeout=2\n";
    let server = Server::start(office().append("pjsip.conf", limits));
    // Silent; only pings; half a message.
    for sent in ["", "\r\n\r\n", "OPTIONS sip:"] {
        let mut stream = TcpStream::connect(server.address()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
        stream.write_all(sent.as_bytes()).expect("it is connected");
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest);
        assert!(end.is_ok() || end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    }
    assert_eq!(server.counter("Closed: no complete message"), 3);
    // One that has brought a message may be silent for longer, but not for ever.
    let mut phone = phone(&server, "alice");
    assert_eq!(phone.options().status(), 200);
    phone.wait_for_close();
    assert_eq!(server.counter("Closed: silent"), 1);
    server.stop();
}

#[test]
fn one_address_may_not_take_all_connections() {
    let limits = "[system]\ntype=system\nmax_connections_per_address=3\n";
    let server = Server::start(office().append("pjsip.conf", limits));
    let mut held: Vec<_> = (0..3).map(|_| phone(&server, "alice")).collect();
    assert!(held.iter_mut().all(|phone| phone.options().status() == 200));
    phone(&server, "alice").wait_for_close();
    assert_eq!(server.counter("Connections refused, too many"), 1);
    let own = std::net::IpAddr::from([127, 0, 0, 2]);
    let mut other = Phone::over(Wire::tcp_from(own, server.address()), "alice");
    assert_eq!(other.options().status(), 200);
    let text = server.run("pjsip show settings");
    assert!(text.contains("max_connections_per_address : 3"), "{text}");
    server.stop();
}

#[test]
fn a_peer_that_does_not_read_is_closed() {
    let server = Server::start(office());
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    let request = |n: u32| {
        format!(
            "OPTIONS sip:{} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;rport;branch=z9hG4bKflood{n}\r\n\
             From: <sip:alice@127.0.0.1>;tag=f\r\nTo: <sip:127.0.0.1>\r\nCall-ID: flood{n}\r\n\
             CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
            server.address()
        )
    };
    // Until the server has closed it.
    let closed = (0..1_000_000).any(|n| stream.write_all(request(n).as_bytes()).is_err());
    assert!(closed, "the server reads on and on");
    assert_eq!(server.counter("Closed: peer does not read"), 1);
    let mut other = phone(&server, "alice");
    assert_eq!(other.options().status(), 200);
    server.stop();
}

#[test]
fn thousands_of_idle_connections_cost_little() {
    const EACH: usize = 700;
    let server = Server::start(office());
    let mut phone = phone(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    let before = server.process().memory();
    let hosts = (2..6).map(|last| std::net::IpAddr::from([127, 0, 0, last]));
    let held: Vec<_> = hosts
        .flat_map(|host| (0..EACH).map(move |_| host))
        .map(|host| {
            let mut wire = Wire::tcp_from(host, server.address());
            // The beginning of a message, which then does not go on.
            wire.send(b"OPTIONS sip:");
            wire
        })
        .collect();
    server.wait_for_counter("Connections", held.len() as u64 + 1);
    let each = (server.process().memory() - before) / held.len() as u64;
    assert!(each < 16 * 1024, "{each} bytes for each connection");
    server.devstate("Custom:a", "INUSE");
    assert!(phone.notify(&mut lamp).body().contains("On the phone"));
    drop(held);
    server.wait_for_number("Connections", 1);
    server.stop();
}
