//! Connections that break under subscriptions, and phones that come back.

use res_pjsip::{ClosedConnection, ConnectionId, Peer};

use super::office::*;
use crate::flow::NewFlow;

const TCP: u16 = 1;
const WS: u16 = 2;

/// A phone's connection number `serial`, from port 40000.
fn connection(transport: u16, serial: u64) -> Peer {
    let peer = Peer::new(transport, ([127, 0, 0, 1], 40_000).into());
    Peer { connection: Some(ConnectionId::new(0, serial)), ..peer }
}

fn closed(peer: Peer) -> ClosedConnection {
    ClosedConnection { peer, dialed: false }
}

/// The only message that has been sent, with where it goes.
#[track_caller]
fn one(office: &mut Office) -> (Peer, String) {
    let mut all = office.sent_to_peers();
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// Subscribes by a connection; Contact is `<sip:NAME@127.0.0.1:5999>`, or what `contact` says.
fn subscribe(office: &mut Office, phone: &mut Phone, peer: Peer, contact: &str) {
    let contact_of_phone = format!("<sip:{}@127.0.0.1:5999>", phone.name);
    let request = phone.subscribe("").replace(&contact_of_phone, contact);
    office.feed_by(peer, &request);
    let sent = office.sent_to_peers();
    let [(answered, answer), (notified, notify)] = &sent[..] else { panic!("{sent:#?}") };
    assert!(answer.starts_with("SIP/2.0 200 OK\r\n"), "{answer}");
    assert_eq!((*answered, *notified), (peer, peer));
    phone.to_tag = header(answer, "To").split_once(";tag=").unwrap().1.to_owned();
    office.feed_by(peer, &reply(notify, "200 OK", ""));
}

/// ```text
///  phone             us
///    |== SUBSCRIBE ==>|   connection 1
///    |       ╳        |   connection 1 is gone
///    |<===== NOTIFY ==|   to the Contact: we connect to it
///    |       ╳        |   nobody listens there
///    |                |   60 s
///    |<===== NOTIFY ==|   once more
///    |== SUBSCRIBE ==>|   connection 2
///    |<===== NOTIFY ==|   the newest state
/// ```
#[test]
fn a_lost_connection_is_replaced_or_waited_for() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    subscribe(&mut office, &mut phone, connection(TCP, 1), "<sip:alice@127.0.0.1:5999;transport=tcp>");
    office.close(closed(connection(TCP, 1)));
    office.nothing();

    office.set("1000", 1);
    let (peer, notify) = one(&mut office);
    let target = Peer::new(TCP, ([127, 0, 0, 1], 5999).into());
    assert_eq!(peer, target);
    assert!(header(&notify, "Via").starts_with("SIP/2.0/TCP 127.0.0.1:15060;"), "{notify}");
    office.pass(10_000);
    office.nothing();

    let failed = ClosedConnection { peer: target, dialed: true };
    office.close(failed);
    office.set("1000", 2);
    office.pass(59_000);
    office.nothing();
    office.pass(2_000);
    let (peer, notify) = one(&mut office);
    assert_eq!((peer, body(&notify).split(' ').next()), (target, Some("state=2")));

    office.close(failed);
    office.set("1000", 1);
    office.nothing();
    office.feed_by(connection(TCP, 2), &phone.subscribe(""));
    let sent = office.sent_to_peers();
    let [_, (peer, notify)] = &sent[..] else { panic!("{sent:#?}") };
    assert_eq!((*peer, body(notify).split(' ').next()), (connection(TCP, 2), Some("state=1")));
    assert_eq!(office.active(), 1);
}

#[test]
fn a_notify_in_flight_on_a_lost_connection_is_not_the_end() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    subscribe(&mut office, &mut phone, connection(TCP, 1), "<sip:alice@host.invalid;transport=tcp>");
    office.set("1000", 1);
    one(&mut office);
    office.close(closed(connection(TCP, 1)));
    // Long after timer F.
    office.pass(120_000);
    office.nothing();
    assert_eq!(office.active(), 1);
    office.feed_by(connection(TCP, 2), &phone.subscribe(""));
    let sent = office.sent_to_peers();
    assert!(body(&sent[1].1).starts_with("state=1 "), "{sent:#?}");
}

#[test]
fn a_browser_is_waited_for_and_followed_when_it_registers() {
    let mut office = Office::new();
    let mut phones = ["alice", "bob"].map(|name| Phone::new(name, "1000"));
    for (serial, phone) in (1..).zip(&mut phones) {
        let contact = format!("<sip:{}@x1.invalid;transport=ws>", phone.name);
        subscribe(&mut office, phone, connection(WS, serial), &contact);
        office.close(closed(connection(WS, serial)));
    }
    office.set("1000", 1);
    office.pass(300_000);
    office.nothing();

    let flow = |endpoint: &str, contact: &str, only_contact, serial| NewFlow {
        endpoint: endpoint.into(),
        contact: contact.into(),
        only_contact,
        replaces: None,
        peer: connection(WS, serial),
    };
    office.new_flow(flow("carol", "sip:alice@x1.invalid", true, 3));
    office.new_flow(flow("alice", "sip:alice@x2.invalid", false, 3));
    office.nothing();
    office.new_flow(flow("alice", "sip:alice@X1.invalid;transport=ws", false, 4));
    let (peer, notify) = one(&mut office);
    assert_eq!((peer, header(&notify, "Call-ID")), (connection(WS, 4), "alice-1000"));
    assert!(body(&notify).starts_with("state=1 "), "{notify}");
    office.new_flow(flow("bob", "sip:bob@x9.invalid", true, 5));
    let (peer, notify) = one(&mut office);
    assert_eq!((peer, header(&notify, "Call-ID")), (connection(WS, 5), "bob-1000"));
}

#[test]
fn a_phone_that_registers_by_another_connection_is_followed_at_once() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    let contact = "<sip:alice@x1.invalid;transport=ws>";
    subscribe(&mut office, &mut phone, connection(WS, 1), contact);
    office.new_flow(NewFlow {
        endpoint: "alice".into(),
        contact: "sip:alice@x1.invalid".into(),
        only_contact: false,
        replaces: connection(WS, 1).connection,
        peer: connection(WS, 2),
    });
    let (peer, _) = one(&mut office);
    assert_eq!(peer, connection(WS, 2));
}

/// The phone has vanished without a word, and the network keeps its connection open.
#[test]
fn a_connection_by_which_nobody_answers_is_given_up() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    subscribe(&mut office, &mut phone, connection(WS, 1), "<sip:alice@x1.invalid;transport=ws>");
    office.set("1000", 1);
    one(&mut office);
    office.pass(40_000);
    office.nothing();
    assert_eq!(office.active(), 1);
    office.feed_by(connection(WS, 2), &phone.subscribe(""));
    let sent = office.sent_to_peers();
    assert!(body(&sent[1].1).starts_with("state=1 "), "{sent:#?}");
}

#[test]
fn a_subscription_without_a_way_ends_in_silence() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    subscribe(&mut office, &mut phone, connection(WS, 1), "<sip:alice@x1.invalid;transport=ws>");
    office.close(closed(connection(WS, 1)));
    office.pass(3_601_000);
    office.nothing();
    assert_eq!((office.active(), office.watchers("1000")), (0, 0));
}
