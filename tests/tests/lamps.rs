//! A state changes, and the lamps show it: bodies and headers byte for byte as Asterisk's.

use std::time::Duration;

use e2e::{Config, Golden, Message, Phone, Server, Subscribe};

const PIDF: &str = "application/pidf+xml";
const XPIDF: &str = "application/xpidf+xml";
const CPIM: &str = "application/cpim-pidf+xml";
const DIALOG_INFO: &str = "application/dialog-info+xml";

/// All nine device states, in an order in which each is another extension state than the one before;
/// and for each the capture that shows it.
type Walk = [(&'static str, &'static str); 9];

#[track_caller]
fn assert_golden_body(notify: &Message, expected: &str) {
    assert_eq!(comparable(notify.body()), comparable(expected), "{notify}");
}

/// Makes equal what is never the same: the atom of XPIDF, which is random, and dialog-info's version,
/// where Asterisk counts changes and we count NOTIFYs.
fn comparable(body: &str) -> String {
    let mut text = body.to_owned();
    for start in ["atomid=\"", "dialog-info\" version=\""] {
        let Some(at) = text.find(start).map(|at| at + start.len()) else { continue };
        let length = text[at..].find('"').unwrap_or_default();
        text.replace_range(at..at + length, "*");
    }
    text
}

/// Takes a lamp through all states.
fn all_states(ask: Subscribe, media_type: &str, prefix: &str, walk: Walk) {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(ask);
    let golden = |name: &str| Golden::notify(&format!("{prefix}-{name}"), server.port()).body().to_owned();
    assert_eq!(lamp.last.header("Content-Type"), media_type);
    assert_golden_body(&lamp.last, &golden(if prefix == "pidf" { "NOT_INUSE" } else { "initial" }));
    for (state, capture) in walk {
        server.devstate("Custom:a", state);
        let notify = phone.notify(&mut lamp);
        let expected = match capture.split_once(" with note ") {
            // Not captured: it differs from another one by these words only.
            Some((capture, note)) => golden(capture).replace("<note>Ringing<", &format!("<note>{note}<")),
            None => golden(capture),
        };
        assert_golden_body(notify, &expected);
        assert_eq!(notify.header("Content-Type"), media_type);
    }
    let last = phone.unsubscribe(lamp);
    assert_golden_body(&last, &golden("terminated"));
    server.stop();
}

#[test]
fn pidf_shows_all_nine_states() {
    let walk = [
        ("INUSE", "INUSE"),
        ("BUSY", "BUSY"),
        ("INVALID", "INVALID"),
        ("RINGING", "RINGING"),
        ("RINGINUSE", "RINGINUSE"),
        ("ONHOLD", "RINGING with note On hold"),
        ("NOT_INUSE", "NOT_INUSE"),
        ("UNAVAILABLE", "INVALID"),
        ("UNKNOWN", "NOT_INUSE"),
    ];
    all_states(Subscribe::presence("1000"), PIDF, "pidf", walk);
}

#[test]
fn xpidf_shows_all_nine_states() {
    let walk = [
        ("INUSE", "INUSE"),
        ("BUSY", "BUSY"),
        ("INVALID", "INVALID"),
        ("RINGING", "RINGING"),
        ("RINGINUSE", "INUSE"),
        ("ONHOLD", "ONHOLD"),
        ("NOT_INUSE", "NOT_INUSE"),
        ("UNAVAILABLE", "INVALID"),
        ("UNKNOWN", "NOT_INUSE"),
    ];
    all_states(Subscribe::presence("1000").accept(XPIDF), XPIDF, "xpidf", walk);
}

#[test]
fn cpim_pidf_shows_all_nine_states() {
    let walk = [
        ("INUSE", "INUSE"),
        ("BUSY", "BUSY"),
        ("INVALID", "INVALID"),
        ("RINGING", "INUSE"),
        ("RINGINUSE", "RINGINUSE"),
        ("ONHOLD", "ONHOLD"),
        ("NOT_INUSE", "NOT_INUSE"),
        ("UNAVAILABLE", "INVALID"),
        ("UNKNOWN", "NOT_INUSE"),
    ];
    all_states(Subscribe::presence("1000").accept(CPIM), CPIM, "cpim", walk);
}

#[test]
fn dialog_info_shows_all_nine_states() {
    let walk = [
        ("INUSE", "INUSE"),
        ("BUSY", "INUSE"),
        ("INVALID", "INVALID"),
        ("RINGING", "RINGING"),
        ("RINGINUSE", "RINGINUSE"),
        ("ONHOLD", "ONHOLD"),
        ("NOT_INUSE", "NOT_INUSE"),
        ("UNAVAILABLE", "INVALID"),
        ("UNKNOWN", "NOT_INUSE"),
    ];
    all_states(Subscribe::dialog("1000"), DIALOG_INFO, "dialog-info", walk);
}

/// RFC 4235 section 4.1: the version is one more in each document that a phone gets.
#[test]
fn the_version_of_dialog_info_counts_every_notify() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::dialog("1000"));
    let version = |notify: &Message| {
        let (_, rest) = notify.body().split_once("dialog-info\" version=\"").expect("a version");
        rest.split('"').next().expect("its end").parse::<u32>().expect("a number")
    };
    assert_eq!(version(&lamp.last), 0);
    server.devstate("Custom:a", "INUSE");
    assert_eq!(version(phone.notify(&mut lamp)), 1);
    phone.refresh(&mut lamp, 600);
    assert_eq!(version(&lamp.last), 2);
    server.devstate("Custom:a", "RINGING");
    assert_eq!(version(phone.notify(&mut lamp)), 3);
    assert_eq!(version(&phone.unsubscribe(lamp)), 4);
    server.stop();
}

#[test]
fn ringing_while_in_use_is_early_for_endpoints_that_want_it() {
    let server = Server::start(Config::office());
    server.devstate("Custom:a", "RINGINUSE");
    let golden = Golden::notify("dialog-info-early-RINGINUSE", server.port());
    let mut early = Phone::new(&server, "early");
    let lamp = early.subscribe(Subscribe::dialog("1000"));
    assert_golden_body(&lamp.last, golden.body());
    let golden = Golden::notify("dialog-info-RINGINUSE", server.port());
    let mut alice = Phone::new(&server, "alice");
    let lamp = alice.subscribe(Subscribe::dialog("1000"));
    assert_golden_body(&lamp.last, golden.body());
    server.stop();
}

/// A hint of one device, too: Asterisk loses the caller there.
#[test]
fn a_ringing_lamp_says_who_is_calling() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::dialog("1000"));
    let remote = |notify: &Message| {
        let (_, rest) = notify.body().split_once("<remote>")?;
        let (_, rest) = rest.split_once("<identity display=\"")?;
        let (name, rest) = rest.split_once("\">sip:")?;
        let (number, _) = rest.split_once('@')?;
        Some((name.to_owned(), number.to_owned()))
    };
    let call = |name: &str, number: &str| Some((name.to_owned(), number.to_owned()));
    server.run("devstate change Custom:a RINGING \"Alice <4444>\"");
    assert_eq!(remote(phone.notify(&mut lamp)), call("Alice", "4444"));
    assert!(server.run("core explain hint 1000@default").contains("call from \"Alice\" <4444>"));
    // It rings for someone else: the same state, and still news.
    server.run("devstate change Custom:a RINGING \"Bob <&> Co <5555>\"");
    assert_eq!(remote(phone.notify(&mut lamp)), call("Bob &lt;&amp;&gt; Co", "5555"));
    server.devstate("Custom:a", "INUSE");
    assert_eq!(remote(phone.notify(&mut lamp)), None);
    server.stop();
}

/// Header names and their order; the values that do not change from one dialog to the next.
#[test]
fn the_answer_to_a_subscribe_has_asterisks_headers() {
    let server = Server::start(Config::office());
    for (ask, name) in [
        (Subscribe::presence("1000"), "pidf-200"),
        (Subscribe::presence("1000").accept(XPIDF), "xpidf-200"),
        (Subscribe::presence("1000").accept(CPIM), "cpim-200"),
        (Subscribe::dialog("1000"), "dialog-info-200"),
    ] {
        let golden = Golden::notify(name, server.port());
        let mut phone = Phone::new(&server, "alice");
        let (_, answer) = phone.try_subscribe(&ask);
        assert_eq!(answer.start_line(), golden.start_line());
        assert_eq!(answer.header_names(), golden.header_names(), "{answer}");
        for header in ["Contact", "Expires", "CSeq", "Server", "Content-Length", "From"] {
            let without_tag = |value: &str| value.split(";tag=").next().map(str::to_owned);
            assert_eq!(without_tag(answer.header(header)), without_tag(golden.header(header)), "{answer}");
        }
        assert_eq!(answer.header("Allow"), "OPTIONS, REGISTER, SUBSCRIBE", "{answer}");
        let via =
            format!("SIP/2.0/UDP {0};rport={1};received=127.0.0.1;", phone.address(), phone.address().port());
        assert!(answer.header("Via").starts_with(&via), "{answer}");
        assert!(!answer.tag("To").is_empty(), "{answer}");
    }
    server.stop();
}

#[test]
fn a_notify_has_asterisks_headers() {
    let server = Server::start(Config::office());
    for (ask, name) in [
        (Subscribe::presence("1000"), "pidf"),
        (Subscribe::presence("1000").accept(XPIDF), "xpidf"),
        (Subscribe::presence("1000").accept(CPIM), "cpim"),
        (Subscribe::dialog("1000"), "dialog-info"),
    ] {
        let mut phone = Phone::new(&server, "alice");
        let lamp = phone.subscribe(ask);
        let golden = Golden::notify(&format!("{name}-NOT_INUSE"), server.port());
        let first = &lamp.last;
        assert_eq!(first.start_line(), format!("NOTIFY sip:alice@{} SIP/2.0", phone.address()));
        assert_eq!(first.header_names(), golden.header_names(), "{first}");
        for header in ["Contact", "Event", "Allow-Events", "Max-Forwards", "User-Agent", "Content-Type"] {
            assert_eq!(first.header(header), golden.header(header), "{first}");
        }
        let uri = |value: &str| value.split(";tag=").next().map(str::to_owned);
        for header in ["From", "To"] {
            assert_eq!(uri(first.header(header)), uri(golden.header(header)), "{first}");
        }
        let via = format!("SIP/2.0/UDP 127.0.0.1:{};rport;branch=z9hG4bK", server.port());
        assert!(first.header("Via").starts_with(&via), "{first}");
        assert_eq!(first.tag("To"), lamp.answer.tag("From"));
        let left = first.header("Subscription-State").strip_prefix("active;expires=").expect("an active one");
        let left: u32 = left.parse().expect("a number");
        assert!((3500..=3600).contains(&left), "{first}");
        let last = phone.unsubscribe(lamp);
        assert_eq!(last.header_names(), golden.header_names(), "{last}");
    }
    server.stop();
}

#[test]
fn every_watcher_of_an_extension_is_told() {
    let server = Server::start(Config::office());
    let mut phones: Vec<_> = (0..20)
        .map(|number| {
            let mut phone = Phone::new(&server, if number % 2 == 0 { "alice" } else { "bob" });
            let ask = if number % 3 == 0 { Subscribe::dialog("1000") } else { Subscribe::presence("1000") };
            let lamp = phone.subscribe(ask);
            (phone, lamp)
        })
        .collect();
    assert!(
        server.run("core show hint 1000").contains("Watchers 20"),
        "{}",
        server.run("core show hint 1000")
    );
    for (state, pidf, dialog) in
        [("INUSE", "On the phone", "confirmed"), ("NOT_INUSE", "Ready", "terminated")]
    {
        server.devstate("Custom:a", state);
        for (phone, lamp) in &mut phones {
            let notify = phone.notify(lamp);
            assert!(notify.body().contains(pidf) || notify.body().contains(dialog), "{notify}");
        }
    }
    for (mut phone, lamp) in phones {
        phone.unsubscribe(lamp);
    }
    assert!(server.run("core show hint 1000").contains("Watchers  0"));
    server.stop();
}

/// One phone with many lamps, as a sidecar has.
#[test]
fn one_phone_may_watch_many_extensions() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut lamps: Vec<_> =
        (2000..2060).map(|number| phone.subscribe(Subscribe::dialog(&number.to_string()))).collect();
    for at in [0, 31, 59] {
        server.devstate(&format!("Custom:p{}", 2000 + at), "RINGING");
        let notify = phone.notify(&mut lamps[at]);
        assert!(
            notify.body().contains(&format!("<dialog id=\"{}\" direction=\"recipient\">", 2000 + at)),
            "{notify}"
        );
    }
    phone.nothing_for(Duration::from_millis(300));
    server.stop();
}

/// `1002` is `Custom:a&Custom:b`.
#[test]
fn several_devices_of_a_hint_are_aggregated() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1002"));
    for (device, state, note) in [
        ("Custom:a", "INUSE", "On the phone"),
        ("Custom:b", "RINGING", "Ringing"),   // in use and ringing
        ("Custom:a", "NOT_INUSE", "Ringing"), // no longer in use
        ("Custom:b", "ONHOLD", "On hold"),
        ("Custom:b", "UNAVAILABLE", "Ready"), // one of them can still be reached
        ("Custom:a", "UNAVAILABLE", "Unavailable"),
    ] {
        server.devstate(device, state);
        let notify = phone.notify(&mut lamp);
        assert!(notify.body().contains(&format!("<note>{note}</note>")), "{device} {state}: {notify}");
    }
    // Worse than what shows already: nobody is told.
    server.devstate("Custom:a", "INVALID");
    phone.nothing_for(Duration::from_millis(300));
    server.stop();
}

#[test]
fn a_state_that_is_set_again_is_not_told_again() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    for _ in 0..3 {
        server.devstate("Custom:a", "BUSY");
    }
    phone.notify(&mut lamp);
    phone.nothing_for(Duration::from_millis(300));
    server.stop();
}

/// RFC 6665 section 4.2.2: at most one NOTIFY is under way, and the last one tells the newest state.
#[test]
fn a_slow_phone_gets_the_newest_state_only() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    phone.answer_nothing();
    server.devstate("Custom:a", "INUSE");
    let first = phone.notify(&mut lamp).clone();
    for state in ["RINGING", "BUSY", "ONHOLD", "UNAVAILABLE"] {
        server.devstate("Custom:a", state);
    }
    // The copy of the first one is answered; only then comes the next.
    phone.answer_with("200 OK");
    let copy = phone.receive_notify(lamp.call_id());
    assert_eq!(copy.text(), first.text());
    let newest = phone.notify(&mut lamp);
    assert!(newest.body().contains("<note>Unavailable</note>"), "{newest}");
    assert_eq!(newest.cseq(), first.cseq() + 1);
    phone.nothing_for(Duration::from_millis(300));
    server.stop();
}

#[test]
fn a_fetch_gets_one_notify_and_no_subscription() {
    let server = Server::start(Config::office());
    server.devstate("Custom:a", "ONHOLD");
    let mut phone = Phone::new(&server, "alice");
    let lamp = phone.subscribe(Subscribe::presence("1000").expires("0"));
    assert_eq!(lamp.answer.header("Expires"), "0");
    assert_eq!(lamp.last.header("Subscription-State"), "terminated;reason=timeout");
    assert!(lamp.last.body().contains("<note>On hold</note>"));
    assert_eq!(server.run("pjsip show subscriptions inbound").lines().last(), Some("0 active subscriptions"));
    server.stop();
}

#[test]
fn a_subscription_that_is_not_refreshed_ends() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000").expires("2"));
    assert_eq!(lamp.answer.header("Expires"), "2");
    let last = phone.notify(&mut lamp);
    assert_eq!(last.header("Subscription-State"), "terminated;reason=timeout");
    lamp.set_cseq(10);
    assert_eq!(phone.in_dialog(&mut lamp).status(), 481);
    assert_eq!(server.counter("Subscriptions expired"), 1);
    server.stop();
}

#[test]
fn a_refresh_keeps_a_subscription_alive() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000").expires("20"));
    let answer = phone.refresh(&mut lamp, 600);
    assert_eq!(answer.header("Expires"), "600");
    assert_eq!(answer.tag("To"), lamp.answer.tag("To"));
    let left = lamp.last.header("Subscription-State").strip_prefix("active;expires=").expect("an active one");
    assert!(left.parse::<u32>().expect("a number") > 540, "{}", lamp.last);
    assert_eq!(server.counter("Subscriptions refreshed"), 1);
    server.stop();
}

#[test]
fn no_expires_means_an_hour_and_more_is_cut_to_it() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    for ask in [Subscribe::presence("1000").no_expires(), Subscribe::presence("1000").expires("86400")] {
        let lamp = phone.subscribe(ask);
        assert_eq!(lamp.answer.header("Expires"), "3600");
    }
    server.stop();
}

#[test]
fn the_event_id_is_kept() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let lamp = phone.subscribe(Subscribe::dialog("1000").event("dialog;id=7"));
    assert_eq!(lamp.last.header("Event"), "dialog;id=7");
    server.stop();
}

/// `Accept` may name any body for any of the two events, as with Asterisk.
#[test]
fn accept_chooses_the_body() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    for (event, accept, expected) in [
        ("presence", DIALOG_INFO, DIALOG_INFO),
        ("dialog", PIDF, PIDF),
        ("presence", "text/plain, application/cpim-pidf+xml", CPIM),
        ("presence", "application/xpidf+xml;q=0.2, application/pidf+xml;q=0.9", PIDF),
        ("dialog", "*/*", DIALOG_INFO),
    ] {
        let lamp = phone.subscribe(Subscribe::presence("1000").event(event).accept(accept));
        assert_eq!(lamp.last.header("Content-Type"), expected, "{event} {accept}");
    }
    server.stop();
}

#[test]
fn a_phone_that_says_481_is_told_nothing_more() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    phone.answer_with("481 Subscription does not exist");
    server.devstate("Custom:a", "INUSE");
    phone.notify(&mut lamp);
    lamp.set_cseq(10);
    assert_eq!(phone.in_dialog(&mut lamp).status(), 481);
    server.devstate("Custom:a", "NOT_INUSE");
    phone.nothing_for(Duration::from_millis(300));
    assert_eq!(server.counter("Subscriptions ended by a failed NOTIFY"), 1);
    server.stop();
}

/// A phone that is busy asks for patience and gets the newest state afterwards.
#[test]
fn retry_after_is_honoured() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    phone.answer_with("503 Service Unavailable\r\nRetry-After: 1");
    server.devstate("Custom:a", "INUSE");
    phone.notify(&mut lamp);
    phone.answer_with("200 OK");
    let again = phone.notify(&mut lamp);
    assert!(again.body().contains("On the phone"), "{again}");
    server.stop();
}

#[test]
fn extensions_are_looked_up_in_the_subscribe_context() {
    let config = Config::office()
        .append("extensions.conf", "[lamps]\nexten => 7000,hint,Custom:a\n")
        .append("pjsip.conf", "[elsewhere](phone)\nsubscribe_context=lamps\n");
    let server = Server::start(config);
    let mut phone = Phone::new(&server, "elsewhere");
    assert_eq!(phone.status(&Subscribe::presence("1000")), 404);
    phone.subscribe(Subscribe::presence("7000"));
    server.stop();
}
