//! OPTIONS to contacts, on simulated time.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::*;
use crate::desk::{Desk, header, headers, respond};
use crate::shard::ShardMessage;

const ASKED: &str = "
[alice]
type=endpoint
aors=alice
from_domain=pbx.example
[alice]
type=aor
max_contacts=3
qualify_frequency=60
support_path=yes
";

const PHONE: &str = "192.0.2.1:40000";

/// Registers a contact; gives the OPTIONS that follows.
fn register(desk: &mut Desk, headers: &str) -> (SocketAddr, String) {
    let sent = desk.register(PHONE, "alice", headers);
    sent.into_iter().find(|(_, text)| text.starts_with("OPTIONS")).expect("it is asked at once")
}

#[test]
fn a_new_contact_is_asked_at_once_and_its_answer_counts() {
    let mut desk = Desk::new(ASKED);
    let (to, options) = register(&mut desk, "Contact: <sip:a@192.0.2.1:40000;ob>\r\n");
    assert_eq!(to, PHONE.parse().unwrap());
    assert!(options.starts_with("OPTIONS sip:a@192.0.2.1:40000;ob SIP/2.0\r\n"), "{options}");
    let names: Vec<_> = options.lines().skip(1).filter_map(|line| line.split(':').next()).collect();
    let expected = [
        "Via",
        "From",
        "To",
        "Contact",
        "Call-ID",
        "CSeq",
        "Max-Forwards",
        "User-Agent",
        "Content-Length",
        "",
    ];
    assert_eq!(names, expected);
    assert!(header(&options, "From").unwrap().starts_with("<sip:alice@pbx.example>;tag="));
    assert_eq!(header(&options, "To"), Some("<sip:a@192.0.2.1>"));
    assert_eq!(header(&options, "Contact"), Some("<sip:192.0.2.100:5060>"));
    assert_eq!(desk.contacts("alice")[0].1, "Unknown");
    assert!(!desk.location.is_available("alice"));

    desk.pass(20, |_, _, _| {});
    desk.feed(PHONE, &respond(&options, "486 Busy Here"));
    assert_eq!(desk.contacts("alice")[0].1, "Avail", "any answer counts");
    assert_eq!(desk.location.contacts_of("alice")[0].rtt(), Some(Duration::from_millis(20)));
}

#[test]
fn silence_is_noticed_after_qualify_timeout_and_its_end_too() {
    let mut desk = Desk::new(ASKED);
    let (_, options) = register(&mut desk, "Contact: <sip:a@192.0.2.1:40000>\r\n");
    let mut copies = 0;
    desk.pass(2_990, |_, _, _| copies += 1);
    assert_eq!((copies, desk.contacts("alice")[0].1), (2, "Unknown"), "T1 and twice T1 have passed");
    desk.pass(20, |_, _, _| {});
    assert_eq!(desk.contacts("alice")[0].1, "Unavail");
    desk.feed(PHONE, &respond(&options, "200 OK"));
    assert_eq!(desk.contacts("alice")[0].1, "Unavail", "too late");
    desk.pass(100_000, |desk, _, options| drop(desk.feed(PHONE, &respond(&options, "200 OK"))));
    assert_eq!(desk.contacts("alice")[0].1, "Avail");
}

#[test]
fn with_2xx_only_an_error_is_no_answer() {
    let mut desk = Desk::new(&format!("{ASKED}qualify_2xx_only=yes\n"));
    let (_, options) = register(&mut desk, "Contact: <sip:a@192.0.2.1:40000>\r\n");
    desk.feed(PHONE, &respond(&options, "404 Not Found"));
    assert_eq!(desk.contacts("alice")[0].1, "Unavail");
}

#[test]
fn requests_take_the_way_of_the_path_and_the_phones_own_name() {
    let mut desk = Desk::new(&format!("{ASKED}outbound_proxy=sip:192.0.2.70\\;lr\n[alice](+)\n"));
    let headers_in = "Contact: <sip:a@10.0.0.1>\r\nSupported: path\r\nPath: <sip:192.0.2.50:5070;lr>\r\n";
    let (to, options) = register(&mut desk, headers_in);
    assert_eq!(to, "192.0.2.50:5070".parse().unwrap());
    assert!(options.starts_with("OPTIONS sip:a@10.0.0.1 SIP/2.0\r\n"), "{options}");
    assert_eq!(headers(&options, "Route"), ["<sip:192.0.2.50:5070;lr>", "<sip:192.0.2.70;lr>"]);
    assert_eq!(header(&options, "Supported"), Some("path"));
}

#[test]
fn a_contact_behind_nat_is_asked_by_its_own_name() {
    let mut desk = Desk::new(&ASKED.replacen("aors=alice", "aors=alice\nrewrite_contact=yes", 1));
    let (to, options) = register(&mut desk, "Contact: <sip:a@10.0.0.1:5062>\r\n");
    assert_eq!(to, PHONE.parse().unwrap());
    assert!(options.starts_with("OPTIONS sip:a@10.0.0.1:5062 SIP/2.0\r\n"), "{options}");
}

/// ```text
///  0 s           30 s           60 s
///  |.   . .  .    . .   .  . .  .|  asked once in each frequency, spread over it
/// ```
#[test]
fn many_contacts_are_asked_evenly() {
    let aors: String = (0..1000)
        .map(|n| {
            format!("[p{n}]\ntype=aor\nqualify_frequency=60\ncontact=sip:p{n}@192.0.2.{}\n", n % 200 + 1)
        })
        .collect();
    let mut desk = Desk::new(&aors);
    let mut by_second: BTreeMap<u64, usize> = BTreeMap::new();
    let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    desk.pass(180_000, |desk, to, options| {
        *by_second.entry(desk.now / 1000).or_default() += 1;
        times.entry(header(&options, "To").unwrap().to_owned()).or_default().push(desk.now);
        desk.feed(&to.to_string(), &respond(&options, "200 OK"));
    });
    assert_eq!(times.len(), 1000);
    for (who, times) in &times {
        assert_eq!(times.len(), 3, "{who}: {times:?}");
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] < 60_010), "{who}: {times:?}");
    }
    assert!(by_second.values().all(|count| *count < 45), "17 a second on average: {by_second:?}");
}

#[test]
fn what_is_gone_is_not_asked_and_what_is_refreshed_is_asked_as_before() {
    let mut desk = Desk::new(ASKED);
    let contact = "Contact: <sip:a@192.0.2.1:40000>\r\n";
    let (_, options) = register(&mut desk, contact);
    desk.feed(PHONE, &respond(&options, "200 OK"));
    for _ in 0..10 {
        desk.pass(10_000, |desk, _, options| drop(desk.feed(PHONE, &respond(&options, "200 OK"))));
        let sent = desk.register(PHONE, "alice", contact);
        assert_eq!(sent.len(), 1, "a refresh asks for nothing: {sent:?}");
        assert_eq!(desk.contacts("alice")[0].1, "Avail");
    }
    desk.register(PHONE, "alice", "Contact: *\r\nExpires: 0\r\n");
    desk.pass(200_000, |_, _, text| panic!("{text}"));
}

#[test]
fn an_operator_may_ask_at_once() {
    let mut desk = Desk::new("[a]\ntype=aor\nqualify_frequency=3600\ncontact=sip:a@192.0.2.1\n");
    desk.send(ShardMessage::Module(NAME, Box::new(Message::Qualify("a".into()))));
    let mut asked = 0;
    desk.pass(10, |_, _, _| asked += 1);
    assert_eq!(asked, 1);
}

#[test]
fn a_contact_without_a_way_is_not_reachable() {
    let mut desk =
        Desk::new("[a]\ntype=aor\nqualify_frequency=60\ncontact=sip:b@192.0.2.1\\;transport=tcp\n");
    desk.pass(120_000, |_, _, text| panic!("{text}"));
    assert_eq!(desk.contacts("a")[0].1, "Unavail");
}
