//! `application/xpidf+xml` and `application/cpim-pidf+xml` for extension states: the drafts before
//! RFC 3863 that old phones ask for. Both are the same text, as in Asterisk.
//!
//! No configuration of its own. An idle extension; the `atomid` is new in every body:
//!
//! ```xml
//! <?xml version="1.0" encoding="UTF-8"?>
//! <presence>
//!  <presentity uri="sip:1000@192.0.2.1:5060;method=SUBSCRIBE" />
//!  <atom atomid="7d6da0c2-26f8-4bff-9aed-cae2c7eb799c" id="1000">
//!   <address uri="sip:alice@192.0.2.1;user=ip" priority="0.80000">
//!    <status status="open" />
//!    <msnsubstatus substatus="online" />
//!   </address>
//!  </atom>
//! </presence>
//! ```

mod uuid;

use std::sync::Arc;

use module_api::{
    Body, BodyContext, BodyGenerator, ExtensionState as State, Fail, Host, Inputs, Payload, Registrar,
    declare_module,
};
pub use uuid::Uuids;

/// The generator of one of the two types.
#[derive(Debug, Clone)]
pub struct Xpidf {
    media_type: &'static str,
    uuids: Arc<Uuids>,
}

impl Xpidf {
    /// The older name.
    pub const XPIDF: &str = "application/xpidf+xml";

    /// The newer name.
    pub const CPIM: &str = "application/cpim-pidf+xml";

    /// The generator of one of them, with the atoms' ids from `uuids`.
    pub fn new(media_type: &'static str, uuids: Arc<Uuids>) -> Self {
        Self { media_type, uuids }
    }
}

impl BodyGenerator for Xpidf {
    fn media_type(&self) -> &str {
        self.media_type
    }

    fn data_kind(&self) -> &str {
        Payload::EXTENSION_STATE
    }

    fn inputs(&self) -> Inputs {
        Inputs::LOCAL | Inputs::REMOTE | Inputs::UNIQUE
    }

    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> Result<(), Fail> {
        let state = cx.data.extension.as_ref().into_option().ok_or(Fail::NoData)?;
        let (status, substatus) = status_and_substatus(state.state);
        let doc = body.document();
        let presence = doc.root("presence");
        let presentity = doc.child(presence, "presentity");
        doc.attr_parts(presentity, "uri", &[&cx.local, ";method=SUBSCRIBE"]);
        let atom = doc.child(presence, "atom");
        doc.attr(atom, "atomid", self.uuids.next(&mut [0; 36]));
        doc.attr(atom, "id", &state.exten);
        let address = doc.child(atom, "address");
        doc.attr_parts(address, "uri", &[&cx.remote, ";user=ip"]);
        doc.attr(address, "priority", "0.80000");
        let element = doc.child(address, "status");
        doc.attr(element, "status", status);
        let element = doc.child(address, "msnsubstatus");
        doc.attr(element, "substatus", substatus);
        Ok(())
    }
}

/// A state that nobody knows, and one that ends the subscription, is shown as idle.
fn status_and_substatus(state: i32) -> (&'static str, &'static str) {
    const RINGING_INUSE: i32 = State::RINGING | State::INUSE;
    match state {
        State::INUSE | State::BUSY | State::RINGING | RINGING_INUSE | State::ON_HOLD => {
            ("inuse", "onthephone")
        }
        State::UNAVAILABLE => ("closed", "offline"),
        _ => ("open", "online"),
    }
}

fn load(host: Host, registrar: &mut Registrar) -> Result<(), String> {
    let uuids = Arc::new(Uuids::new(host.now_ms()));
    registrar.generator(Xpidf::new(Xpidf::XPIDF, uuids.clone()));
    registrar.generator(Xpidf::new(Xpidf::CPIM, uuids));
    Ok(())
}

declare_module! {
    name: "res_pjsip_xpidf_body_generator",
    description: "PJSIP Extension State PIDF Provider",
    requires: ["res_pjsip", "res_pjsip_pubsub"],
    priority: 60,
    support: Core,
    load: load,
}
