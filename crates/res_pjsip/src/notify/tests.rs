use std::net::{IpAddr, SocketAddr};

use super::*;
use crate::config::tests::parse;
use crate::config::{PjsipConfig, Protocol};
use crate::identify::Identifiers;
use crate::resolve::Target;
use crate::{Access, BoundTransport, Output, Routes, Shard, ShardMessage, Snapshot, TraceFilter};

struct Nowhere;

impl Routes for Nowhere {
    fn source_for(&mut self, _: SocketAddr) -> Option<IpAddr> {
        None
    }
}

const FILE: &str = "[reboot]\nEvent=>check-sync\\;reboot=true\nX-Note => two words\nVia=>x\nBad Name=>x\n\
                    [text]\nEvent=>message\nContent-Type=>text/plain\nContent=>one\nContent=>two\n";

fn templates() -> (Templates, Vec<conf::Diagnostic>) {
    Template::parse_all(&conf::Loader::new(".").parse("pjsip_notify.conf", FILE).unwrap())
}

struct Office {
    shard: Shard,
    out: Output,
    now: u64,
    config: PjsipConfig,
}

impl Office {
    fn new(endpoint: &str) -> Self {
        let (config, remarks) = parse(&format!(
            "[global]\ntype=global\nuser_agent=golden\n[udp]\ntype=transport\nbind=192.0.2.1\n\
             [alice b]\ntype=endpoint\n{endpoint}"
        ));
        assert_eq!(remarks, Vec::<String>::new());
        let transport = config.transports[0].clone();
        let snapshot = Snapshot {
            config: Arc::new(config.clone()),
            transports: vec![BoundTransport { local: transport.bind, config: transport, open: true }],
            identifiers: Identifiers::default(),
            access: Access::default(),
            nat: true,
            extensions: None,
            booted: true,
            trace: TraceFilter::Off,
        };
        let mut shard = Shard::new(0, 1, 7, 0, Arc::new(snapshot), Box::new(Nowhere));
        let mut out = Output::default();
        shard.message(0, ShardMessage::AddModule(Notify::factory()), &mut out);
        Self { shard, out, now: 0, config }
    }

    fn send(&mut self, template: &str, uri: &str) {
        let endpoint = self.config.endpoints["alice b"].clone();
        let template = templates().0[template].clone();
        let notify =
            Notify { template, from_user: endpoint.id.clone(), endpoint, uri: uri.into(), flow: None };
        let message = ShardMessage::Module(NotifyModule::NAME, Box::new(notify));
        self.shard.message(self.now, message, &mut self.out);
    }

    /// The packets since the last call, and where they go.
    fn sent(&mut self) -> Vec<(SocketAddr, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let all = self.out.datagrams().map(|(peer, bytes)| (peer.address, text(bytes))).collect();
        self.out.clear();
        all
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.shard.tick(self.now, &mut self.out);
    }
}

fn header<'a>(message: &'a str, name: &str) -> &'a str {
    message.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

#[test]
fn the_file_says_what_is_sent_and_not_how() {
    let (templates, remarks) = templates();
    assert_eq!(&*templates["reboot"].headers[0].1, "check-sync;reboot=true");
    assert_eq!(templates["text"].content, "one\r\ntwo");
    let remarks: Vec<_> = remarks.iter().map(ToString::to_string).collect();
    assert_eq!(remarks.len(), 2, "{remarks:?}");
    assert!(remarks[0].contains(":4:") && remarks[0].contains("'Via' is set by the server"), "{remarks:?}");
}

#[test]
fn a_notify_has_all_that_a_request_needs() {
    let mut office = Office::new("contact_user=pbx\n");
    office.send("reboot", "sip:alice@192.0.2.9:5070?x=y");
    let (to, notify) = office.sent().remove(0);
    assert_eq!(to, "192.0.2.9:5070".parse().unwrap());
    assert!(notify.starts_with("NOTIFY sip:alice@192.0.2.9:5070 SIP/2.0\r\n"), "{notify}");
    assert!(
        header(&notify, "Via").starts_with("SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK"),
        "{notify}"
    );
    assert!(header(&notify, "From").starts_with("<sip:alice%20b@192.0.2.1:5060>;tag="), "{notify}");
    assert_eq!(header(&notify, "Contact"), "<sip:pbx@192.0.2.1:5060>");
    assert_eq!(header(&notify, "Subscription-State"), "terminated");
    assert_eq!(header(&notify, "Event"), "check-sync;reboot=true");
    assert!(notify.ends_with("\r\nContent-Length:  0\r\n\r\n"), "{notify}");
    office.send("text", "sip:alice@192.0.2.9");
    assert!(
        office.sent()[0].1.ends_with("Content-Type: text/plain\r\nContent-Length:     8\r\n\r\none\r\ntwo")
    );
}

#[test]
fn a_proxy_is_asked_first_and_the_next_address_when_nobody_answers() {
    let mut office = Office::new("outbound_proxy=sip:proxy.test\nfrom_user=us\nfrom_domain=pbx.test\n");
    office.send("reboot", "sip:alice@192.0.2.9");
    assert!(office.sent().is_empty());
    let (token, question) = office.out.take_questions().next().expect("a question");
    assert_eq!(&*question.host, "proxy.test");
    let target = |address: &str| Target {
        protocol: Protocol::Udp,
        address: address.parse().unwrap(),
        domain: "proxy.test".into(),
    };
    let answer = Ok(vec![target("[2001:db8::1]:5060"), target("192.0.2.3:5060"), target("192.0.2.4:5060")]);
    office.shard.message(office.now, ShardMessage::Resolved(token, answer), &mut office.out);
    let (to, notify) = office.sent().remove(0);
    assert_eq!(to, "192.0.2.3:5060".parse().unwrap(), "there is no transport for IPv6");
    assert_eq!(header(&notify, "Route"), "<sip:proxy.test;lr>");
    assert!(header(&notify, "From").starts_with("<sip:us@pbx.test>;"), "{notify}");
    office.pass(32_000);
    let (to, again) = office.sent().pop().expect("the next");
    assert_eq!(to, "192.0.2.4:5060".parse().unwrap());
    assert_eq!(header(&again, "Call-ID"), header(&notify, "Call-ID"));
    assert_eq!(header(&again, "CSeq"), "2 NOTIFY");
}
