//! Whatever an extension and its watcher are called, the body is XML 1.0 that says so.

#[path = "../../testing/mod.rs"]
mod testing;

use std::sync::Arc;

use module_api::{BodyContext, ExtensionState, Payload};
use proptest::prelude::*;
use res_pjsip_xpidf_body_generator::{Uuids, Xpidf};
use testing::{body, context, parse, wild, xml_chars};

proptest! {
    #[test]
    fn a_reader_gets_what_was_said(
        exten in wild(),
        local in wild(),
        remote in wild(),
        state in -2..20,
        media_type in prop::sample::select(vec![Xpidf::XPIDF, Xpidf::CPIM]),
    ) {
        let exten_state = ExtensionState { exten: exten.as_str().into(), state, ..Default::default() };
        let data = Payload::extension_state(1, exten_state);
        let cx = BodyContext { local: local.as_str().into(), remote: remote.as_str().into(), ..context(&data) };
        let generator = Xpidf::new(media_type, Arc::new(Uuids::new(0)));
        let presence = parse(&body(&generator, &[], &cx));
        let presentity = presence.at("presentity").attr("uri");
        prop_assert_eq!(presentity, format!("{};method=SUBSCRIBE", xml_chars(&local)));
        prop_assert_eq!(presence.at("atom").attr("id"), xml_chars(&exten));
        let address = presence.at("atom/address").attr("uri");
        prop_assert_eq!(address, format!("{};user=ip", xml_chars(&remote)));
    }
}
