//! The OPTIONS that asks a contact whether it is there (RFC 3261, 11.1).

use std::sync::Arc;

use sip::{UriRef, WriteError, Writer};

use crate::config::Endpoint;
use crate::core::Core;
use crate::location::Contact;
use crate::output::Peer;

/// An OPTIONS to a contact, headers in Asterisk's order.
pub(super) struct Options {
    uri: String,
    via: String,
    from: String,
    to: String,
    contact: String,
    call_id: String,
    routes: Vec<String>,
    path: bool,
    max_forwards: u32,
    user_agent: Arc<str>,
}

impl Options {
    pub(super) fn new(
        core: &mut Core,
        contact: &Contact,
        endpoint: Option<&Arc<Endpoint>>,
        peer: Peer,
    ) -> Self {
        let sent_by = core.sent_by(peer);
        let uri = UriRef::parse(contact.uri.as_bytes());
        let own = uri.map_or_else(|_| contact.uri.to_string(), |uri| sip::restore_uri(&uri).into_owned());
        let option = |get: fn(&Endpoint) -> Option<&Arc<str>>| endpoint.and_then(|endpoint| get(endpoint));
        let name = endpoint.map_or(&contact.aor, |endpoint| &endpoint.id);
        let user = option(|endpoint| endpoint.from_user.as_ref()).unwrap_or(name);
        let host = option(|endpoint| endpoint.from_domain.as_ref()).map(|domain| domain.to_string());
        let host = host.unwrap_or_else(|| sent_by.clone());
        let contact_user = option(|endpoint| endpoint.contact_user.as_ref());
        let (via, contact_header) =
            (core.via(peer), core.contact(peer, "sip", contact_user.map(|user| &**user)));
        let global = &core.snapshot().config.global;
        let (max_forwards, user_agent) = (global.max_forwards, global.user_agent.clone());
        Self {
            to: format!("<{}>", without_port(&own)),
            uri: own.split_once('?').map_or(&*own, |(uri, _)| uri).to_owned(),
            via: format!("{via};rport;branch="),
            from: format!("<sip:{user}@{host}>;tag={}", core.new_tag()),
            contact: contact_header,
            call_id: core.new_tag(),
            routes: routes(contact),
            path: !contact.path.is_empty(),
            max_forwards,
            user_agent,
        }
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>, branch: &[u8]) -> Result<(), WriteError> {
        let mut writer = Writer::request(bytes, "OPTIONS", &self.uri);
        writer
            .header("Via", [self.via.as_bytes(), branch].concat())
            .header("From", &self.from)
            .header("To", &self.to)
            .header("Contact", &self.contact)
            .header("Call-ID", &self.call_id)
            .header("CSeq", "1 OPTIONS");
        for route in &self.routes {
            writer.header("Route", route);
        }
        if self.path {
            writer.header("Supported", "path");
        }
        writer.header_num("Max-Forwards", self.max_forwards);
        if !self.user_agent.is_empty() {
            writer.header("User-Agent", &*self.user_agent);
        }
        writer.finish(None)
    }
}

/// The Route headers of requests to a contact: its Path, then its proxy.
pub(super) fn routes(contact: &Contact) -> Vec<String> {
    let path = Some(&*contact.path).filter(|path| !path.is_empty()).map(str::to_owned);
    let proxy = Some(&*contact.outbound_proxy).filter(|proxy| !proxy.is_empty());
    let proxy = proxy.map(|proxy| if proxy.contains('<') { proxy.to_owned() } else { format!("<{proxy}>") });
    path.into_iter().chain(proxy).collect()
}

/// A URI as Asterisk writes it in To.
fn without_port(uri: &str) -> String {
    match UriRef::parse(uri.as_bytes()) {
        Ok(uri) => {
            let scheme = if uri.text().starts_with("sips") { "sips" } else { "sip" };
            let user = uri.user.map(|user| format!("{user}@")).unwrap_or_default();
            format!("{scheme}:{user}{}", uri.host)
        }
        Err(_) => uri.to_owned(),
    }
}
