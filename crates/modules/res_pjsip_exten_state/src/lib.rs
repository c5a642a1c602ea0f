//! The event packages `presence` (RFC 3856) and `dialog` (RFC 4235) over hints.
//!
//! A SUBSCRIBE's resource is an extension of the endpoint's `subscribe_context` (or `context`, of
//! `pjsip.conf`) that has a hint in `extensions.conf`; anything else is answered 404:
//!
//! ```text
//! [default]
//! exten => 1000,hint,PJSIP/alice      ; SUBSCRIBE sip:1000@… is the resource 1000@default
//! ```
//!
//! Both packages have one topic: a change of a hint is published once.

use module_api::{
    EventPackage, ExtensionListener, Fail, Host, Payload, Registrar, ResourceQuery, declare_module,
};

/// Both packages' topic.
pub const TOPIC: &str = "extension-state";

/// One of the two event packages.
#[derive(Clone)]
pub struct ExtenState {
    event: &'static str,
    default_media_type: &'static str,
    host: Host,
}

impl ExtenState {
    /// The package `presence`.
    pub fn presence(host: Host) -> Self {
        Self { event: "presence", default_media_type: "application/pidf+xml", host }
    }

    /// The package `dialog`.
    pub fn dialog(host: Host) -> Self {
        Self { event: "dialog", default_media_type: "application/dialog-info+xml", host }
    }
}

impl EventPackage for ExtenState {
    fn event(&self) -> &str {
        self.event
    }

    fn default_media_type(&self) -> &str {
        self.default_media_type
    }

    fn data_kind(&self) -> &str {
        Payload::EXTENSION_STATE
    }

    fn topic(&self) -> &str {
        TOPIC
    }

    fn resolve(&self, query: &ResourceQuery<'_>) -> Result<String, u16> {
        self.host.find_hint(&query.context, &query.resource).ok_or(404)
    }

    fn current(&self, key: &str) -> Result<Payload, Fail> {
        self.host.extension_state(key).ok_or(Fail::NoData)
    }
}

/// Publishes what the dialplan says.
#[derive(Clone)]
pub struct Changes(Host);

impl Changes {
    /// To that server.
    pub fn new(host: Host) -> Self {
        Self(host)
    }
}

impl ExtensionListener for Changes {
    fn extension_state_changed(&self, key: &str, state: &Payload) {
        self.0.publish(TOPIC, key, state);
    }
}

fn load(host: Host, registrar: &mut Registrar) -> Result<(), String> {
    registrar.package(ExtenState::presence(host.clone()));
    registrar.package(ExtenState::dialog(host.clone()));
    registrar.listener(Changes::new(host));
    Ok(())
}

declare_module! {
    name: "res_pjsip_exten_state",
    description: "PJSIP Extension State Notifications",
    requires: ["res_pjsip", "res_pjsip_pubsub"],
    priority: 65,
    support: Core,
    load: load,
}
