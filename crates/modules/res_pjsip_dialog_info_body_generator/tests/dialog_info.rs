//! The bodies, against what Asterisk sent, and the callers that its captures have none of.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

#[path = "../../testing/mod.rs"]
mod testing;

use std::path::Path;

use module_api::abi_stable::std_types::{RNone, RSome};
use module_api::{
    Body, BodyContext, BodyGenerator, CallerInfo, DeviceInfo, ExtensionState as State, Fail, Party, Payload,
};
use res_pjsip_dialog_info_body_generator::DialogInfo;
use testing::{body, context};

const RINGING_INUSE: i32 = State::RINGING | State::INUSE;

/// Captures, the version that they have, the states that they were made with, and whether the
/// endpoint had `notify_early_inuse_ringing`.
const CAPTURES: [(&str, u32, i32, bool); 9] = [
    ("initial", 0, State::IDLE, false),
    ("INUSE", 1, State::INUSE, false),
    ("INVALID", 3, State::UNAVAILABLE, false),
    ("RINGING", 4, State::RINGING, false),
    ("RINGINUSE", 5, RINGING_INUSE, false),
    ("ONHOLD", 6, State::ON_HOLD, false),
    ("NOT_INUSE", 7, State::IDLE, false),
    ("terminated", 7, State::IDLE, false),
    ("early-RINGINUSE", 0, RINGING_INUSE, true),
];

fn generate(cx: &BodyContext<'_>) -> String {
    body(&DialogInfo, &[], cx)
}

fn payload(state: i32, devices: Vec<DeviceInfo>) -> Payload {
    let state = State { exten: "1000".into(), state, devices: devices.into(), ..Default::default() };
    Payload::extension_state(1, state)
}

fn device(state: u8, caller: Option<CallerInfo>) -> DeviceInfo {
    DeviceInfo { name: "Custom:a".into(), state, caller: caller.into() }
}

fn party(number: &str, name: &str) -> Party {
    let name = if name.is_empty() { RNone } else { RSome(name.into()) };
    Party { number: RSome(number.into()), name, restricted: false }
}

fn call(since_ms: u64, remote: Party, local: Party) -> CallerInfo {
    CallerInfo { remote, local, since_ms }
}

/// What is within the dialog element, without the indent.
fn dialog(cx: &BodyContext<'_>) -> Vec<String> {
    let text = generate(cx);
    let lines = text.lines().skip(2).take_while(|line| *line != "</dialog-info>");
    lines.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn bodies_are_those_of_asterisk() {
    for (name, version, state, early_inuse_ringing) in CAPTURES {
        let file = format!("{}/testdata/dialog-info-{name}.xml", env!("CARGO_MANIFEST_DIR"));
        let capture = std::fs::read_to_string(Path::new(&file)).unwrap();
        let data = payload(state, vec![device(DeviceInfo::RINGING, None)]);
        let cx = BodyContext { version, early_inuse_ringing, ..context(&data) };
        assert_eq!(generate(&cx), capture, "{name}");
    }
}

#[test]
fn a_known_caller_is_shown() {
    let caller = call(5, party("4444", "Alice"), party("1000", "Bob"));
    let data = payload(State::RINGING, vec![device(DeviceInfo::RINGING, Some(caller))]);
    assert_eq!(
        dialog(&context(&data)),
        [
            "<dialog id=\"1000\" direction=\"recipient\">",
            "<remote>",
            "<identity display=\"Alice\">sip:4444@127.0.0.1</identity>",
            "<target uri=\"sip:4444@127.0.0.1\" />",
            "</remote>",
            "<local>",
            "<identity display=\"Bob\">sip:1000@127.0.0.1</identity>",
            "<target uri=\"sip:1000@127.0.0.1:15060\" />",
            "</local>",
            "<state>early</state>",
            "</dialog>",
        ]
    );
}

#[test]
fn the_oldest_ringing_call_is_shown() {
    let at = |since_ms, number| Some(call(since_ms, party(number, ""), party("1000", "")));
    let devices = vec![
        device(DeviceInfo::INUSE, at(1, "1")),
        device(DeviceInfo::RINGING, at(9, "9")),
        device(DeviceInfo::RINGINUSE, at(4, "4")),
        device(DeviceInfo::RINGING, None),
    ];
    let data = payload(State::RINGING, devices);
    assert_eq!(dialog(&context(&data))[2], "<identity>sip:4@127.0.0.1</identity>");
}

#[test]
fn who_withholds_is_anonymous_and_who_has_no_number_invalid() {
    let remote = Party { restricted: true, ..party("4444", "Alice") };
    let data =
        payload(State::RINGING, vec![device(DeviceInfo::RINGING, Some(call(1, remote, Party::default())))]);
    let lines = dialog(&context(&data));
    assert_eq!(lines[2], "<identity display=\"anonymous\">sip:anonymous@anonymous.invalid</identity>");
    assert_eq!(lines[3], "<target uri=\"sip:anonymous@anonymous.invalid\" />");
    assert_eq!(lines[6], "<identity>sip:invalid@127.0.0.1</identity>");
}

#[test]
fn without_devices_there_are_no_parties() {
    let data = payload(State::RINGING, Vec::new());
    assert_eq!(
        dialog(&context(&data)),
        ["<dialog id=\"1000\" direction=\"recipient\">", "<state>early</state>", "</dialog>"]
    );
}

/// In Asterisk the device that caused the update is left out, so a hint of one device never shows who
/// calls.
#[test]
fn a_hint_of_one_device_shows_the_caller_too() {
    for state in [DeviceInfo::RINGING, DeviceInfo::RINGINUSE] {
        let caller = call(5, party("4444", "Alice"), party("1000", ""));
        let data = payload(State::RINGING, vec![device(state, Some(caller))]);
        assert_eq!(dialog(&context(&data))[2], "<identity display=\"Alice\">sip:4444@127.0.0.1</identity>");
    }
}

#[test]
fn ringing_while_in_use_shows_the_caller_if_the_endpoint_wants_it_early() {
    let caller = call(5, party("4444", "Alice"), party("1000", ""));
    let data = payload(RINGING_INUSE, vec![device(DeviceInfo::RINGINUSE, Some(caller))]);
    let of = |early_inuse_ringing| dialog(&BodyContext { early_inuse_ringing, ..context(&data) });
    assert_eq!(of(false), ["<dialog id=\"1000\">", "<state>confirmed</state>", "</dialog>"]);
    let early = of(true);
    assert_eq!(early[0], "<dialog id=\"1000\" direction=\"recipient\">");
    assert_eq!(early[2], "<identity display=\"Alice\">sip:4444@127.0.0.1</identity>");
    assert_eq!(early[early.len() - 2], "<state>early</state>");
}

#[test]
fn the_option_is_about_ringing_while_in_use_only() {
    for state in [State::IDLE, State::INUSE, State::BUSY, State::UNAVAILABLE, State::RINGING, State::ON_HOLD]
    {
        let data = payload(state, vec![device(DeviceInfo::RINGING, None)]);
        let early = BodyContext { early_inuse_ringing: true, ..context(&data) };
        assert_eq!(generate(&early), generate(&context(&data)), "{state}");
    }
}

#[test]
fn only_ringing_has_a_direction_and_parties() {
    let caller = call(5, party("4444", "Alice"), party("1000", "Bob"));
    let words = [
        (State::IDLE, "terminated"),
        (State::UNAVAILABLE, "terminated"),
        (State::INUSE, "confirmed"),
        (State::BUSY, "confirmed"),
        (RINGING_INUSE, "confirmed"),
    ];
    for (state, word) in words {
        let data = payload(state, vec![device(DeviceInfo::RINGINUSE, Some(caller.clone()))]);
        let expected =
            ["<dialog id=\"1000\">".to_owned(), format!("<state>{word}</state>"), "</dialog>".to_owned()];
        assert_eq!(dialog(&context(&data)), expected);
    }
}

#[test]
fn hold_renders_nothing_and_names_nobody() {
    let caller = call(5, party("4444", "Alice"), party("1000", "Bob"));
    let data = payload(State::ON_HOLD, vec![device(DeviceInfo::ON_HOLD, Some(caller))]);
    assert_eq!(
        dialog(&context(&data)),
        [
            "<dialog id=\"1000\">",
            "<state>confirmed</state>",
            "<local>",
            "<target uri=\"sip:1000@127.0.0.1:15060\">",
            "<param pname=\"+sip.rendering\" pvalue=\"no\" />",
            "</target>",
            "</local>",
            "</dialog>",
        ]
    );
}

#[test]
fn who_is_in_a_call_already_does_not_ring() {
    let caller = call(1, party("1", ""), party("1000", ""));
    let data = payload(
        State::RINGING,
        vec![device(DeviceInfo::INUSE, Some(caller)), device(DeviceInfo::RINGING, None)],
    );
    assert_eq!(
        dialog(&context(&data)),
        [
            "<dialog id=\"1000\" direction=\"recipient\">",
            "<local>",
            "<identity>sip:1000@127.0.0.1:15060</identity>",
            "<target uri=\"sip:1000@127.0.0.1:15060\" />",
            "</local>",
            "<state>early</state>",
            "</dialog>",
        ]
    );
}

#[test]
fn of_calls_of_one_age_the_device_named_first_is_shown() {
    let ringing = |number| device(DeviceInfo::RINGING, Some(call(4, party(number, ""), party("1000", ""))));
    let data = payload(State::RINGING, vec![ringing("1"), ringing("2")]);
    assert_eq!(dialog(&context(&data))[2], "<identity>sip:1@127.0.0.1</identity>");
}

#[test]
fn both_ends_of_one_call_are_shown() {
    let devices = vec![
        device(DeviceInfo::RINGING, Some(call(9, party("9", "Nine"), party("90", "Ninety")))),
        device(DeviceInfo::RINGING, Some(call(4, party("4", "Four"), party("40", "Forty")))),
    ];
    let data = payload(State::RINGING, devices);
    let lines = dialog(&context(&data));
    assert_eq!(lines[2], "<identity display=\"Four\">sip:4@127.0.0.1</identity>");
    assert_eq!(lines[6], "<identity display=\"Forty\">sip:40@127.0.0.1</identity>");
}

#[test]
fn callers_are_in_the_dialogs_domain_and_the_target_is_the_resource() {
    let caller = call(5, party("4444", ""), party("1000", ""));
    let data = payload(State::RINGING, vec![device(DeviceInfo::RINGING, Some(caller))]);
    let lines = dialog(&BodyContext { domain: "pbx.example".into(), ..context(&data) });
    assert_eq!(lines[2], "<identity>sip:4444@pbx.example</identity>");
    assert_eq!(lines[3], "<target uri=\"sip:4444@pbx.example\" />");
    assert_eq!(lines[6], "<identity>sip:1000@pbx.example</identity>");
    assert_eq!(lines[7], "<target uri=\"sip:1000@127.0.0.1:15060\" />");
}

#[test]
fn a_name_is_shown_without_a_number_too_and_a_called_party_may_withhold() {
    let remote = Party { name: RSome("Alice".into()), ..Default::default() };
    let local = Party { restricted: true, ..party("1000", "Bob") };
    let data = payload(State::RINGING, vec![device(DeviceInfo::RINGING, Some(call(1, remote, local)))]);
    let lines = dialog(&context(&data));
    assert_eq!(lines[2], "<identity display=\"Alice\">sip:invalid@127.0.0.1</identity>");
    assert_eq!(lines[6], "<identity display=\"anonymous\">sip:anonymous@anonymous.invalid</identity>");
    assert_eq!(lines[7], "<target uri=\"sip:1000@127.0.0.1:15060\" />");
}

#[test]
fn the_resource_is_escaped_wherever_it_is_named() {
    let of = |state| {
        let data = payload(state, vec![device(DeviceInfo::RINGING, None)]);
        generate(&BodyContext { local: "sip:a&b@[::1];x=\"<'>".into(), ..context(&data) })
    };
    let escaped = "sip:a&amp;b@[::1];x=&quot;&lt;&apos;&gt;";
    for text in [of(State::RINGING), of(State::ON_HOLD)] {
        assert!(text.contains(&format!(" entity=\"{escaped}\">")), "{text}");
        assert!(text.contains(&format!("<target uri=\"{escaped}\"")), "{text}");
    }
    assert!(of(State::RINGING).contains(&format!("<identity>{escaped}</identity>")));
}

#[test]
fn what_callers_send_is_escaped() {
    let caller = call(1, party("<1>", "\"A\" & B"), party("1000", ""));
    let data = payload(State::RINGING, vec![device(DeviceInfo::RINGING, Some(caller))]);
    assert_eq!(
        dialog(&context(&data))[2],
        "<identity display=\"&quot;A&quot; &amp; B\">sip:&lt;1&gt;@127.0.0.1</identity>"
    );
}

#[test]
fn all_versions_are_printed_whole() {
    let data = payload(State::IDLE, Vec::new());
    for version in [0, 9, 10, 1_000_000, u32::MAX] {
        let text = generate(&BodyContext { version, ..context(&data) });
        assert!(text.contains(&format!(" version=\"{version}\" ")), "{text}");
    }
}

#[test]
fn the_ends_are_shown_as_idle() {
    let idle = payload(State::IDLE, Vec::new());
    for state in [State::REMOVED, State::DEACTIVATED, State::ON_HOLD | State::INUSE, 1 << 20] {
        let data = payload(state, Vec::new());
        assert_eq!(generate(&context(&data)), generate(&context(&idle)), "{state}");
    }
}

#[test]
fn another_kind_of_data_is_no_data() {
    assert_eq!(DialogInfo.generate(&context(&Payload::default()), &mut Body::new()), Err(Fail::NoData));
}
