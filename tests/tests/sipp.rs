//! SIPp as the phone: scenarios in `sipp/`.

use e2e::{Config, Phone, Server, Sipp, Subscribe};

#[test]
fn sipp_subscribes_refreshes_and_unsubscribes() {
    let server = Server::start(Config::office());
    Sipp::run(&server, "subscribe.xml", &[]);
    assert_eq!(server.counter("Subscriptions created"), 1);
    assert_eq!(server.counter("Subscriptions refreshed"), 1);
    assert_eq!(server.counter("Subscriptions ended by the phone"), 1);
    assert_eq!(server.counter("Subscriptions"), 0);
    server.stop();
}

#[test]
fn two_hundred_phones_at_a_rate_lose_no_notify() {
    let server = Server::start(Config::office());
    Sipp::run(&server, "subscribe.xml", &["-m", "200", "-r", "100"]);
    assert_eq!(server.counter("Subscriptions created"), 200);
    assert_eq!(server.counter("Subscriptions ended by the phone"), 200);
    assert_eq!(server.counter("NOTIFY requests sent"), 600);
    assert_eq!(server.counter("Requests never answered"), 0);
    // SIPp's last answers may still be on their way when it ends.
    let mut phone = Phone::new(&server, "alice");
    phone.options();
    assert_eq!(server.counter("Subscriptions"), 0);
    server.stop();
}

#[test]
fn sipp_sees_a_state_change() {
    let server = Server::start(Config::office());
    let sipp = Sipp::start(&server, "change.xml", &["-m", "50", "-r", "200"]);
    let accepted = |count| server.wait_for_counter("NOTIFY requests accepted", count);
    accepted(50);
    server.devstate("Custom:a", "INUSE");
    accepted(100);
    server.devstate("Custom:a", "NOT_INUSE");
    sipp.end();
    accepted(150);
    server.stop();
}

#[test]
fn a_notify_is_repeated_until_it_is_answered() {
    let server = Server::start(Config::office());
    let sipp = Sipp::run(&server, "retransmit.xml", &[]);
    server.wait_for_counter("NOTIFY requests accepted", 1);
    let copies = server.counter("Requests sent again");
    assert!(copies >= 2, "{copies} copies\n{}", sipp.stdout);
    assert_eq!(server.counter("NOTIFY requests sent"), 1);
    assert_eq!(server.counter("Subscriptions"), 1);
    server.stop();
}

#[test]
fn an_unknown_phone_is_asked_for_a_password() {
    let server = Server::start(Config::office());
    Sipp::run(&server, "unknown.xml", &[]);
    assert_eq!(server.counter("Requests without endpoint"), 1);
    // And the others are served.
    Phone::new(&server, "alice").subscribe(Subscribe::presence("1000"));
    server.stop();
}
