//! A mistake is reported with its place and costs as little as it can.

use super::{parse, parse_with};

fn remarks(text: &str) -> Vec<String> {
    parse(text).1
}

#[test]
fn an_unknown_option_costs_nothing_but_itself() {
    let (config, remarks) = parse("[a]\ntype=endpoint\n  allow_subscirbe=no\ncontext=c\n");
    assert_eq!(
        remarks,
        ["Warning pjsip.conf:3:3: [a]: type=endpoint has no option 'allow_subscirbe', ignored"]
    );
    assert_eq!(&*config.endpoints["a"].context, "c");
    assert!(config.endpoints["a"].allow_subscribe);
}

#[test]
fn an_unknown_option_that_many_inherit_is_warned_about_once() {
    let text = "[t](!)\ntype=endpoint\nnosuch=1\n[a](t)\n[b](t)\n[c](t)\n";
    let (config, remarks) = parse(text);
    assert_eq!(remarks, ["Warning pjsip.conf:3:1: [a]: type=endpoint has no option 'nosuch', ignored"]);
    assert_eq!(config.endpoints.len(), 3);
}

#[test]
fn a_refused_value_costs_its_object_and_no_other() {
    let text = "[a]\ntype=endpoint\nsub_min_expiry=soon\n[a]\ntype=aor\n[b]\ntype=endpoint\n";
    let (config, remarks) = parse(text);
    assert_eq!(
        remarks,
        ["Error pjsip.conf:3:1: [a]: option 'sub_min_expiry' has the value 'soon', \
          expected a whole number, 0 or more"]
    );
    assert!(!config.endpoints.contains_key("a"));
    assert!(config.endpoints.contains_key("b") && config.aors.contains_key("a"));
}

#[test]
fn every_refused_value_of_a_section_is_reported() {
    let text = "[a]\ntype=aor\nmax_contacts=x\nqualify_frequency=-5\ncontact=bob\n";
    assert_eq!(remarks(text).len(), 3);
}

#[test]
fn a_bool_that_is_no_bool_counts_as_no_and_is_warned_about() {
    let (config, remarks) = parse("[a]\ntype=endpoint\nallow_subscribe=yess\n");
    assert_eq!(
        remarks,
        ["Warning pjsip.conf:3:1: [a]: option 'allow_subscribe' has the value 'yess', \
          which is neither yes nor no, taken as no"]
    );
    assert!(!config.endpoints["a"].allow_subscribe);
}

#[test]
fn a_section_without_a_type_is_warned_about() {
    assert_eq!(remarks("[a]\ncontext=c\n"), ["Warning pjsip.conf:1:1: [a]: no type=, section ignored"]);
}

#[test]
fn an_unknown_type_is_worth_a_notice() {
    assert_eq!(
        remarks("[a]\ncontext=c\ntype=nosuch\n"),
        ["Notice pjsip.conf:3:1: [a]: type=nosuch is none that is loaded, section ignored"]
    );
    assert_eq!(remarks("[a]\ntype=Endpoint\n").len(), 1, "the case of a type counts");
}

#[test]
fn global_and_system_need_no_type() {
    let (config, remarks) = parse("[global]\nmax_forwards=10\n[system]\ncompact_headers=yes\n");
    assert_eq!(remarks, Vec::<String>::new());
    assert_eq!(config.global.max_forwards, 10);
    assert!(config.system.compact_headers);
}

#[test]
fn the_second_section_of_a_name_and_type_is_refused_and_the_rest_lives() {
    let text = "[a]\ntype=aor\nmax_contacts=1\n[b]\ntype=aor\n[a]\ntype=aor\nmax_contacts=2\n";
    let (config, remarks) = parse(text);
    assert_eq!(
        remarks,
        ["Error pjsip.conf:6:1: [a]: a second type=aor of this name, refused; \
          the first is at pjsip.conf:1:1"]
    );
    assert_eq!(config.aors["a"].max_contacts, 1);
    assert_eq!(config.aors.len(), 2);
}

#[test]
fn the_second_global_is_refused_whatever_its_name() {
    let text = "[global]\ntype=global\nmax_forwards=10\n[mine]\ntype=global\nmax_forwards=20\n";
    let (config, remarks) = parse(text);
    assert_eq!(
        remarks,
        ["Error pjsip.conf:4:1: [mine]: a second type=global, refused; \
          the first is at pjsip.conf:1:1"]
    );
    assert_eq!(config.global.max_forwards, 10);
}

#[test]
fn what_is_required_is_asked_for() {
    for (section, message) in [
        ("type=transport", "option 'bind' is required for type=transport"),
        ("type=auth\npassword=x", "option 'username' is required for type=auth"),
        ("type=identify\nmatch=10.0.0.1", "option 'endpoint' is required for type=identify"),
        ("type=domain_alias", "option 'domain' is required for type=domain_alias"),
        ("type=resource_list\nevent=x", "option 'list_item' is required for type=resource_list"),
        ("type=outbound-publish\nevent=x", "option 'server_uri' is required for type=outbound-publish"),
    ] {
        let expected = format!("Error pjsip.conf:1:1: [a]: {message}");
        assert_eq!(remarks(&format!("[a]\n{section}\n")), [expected]);
    }
    assert_eq!(
        remarks("[a]\ntype=identify\nendpoint=b\n[b]\ntype=endpoint\n"),
        ["Error pjsip.conf:1:1: [a]: option 'match' is required, or else match_header or \
          match_request_uri"]
    );
}

#[test]
fn names_that_no_object_has_are_warned_about() {
    let text = "[a]\ntype=endpoint\naors=a,b\nauth=x\ntransport=udp\n[a]\ntype=aor\n\
                [i]\ntype=identify\nendpoint=nosuch\nmatch=10.0.0.1\n";
    assert_eq!(
        remarks(text),
        [
            "Warning pjsip.conf:3:1: [a]: option 'aors' names 'b', but there is no type=aor of that name",
            "Warning pjsip.conf:4:1: [a]: option 'auth' names 'x', but there is no type=auth of that name",
            "Warning pjsip.conf:5:1: [a]: option 'transport' names 'udp', but there is no type=transport of that name",
            "Warning pjsip.conf:10:1: [i]: option 'endpoint' names 'nosuch', but there is no type=endpoint of that name",
        ]
    );
}

#[test]
fn a_broken_acl_denies_everyone() {
    let (config, remarks) = parse("[acl]\ntype=acl\ndeny=0.0.0.0/0\npermit=192.0.2.0/24x\n");
    assert_eq!(
        remarks,
        ["Error pjsip.conf:4:1: [acl]: option 'permit' has the value '192.0.2.0/24x', \
          expected a prefix length up to 32 or a net mask in '192.0.2.0/24x'"]
    );
    assert!(!config.allows_source([192, 0, 2, 1].into()));
    assert!(!config.allows_contact([192, 0, 2, 1].into()));
}

#[test]
fn two_acls_of_one_name_are_both_in_force() {
    let text = "[acl]\ntype=acl\ndeny=10.0.0.0/8\n[acl]\ntype=acl\ndeny=192.0.2.0/24\n";
    let (config, remarks) = parse(text);
    assert_eq!(remarks.len(), 1);
    assert!(!config.allows_source([10, 0, 0, 1].into()));
    assert!(!config.allows_source([192, 0, 2, 1].into()));
    assert!(config.allows_source([198, 51, 100, 1].into()));
}

#[test]
fn a_named_list_that_does_not_exist_denies_everyone_and_keeps_the_endpoint() {
    let (config, remarks) = parse("[a]\ntype=endpoint\nacl=nosuch\n");
    assert_eq!(
        remarks,
        ["Error pjsip.conf:3:1: [a]: option 'acl' names 'nosuch', which acl.conf does not have: \
          everyone is denied"]
    );
    assert!(!config.endpoints["a"].acl.allows([127, 0, 0, 1].into()));
}

#[test]
fn a_broken_list_of_acl_conf_denies_everyone() {
    let acls = "[good]\ndeny=0.0.0.0/0\npermit=10.0.0.0/8\n[bad]\npermit=10.0.0.0/8\ndney=all\n";
    let (config, remarks) = parse_with("[a]\ntype=endpoint\nacl=good\n[b]\ntype=endpoint\nacl=bad\n", acls);
    assert_eq!(remarks.len(), 1);
    assert!(remarks[0].starts_with("Error acl.conf:6:1: [bad]: option 'dney'"), "{remarks:?}");
    assert!(config.endpoints["a"].acl.allows([10, 0, 0, 1].into()));
    assert!(!config.endpoints["b"].acl.allows([10, 0, 0, 1].into()));
}

#[test]
fn secrets_do_not_appear_in_remarks() {
    let text = "[a]\ntype=auth\nusername=a\npassword_digest=MD5:hunter2\n";
    assert_eq!(remarks(text).len(), 1);
    assert!(!remarks(text)[0].contains("hunter2"), "{:?}", remarks(text));
}

#[test]
fn an_auth_must_have_a_secret_for_each_algorithm_it_offers() {
    let sha = format!("[a]\ntype=auth\nusername=a\npassword_digest=SHA-256:{}\n", "0".repeat(64));
    assert_eq!(
        remarks(&sha),
        ["Error pjsip.conf:1:1: [a]: option 'supported_algorithms_uas' has MD5, but there is no \
          password and no password_digest for it"]
    );
    let both = "supported_algorithms_uas=SHA-256\nsupported_algorithms_uac=SHA-256\n";
    assert_eq!(remarks(&(sha + both)), Vec::<String>::new());
    assert_eq!(remarks("[a]\ntype=auth\nusername=a\npassword=p\n"), Vec::<String>::new());
}

#[test]
fn settings_that_are_too_small_are_raised() {
    let (config, remarks) = parse("[system]\ntype=system\ntimer_t1=50\ntimer_b=1000\n");
    assert_eq!(remarks.len(), 2, "{remarks:?}");
    assert_eq!(config.system.timer_t1.as_millis(), 100);
    assert_eq!(config.system.timer_b.as_millis(), 6400);
    assert!(config.system.options.shown().contains(&("timer_b", "6400".into())));
}

#[test]
fn a_wrong_algorithm_of_the_global_object_is_only_warned_about() {
    let (config, remarks) = parse("[global]\ndefault_auth_algorithms_uas=SHA1\n");
    assert_eq!(remarks.len(), 1);
    assert_eq!(config.global.default_auth_algorithms_uas, [crate::config::Algorithm::Md5]);
}

#[test]
fn a_tls_transport_needs_files_that_can_be_read() {
    let text = "[t]\ntype=transport\nbind=0.0.0.0\nprotocol=tls\ncert_file=/nosuch/cert.pem\n";
    let (config, remarks) = parse(text);
    assert!(config.transports.is_empty());
    assert!(remarks[0].starts_with("Error pjsip.conf:5:1: [t]: option 'cert_file' names"));
    assert_eq!(parse(&text.replace("tls", "tcp")).0.transports.len(), 1);
}

#[test]
fn an_external_address_and_an_external_name_exclude_each_other() {
    let text = "[t]\ntype=transport\nbind=0.0.0.0\nexternal_signaling_address=192.0.2.1\n\
                external_signaling_hostname=example.com\n";
    let (config, remarks) = parse(text);
    assert!(config.transports.is_empty() && remarks.len() == 1);
}

#[test]
fn two_transports_cannot_have_one_socket() {
    let transport = |id: &str, protocol: &str, port: u16| {
        format!("[{id}]\ntype=transport\nprotocol={protocol}\nbind=192.0.2.1:{port}\n")
    };
    let text = [
        transport("a", "udp", 5060),
        transport("b", "tcp", 5060),
        transport("c", "udp", 5060),
        transport("d", "tls", 5060),
        transport("e", "udp", 5061),
    ];
    let (config, remarks) = parse(&text.concat());
    let ids: Vec<_> = config.transports.iter().map(|transport| &*transport.id).collect();
    assert_eq!(ids, ["a", "b", "e"]);
    assert!(remarks[0].starts_with("Error pjsip.conf:12:1: [c]: option 'bind' "), "{remarks:?}");
    assert!(remarks[0].ends_with("is where transport 'a' listens"), "{remarks:?}");
    assert!(
        remarks[1].contains("[d]") && remarks[1].ends_with("is where transport 'b' listens"),
        "{remarks:?}"
    );
}
