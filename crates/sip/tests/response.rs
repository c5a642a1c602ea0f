//! Responses byte for byte as the reference sends them.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with a message")]

mod common;

use std::net::SocketAddr;

use sip::{HeaderName, ResponseHead, Scanner, reason_phrase, response};

const ALLOW: &str = "OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK";

/// A golden answer with the line ends it had on the wire.
fn golden(name: &str) -> Vec<u8> {
    let text = String::from_utf8(common::read(&format!("golden/{name}.txt"))).unwrap();
    text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

/// The request whose answer is `answer`: the addresses and tokens are taken from it.
fn request_for(answer: &sip::RawMessage<'_>) -> (String, SocketAddr, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let via = answer.via().unwrap();
    let to = answer.to().unwrap();
    let sent_by = format!("{}:{}", via.host, via.port.unwrap());
    let request = format!(
        "SUBSCRIBE {to} SIP/2.0\r\nv: SIP/2.0/UDP {sent_by};branch={branch};rport\r\n\
         Max-Forwards: 70\r\nFrom: {from}\r\nt: <{to}>\r\ni: {call_id}\r\nCSeq: {cseq}\r\n\
         Event: presence\r\nContent-Length: 0\r\n\r\n",
        to = to.uri,
        branch = text(via.branch.unwrap()),
        from = text(answer.header(HeaderName::From).unwrap()),
        call_id = text(answer.call_id().unwrap()),
        cseq = text(answer.header(HeaderName::CSeq).unwrap()),
    );
    (request, sent_by.parse().unwrap(), text(to.tag().unwrap()))
}

#[test]
fn golden_answers() {
    let names = [
        "pidf-200",
        "list-team-200",
        "refuse-bad-accept",
        "refuse-event-module-not-loaded",
        "refuse-fetch",
        "refuse-min-expiry",
        "refuse-no-accept",
        "refuse-no-event",
        "refuse-no-expires",
        "refuse-no-hint",
        "refuse-not-allowed",
        "refuse-pattern",
        "refuse-unknown-endpoint",
        "refuse-unknown-event",
    ];
    for name in names {
        let expected = golden(name);
        let mut scanner = Scanner::new();
        let answer = scanner.scan(&expected).unwrap();
        let code = answer.status().unwrap();
        let (request, source, to_tag) = request_for(&answer);
        let mut scanner = Scanner::new();
        let request = scanner.scan(request.as_bytes()).unwrap();

        let mut out = Vec::new();
        let reason = reason_phrase(code);
        let mut writer = response(&mut out, &request, code, reason, source, Some(&to_tag), true);
        if let Some(expires) = answer.expires().unwrap() {
            writer.header_num("Expires", expires);
            if let Some(require) = answer.header(HeaderName::Require) {
                writer.header("Require", require);
            }
            writer
                .header("Contact", "<sip:127.0.0.1:15060>")
                .header("Allow", ALLOW)
                .header("Supported", "100rel, timer");
        }
        if let Some(challenge) = answer.header(HeaderName::WwwAuthenticate) {
            writer.header("WWW-Authenticate", challenge);
        }
        writer.header("Server", "golden");
        writer.finish(None).unwrap();
        let (got, want) = (String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected));
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn golden_notify() {
    let expected = golden("pidf-initial");
    let mut scanner = Scanner::new();
    let notify = scanner.scan(&expected).unwrap();
    let mut out = Vec::new();
    let line = notify.request().unwrap();
    let mut writer = sip::Writer::request(&mut out, line.method, line.uri);
    for (id, name, value) in notify.headers() {
        if !matches!(id, HeaderName::ContentType | HeaderName::ContentLength) {
            writer.header(std::str::from_utf8(name).unwrap(), value);
        }
    }
    // The line ends of the captured file are not those of the body on the wire.
    let (at, _) = String::from_utf8_lossy(&expected)
        .match_indices("\r\n\r\n")
        .next()
        .map(|(at, _)| (at + 4, ()))
        .unwrap();
    let body = String::from_utf8(expected[at..].to_vec()).unwrap().replace("\r\n", "\n");
    writer.finish(Some(("application/pidf+xml", body.as_bytes()))).unwrap();
    let got = String::from_utf8(out).unwrap();
    let want = String::from_utf8_lossy(&expected[..at]).into_owned();
    let length = format!("Content-Length: {:>5}", body.len());
    assert!(got.contains(&length));
    let head = &got[..want.len()];
    let without_length = |text: &str| {
        text.lines().filter(|line| !line.starts_with("Content-Length")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(without_length(head), without_length(&want));
}

fn answer(request: &[u8], head: ResponseHead<'_>, code: u16) -> String {
    let mut scanner = Scanner::new();
    let request = scanner.scan(request).unwrap();
    let mut out = Vec::new();
    let writer = head.write(&mut out, &request, code, reason_phrase(code));
    writer.finish(None).unwrap();
    String::from_utf8_lossy(&out).into_owned()
}

fn head(source: &str) -> ResponseHead<'_> {
    ResponseHead {
        source: source.parse().unwrap(),
        to_tag: Some("srv"),
        record_route: true,
        force_rport: false,
    }
}

#[test]
fn every_via_and_record_route_in_order_and_unfolded() {
    let request = common::read("events/multi_via_rr.valid.sip");
    assert_eq!(
        answer(&request, head("192.0.2.9:5070"), 200),
        "SIP/2.0 200 OK\r\n\
         Via: SIP/2.0/UDP p2.example.com;received=192.0.2.9;branch=z9hG4bKp2\r\n\
         Via: SIP/2.0/TCP p1.example.com:5060;branch=z9hG4bKp1;received=10.0.0.1\r\n\
         Via: SIP/2.0/UDP 10.1.1.1;branch=z9hG4bKa1\r\n\
         Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr;transport=tcp>\r\n\
         Call-ID: mv-1@10.1.1.1\r\n\
         From: \"Smith, John; the \\\"boss\\\" <jr>\" <sip:2002@pbx>;tag=1\r\n\
         To: <sip:2001@pbx>;tag=srv\r\n\
         CSeq: 1 SUBSCRIBE\r\n\
         Content-Length:  0\r\n\r\n"
    );
    let request = common::read("rfc4475/wsinv.valid.sip");
    assert_eq!(
        answer(&request, head("[::ffff:192.0.2.2]:5060"), 481),
        "SIP/2.0 481 Call/Transaction Does Not Exist\r\n\
         Via: SIP/2.0/UDP 192.0.2.2;received=192.0.2.2;branch=390skdjuw\r\n\
         Via: SIP  / 2.0  / TCP     spindle.example.com   ; branch  =   z9hG4bK9ikj8\r\n\
         Via: SIP  /    2.0   / UDP  192.168.255.111   ; branch= z9hG4bK30239\r\n\
         Call-ID: wsinv.ndaksdj@192.0.2.1\r\n\
         From: \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com> ; tag = 98asjd8\r\n\
         To: sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n\
         CSeq: 0009 INVITE\r\n\
         Content-Length:  0\r\n\r\n"
    );
}

#[test]
fn top_via_is_filled_in() {
    let via = |via: &str, head: ResponseHead<'_>| {
        let request = format!("OPTIONS sip:a SIP/2.0\r\nVia: {via}\r\n\r\n");
        let answer = answer(request.as_bytes(), head, 200);
        answer.lines().nth(1).unwrap().to_owned()
    };
    let forced = ResponseHead { force_rport: true, ..head("192.0.2.9:5070") };
    let branch = "branch=z9hG4bKx";
    assert_eq!(
        via(&format!("SIP/2.0/UDP h:1;ttl=3;{branch};x=\"a;b\";rport"), head("192.0.2.9:5070")),
        format!("Via: SIP/2.0/UDP h:1;rport=5070;received=192.0.2.9;{branch};ttl=3;x=\"a;b\"")
    );
    assert_eq!(
        via(&format!("SIP/2.0/TCP h;{branch};received=6.6.6.6;rport=1"), head("192.0.2.9:5070")),
        format!("Via: SIP/2.0/TCP h;rport=5070;received=192.0.2.9;{branch}")
    );
    assert_eq!(
        via(&format!("SIP/2.0/UDP h;{branch}"), forced),
        format!("Via: SIP/2.0/UDP h;rport=5070;received=192.0.2.9;{branch}")
    );
    assert_eq!(
        via(&format!("SIP/2.0/UDP [2001:db8::1]:5060;{branch}"), head("[2001:db8::2]:5060")),
        format!("Via: SIP/2.0/UDP [2001:db8::1]:5060;received=2001:db8::2;{branch}")
    );
    // A Via that does not parse is echoed, so that the sender may recognise it.
    assert_eq!(via("SIP/2.0/UDP h;;", forced), "Via: SIP/2.0/UDP h;;");
    assert_eq!(via("SIP/7.0/UDP h", forced), "Via: SIP/7.0/UDP h;rport=5070;received=192.0.2.9");
}

/// Whatever a request that can be answered holds, its answer is one well-framed message.
#[test]
fn every_answer_scans() {
    for (name, bytes) in common::corpus() {
        let mut scanner = Scanner::new();
        let Ok(request) = scanner.scan(&bytes) else {
            continue;
        };
        if request.status().is_some() {
            continue;
        }
        let mut out = Vec::new();
        let source = "192.0.2.9:5070".parse().unwrap();
        response(&mut out, &request, 400, "Bad Request", source, Some("srv"), true).finish(None).unwrap();
        let mut scanner = Scanner::new();
        let answer = scanner.scan(&out).unwrap();
        assert_eq!(answer.status(), Some(400), "{name}");
        assert_eq!(answer.bytes().len(), out.len(), "{name}");
        assert_eq!(answer.lines(HeaderName::Via).count(), request.values(HeaderName::Via).count(), "{name}");
        if name.contains(".valid.") {
            assert!(answer.to().unwrap().tag().is_some(), "{name}");
            assert_eq!(answer.cseq(), request.cseq(), "{name}");
            assert_eq!(answer.call_id(), request.call_id(), "{name}");
        }
    }
}
