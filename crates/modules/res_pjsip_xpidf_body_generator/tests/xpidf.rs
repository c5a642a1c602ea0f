//! The bodies of both types, against what Asterisk sent. The `atomid` is random: it is cut out.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

#[path = "../../testing/mod.rs"]
mod testing;

use std::path::Path;
use std::sync::Arc;

use module_api::{Body, BodyGenerator, ExtensionState as State, Fail, Inputs, Payload};
use res_pjsip_xpidf_body_generator::{Uuids, Xpidf};
use testing::{body, context};

/// Captures, and the states that they were made with.
const CAPTURES: [(&str, i32); 16] = [
    ("xpidf-initial", State::IDLE),
    ("xpidf-NOT_INUSE", State::IDLE),
    ("xpidf-INUSE", State::INUSE),
    ("xpidf-BUSY", State::BUSY),
    ("xpidf-INVALID", State::UNAVAILABLE),
    ("xpidf-RINGING", State::RINGING),
    ("xpidf-ONHOLD", State::ON_HOLD),
    ("xpidf-terminated", State::IDLE),
    ("cpim-initial", State::IDLE),
    ("cpim-NOT_INUSE", State::IDLE),
    ("cpim-INUSE", State::INUSE),
    ("cpim-BUSY", State::BUSY),
    ("cpim-INVALID", State::UNAVAILABLE),
    ("cpim-RINGINUSE", State::RINGING | State::INUSE),
    ("cpim-ONHOLD", State::ON_HOLD),
    ("cpim-terminated", State::IDLE),
];

fn generate(generator: &Xpidf, state: i32) -> String {
    let state = State { exten: "1000".into(), state, ..Default::default() };
    let data = Payload::extension_state(1, state);
    body(generator, &[], &context(&data))
}

/// The text without the atom's id, and the id.
fn cut(text: &str) -> (String, String) {
    let (before, rest) = text.split_once("atomid=\"").unwrap();
    let (id, after) = rest.split_once('"').unwrap();
    assert_eq!(id.len(), 36, "{text}");
    (format!("{before}{after}"), id.to_owned())
}

#[test]
fn bodies_are_those_of_asterisk() {
    let uuids = Arc::new(Uuids::new(0));
    let xpidf = Xpidf::new(Xpidf::XPIDF, uuids.clone());
    let cpim = Xpidf::new(Xpidf::CPIM, uuids);
    assert_eq!(cpim.media_type(), "application/cpim-pidf+xml");
    for (name, state) in CAPTURES {
        let file = format!("{}/testdata/{name}.xml", env!("CARGO_MANIFEST_DIR"));
        let capture = std::fs::read_to_string(Path::new(&file)).unwrap();
        let generator = if name.starts_with("cpim") { &cpim } else { &xpidf };
        assert_eq!(cut(&generate(generator, state)).0, cut(&capture).0, "{name}");
    }
}

#[test]
fn each_body_has_an_atom_of_its_own() {
    let xpidf = Xpidf::new(Xpidf::XPIDF, Arc::new(Uuids::new(0)));
    assert!(xpidf.inputs().contains(Inputs::UNIQUE));
    assert_ne!(cut(&generate(&xpidf, 0)).1, cut(&generate(&xpidf, 0)).1);
}

#[test]
fn the_ends_are_shown_as_idle() {
    let xpidf = Xpidf::new(Xpidf::XPIDF, Arc::new(Uuids::new(0)));
    for state in [State::REMOVED, State::DEACTIVATED, State::ON_HOLD | State::INUSE, 1 << 20] {
        assert_eq!(cut(&generate(&xpidf, state)).0, cut(&generate(&xpidf, State::IDLE)).0, "{state}");
    }
}

#[test]
fn another_kind_of_data_is_no_data() {
    let xpidf = Xpidf::new(Xpidf::XPIDF, Arc::new(Uuids::new(0)));
    assert_eq!(xpidf.generate(&context(&Payload::default()), &mut Body::new()), Err(Fail::NoData));
}
