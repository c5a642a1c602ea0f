//! Whatever an extension and its watcher are called, the body is XML 1.0 that says so.

#[path = "../../testing/mod.rs"]
mod testing;

use module_api::{BodyContext, ExtensionState, Payload};
use proptest::prelude::*;
use res_pjsip_pidf_body_generator::Pidf;
use testing::{body, context, parse, wild, xml_chars};

fn check(exten: &str, local: &str, remote: &str, state: i32) {
    let exten_state = ExtensionState { exten: exten.into(), state, ..Default::default() };
    let data = Payload::extension_state(1, exten_state);
    let cx = BodyContext { local: local.into(), remote: remote.into(), ..context(&data) };
    let presence = parse(&body(&Pidf, &[], &cx));
    assert_eq!(presence.attr("entity"), xml_chars(local));
    assert_eq!(presence.at("tuple").attr("id"), xml_chars(exten));
    assert_eq!(presence.at("tuple/contact").text, xml_chars(remote));
}

proptest! {
    #[test]
    fn a_reader_gets_what_was_said(exten in wild(), local in wild(), remote in wild(), state in -2..20) {
        check(&exten, &local, &remote, state);
    }
}

#[test]
fn all_characters_there_are() {
    let all: String = ('\0'..=char::MAX).collect();
    check(&all, &all, &all, 0);
}

/// As in Asterisk a tuple's id is the extension, also when that is no id of XML (a digit comes first):
/// phones match it with the extension, and none validates.
#[test]
fn the_tuple_id_is_the_extension_as_it_is() {
    check("1000", "", "", 0);
    check("", "", "", 0);
}

/// The reader that these tests rely on takes nothing that is not well-formed.
#[test]
fn the_reader_is_strict() {
    parse("<?xml version=\"1.0\"?><a b=\"&lt;\"><c>&#228;</c></a>");
    for text in [
        "",
        "<a>",
        "<a></b>",
        "<a /><a />",
        "<a />text",
        "<a b=\"1\" b=\"2\" />",
        "<a b />",
        "<a b=\"<\" />",
        "<a b=\"&\" />",
        "<a b=\"&#1;\" />",
        "<a>&#1;</a>",
        "<a>&nbsp;</a>",
        "<a>\u{1}</a>",
        "<a>\u{ffff}</a>",
        "<a>text<b /></a>",
        "<dm:a />",
        "<a dm:b=\"1\" />",
    ] {
        assert!(std::panic::catch_unwind(|| parse(text)).is_err(), "{text}");
    }
}
