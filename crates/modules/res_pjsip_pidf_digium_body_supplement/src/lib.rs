//! The presence state in `application/pidf+xml` for the phones of Digium and Sangoma: away, at lunch,
//! back at 2.
//!
//! No configuration of its own. Phones are known by their User-Agent, which contains `Digium` or
//! `Sangoma`; other watchers get nothing. What it adds for a hint with a presence provider, such as
//! `exten => 1001,hint,PJSIP/bob,CustomPresence:bob`:
//!
//! ```xml
//!  <tuple id="digium-presence">
//!   <status>
//!    <digium_presence type="away" subtype="lunch">back at 2</digium_presence>
//!   </status>
//!  </tuple>
//! ```
//!
//! The type of a hint without one is `not_set`; subtype and message are left out when they are empty.

use module_api::{
    BodyContext, BodySupplement, Document, Fail, Host, Inputs, Payload, Registrar, declare_module,
};

/// The supplement of `application/pidf+xml`.
#[derive(Debug, Clone, Copy)]
pub struct Digium;

impl BodySupplement for Digium {
    fn media_type(&self) -> &str {
        "application/pidf+xml"
    }

    fn data_kind(&self) -> &str {
        Payload::EXTENSION_STATE
    }

    fn inputs(&self) -> Inputs {
        Inputs::USER_AGENT
    }

    fn supplement(&self, cx: &BodyContext<'_>, doc: &mut Document) -> Result<(), Fail> {
        let state = cx.data.extension.as_ref().into_option().ok_or(Fail::NoData)?;
        if !understands(cx.user_agent.as_str()) {
            return Ok(());
        }
        let presence = doc.root_node().ok_or(Fail::Unsupported)?;
        let tuple = doc.child(presence, "tuple");
        doc.attr(tuple, "id", "digium-presence");
        let status = doc.child(tuple, "status");
        let element = doc.child(status, "digium_presence");
        doc.attr(element, "type", presence_type(state.presence_state));
        if !state.presence_subtype.is_empty() {
            doc.attr(element, "subtype", &state.presence_subtype);
        }
        doc.text(element, &state.presence_message);
        Ok(())
    }
}

/// Whether a phone of that User-Agent, in lower case, is one of theirs.
fn understands(user_agent: &str) -> bool {
    user_agent.contains("digium") || user_agent.contains("sangoma")
}

/// The word for a presence state; none for one that is not valid.
fn presence_type(state: u8) -> &'static str {
    match state {
        0 => "not_set",
        1 => "unavailable",
        2 => "available",
        3 => "away",
        4 => "xa",
        5 => "chat",
        6 => "dnd",
        _ => "",
    }
}

fn load(_host: Host, registrar: &mut Registrar) -> Result<(), String> {
    registrar.supplement(Digium);
    Ok(())
}

declare_module! {
    name: "res_pjsip_pidf_digium_body_supplement",
    description: "PJSIP PIDF Sangoma presence supplement",
    requires: ["res_pjsip", "res_pjsip_pubsub"],
    priority: 60,
    support: Core,
    load: load,
}
