//! REGISTER: contacts, lamps that follow them, what survives a restart, real phones.

use std::time::Duration;

use e2e::{Baresip, Config, Message, Phone, Server, Sipp, Subscribe};

/// The office with AORs for alice and bob, and a lamp for alice.
fn office() -> Config {
    let aors = "[alice](+)\naors=alice\n[bob](+)\naors=bob\n\
                [alice]\ntype=aor\nmax_contacts=1\n[bob]\ntype=aor\nmax_contacts=2\n";
    Config::office()
        .append("pjsip.conf", aors)
        .append("extensions.conf", "exten => 1100,hint,PJSIP/alice\nexten => 1101,hint,PJSIP/bob\n")
}

fn is_open(notify: &Message) -> bool {
    notify.body().contains("<basic>open</basic>")
}

#[test]
fn a_lamp_follows_the_registration_of_its_phone() {
    let server = Server::start(office());
    let mut watcher = Phone::new(&server, "bob");
    let mut lamp = watcher.subscribe(Subscribe::presence("1100"));
    assert!(!is_open(&lamp.last), "{}", lamp.last);

    let mut phone = Phone::new(&server, "alice");
    let answer = phone.register(";expires=600");
    assert_eq!(answer.status(), 200, "{answer}");
    let contact = answer.header("Contact");
    // A second may begin while it is stored.
    let left = contact.strip_prefix(&format!("<sip:alice@{}>;expires=", phone.address()));
    assert!(matches!(left, Some("600" | "599")), "{answer}");
    assert!(is_open(watcher.notify(&mut lamp)));

    // A refresh changes nothing, another address takes no place that is not there.
    assert_eq!(phone.register(";expires=900").status(), 200);
    assert_eq!(Phone::new(&server, "alice").register("").status(), 403);
    watcher.nothing_for(Duration::from_millis(200));

    assert_eq!(phone.register(";expires=0").status(), 200);
    assert!(!is_open(watcher.notify(&mut lamp)));
    let log = server.stop();
    assert!(log.contains("Removed contact 'sip:alice@"), "{log}");
    assert!(
        log.contains("refused: AOR 'alice': the AOR would have 2 contacts, more than max_contacts=1 (403)")
    );
}

#[test]
fn contacts_are_there_again_after_a_power_cut() {
    let server = Server::start(office());
    let mut phone = Phone::new(&server, "alice");
    assert_eq!(phone.register(";expires=600").status(), 200);
    let before = server.run("pjsip list contacts");
    let server = server.kill().start();
    assert_eq!(server.run("pjsip list contacts"), before);
    let mut watcher = Phone::new(&server, "bob");
    assert!(is_open(&watcher.subscribe(Subscribe::presence("1100")).last));
    server.stop();
}

#[test]
fn a_phone_that_does_not_answer_options_has_a_dark_lamp() {
    let server = Server::start(office().replace(
        "pjsip.conf",
        "max_contacts=1\n",
        "max_contacts=1\nqualify_frequency=3600\nqualify_timeout=0.5\n",
    ));
    let mut watcher = Phone::new(&server, "bob");
    let mut lamp = watcher.subscribe(Subscribe::presence("1100"));
    let mut phone = Phone::new(&server, "alice");
    phone.register("");
    let options = phone.receive_options();
    assert_eq!(options.request_uri(), format!("sip:alice@{}", phone.address()));
    assert!(is_open(watcher.notify(&mut lamp)));
    let line = server.run("pjsip list contacts");
    assert!(line.contains(" Avail "), "{line}");

    phone.answer_nothing();
    assert_eq!(server.run("pjsip qualify alice"), "Qualifying AOR 'alice' on endpoint 'alice'\n");
    assert!(!is_open(watcher.notify(&mut lamp)), "nobody answered within qualify_timeout");
    let table = server.run("pjsip show endpoint alice");
    assert!(table.contains("Unavailable   0 of inf"), "{table}");
    assert!(table.contains(" Unavail         nan\n"), "{table}");
    let (text, status) = server.cli("pjsip qualify nobody");
    assert!(text.starts_with("Unable to retrieve endpoint nobody\n") && status == 1, "{text}");
    server.stop();
}

#[test]
fn listings_show_contacts_as_asterisk_does() {
    let server = Server::start(office());
    let mut phone = Phone::new(&server, "alice");
    phone.register("");
    let uri = format!("alice/sip:alice@{}", phone.address());
    let aor = server.run("pjsip show aor alice");
    let row = format!("    Contact:  {uri:<40}");
    assert!(aor.contains(&row) && aor.contains(" NonQual         nan\n"), "{aor}");
    assert!(aor.contains(&format!(" contact              : sip:alice@{}\n", phone.address())), "{aor}");
    let endpoints = server.run("pjsip list endpoints");
    assert!(endpoints.contains(
        " Endpoint:  alice                                                Not in use    0 of inf\n"
    ));
    assert!(endpoints.contains(
        " Endpoint:  bob                                                  Unavailable   0 of inf\n"
    ));
    let contacts = server.run("pjsip show contacts");
    assert!(contacts.ends_with("\nObjects found: 1\n\n"), "{contacts}");
    server.stop();
}

#[test]
fn a_phone_behind_nat_gets_its_notifys_where_it_is() {
    let server =
        Server::start(office().replace("pjsip.conf", "aors=alice\n", "aors=alice\nrewrite_contact=yes\n"));
    let mut phone = Phone::new(&server, "alice");
    let inside = "<sip:alice@10.0.0.7:5062>";
    let answer = phone.register_with(&format!("Contact: {inside};expires=60\r\n"));
    assert!(answer.header("Contact").starts_with(&format!("{inside};expires=")), "{answer}");
    let (contact, own) = ("<sip:alice@127.0.0.1:", phone.address().port());
    let ask = Subscribe::presence("1000").edit(&format!("{contact}{own}>"), inside);
    let mut lamp = phone.subscribe(ask);
    assert_eq!(lamp.last.request_uri(), "sip:alice@10.0.0.7:5062", "it knows itself by that name");
    server.devstate("Custom:a", "INUSE");
    phone.notify(&mut lamp);
    server.stop();
}

#[test]
fn a_reload_brings_and_takes_permanent_contacts() {
    let server = Server::start(office());
    let mut watcher = Phone::new(&server, "bob");
    let mut lamp = watcher.subscribe(Subscribe::presence("1100"));
    assert!(!is_open(&lamp.last));
    let file = server.boot().path("pjsip.conf");
    let text = std::fs::read_to_string(&file).expect("the file is ours");
    let with = text.replace("max_contacts=1\n", "max_contacts=1\ncontact=sip:alice@127.0.0.1:9\n");
    std::fs::write(&file, with).expect("the file is ours");
    server.run("module reload res_pjsip");
    assert!(is_open(watcher.notify(&mut lamp)));
    std::fs::write(&file, text).expect("the file is ours");
    server.run("module reload res_pjsip");
    assert!(!is_open(watcher.notify(&mut lamp)));
    assert_eq!(server.run("pjsip list contacts"), "No objects found.\n\n");
    server.stop();
}

#[test]
fn without_the_registrar_there_is_no_register() {
    let server = Server::start(office().without("res_pjsip_registrar"));
    assert_eq!(Phone::new(&server, "alice").register("").status(), 501);
    let listed = server.run("module show like res_pjsip_nat");
    assert!(listed.contains("PJSIP NAT Support"), "{listed}");
    server.stop();
}

/// ```text
///  SIPp                     server
///   |= REGISTER ==========>|  one call a phone
///   |<=============== 200 =|
///   |= REGISTER ==========>|  refresh
///   |<=============== 200 =|
///   |= REGISTER * 0 ======>|
///   |<=============== 200 =|
/// ```
#[test]
fn sipp_registers_refreshes_and_leaves() {
    let server = Server::start(office().replace("pjsip.conf", "max_contacts=2\n", "max_contacts=200\n"));
    Sipp::run(&server, "register.xml", &["-m", "100", "-r", "200"]);
    assert_eq!(server.counter("Registrations"), 300);
    assert_eq!(server.run("pjsip list contacts"), "No objects found.\n\n");
    server.stop();
}

#[test]
fn baresip_registers_and_watches() {
    let server = Server::start(office());
    let baresip = Baresip::registered(&server, &["1000"]);
    server.wait_for_counter("NOTIFY requests accepted", 1);
    server.wait_for_log("Added contact 'sip:alice", 1);
    let mut watcher = Phone::new(&server, "bob");
    let mut lamp = watcher.subscribe(Subscribe::presence("1100"));
    assert!(is_open(&lamp.last), "{}", lamp.last);
    // When its user closes it, it says so.
    baresip.interrupt();
    assert!(!is_open(watcher.notify(&mut lamp)));
    server.stop();
}
