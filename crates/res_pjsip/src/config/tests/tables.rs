//! The tables themselves.

use std::collections::HashSet;

use crate::config::object_types;
use crate::config::options::Options;
use crate::config::table::{Kind, Shown};

#[test]
fn tables_are_sorted_and_lower_case() {
    for table in object_types() {
        assert!(table.options.is_sorted_by(|a, b| a.name < b.name), "type={}", table.name);
        for option in table.options {
            assert_eq!(option.name, option.name.to_ascii_lowercase(), "type={}", table.name);
        }
    }
    let names: HashSet<_> = object_types().map(|table| table.name).collect();
    assert_eq!(names.len(), object_types().count());
}

#[test]
fn every_default_is_accepted_and_shown_so_that_it_is_accepted_again() {
    for table in object_types() {
        for option in table.options {
            let place = format!("type={} {}", table.name, option.name);
            let mut warnings = Vec::new();
            let value = option.kind.parse(option.default, &mut warnings).expect(&place);
            assert_eq!(warnings, Vec::<String>::new(), "{place}");
            // These show words which say that there is nothing.
            if !matches!(option.kind, Kind::CallerId | Kind::Codecs) {
                let shown = option.kind.show(&value);
                assert_eq!(option.kind.parse(&shown, &mut warnings), Ok(value), "{place}: {shown}");
            }
        }
    }
}

#[test]
fn every_listed_option_is_shown_with_its_default() {
    for table in object_types() {
        let options = Options::new(table);
        let shown = options.shown();
        for option in table.options {
            let listed = shown.iter().find(|(name, _)| *name == option.name);
            let expected = option.kind.show(&option.kind.default_value(option.default));
            let expected = (option.shown == Shown::Always).then_some((option.name, expected));
            assert_eq!(listed, expected.as_ref(), "type={} {}", table.name, option.name);
        }
    }
}

#[test]
fn values_are_shown_as_asterisk_shows_them() {
    for (table, option, written, shown) in [
        ("endpoint", "allow_subscribe", "on", "true"),
        ("endpoint", "allow_subscribe", "F", "false"),
        ("endpoint", "webrtc", "1", "yes"),
        ("endpoint", "dtls_verify", "fingerprint", "Yes"),
        ("endpoint", "timers", "forced", "always"),
        ("endpoint", "sub_min_expiry", "0x10", "16"),
        ("endpoint", "sub_min_expiry", "010", "8"),
        ("endpoint", "tos_audio", "ef", "184"),
        ("endpoint", "tos_audio", "AF31", "104"),
        ("endpoint", "tos_audio", "cs3", "96"),
        ("endpoint", "callerid", "Alice <1000>", "\"Alice\" <1000>"),
        ("endpoint", "aors", " a , b,, c", "a,b,c"),
        ("endpoint", "codec_prefs_incoming_offer", "keep: first", "keep:first"),
        ("aor", "qualify_timeout", "1.5", "1.500000"),
        ("transport", "method", "default", "unspecified"),
        ("transport", "verify_server", "yes", "Yes"),
        ("transport", "cipher", "A,B", "A, B"),
        (
            "transport",
            "local_net",
            "10.1.2.3/8,!::1",
            "10.0.0.0/255.0.0.0,!::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ),
        ("identify", "match", "10.1.2.3/16", "10.1.0.0/255.255.0.0"),
        ("identify", "match_header", "X-Site: /b.*/", "X-Site: /b.*/"),
        ("global", "mwi_tps_queue_low", "-1", "-1"),
        (
            "auth",
            "password_digest",
            "md5:0123456789ABCDEF0123456789abcdef",
            "MD5:0123456789abcdef0123456789abcdef",
        ),
    ] {
        let spec = object_types().find(|it| it.name == table).and_then(|it| it.option(option)).expect(option);
        let value = spec.kind.parse(written, &mut Vec::new()).expect(option);
        assert_eq!(spec.kind.show(&value), shown, "{option}={written}");
    }
}

#[test]
fn values_that_are_no_values_are_refused() {
    for (table, option, written) in [
        ("endpoint", "sub_min_expiry", ""),
        ("endpoint", "sub_min_expiry", "-1"),
        ("endpoint", "sub_min_expiry", "10s"),
        ("endpoint", "sub_min_expiry", "+-1"),
        ("endpoint", "sub_min_expiry", "08"),
        ("endpoint", "sub_min_expiry", "99999999999"),
        ("endpoint", "timers_min_se", "89"),
        ("endpoint", "dtmf_mode", "rfc2833"),
        ("endpoint", "identify_by", "username,nosuch"),
        ("endpoint", "from_user", "a b"),
        ("endpoint", "cos_audio", "8"),
        ("endpoint", "tos_audio", "cs8"),
        ("endpoint", "tos_audio", "af14"),
        ("endpoint", "permit", "10.0.0.0/33"),
        ("endpoint", "permit", "host.example.com"),
        ("endpoint", "set_var", "novalue"),
        ("aor", "contact", "alice@example.com"),
        ("aor", "contact", "tel:+4930"),
        ("aor", "qualify_frequency", "86401"),
        ("aor", "qualify_timeout", "-1"),
        ("aor", "qualify_timeout", "inf"),
        ("transport", "protocol", "sctp"),
        ("transport", "bind", "nosuch:5060"),
        ("transport", "external_signaling_port", "65536"),
        ("identify", "match", "10.0.0.256"),
        ("identify", "match_header", "X-Site"),
        ("identify", "match_request_uri", "/(/"),
        ("auth", "password_digest", "MD5:1234"),
        ("auth", "password_digest", "SHA-1:0123456789abcdef0123456789abcdef"),
        ("auth", "supported_algorithms_uas", "MD5,SHA-1"),
        ("global", "default_from_user", ""),
        ("global", "debug", ""),
        ("asterisk-publication", "device_state_filter", "("),
    ] {
        let spec = object_types().find(|it| it.name == table).and_then(|it| it.option(option)).expect(option);
        assert!(spec.kind.parse(written, &mut Vec::new()).is_err(), "{option}={written}");
    }
}

#[test]
fn contacts_keep_the_limits_of_length() {
    let contact = object_types().find_map(|it| it.option("contact")).expect("contact");
    let accepts = |text: &str| contact.kind.parse(text, &mut Vec::new()).is_ok();
    assert!(accepts(&format!("sip:{}@h", "u".repeat(505))));
    assert!(!accepts(&format!("sip:{}@h", "u".repeat(506))));
    assert!(accepts(&format!("sip:u@{}", "h".repeat(255))));
    assert!(!accepts(&format!("sip:u@{}", "h".repeat(256))));
    assert!(accepts("sip:u@h;transport=tcp;lr, sips:[2001:db8::1]:5061"));
}
