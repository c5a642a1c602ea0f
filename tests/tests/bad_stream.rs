//! Bad input by connections: whatever comes over TCP, TLS and WebSocket, the server stays up, counts it,
//! and serves the others.

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::{Authority, Config, Lamp, PATIENCE, Phone, Received, Server, Subscribe, Wire};

struct Office {
    server: Server,
    authority: Authority,
    phone: Phone,
    lamp: Lamp,
}

impl Office {
    /// TCP on `{port}`, TLS on `{port2}`, WebSocket beside it on another address.
    fn start() -> Self {
        let authority = Authority::new("tests");
        let config = Config::office()
            .identity(&authority.identity("localhost"))
            .append(
                "pjsip.conf",
                "[tcp]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1:{port}\n\
                 [tls]\ntype=transport\nprotocol=tls\nbind=127.0.0.1:{port2}\n\
                 cert_file={directory}/cert.pem\npriv_key_file={directory}/key.pem\n",
            )
            .append(
                "modules.conf",
                "load => res_http_websocket.so\nload => res_pjsip_transport_websocket.so\n",
            )
            .file("http.conf", "[general]\nenabled=yes\nbindaddr=127.0.0.2\nbindport={port2}\n");
        let server = Server::start(config);
        let mut phone = Phone::new(&server, "alice");
        let lamp = phone.subscribe(Subscribe::presence("1000"));
        Self { server, authority, phone, lamp }
    }

    fn wires(&self) -> [Wire; 3] {
        let port2 = self.server.port() + 1;
        [
            Wire::tcp(self.server.address()),
            Wire::tls(([127, 0, 0, 1], port2).into(), self.authority.client(None)).expect("TLS"),
            Wire::ws(([127, 0, 0, 2], port2).into()),
        ]
    }

    /// A phone over each.
    fn phones(&self) -> [Phone; 3] {
        self.wires().map(|wire| Phone::over(wire, "bob"))
    }

    /// Nothing else was lost, and no connection stays behind.
    #[track_caller]
    fn end(mut self) {
        self.server.devstate("Custom:a", "INUSE");
        assert!(self.phone.notify(&mut self.lamp).body().contains("On the phone"));
        for mut phone in self.phones() {
            assert_eq!(phone.options().status(), 200);
        }
        self.server.wait_for_number("Connections", 0);
        self.server.stop();
    }
}

/// The torture messages of RFC 4475 and those of the event packages.
fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sip/testdata");
    let files = ["rfc4475", "events"].map(|kind| std::fs::read_dir(folder.join(kind)).expect("it is there"));
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        std::fs::read(entry.expect("it can be read").path()).expect("it can be read")
    };
    files.into_iter().flatten().map(read).collect()
}

/// Reads until the server says or does something.
fn outcome(wire: &mut Wire) -> Received {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match wire.read(Duration::from_millis(100)) {
            Received::Nothing => assert!(Instant::now() < deadline, "nothing comes of it"),
            other => return other,
        }
    }
}

#[test]
fn the_torture_corpus_by_every_transport() {
    let office = Office::start();
    let messages = corpus();
    assert!(messages.len() > 50, "{}", messages.len());
    for message in &messages {
        for mut wire in office.wires() {
            wire.send(message);
            wire.end_of_sending();
        }
    }
    // Each one cut off in the middle, and the connection with it.
    for message in &messages {
        for mut wire in office.wires() {
            wire.send(&message[..message.len() / 2]);
        }
    }
    office.end();
}

#[test]
fn messages_may_come_in_any_pieces() {
    let office = Office::start();
    for mut phone in office.phones() {
        let (first, one) = phone.request(&Subscribe::presence("1000"));
        let (second, two) = phone.request(&Subscribe::presence("1001"));
        phone.send(format!("{one}{two}").as_bytes());
        for call_id in [first, second] {
            assert_eq!(phone.receive_answer(&call_id, 1).status(), 200);
        }
    }
    // A WebSocket message is never in pieces.
    let [tcp, tls, _] = office.phones();
    for mut phone in [tcp, tls] {
        let (call_id, text) = phone.request(&Subscribe::presence("1000"));
        for piece in text.as_bytes().chunks(text.len().div_ceil(20)) {
            phone.send(piece);
        }
        assert_eq!(phone.receive_answer(&call_id, 1).status(), 200);
        let (call_id, text) = phone.request(&Subscribe::presence("1000"));
        for byte in text.as_bytes() {
            phone.send(&[*byte]);
        }
        assert_eq!(phone.receive_answer(&call_id, 1).status(), 200);
    }
    office.end();
}

#[test]
fn a_content_length_that_lies_harms_its_own_connection_only() {
    let office = Office::start();
    for (length, status) in [
        // Missing: a stream has no other end (RFC 3261 18.3).
        ("", Some(400)),
        ("Content-Length: -1\r\n", Some(400)),
        ("Content-Length: many\r\n", Some(400)),
        ("Content-Length: 0\r\nContent-Length: 1\r\n", Some(400)),
        ("Content-Length: 66000\r\n", Some(400)),
        ("Content-Length: 99999999999999999999\r\n", None),
    ] {
        let [tcp, tls, _] = office.phones();
        for mut phone in [tcp, tls] {
            let (call_id, text) = phone.request(&Subscribe::presence("1000"));
            phone.send(text.replace("Content-Length: 0\r\n", length).as_bytes());
            match status {
                Some(status) => assert_eq!(phone.receive_answer(&call_id, 1).status(), status, "{length}"),
                None => phone.wait_for_close(),
            }
        }
    }
    // Less than there is: what is left over is no message.
    let [tcp, tls, _] = office.phones();
    for mut phone in [tcp, tls] {
        let (call_id, text) = phone.request(&Subscribe::presence("1000"));
        phone.send(format!("{text}this is left over\r\n\r\n").as_bytes());
        assert_eq!(phone.receive_answer(&call_id, 1).status(), 200);
        phone.wait_for_close();
    }
    // More than there is: it takes the next message for its body, and is answered.
    let [tcp, tls, _] = office.phones();
    for mut phone in [tcp, tls] {
        let (first, one) = phone.request(&Subscribe::presence("1000"));
        let (_, two) = phone.request(&Subscribe::presence("1001"));
        let one = one.replace("Content-Length: 0", &format!("Content-Length: {}", two.len()));
        phone.send(format!("{one}{two}").as_bytes());
        assert_eq!(phone.receive_answer(&first, 1).status(), 200);
        assert_eq!(phone.options().status(), 200, "the stream goes on behind it");
    }
    office.server.wait_for_counter("Closed: no SIP stream", 4);
    office.end();
}

#[test]
fn noise_ends_its_connection() {
    let office = Office::start();
    let [mut tcp, mut tls, mut ws] = office.wires();
    for wire in [&mut tcp, &mut tls] {
        wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(matches!(outcome(wire), Received::Closed));
    }
    // More without any end than a message may have.
    let [mut tcp2, mut tls2, _] = office.wires();
    for wire in [&mut tcp2, &mut tls2] {
        wire.send(&[b'x'; 100_000]);
        assert!(matches!(outcome(wire), Received::Closed));
    }
    // A WebSocket message that is no SIP says nothing about the next one.
    ws.send(b"no SIP");
    office.server.wait_for_counter("Dropped: not a SIP message", 1);
    let mut phone = Phone::over(ws, "bob");
    assert_eq!(phone.options().status(), 200);
    // No TLS at all where TLS is spoken.
    let mut plain = Wire::tcp(([127, 0, 0, 1], office.server.port() + 1).into());
    plain.send(b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 0\r\n\r\n");
    // Whatever alert comes before the end.
    while !matches!(plain.read_raw(), Ok(0) | Err(_)) {}
    office.server.wait_for_counter("Handshakes failed", 1);
    office.server.wait_for_counter("Closed: no SIP stream", 4);
    drop((tcp, tls, tcp2, tls2, phone));
    office.end();
}

#[test]
fn a_connection_may_be_gone_before_its_answer() {
    let office = Office::start();
    for _ in 0..50 {
        for mut phone in office.phones() {
            let (_, text) = phone.request(&Subscribe::presence("1000"));
            phone.send(text.as_bytes());
            phone.wire().reset();
        }
    }
    office.end();
}
