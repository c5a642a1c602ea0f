//! Which SUBSCRIBE is refused, and how. Status codes are Asterisk's; headers that an RFC asks for
//! are added.

use super::office::*;

fn refused(phone: &mut Phone, extra: &str) -> String {
    let mut office = Office::new();
    let request = phone.subscribe(extra);
    office.feed(5999, &request);
    let answer = office.one();
    assert_eq!(office.active(), 0);
    assert_eq!(header(&answer, "To").split_once(";tag=").unwrap().1, format!("z9hG4bK{}-1", phone.call_id));
    answer
}

fn status_for(name: &'static str, exten: &'static str, event: &'static str, extra: &str) -> String {
    status(&refused(&mut Phone { event, ..Phone::new(name, exten) }, extra)).to_owned()
}

#[test]
fn status_codes_are_asterisks() {
    for (name, exten, event, extra, expected) in [
        ("nosub", "1000", "presence", "", "603 Decline"),
        // The endpoint is asked first, whatever else is wrong.
        ("nosub", "9999", "nonsense", "Accept: text/plain\r\n", "603 Decline"),
        ("slow", "1000", "presence", "Expires: 59\r\n", "423 Interval Too Brief"),
        ("alice", "1000", "message-summary", "", "489 Bad Event"),
        ("alice", "1000", "Presence", "", "489 Bad Event"),
        ("alice", "1000", "presence", "Accept: text/plain\r\n", "489 Bad Event"),
        ("alice", "1000", "presence", "Accept: application/pidf+xml;q=0\r\n", "489 Bad Event"),
        ("alice", "9999", "presence", "", "404 Not Found"),
        ("elsewhere", "1000", "presence", "", "404 Not Found"),
        ("alice", "1000", "presence", "Expires: soon\r\n", "400 Bad Expires header"),
        ("alice", "1000", "presence", "Require: eventlist\r\n", "420 Bad Extension"),
    ] {
        assert_eq!(
            status_for(name, exten, event, extra),
            format!("SIP/2.0 {expected}"),
            "{name} {event} {extra}"
        );
    }
}

#[test]
fn a_missing_event_is_a_bad_one() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    let request = phone.subscribe("").replace("Event: presence\r\n", "");
    office.feed(5999, &request);
    let answer = office.one();
    assert_eq!(status(&answer), "SIP/2.0 489 Bad Event");
    assert_eq!(header(&answer, "Allow-Events"), "presence, dialog");
}

#[test]
fn refusals_say_what_would_do() {
    let answer = refused(&mut Phone::new("slow", "1000"), "Expires: 59\r\n");
    assert_eq!(header(&answer, "Min-Expires"), "60");
    let answer = refused(&mut Phone { event: "x", ..Phone::new("alice", "1000") }, "");
    assert_eq!(header(&answer, "Allow-Events"), "presence, dialog");
}

#[test]
fn an_absent_or_zero_expires_is_never_too_brief() {
    for extra in ["", "Expires: 0\r\n", "Expires: 60\r\n"] {
        Phone::new("slow", "1000").establish(&mut Office::new(), extra);
    }
}

#[test]
fn accept_chooses_the_body() {
    for (event, accept, expected) in [
        ("presence", "", PIDF),
        ("dialog", "", DIALOG_INFO),
        ("presence", "Accept: application/dialog-info+xml\r\n", DIALOG_INFO),
        ("presence", "Accept: text/plain, application/pidf+xml\r\n", PIDF),
        ("presence", "Accept: text/plain\r\nAccept: APPLICATION/PIDF+XML\r\n", PIDF),
        ("presence", "Accept: application/*\r\n", PIDF),
        ("dialog", "Accept: */*\r\n", DIALOG_INFO),
        ("presence", "Accept: application/pidf+xml;q=0.5, application/dialog-info+xml\r\n", DIALOG_INFO),
        ("presence", "Accept: multipart/related, application/rlmi+xml\r\n", PIDF),
        ("presence", "Accept: application/rlmi+xml, application/dialog-info+xml\r\n", DIALOG_INFO),
    ] {
        let mut phone = Phone { event, ..Phone::new("alice", "1000") };
        let (_, notify) = phone.establish(&mut Office::new(), accept);
        assert_eq!(header(&notify, "Content-Type"), expected, "{event} {accept}");
    }
}

#[test]
fn thousands_of_accept_values_are_no_problem() {
    let values = vec!["text/x"; 1000].join(",");
    assert_eq!(
        status_for("alice", "1000", "presence", &format!("Accept: {values}\r\n")),
        "SIP/2.0 489 Bad Event"
    );
}

/// What a refresh may not do. The subscription stays as it was.
#[test]
fn a_refused_refresh_changes_nothing() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    phone.establish(&mut office, "");
    let gone = "481 Call/Transaction Does Not Exist";
    let mut refresh = |phone: Phone, extra: &str, expected: &str| {
        let request = Phone { branch: phone.branch + 10, ..phone }.subscribe(extra);
        office.feed(7000, &request.replace("127.0.0.1:5999", "127.0.0.1:7000"));
        assert_eq!(status(&office.one()), format!("SIP/2.0 {expected}"));
    };
    refresh(Phone { cseq: 0, ..phone.clone() }, "", "500 Invalid CSeq");
    refresh(Phone { to_tag: "other".into(), branch: 100, ..phone.clone() }, "", gone);
    refresh(Phone { name: "bob", branch: 200, ..phone.clone() }, "", gone);
    refresh(Phone { event: "dialog", branch: 300, ..phone.clone() }, "", gone);
    refresh(Phone { branch: 400, ..phone.clone() }, "Accept: text/plain\r\n", "489 Bad Event");
    refresh(Phone { branch: 500, ..phone.clone() }, "Expires: soon\r\n", "400 Bad Expires header");
    office.set("1000", 1);
    let sent = office.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, 5999, "still to the old target");
}

#[test]
fn accept_is_honoured_on_refresh() {
    let mut office = Office::new();
    let mut phone = Phone::new("alice", "1000");
    phone.establish(&mut office, "");
    let (_, notify) = phone.establish(&mut office, "Accept: application/dialog-info+xml\r\n");
    assert_eq!(header(&notify, "Content-Type"), DIALOG_INFO);
    let (_, notify) = phone.establish(&mut office, "");
    assert_eq!(header(&notify, "Content-Type"), DIALOG_INFO, "without Accept it stays");
}
