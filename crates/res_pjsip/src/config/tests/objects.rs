//! Files that are right, and the objects they give.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use super::{parse, parse_dir};
use crate::config::{Algorithm, IdentifyMethod, Protocol};

#[test]
fn an_endpoint_without_options_has_the_defaults() {
    let (config, remarks) = parse("[a]\ntype=endpoint\n");
    assert_eq!(remarks, Vec::<String>::new());
    let endpoint = &config.endpoints["a"];
    assert_eq!((endpoint.subscribe_context(), endpoint.message_context()), ("default", "default"));
    assert!(endpoint.allow_subscribe && endpoint.force_rport && endpoint.aggregate_mwi);
    assert!(!endpoint.rewrite_contact && !endpoint.notify_early_inuse_ringing);
    assert!(endpoint.identify_by.contains(IdentifyMethod::Username));
    assert!(!endpoint.identify_by.contains(IdentifyMethod::AuthUsername));
    assert!(endpoint.acl.is_empty() && endpoint.callerid.is_none() && endpoint.auth.is_empty());
}

#[test]
fn the_last_line_of_a_scalar_wins_and_lists_accumulate() {
    let text = "[a]\ntype=endpoint\ncontext=one\ncontext=two\naors=a\naors=b,c\nset_var=x=1\n\
                set_var=y=2,3\nCONTEXT=three\n";
    let (config, _) = parse(text);
    let endpoint = &config.endpoints["a"];
    assert_eq!(&*endpoint.context, "three");
    assert_eq!(endpoint.aors, ["b".into(), "c".into()]);
    assert_eq!(endpoint.set_var, ["x=1".into(), "y=2,3".into()]);
}

#[test]
fn permit_and_deny_keep_their_order_across_both_options() {
    let allowed = |text: &str, address: [u8; 4]| {
        let (config, _) = parse(&format!("[a]\ntype=endpoint\n{text}"));
        config.endpoints["a"].acl.allows(address.into())
    };
    let deny_first = "deny=0.0.0.0/0\npermit=10.0.0.0/8\n";
    let permit_first = "permit=10.0.0.0/8\ndeny=0.0.0.0/0\n";
    assert!(allowed(deny_first, [10, 0, 0, 1]) && !allowed(deny_first, [192, 0, 2, 1]));
    assert!(!allowed(permit_first, [10, 0, 0, 1]));
}

#[test]
fn an_acl_of_permit_and_deny_is_shown_as_such() {
    let (config, _) = parse("[a]\ntype=endpoint\npermit=10.0.0.0/8\n");
    let shown = config.endpoints["a"].options.shown();
    assert!(shown.contains(&("acl", "deny/permit".into())));
}

#[test]
fn transports_fill_in_the_port_of_their_protocol() {
    let text = "[u]\ntype=transport\nbind=0.0.0.0\n[s]\ntype=transport\nprotocol=tls\nbind=[::]\n\
                [p]\ntype=transport\nprotocol=tcp\nbind=[::1]:5070\n[f]\ntype=transport\n\
                protocol=flow\n";
    let (config, remarks) = parse(text);
    assert_eq!(remarks, Vec::<String>::new());
    let binds: Vec<_> = config.transports.iter().map(|it| (it.protocol, it.bind.to_string())).collect();
    assert_eq!(
        binds,
        [
            (Protocol::Udp, "0.0.0.0:5060".into()),
            (Protocol::Tls, "[::]:5061".into()),
            (Protocol::Tcp, "[::1]:5070".into()),
            (Protocol::Flow, "0.0.0.0:0".into()),
        ]
    );
    assert!(config.transports[0].options.shown().contains(&("bind", "0.0.0.0:5060".into())));
}

#[test]
fn local_net_tells_local_peers_from_others() {
    let text = "[u]\ntype=transport\nbind=0.0.0.0\nlocal_net=10.0.0.0/8,!10.9.0.0/16\n\
                local_net=fd00::/8\n";
    let (config, _) = parse(text);
    let local = |address: &str| config.transports[0].is_local(address.parse::<IpAddr>().expect(address));
    assert!(local("10.1.1.1") && local("fd00::1") && local("::ffff:10.1.1.1"));
    assert!(!local("10.9.1.1") && !local("192.0.2.1") && !local("2001:db8::1"));
}

#[test]
fn an_auth_takes_its_algorithms_from_a_global_object_below_it() {
    let text = "[a]\ntype=auth\nusername=a\npassword=p\n[global]\n\
                default_auth_algorithms_uas=SHA-256,MD5\n";
    let auth = parse(text).0.auths["a"].clone();
    assert_eq!(auth.algorithms_uas, [Algorithm::Sha256, Algorithm::Md5]);
    assert_eq!(auth.algorithms_uac, [Algorithm::Md5]);
    let shown = auth.options.shown();
    assert!(shown.contains(&("supported_algorithms_uas", "SHA-256,MD5".into())));
}

#[test]
fn md5_cred_is_a_digest() {
    let hex = "0123456789abcdef0123456789ABCDEF";
    let text = format!("[a]\ntype=auth\nauth_type=md5\nusername=a\nmd5_cred={hex}\n");
    let (config, remarks) = parse(&text);
    assert_eq!(remarks, Vec::<String>::new());
    assert_eq!(config.auths["a"].digest(Algorithm::Md5), Some(&*hex.to_ascii_lowercase()));
    assert!(!format!("{:?}", config.auths["a"]).contains("0123"), "no secrets in logs");
}

#[test]
fn lists_and_publications_are_read() {
    let text = "[team]\ntype=resource_list\nevent=presence\nlist_item=1,2\nlist_item=2,3\n\
                notification_batch_interval=200\n\
                [peer]\ntype=inbound-publication\nendpoint=peer\nevent_asterisk-devicestate=conf\n\
                [peer]\ntype=endpoint\n\
                [conf]\ntype=asterisk-publication\ndevice_state=yes\ndevice_state_filter=^PJSIP/\n\
                [out]\ntype=outbound-publish\nserver_uri=sip:peer@192.0.2.1\nevent=asterisk-devicestate\n";
    let (config, remarks) = parse(text);
    assert_eq!(remarks.len(), 1, "list_item names 2 twice: {remarks:?}");
    let list = config.resource_list("team", "presence").expect("the list");
    assert_eq!(list.items, ["1".into(), "2".into(), "3".into()]);
    assert_eq!(list.notification_batch_interval, Duration::from_millis(200));
    assert!(config.resource_list("team", "dialog").is_none());
    let publication = &config.inbound_publications[0];
    assert_eq!(publication.endpoint.as_deref(), Some("peer"));
    assert_eq!(publication.events.get("asterisk-devicestate").map(|it| &**it), Some("conf"));
    assert!(config.asterisk_publications[0].options.flag("device_state"));
    assert_eq!(config.outbound_publishes[0].options.number("expiration"), 3600);
}

#[test]
fn the_user_agent_is_the_product_unless_it_is_set_even_to_nothing() {
    assert_eq!(&*parse("").0.global.user_agent, "Starling test");
    assert_eq!(&*parse("[global]\nmax_forwards=1\n").0.global.user_agent, "Starling test");
    assert_eq!(&*parse("[global]\nuser_agent=\n").0.global.user_agent, "");
    assert_eq!(&*parse("[global]\nuser_agent=x\n").0.global.user_agent, "x");
}

#[test]
fn a_configuration_like_freepbx_writes_it_loads_without_a_remark() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/freepbx");
    let (config, remarks) = parse_dir(&dir);
    assert_eq!(remarks, Vec::<String>::new());

    assert_eq!(&*config.global.user_agent, "FPBX-17.0.1(22.0.0)");
    assert_eq!(config.transports[0].tos, 96);
    let endpoint = &config.endpoints["201"];
    assert_eq!(endpoint.subscribe_context(), "from-internal");
    assert_eq!(endpoint.callerid.as_ref().map(|it| &*it.number), Some("201"));
    assert!(endpoint.rewrite_contact && endpoint.mwi_subscribe_replaces_unsolicited);
    assert!(!endpoint.allow_subscribe, "pjsip.endpoint_custom_post.conf appends to [201]");
    assert!(endpoint.options.shown().contains(&("allow", "(ulaw|alaw|g722)".into())));
    assert!(config.endpoints["202"].allow_subscribe);
    assert_eq!(&*config.endpoints["202"].context, "from-lobby", "a section overrides its template");
    assert_eq!(config.aors["201"].max_contacts, 2);
    assert_eq!(config.aors["202"].max_contacts, 1);
    assert_eq!(config.auths["202-auth"].username, "202".into());
    assert!(!config.endpoints.contains_key("phone"), "a template is no endpoint");
}
