//! Phones over TLS: certificates of both sides, and their renewal.

use std::process::Command;

use e2e::{Authority, Config, Phone, Port, Process, Server, Sipp, Subscribe, Wire};

/// The office with TLS, on the port that is UDP's too.
fn office(authority: &Authority) -> Config {
    Config::office().identity(&authority.identity("localhost")).file("ca.pem", &authority.certificate).append(
        "pjsip.conf",
        "[tls]\ntype=transport\nprotocol=tls\nbind=127.0.0.1:{port}\ncert_file={directory}/cert.pem\n\
             priv_key_file={directory}/key.pem\n",
    )
}

/// Options of the section `[tls]`, which is the last one.
fn with(config: Config, options: &str) -> Config {
    config.append("pjsip.conf", options)
}

#[track_caller]
fn phone(server: &Server, authority: &Authority, name: &str) -> Phone {
    Phone::over(Wire::tls(server.address(), authority.client(None)).expect("TLS"), name)
}

#[test]
fn a_lamp_over_tls() {
    let authority = Authority::new("tests");
    let server = Server::start(office(&authority));
    let mut phone = phone(&server, &authority, "alice");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    let here = server.address();
    assert_eq!(lamp.answer.header("Contact"), format!("<sip:{here};transport=TLS>"));
    assert!(lamp.last.header("Via").starts_with(&format!("SIP/2.0/TLS {here};rport;")), "{}", lamp.last);
    server.devstate("Custom:a", "INUSE");
    assert!(phone.notify(&mut lamp).body().contains("On the phone"));
    phone.refresh(&mut lamp, 600);
    phone.unsubscribe(lamp);
    server.stop();
}

/// The distribution's SIPp has no TLS of its own; socat wraps its TCP connection.
#[test]
fn sipp_subscribes_over_tls() {
    let server = Server::start(office(&Authority::new("tests")));
    server.devstate("Custom:a", "NOT_INUSE");
    let port = Port::lease();
    let mut tunnel = Command::new("socat");
    tunnel.args(["-d", "-d"]).arg(format!("TCP-LISTEN:{},bind=127.0.0.1,reuseaddr", port.number()));
    tunnel.arg(format!("OPENSSL:{},verify=0", server.address()));
    let tunnel = Process::start(&mut tunnel);
    tunnel.wait_for("listening on", 1);
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], port.number()));
    let sipp = Sipp::start_at(at, "change.xml", &["-t", "t1"]);
    server.wait_for_counter("NOTIFY requests accepted", 1);
    server.devstate("Custom:a", "INUSE");
    server.wait_for_counter("NOTIFY requests accepted", 2);
    server.devstate("Custom:a", "NOT_INUSE");
    sipp.end();
    server.stop();
}

#[test]
fn phones_may_have_to_show_a_certificate() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("theirs"));
    let options = "verify_client=yes\nrequire_client_cert=yes\nca_list_file={directory}/ca.pem\n";
    let server = Server::start(with(office(&authority), options));
    let connect = |identity: Option<&e2e::Identity>| {
        let wire = Wire::tls(server.address(), authority.client(identity))?;
        let mut phone = Phone::over(wire, "alice");
        // With TLS 1.3 the refusal comes after the client's side of the handshake.
        phone.try_options().map(|answer| answer.status()).ok_or_else(|| "closed".to_owned())
    };
    assert_eq!(connect(Some(&authority.identity("phone"))), Ok(200));
    assert!(connect(None).is_err());
    assert!(connect(Some(&stranger.identity("phone"))).is_err());
    server.wait_for_counter("Handshakes failed", 2);
    server.stop();
}

#[test]
fn a_new_certificate_is_used_after_a_reload() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let server = Server::start(office(&old));
    let mut before = phone(&server, &old, "alice");
    let mut lamp = before.subscribe(Subscribe::presence("1000"));
    let identity = new.identity("localhost");
    let write = |file: &str, text: &str| {
        std::fs::write(server.boot().path(file), text).expect("the directory is ours");
    };
    // Half of it is there already: the old one stays.
    write("cert.pem", &identity.certificate);
    server.cli("module reload res_pjsip.so");
    assert!(server.log().contains("transport 'tls' keeps its certificate: "), "{}", server.log());
    phone(&server, &old, "bob");
    write("key.pem", &identity.key);
    server.run("module reload res_pjsip.so");
    assert!(Wire::tls(server.address(), old.client(None)).is_err(), "the old certificate is still shown");
    assert_eq!(phone(&server, &new, "bob").options().status(), 200);
    // Who is connected stays so.
    server.devstate("Custom:a", "INUSE");
    assert!(before.notify(&mut lamp).body().contains("On the phone"));
    server.stop();
}

#[test]
fn tls_that_cannot_be_had_is_named_and_the_rest_runs() {
    let authority = Authority::new("tests");
    for (config, words) in [
        (office(&authority).file("cert.pem", "no certificate"), "cert.pem: no certificate"),
        (with(office(&authority), "method=tlsv1\n"), "method = tlsv1: versions before TLS 1.2"),
        (with(office(&authority), "verify_client=yes\n"), "need ca_list_file or ca_list_path"),
    ] {
        let server = Server::start(config);
        let log = server.log();
        let line = log.lines().find(|line| line.contains("transport 'tls' is not opened: "));
        assert!(line.is_some_and(|line| line.contains(words)), "{log}");
        assert_eq!(Phone::new(&server, "alice").options().status(), 200);
        assert!(std::net::TcpStream::connect(server.address()).is_err());
        server.stop();
    }
}
