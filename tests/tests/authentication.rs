//! Phones with a password: SIPp, baresip, and one of our own for the algorithms that those lack.

use e2e::{Baresip, Config, Phone, Server, Sipp, Subscribe};

/// The office with phones that have passwords: `sha` for all algorithms, `strong` for the strong ones.
fn office() -> Config {
    Config::office()
        .replace(
            "pjsip.conf",
            "password=secret\n",
            "password=secret\n[sha](phone)\nauth=sha\n[strong](phone)\nauth=strong\n",
        )
        .append("pjsip.conf", "[sha]\ntype=auth\nusername=desk\npassword=correct horse\nrealm=office\n")
        .append("pjsip.conf", "supported_algorithms_uas=SHA-512-256,SHA-256,MD5\n")
        .append(
            "pjsip.conf",
            "[strong]\ntype=auth\nauth_type=digest\nusername=strong\npassword=battery staple\n",
        )
        .append("pjsip.conf", "supported_algorithms_uas=SHA-256\n")
}

#[test]
fn sipp_subscribes_with_a_password() {
    let server = Server::start(office());
    Sipp::run(&server, "password.xml", &["-m", "50", "-r", "100"]);
    assert_eq!(server.counter("Subscriptions created"), 50);
    assert_eq!(server.counter("Subscriptions ended by the phone"), 50);
    assert_eq!(server.counter("Requests challenged"), 100);
    assert_eq!(server.counter("Requests authenticated"), 100);
    assert_eq!(server.counter("Requests with wrong credentials"), 0);
    let log = server.stop();
    assert!(!log.contains(" failed for "), "{log}");
}

#[test]
fn baresip_subscribes_with_a_password() {
    let server = Server::start(office());
    let account = "<sip:secret@127.0.0.1>;auth_user=secret;auth_pass=secret;regint=0";
    let baresip = Baresip::of(account, &server, &["1000"]);
    server.wait_for_counter("NOTIFY requests accepted", 1);
    server.devstate("Custom:a", "UNAVAILABLE");
    baresip.wait_for("changed status from \x1b[32mOnline\x1b[;m to \x1b[31mOffline", 1);
    // Its end is in the dialog, and is authenticated too.
    baresip.interrupt();
    server.wait_for_counter("Subscriptions ended by the phone", 1);
    assert!(server.counter("Requests authenticated") >= 2);
    server.stop();
}

#[test]
fn every_algorithm_opens_the_door() {
    let server = Server::start(office());
    for algorithm in ["MD5", "SHA-256", "SHA-512-256"] {
        let phone = Phone::new(&server, "sha").with_password("desk", "correct horse");
        let mut phone = phone.with_algorithm(algorithm);
        let mut lamp = phone.subscribe(Subscribe::presence("1000"));
        phone.refresh(&mut lamp, 600);
        server.devstate("Custom:a", "INUSE");
        assert!(phone.notify(&mut lamp).body().contains("On the phone"));
        phone.unsubscribe(lamp);
        server.devstate("Custom:a", "NOT_INUSE");
    }
    let mut strong = Phone::new(&server, "strong").with_password("strong", "battery staple");
    strong.subscribe(Subscribe::presence("1000"));
    let weak = Phone::new(&server, "strong").with_password("strong", "battery staple").with_algorithm("MD5");
    assert_eq!({ weak }.status(&Subscribe::presence("1000")), 401, "MD5 is not offered");
    assert_eq!(server.counter("Requests authenticated"), 3 * 3 + 1);
    server.stop();
}

/// Whoever has seen a request of somebody else cannot use it.
#[test]
fn a_captured_request_is_worth_nothing() {
    let server = Server::start(office());
    let mut phone = Phone::new(&server, "secret").with_password("secret", "secret");
    let ask = Subscribe::presence("1000");
    let (_, text) = phone.request(&ask);
    phone.send(text.as_bytes());
    let challenge = phone.receive(|message| message.start_line().starts_with("SIP/2.0 401"));
    let authorization = phone.authorization(&challenge, "1000").expect("it is challenged");
    let captured = ask.header("Authorization", &authorization);
    let mut attackers: Vec<_> = (0..9).map(|_| Phone::new(&server, "secret")).collect();
    assert_eq!(attackers[0].status(&captured), 200, "the phone's own request, seen by all");
    for attacker in &mut attackers[1..] {
        let answer = attacker.try_subscribe(&captured).1;
        assert!(answer.header("WWW-Authenticate").contains(",stale=true,"), "{answer}");
    }
    server.stop();
}

/// A server that was started anew does not know its old nonces; the phone need not ask its user.
#[test]
fn a_restart_makes_nonces_stale() {
    let server = Server::start(office());
    let ask = Subscribe::presence("1000");
    let mut stranger = Phone::new(&server, "secret");
    let challenge = stranger.try_subscribe(&ask).1;
    let mut phone = Phone::new(&server, "secret").with_password("secret", "secret");
    let authorization = phone.authorization(&challenge, "1000").expect("it is a challenge");
    let server = server.restart();
    let (_, text) = phone.request(&ask.clone().header("Authorization", &authorization));
    phone.send(text.as_bytes());
    let answer = phone.receive(|message| message.start_line().starts_with("SIP/2.0 401"));
    assert!(answer.header("WWW-Authenticate").contains(",stale=true,"), "{answer}");
    phone.subscribe(ask);
    assert_eq!(server.counter("Requests with wrong credentials"), 0);
    server.stop();
}

/// The module may go and come; phones that are in notice nothing.
#[test]
fn a_phone_survives_a_new_authenticator() {
    let server = Server::start(office());
    let mut phone = Phone::new(&server, "secret").with_password("secret", "secret");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    server.run("module unload res_pjsip_authenticator_digest.so");
    assert_eq!(phone.in_dialog(&mut lamp).status(), 401, "nobody can check it");
    server.devstate("Custom:a", "INUSE");
    assert!(phone.notify(&mut lamp).body().contains("On the phone"), "the lamp lives on");
    server.run("module load res_pjsip_authenticator_digest.so");
    phone.refresh(&mut lamp, 600);
    server.stop();
}

/// Without the module whoever needs a password is refused, the right one or not.
#[test]
fn without_an_authenticator_nobody_is_let_in() {
    let server = Server::start(office().without("res_pjsip_authenticator_digest"));
    let ask = Subscribe::presence("1000");
    assert_eq!(Phone::new(&server, "secret").with_password("secret", "secret").status(&ask), 401);
    assert_eq!(Phone::new(&server, "alice").status(&ask), 200);
    server.stop();
}

/// An in-dialog request without the password does nothing to the subscription.
#[test]
fn a_dialog_is_no_password() {
    let server = Server::start(office());
    let mut phone = Phone::new(&server, "secret").with_password("secret", "secret");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    let mut thief = Phone::new(&server, "secret");
    let mut stolen = lamp.clone();
    stolen.change(|ask| ask.expires("0"));
    assert_eq!(thief.in_dialog(&mut stolen).status(), 401);
    server.devstate("Custom:a", "INUSE");
    assert!(phone.notify(&mut lamp).body().contains("On the phone"));
    phone.unsubscribe(lamp);
    server.stop();
}

/// A phone whose From says nothing is known by its Authorization, after a first request as a stranger that
/// is not held against it.
#[test]
fn a_phone_may_be_known_by_its_authorization() {
    let config = office()
        .append("pjsip.conf", "[desk](phone)\nauth=sha\nidentify_by=auth_username\n")
        .replace("pjsip.conf", "realm=office\nsupported_algorithms_uas=SHA-512-256,SHA-256,MD5\n", "")
        .replace(
            "pjsip.conf",
            "type=global\n",
            "type=global\nendpoint_identifier_order=auth_username,username\nunidentified_request_period=600\n",
        );
    let server = Server::start(config);
    for _ in 0..6 {
        let mut phone = Phone::new(&server, "extension42").with_password("desk", "correct horse");
        let lamp = phone.subscribe(Subscribe::presence("1000"));
        phone.unsubscribe(lamp);
    }
    assert!(!server.log().contains(" failed for "), "{}", server.log());
    // Whoever guesses is seen at the fifth attempt.
    for attempt in 1..=6 {
        let mut phone = Phone::new(&server, "extension42").with_password("nobody", "guess");
        assert_eq!(phone.status(&Subscribe::presence("1000")), 401);
        // Each guess is two requests: without and with a password.
        if attempt > 2 {
            server.wait_for_log(" failed for ", 1);
        } else {
            assert!(!server.log().contains(" failed for "), "{attempt}: {}", server.log());
        }
    }
    let log = server.stop();
    assert!(log.contains(" - No matching endpoint found after 5 tries in "), "{log}");
}

/// Strangers are challenged in the ways that endpoints are; a restart does not show who is one.
#[test]
fn a_restart_does_not_show_which_names_exist() {
    let shapes = |server: &Server| -> Vec<Vec<String>> {
        let names = ["secret", "sha", "strong"].map(str::to_owned).into_iter();
        let names = names.chain((0..30).map(|number| format!("stranger{number}")));
        let mut shape = |name: String| {
            let answer = Phone::new(server, &name).try_subscribe(&Subscribe::presence("1000")).1;
            let challenges = answer.all("WWW-Authenticate").into_iter();
            let fixed = |value: &str| {
                let parts =
                    value.split(',').filter(|part| !part.contains("nonce=") && !part.contains("opaque="));
                parts.collect::<Vec<_>>().join(",")
            };
            challenges.map(fixed).collect()
        };
        names.map(&mut shape).collect()
    };
    let server = Server::start(office());
    let before = shapes(&server);
    let strangers = &before[3..];
    assert!(before[..3].iter().all(|endpoint| strangers.contains(endpoint)), "{before:?}");
    assert!(strangers.iter().all(|stranger| before[..3].contains(stranger)), "{before:?}");
    let server = server.restart();
    assert_eq!(shapes(&server), before);
    server.stop();
}
