use std::thread;

use sip::{HeaderName, Writer};

use super::*;
use crate::lamp::Package;

const PATIENCE: Duration = Duration::from_secs(10);

/// A server that knows one state, over a real socket.
struct Notifier {
    socket: UdpSocket,
    cseq: u32,
    /// The head of each subscription's NOTIFY up to CSeq, and where it goes.
    watchers: Vec<(SocketAddr, String)>,
}

impl Notifier {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, cseq: 0, watchers: Vec::new() }
    }

    /// Answers SUBSCRIBEs and tells `state`, until every one of `count` has answered that.
    fn subscribe(&mut self, count: usize, state: &str) {
        let mut told = 0;
        let (mut buffer, mut scanner) = (vec![0; 65_535], Scanner::new());
        while told < count {
            let (length, from) = self.socket.recv_from(&mut buffer).unwrap();
            let message = scanner.scan(&buffer[..length]).unwrap();
            if message.status() == Some(200) {
                told += 1;
                continue;
            }
            let mut out = Vec::new();
            sip::response(&mut out, &message, 200, "OK", from, Some("t"), false).finish(None).unwrap();
            self.socket.send_to(&out, from).unwrap();
            let value = |name| String::from_utf8_lossy(message.header(name).unwrap()).into_owned();
            let head = format!(
                "NOTIFY sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n\
                 From: {};tag=t\r\nTo: {}\r\nCall-ID: {}\r\n",
                value(HeaderName::To),
                value(HeaderName::From),
                value(HeaderName::CallId)
            );
            self.watchers.push((from, head));
            self.tell(self.watchers.len() - 1, state);
        }
    }

    fn tell(&mut self, watcher: usize, state: &str) {
        self.cseq += 1;
        let (to, head) = &self.watchers[watcher];
        let notify = format!("{head}CSeq: {} NOTIFY\r\n\r\n<note>{state}</note>", self.cseq);
        self.socket.send_to(notify.as_bytes(), to).unwrap();
    }
}

fn watches(count: usize) -> Vec<Watch> {
    let watch = |i| Watch {
        user: format!("u{i}"),
        extension: "1".into(),
        package: Package::Presence,
        password: None,
    };
    (0..count).map(watch).collect()
}

#[test]
fn every_lamp_follows_the_server() {
    let mut server = Notifier::new();
    let mut phones =
        Phones::new(server.socket.local_addr().unwrap(), watches(200), 3, "t", Lamp::scan).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| server.subscribe(200, "Ready"));
        phones.subscribe(PATIENCE).unwrap();
    });
    assert_eq!(phones.unsettled(), (0, None));
    assert!(phones.lamps().all(|(_, lamp)| lamp == Some(Lamp::Dark)));
    assert_eq!((phones.counts().subscribes, phones.counts().resent), (200, 0));
    // All but one change: the round sees which is wrong.
    (0..199).for_each(|i| server.tell(i, "Ringing"));
    let round = phones.until(Lamp::Blinking, Duration::from_millis(50)).unwrap();
    assert_eq!(round.wrong, 1);
    server.tell(199, "Ringing");
    let round = phones.until(Lamp::Blinking, PATIENCE).unwrap();
    assert_eq!(round.wrong, 0);
    assert!(round.first.unwrap() <= round.last);
    assert_eq!((phones.counts().notifies, phones.counts().repeated), (400, 0));
}

#[test]
fn an_unanswered_subscribe_is_sent_again() {
    let mut server = Notifier::new();
    let mut phones =
        Phones::new(server.socket.local_addr().unwrap(), watches(1), 1, "t", Lamp::scan).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            // The first packet is lost.
            server.socket.recv_from(&mut [0; 2048]).unwrap();
            server.subscribe(1, "Ready");
        });
        phones.subscribe(PATIENCE).unwrap();
    });
    assert_eq!(phones.unsettled(), (0, None));
    assert_eq!(phones.counts().resent, 1);
}

#[test]
fn what_nobody_asked_for_is_refused() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut phones = Phones::new(server.local_addr().unwrap(), watches(1), 1, "t", Lamp::scan).unwrap();
    let mut out = Vec::new();
    let mut writer = Writer::request(&mut out, "NOTIFY", "sip:x");
    writer
        .header("Via", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1")
        .header("Call-ID", "0-someone")
        .header("CSeq", "1 NOTIFY");
    writer.finish(None).unwrap();
    let to = SocketAddr::from(([127, 0, 0, 1], phones.ports().next().unwrap()));
    server.send_to(&out, to).unwrap();
    server.send_to(b"\r\n", to).unwrap();
    while phones.counts().garbage == 0 {
        phones.turn(PATIENCE).unwrap();
    }
    let mut buffer = [0; 2048];
    let (length, _) = server.recv_from(&mut buffer).unwrap();
    assert!(buffer[..length].starts_with(b"SIP/2.0 481 "));
    assert_eq!((phones.counts().strangers, phones.counts().notifies), (1, 0));
}
