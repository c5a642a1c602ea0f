//! Reads whatever arrives, in every way that there is. The fuzz targets use it too.

use sip::digest::{Challenge, Credentials, Hashes, authorize};
use sip::{
    AcceptRef, EventRef, HeaderName, MediaRef, NameAddrRef, RawMessage, Scanner, StreamDecoder, StreamEvent,
    UriRef, ViaRef, response,
};

/// Calls everything that reads a message.
pub(crate) fn read_all(message: RawMessage<'_>) {
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

/// Reads a value as everything that a value can be.
pub(crate) fn read_value(value: &[u8]) {
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
    if let Ok(credentials) = Credentials::parse(value) {
        let ha1 = Hashes::default().ha1(credentials.algorithm, "a", "b", "c");
        let _ = Hashes::default().response(credentials.algorithm, &ha1, "SUBSCRIBE", &credentials);
    }
    if let Ok(challenge) = Challenge::parse(value) {
        let answer = authorize(&challenge, "a", "b", "SUBSCRIBE", "sip:c", "d", 1);
        assert!(Credentials::parse(answer.as_bytes()).is_ok(), "{answer}");
    }
    let _ = (AcceptRef::parse(value), EventRef::parse(value), MediaRef::parse(value));
    assert!(!sip::unfold(value).contains(&b'\n'));
}

/// Reads bytes as a datagram, and as what a stream brings.
pub(crate) fn read_bytes(bytes: &[u8]) {
    let mut scanner = Scanner::new();
    if let Ok(message) = scanner.scan(bytes) {
        read_all(message);
        message.headers().for_each(|(_, _, value)| read_value(value));
    }
    read_stream(bytes, 97);
}

/// Reads bytes as they come from a stream, some at a time; gives the bytes of each message,
/// and the words for what is none.
pub(crate) fn read_stream(bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
    let mut events = Vec::new();
    let mut decoder = StreamDecoder::new();
    for piece in bytes.chunks(size.max(1)) {
        decoder.push(piece);
        while let Some(event) = decoder.next_event() {
            if let StreamEvent::Message(message) = event {
                read_all(message);
                events.push(message.bytes().to_vec());
            } else {
                events.push(format!("{event:?}").into_bytes());
            }
        }
    }
    events
}
