//! A body supplement: the name of the one who is watched, in `application/pidf+xml`, as CIPID has it
//! (RFC 4482 section 3.2).
//!
//! ```xml
//!  <c:display-name xmlns:c="urn:ietf:params:xml:ns:pidf:cipid">Alice</c:display-name>
//! ```
//!
//! The name is the hint's: `exten => 1000,hint,PJSIP/alice` with a caller name in its priority 1 or
//! its resource. A hint without one gets nothing.

use module_api::{
    BodyContext, BodySupplement, Document, Fail, Host, Inputs, Payload, Registrar, declare_module,
};

/// The supplement.
pub struct DisplayName;

impl BodySupplement for DisplayName {
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
        if state.name.is_empty() {
            return Ok(());
        }
        let presence = doc.root_node().ok_or(Fail::Unsupported)?;
        let name = doc.child(presence, "c:display-name");
        doc.attr(name, "xmlns:c", "urn:ietf:params:xml:ns:pidf:cipid");
        doc.text(name, &state.name);
        Ok(())
    }
}

fn load(_host: Host, registrar: &mut Registrar) -> Result<(), String> {
    registrar.supplement(DisplayName);
    Ok(())
}

declare_module! {
    name: "res_pidf_display_name_body_supplement",
    description: "Display names in PIDF (CIPID)",
    requires: ["res_pjsip", "res_pjsip_pubsub"],
    priority: 60,
    support: Extended,
    load: load,
}
