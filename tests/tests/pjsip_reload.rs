//! Another `pjsip.conf` in a running server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use e2e::{Config, Lamp, PATIENCE, Phone, Server, Subscribe};

/// The endpoints p0 to p9, each of whose phones watches a hundred extensions.
struct Office {
    server: Server,
    phones: Vec<(Phone, Vec<Lamp>)>,
}

const PHONES: usize = 10;
const LAMPS: usize = 100;
const FIRST: usize = 3000;

fn pjsip(endpoints: &str) -> String {
    format!(
        "[global]\ntype=global\nuser_agent=golden\n[udp]\ntype=transport\nbind=127.0.0.1:{{port}}\n\
         [phone](!)\ntype=endpoint\ncontext=default\n{endpoints}"
    )
}

fn endpoints() -> String {
    (0..PHONES).map(|at| format!("[p{at}](phone)\n")).collect()
}

fn extensions() -> String {
    let hints = |count: usize, device: &str| {
        (0..count).map(|at| format!("exten => {},hint,Custom:{device}{at}\n", FIRST + at)).collect::<String>()
    };
    format!("[default]\n{}[other]\n{}", hints(LAMPS, "d"), hints(LAMPS / 2, "busy"))
}

fn config() -> Config {
    Config::office().file("extensions.conf", &extensions()).file("pjsip.conf", &pjsip(&endpoints()))
}

impl Office {
    fn start() -> Self {
        let server = Server::start(config());
        for at in 0..LAMPS / 2 {
            server.devstate(&format!("Custom:busy{at}"), "INUSE");
        }
        let phone = |at: usize| {
            let mut phone = Phone::new(&server, &format!("p{at}"));
            let ask = |at: usize| Subscribe::presence(&(FIRST + at).to_string());
            let lamps = (0..LAMPS).map(|at| phone.subscribe(ask(at))).collect();
            (phone, lamps)
        };
        let phones = (0..PHONES).map(phone).collect();
        Self { server, phones }
    }

    fn write(&self, pjsip_conf: &str) {
        write(&self.server, pjsip_conf);
    }

    /// A phone hears the end of the lamps in `which`.
    #[track_caller]
    fn assert_ended(&mut self, phone: usize, which: std::ops::Range<usize>, reason: &str) {
        let (phone, lamps) = &mut self.phones[phone];
        for lamp in &mut lamps[which] {
            assert_eq!(
                phone.notify(lamp).header("Subscription-State"),
                format!("terminated;reason={reason}")
            );
        }
    }

    #[track_caller]
    fn assert_silence(&mut self) {
        for (phone, _) in &mut self.phones {
            phone.nothing_for(Duration::from_millis(20));
        }
    }
}

fn write(server: &Server, pjsip_conf: &str) {
    let port = server.port();
    let text = pjsip_conf.replace("{port}", &port.to_string()).replace("{port2}", &(port + 1).to_string());
    std::fs::write(server.boot().path("pjsip.conf"), text).expect("the directory is ours");
}

#[test]
fn a_thousand_subscriptions_live_through_a_reload() {
    let mut office = Office::start();
    let sent = (PHONES * LAMPS) as u64;
    assert_eq!(office.server.counter("NOTIFY requests sent"), sent);

    // The same file: nobody hears anything.
    let text = office.server.run("pjsip reload");
    assert_eq!(text, "Module 'res_pjsip' reloaded successfully.\nnothing changed\n");
    office.assert_silence();

    let changed = endpoints()
        .replace("[p0](phone)", "[p0](phone)\nlanguage=de\nsub_min_expiry=10")
        .replace("[p1](phone)", "[p1](phone)\nallow_subscribe=no")
        .replace("[p2](phone)\n", "")
        .replace("[p3](phone)", "[p3](phone)\nsubscribe_context=other")
        + "[new](phone)\n";
    office.write(&pjsip(&changed));
    let text = office.server.run("pjsip reload");
    let done = "1 endpoint added, 3 endpoints changed, 1 endpoint removed\n";
    assert_eq!(text, format!("Module 'res_pjsip' reloaded successfully.\n{done}"));

    // p1 and p2 may not subscribe any more; p3 watches the other context, as far as that goes.
    office.assert_ended(1, 0..LAMPS, "rejected");
    office.assert_ended(2, 0..LAMPS, "rejected");
    let (phone, lamps) = &mut office.phones[3];
    for lamp in &mut lamps[..LAMPS / 2] {
        let notify = phone.notify(lamp);
        assert!(notify.body().contains("On the phone"), "{notify}");
    }
    office.assert_ended(3, LAMPS / 2..LAMPS, "noresource");
    office.assert_silence();
    office.server.wait_for_counter("NOTIFY requests accepted", sent + 3 * LAMPS as u64);
    assert_eq!(office.server.counter("NOTIFY requests sent"), sent + 3 * LAMPS as u64);
    let left = (PHONES * LAMPS - 2 * LAMPS - LAMPS / 2) as u64;
    assert_eq!(office.server.counter("Subscriptions"), left);
    assert_eq!(office.server.counter("Subscriptions ended by a reload"), (2 * LAMPS + LAMPS / 2) as u64);

    // Those who stayed still work: by a new state, and by a refresh under the new options.
    office.server.devstate("Custom:d7", "RINGING");
    for at in [0, 4, 9] {
        let (phone, lamps) = &mut office.phones[at];
        assert!(phone.notify(&mut lamps[7]).body().contains("Ringing"));
        phone.refresh(&mut lamps[7], 3600);
    }
    let (phone, lamps) = &mut office.phones[3];
    office.server.devstate("Custom:busy7", "ONHOLD");
    assert!(phone.notify(&mut lamps[7]).body().contains("On hold"));
    let ask = Subscribe::presence("3000");
    assert_eq!(office.phones[0].0.status(&ask.clone().expires("5")), 423);
    assert_eq!(office.phones[1].0.status(&ask), 603);
    assert_eq!(office.phones[2].0.status(&ask), 401);
    Phone::new(&office.server, "new").subscribe(ask);
    assert!(office.server.run("core show hint 3000").contains("Watchers  8"), "p0, p4 to p9, new");
    office.server.stop();
}

#[test]
fn a_broken_file_keeps_what_ran() {
    let server = Server::start(config());
    let mut phone = Phone::new(&server, "p0");
    let mut lamp = phone.subscribe(Subscribe::presence("3000"));
    let before = server.run("pjsip show endpoints");
    let good = pjsip(&endpoints());
    for (file, place, what) in [
        // Every kind of mistake, each of which would cost a phone its lamps.
        (good.replace("[p9](phone)\n", "[p9(phone)\n"), "pjsip.conf:19:", "closing ']'"),
        (
            good.replace("[p9](phone)\n", "[p0](phone)\nallow_subscribe=no\n"),
            "pjsip.conf:19:",
            "[p0]: a second",
        ),
        (
            good.replace("[p9]", "sub_min_expiry=many\n[new]"),
            "pjsip.conf:19:",
            "[p8]: option 'sub_min_expiry'",
        ),
        (good.clone() + "[x]\ntype=identify\nendpoint=p0\n", "pjsip.conf:20:", "[x]: option 'match'"),
        (good.replace("[p9](phone)\n", "#include \"missing.conf\"\n"), "pjsip.conf:19:", "missing.conf"),
        (good.replace("bind=127.0.0.1:{port}", "bind=nowhere"), "pjsip.conf:6:", "[udp]: option 'bind'"),
    ] {
        write(&server, &file);
        for command in ["pjsip reload", "module reload res_pjsip.so", "module reload res_pjsip_pubsub.so"] {
            let (text, status) = server.cli(command);
            assert_eq!(status, 1, "{command}: {text}");
            assert!(text.contains("reported a reload failure\n"), "{command}: {text}");
            assert!(text.contains(place) && text.contains(what), "{command}: {text}");
        }
        let checked = server.boot().starling(&["--check-config"]);
        assert!((checked.stdout + &checked.stderr).contains(what));
        assert_ne!(checked.status, 0);
        assert_eq!(server.run("pjsip show endpoints"), before);
    }
    std::fs::remove_file(server.boot().path("pjsip.conf")).expect("it is there");
    assert!(server.cli("pjsip reload").0.contains("pjsip.conf: no such file"));
    // An error in acl.conf counts as well.
    write(&server, &good);
    std::fs::write(server.boot().path("acl.conf"), "[lan]\npermit=10.0.0.0/99\n").expect("it is ours");
    assert!(server.cli("pjsip reload").0.contains("acl.conf:2:"));
    std::fs::remove_file(server.boot().path("acl.conf")).expect("it is ours");

    phone.nothing_for(Duration::from_millis(100));
    server.devstate("Custom:d0", "INUSE");
    assert!(phone.notify(&mut lamp).body().contains("On the phone"));
    phone.refresh(&mut lamp, 3600);

    // A warning is no reason to stay behind.
    write(&server, &good.replace("[p9](phone)", "[p9](phone)\nunknown_option=1"));
    let text = server.run("pjsip reload");
    assert!(text.contains("nothing changed"), "{text}");
    server.wait_for_log("unknown_option", 1);
    server.stop();
}

#[test]
fn transports_come_and_go() {
    let server = Server::start(config());
    let mut phone = Phone::new(&server, "p0");
    let mut lamp = phone.subscribe(Subscribe::presence("3000"));
    let second = |more: &str| {
        pjsip(&endpoints()) + "[second]\ntype=transport\nbind=127.0.0.1:{port2}\nallow_reload=yes\n" + more
    };
    write(&server, &second(""));
    let text = server.run("pjsip reload");
    assert!(text.ends_with("\n1 transport added\n"), "{text}");
    assert!(server.run("pjsip list transports").contains(&(server.port() + 1).to_string()));
    let mut address = server.address();
    address.set_port(server.port() + 1);
    let mut other = Phone::at(address, "p1");
    let mut second_lamp = other.subscribe(Subscribe::presence("3000"));
    server.devstate("Custom:d0", "INUSE");
    assert!(phone.notify(&mut lamp).body().contains("On the phone"));
    assert!(other.notify(&mut second_lamp).body().contains("On the phone"), "by its own transport");

    // Without allow_reload a transport stays as it is, and the rest of the file counts.
    let elsewhere = second("[p10](phone)\n").replace("127.0.0.1:{port}\n", "127.0.0.2:{port}\n");
    write(&server, &elsewhere);
    let text = server.run("module reload res_pjsip.so") + &server.run("pjsip reload");
    let kept = "transport 'udp' keeps its bind: a change needs allow_reload=yes or a restart\n";
    assert!(text.ends_with(kept), "{text}");
    server.wait_for_log(kept.trim_end(), 2);
    assert!(server.run("pjsip show transports").contains(&format!("127.0.0.1:{}", server.port())));
    assert_eq!(phone.refresh(&mut lamp, 3600).status(), 200);
    Phone::new(&server, "p10").subscribe(Subscribe::presence("3000"));

    // One that is gone from the file closes if it allows that; its phone may subscribe again elsewhere.
    write(&server, &pjsip(&endpoints()));
    let text = server.run("pjsip reload");
    assert!(text.ends_with("\n1 endpoint removed, 1 transport removed\n"), "{text}");
    let last = other.notify(&mut second_lamp).header("Subscription-State").to_owned();
    assert_eq!(last, "terminated;reason=deactivated");
    std::net::UdpSocket::bind(address).expect("nobody listens there any more");
    assert!(!server.run("pjsip list transports").contains(&(server.port() + 1).to_string()));
    phone.nothing_for(Duration::from_millis(100));

    // An address that somebody else has refuses everything.
    let stranger = std::net::UdpSocket::bind(address).expect("it is free");
    write(&server, &second("[p11](phone)\n"));
    let (text, status) = server.cli("pjsip reload");
    assert_eq!(status, 1, "{text}");
    let reason = format!("transport 'second' cannot listen on udp:{address}: the address is in use");
    assert!(text.contains(&reason), "{text}");
    assert!(!server.run("pjsip list endpoints").contains("p11"));
    drop(stranger);
    assert!(server.run("pjsip reload").contains("1 endpoint added, 1 transport added"));
    Phone::at(address, "p11").subscribe(Subscribe::presence("3000"));
    server.stop();
}

/// A phone learns where to send its refresh from the NOTIFY that comes from the new address.
#[test]
fn a_transport_that_moves_takes_its_phones_along() {
    let file = pjsip(&endpoints()).replace("[udp]\n", "[udp]\nallow_reload=yes\n");
    let server = Server::start(config().file("pjsip.conf", &file));
    let mut phone = Phone::new(&server, "p0");
    let mut lamp = phone.subscribe(Subscribe::presence("3000"));
    write(&server, &file.replace("{port}", "{port2}"));
    assert!(server.run("pjsip reload").ends_with("\n1 transport changed\n"));
    let mut moved = server.address();
    moved.set_port(server.port() + 1);
    phone.server_moves_to(moved);
    let contact = phone.notify(&mut lamp).header("Contact").to_owned();
    assert_eq!(contact, format!("<sip:{moved}>"));
    phone.refresh(&mut lamp, 3600);
    server.devstate("Custom:d0", "INUSE");
    assert!(phone.notify(&mut lamp).body().contains("On the phone"));
    server.stop();
}

/// OPTIONS by a connection; whether it is answered 200 before the connection ends.
fn options(stream: &mut TcpStream, call_id: &str) -> bool {
    let own = stream.local_addr().expect("it is connected");
    let server = stream.peer_addr().expect("it is connected");
    let text = format!(
        "OPTIONS sip:{server} SIP/2.0\r\nVia: SIP/2.0/TCP {own};branch=z9hG4bK{call_id}\r\n\
         From: <sip:p0@{}>;tag=f\r\nTo: <sip:{server}>\r\nCall-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\n\
         Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        own.ip()
    );
    stream.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
    let mut answer = [0; 4096];
    match stream.write_all(text.as_bytes()).and_then(|()| stream.read(&mut answer)) {
        Ok(length) => answer[..length].starts_with(b"SIP/2.0 200 OK\r\n"),
        Err(_) => false,
    }
}

#[test]
fn tcp_comes_moves_with_its_connections_and_goes() {
    let server = Server::start(config());
    let section = |port: &str| {
        pjsip(&endpoints())
            + &format!("[tcp]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1:{port}\nallow_reload=yes\n")
    };
    let connect = |port: u16| TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    assert!(connect(server.port()).is_err());
    write(&server, &section("{port}"));
    assert!(server.run("pjsip reload").ends_with("\n1 transport added\n"));
    let mut first = connect(server.port()).expect("it listens");
    assert!(options(&mut first, "one"));

    write(&server, &section("{port2}"));
    assert!(server.run("pjsip reload").ends_with("\n1 transport changed\n"));
    assert!(connect(server.port()).is_err(), "it has left its port");
    assert!(options(&mut first, "two"), "what was connected stays connected");
    let mut second = connect(server.port() + 1).expect("it listens");
    assert!(options(&mut second, "three"));

    write(&server, &pjsip(&endpoints()));
    assert!(server.run("pjsip reload").ends_with("\n1 transport removed\n"));
    assert!(connect(server.port() + 1).is_err());
    assert!(!options(&mut first, "four") && !options(&mut second, "five"), "their connections end");
    server.stop();
}

#[test]
fn devices_of_endpoints_follow_the_file() {
    let hints = "[default]\nexten => 3000,hint,PJSIP/desk\n";
    let server = Server::start(config().file("extensions.conf", hints));
    let mut phone = Phone::new(&server, "p0");
    let mut lamp = phone.subscribe(Subscribe::presence("3000"));
    let desk = "[desk](phone)\naors=desk\n[desk]\ntype=aor\nmax_contacts=1\n";
    write(&server, &(pjsip(&endpoints()) + desk));
    server.run("pjsip reload");
    // INVALID and UNAVAILABLE look alike.
    assert!(lamp.last.body().contains("Unavailable"), "{}", lamp.last);
    phone.nothing_for(Duration::from_millis(100));
    write(&server, &(pjsip(&endpoints()) + desk + "contact=sip:desk@127.0.0.1:9\n"));
    server.run("pjsip reload");
    assert!(phone.notify(&mut lamp).body().contains("Ready"));
    server.stop();
}

/// Whoever reloads reads what the log says: a warning may be why lamps went dark.
#[test]
fn a_reload_prints_its_warnings() {
    let server = Server::start(Config::office());
    let file = server.boot().path("pjsip.conf");
    let text = std::fs::read_to_string(&file).expect("it was written");
    std::fs::write(&file, text + "[alice](+)\nallow_subscribe=maybe\n").expect("the directory is ours");
    let printed = server.run("pjsip reload");
    assert!(printed.contains("WARNING  pjsip.conf:") && printed.contains("'maybe'"), "{printed}");
    server.stop();
}
