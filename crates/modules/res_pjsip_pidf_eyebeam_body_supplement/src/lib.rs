//! Activities in `application/pidf+xml` (RFC 4479, RFC 4480), as eyeBeam and the softphones after it
//! show them: whether the extension is on the phone.
//!
//! No configuration of its own: once the module is loaded every watcher with a pidf body gets it. What
//! it adds for an extension in use, beside the two namespaces at the root; `<dm:person />` otherwise:
//!
//! ```xml
//!  <dm:person>
//!   <rpid:activities>
//!    <rpid:on-the-phone />
//!   </rpid:activities>
//!  </dm:person>
//! ```
//!
//! As in Asterisk a call that only rings is on the phone too, and the person has no id.

use module_api::{
    BodyContext, BodySupplement, Document, ExtensionState as State, Fail, Host, Inputs, Payload, Registrar,
    declare_module,
};

/// The supplement of `application/pidf+xml`.
#[derive(Debug, Clone, Copy)]
pub struct Eyebeam;

impl BodySupplement for Eyebeam {
    fn media_type(&self) -> &str {
        "application/pidf+xml"
    }

    fn data_kind(&self) -> &str {
        Payload::EXTENSION_STATE
    }

    fn inputs(&self) -> Inputs {
        Inputs::NONE
    }

    fn supplement(&self, cx: &BodyContext<'_>, doc: &mut Document) -> Result<(), Fail> {
        let state = cx.data.extension.as_ref().into_option().ok_or(Fail::NoData)?;
        let presence = doc.root_node().ok_or(Fail::Unsupported)?;
        let person = doc.child(presence, "dm:person");
        if on_the_phone(state.state) {
            let activities = doc.child(person, "rpid:activities");
            doc.child(activities, "rpid:on-the-phone");
        }
        doc.attr(presence, "xmlns:dm", "urn:ietf:params:xml:ns:pidf:data-model");
        doc.attr(presence, "xmlns:rpid", "urn:ietf:params:xml:ns:pidf:rpid");
        Ok(())
    }
}

/// A state that nobody knows, and one that ends the subscription, is shown as idle.
fn on_the_phone(state: i32) -> bool {
    const RINGING_INUSE: i32 = State::RINGING | State::INUSE;
    matches!(state, State::INUSE | State::BUSY | State::RINGING | RINGING_INUSE | State::ON_HOLD)
}

fn load(_host: Host, registrar: &mut Registrar) -> Result<(), String> {
    registrar.supplement(Eyebeam);
    Ok(())
}

declare_module! {
    name: "res_pjsip_pidf_eyebeam_body_supplement",
    description: "PJSIP PIDF Eyebeam supplement",
    requires: ["res_pjsip", "res_pjsip_pubsub"],
    priority: 60,
    support: Core,
    load: load,
}
