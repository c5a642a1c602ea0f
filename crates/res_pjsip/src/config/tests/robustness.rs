//! Whatever a file says, reading, listing and identifying end.

use std::sync::Arc;

use conf::{Config, Entry, Pos, Section};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::config::{PjsipConfig, object_types};
use crate::identify::{Identifiers, IdentifyRequest};
use crate::show::{self, Idle, Like, Objects};

/// Any text, and text of characters that options give a meaning to.
fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,60}",
        "[!0-9a-fx./:,\\[\\]@<>\"=;%*() -]{0,40}",
        "[0-9.]{1,15}(/[0-9.]{1,15})?(:[0-9]{1,6})?",
        "(sip|sips|tel):[a-z0-9@:;.\\[\\]]{0,30}",
        "/.{0,20}/",
    ]
}

/// A section of any type with any of its options.
fn any_section() -> impl Strategy<Value = Section> {
    let types: Vec<_> = object_types().collect();
    prop::sample::select(types).prop_flat_map(|object_type| {
        let mut names: Vec<_> = object_type.options.iter().map(|option| option.name).collect();
        names.push("event_x");
        let name = prop_oneof!["[ab]", "a@b", "anonymous"];
        let lines = vec((prop::sample::select(names), any_value()), 0..12);
        (name, lines).prop_map(|(name, mut lines)| {
            lines.push(("type", object_type.name.to_owned()));
            let entries = lines.into_iter().map(|(name, value)| Entry {
                name: name.into(),
                value: value.into(),
                object: false,
                pos: pos(),
                inherited: false,
            });
            Section { name: name.into(), template: false, pos: pos(), entries: entries.collect() }
        })
    })
}

fn pos() -> Pos {
    Pos { file: Arc::from("pjsip.conf"), line: 1, column: 1 }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_value_of_any_option_panics(
        sections in vec(any_section(), 1..6),
        user in any_value(),
        source in any::<([u8; 4], u16)>(),
    ) {
        let mut file = Config::default();
        file.sections = sections;
        let (config, remarks) = PjsipConfig::parse(&file);
        for remark in &remarks {
            prop_assert!(remark.pos.is_some() && !remark.message.is_empty());
        }
        let mut text = show::settings(&config);
        for objects in Objects::ALL {
            text += &show::list(objects, &config, &Idle, &Like::all());
            text += &show::all(objects, &config, &Idle, &Like::all());
            for id in objects.ids(&config, &Idle) {
                text += &show::one(objects, &config, &Idle, &id).unwrap_or_else(|unknown| unknown);
            }
        }
        let request = IdentifyRequest {
            source: source.into(),
            from_scheme_is_sip: true,
            from_user: &user,
            from_domain: "b",
            transport_domain: &user,
            headers: &|_, visit| { visit(&user); },
            request_uri: &user,
        };
        let _ = Identifiers::all().identify(&config, &request);
    }

    #[test]
    fn no_authorization_panics(text in any_value()) {
        let (config, _) = PjsipConfig::parse(&Config::default());
        let value = format!("Digest {text}");
        let request = IdentifyRequest {
            source: ([127, 0, 0, 1], 5060).into(),
            from_scheme_is_sip: false,
            from_user: "",
            from_domain: "",
            transport_domain: "",
            headers: &|_, visit| { visit(&value); },
            request_uri: "",
        };
        prop_assert!(Identifiers::all().identify(&config, &request).is_none());
    }
}
