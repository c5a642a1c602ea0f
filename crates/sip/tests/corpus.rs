//! Every message of the corpus with the outcome that RFC 4475 asks for.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with a message")]

mod common;

use sip::{HeaderName, NameAddrRef, RawMessage, ScanError, Scanner, UriRef, ViaRef};

#[derive(Debug, PartialEq)]
enum Outcome {
    /// A request that goes on to method, extensions and resource.
    Served,
    /// A request that is answered at once.
    Refused(u16),
    /// A request that lacks what an answer is made of.
    Dropped(u16),
    /// A response that goes on to its transaction.
    Taken,
    /// A response that is thrown away.
    Discarded,
    Unreadable(ScanError),
}

use Outcome::{Discarded, Dropped, Refused, Served, Taken, Unreadable};

fn outcome(bytes: &[u8]) -> Outcome {
    let mut scanner = Scanner::new();
    let message = match scanner.scan(bytes) {
        Ok(message) => message,
        Err(error) => return Unreadable(error),
    };
    if message.status().is_some() {
        return match message.check_response() {
            Ok(()) => Taken,
            Err(_) => Discarded,
        };
    }
    match message.check_request() {
        Ok(()) => Served,
        Err(refusal) if message.is_answerable() => Refused(refusal.status),
        Err(refusal) => Dropped(refusal.status),
    }
}

/// What differs from "served" or "taken", and why.
const EXPECTED: &[(&str, Outcome, &str)] = &[
    ("badaspec", Refused(400), "blanks inside the angle brackets of To"),
    ("baddate", Refused(400), "a Date that is not GMT"),
    ("baddn", Refused(400), "a comma in a display name without quotes"),
    ("badinv01", Refused(400), "empty parameters in Via and Contact"),
    ("badvers", Refused(505), "SIP/7.0"),
    ("bcast", Discarded, "a second Via: the response is for somebody else"),
    ("bigcode", Unreadable(ScanError::StartLine), "a status code of ten digits"),
    ("clerr", Refused(400), "Content-Length beyond the datagram"),
    ("escruri", Refused(400), "headers in the Request-URI"),
    ("insuf", Dropped(400), "without From, To and Call-ID there is no answer"),
    ("ltgtruri", Refused(400), "angle brackets around the Request-URI"),
    ("lwsruri", Refused(400), "a blank in the Request-URI"),
    ("lwsstart", Refused(400), "two blanks in the request line"),
    ("mcl01", Refused(400), "two Content-Length"),
    ("mismatch01", Refused(400), "the method of CSeq is another one"),
    ("mismatch02", Refused(400), "the same with an unknown method"),
    ("multi01", Refused(400), "two of From, To, Call-ID, CSeq"),
    ("ncl", Refused(400), "a negative Content-Length"),
    ("novelsc", Refused(416), "soap.beep:"),
    ("quotbal", Refused(400), "a quote that is not closed"),
    ("regbadct", Refused(400), "a Contact with '?' but without angle brackets"),
    ("scalar02", Refused(400), "CSeq beyond 2^31"),
    ("scalarlg", Discarded, "CSeq beyond 2^31 in a response"),
    ("trws", Refused(400), "blanks behind the request line"),
    ("unkscm", Refused(416), "nobodyKnowsThisScheme:"),
    // The message is well formed; that a registrar has no use for these schemes is its to say.
    ("unksm2", Served, "unknown schemes in From, To, Contact"),
    // Well formed as a message: presence URIs are RFC 3859, but no SIP element routes them.
    ("pres_uri", Refused(416), "pres:"),
];

#[test]
fn every_corpus_message_has_its_outcome() {
    let mut seen = 0;
    for (name, bytes) in common::corpus() {
        let stem = name.split(['/', '.']).nth(1).unwrap();
        let listed = EXPECTED.iter().find(|(listed, ..)| *listed == stem);
        let outcome = outcome(&bytes);
        match listed {
            Some((_, expected, why)) => {
                seen += 1;
                assert_eq!(outcome, *expected, "{name}: {why}");
            }
            None => {
                assert!(name.contains(".valid."), "{name} has no expected outcome");
                assert!(matches!(outcome, Served | Taken), "{name}: {outcome:?}");
            }
        }
    }
    assert_eq!(seen, EXPECTED.len(), "an expected outcome without a message");
}

fn valid(check: impl Fn(&str, RawMessage<'_>)) {
    let mut scanner = Scanner::new();
    let mut count = 0;
    for (name, bytes) in common::corpus() {
        if name.contains(".valid.") {
            count += 1;
            check(&name, scanner.scan(&bytes).unwrap());
        }
    }
    assert_eq!(count, 50, "valid corpus messages");
}

#[test]
fn mandatory_headers_of_all_valid_messages_parse() {
    valid(|name, message| {
        assert!(message.via().is_ok(), "{name}");
        assert!(message.last_via().is_ok(), "{name}");
        assert!(message.from().is_ok(), "{name}");
        assert!(message.to().is_ok(), "{name}");
        assert!(message.call_id().is_ok(), "{name}");
        assert!(message.cseq().is_ok(), "{name}");
        assert!(message.contacts().all(|contact| contact.is_ok()), "{name}");
        if let Some(line) = message.request() {
            assert!(UriRef::parse(line.uri).is_ok(), "{name}");
        }
    });
}

#[test]
fn all_valid_messages_convert_to_rsip() {
    valid(|name, message| {
        let Ok(converted) = message.to_rsip() else {
            // rsip has a closed list of methods; these two are answered 501 without it.
            assert!(name.contains("intmeth") || name.contains("esc02"), "{name}");
            return;
        };
        let (headers, body) = match converted {
            rsip::SipMessage::Request(request) => (request.headers, request.body),
            rsip::SipMessage::Response(response) => {
                let code = message.status().unwrap();
                let reason = String::from_utf8(message.reason().to_vec()).unwrap();
                let expected = rsip::StatusCode::Other(code, reason);
                assert_eq!(response.status_code, expected, "{name}");
                (response.headers, response.body)
            }
        };
        assert_eq!(body, message.body(), "{name}");
        let vias = headers.iter().filter(|h| matches!(h, rsip::Header::Via(_)));
        assert_eq!(vias.count(), message.values(HeaderName::Via).count(), "{name}");
        for header in headers.iter() {
            assert!(!header.to_string().contains(['\r', '\n']), "{name}: {header}");
        }
    });
}

/// What rsip prints is read back as the same address.
#[test]
fn addresses_survive_the_way_through_rsip() {
    valid(|name, message| {
        let addresses = [message.from(), message.to(), message.contact()];
        for address in addresses.into_iter().flatten() {
            let typed = rsip::headers::typed::Contact::from(&address);
            let printed = typed.to_string();
            let back = NameAddrRef::parse(printed.as_bytes())
                .unwrap_or_else(|error| panic!("{name}: {printed}: {error}"));
            assert_eq!(back.tag(), address.tag(), "{name}");
            if name.contains("regescrt") {
                // rsip::Uri has no place for `?Route=`.
                continue;
            }
            assert!(back.uri.same_as(&address.uri), "{name}: {printed}");
        }
        for value in message.values(HeaderName::Via) {
            let via = ViaRef::parse(value).unwrap();
            let Ok(typed) = rsip::headers::typed::Via::try_from(&via) else {
                assert_eq!(via.transport, "UNKNOWN", "{name}");
                continue;
            };
            let printed = typed.to_string();
            let back = ViaRef::parse(printed.as_bytes()).unwrap();
            assert_eq!((back.host, back.port), (via.host, via.port), "{name}");
            assert_eq!((back.branch, back.rport), (via.branch, via.rport), "{name}");
            assert_eq!(back.received_ip(), via.received_ip(), "{name}");
        }
    });
}

/// A scanned message that is written again scans to the same headers and body.
#[test]
fn written_again_it_is_the_same_message() {
    valid(|name, message| {
        let mut out = Vec::new();
        let line = message.request();
        if message.headers().any(|(_, _, value)| value.contains(&0)) {
            return; // intmeth: the writer refuses NUL.
        }
        let reason = String::from_utf8_lossy(message.reason());
        let mut writer = match line {
            Some(line) => sip::Writer::request(&mut out, line.method, line.uri),
            None => sip::Writer::status(&mut out, message.status().unwrap(), &reason),
        };
        let skipped = [HeaderName::ContentLength, HeaderName::ContentType];
        for (id, header, value) in message.headers() {
            if !skipped.contains(&id) {
                let header = std::str::from_utf8(header).unwrap();
                writer.header(header, sip::unfold(value));
            }
        }
        let media_type = message.header(HeaderName::ContentType).unwrap_or_default();
        let media_type = std::str::from_utf8(media_type).unwrap();
        let body = (!media_type.is_empty()).then(|| (media_type, message.body()));
        writer.finish(body).unwrap_or_else(|error| panic!("{name}: {error}"));

        let mut scanner = Scanner::new();
        let again = scanner.scan(&out).unwrap();
        assert_eq!(again.request(), line, "{name}");
        assert_eq!(again.status(), message.status(), "{name}");
        assert_eq!(again.reason(), message.reason(), "{name}");
        assert_eq!(again.body(), message.body(), "{name}");
        let others = |message: RawMessage<'_>| {
            message
                .headers()
                .filter(|(id, ..)| !skipped.contains(id))
                .map(|(id, _, value)| (id, sip::unfold(value).into_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(others(again), others(message), "{name}");
    });
}
