//! Listings against what Asterisk printed for the same file (`testdata/golden`), and the rows which
//! that file has none of.

use std::borrow::Cow;
use std::time::Duration;

use super::*;
use crate::config::tests::parse;

const GOLDEN_CONF: &str = include_str!("../../testdata/golden/pjsip.conf");

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!("../../testdata/golden/pjsip_", $name, ".txt"))
    };
}

/// The server of the golden run: alice is registered, no channel driver is loaded.
struct Golden;

impl Runtime for Golden {
    fn contacts_of(&self, aor: &str) -> Vec<Contact> {
        self.contacts().into_iter().filter(|contact| contact.aor == aor).collect()
    }

    fn contacts(&self) -> Vec<Contact> {
        vec![Contact {
            id: "alice;@ce458f35fb00000000000000000000000".into(),
            aor: "alice".into(),
            uri: "sip:alice@127.0.0.1:42596".into(),
            status: ContactStatus::NonQualified,
            rtt: None,
        }]
    }

    fn endpoint_state(&self, _endpoint: &str) -> Cow<'_, str> {
        Cow::Borrowed("Invalid")
    }

    fn channels(&self, _endpoint: &str) -> u32 {
        0
    }
}

fn golden_config() -> PjsipConfig {
    let (config, remarks) = parse(GOLDEN_CONF);
    assert_eq!(remarks, Vec::<String>::new());
    config
}

/// The output in a golden file: what stands between the command and the exit status.
fn output(golden: &str) -> &str {
    let (_, output) = golden.split_once('\n').expect("a command line");
    output.strip_suffix("[exit 0]\n").expect("an exit status")
}

#[test]
fn lists_are_those_of_asterisk() {
    let config = golden_config();
    let shown = |objects| all(objects, &config, &Golden, &Like::all());
    let listed = |objects| list(objects, &config, &Golden, &Like::all());

    assert_eq!(shown(Objects::Endpoints), output(golden!("show_endpoints")));
    assert_eq!(listed(Objects::Endpoints), output(golden!("list_endpoints")));
    assert_eq!(shown(Objects::Aors), output(golden!("show_aors")));
    assert_eq!(shown(Objects::Auths), output(golden!("show_auths")));
    assert_eq!(shown(Objects::Contacts), output(golden!("show_contacts")));
    assert_eq!(listed(Objects::Contacts), output(golden!("list_contacts")));
    assert_eq!(shown(Objects::Identifies), output(golden!("show_identifies")));
    assert_eq!(shown(Objects::Transports), output(golden!("show_transports")));
}

#[test]
fn parameters_and_their_defaults_are_those_of_asterisk() {
    let config = golden_config();
    assert_eq!(
        one(Objects::Endpoints, &config, &Golden, "alice").unwrap(),
        output(golden!("show_endpoint_alice"))
    );
    assert_eq!(one(Objects::Aors, &config, &Golden, "alice").unwrap(), output(golden!("show_aor_alice")));
    assert_eq!(settings(&config), output(golden!("show_settings")));
}

/// A server with two contacts, one of which answers, and an endpoint that is in a call.
struct Busy;

impl Runtime for Busy {
    fn contacts_of(&self, aor: &str) -> Vec<Contact> {
        self.contacts().into_iter().filter(|contact| contact.aor == aor).collect()
    }

    fn contacts(&self) -> Vec<Contact> {
        let contact = |id: &str, uri: &str, status, rtt| Contact {
            id: id.into(),
            aor: "alice".into(),
            uri: uri.into(),
            status,
            rtt,
        };
        let long = format!("sip:alice@192.0.2.61:5060;x-ast-orig-host={}", "h".repeat(60));
        vec![
            contact(
                "alice;@446b56cbe1aaaaaaaaaaaaaaaaaaaaaa",
                "sip:x@192.0.2.60:59974",
                ContactStatus::NonQualified,
                None,
            ),
            contact(
                "alice@@0123456789aaaaaaaaaaaaaaaaaaaaaa",
                &long,
                ContactStatus::Reachable,
                Some(Duration::from_micros(12_345)),
            ),
        ]
    }

    fn endpoint_state(&self, _endpoint: &str) -> Cow<'_, str> {
        Cow::Borrowed("Not in use")
    }

    fn channels(&self, _endpoint: &str) -> u32 {
        0
    }

    fn contact_parameters(&self, _id: &str) -> Vec<(&str, String)> {
        vec![("uri", "sip:x@192.0.2.60:59974".into())]
    }
}

const OFFICE: &str = "\
[alice]
type=endpoint
auth=alice
outbound_auth=out
aors=alice
callerid=Alice <1000>
device_state_busy_at=2
[alice]
type=auth
username=alice
password=p
[out]
type=auth
username=us
password=p
[alice]
type=aor
max_contacts=1
[alice-ip]
type=identify
endpoint=alice
match=192.0.2.0/24
match_header=X-Foo: bar
[zoe-uri]
type=identify
endpoint=zoe
match=!192.0.2.66,gw.example.com:5070
match_request_uri=/^sip:zoe@/
[zoe]
type=endpoint
";

/// The lines of a page between its rule and its last two lines.
fn rows(page: &str) -> &str {
    let (_, rows) = page.split_once("==\n\n").expect("a rule");
    rows.split_once("\nObjects found").expect("a count").0
}

#[test]
fn what_belongs_to_an_endpoint_is_indented_below_it() {
    let (config, _) = parse(OFFICE);
    let page = all(Objects::Endpoints, &config, &Busy, &Like::all());
    let expected = "
 Endpoint:  alice/1000                                           Not in use    0 of 2
     InAuth:  alice/alice
    OutAuth:  out/us
        Aor:  alice                                              1
      Contact:  alice/sip:x@192.0.2.60:59974               446b56cbe1 NonQual         nan
      Contact:  alice/sip:alice@192.0.2.61:5060;x-ast-orig 0123456789 Avail        12.345
   Identify:  alice-ip/alice
        Match: 192.0.2.0/24
       Header: X-Foo: bar

 Endpoint:  zoe                                                  Not in use    0 of inf
   Identify:  zoe-uri/zoe
        Match: !192.0.2.66/32
        Match: gw.example.com:5070
   RequestURI: /^sip:zoe@/

";
    assert_eq!(format!("\n{}", rows(&page)), expected);
}

#[test]
fn each_kind_has_its_own_heads() {
    let (config, _) = parse(OFFICE);
    let rule = "=".repeat(90);
    let contact =
        "  Contact:  alice/sip:x@192.0.2.60:59974                   446b56cbe1 NonQual         nan\n";
    for (objects, shown) in [
        (
            Objects::Auths,
            format!(
                "
  I/OAuth:  <AuthId/UserName.............................................................>
{rule}

     Auth:  alice/alice
     Auth:  out/us

Objects found: 2

"
            ),
        ),
        (
            Objects::Identifies,
            format!(
                "
 Identify:  <Identify/Endpoint...........................................................>
      Match:  <criteria...........................>
{rule}

 Identify:  alice-ip/alice
      Match: 192.0.2.0/24
     Header: X-Foo: bar

 Identify:  zoe-uri/zoe
      Match: !192.0.2.66/32
      Match: gw.example.com:5070
 RequestURI: /^sip:zoe@/


Objects found: 2

"
            ),
        ),
    ] {
        assert_eq!(all(objects, &config, &Busy, &Like::all()), shown);
    }
    assert!(all(Objects::Contacts, &config, &Busy, &Like::all()).contains(contact));
}

#[test]
fn one_object_comes_with_its_parameters() {
    let (config, _) = parse(OFFICE);
    let page = one(Objects::Identifies, &config, &Busy, "alice-ip").unwrap();
    let expected = "
 Identify:  alice-ip/alice
      Match: 192.0.2.0/24
     Header: X-Foo: bar


 ParameterName     : ParameterValue
 ==============================================
 endpoint          : alice
 match             : 192.0.2.0/255.255.255.0
 match_header      : X-Foo: bar
 match_request_uri : 
 srv_lookups       : true

";
    let (_, rest) = page.split_once("==\n").expect("a rule");
    // The longest name has 17 characters and the longest value 23.
    assert_eq!(rest, expected.replace(&"=".repeat(46), &"=".repeat(17 + 23 + 3)));

    let contact = one(Objects::Contacts, &config, &Busy, "alice;@446b56cbe1aaaaaaaaaaaaaaaaaaaaaa").unwrap();
    assert!(contact.contains(" uri           : sip:x@192.0.2.60:59974\n"), "{contact}");
    assert_eq!(
        one(Objects::Transports, &config, &Busy, "udp").unwrap_err(),
        "Unable to find object udp.\n\n"
    );
}

#[test]
fn the_contacts_of_an_aor_are_those_it_has_now() {
    let (config, _) = parse(OFFICE);
    let page = one(Objects::Aors, &config, &Busy, "alice").unwrap();
    assert!(page.contains(": sip:x@192.0.2.60:59974,sip:alice@192.0.2.61:5060;x-ast"), "{page}");
    let idle = one(Objects::Aors, &config, &Idle, "alice").unwrap();
    assert!(idle.contains("\n contact              : \n"), "{idle}");
}

#[test]
fn like_picks_by_name() {
    let (config, _) = parse(OFFICE);
    let listed = |like: &str| {
        let like = Like::new(like).expect("a regular expression");
        list(Objects::Endpoints, &config, &Busy, &like)
    };
    assert!(listed("^z").contains("zoe") && !listed("^z").contains("alice"));
    assert!(listed("e").ends_with("\nObjects found: 2\n\n"));
    assert_eq!(listed("nosuch"), "No objects found.\n\n");
    assert!(Like::new("(").is_err());
}

#[test]
fn names_are_completed_in_order() {
    let (config, _) = parse(OFFICE);
    assert_eq!(Objects::Endpoints.ids(&config, &Busy), ["alice", "zoe"]);
    assert_eq!(Objects::Auths.ids(&config, &Busy), ["alice", "out"]);
    let words: Vec<_> = Objects::ALL.iter().map(|it| (it.singular(), it.plural())).collect();
    assert!(words.contains(&("identify", "identifies")) && words.contains(&("aor", "aors")));
}
