//! `application/dialog-info+xml` for extension states (RFC 4235), as Asterisk writes it: always
//! the full state, always one dialog that stands for the extension.
//!
//! Of `pjsip.conf` the endpoint's `notify_early_inuse_ringing` matters: whether an extension that
//! rings while it is in use is `early`, so that its lamp blinks. An extension that Alice calls:
//!
//! ```xml
//! <?xml version="1.0" encoding="UTF-8"?>
//! <dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:401@192.0.2.1:5060">
//!  <dialog id="401" direction="recipient">
//!   <remote>
//!    <identity display="Alice">sip:4444@192.0.2.1</identity>
//!    <target uri="sip:4444@192.0.2.1" />
//!   </remote>
//!   <local>
//!    <identity display="Bob">sip:401@192.0.2.1</identity>
//!    <target uri="sip:401@192.0.2.1:5060" />
//!   </local>
//!   <state>early</state>
//!  </dialog>
//! </dialog-info>
//! ```

use module_api::{
    Body, BodyContext, BodyGenerator, CallerInfo, DeviceInfo, Document, ExtensionState,
    ExtensionState as State, Fail, Host, Inputs, NodeId, Party, Payload, Registrar, declare_module,
};

/// The generator of `application/dialog-info+xml`.
#[derive(Debug, Clone, Copy)]
pub struct DialogInfo;

impl BodyGenerator for DialogInfo {
    fn media_type(&self) -> &str {
        "application/dialog-info+xml"
    }

    fn data_kind(&self) -> &str {
        Payload::EXTENSION_STATE
    }

    fn inputs(&self) -> Inputs {
        Inputs::LOCAL | Inputs::VERSION | Inputs::SUBSCRIBER
    }

    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> Result<(), Fail> {
        let state = cx.data.extension.as_ref().into_option().ok_or(Fail::NoData)?;
        let word = dialog_state(state.state, cx.early_inuse_ringing);
        let doc = body.document();
        let root = doc.root("dialog-info");
        doc.attr(root, "xmlns", "urn:ietf:params:xml:ns:dialog-info");
        doc.attr(root, "version", Decimal::new(cx.version).as_str());
        doc.attr(root, "state", "full");
        doc.attr(root, "entity", &cx.local);
        let dialog = doc.child(root, "dialog");
        doc.attr(dialog, "id", &state.exten);
        if word == "early" {
            doc.attr(dialog, "direction", "recipient");
            parties(cx, state, doc, dialog);
        }
        let element = doc.child(dialog, "state");
        doc.text(element, word);
        if state.state == State::ON_HOLD {
            let local = doc.child(dialog, "local");
            let target = doc.child(local, "target");
            doc.attr(target, "uri", &cx.local);
            let param = doc.child(target, "param");
            doc.attr(param, "pname", "+sip.rendering");
            doc.attr(param, "pvalue", "no");
        }
        Ok(())
    }
}

/// RFC 4235 section 3.7.1. A state that nobody knows, and one that ends the subscription, is shown
/// as idle.
fn dialog_state(state: i32, early_inuse_ringing: bool) -> &'static str {
    const RINGING_INUSE: i32 = State::RINGING | State::INUSE;
    match state {
        State::RINGING => "early",
        RINGING_INUSE if early_inuse_ringing => "early",
        RINGING_INUSE | State::INUSE | State::BUSY | State::ON_HOLD => "confirmed",
        _ => "terminated",
    }
}

/// Who calls, if that is known, and who is called, if the hint has devices.
fn parties(cx: &BodyContext<'_>, state: &ExtensionState, doc: &mut Document, dialog: NodeId) {
    let call = oldest_ringing(&state.devices);
    if let Some(call) = call {
        let remote = doc.child(dialog, "remote");
        let uri = identity(cx, doc, remote, &call.remote);
        let target = doc.child(remote, "target");
        doc.attr_parts(target, "uri", &uri);
    }
    if state.devices.is_empty() {
        return;
    }
    let local = doc.child(dialog, "local");
    match call {
        Some(call) => {
            identity(cx, doc, local, &call.local);
        }
        None => {
            let element = doc.child(local, "identity");
            doc.text(element, &cx.local);
        }
    }
    let target = doc.child(local, "target");
    doc.attr(target, "uri", &cx.local);
}

/// Adds who a party is; gives the parts of its URI.
fn identity<'a>(cx: &BodyContext<'a>, doc: &mut Document, parent: NodeId, party: &'a Party) -> [&'a str; 4] {
    let element = doc.child(parent, "identity");
    let number = party.number.as_ref().map_or("invalid", |number| number.as_str());
    let name = party.name.as_ref().map_or("", |name| name.as_str());
    let (uri, name) = if party.restricted {
        (["sip:", "anonymous", "@", "anonymous.invalid"], "anonymous")
    } else {
        (["sip:", number, "@", cx.domain.as_str()], name)
    };
    if !name.is_empty() {
        doc.attr(element, "display", name);
    }
    doc.text_parts(element, &uri);
    uri
}

fn oldest_ringing(devices: &[DeviceInfo]) -> Option<&CallerInfo> {
    devices
        .iter()
        .filter(|device| matches!(device.state, DeviceInfo::RINGING | DeviceInfo::RINGINUSE))
        .filter_map(|device| device.caller.as_ref().into_option())
        .min_by_key(|call| call.since_ms)
}

/// A number's digits, on the stack.
struct Decimal {
    digits: [u8; 10],
    start: usize,
}

impl Decimal {
    fn new(mut number: u32) -> Self {
        let mut decimal = Self { digits: [b'0'; 10], start: 9 };
        for (at, digit) in decimal.digits.iter_mut().enumerate().rev() {
            *digit = b'0' + (number % 10) as u8;
            decimal.start = at;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        decimal
    }

    fn as_str(&self) -> &str {
        let digits = self.digits.get(self.start..).unwrap_or_default();
        std::str::from_utf8(digits).unwrap_or_default()
    }
}

fn load(_host: Host, registrar: &mut Registrar) -> Result<(), String> {
    registrar.generator(DialogInfo);
    Ok(())
}

declare_module! {
    name: "res_pjsip_dialog_info_body_generator",
    description: "PJSIP Extension State Dialog Info+XML Provider",
    requires: ["res_pjsip", "res_pjsip_pubsub"],
    priority: 60,
    support: Core,
    load: load,
}
