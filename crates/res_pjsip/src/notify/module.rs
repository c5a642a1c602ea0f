//! Sends NOTIFYs from a shard.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use sip::{Scheme, UriRef, WriteError, Writer};

use super::Notify;
use crate::core::Core;
use crate::distributor::Request;
use crate::output::{Output, Peer};
use crate::resolve::{self, Question, Target};
use crate::shard::{Answer, ShardModule};

/// See the module's description.
#[derive(Debug, Default)]
pub struct NotifyModule {
    sending: HashMap<u64, Sending>,
    next: u64,
}

/// A NOTIFY on its way.
#[derive(Debug)]
struct Sending {
    notify: Notify,
    tag: String,
    call_id: String,
    cseq: u32,
    /// Where it goes if nobody answers, the best one last.
    alternatives: Vec<Target>,
}

impl NotifyModule {
    /// The name by which shards know it.
    pub const NAME: &'static str = "res_pjsip_notify";

    fn start(&mut self, core: &mut Core, notify: Notify, out: &mut Output) {
        let flow = notify.flow;
        let hop = notify.endpoint.outbound_proxy.as_ref().unwrap_or(&notify.uri);
        let question = match UriRef::parse(hop.as_bytes()) {
            Ok(uri) if uri.is_sip() => Question::of(&uri, &core.protocols()),
            _ => return tracing::warn!("No NOTIFY to {}: '{hop}' is not a SIP URI", notify.uri),
        };
        let token = self.next;
        self.next += 1;
        let (tag, call_id) = (core.new_tag(), core.new_tag());
        self.sending.insert(token, Sending { notify, tag, call_id, cseq: 0, alternatives: Vec::new() });
        match (flow, question.without_dns()) {
            (Some(flow), _) => self.send_by(core, token, flow, out),
            (None, Some(targets)) => self.located(core, token, targets, out),
            (None, None) => core.resolve(question, token, out),
        }
    }

    fn located(&mut self, core: &mut Core, token: u64, mut targets: Vec<Target>, out: &mut Output) {
        targets.reverse();
        if let Some(sending) = self.sending.get_mut(&token) {
            sending.alternatives = targets;
        }
        self.send_to_next(core, token, out);
    }

    /// Sends to the next address that we have a transport for.
    fn send_to_next(&mut self, core: &mut Core, token: u64, out: &mut Output) {
        let Some(sending) = self.sending.get_mut(&token) else { return };
        let transports = &core.snapshot().transports;
        let named = sending.notify.endpoint.transport.as_ref();
        let preferred = named.and_then(|name| transports.iter().position(|it| it.config.id == *name));
        let preferred = preferred.map_or(u16::MAX, |index| index as u16);
        while let Some(target) = sending.alternatives.pop() {
            let Some(transport) = core.transport_for(&target, preferred) else { continue };
            let peer = Peer::new(transport, target.address);
            return self.send_by(core, token, peer, out);
        }
        tracing::warn!("No NOTIFY to {}: there is no transport for its address", sending.notify.uri);
        self.sending.remove(&token);
    }

    fn send_by(&mut self, core: &mut Core, token: u64, peer: Peer, out: &mut Output) {
        let Some(sending) = self.sending.get_mut(&token) else { return };
        let (local, via) = (core.sent_by(peer), core.via(peer));
        let contact_user = sending.notify.endpoint.contact_user.clone();
        let contact = core.contact(peer, sending.scheme(), contact_user.as_deref());
        let global = core.snapshot().config.global.clone();
        sending.cseq += 1;
        let head = Head {
            via: &via,
            contact: &contact,
            local: &local,
            user_agent: &global.user_agent,
            max_forwards: global.max_forwards,
        };
        let sent = core.send_request(peer, token, out, |bytes, branch| {
            sending.write(bytes, &String::from_utf8_lossy(branch), &head)
        });
        if let Err(error) = sent {
            tracing::warn!("No NOTIFY to {}: {error}", sending.notify.uri);
            self.sending.remove(&token);
        }
    }
}

struct Head<'a> {
    via: &'a str,
    contact: &'a str,
    local: &'a str,
    user_agent: &'a str,
    max_forwards: u32,
}

impl Sending {
    /// The scheme of its target.
    fn scheme(&self) -> &'static str {
        let secure = UriRef::parse(self.notify.uri.as_bytes()).is_ok_and(|uri| uri.scheme == Scheme::Sips);
        if secure { "sips" } else { "sip" }
    }

    fn write(&self, bytes: &mut Vec<u8>, branch: &str, head: &Head<'_>) -> Result<(), WriteError> {
        let Notify { template, endpoint, from_user, uri, .. } = &self.notify;
        let Head { via, contact, local, user_agent, max_forwards } = head;
        let from_user = escape(endpoint.from_user.as_ref().unwrap_or(from_user));
        let domain = endpoint.from_domain.as_deref().unwrap_or(local);
        let scheme = self.scheme();
        // Not in the Request-URI (RFC 3261 19.1.5): what is behind a question mark.
        let target = uri.split_once('?').map_or(&**uri, |(uri, _)| uri);
        let mut writer = Writer::request(bytes, "NOTIFY", target);
        writer
            .header("Via", format!("{via};rport;branch={branch}"))
            .header("From", format!("<{scheme}:{from_user}@{domain}>;tag={}", self.tag))
            .header("To", format!("<{target}>"))
            .header("Contact", contact)
            .header("Call-ID", &self.call_id)
            .header("CSeq", format!("{} NOTIFY", self.cseq));
        if let Some(proxy) = &endpoint.outbound_proxy {
            writer.header("Route", route(proxy));
        }
        writer.header_num("Max-Forwards", *max_forwards);
        if !user_agent.is_empty() {
            writer.header("User-Agent", user_agent);
        }
        if !template.has("Subscription-State") {
            writer.header("Subscription-State", "terminated");
        }
        for (name, value) in &template.headers {
            writer.header(name, value.as_bytes());
        }
        match (&template.content_type, &*template.content) {
            (None, "") => writer.finish(None),
            (content_type, content) => {
                let content_type = content_type.as_deref().unwrap_or("text/plain");
                writer.finish(Some((content_type, content.as_bytes())))
            }
        }
    }
}

/// A loose route to a proxy.
fn route(proxy: &str) -> String {
    let is_loose = UriRef::parse(proxy.as_bytes()).is_ok_and(|uri| uri.param("lr").is_some());
    let is_loose = is_loose || proxy.to_ascii_lowercase().ends_with(";lr");
    format!("<{proxy}{}>", if is_loose { "" } else { ";lr" })
}

/// A name as the user of a URI (RFC 3261 25.1).
fn escape(user: &str) -> String {
    let mut escaped = String::with_capacity(user.len());
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

impl ShardModule for NotifyModule {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn methods(&self) -> &'static [&'static str] {
        &[]
    }

    // It serves no method.
    fn request(&mut self, _: &mut Core, _: &Request<'_>, _: &mut Output) {}

    fn answer(&mut self, core: &mut Core, token: u64, answer: Answer, out: &mut Output) {
        let Some(sending) = self.sending.get(&token) else { return };
        if (answer.timed_out || answer.status == 503) && !sending.alternatives.is_empty() {
            return self.send_to_next(core, token, out);
        }
        let Notify { template, uri, .. } = &sending.notify;
        match answer.status {
            _ if answer.timed_out => tracing::info!("NOTIFY '{}' to {uri}: nobody answered", template.name),
            status => tracing::info!("NOTIFY '{}' to {uri} was answered {status}", template.name),
        }
        self.sending.remove(&token);
    }

    // It waits for nothing.
    fn timer(&mut self, _: &mut Core, _: u64, _: &mut Output) {}

    fn message(&mut self, core: &mut Core, message: Box<dyn Any + Send>, out: &mut Output) {
        if let Ok(notify) = message.downcast::<Notify>() {
            self.start(core, *notify, out);
        }
    }

    fn resolved(&mut self, core: &mut Core, token: u64, answer: resolve::Answer, out: &mut Output) {
        match answer {
            Ok(targets) => self.located(core, token, targets, out),
            Err(error) => {
                if let Some(sending) = self.sending.remove(&token) {
                    tracing::warn!("No NOTIFY to {}: {error}", sending.notify.uri);
                }
            }
        }
    }

    fn work(&mut self, _: &mut Core, _: usize, _: &mut Output) -> bool {
        false
    }
}

impl Notify {
    /// The module for each shard.
    pub fn factory() -> crate::ModuleFactory {
        Arc::new(|_| Box::new(NotifyModule::default()))
    }
}
