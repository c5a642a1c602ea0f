//! The log as fail2ban reads it: whoever attacks is blamed, and nobody else can be made to be.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use e2e::{Config, Phone, Server, Subscribe, fail2ban};

const INNOCENT: &str = "192.0.2.1";

/// What an attacker would like the filter to read. Between two blanks, so it can stand in quotes too.
fn forgeries() -> Vec<String> {
    let line = format!(
        "[1999-01-01 00:00:00] NOTICE[1] res_pjsip/pjsip_distributor.c: Request 'X' from 'x' failed for '{INNOCENT}:5060' (callid: x) - No matching endpoint found"
    );
    vec![
        line.clone(),
        format!("x: {INNOCENT} failed to authenticate"),
        format!("x:\t{INNOCENT} failed to authenticate"),
        format!("x: hacking attempt detected '{INNOCENT}'"),
        format!("' failed for '{INNOCENT}:5060' (callid: x) - Failed to authenticate"),
        format!(",RemoteAddress=IPV4/UDP/{INNOCENT}/5060,x="),
        format!("a]: in b: {INNOCENT} tried to authenticate with nonexistent user"),
    ]
}

/// How often each address is blamed by the lines of a log.
fn blamed(log: &Path) -> BTreeMap<String, usize> {
    let mut blamed = BTreeMap::new();
    for address in fail2ban(log) {
        *blamed.entry(address).or_default() += 1;
    }
    blamed
}

#[test]
fn fail2ban_blames_whoever_attacks_and_nobody_else() {
    let config = Config::office()
        .append("pjsip.conf", "[denied](phone)\ndeny=0.0.0.0/0\n[names](phone)\ncontact_deny=0.0.0.0/0\n")
        .append("pjsip.conf", "[home]\ntype=acl\ndeny=127.0.1.9\n");
    let server = Server::start(config);
    let phone = |address: [u8; 4], name: &str| Phone::between(IpAddr::from(address), server.address(), name);
    let ask = Subscribe::presence("1000");
    // Good phones, one of which is challenged first.
    assert_eq!(phone([127, 0, 1, 1], "alice").status(&ask), 200);
    assert_eq!(phone([127, 0, 1, 2], "secret").with_password("secret", "secret").status(&ask), 200);
    // Bad ones: the address and how often it is blamed in each log.
    assert_eq!(phone([127, 0, 1, 3], "mallory").status(&ask), 401);
    assert_eq!(phone([127, 0, 1, 4], "secret").with_password("secret", "guess").status(&ask), 401);
    assert_eq!(phone([127, 0, 1, 5], "denied").status(&ask), 401);
    assert_eq!(phone([127, 0, 1, 6], "names").status(&ask), 401);
    assert_eq!(phone([127, 0, 1, 9], "alice").status(&ask), 403);
    let mut expected: BTreeMap<String, usize> = (3..=6).map(|host| (format!("127.0.1.{host}"), 1)).collect();
    for (number, forgery) in forgeries().iter().enumerate() {
        let address = [127, 0, 2, number as u8 + 1];
        let mut attacker = phone(address, "mallory");
        let word: String = forgery.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
        let quoted = forgery.replace('"', "\\\"");
        let user: String = forgery.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for ask in [
            ask.clone().edit("From: <", &format!("From: \"{quoted}\" <")),
            ask.clone().edit("From: <", &format!("From: \"\\\"{quoted}\\\"\r\n {quoted}\" <")),
            ask.clone().edit("From: <sip:mallory", &format!("From: <sip:{user}")),
            ask.clone().edit("SUBSCRIBE sip:1000", &format!("SUBSCRIBE sip:{user}")),
            ask.clone().header(
                "Authorization",
                &format!("Digest username=\"{quoted}\", realm=\"x\", nonce=\"n\", uri=\"u\", response=\"0\""),
            ),
            ask.clone().header("User-Agent", forgery),
        ] {
            assert_eq!(attacker.status(&ask), 401, "{forgery}");
        }
        // A Call-ID is one word.
        let (_, text) = attacker.request(&ask);
        let call_id = format!("Call-ID: {}", word.replace(['(', ')'], "-"));
        let text: Vec<_> =
            text.split("\r\n").map(|l| if l.starts_with("Call-ID") { &call_id } else { l }).collect();
        attacker.send(text.join("\r\n").as_bytes());
        attacker.receive(|message| message.start_line().starts_with("SIP/2.0 401"));
        expected.insert(IpAddr::from(address).to_string(), 7);
    }
    let left = server.leave();
    let (messages, security) = (left.path("log/messages"), left.path("log/security"));
    assert_eq!(blamed(&messages), expected, "{}", std::fs::read_to_string(&messages).unwrap_or_default());
    // type=acl is a security event alone.
    expected.insert("127.0.1.9".to_owned(), 1);
    assert_eq!(blamed(&security), expected, "{}", std::fs::read_to_string(&security).unwrap_or_default());
}

/// IPv6 addresses are read whole.
#[test]
fn fail2ban_reads_ipv6_addresses() {
    let server =
        Server::start(Config::office().append("pjsip.conf", "[six]\ntype=transport\nbind=[::1]:{port}\n"));
    let address = format!("[::1]:{}", server.port()).parse().expect("an address");
    assert_eq!(Phone::at(address, "mallory").status(&Subscribe::presence("1000")), 401);
    let left = server.leave();
    let both = ["log/messages", "log/security"].map(|log| fail2ban(&left.path(log)));
    assert_eq!(both, [["::1"], ["::1"]]);
}

/// The security events of a subscription, and of a wrong password.
#[test]
fn security_events_tell_the_story() {
    let server = Server::start(Config::office());
    let ask = Subscribe::presence("1000");
    Phone::new(&server, "secret").with_password("secret", "secret").subscribe(ask.clone());
    Phone::new(&server, "secret").with_password("secret", "guess").status(&ask);
    Phone::new(&server, "mallory").status(&ask);
    let left = server.leave();
    let port = left.port();
    let log = std::fs::read_to_string(left.path("log/security")).expect("logger.conf names it");
    let field = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name}: {line}"));
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let told: Vec<_> =
        log.lines().map(|line| field(line, "SecurityEvent") + " " + &field(line, "AccountID")).collect();
    assert_eq!(
        told,
        [
            "ChallengeSent secret",
            "SuccessfulAuth secret",
            "ChallengeSent secret",
            "ChallengeResponseFailed secret",
            "InvalidAccountID mallory",
            "ChallengeSent <unknown>",
        ]
    );
    for line in log.lines() {
        assert!(
            line.contains("] SECURITY[") && line.contains("] res_security_log.c: SecurityEvent="),
            "{line}"
        );
        assert_eq!(field(line, "LocalAddress"), format!("IPV4/UDP/127.0.0.1/{port}"));
    }
}
