//! Framing of a byte stream.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with a message")]

mod common;

use sip::{MAX_MESSAGE, ScanError, StreamDecoder, StreamEvent};

#[derive(Debug, PartialEq, Clone)]
enum Got {
    Message(Vec<u8>),
    /// A request and the status of its refusal.
    Refused(u16),
    Ping,
    Skipped(ScanError),
    Broken(ScanError),
}

fn events(decoder: &mut StreamDecoder) -> Vec<Got> {
    let mut got = Vec::new();
    while let Some(event) = decoder.next_event() {
        got.push(match event {
            StreamEvent::Message(message) => match message.check_request() {
                Err(refusal) if message.request().is_some() => Got::Refused(refusal.status),
                _ => Got::Message(message.bytes().to_vec()),
            },
            StreamEvent::Ping => Got::Ping,
            StreamEvent::Skipped(error) => Got::Skipped(error),
            StreamEvent::Broken(error) => Got::Broken(error),
        });
    }
    got
}

fn all_at_once(bytes: &[u8]) -> Vec<Got> {
    let mut decoder = StreamDecoder::new();
    decoder.push(bytes);
    events(&mut decoder)
}

fn in_pieces(bytes: &[u8], size: usize) -> Vec<Got> {
    let mut decoder = StreamDecoder::new();
    let mut got = Vec::new();
    for piece in bytes.chunks(size) {
        decoder.push(piece);
        got.extend(events(&mut decoder));
    }
    got
}

/// The events of `bytes`, which must not depend on how they arrive.
fn decode(bytes: &[u8]) -> Vec<Got> {
    let got = all_at_once(bytes);
    for size in [1, 2, 3, 7, 100] {
        assert_eq!(in_pieces(bytes, size), got, "in pieces of {size}");
    }
    got
}

fn request(extra: &str, body: &str) -> Vec<u8> {
    format!(
        "SUBSCRIBE sip:1001@pbx SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKx\r\n\
         From: <sip:a@pbx>;tag=1\r\nTo: <sip:1001@pbx>\r\nCall-ID: c\r\nCSeq: 1 SUBSCRIBE\r\n\
         {extra}\r\n{body}"
    )
    .into_bytes()
}

#[test]
fn messages_and_pings_in_any_pieces() {
    let one = request("Content-Length: 2\r\n", "hi");
    let two = request("l: 0\r\n", "");
    let lone_line_feeds = String::from_utf8(two.clone()).unwrap().replace("\r\n", "\n");
    let stream = [
        b"\r\n\r\n",
        &one[..],
        &two,
        b"\r\n",
        &one,
        b"\r\n\r\n\r\n\r\n",
        lone_line_feeds.as_bytes(),
        &common::read("events/notify_pidf.valid.sip"),
        b"\r\n\r\n",
    ]
    .concat();
    let message = |bytes: &[u8]| Got::Message(bytes.to_vec());
    assert_eq!(
        decode(&stream),
        [
            Got::Ping,
            message(&one),
            message(&two),
            message(&one),
            Got::Ping,
            Got::Ping,
            message(lone_line_feeds.as_bytes()),
            message(&common::read("events/notify_pidf.valid.sip")),
            Got::Ping,
        ]
    );
}

#[test]
fn dblreq_is_two_requests() {
    let got = decode(&common::read("rfc4475/dblreq.valid.sip"));
    assert_eq!(got.len(), 2);
    assert!(got.iter().all(|got| matches!(got, Got::Message(_))));
}

#[test]
fn content_length_is_required_but_its_absence_answered() {
    let stream = [request("", ""), request("l: 0\r\n", "")].concat();
    let got = decode(&stream);
    assert_eq!(got.first(), Some(&Got::Refused(400)));
    assert!(matches!(got.get(1), Some(Got::Message(_))));
    // With a body the next start line is found to be none.
    let got = decode(&request("", "v=0\r\n\r\n"));
    assert_eq!(got, [Got::Refused(400), Got::Broken(ScanError::StartLine)]);
}

#[test]
fn a_content_length_that_cannot_be_trusted_ends_the_stream() {
    let next = request("l: 0\r\n", "");
    for lie in ["-1", "x", "", "1\r\nContent-Length: 2"] {
        let stream = [request(&format!("Content-Length: {lie}\r\n"), ""), next.clone()].concat();
        let got = decode(&stream);
        assert_eq!(got, [Got::Refused(400), Got::Broken(ScanError::StartLine)], "{lie:?}");
    }
    let huge = "Content-Length: 99999999999999999999999\r\n";
    let got = decode(&request(huge, "x"));
    assert_eq!(got, [Got::Broken(ScanError::MessageTooLong)]);
    // Twice the same is refused, but leaves no doubt where the next message starts.
    let stream = [request("l: 1\r\nl: 1\r\n", "x"), next.clone()].concat();
    let got = decode(&stream);
    assert_eq!(got, [Got::Refused(400), Got::Message(next)]);
}

#[test]
fn an_oversized_body_is_refused_and_skipped() {
    let body = "x".repeat(MAX_MESSAGE + 10);
    let next = request("l: 0\r\n", "");
    let stream = [request(&format!("l: {}\r\n", body.len()), &body), next.clone()].concat();
    let want = [Got::Refused(513), Got::Message(next)];
    assert_eq!(all_at_once(&stream), want);
    assert_eq!(in_pieces(&stream, 1000), want);
    let mut decoder = StreamDecoder::new();
    for piece in stream.chunks(1000).take(50) {
        decoder.push(piece);
        events(&mut decoder);
        assert_eq!(decoder.pending(), 0, "a body that is thrown away is not kept");
    }
}

#[test]
fn an_unreadable_message_is_skipped_when_its_length_is_known() {
    let next = request("l: 0\r\n", "");
    let stream = [&common::read("rfc4475/bigcode.invalid.sip")[..], &next].concat();
    let got = decode(&stream);
    assert_eq!(got, [Got::Skipped(ScanError::StartLine), Got::Message(next)]);
}

#[test]
fn what_is_not_sip_ends_the_stream() {
    for bytes in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"\x16\x03\x01\x02\n\n", b"nonsense\r\n\r\n"] {
        let bytes = [bytes, &request("l: 0\r\n", "")].concat();
        assert_eq!(decode(&bytes), [Got::Broken(ScanError::StartLine)], "{bytes:?}");
    }
    let endless = vec![b'x'; MAX_MESSAGE + 1];
    assert_eq!(all_at_once(&endless), [Got::Broken(ScanError::MessageTooLong)]);
    let mut decoder = StreamDecoder::new();
    decoder.push(&endless);
    events(&mut decoder);
    decoder.push(&endless);
    assert_eq!(decoder.pending(), 0, "a broken stream keeps nothing");
}

#[test]
fn half_a_message_is_no_event() {
    let whole = request("l: 2\r\n", "hi");
    for len in 0..whole.len() {
        assert_eq!(all_at_once(&whole[..len]), [], "{len} bytes");
    }
}
