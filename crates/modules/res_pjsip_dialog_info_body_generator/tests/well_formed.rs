//! Whatever an extension and its callers are called, the body is XML 1.0 that says so.

#[path = "../../testing/mod.rs"]
mod testing;

use module_api::abi_stable::std_types::{ROption, RString};
use module_api::{BodyContext, CallerInfo, DeviceInfo, ExtensionState as State, Party, Payload};
use proptest::prelude::*;
use res_pjsip_dialog_info_body_generator::DialogInfo;
use testing::{Element, body, context, parse, wild, xml_chars};

fn party() -> impl Strategy<Value = Party> {
    (prop::option::of(wild()), prop::option::of(wild()), any::<bool>()).prop_map(
        |(number, name, restricted)| Party {
            number: ROption::from(number.map(RString::from)),
            name: ROption::from(name.map(RString::from)),
            restricted,
        },
    )
}

/// What an identity must say; its URI.
fn check_identity(identity: &Element, party: &Party, domain: &str) -> String {
    let number = party.number.as_ref().map_or("invalid", |number| number.as_str());
    let name = party.name.as_ref().map_or("", |name| name.as_str());
    let (uri, name) = if party.restricted {
        ("sip:anonymous@anonymous.invalid".to_owned(), "anonymous")
    } else {
        (format!("sip:{number}@{domain}"), name)
    };
    assert_eq!(identity.text, xml_chars(&uri));
    if name.is_empty() {
        assert_eq!(identity.attrs, []);
    } else {
        assert_eq!(identity.attr("display"), xml_chars(name));
    }
    uri
}

proptest! {
    #[test]
    fn a_reader_gets_what_was_said(
        exten in wild(),
        local in wild(),
        domain in wild(),
        caller in prop::option::of((party(), party())),
        state in prop::sample::select(vec![
            State::IDLE, State::INUSE, State::RINGING, State::RINGING | State::INUSE, State::ON_HOLD, State::REMOVED,
        ]),
        early_inuse_ringing in any::<bool>(),
    ) {
        let call = caller.clone().map(|(remote, local)| CallerInfo { remote, local, since_ms: 1 });
        let device = DeviceInfo { name: "PJSIP/a".into(), state: DeviceInfo::RINGING, caller: call.into() };
        let exten_state = State {
            exten: exten.as_str().into(),
            state,
            devices: vec![device].into(),
            ..Default::default()
        };
        let data = Payload::extension_state(1, exten_state);
        let cx = BodyContext {
            local: local.as_str().into(),
            domain: domain.as_str().into(),
            early_inuse_ringing,
            ..context(&data)
        };
        let info = parse(&body(&DialogInfo, &[], &cx));
        prop_assert_eq!(info.attr("entity"), xml_chars(&local));
        prop_assert_eq!(info.children.len(), 1);
        let dialog = info.at("dialog");
        prop_assert_eq!(dialog.attr("id"), xml_chars(&exten));
        let target = |side: &str| dialog.at(side).at("target").attr("uri").to_owned();
        if dialog.at("state").text == "early" {
            prop_assert_eq!(target("local"), xml_chars(&local));
            match &caller {
                Some((from, to)) => {
                    let uri = check_identity(dialog.at("remote/identity"), from, &domain);
                    prop_assert_eq!(target("remote"), xml_chars(&uri));
                    check_identity(dialog.at("local/identity"), to, &domain);
                }
                None => prop_assert_eq!(&dialog.at("local/identity").text, &xml_chars(&local)),
            }
        } else if state == State::ON_HOLD {
            prop_assert_eq!(target("local"), xml_chars(&local));
        } else {
            prop_assert_eq!(dialog.children.len(), 1);
        }
    }
}
