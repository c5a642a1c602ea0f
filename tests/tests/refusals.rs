//! What is refused, with which status, and what the operator reads about it.

use e2e::{Config, Golden, Message, Phone, Server, Subscribe};

/// Lines of the log at NOTICE about requests that were refused.
fn refusals(log: &str) -> Vec<&str> {
    log.lines()
        .filter(|line| {
            line.contains(" NOTICE[") && (line.contains(" refused") || line.contains(" failed for "))
        })
        .collect()
}

#[track_caller]
fn assert_golden_answer(answer: &Message, golden: &Golden) {
    assert_eq!(answer.start_line(), golden.start_line(), "{answer}");
    // RFC 6665 section 8.2.1 asks for Allow-Events with 489; Asterisk leaves it out. We name no extension.
    let names: Vec<_> = answer.header_names().into_iter().filter(|name| *name != "Allow-Events").collect();
    let expected: Vec<_> = golden.header_names().into_iter().filter(|name| *name != "Supported").collect();
    assert_eq!(names, expected, "{answer}");
}

#[test]
fn answers_are_as_captured() {
    let server = Server::start(Config::office());
    let ask = Subscribe::presence;
    for (golden, name, ask) in [
        ("bad-accept", "alice", ask("1000").accept("text/plain")),
        ("event-module-not-loaded", "alice", ask("1000").event("message-summary")),
        ("unknown-event", "alice", ask("1000").event("nonsense")),
        ("no-event", "alice", ask("1000").no_event()),
        ("no-hint", "alice", ask("9999")),
        ("not-allowed", "nosub", ask("1000")),
        ("unknown-endpoint", "nobody", ask("1000")),
        ("no-accept", "alice", ask("1000")),
        ("no-expires", "alice", ask("1000").no_expires()),
        ("min-expiry", "alice", ask("1000").expires("5")),
        ("pattern", "alice", ask("2042")),
    ] {
        let golden = Golden::notify(&format!("refuse-{golden}"), server.port());
        let (_, answer) = Phone::new(&server, name).try_subscribe(&ask);
        assert_golden_answer(&answer, &golden);
    }
    server.stop();
}

/// Each refused SUBSCRIBE: the phone, what it asks for, the answer, and the words in the log.
#[test]
fn each_refusal_has_its_status_and_one_line_in_the_log() {
    let server = Server::start(Config::office());
    let presence = || Subscribe::presence("1000");
    let cases = [
        ("nobody", presence(), 401, &["'<sip:nobody@127.0.0.1>", "No matching endpoint found"][..]),
        ("secret", presence(), 401, &["'<sip:secret@127.0.0.1>", "Failed to authenticate"]),
        ("nosub", presence(), 603, &["'nosub'", "'1000'", "allow_subscribe=no"]),
        (
            "slow",
            presence().expires("59"),
            423,
            &["'slow'", "'1000'", "Expires 59 is below sub_min_expiry=60"],
        ),
        ("alice", presence().event("x"), 489, &["'alice'", "'1000'", "no module serves event 'x'"]),
        ("alice", presence().no_event(), 489, &["'alice'", "'1000'", "no Event header"]),
        ("alice", presence().accept("text/plain"), 489, &["'alice'", "'1000'", "Accept allows: text/plain"]),
        ("alice", Subscribe::presence("9999"), 404, &["'alice'", "'9999'", "in context 'default'"]),
        (
            "alice",
            presence().expires("soon"),
            400,
            &["SUBSCRIBE from 127.0.0.1:", "sip:1000@", "Bad Expires header"],
        ),
        ("alice", presence().header("Require", "eventlist"), 420, &["'alice'", "sip:1000@", "eventlist"]),
        (
            "alice",
            presence().edit("Contact: <sip:", "Contact: <mailto:"),
            416,
            &["SUBSCRIBE from 127.0.0.1:", "sip:1000@", "Scheme"],
        ),
        (
            "alice",
            presence().edit("Contact", "X-Contact"),
            400,
            &["SUBSCRIBE from 127.0.0.1:", "sip:1000@", "Contact"],
        ),
        (
            "alice",
            presence().edit("SUBSCRIBE sip:1000", "SUBSCRIBE mailto:1000"),
            416,
            &["SUBSCRIBE from 127.0.0.1:", "mailto:1000@", "Scheme"],
        ),
    ];
    let mut unidentified = 0;
    for (number, (name, ask, status, words)) in cases.iter().enumerate() {
        let (_, answer) = Phone::new(&server, name).try_subscribe(ask);
        assert_eq!(answer.status(), *status, "{answer}");
        // The log is written by a thread of its own.
        if *status == 401 {
            unidentified += 1;
            server.wait_for_log(" failed for ", unidentified);
        } else {
            server.wait_for_log(" refused: ", number + 1 - unidentified);
        }
        let log = server.log();
        let lines = refusals(&log);
        assert_eq!(lines.len(), number + 1, "{ask:?}: {lines:#?}");
        for word in *words {
            assert!(lines[number].contains(word), "{word}: {}", lines[number]);
        }
    }
    let log = server.stop();
    assert_eq!(refusals(&log).len(), cases.len(), "{log}");
    assert!(!log.contains(" WARNING[") && !log.contains(" ERROR["), "no phone can cause those: {log}");
}

#[test]
fn refusals_say_what_would_do() {
    let server = Server::start(Config::office());
    let answer = |name: &str, ask: Subscribe| Phone::new(&server, name).try_subscribe(&ask).1;
    let presence = || Subscribe::presence("1000");
    assert_eq!(answer("slow", presence().expires("59")).header("Min-Expires"), "60");
    assert_eq!(answer("alice", presence().event("x")).header("Allow-Events"), "presence, dialog");
    assert_eq!(answer("alice", presence().header("Require", "foo, bar")).header("Unsupported"), "foo, bar");
    let challenge = answer("nobody", presence());
    assert!(
        challenge.header("WWW-Authenticate").starts_with("Digest realm=\"asterisk\",nonce=\""),
        "{challenge}"
    );
    server.stop();
}

/// Names cannot be guessed: who needs a password is answered like who does not exist.
#[test]
fn an_endpoint_with_a_password_is_refused_like_a_stranger() {
    let server = Server::start(Config::office());
    let answer = |name: &str| Phone::new(&server, name).try_subscribe(&Subscribe::presence("1000")).1;
    let (secret, stranger) = (answer("secret"), answer("nobody"));
    assert_eq!(secret.status(), 401);
    assert_eq!(secret.header_names(), stranger.header_names());
    // Not even with a password: nothing can check it yet.
    let digest = "Digest username=\"secret\",realm=\"asterisk\",nonce=\"x\",uri=\"sip:1000\",response=\"0\"";
    let ask = Subscribe::presence("1000").header("Authorization", digest);
    assert_eq!(Phone::new(&server, "secret").status(&ask), 401);
    server.stop();
}

#[test]
fn requests_outside_any_subscription_are_refused() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    let mut forged = lamp.clone();
    forged.set_to_tag("guessed");
    forged.set_cseq(50);
    assert_eq!(phone.in_dialog(&mut forged).status(), 481);
    // The same dialog, but another event.
    let mut other = lamp.clone();
    other.change(|ask| ask.event("dialog"));
    other.set_cseq(60);
    assert_eq!(phone.in_dialog(&mut other).status(), 481);
    // CSeq goes back (RFC 3261 section 12.2.2).
    phone.refresh(&mut lamp, 600);
    let mut old = lamp.clone();
    old.set_cseq(0);
    // Not a copy of the first SUBSCRIBE, which would be answered as that was.
    old.change(|ask| ask.edit("branch=z9hG4bK", "branch=z9hG4bKold"));
    assert_eq!(phone.in_dialog(&mut old).status(), 500);
    let last = phone.unsubscribe(lamp.clone());
    assert!(last.cseq() > lamp.last.cseq());
    lamp.set_cseq(70);
    assert_eq!(phone.in_dialog(&mut lamp).status(), 481, "it has ended");
    server.stop();
}

/// A request that comes by two ways is served once (RFC 3261 section 8.2.2.2); a copy gets the
/// answer of the first one.
#[test]
fn a_merged_request_is_482_and_a_copy_is_answered_again() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let (call_id, text) = phone.request(&Subscribe::presence("1000"));
    phone.send(text.as_bytes());
    let first = phone.receive_answer(&call_id, 1);
    assert_eq!(first.status(), 200);
    phone.receive_notify(&call_id);
    phone.send(text.as_bytes());
    assert_eq!(phone.receive_answer(&call_id, 1), first);
    phone.send(text.replace("branch=z9hG4bK", "branch=z9hG4bKother").as_bytes());
    assert_eq!(phone.receive_answer(&call_id, 1).status(), 482);
    assert_eq!(server.counter("Subscriptions created"), 1);
    server.stop();
}

#[test]
fn other_methods_are_not_implemented() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    for method in ["INVITE", "REGISTER", "MESSAGE", "FROBNICATE"] {
        let ask = Subscribe::presence("1000").edit("SUBSCRIBE", method);
        let (_, answer) = phone.try_subscribe(&ask);
        assert_eq!(answer.status(), 501, "{answer}");
        assert_eq!(answer.header("Allow"), "OPTIONS, SUBSCRIBE");
    }
    server.stop();
}

/// Whatever a phone writes into its headers stays within one line of the log, and cannot look like
/// another line.
#[test]
fn headers_cannot_forge_a_log_line() {
    let server = Server::start(Config::office());
    let forged = "[2026-01-01 00:00:00] ERROR[1]: x: forged";
    let presence = || Subscribe::presence("1000");
    let hostile = [
        // A folded header: one value over two lines.
        ("nobody", presence().edit("From: <sip:nobody", &format!("From: \"a\r\n {forged}\" <sip:nobody"))),
        ("nobody", presence().edit("From: <sip:nobody", "From: \"\x1b[2J\x07\x08\" <sip:nobody")),
        ("alice", presence().accept(&format!("text/x\r\n {forged}"))),
        ("alice", presence().accept("text/\x1b[31mred")),
        ("alice", presence().event("x\x1b[2J")),
        (
            "alice",
            Subscribe::presence(&format!("9%0d%0a{}", forged.replace(' ', "%20").replace(['[', ']'], ""))),
        ),
        ("alice", Subscribe::presence("9%1b%5b2J")),
        ("alice", Subscribe::presence("9%00")),
        ("alice", Subscribe::presence("9\u{202e}\u{2028}")),
        ("alice", presence().header("Require", "x\x1b[2J")),
        ("alice", presence().expires("\x1b[2J")),
    ];
    for (name, ask) in &hostile {
        let mut phone = Phone::new(&server, name);
        let (_, text) = phone.request(ask);
        phone.send(text.as_bytes());
        // An Accept that says nothing is as good as none; all others are refused.
        phone.receive(|message| !message.is_request("NOTIFY"));
    }
    // Behind the last line of theirs.
    Phone::new(&server, "nosub").status(&presence());
    server.wait_for_log("allow_subscribe=no", 1);
    let file = server.boot().path("log/messages");
    let log = server.stop();
    let file = std::fs::read_to_string(file).unwrap_or_default();
    for text in [log, file] {
        for line in text.lines() {
            let starts_as_ours =
                line.starts_with("[2026-") || line.starts_with("[20") || line.starts_with(' ');
            assert!(starts_as_ours && !line.starts_with(forged), "{line}");
            assert!(
                !line.contains(|c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{2028}')),
                "{line:?}"
            );
        }
    }
}
