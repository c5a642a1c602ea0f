//! Who is taken for whom.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::{Identifiers, IdentifyRequest};
use crate::config::PjsipConfig;
use crate::config::tests::parse;

/// A request, and what is asked of it.
struct Asked<'a> {
    source: &'a str,
    scheme_is_sip: bool,
    from: (&'a str, &'a str),
    transport_domain: &'a str,
    headers: &'a [(&'a str, &'a str)],
    request_uri: &'a str,
}

const REQUEST: Asked<'_> = Asked {
    source: "203.0.113.1:5060",
    scheme_is_sip: true,
    from: ("nobody", "example.com"),
    transport_domain: "",
    headers: &[],
    request_uri: "sip:1000@example.com",
};

impl Asked<'_> {
    /// The endpoint that `config` takes the sender for.
    fn by(&self, config: &PjsipConfig) -> Option<String> {
        let identifiers = Identifiers::all().ordered(&config.global.endpoint_identifier_order);
        let headers = |name: &str, visit: &mut dyn FnMut(&str) -> bool| {
            for (header, value) in self.headers {
                if header.eq_ignore_ascii_case(name) && visit(value) {
                    return;
                }
            }
        };
        let request = IdentifyRequest {
            source: self.source.parse::<SocketAddr>().expect(self.source),
            from_scheme_is_sip: self.scheme_is_sip,
            from_user: self.from.0,
            from_domain: self.from.1,
            transport_domain: self.transport_domain,
            headers: &headers,
            request_uri: self.request_uri,
        };
        identifiers.identify(config, &request).map(|endpoint| endpoint.id.to_string())
    }
}

fn config(text: &str) -> PjsipConfig {
    parse(text).0
}

/// Endpoints of these names.
fn endpoints(names: &[&str]) -> String {
    names.iter().map(|name| format!("[{name}]\ntype=endpoint\n")).collect()
}

/// An identify for the endpoint of the same name.
fn identify(name: &str, options: &str) -> String {
    format!("[{name}]\ntype=endpoint\n[{name}]\ntype=identify\nendpoint={name}\n{options}\n")
}

#[test]
fn by_username_with_and_without_a_domain() {
    let names = ["alice", "bob", "bob@example.com", "bob@real.example", "bob@transport.example"];
    let alias = "[Alias.Example]\ntype=domain_alias\ndomain=real.example\n";
    let all = config(&(endpoints(&names) + alias));
    let plain = config(&(endpoints(&names) + alias + "[global]\ndisable_multi_domain=yes\n"));
    for (user, domain, transport, expected, without_domains) in [
        ("alice", "example.com", "", Some("alice"), Some("alice")),
        ("Alice", "example.com", "", None, None),
        ("", "example.com", "", None, None),
        ("bob", "EXAMPLE.com", "", Some("bob@example.com"), Some("bob")),
        ("bob", "alias.example", "transport.example", Some("bob@real.example"), Some("bob")),
        ("bob", "other.example", "transport.example", Some("bob@transport.example"), Some("bob")),
        ("bob", "other.example", "", Some("bob"), Some("bob")),
        ("bob@example.com", "x", "", Some("bob@example.com"), Some("bob@example.com")),
        ("carol", "example.com", "", None, None),
    ] {
        let asked = Asked { from: (user, domain), transport_domain: transport, ..REQUEST };
        assert_eq!(asked.by(&all).as_deref(), expected, "{user}@{domain}");
        assert_eq!(asked.by(&plain).as_deref(), without_domains, "{user}@{domain}, one domain");
    }
}

#[test]
fn a_from_that_is_no_sip_uri_names_nobody() {
    let config = config(&endpoints(&["alice"]));
    let asked = Asked { from: ("alice", ""), scheme_is_sip: false, ..REQUEST };
    assert_eq!(asked.by(&config), None);
}

#[test]
fn user_options_are_cut_only_when_asked_for() {
    let asked = Asked { from: ("alice;phone-context=x", "h"), ..REQUEST };
    let text = endpoints(&["alice"]);
    assert_eq!(asked.by(&config(&text)), None);
    let text = text + "[global]\nignore_uri_user_options=yes\n";
    assert_eq!(asked.by(&config(&text)).as_deref(), Some("alice"));
}

#[test]
fn an_endpoint_that_does_not_list_the_method_is_passed_over() {
    let text = "[alice]\ntype=endpoint\nidentify_by=ip\n[anonymous]\ntype=endpoint\n";
    let asked = Asked { from: ("alice", "h"), ..REQUEST };
    assert_eq!(asked.by(&config(text)).as_deref(), Some("anonymous"));
}

#[test]
fn by_the_user_of_authorization() {
    let text = "[alice]\ntype=endpoint\nidentify_by=auth_username\n\
                [alice@realm]\ntype=endpoint\nidentify_by=auth_username\n\
                [bob]\ntype=endpoint\n";
    let config = config(text);
    let by = |value: &str| {
        let value = value.to_owned() + ",uri=\"sip:x\",response=\"0\"";
        Asked { headers: &[("authorization", &value)], ..REQUEST }.by(&config)
    };
    assert_eq!(by("Digest username=\"alice\", realm=\"x\", nonce=n").as_deref(), Some("alice"));
    assert_eq!(by("digest realm=\"realm\",username=alice, nonce=n").as_deref(), Some("alice@realm"));
    assert_eq!(by("Digest nonce=\"a,b\", username=\"al\\ice\", realm=\"x\"").as_deref(), Some("alice"));
    assert_eq!(by("Digest username=\"bob\", realm=\"x\", nonce=n"), None, "bob does not list it");
    assert_eq!(by("Basic username=\"alice\", realm=\"x\", nonce=n"), None);
    assert_eq!(by("Digest username=\"alice\", realm=\"x\""), None, "no credentials: the nonce is missing");
    assert_eq!(by("Digest username=\"alice"), None);
    assert_eq!(Asked { from: ("alice", "h"), ..REQUEST }.by(&config), None);
}

#[test]
fn anonymous_is_who_nobody_else_is() {
    let text = endpoints(&["anonymous", "anonymous@example.com", "alice"]);
    let config = config(&text);
    assert_eq!(REQUEST.by(&config).as_deref(), Some("anonymous@example.com"));
    let asked = Asked { from: ("x", "other"), ..REQUEST };
    assert_eq!(asked.by(&config).as_deref(), Some("anonymous"));
    let asked = Asked { from: ("alice", "other"), ..REQUEST };
    assert_eq!(asked.by(&config).as_deref(), Some("alice"));
    let asked = Asked { scheme_is_sip: false, ..asked };
    assert_eq!(asked.by(&config).as_deref(), Some("anonymous"));
}

#[test]
fn by_source_the_longest_prefix_wins() {
    let text = [
        identify("all", "match=0.0.0.0/0"),
        identify("wide", "match=10.0.0.0/8"),
        identify("narrow", "match=10.1.0.0/16,!10.1.9.0/24"),
        identify("host", "match=10.1.2.3"),
        identify("port", "match=10.1.2.3:5070"),
        identify("second", "match=10.1.2.3"),
        identify("six", "match=2001:db8::/32"),
        identify("mapped", "match=[2001:db8::1]:5070"),
    ]
    .concat();
    let config = config(&text);
    for (source, expected) in [
        ("192.0.2.1:5060", Some("all")),
        ("10.2.0.1:5060", Some("wide")),
        ("10.1.0.1:5060", Some("narrow")),
        ("[::ffff:10.1.0.1]:5060", Some("narrow")),
        ("10.1.9.1:5060", Some("wide")),
        ("10.1.2.3:5060", Some("host")),
        ("10.1.2.3:5070", Some("port")),
        ("[2001:db8::1]:5060", Some("six")),
        ("[2001:db8::1]:5070", Some("mapped")),
        ("[2001:db9::1]:5060", None),
    ] {
        assert_eq!(Asked { source, ..REQUEST }.by(&config).as_deref(), expected, "{source}");
    }
}

#[test]
fn the_last_match_that_contains_the_source_decides() {
    let text = identify("a", "match=10.0.0.0/8\nmatch=!10.1.0.0/16\nmatch=10.1.1.1");
    let config = config(&text);
    let by = |source| Asked { source, ..REQUEST }.by(&config).is_some();
    assert!(by("10.0.0.1:1") && by("10.1.1.1:1") && !by("10.1.0.1:1"));
}

#[test]
fn host_names_match_when_their_addresses_are_known() {
    let text = identify("gw", "match=gw.example.com:5070\nsrv_lookups=no");
    let unresolved = config(&text);
    let names: Vec<_> = unresolved.host_names().into_iter().collect();
    assert_eq!(names, [(Arc::from("gw.example.com"), false)]);
    let asked = Asked { source: "192.0.2.7:5070", ..REQUEST };
    assert_eq!(asked.by(&unresolved), None);

    let addresses = vec![[192, 0, 2, 6].into(), [192, 0, 2, 7].into()];
    let resolved = unresolved.with_hosts(&HashMap::from([(names[0].0.clone(), addresses)]));
    assert_eq!(asked.by(&resolved).as_deref(), Some("gw"));
    assert_eq!(Asked { source: "192.0.2.7:5060", ..REQUEST }.by(&resolved), None);
}

#[test]
fn by_header_and_by_request_uri() {
    let text = [
        identify("literal", "match_header=X-Site: Berlin"),
        identify("regex", "match_header=X-Site: /^bonn-[0-9]+/"),
        identify("uri", "match_request_uri=/^sip:9/"),
        identify("exact", "match_request_uri=sip:800@h"),
    ]
    .concat();
    let config = config(&text);
    let header = |value| {
        let headers = &[("x-site", "other"), ("X-SITE", value)];
        Asked { headers, ..REQUEST }.by(&config)
    };
    assert_eq!(header("Berlin").as_deref(), Some("literal"));
    assert_eq!(header("berlin"), None);
    assert_eq!(header("bonn-12 west").as_deref(), Some("regex"));
    let uri = |request_uri| Asked { request_uri, ..REQUEST }.by(&config);
    assert_eq!(uri("sip:900@h").as_deref(), Some("uri"));
    assert_eq!(uri("sip:800@h").as_deref(), Some("exact"));
    assert_eq!(uri("sip:800@h2"), None);
}

#[test]
fn the_order_is_the_configured_one_and_the_rest_follows() {
    let order = |text: &str| {
        let order = config(text).global.endpoint_identifier_order.clone();
        Identifiers::all().ordered(&order).names().collect::<Vec<_>>().join(",")
    };
    assert_eq!(order(""), "ip,username,anonymous,auth_username,header,request_uri");
    assert_eq!(
        order("[global]\nendpoint_identifier_order=request_uri,nosuch,anonymous\n"),
        "request_uri,anonymous,ip,username,auth_username,header"
    );

    let text = identify("trunk", "match=203.0.113.1") + &endpoints(&["alice"]);
    let asked = Asked { from: ("alice", "h"), ..REQUEST };
    assert_eq!(asked.by(&config(&text)).as_deref(), Some("trunk"));
    let text = text + "[global]\nendpoint_identifier_order=username,ip\n";
    assert_eq!(asked.by(&config(&text)).as_deref(), Some("alice"));
}

#[test]
fn an_identify_of_a_missing_endpoint_matches_nothing() {
    let text = "[i]\ntype=identify\nendpoint=nosuch\nmatch=0.0.0.0/0\n";
    assert_eq!(REQUEST.by(&config(text)), None);
}
