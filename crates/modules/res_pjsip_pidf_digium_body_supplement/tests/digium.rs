//! The bodies, whole, against what Asterisk sent with both of its pidf supplements loaded: together,
//! each alone, none, and in the other order.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

#[path = "../../testing/mod.rs"]
mod testing;

use module_api::{BodyContext, BodySupplement, Document, ExtensionState as State, Fail, Inputs, Payload};
use proptest::prelude::*;
use res_pjsip_pidf_body_generator::Pidf;
use res_pjsip_pidf_digium_body_supplement::Digium;
use res_pjsip_pidf_eyebeam_body_supplement::Eyebeam;
use testing::{Element, body, context, parse, wild, xml_chars};

const DIGIUM: &str = "digium d65 2_9_12";
const SANGOMA: &str = "sangoma p330 4_8_2";
const PLAIN: &str = "yealink sip-t46s 66.86.0.15";

/// Captures by User-Agent, and the presence state, subtype and message that they were made with. The
/// texts of `-e` are base64: they came so from the source, and are shown as they came.
const CAPTURES: [(&str, &str, u8, &str, &str); 19] = [
    (DIGIUM, "digium-digium-available", 2, "", ""),
    (DIGIUM, "digium-digium-away", 3, "lunch", "back"),
    (DIGIUM, "digium-digium-away-e", 3, "c3Vi", "bXNn"),
    (DIGIUM, "digium-digium-chat", 5, "s", "m"),
    (DIGIUM, "digium-digium-not_set", 0, "", ""),
    (DIGIUM, "digium-digium-unavailable", 1, "", ""),
    (DIGIUM, "digium-digium-xa", 4, "sub", ""),
    (SANGOMA, "digium-sangoma-available", 2, "", ""),
    (SANGOMA, "digium-sangoma-away", 3, "c3Vi", "bXNn"),
    (SANGOMA, "digium-sangoma-away-e", 3, "c3Vi", "bXNn"),
    (SANGOMA, "digium-sangoma-not_set", 0, "", ""),
    (SANGOMA, "digium-sangoma-unavailable", 1, "", ""),
    (SANGOMA, "digium-sangoma-xa", 4, "sub", ""),
    (PLAIN, "digium-plain-available", 2, "", ""),
    (PLAIN, "digium-plain-away", 3, "lunch", "back"),
    (PLAIN, "digium-plain-away-e", 3, "c3Vi", "bXNn"),
    (PLAIN, "digium-plain-chat", 5, "s", "m"),
    (PLAIN, "digium-plain-not_set", 0, "", ""),
    (PLAIN, "digium-plain-unavailable", 1, "", ""),
];

/// Captures of extension 1000, which has no presence, by a phone of neither maker.
const PIDF_CAPTURES: [(&str, i32); 8] = [
    ("pidf-initial", State::IDLE),
    ("pidf-NOT_INUSE", State::IDLE),
    ("pidf-INUSE", State::INUSE),
    ("pidf-BUSY", State::BUSY),
    ("pidf-INVALID", State::UNAVAILABLE),
    ("pidf-RINGING", State::RINGING),
    ("pidf-RINGINUSE", State::RINGING | State::INUSE),
    ("pidf-terminated", State::IDLE),
];

const BOTH: [&dyn BodySupplement; 2] = [&Digium, &Eyebeam];

/// What was sent, and what it was made from: User-Agent and data.
fn captures() -> Vec<(String, &'static str, Payload)> {
    let read = |module: &str, name: &str| {
        let dir = format!("{}/../{module}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(format!("{dir}/testdata/{name}.xml")).unwrap()
    };
    let presence = CAPTURES.map(|(user_agent, name, state, subtype, message)| {
        let capture = read("res_pjsip_pidf_digium_body_supplement", name);
        (capture, user_agent, presence("1001", state, subtype, message))
    });
    let plain = PIDF_CAPTURES.map(|(name, state)| {
        let state = State { exten: "1000".into(), state, ..Default::default() };
        (read("res_pjsip_pidf_body_generator", name), PLAIN, Payload::extension_state(1, state))
    });
    presence.into_iter().chain(plain).collect()
}

fn presence(exten: &str, state: u8, subtype: &str, message: &str) -> Payload {
    let state = State {
        exten: exten.into(),
        presence_state: state,
        presence_subtype: subtype.into(),
        presence_message: message.into(),
        ..Default::default()
    };
    Payload::extension_state(1, state)
}

fn generate(supplements: &[&dyn BodySupplement], user_agent: &str, data: &Payload) -> String {
    let exten = data.extension.as_ref().unwrap().exten.as_str();
    let local = format!("sip:{exten}@127.0.0.1:15060");
    let cx = BodyContext { local: local.as_str().into(), user_agent: user_agent.into(), ..context(data) };
    body(&Pidf, supplements, &cx)
}

/// The Digium element, if there is one.
fn digium_presence(presence: &Element) -> Option<&Element> {
    // The first tuple is the extension's, whatever its id.
    let mut tuples = presence.children.iter().filter(|child| child.name == "tuple").skip(1);
    let tuple = tuples.next()?;
    assert_eq!(tuple.attr("id"), "digium-presence");
    assert_eq!(tuples.next(), None);
    Some(tuple.at("status/digium_presence"))
}

/// A capture without what the eyebeam supplement adds.
fn without_person(capture: &str) -> String {
    let (before, rest) = capture.split_once(" xmlns:dm=").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    let (middle, _) = rest.split_once(" <dm:person").unwrap();
    format!("{before}>{middle}</presence>\n")
}

/// A capture without what the Digium supplement adds.
fn without_tuple(capture: &str) -> String {
    match capture.split_once(" <tuple id=\"digium-presence\">") {
        Some((before, rest)) => format!("{before}{}", rest.split_once(" </tuple>\n").unwrap().1),
        None => capture.to_owned(),
    }
}

#[test]
fn bodies_are_those_of_asterisk() {
    for (capture, user_agent, data) in captures() {
        assert_eq!(generate(&BOTH, user_agent, &data), capture);
    }
}

#[test]
fn each_supplement_alone_and_none_leave_out_the_others_part() {
    for (capture, user_agent, data) in captures() {
        assert_eq!(generate(&[&Digium], user_agent, &data), without_person(&capture));
        assert_eq!(generate(&[&Eyebeam], user_agent, &data), without_tuple(&capture));
        assert_eq!(generate(&[], user_agent, &data), without_person(&without_tuple(&capture)));
    }
}

#[test]
fn loaded_the_other_way_round_the_order_differs_and_nothing_else() {
    for (capture, user_agent, data) in captures() {
        let mut expected = parse(&capture);
        if digium_presence(&expected).is_some() {
            let last = expected.children.len() - 1;
            expected.children.swap(last - 1, last);
        }
        assert_eq!(parse(&generate(&[&Eyebeam, &Digium], user_agent, &data)), expected);
    }
}

/// A third supplement may reach into what the generator made, before or after the others.
#[test]
fn supplements_of_others_compose_with_these() {
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
    let data = presence("1001", 3, "lunch", "back");
    let text = generate(&[&Note, &Digium, &Eyebeam], DIGIUM, &data);
    let note = "  <note>back &lt;soon&gt;</note>\n";
    assert_eq!(text.replacen(note, "", 1), generate(&BOTH, DIGIUM, &data));
    assert_eq!(parse(&text).at("tuple/note").text, "back <soon>");
    assert_eq!(generate(&[&Digium, &Eyebeam, &Note], DIGIUM, &data), text);
}

#[test]
fn phones_are_known_by_a_part_of_their_user_agent() {
    assert_eq!(Digium.inputs(), Inputs::USER_AGENT);
    let data = presence("1001", 6, "", "");
    for (user_agent, shown) in [
        ("digium", true),
        ("x-digium-d40/1", true),
        ("sangoma s505 3.0.4.77", true),
        ("desk sangoma", true),
        ("", false),
        ("digiun", false),
        ("polycom", false),
    ] {
        let presence = parse(&generate(&BOTH, user_agent, &data));
        assert_eq!(digium_presence(&presence).is_some(), shown, "{user_agent}");
    }
}

#[test]
fn all_presence_states_have_their_word() {
    let words = ["not_set", "unavailable", "available", "away", "xa", "chat", "dnd", "", ""];
    for (state, word) in [0, 1, 2, 3, 4, 5, 6, 7, u8::MAX].into_iter().zip(words) {
        let presence = parse(&generate(&BOTH, SANGOMA, &presence("1001", state, "", "")));
        let element = digium_presence(&presence).unwrap();
        assert_eq!(element.attrs, [("type".to_owned(), word.to_owned())]);
        assert_eq!(element.text, "");
    }
}

#[test]
fn markup_in_subtype_and_message_is_escaped() {
    let text = generate(&BOTH, DIGIUM, &presence("1001", 3, "\"<&\n\u{1}", "'>\r&amp;\u{1f600}"));
    let element = "<digium_presence type=\"away\" subtype=\"&quot;&lt;&amp;&#10;\">&apos;&gt;&#13;&amp;amp;\u{1f600}</digium_presence>";
    assert!(text.contains(element), "{text}");
}

#[test]
fn long_texts_are_not_cut() {
    let long = "<&\"'ä\u{1f600}>".repeat(1_000);
    let presence = parse(&generate(&BOTH, DIGIUM, &presence("1001", 3, &long, &long)));
    let element = digium_presence(&presence).unwrap();
    assert_eq!((element.attr("subtype"), &element.text), (&*long, &long));
}

#[test]
fn another_kind_of_data_is_no_data_and_no_document_unsupported() {
    let mut doc = Document::new();
    let mut supplement = |data: &Payload| {
        Digium.supplement(&BodyContext { user_agent: DIGIUM.into(), ..context(data) }, &mut doc)
    };
    assert_eq!(supplement(&Payload::default()), Err(Fail::NoData));
    assert_eq!(supplement(&presence("1001", 0, "", "")), Err(Fail::Unsupported));
}

proptest! {
    #[test]
    fn a_reader_gets_what_was_said(
        exten in wild(),
        remote in wild(),
        user_agent in wild(),
        subtype in wild(),
        message in wild(),
        state in any::<u8>(),
        digium_first in any::<bool>(),
    ) {
        let data = presence(&exten, state, &subtype, &message);
        let user_agent = format!("{user_agent}digium");
        let cx = BodyContext {
            local: exten.as_str().into(),
            remote: remote.as_str().into(),
            user_agent: user_agent.as_str().into(),
            ..context(&data)
        };
        let order: [&dyn BodySupplement; 2] = if digium_first { BOTH } else { [&Eyebeam, &Digium] };
        let presence = parse(&body(&Pidf, &order, &cx));
        prop_assert_eq!(presence.attr("entity"), xml_chars(&exten));
        prop_assert_eq!(presence.at("tuple").attr("id"), xml_chars(&exten));
        prop_assert_eq!(&presence.at("tuple/contact").text, &xml_chars(&remote));
        prop_assert_eq!(&presence.at("dm:person").text, "");
        let element = digium_presence(&presence).unwrap();
        prop_assert_eq!(&element.text, &xml_chars(&message));
        if subtype.is_empty() {
            prop_assert_eq!(element.attrs.len(), 1);
        } else {
            prop_assert_eq!(element.attr("subtype"), xml_chars(&subtype));
        }
    }
}
