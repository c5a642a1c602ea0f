//! Nothing that arrives makes the parsers panic, whatever is done to a message on its way.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with a message")]

mod common;

use proptest::prelude::*;
use sip::{
    AcceptRef, EventRef, HeaderName, MediaRef, NameAddrRef, RawMessage, Scanner, StreamDecoder, StreamEvent,
    UriRef, ViaRef, response,
};

/// Calls everything that reads a message.
fn read_all(message: RawMessage<'_>) {
    let _ = (message.reason(), message.body(), message.status());
    let _ = format!("{message:?}");
    let _ = (message.via(), message.last_via(), message.from(), message.to());
    let _ = (message.call_id(), message.cseq(), message.max_forwards());
    let _ = (message.expires(), message.min_expires(), message.retry_after());
    let _ = (message.event(), message.content_type(), message.contact_is_star());
    for accept in message.accepts() {
        accept.matches("application/pidf+xml");
    }
    for name in HeaderName::KNOWN {
        let (lines, values) = (message.lines(*name).count(), message.values(*name).count());
        assert!(name.is_list() || values <= lines);
        assert_eq!(message.header(*name).is_some(), lines > 0);
        assert_eq!(message.is_repeated(*name), lines > 1);
        assert_eq!(message.named(name.as_str()).count(), lines);
        message.addresses(*name).flatten().for_each(read_address);
    }
    message.contacts().flatten().for_each(read_address);
    if let Some(line) = message.request() {
        if let Ok(uri) = UriRef::parse(line.uri) {
            read_uri(&uri);
        }
        assert!(!line.method.is_empty());
        let mut out = Vec::new();
        let source = "192.0.2.1:5060".parse().unwrap();
        response(&mut out, &message, 400, "Bad Request", source, Some("t"), true).finish(None).unwrap();
        let mut scanner = Scanner::new();
        let answer = scanner.scan(&out).unwrap();
        assert_eq!(answer.bytes().len(), out.len(), "one message, whatever was copied into it");
    }
    let _ = (message.check_request(), message.check_response(), message.is_answerable());
    let _ = message.to_rsip();
}

fn read_address(address: NameAddrRef<'_>) {
    let _ = (address.tag(), address.display_name(), address.param("expires"));
    read_uri(&address.uri);
    let _ = rsip::headers::typed::Contact::from(&address).to_string();
}

fn read_uri(uri: &UriRef<'_>) {
    let _ = (uri.host_ip(), uri.user_unescaped(), uri.param("transport"));
    let _ = (uri.params().count(), uri.header_pairs().count());
    assert!(uri.same_as(uri));
    let _ = rsip::Uri::from(uri).to_string();
}

fn read_value(value: &[u8]) {
    if let Ok(via) = ViaRef::parse(value) {
        let _ = (via.rfc3261_branch(), via.received_ip(), via.host_ip());
        let _ = rsip::headers::typed::Via::try_from(&via);
    }
    if let Ok(address) = NameAddrRef::parse(value) {
        read_address(address);
    }
    if let Ok(uri) = UriRef::parse(value) {
        read_uri(&uri);
    }
    let _ = (AcceptRef::parse(value), EventRef::parse(value), MediaRef::parse(value));
    assert!(!sip::unfold(value).contains(&b'\n'));
}

fn read_bytes(bytes: &[u8]) {
    let mut scanner = Scanner::new();
    if let Ok(message) = scanner.scan(bytes) {
        read_all(message);
        message.headers().for_each(|(_, _, value)| read_value(value));
    }
    let mut decoder = StreamDecoder::new();
    for piece in bytes.chunks(97) {
        decoder.push(piece);
        while let Some(event) = decoder.next_event() {
            if let StreamEvent::Message(message) = event {
                read_all(message);
            }
        }
    }
}

/// One change to a message.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Insert(usize, &'static [u8]),
    Remove(usize, usize),
    Copy(usize, usize, usize),
    Cut(usize),
}

fn change() -> impl Strategy<Value = Change> {
    const PIECES: &[&[u8]] = &[
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n ",
        b"\0",
        b"\"",
        b"\\",
        b"<",
        b">",
        b",",
        b";",
        b"=",
        b":",
        b"@",
        b"[",
        b"]",
        b"%",
        b"%0",
        b"?",
        b"*",
        b" ",
        b"\t",
        b"\xff",
        b"\xc3",
        b"SIP/2.0",
        b"99999999999999999999",
        b"-1",
        b"\r\n\r\n",
        b"Via: ",
        b"l: 5\r\n",
        b"sip:",
        b"tel:",
    ];
    let at = 0..2000_usize;
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at.clone(), prop::sample::select(PIECES)).prop_map(|(at, p)| Change::Insert(at, p)),
        (at.clone(), 1..60_usize).prop_map(|(at, len)| Change::Remove(at, len)),
        (at.clone(), at.clone(), 1..200_usize).prop_map(|(from, to, n)| Change::Copy(from, to, n)),
        at.prop_map(Change::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let len = bytes.len();
    let within = |at: usize| at % (len + 1);
    match *change {
        Change::Set(at, byte) => {
            if let Some(old) = bytes.get_mut(within(at)) {
                *old = byte;
            }
        }
        Change::Insert(at, piece) => {
            bytes.splice(within(at)..within(at), piece.iter().copied());
        }
        Change::Remove(at, count) => {
            bytes.drain(within(at)..len.min(within(at) + count));
        }
        Change::Copy(from, to, count) => {
            let piece = bytes[within(from)..len.min(within(from) + count)].to_vec();
            bytes.splice(within(to)..within(to), piece);
        }
        Change::Cut(at) => bytes.truncate(within(at)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn changed_messages(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec(change(), 1..8),
    ) {
        let corpus = CORPUS.with(|corpus| corpus.clone());
        let (_, bytes) = which.get(&corpus);
        let mut bytes = bytes.clone();
        for change in &changes {
            apply(&mut bytes, change);
        }
        read_bytes(&bytes);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_bytes(&bytes);
        read_value(&bytes);
    }

    #[test]
    fn any_value(value in r#"[ \t\r\n"<>;,=:@?%\\\[\]a-c0-9.*/-]{0,60}"#) {
        read_value(value.as_bytes());
    }
}

thread_local! {
    static CORPUS: std::rc::Rc<Vec<(String, Vec<u8>)>> = std::rc::Rc::new(common::corpus());
}

#[test]
fn every_prefix_of_every_message() {
    for (_, bytes) in common::corpus() {
        for len in (0..bytes.len()).step_by(7) {
            read_bytes(&bytes[..len]);
        }
    }
}

/// The largest messages of one kind of repetition each: time must stay linear, so that this test
/// is over in an instant.
#[test]
fn hostile_repetition() {
    let head = b"INVITE sip:a SIP/2.0\r\n";
    for (start, piece) in [
        (&b"Via: "[..], &b","[..]),
        (b"Contact: ", b"<"),
        (b"Contact: ", b"\""),
        (b"Contact: ", b"\\\""),
        (b"From: <sip:a>", b";a"),
        (b"To: <sip:a", b";a"),
        (b"Via: SIP/2.0/UDP h", b";a=\"\""),
        (b"Accept: ", b"a/b,"),
        (b"X: ", b"\r\n "),
        (b"Route: ", b"<sip:a>,"),
        (b"l: ", b"9"),
    ] {
        let line = [start, &piece.repeat(8000 / piece.len()), b"\r\n"].concat();
        let message = [head, &line.repeat(8)[..], b"\r\n"].concat();
        read_bytes(&message);
    }
    read_bytes(&b"\n".repeat(sip::MAX_MESSAGE));
    read_bytes(&b"a:\n".repeat(sip::MAX_MESSAGE / 3));
    read_bytes(&b"\r\n\r".repeat(sip::MAX_MESSAGE / 3));
}
