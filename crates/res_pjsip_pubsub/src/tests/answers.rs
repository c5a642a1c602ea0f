//! What the answer to a NOTIFY means.

use super::office::*;

fn notified() -> (Office, Phone, String) {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    phone.establish(&mut office, "Expires: 3000\r\n");
    office.set("1000", 1);
    let notify = office.one();
    (office, phone, notify)
}

#[test]
fn answers_that_end_a_subscription() {
    for status in [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604] {
        let (mut office, _, notify) = notified();
        office.feed(5999, &reply(&notify, &format!("{status} Gone"), ""));
        assert_eq!(office.active(), 0, "{status}");
        office.set("1000", 2);
        office.nothing();
    }
}

#[test]
fn other_errors_keep_it_and_the_next_change_is_tried() {
    for status in [302, 400, 401, 403, 407, 486, 500, 503, 600] {
        let (mut office, _, notify) = notified();
        office.feed(5999, &reply(&notify, &format!("{status} Trouble"), ""));
        assert_eq!(office.active(), 1, "{status}");
        office.nothing();
        office.set("1000", 2);
        assert!(body(&office.one()).starts_with("state=2 "));
    }
}

#[test]
fn even_481_with_retry_after_ends_it() {
    let (mut office, _, notify) = notified();
    office.feed(5999, &reply(&notify, "481 Gone", "Retry-After: 5\r\n"));
    assert_eq!(office.active(), 0);
}

/// ```text
///   phone               us
///   |<--------- NOTIFY -|  0 s   state 1
///   |-- 503 ----------->|        Retry-After: 7
///   |<--------- NOTIFY -|  7 s   the newest state
/// ```
#[test]
fn retry_after_is_waited_for_and_then_the_newest_state_is_sent() {
    let (mut office, _, notify) = notified();
    office.feed(5999, &reply(&notify, "503 Busy", "Retry-After: 7\r\n"));
    office.pass(6_900);
    office.nothing();
    office.pass(200);
    assert!(body(&office.one()).starts_with("state=1 "));
}

/// ```text
///   phone               us
///   x<--------- NOTIFY -|  0 s
///   x<--------- NOTIFY -|  0.5, 1.5, 3.5, 7.5, 11.5 … 31.5 s   the same bytes
///   |                   | 32 s   removed
/// ```
#[test]
fn an_unanswered_notify_is_repeated_and_then_the_subscription_is_removed() {
    let (mut office, mut phone, notify) = notified();
    office.pass(31_900);
    let copies = office.sent();
    assert_eq!(copies.len(), 10);
    assert!(copies.iter().all(|(_, copy)| *copy == notify));
    assert_eq!(office.active(), 1);
    office.pass(200);
    office.nothing();
    assert_eq!(office.active(), 0);
    let request = phone.subscribe("");
    office.feed(5999, &request);
    assert_eq!(status(&office.one()), "SIP/2.0 481 Call/Transaction Does Not Exist");
}

#[test]
fn a_late_answer_stops_the_copies() {
    let (mut office, _, notify) = notified();
    office.pass(1_600);
    assert_eq!(office.sent().len(), 2);
    office.feed(5999, &reply(&notify, "200 OK", ""));
    office.feed(5999, &reply(&notify, "200 OK", ""));
    office.pass(60_000);
    office.nothing();
    assert_eq!(office.active(), 1);
}

#[test]
fn a_subscription_that_expires_with_a_notify_in_flight_ends_after_it() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "Expires: 10\r\n");
    office.pass(9_800);
    office.set("1000", 1);
    let notify = office.one();
    office.pass(400);
    office.nothing();
    office.feed(5999, &reply(&notify, "200 OK", ""));
    let last = office.one();
    assert_eq!(header(&last, "Subscription-State"), "terminated;reason=timeout");
    office.pass(40_000);
    assert_eq!(office.active(), 0, "nobody answers the last one: it is gone all the same");
}
