//! REGISTER by connections: what is there as long as its connection, and who follows whom.

use e2e::{Config, Message, Phone, Server, Subscribe, Wire};

/// The office with TCP beside UDP, an AOR for alice and a lamp for her phone.
fn office() -> Config {
    Config::office()
        .append(
            "pjsip.conf",
            "[tcp]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1:{port}\n\
             [alice](+)\naors=alice\n[alice]\ntype=aor\nmax_contacts=1\nremove_existing=yes\n\
             qualify_frequency=60\n",
        )
        .append("extensions.conf", "exten => 1100,hint,PJSIP/alice\n")
}

fn is_open(notify: &Message) -> bool {
    notify.body().contains("<basic>open</basic>")
}

/// A lamp whose phone has lost its connection goes on by the one that the phone registers by.
#[test]
fn a_lamp_follows_a_phone_that_registers_by_a_new_connection() {
    let server = Server::start(office());
    let mut phone = Phone::over(Wire::tcp(server.address()), "alice");
    assert_eq!(phone.register(";expires=600").status(), 200);
    phone.receive_options();
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    phone.wire().reset();
    server.wait_for_number("Connections", 0);
    server.devstate("Custom:a", "INUSE");
    let waits = server.run("core explain hint 1000@default");
    assert!(waits.contains("the phone's connection is gone"), "{waits}");
    phone.move_to(Wire::tcp(server.address()));
    assert_eq!(phone.register(";expires=600").status(), 200);
    assert!(phone.notify(&mut lamp).body().contains("On the phone"));
    server.devstate("Custom:a", "NOT_INUSE");
    assert!(phone.notify(&mut lamp).body().contains("Ready"));
    server.stop();
}

/// Such a phone listens nowhere: it is asked by its connection, and gone with it (RFC 5626 5.4).
#[test]
fn a_contact_behind_nat_is_there_as_long_as_its_connection() {
    let config = office().append("pjsip.conf", "[alice](+)\nrewrite_contact=yes\n");
    let server = Server::start(config);
    let mut watcher = Phone::new(&server, "bob");
    let mut lamp = watcher.subscribe(Subscribe::presence("1100"));
    let mut phone = Phone::over(Wire::tcp(server.address()), "alice");
    let contact = "Contact: <sip:alice@10.0.0.7:5062;transport=tcp>;expires=600\r\n";
    assert_eq!(phone.register_with(contact).status(), 200);
    phone.receive_options();
    assert!(is_open(watcher.notify(&mut lamp)));
    let contacts = server.run("pjsip show contacts");
    assert!(contacts.contains("Avail"), "{contacts}");
    phone.wire().reset();
    assert!(!is_open(watcher.notify(&mut lamp)));
    assert!(!server.run("pjsip show contacts").contains("alice/sip:"));
    let log = server.stop();
    assert!(log.contains("from AOR 'alice' due to shutdown"), "{log}");
}

/// A contact that nobody can be connected to is not there, and its lamp says so.
#[test]
fn a_contact_that_refuses_connections_is_unreachable() {
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port");
    let aor = format!(
        "[perm](phone)\naors=perm\n[perm]\ntype=aor\nqualify_frequency=1\n\
         contact=sip:perm@{closed}\\;transport=tcp\n"
    );
    let config = office().append("pjsip.conf", &aor);
    let server = Server::start(config.append("extensions.conf", "exten => 1200,hint,PJSIP/perm\n"));
    server.wait_for_log("is now Unreachable", 1);
    assert!(server.run("pjsip show contacts").contains("Unavail"));
    let lamp = Phone::new(&server, "bob").subscribe(Subscribe::presence("1200"));
    assert!(!is_open(&lamp.last), "{}", lamp.last);
    server.stop();
}

/// `pjsip send notify` reaches whoever registered, by the connection of the REGISTER.
#[test]
fn a_registered_phone_is_sent_notifys_by_its_connection() {
    let config = office()
        .append("modules.conf", "load => res_pjsip_notify.so\n")
        .append("pjsip_notify.conf", "[reboot]\nEvent=>check-sync\n");
    let server = Server::start(config);
    let mut phone = Phone::over(Wire::tcp(server.address()), "alice");
    let contact = "Contact: <sip:alice@10.0.0.7:5062;transport=tcp>;expires=600\r\n";
    assert_eq!(phone.register_with(contact).status(), 200);
    phone.receive_options();
    server.run("pjsip send notify reboot endpoint alice");
    let notify = phone.receive(|message| message.is_request("NOTIFY"));
    assert_eq!(notify.header("Event"), "check-sync");
    server.stop();
}
