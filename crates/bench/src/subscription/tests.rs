use sip::Scanner;

use super::*;

const SERVER: &str = "127.0.0.1:5060";
const PHONE: &str = "127.0.0.1:6000";

fn server() -> SocketAddr {
    SERVER.parse().unwrap()
}

fn subscription() -> Subscription {
    let watch =
        Watch { user: "alice".into(), extension: "1001".into(), package: Package::Dialog, password: None };
    let mut subscription = Subscription::new(watch, 0, 7, "run");
    subscription.renew(server());
    subscription
}

fn subscribe(subscription: &Subscription) -> String {
    let mut out = Vec::new();
    subscription.write(&mut out, SERVER.parse().unwrap(), PHONE.parse().unwrap()).unwrap();
    String::from_utf8(out).unwrap()
}

/// The server's answer to what [`subscribe`] writes.
fn answer_of(subscribe: &str, status: u16) -> Vec<u8> {
    let mut scanner = Scanner::new();
    let request = scanner.scan(subscribe.as_bytes()).unwrap();
    let mut out = Vec::new();
    let phone = PHONE.parse().unwrap();
    sip::response(&mut out, &request, status, "Whatever", phone, Some("server"), false).finish(None).unwrap();
    out
}

fn notify(cseq: u32, to_tag: &str, state: &str, dialog: &str) -> Vec<u8> {
    let body = format!("<dialog-info><dialog><state>{dialog}</state></dialog></dialog-info>");
    let mut out = Vec::new();
    let mut writer = Writer::request(&mut out, "NOTIFY", "sip:alice@127.0.0.1:6000");
    writer
        .header("Via", "SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK1")
        .header("From", "<sip:1001@127.0.0.1>;tag=server")
        .header("To", format!("<sip:alice@127.0.0.1>;tag={to_tag}"))
        .header("Call-ID", "7-run")
        .header("CSeq", format!("{cseq} NOTIFY"))
        .header("Subscription-State", state);
    writer.finish(Some(("application/dialog-info+xml", body.as_bytes()))).unwrap();
    out
}

fn hear(subscription: &mut Subscription, notify: &[u8]) -> Heard {
    subscription.notified(&Scanner::new().scan(notify).unwrap(), Lamp::scan)
}

#[test]
fn a_subscribe_has_what_rfc_6665_asks_for() {
    let text = subscribe(&subscription());
    let mut scanner = Scanner::new();
    let message = scanner.scan(text.as_bytes()).unwrap();
    assert!(message.check_request().is_ok(), "{text}");
    assert_eq!(message.event().unwrap().unwrap().package, "dialog");
    assert_eq!(message.expires(), Ok(Some(3600)));
    assert_eq!(message.call_id().ok().and_then(index), Some(7));
    assert_eq!(message.contact().unwrap().uri.user, Some("alice"));
    assert!(message.to().unwrap().tag().is_none());
    assert_eq!(text, subscribe(&subscription()), "a repetition is the same message");
}

#[test]
fn a_refresh_is_in_the_dialog() {
    let mut subscription = subscription();
    let answer = answer_of(&subscribe(&subscription), 200);
    assert!(subscription.answered(&Scanner::new().scan(&answer).unwrap(), server()));
    subscription.renew(server());
    let text = subscribe(&subscription);
    assert!(text.contains("To: <sip:1001@127.0.0.1>;tag=server\r\n"), "{text}");
    assert!(text.contains("CSeq: 2 SUBSCRIBE\r\n"), "{text}");
    assert!(
        !subscription.answered(&Scanner::new().scan(&answer).unwrap(), server()),
        "the first one's answer"
    );
    assert!(!subscription.is_settled());
}

#[test]
fn answer_and_state_settle_in_any_order() {
    for answer_first in [true, false] {
        let mut subscription = subscription();
        let answer = answer_of(&subscribe(&subscription), 202);
        let told = notify(5, "7-run", "active;expires=3600", "confirmed");
        if answer_first {
            subscription.answered(&Scanner::new().scan(&answer).unwrap(), server());
            assert!(!subscription.is_settled());
        }
        assert_eq!(hear(&mut subscription, &told), Heard::Changed(None, Some(Lamp::Lit)));
        if !answer_first {
            assert!(!subscription.is_settled());
            subscription.answered(&Scanner::new().scan(&answer).unwrap(), server());
        }
        assert!(subscription.is_settled() && subscription.refused.is_none());
    }
}

#[test]
fn a_refusal_is_kept() {
    let mut subscription = subscription();
    let answer = answer_of(&subscribe(&subscription), 489);
    assert!(subscription.answered(&Scanner::new().scan(&answer).unwrap(), server()));
    assert_eq!((subscription.is_settled(), subscription.refused), (true, Some(489)));
}

#[test]
fn an_old_notify_does_not_turn_the_lamp_back() {
    let mut subscription = subscription();
    let active = "active;expires=3600";
    hear(&mut subscription, &notify(5, "7-run", active, "confirmed"));
    assert_eq!(hear(&mut subscription, &notify(5, "7-run", active, "confirmed")), Heard::Repeated);
    assert_eq!(hear(&mut subscription, &notify(4, "7-run", active, "early")), Heard::Repeated);
    assert_eq!(hear(&mut subscription, &notify(6, "other", active, "early")), Heard::Stranger);
    assert_eq!(subscription.lamp, Some(Lamp::Lit));
    let end = hear(&mut subscription, &notify(6, "7-run", "terminated;reason=timeout", "early"));
    assert_eq!(end, Heard::Changed(Some(Lamp::Lit), None));
    assert!(subscription.ended);
}

#[test]
fn an_answer_copies_what_names_the_transaction() {
    let told = notify(5, "7-run", "active", "early");
    let mut scanner = Scanner::new();
    let message = scanner.scan(&told).unwrap();
    let mut out = Vec::new();
    answer(&mut out, &message, true);
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.starts_with("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK1\r\n"),
        "{text}"
    );
    assert!(Scanner::new().scan(text.as_bytes()).unwrap().via().is_ok());
    for line in ["From: <sip:1001@127.0.0.1>;tag=server", "Call-ID: 7-run", "CSeq: 5 NOTIFY"] {
        assert!(text.contains(&format!("{line}\r\n")), "{line} in {text}");
    }
}

#[test]
fn a_tag_is_found_whole() {
    for (address, found) in [
        ("<sip:a@b>;tag=7-run", true),
        ("<sip:a@b>;tag=7-run;x=y", true),
        ("\"A\" <sip:a@b;tag=no>;x;tag=7-run", true),
        ("<sip:a@b>;tag=7-runner", false),
        ("<sip:a@b>;tag=", false),
        ("<sip:a@b>", false),
    ] {
        assert_eq!(has_tag(Some(address.as_bytes()), "7-run"), found, "{address}");
    }
}

/// A phone with a password answers a challenge once, uses the nonce again, and drops a stale one.
#[test]
fn a_challenge_is_answered_and_its_nonce_counted() {
    let challenged = |text: &str, challenge: &str| {
        let mut scanner = Scanner::new();
        let request = scanner.scan(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        let mut answer =
            sip::response(&mut out, &request, 401, "Unauthorized", PHONE.parse().unwrap(), Some("x"), false);
        answer.header("WWW-Authenticate", challenge);
        answer.finish(None).unwrap();
        out
    };
    let mut phone = subscription();
    phone.watch.password = Some("secret".into());
    let first = subscribe(&phone);
    assert!(!first.contains("Authorization"), "{first}");
    let answer = challenged(&first, "Digest realm=\"r\",nonce=\"n1\",algorithm=SHA-256,qop=\"auth\"");
    assert!(phone.answered(&Scanner::new().scan(&answer).unwrap(), server()));
    assert!(phone.take_again() && !phone.take_again() && !phone.is_settled());
    let second = subscribe(&phone);
    for part in ["CSeq: 2 SUBSCRIBE", "nonce=\"n1\"", "nc=00000001", "algorithm=SHA-256"] {
        assert!(second.contains(part), "{second}");
    }
    phone.renew(server());
    let third = subscribe(&phone);
    assert!(third.contains("CSeq: 3 ") && third.contains("nc=00000002"), "{third}");
    let stale = challenged(&third, "Digest realm=\"r\",nonce=\"n2\",stale=true,qop=\"auth\"");
    phone.answered(&Scanner::new().scan(&stale).unwrap(), server());
    let fourth = subscribe(&phone);
    assert!(phone.take_again() && fourth.contains("nonce=\"n2\"") && fourth.contains("nc=00000001"));
    let refused = challenged(&fourth, "Digest realm=\"r\",nonce=\"n3\",qop=\"auth\"");
    phone.answered(&Scanner::new().scan(&refused).unwrap(), server());
    assert!(!phone.take_again() && phone.refused == Some(401), "the password is wrong");
}
