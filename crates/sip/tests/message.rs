//! What a message says, on the awkward messages of the corpus.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with a message")]

mod common;

use sip::{HeaderName, RawMessage, ScanError, Scanner, UriRef};

fn with<T>(bytes: &[u8], read: impl FnOnce(RawMessage<'_>) -> T) -> T {
    let mut scanner = Scanner::new();
    read(scanner.scan(bytes).unwrap())
}

fn file<T>(path: &str, read: impl FnOnce(RawMessage<'_>) -> T) -> T {
    with(&common::read(path), read)
}

/// A SUBSCRIBE that is served, with `extra` header lines.
fn subscribe(extra: &str) -> Vec<u8> {
    format!(
        "SUBSCRIBE sip:1001@pbx SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n\
         From: <sip:a@pbx>;tag=1\r\nTo: <sip:1001@pbx>\r\nCall-ID: c\r\nCSeq: 1 SUBSCRIBE\r\n\
         {extra}\r\n"
    )
    .into_bytes()
}

fn status(extra: &str) -> u16 {
    with(&subscribe(extra), |message| message.check_request().map_or_else(|refusal| refusal.status, |()| 200))
}

#[test]
fn wsinv_white_space_everywhere() {
    file("rfc4475/wsinv.valid.sip", |message| {
        let to = message.to().unwrap();
        assert_eq!(to.uri.text(), "sip:vivekg@chair-dnrc.example.com");
        assert_eq!(to.tag(), Some(&b"1918181833n"[..]));
        let from = message.from().unwrap();
        assert_eq!(from.display_name().unwrap(), r#"J Rosenberg \""#);
        assert_eq!(from.tag(), Some(&b"98asjd8"[..]));
        assert_eq!(message.max_forwards(), Ok(Some(68)));
        let cseq = message.cseq().unwrap();
        assert_eq!((cseq.seq, cseq.method), (9, "INVITE"));
        let via = message.via().unwrap();
        assert_eq!((via.transport, via.host), ("UDP", "192.0.2.2"));
        assert_eq!(via.branch, Some(&b"390skdjuw"[..]));
        assert_eq!(via.rfc3261_branch(), None);
        assert_eq!(message.values(HeaderName::Via).count(), 3);
        let last = message.last_via().unwrap();
        assert_eq!(last.host, "192.168.255.111");
        assert_eq!(last.rfc3261_branch(), Some(&b"z9hG4bK30239"[..]));
        let contact = message.contact().unwrap();
        assert_eq!(contact.display_name().unwrap(), r#"Quoted string """#);
        assert_eq!(contact.param("newparam"), Some(&b"newvalue"[..]));
        assert_eq!(contact.param("secondparam"), Some(&b""[..]));
        assert_eq!(contact.param("q"), Some(&b"0.33"[..]));
        assert_eq!(message.named("subject").collect::<Vec<_>>(), [b""]);
        let fangled = message.named("newfangledheader").next().unwrap();
        assert_eq!(&*sip::unfold(fangled), b"newfangled value continued newfangled value");
        assert_eq!(message.body().len(), 150);
    });
}

#[test]
fn intmeth_unusual_characters() {
    file("rfc4475/intmeth.valid.sip", |message| {
        let line = message.request().unwrap();
        assert_eq!(line.method, "!interesting-Method0123456789_*+`.%indeed'~");
        let uri = UriRef::parse(line.uri).unwrap();
        assert_eq!(uri.user, Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
        assert_eq!(uri.password, Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
        assert_eq!(uri.host, "example.com");
        assert_eq!(message.from().unwrap().tag(), Some(&b"_token~1'+`*%!-."[..]));
        let to = message.to().unwrap();
        assert_eq!(to.display_name().unwrap(), "BEL:\u{7} NUL:\0 DEL:\u{7f}");
    });
}

#[test]
fn escaped_users() {
    file("rfc4475/esc01.valid.sip", |message| {
        let uri = UriRef::parse(message.request().unwrap().uri).unwrap();
        assert_eq!(uri.user_unescaped(), "sips:user@example.com");
        assert_eq!(message.to().unwrap().uri.user_unescaped(), "user");
        let contact = message.contact().unwrap();
        assert_eq!(contact.uri.user_unescaped(), "caller");
        assert_eq!(contact.uri.param("n%61me"), Some("v%61lue%25%34%31"));
    });
    file("rfc4475/escnull.valid.sip", |message| {
        let users: Vec<_> =
            message.contacts().map(|contact| contact.unwrap().uri.user_unescaped().into_owned()).collect();
        assert_eq!(users, ["\0", "\0\0"]);
    });
    file("rfc4475/semiuri.valid.sip", |message| {
        let uri = UriRef::parse(message.request().unwrap().uri).unwrap();
        assert_eq!(uri.user_unescaped(), "user;par=u@example.net");
        assert_eq!(uri.params().count(), 0);
        assert_eq!(message.accepts().count(), 6);
    });
}

#[test]
fn parameters_without_brackets_belong_to_the_header() {
    file("rfc4475/cparam01.valid.sip", |message| {
        let contact = message.contact().unwrap();
        assert_eq!(contact.param("unknownparam"), Some(&b""[..]));
        assert_eq!(contact.uri.param("unknownparam"), None);
    });
    file("rfc4475/cparam02.valid.sip", |message| {
        let contact = message.contact().unwrap();
        assert_eq!(contact.param("unknownparam"), None);
        assert_eq!(contact.uri.param("unknownparam"), Some(""));
    });
    file("rfc4475/regescrt.valid.sip", |message| {
        let uri = message.contact().unwrap().uri;
        assert_eq!(uri.headers(), Some("Route=%3Csip:sip.example.com%3E"));
    });
}

#[test]
fn what_follows_the_body_is_cut_off() {
    file("rfc4475/dblreq.valid.sip", |message| {
        assert_eq!(message.request().unwrap().method, "REGISTER");
        assert_eq!(message.body(), b"");
        assert!(message.bytes().ends_with(b"Content-Length: 0\r\n\r\n"));
    });
    file("events/no_cl_udp.valid.sip", |message| {
        assert_eq!(message.body(), b"body to end of datagram");
    });
    file("events/bin_notify.valid.sip", |message| {
        assert!(message.body().iter().copied().eq(0..=255));
    });
}

#[test]
fn compact_names() {
    file("events/compact_subscribe.valid.sip", |message| {
        assert_eq!(message.via().unwrap().transport, "TCP");
        assert_eq!(message.from().unwrap().uri.user, Some("2002"));
        assert_eq!(message.call_id(), Ok(&b"compact-1@10.1.1.1"[..]));
        assert_eq!(message.contact().unwrap().uri.param("TRANSPORT"), Some("tcp"));
        assert_eq!(message.event().unwrap().unwrap().package, "presence");
        assert_eq!(message.header(HeaderName::AllowEvents), Some(&b"presence"[..]));
        assert_eq!(message.header(HeaderName::Supported), Some(&b"eventlist"[..]));
        assert_eq!(message.named("Supported").count(), 1);
    });
}

#[test]
fn folds() {
    file("events/folded_subscribe.valid.sip", |message| {
        assert_eq!(message.via().unwrap().branch, Some(&b"z9hG4bKa1"[..]));
        assert_eq!(message.from().unwrap().tag(), Some(&b"1"[..]));
        let accepts: Vec<_> = message.accepts().map(|a| a.subtype).collect();
        assert_eq!(accepts, ["pidf+xml", "xpidf+xml"]);
    });
}

#[test]
fn ipv6() {
    file("events/ipv6_subscribe.valid.sip", |message| {
        let uri = UriRef::parse(message.request().unwrap().uri).unwrap();
        assert_eq!((uri.host, uri.port), ("[2001:db8::10]", Some(5070)));
        assert_eq!(uri.host_ip(), "2001:db8::10".parse().ok());
        let via = message.via().unwrap();
        assert_eq!(via.host_ip(), "2001:db8::9:1".parse().ok());
        assert_eq!(via.received_ip(), "2001:db8::9:255".parse().ok());
        assert_eq!(via.rport, Some(Some(5062)));
        assert_eq!(message.call_id(), Ok(&b"v6@[2001:db8::9:1]"[..]));
        let rsip = rsip::Uri::from(&uri);
        assert_eq!(rsip.to_string(), "sip:1001@[2001:db8::10]:5070;transport=TCP");
    });
}

/// RFC 5118 sections 4.2, 4.5 and 4.10.
#[test]
fn ipv6_torture() {
    assert!(UriRef::parse(b"sip:2001:db8::10").is_err());
    let uri = UriRef::parse(b"sip:user@[2001:db8:::192.0.2.1]").unwrap();
    assert_eq!(uri.host_ip(), "2001:db8::192.0.2.1".parse().ok());
    for received in ["2001:db8::9:255", "[2001:db8::9:255]"] {
        let via = format!("SIP/2.0/UDP [2001:db8::9:1];received={received};branch=z9hG4bKas3");
        let via = sip::ViaRef::parse(via.as_bytes()).unwrap();
        assert_eq!(via.received_ip(), "2001:db8::9:255".parse().ok());
    }
}

#[test]
fn dotted_users_and_opaque_schemes_reach_rsip_whole() {
    file("events/dotted_user.valid.sip", |message| {
        let uri = rsip::Uri::from(&message.from().unwrap().uri);
        assert_eq!(uri.user(), Some("jane.doe"));
        assert_eq!(uri.host().to_string(), "pbx.example.com");
    });
    for (path, text) in [
        ("events/tel_uri.valid.sip", "tel:+1-201-555-0123;phone-context=example.com"),
        ("events/pres_uri.valid.sip", "pres:alice@example.com"),
    ] {
        file(path, |message| {
            let uri = UriRef::parse(message.request().unwrap().uri).unwrap();
            assert_eq!(rsip::Uri::from(&uri).to_string(), text);
        });
    }
}

#[test]
fn lists_and_quotes() {
    file("events/multi_via_rr.valid.sip", |message| {
        let hosts: Vec<_> =
            message.values(HeaderName::Via).map(|via| sip::ViaRef::parse(via).unwrap().host).collect();
        assert_eq!(hosts, ["p2.example.com", "p1.example.com", "10.1.1.1"]);
        assert_eq!(message.addresses(HeaderName::RecordRoute).count(), 2);
        assert_eq!(message.addresses(HeaderName::Path).count(), 2);
        let from = message.from().unwrap();
        assert_eq!(from.display_name().unwrap(), r#"Smith, John; the "boss" <jr>"#);
        let contact = message.contact().unwrap();
        assert_eq!(
            contact.param("+sip.instance"),
            Some(&b"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"[..])
        );
        assert_eq!(message.event().unwrap().unwrap().id, Some(&b"7"[..]));
    });
    file("events/authz_comma.valid.sip", |message| {
        assert_eq!(message.values(HeaderName::Authorization).count(), 1);
    });
}

#[test]
fn display_names_in_any_encoding() {
    file("events/latin1_display.valid.sip", |message| {
        assert_eq!(message.from().unwrap().display_name().unwrap(), "Andr\u{e9}");
    });
    file("events/utf8_display.valid.sip", |message| {
        assert!(message.from().unwrap().display_name().unwrap().starts_with("\u{42e}"));
    });
}

#[test]
fn numbers() {
    file("rfc4475/scalar02.invalid.sip", |message| {
        assert!(message.cseq().is_err());
        assert_eq!(message.expires(), Ok(Some(u32::MAX)));
    });
    file("events/s423.valid.sip", |message| {
        assert_eq!(message.retry_after(), Ok(Some(18_000)));
        assert_eq!(message.min_expires(), Ok(Some(60)));
    });
    with(&subscribe("Retry-After: 5 (soon)\r\n"), |message| {
        assert_eq!(message.retry_after(), Ok(Some(5)));
    });
    with(&subscribe("Retry-After: 5 soon\r\n"), |message| {
        assert!(message.retry_after().is_err());
    });
    let cseq = |number: &str| {
        let bytes = format!("X sip:a SIP/2.0\r\nCSeq: {number} X\r\n\r\n");
        with(bytes.as_bytes(), |message| message.cseq().map(|c| c.seq).ok())
    };
    assert_eq!(cseq("2147483647"), Some(2_147_483_647));
    assert_eq!(cseq("2147483648"), None);
    assert_eq!(cseq("4294967296"), None);
    assert_eq!(cseq("-1"), None);
}

#[test]
fn what_is_refused() {
    assert_eq!(status(""), 200);
    for (extra, expected) in [
        ("Expires: 5\r\n", 200),
        ("Expires: 99999999999\r\n", 200),
        ("Expires: soon\r\n", 400),
        ("Expires: 5\r\nExpires: 5\r\n", 400),
        ("Event: presence\r\no: dialog\r\n", 400),
        ("Event: ;id=1\r\n", 400),
        ("Max-Forwards: 256\r\n", 400),
        ("Contact: *\r\n", 200),
        ("Contact: <sip:a@b>, *\r\n", 400),
        ("Contact: <sip:a@b\r\n", 400),
        ("Record-Route: <sip:p;lr>, sip:\r\n", 400),
        ("Content-Length: 1\r\n", 400),
        ("Content-Length: 0\r\nl: 0\r\n", 400),
        ("Content-Type: text\r\n", 400),
        ("no colon\r\n", 400),
        (": no name\r\n", 400),
        ("Date: yesterday\r\n", 400),
        ("Subject: \r\nX-Y:\r\n", 200),
    ] {
        assert_eq!(status(extra), expected, "{extra:?}");
    }
    for missing in ["Via", "From", "To", "Call-ID", "CSeq"] {
        let text = String::from_utf8(subscribe("")).unwrap();
        let text = text.replace(&format!("{missing}:"), "X:");
        with(text.as_bytes(), |message| {
            assert!(!message.is_answerable());
            let refusal = message.check_request().unwrap_err();
            assert_eq!(refusal.status, 400);
            assert_eq!(refusal.reason, format!("Missing {missing} header"));
            assert_eq!(refusal.header.map(HeaderName::as_str), Some(missing));
        });
    }
}

#[test]
fn a_message_that_ends_in_its_headers_is_refused() {
    let bytes = subscribe("");
    let whole = bytes.len();
    for cut in [2, 3, 20] {
        let part = &bytes[..whole - cut];
        with(part, |message| assert_eq!(message.check_request().unwrap_err().status, 400));
    }
}

#[test]
fn lone_line_feeds_and_leading_line_ends_are_read() {
    let text = String::from_utf8(subscribe("Content-Length: 2\r\n")).unwrap();
    let text = format!("\r\n\r\n{}hi", text.replace("\r\n", "\n"));
    with(text.as_bytes(), |message| {
        assert_eq!(message.check_request(), Ok(()));
        assert_eq!(message.body(), b"hi");
        assert!(message.bytes().starts_with(b"SUBSCRIBE"));
    });
}

#[test]
fn what_is_no_message() {
    let mut scanner = Scanner::new();
    for bytes in [&b""[..], b"\r\n\r\n", b"\0", b"\0\0\0\0", b" \t\r\n"] {
        assert_eq!(scanner.scan(bytes).err(), Some(ScanError::KeepAlive), "{bytes:?}");
    }
    for bytes in [
        &b"hello"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"SIP/2.0 99 X\r\n\r\n",
        b"SIP/2.0 700 X\r\n\r\n",
        b"SIP/2.0 0200 X\r\n\r\n",
        b"SIP/3.0 200 X\r\n\r\n",
        b"OPTIONS sip:a\r\n\r\n",
        b" OPTIONS sip:a SIP/2.0\r\n\r\n",
        b"OPT/IONS sip:a SIP/2.0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ] {
        assert_eq!(scanner.scan(bytes).err(), Some(ScanError::StartLine), "{bytes:?}");
    }
    let many = subscribe(&"X: y\r\n".repeat(sip::MAX_LINES));
    assert_eq!(scanner.scan(&many).err(), Some(ScanError::TooManyLines));
    let long = subscribe(&format!("X: {}\r\n", "y".repeat(sip::MAX_LINE)));
    assert_eq!(scanner.scan(&long).err(), Some(ScanError::LineTooLong));
    let folded = subscribe(&format!("X: {}\r\n", "y\r\n ".repeat(sip::MAX_LINE / 4)));
    assert_eq!(scanner.scan(&folded).err(), Some(ScanError::LineTooLong));
    let huge = vec![b'x'; sip::MAX_MESSAGE + 1];
    assert_eq!(scanner.scan(&huge).err(), Some(ScanError::MessageTooLong));
}

/// A scanner that is used again remembers nothing of the message before.
#[test]
fn a_scanner_starts_afresh() {
    let mut scanner = Scanner::new();
    scanner.scan(&common::read("rfc4475/multi01.invalid.sip")).unwrap();
    let bytes = subscribe("");
    let message = scanner.scan(&bytes).unwrap();
    assert_eq!(message.check_request(), Ok(()));
    assert_eq!(message.header(HeaderName::MaxForwards), None);
    assert_eq!(message.lines(HeaderName::Contact).count(), 0);
}
