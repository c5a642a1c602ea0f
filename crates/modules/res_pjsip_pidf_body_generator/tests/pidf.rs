//! The bodies, against what Asterisk sent. It had its eyebeam supplement loaded, so the captures
//! are compared once without what that adds, and once with a supplement that adds the same.

// Helpers of tests unwrap too: then the test fails, which is what it is for.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use module_api::{
    Body, BodyContext, BodyGenerator, BodySupplement, Document, ExtensionState as State, Fail, Inputs,
    Payload,
};
use res_pjsip_pidf_body_generator::Pidf;

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

fn generate(state: i32, supplements: &[&dyn BodySupplement]) -> String {
    let state = State { exten: "1000".into(), context: "default".into(), state, ..Default::default() };
    let data = Payload::extension_state(1, state);
    let cx = context(&data);
    let mut body = Body::new();
    Pidf.generate(&cx, &mut body).unwrap();
    for supplement in supplements {
        supplement.supplement(&cx, body.as_document().unwrap()).unwrap();
    }
    let mut out = Vec::new();
    body.finish(&mut out);
    String::from_utf8(out).unwrap()
}

fn context(data: &Payload) -> BodyContext<'_> {
    BodyContext {
        data,
        resource: "1000".into(),
        local: "sip:1000@127.0.0.1:15060".into(),
        remote: "sip:alice@127.0.0.1".into(),
        domain: "127.0.0.1".into(),
        user_agent: "".into(),
        endpoint: "alice".into(),
        version: 0,
        early_inuse_ringing: false,
    }
}

/// What Asterisk's eyebeam supplement adds (RFC 4479, RFC 4480).
struct Eyebeam;

impl BodySupplement for Eyebeam {
    fn media_type(&self) -> &str {
        "application/pidf+xml"
    }

    fn data_kind(&self) -> &str {
        Payload::EXTENSION_STATE
    }

    fn inputs(&self) -> Inputs {
        Inputs::NONE
    }

    fn supplement(&self, cx: &BodyContext<'_>, doc: &mut Document) -> Result<(), Fail> {
        let state = cx.data.extension.as_ref().into_option().ok_or(Fail::NoData)?;
        let root = doc.root_node().ok_or(Fail::Unsupported)?;
        let person = doc.child(root, "dm:person");
        if !matches!(state.state, State::IDLE | State::UNAVAILABLE | State::DEACTIVATED | State::REMOVED) {
            let activities = doc.child(person, "rpid:activities");
            doc.child(activities, "rpid:on-the-phone");
        }
        doc.attr(root, "xmlns:dm", "urn:ietf:params:xml:ns:pidf:data-model");
        doc.attr(root, "xmlns:rpid", "urn:ietf:params:xml:ns:pidf:rpid");
        Ok(())
    }
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
        assert_eq!(generate(state, &[]), plain(&capture(name)), "{name}");
    }
}

#[test]
fn with_its_supplement_too() {
    for (name, state) in CAPTURES {
        assert_eq!(generate(state, &[&Eyebeam]), capture(name), "{name}");
    }
}

#[test]
fn two_supplements_compose() {
    struct Note;
    impl BodySupplement for Note {
        fn media_type(&self) -> &str {
            "application/pidf+xml"
        }
        fn data_kind(&self) -> &str {
            Payload::EXTENSION_STATE
        }
        fn inputs(&self) -> Inputs {
            Inputs::NONE
        }
        fn supplement(&self, _cx: &BodyContext<'_>, doc: &mut Document) -> Result<(), Fail> {
            let root = doc.root_node().ok_or(Fail::Unsupported)?;
            let tuple = doc.find(root, "tuple").ok_or(Fail::Unsupported)?;
            let note = doc.child(tuple, "note");
            doc.text(note, "back <soon>");
            Ok(())
        }
    }
    let expected = capture("INUSE").replace("  <contact", "  <note>back &lt;soon&gt;</note>\n  <contact");
    let mut lines: Vec<_> = expected.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("  <note>")).unwrap();
    lines.swap(at, at + 1);
    let both = generate(State::INUSE, &[&Note, &Eyebeam]);
    assert_eq!(both.lines().collect::<Vec<_>>(), lines);
    assert_eq!(generate(State::INUSE, &[&Eyebeam, &Note]), both);
}

#[test]
fn hold_and_the_ends() {
    assert!(generate(State::ON_HOLD, &[]).contains("<note>On hold</note>"));
    for state in [State::REMOVED, State::DEACTIVATED, State::ON_HOLD | State::INUSE, 1 << 20] {
        assert_eq!(generate(state, &[]), generate(State::IDLE, &[]), "{state}");
    }
}

#[test]
fn text_of_others_cannot_break_the_document() {
    let state = State { exten: "a\"<&\r\n\u{1}".into(), ..Default::default() };
    let data = Payload::extension_state(1, state);
    let cx = BodyContext { remote: "sip:'b>@x".into(), ..context(&data) };
    let mut body = Body::new();
    Pidf.generate(&cx, &mut body).unwrap();
    let mut out = Vec::new();
    body.finish(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("<tuple id=\"a&quot;&lt;&amp;&#13;&#10;\">"), "{text}");
    assert!(text.contains(">sip:&apos;b&gt;@x</contact>"), "{text}");
}

#[test]
fn another_kind_of_data_is_no_data() {
    let data = Payload { kind: "message-summary".into(), ..Default::default() };
    assert_eq!(Pidf.generate(&context(&data), &mut Body::new()), Err(Fail::NoData));
}
