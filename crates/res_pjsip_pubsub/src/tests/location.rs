//! Contacts and routes that are names.

use res_pjsip::config::Protocol;
use res_pjsip::resolve::{Answer, ResolveError, Target};

use super::office::*;

fn targets(ports: &[u16]) -> Answer {
    let target = |port: &u16| Target {
        protocol: Protocol::Udp,
        address: ([127, 0, 0, 1], *port).into(),
        domain: "phones.test".into(),
    };
    Ok(ports.iter().map(target).collect())
}

/// A phone whose Contact is a name has subscribed; its SUBSCRIBE has been answered.
fn subscribed(office: &mut Office) -> Phone {
    let mut alice = Phone::new("alice", "1000");
    let request = alice.subscribe("").replace("<sip:alice@127.0.0.1:5999>", "<sip:alice@phones.test>");
    office.feed(5999, &request);
    let answer = office.one();
    assert!(answer.starts_with("SIP/2.0 200 OK\r\n"), "{answer}");
    alice.to_tag = header(&answer, "To").split_once(";tag=").unwrap().1.to_owned();
    alice
}

/// The only packet, and the port it goes to.
fn one_to(office: &mut Office) -> (u16, String) {
    let mut all = office.sent();
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// ```text
/// phone           shard         resolver
///   │ SUBSCRIBE     │               │
///   ├──────────────▶├──────────────▶│
///   │◀── 200 ───────┤               │   (a state changes)
///   │               │◀──────────────┤
///   │◀── NOTIFY ────┤ newest state, to the first address
/// ```
#[test]
fn the_first_notify_waits_for_the_address() {
    let mut office = Office::new();
    subscribed(&mut office);
    office.set("1000", 1);
    office.pass(3000);
    office.nothing();
    let asked = office.questions();
    assert_eq!(asked.len(), 1);
    assert_eq!((&*asked[0].1.host, asked[0].1.port), ("phones.test", None));
    office.resolve(asked[0].0, targets(&[7001, 7002]));
    let (port, notify) = one_to(&mut office);
    assert_eq!(port, 7001);
    assert!(notify.starts_with("NOTIFY sip:alice@phones.test SIP/2.0\r\n"), "{notify}");
    assert!(body(&notify).starts_with("state=1 "), "{notify}");
}

#[test]
fn without_an_address_the_source_will_do() {
    let mut office = Office::new();
    subscribed(&mut office);
    let asked = office.questions();
    office.resolve(asked[0].0, Err(ResolveError::NotFound("phones.test".into())));
    assert_eq!(one_to(&mut office).0, 5999);
}

#[test]
fn the_next_address_is_tried_when_nobody_answers_or_cannot() {
    let mut office = Office::new();
    subscribed(&mut office);
    let asked = office.questions();
    office.resolve(asked[0].0, targets(&[7001, 7002, 7003]));
    office.sent();
    office.pass(32_000);
    let last = office.sent().pop().expect("a NOTIFY");
    assert_eq!(last.0, 7002);
    office.feed(7002, &reply(&last.1, "503 Service Unavailable", "Retry-After: 100\r\n"));
    let (port, notify) = one_to(&mut office);
    assert_eq!(port, 7003);
    office.feed(7003, &reply(&notify, "200 OK", ""));
    // It stays there.
    office.set("1000", 2);
    let (port, notify) = one_to(&mut office);
    assert_eq!(port, 7003);
    office.feed(7003, &reply(&notify, "200 OK", ""));
    assert_eq!(office.active(), 1);
    // When all have failed, it is as with one.
    office.set("1000", 1);
    office.pass(32_000);
    assert_eq!(office.active(), 0);
}

#[test]
fn a_refresh_asks_again_and_stays_where_it_is_as_long_as_that_is_there() {
    let mut office = Office::new();
    let mut alice = subscribed(&mut office);
    let asked = office.questions();
    office.resolve(asked[0].0, targets(&[7001]));
    let first = office.one();
    office.feed(7001, &reply(&first, "200 OK", ""));

    let request = alice.subscribe("").replace("<sip:alice@127.0.0.1:5999>", "<sip:alice@phones.test>");
    office.feed(5999, &request);
    let sent = office.sent();
    assert_eq!(sent.len(), 2, "the same name: its NOTIFY does not wait: {sent:#?}");
    assert_eq!(sent[1].0, 7001);
    office.feed(7001, &reply(&sent[1].1, "200 OK", ""));
    let asked = office.questions();
    office.resolve(asked[0].0, targets(&[7002, 7001]));
    office.set("1000", 1);
    let (port, notify) = one_to(&mut office);
    assert_eq!(port, 7001);
    office.feed(7001, &reply(&notify, "200 OK", ""));

    // Another name: its address first.
    let request = alice.subscribe("").replace("<sip:alice@127.0.0.1:5999>", "<sip:alice@other.test>");
    office.feed(5999, &request);
    assert!(office.one().starts_with("SIP/2.0 200 OK\r\n"));
    let asked = office.questions();
    office.resolve(asked[0].0, targets(&[7009]));
    let (port, notify) = one_to(&mut office);
    assert_eq!(port, 7009);
    assert!(notify.starts_with("NOTIFY sip:alice@other.test "), "{notify}");
}

#[test]
fn an_end_while_the_address_is_looked_up_goes_there_too() {
    let mut office = Office::new();
    let mut alice = subscribed(&mut office);
    let request = alice.subscribe("Expires: 0\r\n");
    office.feed(5999, &request.replace("<sip:alice@127.0.0.1:5999>", "<sip:alice@phones.test>"));
    assert!(office.one().starts_with("SIP/2.0 200 OK\r\n"));
    for (token, _) in office.questions() {
        office.resolve(token, targets(&[7001]));
    }
    let (port, notify) = one_to(&mut office);
    assert_eq!((port, header(&notify, "Subscription-State")), (7001, "terminated;reason=timeout"));
    office.feed(7001, &reply(&notify, "200 OK", ""));
    assert_eq!(office.active(), 0);
}
