//! Modules come and go under live subscriptions.

use super::office::*;

#[test]
fn without_its_module_an_event_is_bad() {
    let mut office = Office::new();
    office.load(&["pidf", "dialog_info"]);
    let request = Phone::new("alice", "1000").subscribe("");
    office.feed(5999, &request);
    let answer = office.one();
    assert_eq!(status(&answer), "SIP/2.0 489 Bad Event");
    assert_eq!(header(&answer, "Allow-Events"), "", "there is none to name");
}

#[test]
fn without_a_generator_its_body_is_bad_and_others_work() {
    let mut office = Office::new();
    office.load(&["exten_state", "dialog_info"]);
    let request = Phone::new("alice", "1000").subscribe("");
    office.feed(5999, &request);
    assert_eq!(status(&office.one()), "SIP/2.0 489 Bad Event");
    Phone { event: "dialog", ..Phone::new("bob", "1000") }.establish(&mut office, "");
}

#[test]
fn a_subscription_waits_for_its_generator() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "");
    office.load(&["exten_state", "dialog_info"]);
    office.set("1000", 1);
    office.nothing();
    office.set("1000", 2);
    office.nothing();
    office.load(&["exten_state", "dialog_info", "pidf"]);
    assert!(body(&office.one()).starts_with("state=2 "));
}

#[test]
fn a_generator_that_fails_spoils_one_notify_only() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "");
    office.set("1000", 666);
    office.nothing();
    office.set("1000", 1);
    assert!(body(&office.one()).starts_with("state=1 "));
}

#[test]
fn the_first_notify_goes_out_even_without_a_body() {
    let mut office = Office::new();
    office.set("1000", 666);
    let (_, notify) = Phone::new("alice", "1000").establish(&mut office, "");
    assert_eq!(body(&notify), "");
    assert_eq!(header(&notify, "Content-Type"), "");
}

#[test]
#[should_panic(expected = "event package 'presence' is registered already")]
fn an_event_that_is_taken_is_refused() {
    Office::new().load(&["exten_state", "exten_state"]);
}

#[test]
#[should_panic(expected = "a body generator for 'application/pidf+xml' is registered already")]
fn a_media_type_that_is_taken_is_refused() {
    Office::new().load(&["pidf", "pidf"]);
}
