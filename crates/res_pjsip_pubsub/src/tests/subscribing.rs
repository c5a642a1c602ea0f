//! The life of a subscription: made, refreshed, notified, ended.

use std::sync::atomic::Ordering;

use super::office::*;

/// ```text
///   phone               us
///   |-- SUBSCRIBE ----->|
///   |<------------ 200 -|
///   |<--------- NOTIFY -|   the current state
///   |-- 200 ----------->|
/// ```
#[test]
fn a_subscribe_is_answered_and_then_notified() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    let (answer, notify) = phone.establish(&mut office, "Expires: 600\r\n");
    assert_eq!(header(&answer, "Expires"), "600");
    assert_eq!(header(&answer, "Contact"), "<sip:127.0.0.1:15060>");
    assert_eq!(header(&answer, "Allow"), "SUBSCRIBE");
    let names: Vec<&str> = notify
        .split("\r\n\r\n")
        .next()
        .unwrap()
        .lines()
        .skip(1)
        .map(|l| l.split(':').next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "Via",
            "From",
            "To",
            "Contact",
            "Call-ID",
            "CSeq",
            "Event",
            "Subscription-State",
            "Allow-Events",
            "Max-Forwards",
            "User-Agent",
            "Content-Type",
            "Content-Length"
        ]
    );
    assert_eq!(status(&notify), "NOTIFY sip:alice@127.0.0.1:5999 SIP/2.0");
    assert_eq!(header(&notify, "Subscription-State"), "active;expires=600");
    assert_eq!(header(&notify, "Allow-Events"), "presence, dialog");
    assert_eq!(header(&notify, "From"), format!("<sip:1000@127.0.0.1>;tag={}", phone.to_tag));
    assert_eq!(header(&notify, "Content-Type"), PIDF);
    assert_eq!(header(&notify, "Content-Length").trim(), body(&notify).len().to_string());
    assert_eq!(body(&notify), "state=0 local=sip:1000@127.0.0.1:15060 remote=sip:alice@127.0.0.1 version=0");
}

#[test]
fn a_change_is_notified_once() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "");
    office.set("1001", 1);
    office.nothing();
    office.set("1000", 1);
    let notify = office.one();
    assert!(body(&notify).starts_with("state=1 "), "{notify}");
    assert_eq!(header(&notify, "Subscription-State"), "active;expires=3600");
    office.feed(5999, &reply(&notify, "200 OK", ""));
    office.pass(100_000);
    office.nothing();
}

/// ```text
///   phone               us
///   |<------- NOTIFY 1 -|   state 1
///   |                   |   states 2, 3, 4
///   |-- 200 ----------->|
///   |<------- NOTIFY 2 -|   state 4
/// ```
#[test]
fn one_notify_in_flight_and_the_newest_state_wins() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "");
    office.set("1000", 1);
    let first = office.one();
    for state in [2, 4, 8] {
        office.set("1000", state);
    }
    office.nothing();
    office.feed(5999, &reply(&first, "200 OK", ""));
    let second = office.one();
    assert!(body(&second).starts_with("state=8 "), "{second}");
    let cseq = |m: &str| header(m, "CSeq").split(' ').next().unwrap().parse::<u32>().unwrap();
    assert_eq!(cseq(&second), cseq(&first) + 1);
}

#[test]
fn a_refresh_gets_the_current_state_and_moves_the_target() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    phone.establish(&mut office, "Expires: 100\r\n");
    office.pass(60_000);
    phone.port = 6001;
    // Without Expires the interval of before is granted again.
    let request = phone.subscribe("");
    office.feed(6001, &request);
    let sent = office.sent();
    assert_eq!(header(&sent[0].1, "Expires"), "100");
    assert_eq!(status(&sent[1].1), "NOTIFY sip:alice@127.0.0.1:6001 SIP/2.0");
    assert_eq!(sent[1].0, 6001);
    assert_eq!(header(&sent[1].1, "Subscription-State"), "active;expires=100");
    assert!(body(&sent[1].1).ends_with("version=1"));
    office.feed(6001, &reply(&sent[1].1, "200 OK", ""));
    office.pass(99_000);
    office.nothing();
    office.pass(1_100);
    assert_eq!(header(&office.one(), "Subscription-State"), "terminated;reason=timeout");
}

/// ```text
///   phone               us
///   |-- SUBSCRIBE 0 --->|
///   |<------------ 200 -|
///   |<--------- NOTIFY -|   terminated, with the state
///   |-- 200 ----------->|
///   |-- SUBSCRIBE ----->|
///   |<------------ 481 -|
/// ```
#[test]
fn a_phone_ends_its_subscription() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    phone.establish(&mut office, "");
    let request = phone.subscribe("Expires: 0\r\n");
    office.feed(5999, &request);
    let sent = office.sent();
    assert_eq!(header(&sent[0].1, "Expires"), "0");
    assert_eq!(header(&sent[1].1, "Subscription-State"), "terminated;reason=timeout");
    assert!(body(&sent[1].1).starts_with("state=0 "));
    for _ in 0..2 {
        let request = phone.subscribe("");
        office.feed(5999, &request);
        assert_eq!(status(&office.one()), "SIP/2.0 481 Call/Transaction Does Not Exist");
        office.feed(5999, &reply(&sent[1].1, "200 OK", ""));
    }
    assert_eq!(office.active(), 0);
    office.set("1000", 1);
    office.nothing();
}

#[test]
fn an_expired_subscription_is_told_so() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "Expires: 10\r\n");
    office.pass(9_900);
    office.nothing();
    office.pass(200);
    let notify = office.one();
    assert_eq!(header(&notify, "Subscription-State"), "terminated;reason=timeout");
    office.feed(5999, &reply(&notify, "200 OK", ""));
    assert_eq!(office.active(), 0);
}

#[test]
fn a_shorter_refresh_counts() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    phone.establish(&mut office, "Expires: 3000\r\n");
    phone.establish(&mut office, "Expires: 5\r\n");
    office.pass(5_100);
    assert_eq!(header(&office.one(), "Subscription-State"), "terminated;reason=timeout");
}

#[test]
fn more_than_an_hour_is_not_granted() {
    let mut office = Office::new();
    let (answer, notify) = Phone::new("alice", "1000").establish(&mut office, "Expires: 99999999999\r\n");
    assert_eq!(header(&answer, "Expires"), "3600");
    assert_eq!(header(&notify, "Subscription-State"), "active;expires=3600");
}

/// RFC 6665 4.4.3: 200 and one NOTIFY that says terminated.
#[test]
fn expires_0_outside_a_dialog_is_a_fetch() {
    let mut office = Office::new();
    office.set("1000", 8);
    let (answer, notify) = Phone::new("alice", "1000").establish(&mut office, "Expires: 0\r\n");
    assert_eq!(header(&answer, "Expires"), "0");
    assert_eq!(header(&notify, "Subscription-State"), "terminated;reason=timeout");
    assert!(body(&notify).starts_with("state=8 "));
    office.set("1000", 1);
    office.nothing();
    assert_eq!(office.active(), 0);
}

#[test]
fn the_end_of_an_extension_ends_its_subscriptions() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "");
    Phone::new("bob", "1001").establish(&mut office, "");
    office.take_away("1000");
    let notify = office.one();
    assert_eq!(header(&notify, "Subscription-State"), "terminated;reason=noresource");
    office.feed(5999, &reply(&notify, "200 OK", ""));
    assert_eq!(office.active(), 1);
}

/// A hint is deleted while an include still has the extension: the lamp follows.
#[test]
fn a_subscription_follows_its_extension_to_another_hint() {
    let mut office = Office::new();
    office.set_in("included", "1000", 8);
    for name in ["alice", "bob"] {
        Phone::new(name, "1000").establish(&mut office, "");
    }
    office.take_away("1000");
    let sent = office.sent();
    assert_eq!(sent.len(), 2);
    for (port, notify) in sent {
        assert_eq!(header(&notify, "Subscription-State"), "active;expires=3600");
        assert!(body(&notify).starts_with("state=8 "), "{notify}");
        office.feed(port, &reply(&notify, "200 OK", ""));
    }
    office.set_in("included", "1000", 1);
    assert_eq!(office.sent().len(), 2);
}

/// ```text
///   hint     alice                 bob
///   gone     NOTIFY terminated (unanswered)
///   back                           SUBSCRIBE: 200 and the new state
/// ```
#[test]
fn an_extension_that_is_back_can_be_watched_at_once() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "");
    office.take_away("1000");
    assert_eq!(header(&office.one(), "Subscription-State"), "terminated;reason=noresource");
    office.set("1000", 4);
    office.nothing();
    let (_, notify) = Phone::new("bob", "1000").establish(&mut office, "");
    assert_eq!(header(&notify, "Subscription-State"), "active;expires=3600");
    assert!(body(&notify).starts_with("state=4 "), "{notify}");
    assert_eq!(office.watchers("1000"), 1);
    office.pass(40_000);
    assert_eq!(
        (office.active(), office.watchers("1000")),
        (1, 1),
        "alice's end is not counted at the new hint"
    );
}

#[test]
fn watchers_are_counted() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    phone.establish(&mut office, "");
    Phone::new("bob", "1000").establish(&mut office, "Expires: 10\r\n");
    assert_eq!(office.watchers("1000"), 2);
    phone.establish(&mut office, "Expires: 0\r\n");
    assert_eq!(office.watchers("1000"), 1);
    office.pass(60_000);
    assert_eq!(office.watchers("1000"), 0);
}

#[test]
fn the_event_header_comes_back_with_its_id() {
    let mut office = Office::new();
    let mut phone = Phone { event: "dialog;id=77;x=y", ..Phone::new("alice", "1000") };
    let (_, notify) = phone.establish(&mut office, "");
    assert_eq!(header(&notify, "Event"), "dialog;id=77;x=y");
    assert_eq!(header(&notify, "Content-Type"), DIALOG_INFO);
    phone.event = "dialog;id=78";
    let request = phone.subscribe("");
    office.feed(5999, &request);
    assert_eq!(status(&office.one()), "SIP/2.0 481 Call/Transaction Does Not Exist");
}

#[test]
fn routes_are_kept_and_the_first_one_is_the_way() {
    let mut office = Office::new();
    let (answer, notify) = Phone::new("alice", "1000").establish(
        &mut office,
        "Record-Route: <sip:127.0.0.1:7000;lr>\r\nRecord-Route: <sip:192.0.2.8;lr>\r\n",
    );
    assert_eq!(header(&answer, "Record-Route"), "<sip:127.0.0.1:7000;lr>");
    let routes: Vec<&str> = notify.lines().filter(|l| l.starts_with("Route: ")).collect();
    assert_eq!(routes, ["Route: <sip:127.0.0.1:7000;lr>", "Route: <sip:192.0.2.8;lr>"]);
    office.set("1000", 1);
    assert_eq!(office.sent()[0].0, 7000);
}

#[test]
fn equal_bodies_are_made_once() {
    let mut office = Office::new();
    for (index, name) in ["alice", "bob", "carol"].into_iter().enumerate() {
        for copy in 0..5 {
            let call_id = format!("{name}-{copy}");
            Phone { port: 6000 + index as u16, call_id, ..Phone::new(name, "1000") }
                .establish(&mut office, "");
        }
    }
    let before = office.extensions.generated.load(Ordering::Relaxed);
    office.set("1000", 1);
    assert_eq!(office.sent().len(), 15);
    // The body names the watcher: one for each of three phones, not for each of fifteen keys.
    assert_eq!(office.extensions.generated.load(Ordering::Relaxed) - before, 3);
}

#[test]
fn a_retransmitted_subscribe_makes_no_second_subscription() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    let request = phone.subscribe("");
    office.feed(5999, &request);
    let first = office.sent();
    office.feed(5999, &request);
    assert_eq!(office.sent(), first[..1]);
    assert_eq!(office.active(), 1);
}
