//! baresip as the phone: a SIP stack that nobody wrote for this server.

use e2e::{Baresip, Config, Server};

/// The line by which baresip tells its user.
fn change(server: &Server, extension: &str, from: &str, to: &str) -> String {
    // It colours the words.
    let colour = |status: &str| match status {
        "Online" => "\x1b[32mOnline\x1b[;m".to_owned(),
        "Offline" => "\x1b[31mOffline\x1b[;m".to_owned(),
        other => other.to_owned(),
    };
    format!("<sip:{extension}@{}> changed status from {} to {}", server.address(), colour(from), colour(to))
}

#[test]
fn baresip_shows_the_states_of_its_contacts() {
    let server = Server::start(Config::office());
    let baresip = Baresip::watching(&server, &["1000", "1001"]);
    server.wait_for_counter("NOTIFY requests accepted", 2);
    let table = server.run("pjsip show subscriptions inbound");
    for resource in ["Resource: 1000/presence", "Resource: 1001/presence"] {
        assert!(table.contains(&format!("Endpoint: alice/<none>\n{resource}\n")), "{table}");
    }
    assert!(table.ends_with("\n2 active subscriptions\n"), "{table}");
    server.devstate("Custom:a", "UNAVAILABLE");
    baresip.wait_for(&change(&server, "1000", "Online", "Offline"), 1);
    server.devstate("Custom:b", "UNAVAILABLE");
    baresip.wait_for(&change(&server, "1001", "Online", "Offline"), 1);
    server.devstate("Custom:a", "NOT_INUSE");
    baresip.wait_for(&change(&server, "1000", "Offline", "Online"), 1);
    // When its user closes it, it ends its subscriptions.
    baresip.interrupt();
    server.wait_for_counter("Subscriptions ended by the phone", 2);
    assert_eq!(server.counter("Subscriptions"), 0);
    server.stop();
}

/// baresip that starts while an extension is away shows it so at once.
#[test]
fn baresip_learns_the_state_as_it_starts() {
    let server = Server::start(Config::office());
    server.devstate("Custom:a", "UNAVAILABLE");
    let baresip = Baresip::watching(&server, &["1000"]);
    server.wait_for_counter("NOTIFY requests accepted", 1);
    server.devstate("Custom:a", "INUSE");
    baresip.wait_for(&change(&server, "1000", "Offline", "Online"), 1);
    server.stop();
}

/// A contact that has no hint costs baresip nothing but that lamp.
#[test]
fn baresip_lives_with_a_refusal() {
    let server = Server::start(Config::office());
    let baresip = Baresip::watching(&server, &["9999", "1000"]);
    baresip.wait_for("SIP/2.0 404 Not Found", 1);
    server.wait_for_counter("NOTIFY requests accepted", 1);
    server.devstate("Custom:a", "UNAVAILABLE");
    baresip.wait_for(&change(&server, "1000", "Online", "Offline"), 1);
    server.wait_for_log("SUBSCRIBE of endpoint 'alice' for 'sip:9999@", 1);
    server.stop();
}
