//! The bodies, whole, against what Asterisk sent with its eyebeam supplement loaded.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

#[path = "../../testing/mod.rs"]
mod testing;

use module_api::{BodyContext, BodySupplement, Document, ExtensionState as State, Fail, Inputs, Payload};
use proptest::prelude::*;
use res_pjsip_pidf_body_generator::Pidf;
use res_pjsip_pidf_eyebeam_body_supplement::Eyebeam;
use testing::{body, context, parse, wild, xml_chars};

const RINGING_INUSE: i32 = State::RINGING | State::INUSE;

/// Captures, and the states that they were made with.
const CAPTURES: [(&str, i32); 8] = [
    ("initial", State::IDLE),
    ("NOT_INUSE", State::IDLE),
    ("INUSE", State::INUSE),
    ("BUSY", State::BUSY),
    ("INVALID", State::UNAVAILABLE),
    ("RINGING", State::RINGING),
    ("RINGINUSE", RINGING_INUSE),
    ("terminated", State::IDLE),
];

fn state(state: i32) -> Payload {
    Payload::extension_state(1, State { exten: "1000".into(), state, ..Default::default() })
}

#[test]
fn bodies_are_those_of_asterisk() {
    for (name, bits) in CAPTURES {
        let dir = format!("{}/../res_pjsip_pidf_body_generator/testdata", env!("CARGO_MANIFEST_DIR"));
        let capture = std::fs::read_to_string(format!("{dir}/pidf-{name}.xml")).unwrap();
        assert_eq!(body(&Pidf, &[&Eyebeam], &context(&state(bits))), capture, "{name}");
    }
}

#[test]
fn who_has_a_call_is_on_the_phone() {
    for bits in [State::INUSE, State::BUSY, State::RINGING, RINGING_INUSE, State::ON_HOLD] {
        let presence = parse(&body(&Pidf, &[&Eyebeam], &context(&state(bits))));
        let activities = &presence.at("dm:person/rpid:activities").children;
        let names: Vec<_> = activities.iter().map(|activity| activity.name.as_str()).collect();
        assert_eq!(names, ["rpid:on-the-phone"], "{bits}");
    }
}

#[test]
fn who_has_none_and_the_ends_have_no_activity() {
    let inuse_hold = State::ON_HOLD | State::INUSE;
    for bits in [State::IDLE, State::UNAVAILABLE, inuse_hold, State::DEACTIVATED, State::REMOVED, 1 << 20] {
        let presence = parse(&body(&Pidf, &[&Eyebeam], &context(&state(bits))));
        assert_eq!(presence.at("dm:person").children, [], "{bits}");
    }
}

#[test]
fn every_watcher_gets_the_same() {
    assert_eq!(Eyebeam.inputs(), Inputs::NONE);
    let data = state(State::INUSE);
    let of = |user_agent: &'static str| {
        body(&Pidf, &[&Eyebeam], &BodyContext { user_agent: user_agent.into(), ..context(&data) })
    };
    assert_eq!(of(""), of("eyebeam release 1102q"));
}

#[test]
fn another_kind_of_data_is_no_data_and_no_document_unsupported() {
    let mut doc = Document::new();
    assert_eq!(Eyebeam.supplement(&context(&Payload::default()), &mut doc), Err(Fail::NoData));
    assert_eq!(Eyebeam.supplement(&context(&state(1)), &mut doc), Err(Fail::Unsupported));
}

proptest! {
    #[test]
    fn a_reader_gets_what_was_said(exten in wild(), local in wild(), remote in wild(), state in -2..20) {
        let exten_state = State { exten: exten.as_str().into(), state, ..Default::default() };
        let data = Payload::extension_state(1, exten_state);
        let cx =
            BodyContext { local: local.as_str().into(), remote: remote.as_str().into(), ..context(&data) };
        let presence = parse(&body(&Pidf, &[&Eyebeam], &cx));
        prop_assert_eq!(presence.attr("entity"), xml_chars(&local));
        prop_assert_eq!(presence.at("tuple").attr("id"), xml_chars(&exten));
        prop_assert_eq!(&presence.at("tuple/contact").text, &xml_chars(&remote));
        prop_assert_eq!(presence.children.last().map(|last| last.name.as_str()), Some("dm:person"));
    }
}
