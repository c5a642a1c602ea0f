//! `application/pidf+xml` for extension states (RFC 3863), as Asterisk writes it: the note before
//! the tuple, the extension as the tuple's id, the watcher as the contact.
//!
//! No configuration of its own. An extension in use:
//!
//! ```xml
//! <?xml version="1.0" encoding="UTF-8"?>
//! <presence entity="sip:1000@192.0.2.1:5060" xmlns="urn:ietf:params:xml:ns:pidf">
//!  <note>On the phone</note>
//!  <tuple id="1000">
//!   <status>
//!    <basic>open</basic>
//!   </status>
//!   <contact priority="1">sip:alice@192.0.2.1</contact>
//!  </tuple>
//! </presence>
//! ```

use module_api::{
    Body, BodyContext, BodyGenerator, ExtensionState as State, Fail, Host, Inputs, Payload, Registrar,
    declare_module,
};

/// The generator of `application/pidf+xml`.
#[derive(Debug, Clone, Copy)]
pub struct Pidf;

impl BodyGenerator for Pidf {
    fn media_type(&self) -> &str {
        "application/pidf+xml"
    }

    fn data_kind(&self) -> &str {
        Payload::EXTENSION_STATE
    }

    fn inputs(&self) -> Inputs {
        Inputs::LOCAL | Inputs::REMOTE
    }

    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> Result<(), Fail> {
        let state = cx.data.extension.as_ref().into_option().ok_or(Fail::NoData)?;
        let (note, basic) = note_and_basic(state.state);
        let doc = body.document();
        let presence = doc.root("presence");
        doc.attr(presence, "entity", &cx.local);
        doc.attr(presence, "xmlns", "urn:ietf:params:xml:ns:pidf");
        let element = doc.child(presence, "note");
        doc.text(element, note);
        let tuple = doc.child(presence, "tuple");
        doc.attr(tuple, "id", &state.exten);
        let status = doc.child(tuple, "status");
        let element = doc.child(status, "basic");
        doc.text(element, basic);
        let contact = doc.child(tuple, "contact");
        doc.attr(contact, "priority", "1");
        doc.text(contact, &cx.remote);
        Ok(())
    }
}

/// What people read, and whether a call would reach somebody (RFC 3863 section 4.1.4). A state
/// that nobody knows, and one that ends the subscription, is shown as idle.
fn note_and_basic(state: i32) -> (&'static str, &'static str) {
    const RINGING_INUSE: i32 = State::RINGING | State::INUSE;
    match state {
        State::RINGING | RINGING_INUSE => ("Ringing", "open"),
        State::INUSE | State::BUSY => ("On the phone", "open"),
        State::ON_HOLD => ("On hold", "open"),
        State::UNAVAILABLE => ("Unavailable", "closed"),
        _ => ("Ready", "open"),
    }
}

fn load(_host: Host, registrar: &mut Registrar) -> Result<(), String> {
    registrar.generator(Pidf);
    Ok(())
}

declare_module! {
    name: "res_pjsip_pidf_body_generator",
    description: "PJSIP Extension State PIDF Provider",
    requires: ["res_pjsip", "res_pjsip_pubsub"],
    priority: 60,
    support: Core,
    load: load,
}
