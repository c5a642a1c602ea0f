//! Who is refused, how, and what the log says about it.

use std::time::Duration;

use e2e::{Boot, Config, Golden, Message, Phone, Server, Subscribe};

/// The office and the endpoint `denied`, which no address may use.
fn office() -> Config {
    Config::office().append("pjsip.conf", "[denied](phone)\ndeny=0.0.0.0/0\n")
}

/// What the NOTICE lines since the boot say, without date, thread and place.
fn notices(log: &str) -> Vec<&str> {
    let (_, log) = log.split_once("Ready.\n").expect("the server has booted");
    let lines = log.lines().filter_map(|line| line.split_once("] NOTICE["));
    lines.filter_map(|(_, rest)| rest.splitn(3, ": ").nth(2)).collect()
}

/// Stops the server; its log since the boot must have these notices and no others.
#[track_caller]
fn assert_notices(server: Server, expected: &[String]) {
    let log = server.stop();
    assert_eq!(notices(&log), expected, "{log}");
}

/// A challenge without what is random in it.
fn challenge(answer: &Message) -> String {
    let value = answer.header("WWW-Authenticate");
    let hidden = value.split(',').map(|part| match part.split_once('=') {
        Some((name @ ("nonce" | "opaque"), random)) => {
            assert!(random.len() > 8, "{value}");
            format!("{name}=({} characters)", random.len())
        }
        _ => part.to_owned(),
    });
    hidden.collect::<Vec<_>>().join(",")
}

/// Nobody learns from the answer which names exist: all of them get the same challenge.
#[test]
fn whoever_cannot_be_let_in_looks_like_a_stranger() {
    let server = Server::start(office());
    let golden = Golden::notify("refuse-unknown-endpoint", server.port());
    let mut expected = Vec::new();
    let mut challenges = Vec::new();
    for (name, why) in [
        ("stranger", Some("No matching endpoint found")),
        // Every phone asks without a password first.
        ("secret", None),
        ("denied", Some("Not match Endpoint ACL")),
    ] {
        let mut phone = Phone::new(&server, name);
        let (call_id, answer) = phone.try_subscribe(&Subscribe::presence("1000"));
        assert_eq!(answer.start_line(), golden.start_line());
        assert_eq!(answer.header_names(), golden.header_names(), "{answer}");
        assert_eq!(answer.header("Server"), golden.header("Server"));
        assert_eq!(answer.tag("To"), format!("z9hG4bK{call_id}-1"), "{answer}");
        challenges.push(challenge(&answer));
        expected.extend(why.map(|why| format!(
            "Request 'SUBSCRIBE' from '<sip:{name}@127.0.0.1>' failed for '{}' (callid: {call_id}) - {why}",
            phone.address()
        )));
    }
    assert_eq!(challenges[0], challenges[1]);
    assert_eq!(challenges[0], challenges[2]);
    let ask = Subscribe::presence("1000").header(
        "Authorization",
        "Digest username=\"secret\",realm=\"asterisk\",nonce=\"n\",uri=\"sip:1000\",response=\"0\",algorithm=MD5",
    );
    let mut phone = Phone::new(&server, "secret");
    let (call_id, answer) = phone.try_subscribe(&ask);
    assert_eq!(answer.status(), 401);
    expected.push(format!(
        "Request 'SUBSCRIBE' from '<sip:secret@127.0.0.1>' failed for '{}' (callid: {call_id}) - Failed to authenticate",
        phone.address()
    ));
    assert_eq!(server.counter("Requests without endpoint"), 1);
    assert_notices(server, &expected);
}

#[test]
fn a_source_that_the_acl_denies_gets_403() {
    let config = Config::office().append("pjsip.conf", "[home]\ntype=acl\ndeny=127.0.0.8\n");
    let server = Server::start(config);
    let mut denied = Phone::between([127, 0, 0, 8].into(), server.address(), "alice");
    let answer = denied.try_subscribe(&Subscribe::presence("1000")).1;
    assert_eq!(answer.start_line(), "SIP/2.0 403 Forbidden");
    assert_eq!(denied.options().status(), 403);
    let mut alice = Phone::new(&server, "alice");
    alice.subscribe(Subscribe::presence("1000"));
    let line = |method: &str, uri: String| {
        let from = denied.address();
        format!("{method} from {from} for 'sip:{uri}' refused: the address is not permitted (type=acl) (403)")
    };
    let address = server.address();
    let expected = [line("SUBSCRIBE", format!("1000@{address}")), line("OPTIONS", address.to_string())];
    assert_notices(server, &expected);
}

/// A lock whose module is missing stays shut, and the operator is told.
#[test]
fn without_its_module_type_acl_denies_everyone() {
    let config = Config::office().append("pjsip.conf", "[home]\ntype=acl\ndeny=127.0.0.8\n");
    let boot = Boot::new(&config.without("res_pjsip_acl"));
    let checked = boot.starling(&["--check-config"]).expect(1).stdout;
    assert!(checked.contains("[home]: res_pjsip_acl is not loaded: everyone is denied"), "{checked}");
    let server = boot.start();
    assert!(server.log().contains("res_pjsip_acl is not loaded: everyone is denied"), "{}", server.log());
    assert_eq!(Phone::new(&server, "alice").status(&Subscribe::presence("1000")), 403);
    server.stop();
}

/// A SUBSCRIBE that is refused: who asks for what, the answer, the header it brings beside those that
/// Asterisk sends, the capture of Asterisk's answer, and why.
struct Case {
    endpoint: &'static str,
    ask: Subscribe,
    answer: &'static str,
    header: Option<(&'static str, &'static str)>,
    golden: Option<&'static str>,
    why: &'static str,
}

fn case(endpoint: &'static str, ask: Subscribe, answer: &'static str, why: &'static str) -> Case {
    Case { endpoint, ask, answer, header: None, golden: None, why }
}

impl Case {
    fn header(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    fn golden(self, name: &'static str) -> Self {
        Self { golden: Some(name), ..self }
    }
}

/// What an endpoint that is let in may not have.
fn cases() -> Vec<Case> {
    let events = ("Allow-Events", "presence, dialog");
    let bad_event = |ask, why| case("alice", ask, "489 Bad Event", why).header(events.0, events.1);
    let asks = Subscribe::presence;
    vec![
        case("nosub", asks("1000"), "603 Decline", "allow_subscribe=no").golden("refuse-not-allowed"),
        case("nosub", asks("9999").event("nonsense"), "603 Decline", "allow_subscribe=no"),
        case(
            "slow",
            asks("1000").expires("59"),
            "423 Interval Too Brief",
            "Expires 59 is below sub_min_expiry=60",
        )
        .header("Min-Expires", "60"),
        bad_event(asks("1000").no_event(), "no Event header").golden("refuse-no-event"),
        bad_event(asks("1000").event("call-info"), "no module serves event 'call-info'")
            .golden("refuse-unknown-event"),
        bad_event(
            asks("1000").accept("text/plain"),
            "no module makes a body of event 'presence' that Accept allows: text/plain",
        )
        .golden("refuse-bad-accept"),
        bad_event(
            asks("1000").accept("application/pidf+xml;q=0, text/plain"),
            "no module makes a body of event 'presence' that Accept allows: application/pidf+xml;q=0, text/plain",
        ),
        case(
            "alice",
            asks("9999"),
            "404 Not Found",
            "event 'presence' knows no such resource in context 'default'",
        )
        .golden("refuse-no-hint"),
        case(
            "alice",
            asks("").edit("sip:@", "sip:"),
            "404 Not Found",
            "event 'presence' knows no such resource in context 'default'",
        ),
        case("alice", asks("1000").expires("soon"), "400 Bad Expires header", "Bad Expires header"),
        case(
            "alice",
            asks("1000").header("Event", "dialog"),
            "400 Several Event headers",
            "Several Event headers",
        ),
        case(
            "alice",
            asks("1000").edit("Contact:", "X-Contact:"),
            "400 Missing Contact header",
            "Missing Contact header",
        ),
        case(
            "alice",
            asks("1000").edit("Contact: <sip:", "Contact: <:"),
            "400 Bad Contact header",
            "Bad Contact header",
        ),
        case(
            "alice",
            asks("1000").edit("Contact: <sip:", "Contact: <mailto:"),
            "416 Unsupported URI Scheme",
            "Unsupported URI Scheme",
        ),
        case(
            "alice",
            asks("1000").edit("SUBSCRIBE sip:", "SUBSCRIBE urn:"),
            "416 Unsupported URI Scheme",
            "Unsupported URI Scheme",
        ),
        case(
            "alice",
            asks("1000").edit("1 SUBSCRIBE", "1 NOTIFY"),
            "400 CSeq method does not match the request",
            "CSeq method does not match the request",
        ),
        case(
            "alice",
            asks("1000").edit(" SIP/2.0\r\nVia", " SIP/3.0\r\nVia"),
            "505 Version Not Supported",
            "Version Not Supported",
        ),
        case(
            "alice",
            asks("1000").header("Require", "eventlist, 100rel"),
            "420 Bad Extension",
            "it requires eventlist, 100rel, which nothing here supports",
        )
        .header("Unsupported", "eventlist, 100rel"),
    ]
}

/// Refused before anybody asks whose request it is.
fn before_identification(case: &Case) -> bool {
    !["603", "423", "489", "404", "420"].iter().any(|status| case.answer.starts_with(status))
}

#[test]
fn what_is_refused_gets_its_status_and_one_line_in_the_log() {
    let server = Server::start(office());
    let mut expected = Vec::new();
    for case in cases() {
        let mut phone = Phone::new(&server, case.endpoint);
        let (_, text) = phone.request(&case.ask);
        let uri = text.split(' ').nth(1).expect("a Request-URI").to_owned();
        let (_, answer) = phone.try_subscribe(&case.ask);
        assert_eq!(answer.start_line(), format!("SIP/2.0 {}", case.answer), "{text}");
        if let Some((name, value)) = case.header {
            assert_eq!(answer.header(name), value, "{answer}");
        }
        if let Some(name) = case.golden {
            let golden = Golden::notify(name, server.port());
            assert_eq!(answer.start_line(), golden.start_line());
            let ours = case.header.map_or("", |(name, _)| name);
            let names: Vec<_> = answer.header_names().into_iter().filter(|name| *name != ours).collect();
            assert_eq!(names, golden.header_names(), "{answer}");
        }
        let who = match before_identification(&case) {
            true => format!("from {}", phone.address()),
            false => format!("of endpoint '{}'", case.endpoint),
        };
        let (status, why) = (&case.answer[..3], case.why);
        expected.push(format!("SUBSCRIBE {who} for '{uri}' refused: {why} ({status})"));
    }
    let refused = expected.len() as u64;
    assert_eq!(server.counter("Requests refused"), refused);
    // Nothing came of any of them.
    assert_eq!(server.counter("Packets sent"), refused);
    assert_eq!(server.run("pjsip show subscriptions inbound").lines().last(), Some("0 active subscriptions"));
    assert_notices(server, &expected);
}

#[test]
fn a_subscription_is_its_dialogs_alone() {
    let server = Server::start(office());
    let (mut alice, mut bob) = (Phone::new(&server, "alice"), Phone::new(&server, "bob"));
    let mut lamp = alice.subscribe(Subscribe::presence("1000"));
    let uri = format!("sip:1000@{}", server.address());
    let mut expected = Vec::new();
    let mut refused = |endpoint: &str, why: &str, status: u16| {
        expected.push(format!("SUBSCRIBE of endpoint '{endpoint}' for '{uri}' refused: {why} ({status})"));
    };

    let mut unknown = lamp.clone();
    unknown.set_cseq(50);
    unknown.set_to_tag("forged");
    assert_eq!(alice.in_dialog(&mut unknown).status(), 481);
    refused("alice", "no such dialog", 481);

    // bob has learned Call-ID and tags.
    let mut stolen = lamp.clone();
    stolen.set_cseq(10);
    stolen.change(|ask| ask.expires("0"));
    assert_eq!(bob.in_dialog(&mut stolen).status(), 481);
    refused("bob", "the dialog belongs to another endpoint", 481);

    let mut other = lamp.clone();
    other.set_cseq(20);
    other.change(|ask| ask.event("presence;id=2"));
    assert_eq!(alice.in_dialog(&mut other).status(), 481);
    refused("alice", "the dialog has no subscription to this event", 481);
    other.change(|ask| ask.event("dialog"));
    assert_eq!(alice.in_dialog(&mut other).status(), 481);
    refused("alice", "the dialog has no subscription to this event", 481);

    // What was refused has not used up a number: the next refresh may have the second one.
    alice.refresh(&mut lamp, 600);
    lamp.set_cseq(30);
    alice.refresh(&mut lamp, 600);
    let mut late = lamp.clone();
    late.set_cseq(6);
    let answer = alice.in_dialog(&mut late);
    assert_eq!(answer.start_line(), "SIP/2.0 500 Invalid CSeq");
    refused("alice", "CSeq 7 is not above 31", 500);

    // None of it has done anything to the subscription.
    server.devstate("Custom:a", "BUSY");
    assert!(alice.notify(&mut lamp).body().contains("On the phone"));
    alice.unsubscribe(lamp);
    assert_notices(server, &expected);
}

/// RFC 3261 section 8.2.2.2: a forked SUBSCRIBE that arrives by two ways is one subscription.
#[test]
fn the_same_subscribe_by_another_way_is_482() {
    let server = Server::start(office());
    let mut phone = Phone::new(&server, "alice");
    let (call_id, text) = phone.request(&Subscribe::presence("1000"));
    phone.send(text.as_bytes());
    assert_eq!(phone.receive_answer(&call_id, 1).status(), 200);
    phone.receive_notify(&call_id);
    phone.send(text.replace("branch=z9hG4bK", "branch=z9hG4bKother").as_bytes());
    assert_eq!(phone.receive_answer(&call_id, 1).start_line(), "SIP/2.0 482 Loop Detected");
    // The same branch is no other way but a copy: the same answer again.
    phone.send(text.as_bytes());
    assert_eq!(phone.receive_answer(&call_id, 1).status(), 200);
    phone.nothing_for(Duration::from_millis(200));
    assert_eq!(server.run("pjsip show subscriptions inbound").lines().last(), Some("1 active subscriptions"));
    let expected = format!(
        "SUBSCRIBE from {} for 'sip:1000@{}' refused: the same request has come by another way (482)",
        phone.address(),
        server.address()
    );
    assert_notices(server, &[expected]);
}

#[test]
fn an_endpoint_is_known_by_its_address_whatever_from_says() {
    let config = Config::office()
        .append("pjsip.conf", "[gateway](phone)\ncontext=gateway\n[gateway]\ntype=identify\n")
        .append("pjsip.conf", "endpoint=gateway\nmatch=127.0.0.7\n")
        .append("extensions.conf", "[gateway]\nexten => 7000,hint,Custom:g\n");
    let server = Server::start(config);
    for name in ["alice", "stranger", "secret", "nosub"] {
        let mut phone = Phone::between([127, 0, 0, 7].into(), server.address(), name);
        assert_eq!(phone.status(&Subscribe::presence("7000")), 200, "{name}");
        assert_eq!(phone.status(&Subscribe::presence("1000")), 404, "{name}");
    }
    let mut elsewhere = Phone::between([127, 0, 0, 6].into(), server.address(), "gateway");
    assert_eq!(elsewhere.status(&Subscribe::presence("7000")), 200, "its name is enough elsewhere");
    let mut stranger = Phone::between([127, 0, 0, 6].into(), server.address(), "stranger");
    assert_eq!(stranger.status(&Subscribe::presence("7000")), 401);
    let shown = server.run("pjsip show subscriptions inbound");
    assert_eq!(shown.lines().last(), Some("5 active subscriptions"), "{shown}");
    server.stop();
}

#[test]
fn anonymous_is_whom_nobody_knows_if_its_module_is_loaded() {
    let with_endpoint = Config::office()
        .append("pjsip.conf", "[anonymous](phone)\ncontext=lobby\n")
        .append("extensions.conf", "[lobby]\nexten => 1,hint,Custom:door\n");
    let server = Server::start(with_endpoint.clone());
    assert_eq!(Phone::new(&server, "stranger").status(&Subscribe::presence("1")), 401, "no module");
    server.stop();

    let module = "load => res_pjsip_endpoint_identifier_anonymous.so\n";
    let server = Server::start(with_endpoint.append("modules.conf", module));
    let mut stranger = Phone::new(&server, "stranger");
    let mut lamp = stranger.subscribe(Subscribe::presence("1"));
    assert_eq!(stranger.status(&Subscribe::presence("1000")), 404);
    server.devstate("Custom:door", "INUSE");
    assert!(stranger.notify(&mut lamp).body().contains("On the phone"));
    // Whoever has a name keeps it.
    assert_eq!(Phone::new(&server, "alice").status(&Subscribe::presence("1000")), 200);
    assert_eq!(Phone::new(&server, "secret").status(&Subscribe::presence("1")), 401);
    server.stop();
}

/// What an attacker would like to read in the log, so that somebody else's address is banned.
const FAKE: &str = "[1999-01-01 00:00:00] NOTICE[1] res_pjsip/pjsip_distributor.c: \
                    Request 'SUBSCRIBE' from 'x' failed for '192.0.2.1:5060' (callid: x) - No matching endpoint found";

/// The address that a line of the log blames, read as fail2ban's filter for Asterisk reads it:
/// `Request '[^']*' from '[^']*' failed for 'ADDRESS' \(callid: [^)]*\) - No matching endpoint found$`.
fn blamed(line: &str) -> Option<&str> {
    let mut quotes = line.split_once("Request '")?.1.splitn(7, '\'');
    let mut text = |expected: &str| (quotes.nth(1)? == expected).then_some(());
    text(" from ")?;
    text(" failed for ")?;
    let address = quotes.next()?;
    let call_id = quotes.next()?.strip_prefix(" (callid: ")?;
    call_id.split_once(')').filter(|(_, why)| *why == " - No matching endpoint found")?;
    Some(address)
}

#[test]
fn no_phone_can_forge_a_line_in_the_log() {
    let mut server = Server::start(office());
    let quotes = "x'_failed_for_'192.0.2.1:5060'_(callid:_x)_-_";
    let asks = [
        // Folded lines, which have a line end inside.
        Subscribe::presence("9999").edit("From: ", &format!("From: \"a\r\n {FAKE}\" ")),
        Subscribe::presence("9999").accept(&format!("text/plain\r\n {FAKE}")),
        Subscribe::presence("9999").header("Require", &format!("a, b\r\n\t{FAKE}\r\n ")),
        // Control characters, and what breaks or reorders lines on a screen.
        Subscribe::presence("9999").edit("From: ", "From: \"\r\u{1b}[2J\u{7f}\u{85}\u{2028}\u{202e}\u{0}\" "),
        Subscribe::presence("9999").accept("text/plain, a/b\r\u{1b}[1A\u{8}\u{b}\u{c}\u{9b}2J"),
        Subscribe::presence("9999").header("Require", "a\r\u{1b}[2J\u{2029}\u{0}"),
        Subscribe::presence("9999").event("a\u{1b}b"),
        // Escapes of URIs stay escapes.
        Subscribe::presence("%0d%0a%5b2026%5d%20NOTICE%5b1%5d:%20x"),
        Subscribe::presence("1%00%1b%0a\\n\\r"),
        // Quotes and brackets, to end a field early.
        Subscribe::presence("9999").edit("From: ", &format!("From: \"{}\" ", quotes.replace('_', " "))),
        Subscribe::presence("9999").edit("From: ", "From: \"' failed for '192.0.2.1:1' (callid: \" "),
        Subscribe::presence("9999").edit("Call-ID: ", &format!("Call-ID: {quotes}")),
        Subscribe::presence("9'_failed_for_'192.0.2.1:5060'_"),
        Subscribe::presence("9999").event("x'_failed_for_'y"),
    ];
    let mut refused = Vec::new();
    for name in ["alice", "stranger"] {
        for ask in &asks {
            let mut phone = Phone::new(&server, name);
            let (_, text) = phone.request(ask);
            phone.send(text.as_bytes());
            let answer = phone.receive(|message| message.start_line().starts_with("SIP/2.0 "));
            assert!(answer.status() >= 400, "{text}\n{answer}");
            refused.push((phone.address().to_string(), answer.status()));
        }
    }
    // The end of the server writes out its log.
    server = server.restart();
    let log = std::fs::read_to_string(server.boot().path("log/messages")).expect("logger.conf names it");
    assert!(
        !log.contains(|c: char| c.is_control() && c != '\n' || "\u{2028}\u{2029}\u{202e}".contains(c)),
        "{log:?}"
    );
    assert!(log.lines().all(|line| line.starts_with("[20")), "{log}");
    let lines: Vec<_> = log.lines().filter(|line| line.contains("SUBSCRIBE")).collect();
    assert_eq!(lines.len(), refused.len(), "{log}");
    for (line, (address, status)) in lines.iter().zip(&refused) {
        let expected = (*status == 401).then_some(address.as_str());
        assert_eq!(blamed(line), expected, "{line}");
        let message = line.split_once(": ").map_or("", |(_, message)| message);
        let ours = [
            "Request 'SUBSCRIBE' from '".to_owned(),
            "SUBSCRIBE of endpoint 'alice' for 'sip:".to_owned(),
            format!("SUBSCRIBE from {address} for 'sip:"),
        ];
        assert!(ours.iter().any(|start| message.starts_with(start)), "{line}");
    }
    server.stop();
}
