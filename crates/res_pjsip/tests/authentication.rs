//! Digest authentication, packet in and packet out.

#![allow(clippy::unwrap_used, reason = "helpers of tests; a panic here is a failed test")]

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use res_pjsip::authenticate::DigestAuthenticator;
use res_pjsip::config::PjsipConfig;
use res_pjsip::identify::Identifiers;
use res_pjsip::security::{SecurityEvent, SecurityEvents, SecurityGuard, SecurityListener};
use res_pjsip::{
    Access, BoundTransport, OptionsModule, Output, Peer, Routes, Shard, ShardMessage, Snapshot, TraceFilter,
};
use sip::digest::{Challenge, authorize};

const CONFIG: &str = "
[udp]
type=transport
bind=127.0.0.1:5060
[phone](!)
type=endpoint
[alice](phone)
auth=alice
[alice]
type=auth
username=alice
password=secret
[open](phone)
auth=alice
allow_unauthenticated_options=yes
[far](phone)
auth=alice
deny=0.0.0.0/0
[names](phone)
auth=alice
contact_permit=127.0.0.0/8
contact_deny=0.0.0.0/0
contact_permit=127.0.0.0/8
[nothing](phone)
auth=nothing
";

struct Anywhere;

impl Routes for Anywhere {
    fn source_for(&mut self, _: SocketAddr) -> Option<IpAddr> {
        None
    }
}

/// Remembers events: what happened, and to whom.
#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl SecurityListener for Events {
    fn event(&self, event: &SecurityEvent<'_>) {
        self.0.lock().unwrap().push(format!("{:?} {}", event.kind, event.account));
    }
}

/// Two shards, which share what a server's shards share.
struct Bench {
    shards: [Shard; 2],
    out: Output,
    source: SocketAddr,
    now: u64,
    count: u32,
    events: Arc<Events>,
    _guard: SecurityGuard,
}

impl Bench {
    fn new(config: &str) -> Self {
        Self::with(config, |_| {})
    }

    fn with(config: &str, change: impl FnOnce(&mut Snapshot)) -> Self {
        let file = conf::Loader::new(".").parse("pjsip.conf", config).unwrap();
        let config = PjsipConfig::parse(&file).0;
        let transports = config.transports.iter();
        let transports =
            transports.map(|t| BoundTransport { config: t.clone(), local: t.bind, open: true }).collect();
        let identifiers = Identifiers::all().ordered(&config.global.endpoint_identifier_order);
        let events = Arc::new(Events::default());
        let security = Arc::new(SecurityEvents::default());
        let guard = security.listen(events.clone());
        let mut snapshot = Snapshot {
            nat: true,
            config: Arc::new(config),
            transports,
            identifiers,
            access: Access {
                authenticator: Some(Arc::new(DigestAuthenticator::new().unwrap())),
                events: security,
                ..Access::default()
            },
            extensions: None,
            booted: true,
            trace: TraceFilter::Off,
        };
        change(&mut snapshot);
        let snapshot = Arc::new(snapshot);
        let mut out = Output::default();
        let mut shards = [0, 1].map(|id| Shard::new(id, 2, 7, 0, snapshot.clone(), Box::new(Anywhere)));
        for shard in &mut shards {
            shard.message(0, ShardMessage::AddModule(Arc::new(|_| Box::new(OptionsModule))), &mut out);
        }
        let source = "127.0.0.1:5999".parse().unwrap();
        Self { shards, out, source, now: 0, count: 0, events, _guard: guard }
    }

    /// The answer to an OPTIONS of `from`, with more headers. Each has a Call-ID of its own.
    fn options(&mut self, from: &str, extra: &str) -> Answer {
        self.count += 1;
        let (count, hashes) = (self.count, self.counter("Hashes for authentication"));
        let packet = format!(
            "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5999;rport;branch=z9hG4bK{count}\r\n\
             From: <sip:{from}@127.0.0.1>;tag=f\r\nTo: <sip:127.0.0.1>\r\nCall-ID: call{count}\r\n\
             CSeq: 1 OPTIONS\r\n{extra}Content-Length: 0\r\n\r\n"
        );
        let peer = Peer::new(0, self.source);
        let answers = self.shards.iter_mut().flat_map(|shard| {
            self.out.clear();
            shard.receive(self.now, peer, packet.as_bytes(), &mut self.out);
            let texts = self.out.datagrams().map(|(_, bytes)| String::from_utf8(bytes.to_vec()).unwrap());
            texts.collect::<Vec<_>>()
        });
        let answers: Vec<_> = answers.collect();
        assert_eq!(answers.len(), 1, "{answers:?}");
        Answer { text: answers[0].clone(), hashes: self.counter("Hashes for authentication") - hashes }
    }

    /// Asks for a challenge; gives the credentials that answer it, for another request.
    fn credentials(&mut self, endpoint: &str, user: &str, password: &str) -> String {
        let challenges = self.options(endpoint, "").challenges();
        answer(&challenges[0], user, password, 1)
    }

    fn counter(&self, name: &str) -> u64 {
        let one = |shard: &Shard| {
            let values = shard.stats().values();
            values.iter().find(|(n, _)| *n == name).map(|(_, v)| *v).unwrap()
        };
        self.shards.iter().map(one).sum()
    }

    fn events(&self) -> Vec<String> {
        std::mem::take(&mut *self.events.0.lock().unwrap())
    }
}

struct Answer {
    text: String,
    hashes: u64,
}

impl Answer {
    fn status(&self) -> u16 {
        self.text.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn challenges(&self) -> Vec<String> {
        assert_eq!(self.status(), 401, "{}", self.text);
        let values = self.text.lines().filter_map(|line| line.strip_prefix("WWW-Authenticate: "));
        values.map(str::to_owned).collect()
    }

    fn is_stale(&self) -> bool {
        Challenge::parse(self.challenges()[0].as_bytes()).unwrap().stale
    }

    /// The whole answer with its random digits, and what came from the request, hidden.
    fn shape(&self) -> String {
        let hide = |line: &str| match line.split_once(": ") {
            Some(("WWW-Authenticate", value)) => {
                let parts = value.split(',').map(|part| match part.split_once('=') {
                    Some((name @ ("nonce" | "opaque"), digits)) => format!("{name}=({})", digits.len()),
                    _ => part.to_owned(),
                });
                parts.collect::<Vec<_>>().join(",")
            }
            Some((name @ ("Via" | "From" | "To" | "Call-ID"), _)) => name.to_owned(),
            _ => line.to_owned(),
        };
        self.text.lines().map(hide).collect::<Vec<_>>().join("\n")
    }
}

fn answer(challenge: &str, user: &str, password: &str, count: u32) -> String {
    let challenge = Challenge::parse(challenge.as_bytes()).unwrap();
    let value = authorize(&challenge, user, password, "OPTIONS", "sip:127.0.0.1", "c0ffee", count);
    format!("Authorization: {value}\r\n")
}

#[test]
fn the_right_password_is_let_in_and_nothing_else() {
    let mut bench = Bench::new(CONFIG);
    let good = bench.credentials("alice", "alice", "secret");
    assert_eq!(bench.options("alice", &good).status(), 200);
    for (user, password) in [("alice", "Secret"), ("Alice", "secret"), ("alice", ""), ("bob", "secret")] {
        let bad = bench.credentials("alice", user, password);
        let refused = bench.options("alice", &bad);
        assert!(!refused.is_stale(), "{user} {password}");
    }
    assert_eq!(bench.counter("Requests authenticated"), 1);
    assert_eq!(bench.counter("Requests challenged"), 5);
    assert_eq!(bench.counter("Requests with wrong credentials"), 4);
    let events = bench.events();
    assert_eq!(events[..2], ["ChallengeSent alice", "SuccessfulAuth alice"]);
    assert_eq!(events[2..4], ["ChallengeSent alice", "ChallengeResponseFailed alice"]);
}

#[test]
fn without_the_module_nobody_is_let_in() {
    let mut bench = Bench::with(CONFIG, |snapshot| snapshot.access.authenticator = None);
    let good = bench.credentials("alice", "alice", "secret");
    assert_eq!(bench.options("alice", &good).status(), 401);
    assert_eq!(bench.counter("Requests authenticated"), 0);
}

/// Neither the answer nor the work tells whether a name exists, or why it is refused.
#[test]
fn names_that_exist_look_like_names_that_do_not() {
    let mut bench = Bench::new(CONFIG);
    let contact = "Contact: <sip:a@192.0.2.1>\r\n";
    let who = [("alice", ""), ("stranger", ""), ("far", ""), ("names", contact), ("nothing", "")];
    let first: Vec<_> = who.map(|(name, extra)| bench.options(name, extra)).into();
    let wrong: Vec<_> = who
        .map(|(name, extra)| {
            let bad = bench.credentials(name, "alice", "wrong");
            bench.options(name, &(bad + extra))
        })
        .into();
    // Not even the right password of somebody else makes a difference.
    let other: Vec<_> = who[1..]
        .iter()
        .map(|(name, extra)| {
            let good = bench.credentials("alice", "alice", "secret");
            bench.options(name, &(good + extra))
        })
        .collect();
    for answers in [first, wrong, other] {
        for answer in &answers {
            assert_eq!(answer.shape(), answers[0].shape());
            assert_eq!(answer.hashes, answers[0].hashes);
            assert!(answer.hashes > 0);
        }
    }
    assert_eq!(bench.counter("Requests authenticated"), 0);
}

/// Where endpoints are challenged in different ways, strangers are too, always in the same way each.
#[test]
fn strangers_are_challenged_as_endpoints_are() {
    let mixed = CONFIG.replace(
        "password=secret\n",
        "password=secret\nrealm=office\nsupported_algorithms_uas=SHA-256,MD5\n",
    );
    let mixed = mixed + "[plain](phone)\nauth=plain\n[plain]\ntype=auth\nusername=p\npassword=secret\n";
    let seed = |seed| move |snapshot: &mut Snapshot| snapshot.access.decoy_seed = seed;
    let (mut bench, mut again) = (Bench::with(&mixed, seed(7)), Bench::with(&mixed, seed(7)));
    // With one endpoint more few strangers change.
    let mut grown = Bench::with(&(mixed.clone() + "[new](phone)\nauth=alice\n"), seed(7));
    let mut moved = 0;
    let office = bench.options("alice", "").shape();
    let plain = bench.options("plain", "").shape();
    assert!(office.contains("realm=\"office\"") && office.contains("SHA-256") && office.contains("MD5"));
    assert!(plain.contains("realm=\"asterisk\"") && !plain.contains("SHA"));
    let mut seen = [0, 0];
    for name in 0..100 {
        let stranger = bench.options(&format!("s{name}"), "").shape();
        assert_eq!(stranger, bench.options(&format!("s{name}"), "").shape());
        assert_eq!(stranger, again.options(&format!("s{name}"), "").shape(), "after a restart too");
        moved += usize::from(stranger != grown.options(&format!("s{name}"), "").shape());
        if stranger == office {
            seen[0] += 1;
        } else if stranger == plain {
            seen[1] += 1;
        }
    }
    assert!(seen[0] > 10 && seen[1] > 5, "{seen:?}");
    assert!(moved < 15, "{moved} of 100");
}

#[test]
fn a_count_is_good_once_in_every_shard() {
    let mut bench = Bench::new(CONFIG);
    let challenge = bench.options("alice", "").challenges().remove(0);
    // In any order, as they come over UDP.
    for count in [1, 3, 2, 40, 39] {
        assert_eq!(bench.options("alice", &answer(&challenge, "alice", "secret", count)).status(), 200);
    }
    // With other Call-IDs they come to both shards.
    for _ in 0..16 {
        assert!(bench.options("alice", &answer(&challenge, "alice", "secret", 2)).is_stale());
    }
    assert_eq!(bench.counter("Requests authenticated"), 5);
}

#[test]
fn a_phone_of_rfc_2069_is_let_in_once_a_request() {
    let mut bench = Bench::new(CONFIG);
    let challenge = bench.options("alice", "").challenges().remove(0).replace(",qop=\"auth\"", "");
    assert_eq!(bench.options("alice", &answer(&challenge, "alice", "secret", 1)).status(), 200);
    assert!(bench.options("alice", &answer(&challenge, "alice", "secret", 1)).is_stale());
}

#[test]
fn a_nonce_is_good_for_its_time_its_address_and_its_server() {
    let mut bench = Bench::new(CONFIG);
    let good = bench.credentials("alice", "alice", "secret");
    bench.now = 31_999;
    assert_eq!(bench.options("alice", &good).status(), 200);
    let good = bench.credentials("alice", "alice", "secret");
    bench.now += 32_000;
    assert!(bench.options("alice", &good).is_stale());

    let good = bench.credentials("alice", "alice", "secret");
    bench.source = "127.0.0.2:5999".parse().unwrap();
    assert!(bench.options("alice", &good).is_stale());
    // Another port is the same phone behind the same NAT.
    let good = bench.credentials("alice", "alice", "secret");
    bench.source.set_port(6001);
    assert_eq!(bench.options("alice", &good).status(), 200);

    let elsewhere = Bench::new(CONFIG).credentials("alice", "alice", "secret");
    assert!(bench.options("alice", &elsewhere).is_stale());
    let forged = elsewhere.replace("nonce=\"", "nonce=\"f");
    assert!(!bench.options("alice", &forged).is_stale(), "that hash is not right any more");
}

#[test]
fn any_of_several_auths_will_do_and_each_has_its_lifetime() {
    let config = CONFIG.to_owned()
        + "[two](phone)\nauth=alice,two\n[two]\ntype=auth\nusername=two\npassword=2\nnonce_lifetime=5\n";
    let mut bench = Bench::new(&config);
    // Equal challenges are sent once.
    assert_eq!(bench.options("two", "").challenges().len(), 1);
    for (user, password) in [("alice", "secret"), ("two", "2")] {
        let good = bench.credentials("two", user, password);
        assert_eq!(bench.options("two", &good).status(), 200);
    }
    for (user, password, status) in [("alice", "secret", 200), ("two", "2", 401)] {
        let good = bench.credentials("two", user, password);
        bench.now += 6_000;
        assert_eq!(bench.options("two", &good).status(), status);
    }
}

#[test]
fn all_algorithms_and_kept_digests() {
    let config = "[u]\ntype=transport\nbind=127.0.0.1:5060\n[a]\ntype=endpoint\nauth=a\n\
        [a]\ntype=auth\nauth_type=digest\nusername=alice\nrealm=pbx\n\
        supported_algorithms_uas=SHA-512-256,SHA-256,MD5\nsupported_algorithms_uac=MD5\n\
        password_digest=MD5:8af3d2a0d0bbf9a2a1e0ee1dd8b8a2c3\n\
        password=secret\n";
    let md5 = sip::digest::Hashes::default().ha1(sip::digest::Algorithm::Md5, "alice", "pbx", "other");
    let config = config.replace("8af3d2a0d0bbf9a2a1e0ee1dd8b8a2c3", md5.as_str());
    let mut bench = Bench::new(&config);
    let challenges = bench.options("a", "").challenges();
    for ((challenge, algorithm), password) in
        challenges.iter().zip(["SHA-512-256", "SHA-256", "MD5"]).zip(["secret", "secret", "other"])
    {
        assert!(challenge.contains("realm=\"pbx\",nonce=\""), "{challenge}");
        assert!(challenge.contains(&format!(",algorithm={algorithm},qop=\"auth\"")), "{challenge}");
        assert_eq!(bench.options("a", &answer(challenge, "alice", password, 1)).status(), 200);
    }
    assert_eq!(challenges.len(), 3);
    // A phone may answer several challenges at once, and others may have left something too.
    let challenges = bench.options("a", "").challenges();
    let all = "Authorization: Basic Zm9v\r\n".to_owned()
        + &answer(&challenges[0], "alice", "wrong", 1)
        + &answer(&challenges[1], "alice", "secret", 1);
    assert_eq!(bench.options("a", &all).status(), 200);
}

#[test]
fn what_cannot_be_read_is_no_answer() {
    let mut bench = Bench::new(CONFIG);
    for value in ["Basic Zm9v", "Digest", "Digest username=\"alice\"", "Digest =", "\"", "Digest realm=\"a"] {
        let refused = bench.options("alice", &format!("Authorization: {value}\r\n"));
        assert!(!refused.is_stale(), "{value}");
    }
    assert_eq!(bench.counter("Requests challenged"), 6);
    assert_eq!(bench.counter("Requests with wrong credentials"), 0);
}

#[test]
fn options_may_be_free() {
    let mut bench = Bench::new(CONFIG);
    assert_eq!(bench.options("open", "").status(), 200);
    assert_eq!(bench.options("alice", "").status(), 401);
}

#[test]
fn contacts_are_judged_by_their_host() {
    let mut bench = Bench::new(CONFIG);
    let good = bench.credentials("names", "alice", "secret");
    assert_eq!(bench.options("names", &(good + "Contact: <sip:a@127.0.0.9>\r\n")).status(), 200);
    for contact in ["<sip:a@192.0.2.1>", "<sip:a@127.0.0.9>, <sip:a@192.0.2.1>", "<sip:a@pbx.example.com>"] {
        let good = bench.credentials("names", "alice", "secret");
        assert_eq!(bench.options("names", &format!("{good}Contact: {contact}\r\n")).status(), 401);
    }
    let denied = bench.events().into_iter().filter(|event| event.starts_with("FailedAcl"));
    assert_eq!(denied.collect::<Vec<_>>(), ["FailedAcl(\"not_match_endpoint_contact_acl\") names"; 3]);
}

#[test]
fn type_acl_denies_everyone_while_its_module_is_missing() {
    let config = CONFIG.to_owned() + "[lock]\ntype=acl\ndeny=0.0.0.0/0\npermit=127.0.0.0/8\n";
    assert_eq!(Bench::new(&config).options("open", "").status(), 403);
    let mut bench = Bench::with(&config, |snapshot| snapshot.access.acl = true);
    assert_eq!(bench.options("open", "").status(), 200);
    bench.source = "192.0.2.1:5060".parse().unwrap();
    assert_eq!(bench.options("open", "").status(), 403);
    assert_eq!(bench.events(), ["FailedAcl(\"lock\") <unknown>"]);
}

/// Where phones are known by their Authorization, the first requests of an address are no attack.
#[test]
fn strangers_are_counted_where_authorization_identifies() {
    let config = CONFIG.replace("[phone](!)\n", "[phone](!)\nidentify_by=auth_username\n")
        + "[global]\ntype=global\nendpoint_identifier_order=auth_username\n";
    let mut bench = Bench::new(&config);
    let attacks = |bench: &Bench| bench.events().iter().filter(|event| event.starts_with("Invalid")).count();
    for _ in 0..4 {
        bench.options("x", "");
    }
    assert_eq!(attacks(&bench), 0);
    bench.options("x", "");
    bench.options("y", "");
    assert_eq!(attacks(&bench), 2, "the fifth within five seconds and those after it");
    bench.source = "127.0.0.2:1".parse().unwrap();
    bench.options("x", "");
    assert_eq!(attacks(&bench), 0, "another address");
    bench.source = "127.0.0.1:1".parse().unwrap();
    bench.now = 5_000;
    bench.options("x", "");
    assert_eq!(attacks(&bench), 0, "a new period");
    // The phone is challenged as a stranger and then known.
    for _ in 0..3 {
        let good = bench.credentials("x", "alice", "secret");
        assert_eq!(bench.options("x", &good).status(), 200);
    }
    assert_eq!(attacks(&bench), 0, "a phone with a password makes its address trusted");
}
