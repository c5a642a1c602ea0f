//! Names in Contacts and in `match` options, over a name server of the test's own.

use std::time::{Duration, Instant};

use e2e::{Config, Dns, PATIENCE, Phone, Server, Subscribe};

fn config(dns: &Dns) -> Config {
    Config::office()
        .append("modules.conf", "load => res_resolver_unbound.so\n")
        .file("resolver_unbound.conf", &format!("[general]\nnameserver={}\n", dns.address()))
}

/// A SUBSCRIBE whose Contact is `sip:alice@NAME`; gives the Call-ID.
fn subscribe(phone: &mut Phone, name: &str) -> String {
    let own = format!("<sip:alice@{}>", phone.address());
    let ask = Subscribe::presence("1000").edit(&own, &format!("<sip:alice@{name}>"));
    let (call_id, text) = phone.request(&ask);
    phone.send(text.as_bytes());
    assert_eq!(phone.receive_answer(&call_id, 1).status(), 200);
    call_id
}

#[test]
fn notifies_follow_the_records_of_a_contact() {
    let dns = Dns::start();
    let server = Server::start(config(&dns));
    let [mut phone, mut first, mut second] = [(); 3].map(|()| Phone::new(&server, "alice"));
    first.answer_with("503 Service Unavailable");
    dns.naptr("phones.test", 20, "SIP+D2T", "_sip._tcp.phones.test");
    dns.naptr("phones.test", 30, "SIP+D2U", "_x._udp.phones.test");
    dns.srv("_x._udp.phones.test", 1, first.address().port(), "one.phones.test");
    dns.srv("_x._udp.phones.test", 2, second.address().port(), "one.phones.test");
    dns.a("one.phones.test", [127, 0, 0, 1]);

    let call_id = subscribe(&mut phone, "phones.test");
    let refused = first.receive_notify(&call_id);
    let notify = second.receive_notify(&call_id);
    assert!(notify.start_line().starts_with("NOTIFY sip:alice@phones.test "), "{notify}");
    assert!(notify.cseq() > refused.cseq() && notify.body().contains("Ready"), "{notify}");
    server.devstate("Custom:a", "INUSE");
    assert!(second.receive_notify(&call_id).body().contains("On the phone"), "it stays with the second");
    assert_eq!(server.counter("NOTIFY requests sent to another address"), 1);

    // A port leaves only the address to ask for.
    dns.a("desk.test", [127, 0, 0, 1]);
    let call_id = subscribe(&mut phone, &format!("desk.test:{}", second.address().port()));
    second.receive_notify(&call_id);

    // A name without an address: where the SUBSCRIBE came from.
    let call_id = subscribe(&mut phone, "nowhere.test");
    assert!(phone.receive_notify(&call_id).body().contains("On the phone"));
    for phone in [&mut phone, &mut first, &mut second] {
        phone.nothing_for(Duration::from_millis(100));
    }
    server.stop();
}

#[test]
fn an_endpoint_is_known_by_the_address_of_its_name() {
    let dns = Dns::start();
    dns.a("gw.test", [127, 0, 0, 9]);
    let identify = "[gw](phone)\n[gw]\ntype=identify\nendpoint=gw\nmatch=gw.test\n";
    let server = Server::start(config(&dns).append("pjsip.conf", identify));
    let ask = Subscribe::presence("1000");
    let mut phone = Phone::new(&server, "stranger");
    assert_eq!(phone.status(&ask), 401);
    // The record changes; when it has aged the server asks again, without being told.
    dns.replace_a("gw.test", [127, 0, 0, 1]);
    // Nothing tells a phone when, so it asks again and again.
    let deadline = Instant::now() + PATIENCE;
    while phone.status(&ask) != 200 {
        assert!(Instant::now() < deadline, "{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(server.run("pjsip show subscriptions inbound").contains("Endpoint: gw/"));
    server.stop();
}

#[test]
fn a_resolver_that_cannot_be_set_up_says_so() {
    let dns = Dns::start();
    let bad = config(&dns).append("resolver_unbound.conf", "nameserver=dns.test\n");
    let server = Server::start(bad);
    server.wait_for_log("resolver_unbound.conf:3:", 1);
    let checked = server.boot().starling(&["--check-config"]);
    assert!(checked.stdout.contains("resolver_unbound.conf: 1 error(s), 0 warning(s)"), "{}", checked.stdout);
    server.stop();
}
