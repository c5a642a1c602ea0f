//! Noise on the wire and mistakes in the configuration: each is counted or told, nothing else is lost.

use std::net::UdpSocket;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use e2e::{Boot, Config, PATIENCE, Phone, Server, Subscribe, module_dir};

/// A sender of packets that reads no answers but those to its own OPTIONS.
struct Noise {
    socket: UdpSocket,
    random: u64,
    /// Packets sent, those that wait for the server among them.
    count: u64,
    /// How many may be sent before the server has read them.
    credit: u64,
}

/// As few as fit into the receive buffer of a server that is given no larger one.
const CREDIT: u64 = 32;

impl Noise {
    fn new(server: &Server, seed: u64) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.connect(server.address()).expect("a local address");
        socket.set_read_timeout(Some(Duration::from_millis(500))).expect("it is not zero");
        Self { socket, random: seed, count: 0, credit: CREDIT }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    fn word(&mut self) -> String {
        let length = 2 + self.below(12);
        (0..length).map(|_| char::from(b'a' + self.below(26) as u8)).collect()
    }

    /// Sends a packet; from time to time waits until the server has read all of them, so that none is
    /// lost on the way.
    fn send(&mut self, packet: &[u8]) {
        self.socket.send(packet).expect("the packet fits");
        self.count += 1;
        self.credit -= 1;
        if self.credit == 0 {
            self.wait_until_read();
        }
    }

    /// The kernel keeps the order of one socket's packets: the answer to the last one tells.
    fn wait_until_read(&mut self) {
        let call_id =
            format!("fence{}-{}", self.socket.local_addr().expect("it is bound").port(), self.next());
        let text = format!(
            "OPTIONS sip:{} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK{call_id}\r\n\
             From: <sip:alice@127.0.0.1>;tag=f\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {call_id}\r\n\
             CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
            self.socket.peer_addr().expect("it is connected"),
        );
        let (deadline, mut bytes) = (Instant::now() + PATIENCE, [0; 65_536]);
        let mut answered = false;
        while !answered {
            assert!(Instant::now() < deadline, "no answer to {call_id}");
            self.socket.send(text.as_bytes()).expect("the packet fits");
            self.count += 1;
            // Our own buffer may have been too small for all the answers before: then it is asked again.
            while !answered && let Ok(length) = self.socket.recv(&mut bytes) {
                answered = String::from_utf8_lossy(&bytes[..length]).contains(&call_id);
            }
        }
        self.credit = CREDIT;
    }

    /// Something that nobody can answer.
    fn unanswerable(&mut self) -> Vec<u8> {
        let word = self.word();
        match self.below(7) {
            0 => {
                let length = 1 + self.below(1400);
                self.bytes(length)
            }
            1 => (0..1 + self.below(60))
                .map(|_| self.word() + [" ", "\r\n", ": ", ";"][self.below(4)])
                .collect::<String>()
                .into(),
            2 => {
                let lines: String =
                    (0..self.below(20)).map(|_| format!("X-{}: {}\r\n", self.word(), self.word())).collect();
                format!("SUBSCRIBE sip:{word}@127.0.0.1 SIP/2.0\r\n{lines}\r\n").into()
            }
            3 => format!(
                "SIP/2.0 {} x\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{word}\r\nCall-ID: {word}\r\n\r\n",
                200 + self.below(400)
            )
            .into(),
            4 => format!("ACK sip:1000@127.0.0.1 SIP/2.0\r\nCall-ID: {word}\r\n\r\n").into(),
            5 => vec![[0, b'\r', b'\n', b' '][self.below(4)]; 1 + self.below(1400)],
            _ => {
                let mut packet =
                    format!("NOTIFY sip:{word}@127.0.0.1 SIP/2.0\r\nFrom: {word}\r\nEvent: ").into_bytes();
                let length = self.below(500);
                packet.extend(self.bytes(length));
                packet
            }
        }
    }
}

/// The counters of `pjsip show stats`.
fn counters(server: &Server) -> Vec<(String, u64)> {
    let stats = server.run("pjsip show stats");
    let pairs = stats.lines().filter_map(|line| line.rsplit_once(':'));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().parse().expect("a number"))).collect()
}

fn sum(counters: &[(String, u64)], wanted: impl Fn(&str) -> bool) -> u64 {
    counters.iter().filter(|(name, _)| wanted(name)).map(|(_, value)| value).sum()
}

/// Packets that came to nothing.
fn dropped(server: &Server) -> u64 {
    sum(&counters(server), |name| {
        name.starts_with("Dropped:") || name == "Keep-alive packets" || name == "Packets dropped, shard busy"
    })
}

/// Datagrams that were read: one that another shard owns is counted by both.
fn read(server: &Server) -> u64 {
    let counters = counters(server);
    sum(&counters, |name| name == "Packets received" || name == "Packets dropped, shard busy")
        - sum(&counters, |name| name == "Packets handed to another shard")
}

/// Waits until a count that only grows is `expected`; packets may still be on their way between shards.
#[track_caller]
fn assert_reaches(server: &Server, count: fn(&Server) -> u64, expected: u64) {
    let deadline = Instant::now() + PATIENCE;
    let mut now = count(server);
    while now < expected {
        assert!(Instant::now() < deadline, "{now}, not {expected}: {:?}", counters(server));
        now = count(server);
    }
    assert_eq!(now, expected, "{:?}", counters(server));
}

/// New lamps are lit and old ones still are.
#[track_caller]
fn assert_works(server: Server, mut phone: Phone, mut lamp: e2e::Lamp) {
    server.devstate("Custom:a", "INUSE");
    assert!(phone.notify(&mut lamp).body().contains("On the phone"));
    let mut other = phone.subscribe(Subscribe::dialog("1001"));
    server.devstate("Custom:b", "RINGING");
    assert!(phone.notify(&mut other).body().contains("early"));
    phone.unsubscribe(lamp);
    phone.unsubscribe(other);
    server.stop();
}

#[test]
fn ten_thousand_packets_of_noise_are_counted_and_nothing_else() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let lamp = phone.subscribe(Subscribe::presence("1000"));
    let before = dropped(&server);
    // Several sources, so that each shard gets its share.
    for seed in 0..10 {
        let mut noise = Noise::new(&server, seed);
        for _ in 0..1000 {
            let packet = noise.unanswerable();
            noise.send(&packet);
        }
    }
    assert_reaches(&server, dropped, before + 10_000);
    assert_works(server, phone, lamp);
}

/// The messages of the SIP codec's tests, as on the wire.
fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sip/testdata");
    let mut messages = Vec::new();
    for kind in ["rfc4475", "events", "golden"] {
        for entry in std::fs::read_dir(folder.join(kind)).expect("the folder is there") {
            let text = std::fs::read(entry.expect("it can be read").path()).expect("it can be read");
            if kind == "golden" {
                messages.push(String::from_utf8(text).expect("text").replace('\n', "\r\n").into_bytes());
            } else {
                messages.push(text);
            }
        }
    }
    assert!(messages.len() > 80, "{}", messages.len());
    messages
}

#[test]
fn every_message_may_end_anywhere() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let lamp = phone.subscribe(Subscribe::presence("1000"));
    let mut expected = read(&server);
    let (_, subscribe) = phone.request(&Subscribe::presence("1000"));
    let mut noise = Noise::new(&server, 4475);
    let mut messages = corpus();
    messages.push(subscribe.into_bytes());
    for message in messages {
        for length in 0..message.len() {
            noise.send(&message[..length]);
        }
    }
    noise.wait_until_read();
    expected += noise.count;
    assert_reaches(&server, read, expected);
    assert_eq!(server.run("pjsip show subscriptions inbound").lines().last(), Some("1 active subscriptions"));
    assert_works(server, phone, lamp);
}

/// One byte of a SUBSCRIBE is another one: whatever it then asks for, the server goes on.
#[test]
fn any_byte_of_a_subscribe_may_be_wrong() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let lamp = phone.subscribe(Subscribe::presence("1000"));
    let mut expected = read(&server);
    // It gets what comes of them, and reads none of it.
    let mut deaf = Phone::new(&server, "bob");
    let (_, subscribe) = deaf.request(&Subscribe::presence("1000").expires("0"));
    let mut noise = Noise::new(&server, 6665);
    for _ in 0..3000 {
        let mut packet = subscribe.clone().into_bytes();
        let at = noise.below(packet.len());
        packet[at] = noise.next() as u8;
        noise.send(&packet);
    }
    noise.wait_until_read();
    expected += noise.count;
    assert_reaches(&server, read, expected);
    assert_works(server, phone, lamp);
}

#[test]
fn the_largest_datagrams_do_no_harm() {
    let server = Server::start(Config::office());
    let mut phone = Phone::new(&server, "alice");
    let lamp = phone.subscribe(Subscribe::presence("1000"));
    let before = dropped(&server);
    let mut noise = Noise::new(&server, 65_000);
    let (_, text) = phone.request(&Subscribe::presence("1000"));
    let with_line = |line: &str| text.replace("Max-Forwards: 70\r\n", &format!("Max-Forwards: 70\r\n{line}"));
    let random = noise.bytes(65_000);
    noise.send(&random);
    noise.send(&[0; 65_507]);
    noise.send(&[b'a'; 65_000]);
    noise.send(with_line(&format!("Subject: {}\r\n", "x".repeat(64_000))).as_bytes());
    noise.send(with_line(&"a: b\r\n".repeat(10_000)).as_bytes());
    noise.send(with_line(&format!("Subject: x{}\r\n", "\r\n x".repeat(15_000))).as_bytes());
    noise.wait_until_read();
    assert_reaches(&server, dropped, before + 6);
    // This one can be answered, but no datagram holds the answer, which names all ways.
    let before = server.counter("Packets that could not be sent");
    let text_of_many = text.replace(&call_id(&text), "many").replace("Max-Forwards: 70\r\n", "");
    let room = 65_507 - text_of_many.len();
    let via = |length: usize| {
        let start = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK";
        format!("{start}{}\r\n", "x".repeat(length - start.len() - 2))
    };
    let vias = via(room / 8).repeat(7) + &via(room / 8 + room % 8);
    phone.send(text_of_many.replace("From:", &format!("{vias}From:")).as_bytes());
    assert_reaches(&server, |server| server.counter("Packets that could not be sent"), before + 1);
    // And this one is in order.
    let body =
        text.replace("Content-Length: 0\r\n\r\n", "Content-Length: 64000\r\n\r\n") + &"x".repeat(64_000);
    phone.send(body.as_bytes());
    assert_eq!(phone.receive_answer(&call_id(&text), 1).status(), 200);
    phone.receive_notify(&call_id(&text));
    assert_works(server, phone, lamp);
}

fn call_id(text: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix("Call-ID: "));
    line.expect("a request has one").to_owned()
}

/// The line of the log that has a text; there must be exactly one.
#[track_caller]
fn line_with<'l>(log: &'l str, text: &str) -> &'l str {
    let lines: Vec<_> = log.lines().filter(|line| line.contains(text)).collect();
    assert_eq!(lines.len(), 1, "'{text}' is not on one line of:\n{log}");
    lines[0]
}

/// The number of the line that begins so.
fn line_number(text: &str, start: &str) -> usize {
    1 + text.lines().position(|line| line.starts_with(start)).expect("the line is there")
}

#[test]
fn a_mistake_in_pjsip_conf_costs_as_little_as_it_can() {
    let config = Config::office()
        .append("pjsip.conf", "[typo](phone)\nallow_subscirbe=no\n[broken](phone)\nsub_min_expiry=soon\n")
        .append("pjsip.conf", "[carol](phone)\n");
    let text = config.text("pjsip.conf");
    let [typo, broken] = ["allow_subscirbe", "sub_min_expiry=soon"].map(|start| line_number(text, start));
    let server = Server::start(config);
    for (name, status) in [("typo", 200), ("broken", 401), ("carol", 200), ("alice", 200)] {
        assert_eq!(Phone::new(&server, name).status(&Subscribe::presence("1000")), status, "{name}");
    }
    let log = server.stop();
    let line = line_with(&log, "allow_subscirbe");
    assert!(line.contains("WARNING") && line.contains(&format!("pjsip.conf:{typo}:1: [typo]:")), "{line}");
    let line = line_with(&log, "sub_min_expiry");
    assert!(line.contains("ERROR") && line.contains(&format!("pjsip.conf:{broken}:1: [broken]:")), "{line}");
    assert!(line.contains("option 'sub_min_expiry' has the value 'soon'"), "{line}");
}

#[test]
fn a_bad_line_in_extensions_conf_costs_that_line() {
    let config = Config::office().append(
        "extensions.conf",
        "exten => 1004\nexten => 1005,sometimes,NoOp\nexten\nexten => _[1-,hint,Custom:x\n\
         nonsense => 1\nexten => 1006,hint,Custom:c\n",
    );
    let text = config.text("extensions.conf").to_owned();
    let server = Server::start(config);
    let mut phone = Phone::new(&server, "alice");
    for (exten, status) in [("1000", 200), ("1004", 404), ("1005", 404), ("1006", 200)] {
        assert_eq!(phone.status(&Subscribe::presence(exten)), status, "{exten}");
    }
    let log = server.stop();
    for start in ["exten => 1004", "exten => 1005", "exten => _[1-", "nonsense"] {
        let line = line_with(&log, &format!("extensions.conf:{}:", line_number(&text, start)));
        assert!(line.contains("WARNING"), "{line}");
    }
}

#[test]
fn a_broken_pjsip_conf_declines_res_pjsip_and_the_server_starts() {
    let config = Config::office().append("pjsip.conf", "[x\ntype=endpoint\n");
    let number = line_number(config.text("pjsip.conf"), "[x");
    let server = Server::start(config);
    let shown = server.run("module show like res_pjsip");
    let row =
        |name: &str| shown.lines().find(|line| line.starts_with(&format!("{name}.so "))).unwrap_or_default();
    for name in ["res_pjsip", "res_pjsip_pubsub", "res_pjsip_endpoint_identifier_user"] {
        assert!(row(name).contains(" Not Running "), "{name}:\n{shown}");
    }
    // What does not need it runs.
    server.devstate("Custom:a", "INUSE");
    assert!(server.run("core show hint 1000").contains("InUse"), "{}", server.run("core show hint 1000"));
    let log = server.stop();
    let place = format!("pjsip.conf:{number}:");
    let line = log.lines().find(|line| line.contains("module res_pjsip does not run")).unwrap_or_default();
    assert!(line.contains("ERROR") && line.contains(&place), "{log}");
}

#[test]
fn a_port_in_use_ends_the_start_with_status_1() {
    let boot = Boot::new(&Config::office());
    let address = format!("127.0.0.1:{}", boot.port());
    let taken = UdpSocket::bind(&address).expect("the port is leased");
    let ended = boot.fail();
    let message =
        format!("transport 'udp' cannot listen on udp:{address}: the address is in use by another program");
    assert_eq!(ended.status, 1, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.stderr, format!("{message}\n"));
    drop(taken);
    boot.start().stop();
}

#[test]
fn what_is_no_readable_file_is_no_module() {
    let config = Config::office()
        .replace("asterisk.conf", "{modules}", "modules")
        .directory("modules/libmy_folder.so")
        .file("modules/libres_closed.so", "closed")
        .append("modules.conf", "load => my_folder.so\nload => res_closed.so\n");
    let lines = ["load => my_folder", "load => res_closed"]
        .map(|start| line_number(config.text("modules.conf"), start));
    let boot = Boot::new(&config);
    for entry in std::fs::read_dir(module_dir()).expect("it was built").flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().ends_with(".so") {
            symlink(entry.path(), boot.path("modules").join(name)).expect("the directory is ours");
        }
    }
    let closed = boot.path("modules/libres_closed.so");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).expect("the file is ours");
    let server = boot.start();
    for name in ["my_folder", "res_closed"] {
        let shown = server.run(&format!("module show like {name}"));
        assert!(shown.contains(" Not Running "), "{shown}");
    }
    assert_eq!(Phone::new(&server, "alice").status(&Subscribe::presence("1000")), 200);
    let log = server.stop();
    for (number, name) in lines.iter().zip(["my_folder", "libres_closed.so"]) {
        let line = line_with(&log, name);
        assert!(line.contains("ERROR") && line.contains(&format!("modules.conf:{number}:")), "{line}");
    }
}

#[test]
fn without_extensions_conf_there_are_no_hints_and_the_server_starts() {
    let server = Server::start(Config::office().no_file("extensions.conf"));
    let shown = server.run("module show like pbx_config");
    assert!(shown.contains(" Not Running "), "{shown}");
    let mut phone = Phone::new(&server, "alice");
    assert_eq!(phone.options().status(), 200);
    assert_eq!(phone.status(&Subscribe::presence("1000")), 404);
    let log = server.stop();
    let line = line_with(&log, "module pbx_config does not run");
    assert!(line.contains("ERROR") && line.contains("extensions.conf: no such file"), "{line}");
}

#[test]
fn a_run_directory_that_is_too_long_for_a_socket_is_named() {
    let directory = "r".repeat(108);
    let config =
        Config::office().replace("asterisk.conf", "astrundir => run", &format!("astrundir => {directory}"));
    let boot = Boot::new(&config);
    let path = boot.path(&directory).join("asterisk.ctl");
    let ended = boot.fail();
    assert_eq!(ended.status, 1, "{}{}", ended.stdout, ended.stderr);
    let expected = format!(
        "The path of the control socket, {}, has {} bytes; 107 fit\n",
        path.display(),
        path.as_os_str().len()
    );
    assert_eq!(ended.stderr, expected);
}
