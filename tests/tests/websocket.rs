//! Phones in browsers: SIP over WebSocket (RFC 7118).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use e2e::{Authority, Boot, Config, PATIENCE, Phone, Received, Server, SipJs, Subscribe, Wire};
use tungstenite::protocol::Message as Frame;

/// The office with `ws` on `{port2}`; UDP stays on `{port}`.
fn office() -> Config {
    Config::office()
        .replace(
            "modules.conf",
            "load => res_pjsip_pubsub.so\n",
            "load => res_pjsip_pubsub.so\nload => res_http_websocket.so\nload => res_pjsip_transport_websocket.so\n",
        )
        .file("http.conf", "[general]\nenabled=yes\nbindaddr=127.0.0.1\nbindport={port2}\n")
}

/// The same with `wss` on `{port}`, which is free for TCP.
fn secure_office(authority: &Authority) -> Config {
    office().identity(&authority.identity("localhost")).file("ca.pem", &authority.certificate).append(
        "http.conf",
        "tlsenable=yes\ntlsbindaddr=127.0.0.1:{port}\ntlscertfile={directory}/cert.pem\n\
             tlsprivatekey={directory}/key.pem\n",
    )
}

fn address(server: &Server) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], server.port() + 1))
}

/// A phone in a browser: nobody can send anything to its Contact.
fn browser(server: &Server, name: &str) -> Phone {
    let mut phone = Phone::over(Wire::ws(address(server)), name);
    phone.set_contact(&format!("sip:{name}@r4nd0m.invalid;transport=ws"));
    phone
}

#[track_caller]
fn sip_js_sees_changes(server: &Server, lamp: SipJs) {
    lamp.wait_for("state: Subscribed", 1);
    lamp.wait_for("note: ", 1);
    server.devstate("Custom:a", "INUSE");
    lamp.wait_for("note: On the phone", 1);
    server.devstate("Custom:a", "RINGING");
    lamp.wait_for("note: Ringing", 1);
    lamp.end();
    assert_eq!(server.counter("Subscriptions ended by the phone"), 1);
    // What it does with the last one, which it has asked for, is its own affair.
    assert!(server.counter("NOTIFY requests accepted") >= 3);
}

#[test]
fn sip_js_subscribes_over_websocket() {
    let server = Server::start(office());
    server.devstate("Custom:a", "NOT_INUSE");
    let url = format!("ws://{}/ws", address(&server));
    sip_js_sees_changes(&server, SipJs::start(&url, "alice", "1000", None));
    server.stop();
}

#[test]
fn sip_js_subscribes_over_secure_websocket() {
    let server = Server::start(secure_office(&Authority::new("tests")));
    server.devstate("Custom:a", "NOT_INUSE");
    let url = format!("wss://localhost:{}/ws", server.port());
    let authority = server.boot().path("ca.pem");
    sip_js_sees_changes(&server, SipJs::start(&url, "alice", "1000", Some(&authority)));
    server.stop();
}

#[test]
fn a_browser_is_told_where_it_is() {
    let authority = Authority::new("tests");
    let server = Server::start(secure_office(&authority));
    let mut plain = browser(&server, "alice");
    let lamp = plain.subscribe(Subscribe::presence("1000"));
    let at = address(&server);
    assert_eq!(lamp.answer.header("Contact"), format!("<sip:{at};transport=ws>"));
    assert!(lamp.last.header("Via").starts_with(&format!("SIP/2.0/WS {at};")), "{}", lamp.last);
    assert_eq!(lamp.last.request_uri(), "sip:alice@r4nd0m.invalid;transport=ws");
    let mut secure = Phone::over(Wire::wss(server.address(), authority.client(None)), "bob");
    let lamp = secure.subscribe(Subscribe::presence("1000"));
    let at = server.address();
    assert_eq!(lamp.answer.header("Contact"), format!("<sip:{at};transport=ws>"));
    assert!(lamp.last.header("Via").starts_with(&format!("SIP/2.0/WSS {at};")), "{}", lamp.last);
    server.stop();
}

#[test]
fn a_browser_that_comes_back_is_told_what_it_missed() {
    let server = Server::start(office());
    let mut phone = browser(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    phone.wire().reset();
    server.devstate("Custom:a", "INUSE");
    server.wait_for_counter("Subscriptions without a connection", 1);
    assert_eq!(server.counter("Connections opened"), 0, "nobody can connect to a browser");
    phone.move_to(Wire::ws(address(&server)));
    phone.refresh(&mut lamp, 600);
    assert!(lamp.last.body().contains("On the phone"), "{}", lamp.last);
    server.devstate("Custom:a", "RINGING");
    assert!(phone.notify(&mut lamp).body().contains("Ringing"));
    server.stop();
}

#[test]
fn only_sip_over_websocket_is_served() {
    let server = Server::start(office().append("http.conf", "prefix=pbx\n"));
    let request = |path: &str, protocol: &str| {
        let mut stream = TcpStream::connect(address(&server)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
        let text = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Protocol: {protocol}\r\n\r\n"
        );
        stream.write_all(text.as_bytes()).expect("it is connected");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer[9..]).into_owned()
    };
    assert_eq!(request("/pbx/ws", "sip"), "101");
    assert_eq!(request("/ws", "sip"), "404");
    assert_eq!(request("/pbx/ws", "xmpp"), "400");
    server.wait_for_counter("Handshakes failed", 2);
    server.stop();
}

#[test]
fn frames_may_be_odd() {
    let server = Server::start(office());
    let mut phone = browser(&server, "alice");
    let (first, one) = phone.request(&Subscribe::presence("1000"));
    let (second, two) = phone.request(&Subscribe::presence("1001"));
    // Empty frames, a WebSocket ping, a binary frame; two messages in one frame, one without length.
    for frame in [Frame::text(""), Frame::binary(Vec::new()), Frame::Ping(Default::default())] {
        phone.wire().send_frame(frame);
    }
    let both = format!("{one}{}", two.replace("Content-Length: 0\r\n", ""));
    phone.wire().send_frame(Frame::binary(both.into_bytes()));
    for call_id in [first, second] {
        assert_eq!(phone.receive_answer(&call_id, 1).status(), 200);
        phone.receive_notify(&call_id);
    }
    phone.wire().send_frame(Frame::text("\r\n\r\n"));
    server.wait_for_counter("Keep-alive packets", 4);
    // One that is not masked is against RFC 6455: the connection ends.
    phone.wire().send_raw(b"\x81\x02hi");
    phone.wait_for_close();
    server.wait_for_counter("Closed: no SIP stream", 1);
    let mut other = browser(&server, "bob");
    assert_eq!(other.options().status(), 200);
    // Larger than any message may be.
    other.wire().send_frame(Frame::text("x".repeat(70_000)));
    other.wait_for_close();
    server.stop();
}

#[test]
fn a_browser_that_pings_by_crlf_gets_an_answer() {
    let server = Server::start(office());
    let mut wire = Wire::ws(address(&server));
    wire.send_frame(Frame::text("\r\n\r\n"));
    while !matches!(wire.read_frame(), Some(Frame::Text(text)) if text.as_str() == "\r\n") {}
    assert!(!matches!(wire.read(std::time::Duration::from_millis(50)), Received::Closed));
    server.stop();
}

#[test]
fn without_its_module_or_file_nothing_listens() {
    for config in [office().without("res_pjsip_transport_websocket"), office().no_file("http.conf")] {
        let server = Server::start(config);
        assert!(TcpStream::connect(address(&server)).is_err());
        server.stop();
    }
}

#[test]
fn a_certificate_that_cannot_be_used_costs_only_the_secure_websocket() {
    let config = secure_office(&Authority::new("tests")).file("key.pem", "no key");
    let boot = Boot::new(&config);
    let server = boot.start();
    let log = server.log();
    assert!(log.contains("http.conf: priv_key_file = ") && log.contains("key.pem: no private key"), "{log}");
    assert_eq!(browser(&server, "alice").options().status(), 200);
    server.stop();
}
