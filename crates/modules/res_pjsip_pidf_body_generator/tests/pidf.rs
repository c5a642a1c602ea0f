//! The bodies, against what Asterisk sent. It had its eyebeam supplement loaded, so the captures are
//! compared without what that adds; the supplements' own tests compare them whole.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

#[path = "../../testing/mod.rs"]
mod testing;

use std::path::Path;

use module_api::{Body, BodyContext, BodyGenerator, ExtensionState as State, Fail, Payload};
use res_pjsip_pidf_body_generator::Pidf;
use testing::{body, context};

/// Captures, and the states that they were made with.
const CAPTURES: [(&str, i32); 8] = [
    ("initial", State::IDLE),
    ("NOT_INUSE", State::IDLE),
    ("INUSE", State::INUSE),
    ("BUSY", State::BUSY),
    ("INVALID", State::UNAVAILABLE),
    ("RINGING", State::RINGING),
    ("RINGINUSE", State::RINGING | State::INUSE),
    ("terminated", State::IDLE),
];

fn capture(name: &str) -> String {
    let file = format!("{}/testdata/pidf-{name}.xml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(Path::new(&file)).unwrap()
}

fn generate(state: i32) -> String {
    let state = State { exten: "1000".into(), context: "default".into(), state, ..Default::default() };
    let data = Payload::extension_state(1, state);
    body(&Pidf, &[], &context(&data))
}

/// A capture without what the supplement adds.
fn plain(capture: &str) -> String {
    let namespaces = " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\"";
    let capture = capture.replacen(namespaces, "", 1);
    let start = capture.find(" <dm:person").unwrap();
    format!("{}</presence>\n", &capture[..start])
}

#[test]
fn bodies_are_those_of_asterisk() {
    for (name, state) in CAPTURES {
        assert_eq!(generate(state), plain(&capture(name)), "{name}");
    }
}

#[test]
fn hold_and_the_ends() {
    assert!(generate(State::ON_HOLD).contains("<note>On hold</note>"));
    for state in [State::REMOVED, State::DEACTIVATED, State::ON_HOLD | State::INUSE, 1 << 20] {
        assert_eq!(generate(state), generate(State::IDLE), "{state}");
    }
}

#[test]
fn text_of_others_cannot_break_the_document() {
    let state = State { exten: "a\"<&\r\n\u{1}".into(), ..Default::default() };
    let data = Payload::extension_state(1, state);
    let cx = BodyContext { remote: "sip:'b>@x".into(), ..context(&data) };
    let text = body(&Pidf, &[], &cx);
    assert!(text.contains("<tuple id=\"a&quot;&lt;&amp;&#13;&#10;\">"), "{text}");
    assert!(text.contains(">sip:&apos;b&gt;@x</contact>"), "{text}");
}

#[test]
fn another_kind_of_data_is_no_data() {
    let data = Payload { kind: "message-summary".into(), ..Default::default() };
    assert_eq!(Pidf.generate(&context(&data), &mut Body::new()), Err(Fail::NoData));
}
