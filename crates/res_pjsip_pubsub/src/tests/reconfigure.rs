//! Another `pjsip.conf` under live subscriptions.

use super::office::*;

#[test]
fn who_did_not_change_hears_nothing() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "");
    office.configure(CONFIG, |_| {});
    office.nothing();
    let text = CONFIG.replace("[bob](phone)", "[bob](phone)\nallow_subscribe=no");
    office.configure(&text.replace("user_agent=golden", "user_agent=new"), |_| {});
    office.nothing();
    office.set("1000", 1);
    let notify = office.one();
    assert_eq!(header(&notify, "User-Agent"), "new");
    assert!(header(&notify, "Subscription-State").starts_with("active;"));
}

#[test]
fn who_may_not_subscribe_any_more_is_rejected() {
    for (from, to) in [("[alice](phone)\n", ""), ("[alice](phone)", "[alice](phone)\nallow_subscribe=no")] {
        let mut office = Office::new();
        let mut alice = Phone::new("alice", "1000");
        alice.establish(&mut office, "");
        Phone { port: 5998, ..Phone::new("bob", "1000") }.establish(&mut office, "");
        office.configure(&CONFIG.replace(from, to), |_| {});
        let last = office.one();
        assert_eq!(header(&last, "Subscription-State"), "terminated;reason=rejected");
        assert!(last.starts_with("NOTIFY sip:alice@"), "{last}");
        office.feed(5999, &reply(&last, "200 OK", ""));
        assert_eq!((office.active(), office.watchers("1000")), (1, 1));
        let refresh = alice.subscribe("");
        office.feed(5999, &refresh);
        assert!(!status(&office.one()).ends_with(" 200 OK"));
    }
}

#[test]
fn an_end_waits_for_the_answer_of_what_is_in_flight() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "");
    office.set("1000", 1);
    let in_flight = office.one();
    office.configure(&CONFIG.replace("[alice](phone)\n", ""), |_| {});
    office.nothing();
    office.feed(5999, &reply(&in_flight, "200 OK", ""));
    assert_eq!(header(&office.one(), "Subscription-State"), "terminated;reason=rejected");
}

#[test]
fn another_context_is_another_resource_or_none() {
    let elsewhere = CONFIG.replace("[alice](phone)", "[alice](phone)\nsubscribe_context=other");
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "");
    office.configure(&elsewhere, |_| {});
    let last = office.one();
    assert_eq!(header(&last, "Subscription-State"), "terminated;reason=noresource");
    office.feed(5999, &reply(&last, "200 OK", ""));
    assert_eq!((office.active(), office.watchers("1000")), (0, 0), "the hint itself is still there");

    let mut office = Office::new();
    office.set_in("other", "1000", 8);
    Phone::new("alice", "1000").establish(&mut office, "");
    office.configure(&elsewhere, |_| {});
    let notify = office.one();
    assert!(body(&notify).starts_with("state=8 "), "{notify}");
    office.feed(5999, &reply(&notify, "200 OK", ""));
    assert_eq!((office.active(), office.watchers("1000")), (1, 0));
    office.set("1000", 1);
    office.nothing();
    office.set_in("other", "1000", 2);
    assert!(body(&office.one()).starts_with("state=2 "));
}

#[test]
fn an_endpoint_of_the_same_context_hears_only_of_what_shows() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "");
    office.configure(&CONFIG.replace("[alice](phone)", "[alice](phone)\nlanguage=de"), |_| {});
    office.nothing();
    let early = "[alice](phone)\nlanguage=de\nnotify_early_inuse_ringing=yes";
    office.configure(&CONFIG.replace("[alice](phone)", early), |_| {});
    assert!(office.one().starts_with("NOTIFY "));
}

#[test]
fn a_transport_that_moves_tells_its_phones() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "");
    office.configure(&CONFIG.replace(":15060", ":15070"), |_| {});
    let notify = office.one();
    assert_eq!(header(&notify, "Contact"), "<sip:127.0.0.1:15070>");
    assert!(header(&notify, "Via").starts_with("SIP/2.0/UDP 127.0.0.1:15070;"), "{notify}");
    assert!(header(&notify, "Subscription-State").starts_with("active;"));
}

#[test]
fn a_transport_that_closes_lets_its_phones_subscribe_again() {
    let mut office = Office::new();
    Phone::new("alice", "1000").establish(&mut office, "");
    office.configure(CONFIG, |snapshot| snapshot.transports[0].open = false);
    assert_eq!(header(&office.one(), "Subscription-State"), "terminated;reason=deactivated");
}
