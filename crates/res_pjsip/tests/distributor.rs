//! What a request meets before a module serves it, packet in and packet out.

#![allow(clippy::unwrap_used, reason = "helpers of tests; a panic here is a failed test")]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use res_pjsip::config::PjsipConfig;
use res_pjsip::identify::Identifiers;
use res_pjsip::{
    Access, BoundTransport, ExtensionLookup, OptionsModule, Output, Peer, Routes, Shard, ShardMessage,
    Snapshot, TraceFilter,
};

const CONFIG: &str = "
[global]
type=global
user_agent=test
[udp]
type=transport
bind=127.0.0.1:5060
[alice]
type=endpoint
context=default
[locked]
type=endpoint
auth=locked
[locked]
type=auth
username=locked
password=secret
[far]
type=endpoint
deny=0.0.0.0/0
";

struct Anywhere;

impl Routes for Anywhere {
    fn source_for(&mut self, _: SocketAddr) -> Option<IpAddr> {
        None
    }
}

struct Extensions;

impl ExtensionLookup for Extensions {
    fn exists(&self, context: &str, extension: &str) -> bool {
        (context, extension) == ("default", "1000")
    }
}

struct Bench {
    shard: Shard,
    out: Output,
    peer: Peer,
    now: u64,
}

impl Bench {
    fn new() -> Self {
        Self::numbered(0, 1)
    }

    fn numbered(id: u16, count: u16) -> Self {
        let file = conf::Loader::new(".").parse("pjsip.conf", CONFIG).unwrap();
        let (config, remarks) = PjsipConfig::parse(&file);
        assert!(remarks.is_empty(), "{remarks:?}");
        let transports = config.transports.iter();
        let bound = |t: &Arc<res_pjsip::config::Transport>| BoundTransport {
            config: Arc::clone(t),
            local: t.bind,
            open: true,
        };
        let transports = transports.map(bound).collect();
        let identifiers = Identifiers::all().ordered(&config.global.endpoint_identifier_order);
        let snapshot = Snapshot {
            config: Arc::new(config),
            transports,
            identifiers,
            access: Access::default(),
            nat: true,
            extensions: Some(Arc::new(Extensions)),
            booted: true,
            trace: TraceFilter::Off,
        };
        let mut shard = Shard::new(id, count, 7, 0, Arc::new(snapshot), Box::new(Anywhere));
        let mut out = Output::default();
        shard.message(0, ShardMessage::AddModule(Arc::new(|_| Box::new(OptionsModule))), &mut out);
        let peer = Peer::new(0, "127.0.0.1:5999".parse().unwrap());
        Self { shard, out, peer, now: 0 }
    }

    /// Feeds a packet; gives what came out.
    fn feed(&mut self, packet: &[u8]) -> Vec<(SocketAddr, String)> {
        self.out.clear();
        self.shard.receive(self.now, self.peer, packet, &mut self.out);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.out.datagrams().map(|(peer, bytes)| (peer.address, text(bytes))).collect()
    }

    fn answer(&mut self, packet: &str) -> String {
        let mut all = self.feed(packet.as_bytes());
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0).1
    }

    fn counter(&self, name: &str) -> u64 {
        let values = self.shard.stats().values();
        values.iter().find(|(n, _)| *n == name).map(|(_, v)| *v).unwrap()
    }
}

fn request(method: &str, user: &str, from: &str, extra: &str) -> String {
    format!(
        "{method} sip:{user}@127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:5999;rport;branch=z9hG4bK-{method}-{user}-{from}\r\n\
         From: <sip:{from}@127.0.0.1>;tag=f1\r\nTo: <sip:{user}@127.0.0.1>\r\n\
         Call-ID: {method}-{user}-{from}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n{extra}Content-Length: 0\r\n\r\n"
    )
}

fn status(answer: &str) -> &str {
    answer.split("\r\n").next().unwrap()
}

#[test]
fn options_is_answered_with_what_is_served() {
    let answer = Bench::new().answer(&request("OPTIONS", "1000", "alice", ""));
    assert_eq!(status(&answer), "SIP/2.0 200 OK");
    assert!(answer.contains("\r\nAllow: OPTIONS\r\n"), "{answer}");
    assert!(answer.contains("\r\nServer: test\r\n"), "{answer}");
    assert!(answer.contains(";rport=5999;received=127.0.0.1;"), "{answer}");
}

#[test]
fn options_for_an_unknown_extension_is_404() {
    assert_eq!(status(&Bench::new().answer(&request("OPTIONS", "9", "alice", ""))), "SIP/2.0 404 Not Found");
}

#[test]
fn strangers_locked_endpoints_and_refused_addresses_look_alike() {
    let mut bench = Bench::new();
    let shape = |answer: String| {
        let headers = answer.lines().map(|line| line.split(':').next().unwrap().to_owned());
        headers.collect::<Vec<_>>().join("|")
    };
    let mut answers =
        ["nobody", "locked", "far"].map(|from| bench.answer(&request("OPTIONS", "1000", from, "")));
    for answer in &answers {
        assert_eq!(status(answer), "SIP/2.0 401 Unauthorized");
        assert!(answer.contains("\r\nWWW-Authenticate: Digest realm=\"asterisk\",nonce=\""), "{answer}");
    }
    let [a, b, c] = answers.each_mut().map(|answer| shape(std::mem::take(answer)));
    assert!(a == b && b == c);
    assert_eq!(bench.counter("Requests without endpoint"), 1);
    assert_eq!(bench.counter("Requests denied by an ACL"), 1);
    assert_eq!(bench.counter("Requests with wrong credentials"), 1);
}

#[test]
fn a_copy_gets_the_same_answer() {
    let mut bench = Bench::new();
    let text = request("OPTIONS", "1000", "alice", "");
    let first = bench.answer(&text);
    bench.now = 500;
    assert_eq!(bench.answer(&text), first);
    assert_eq!(bench.counter("Requests seen again"), 1);
    let merged = text.replace("branch=z9hG4bK", "branch=z9hG4bKx");
    assert_eq!(status(&bench.answer(&merged)), "SIP/2.0 482 Loop Detected");
}

#[test]
fn what_nobody_serves_is_501_and_in_a_dialog_481() {
    let mut bench = Bench::new();
    let answer = bench.answer(&request("SUBSCRIBE", "1000", "alice", "Contact: <sip:a@127.0.0.1:5999>\r\n"));
    assert_eq!(status(&answer), "SIP/2.0 501 Not Implemented");
    assert!(answer.contains("\r\nAllow: OPTIONS\r\n"), "{answer}");
    let bye = request("BYE", "1000", "alice", "")
        .replace("To: <sip:1000@127.0.0.1>", "To: <sip:1000@127.0.0.1>;tag=x");
    assert_eq!(status(&bench.answer(&bye)), "SIP/2.0 481 Call/Transaction Does Not Exist");
    assert!(bench.feed(request("ACK", "1000", "alice", "").as_bytes()).is_empty());
}

#[test]
fn unknown_requirements_are_named() {
    let answer = Bench::new().answer(&request("OPTIONS", "1000", "alice", "Require: foo, bar\r\n"));
    assert_eq!(status(&answer), "SIP/2.0 420 Bad Extension");
    assert!(answer.contains("\r\nUnsupported: foo, bar\r\n"), "{answer}");
}

#[test]
fn a_dialog_needs_a_contact_of_our_kind() {
    let mut bench = Bench::new();
    assert_eq!(
        status(&bench.answer(&request("SUBSCRIBE", "1", "alice", ""))),
        "SIP/2.0 400 Missing Contact header"
    );
    let answer = bench.answer(&request("SUBSCRIBE", "2", "alice", "Contact: <mailto:a@b>\r\n"));
    assert_eq!(status(&answer), "SIP/2.0 416 Unsupported URI Scheme");
}

#[test]
fn answers_go_where_via_says() {
    let mut bench = Bench::new();
    // force_rport is on for alice: to the source port even without rport.
    let text = request("OPTIONS", "1000", "alice", "").replace("127.0.0.1:5999;rport", "127.0.0.1:7000");
    assert_eq!(bench.feed(text.as_bytes())[0].0.port(), 5999);
    // A stranger has no such option.
    let text = request("OPTIONS", "1000", "nobody", "").replace("127.0.0.1:5999;rport", "127.0.0.1:7000");
    assert_eq!(bench.feed(text.as_bytes())[0].0.port(), 7000);
}

#[test]
fn garbage_is_counted_and_not_answered() {
    let mut bench = Bench::new();
    for packet in [&b"hello"[..], b"\x00\xff\xfe", b"SUBSCRIBE sip:x SIP/2.0\r\n", &[b'a'; 65_535]] {
        assert!(bench.feed(packet).is_empty());
    }
    for packet in [&b"\r\n\r\n"[..], b"\0\0\0\0"] {
        assert!(bench.feed(packet).is_empty());
    }
    assert_eq!(bench.counter("Keep-alive packets"), 2);
    assert_eq!(bench.counter("Dropped: not a SIP message") + bench.counter("Dropped: no answer possible"), 4);
    let response = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKother\r\nFrom: <sip:a@b>;tag=1\r\n\
                    To: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 NOTIFY\r\nContent-Length: 0\r\n\r\n";
    assert!(bench.feed(response.as_bytes()).is_empty());
    assert_eq!(bench.counter("Dropped: response to nothing"), 1);
}

#[test]
fn each_call_id_has_one_shard() {
    let mut shards = [Bench::numbered(0, 2), Bench::numbered(1, 2)];
    let mut owners = [0, 0];
    for number in 0..64 {
        let text =
            request("OPTIONS", "1000", "alice", "").replace("Call-ID: ", &format!("Call-ID: {number}-"));
        let answered: Vec<usize> =
            (0..2).filter(|shard| !shards[*shard].feed(text.as_bytes()).is_empty()).collect();
        assert_eq!(answered.len(), 1, "exactly one shard answers");
        owners[answered[0]] += 1;
        let other = &mut shards[1 - answered[0]];
        let handed: Vec<_> = other.out.take_handover().collect();
        assert_eq!(handed.len(), 1);
        assert_eq!(usize::from(handed[0].0), answered[0]);
        assert_eq!(&*handed[0].1.bytes, text.as_bytes());
    }
    assert!(owners.iter().all(|count| *count > 8), "{owners:?}");
}

/// Every torture message is answered or dropped, and the shard goes on.
#[test]
fn torture_messages_do_no_harm() {
    let mut bench = Bench::new();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../sip/testdata");
    let mut count = 0;
    for folder in ["rfc4475", "events"] {
        for entry in std::fs::read_dir(format!("{root}/{folder}")).unwrap() {
            let packet = std::fs::read(entry.unwrap().path()).unwrap();
            for end in [packet.len(), packet.len() / 2, packet.len().saturating_sub(1)] {
                assert!(bench.feed(&packet[..end]).len() <= 1);
            }
            count += 1;
        }
    }
    assert!(count > 60);
    let answer = bench.answer(&request("OPTIONS", "1000", "alice", ""));
    assert_eq!(status(&answer), "SIP/2.0 200 OK");
}
