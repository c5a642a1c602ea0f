//! SUBSCRIBE: the checks in Asterisk's order, the answer, the first NOTIFY; refresh, end and fetch.

use std::sync::Arc;

use module_api::{EventPackage, Fail, Payload, ResourceQuery};
use res_pjsip::config::Endpoint;
use res_pjsip::{Core, Output, Request, note_refusal};
use sip::{Dialog, DialogError, EventRef, HeaderName, Scheme, UriRef};

use crate::flow::notify_peer;
use crate::location;
use crate::module::PubSub;
use crate::service::NotifyAnswer;
use crate::subscription::{Reason, Subscription, Texts};

/// Longest and default duration of a subscription in seconds, as Asterisk's.
const MAX_EXPIRES: u32 = 3600;

/// A SUBSCRIBE that is not served.
struct Refusal {
    status: u16,
    reason: Option<&'static str>,
    /// For the log.
    why: String,
    /// One more header.
    header: Option<(&'static str, String)>,
}

impl Refusal {
    fn new(status: u16, why: impl Into<String>) -> Self {
        Self { status, reason: None, why: why.into(), header: None }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.header = Some((name, value.into()));
        self
    }
}

/// A SUBSCRIBE that has passed every check.
struct Accepted {
    event: Arc<str>,
    texts: Texts,
    topic: String,
    key: String,
    payload: Arc<Payload>,
    media_type: Arc<str>,
    expires: u32,
}

impl PubSub {
    /// A SUBSCRIBE of a known endpoint.
    pub(crate) fn subscribe(&mut self, core: &mut Core, request: &Request<'_>, out: &mut Output) {
        let result = if request.in_dialog() {
            self.subscribe_in_dialog(core, request, out)
        } else {
            self.accept(core, request).and_then(|accepted| self.establish(core, request, accepted, out))
        };
        if let Err(refusal) = result {
            self.refuse(core, request, refusal, out);
        }
    }

    fn refuse(&mut self, core: &mut Core, request: &Request<'_>, refusal: Refusal, out: &mut Output) {
        self.stats.refused.add();
        note_refusal(request, Some(&request.endpoint), &refusal.why, refusal.status);
        let reason = refusal.reason.unwrap_or(sip::reason_phrase(refusal.status));
        core.refuse_with_reason(request, refusal.status, reason, out, |w| {
            if let Some((name, value)) = refusal.header {
                w.header(name, value);
            }
        });
    }

    /// The checks of an initial SUBSCRIBE, in this order.
    fn accept(&mut self, core: &Core, request: &Request<'_>) -> Result<Accepted, Refusal> {
        let endpoint = &request.endpoint;
        if !endpoint.allow_subscribe {
            return Err(Refusal::new(603, "allow_subscribe=no"));
        }
        let user = request.uri.user_unescaped();
        let global = &core.snapshot().config.global;
        let resource = match user.split_once(';') {
            Some((user, _)) if global.ignore_uri_user_options => user,
            _ => &user,
        };
        let expires = expires(request)?;
        if let Some(expires) = expires
            && expires > 0
            && expires < endpoint.sub_min_expiry
        {
            let minimum = endpoint.sub_min_expiry;
            return Err(Refusal::new(423, format!("Expires {expires} is below sub_min_expiry={minimum}"))
                .with("Min-Expires", minimum.to_string()));
        }
        let event = self.event(request)?;
        let package = self.package(&event)?;
        let Some(media_type) = self.registry.negotiate(&request.message, &*package) else {
            let accept = request.message.lines(HeaderName::Accept).map(String::from_utf8_lossy);
            let accept = accept.collect::<Vec<_>>().join(", ");
            let why = if accept.is_empty() {
                format!(
                    "no module makes {}, the body of event '{}'",
                    package.default_media_type(),
                    package.event()
                )
            } else {
                format!("no module makes a body of event '{}' that Accept allows: {accept}", package.event())
            };
            return Err(self.bad_event(why));
        };
        let key = resolve(&*package, endpoint, resource).map_err(|status| {
            let (event, context) = (package.event(), endpoint.subscribe_context());
            Refusal::new(status, format!("event '{event}' knows no such resource in context '{context}'"))
        })?;
        let texts = texts(request, &event, resource)
            .ok_or_else(|| Refusal::new(513, "its headers are longer than a subscription may keep"))?;
        let payload = self.current(&*package, &key).map_err(|fail| {
            Refusal::new(500, format!("event '{}' has no state for it: {fail:?}", package.event()))
        })?;
        let expires = expires.unwrap_or(MAX_EXPIRES).min(MAX_EXPIRES);
        let topic = package.topic().to_owned();
        Ok(Accepted { event: package.event().into(), texts, topic, key, payload, media_type, expires })
    }

    /// Makes the subscription, answers 200, and sends the first NOTIFY after it.
    fn establish(
        &mut self,
        core: &mut Core,
        request: &Request<'_>,
        accepted: Accepted,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let endpoint = &request.endpoint;
        let hop = next_hop(request).unwrap_or_default();
        let peer = notify_peer(core, endpoint, hop, request.peer);
        let snapshot = core.snapshot();
        let same = snapshot.protocol(peer) == snapshot.protocol(request.peer);
        // Refreshes come back by the transport that the SUBSCRIBE came by.
        let scheme = if request.uri.scheme == Scheme::Sips { "sips" } else { "sip" };
        let contact =
            core.contact(if same { peer } else { request.peer }, scheme, endpoint.contact_user.as_deref());
        let tag = core.new_tag();
        let dialog =
            Dialog::uas(&request.message, &tag, &core.via(peer), &contact).map_err(dialog_refusal)?;
        // A name is looked up first; if it has no address, NOTIFYs go where the SUBSCRIBE came from.
        let question = location::question(core, hop, peer);

        let resource = self.resources.provide(&accepted.topic, &accepted.key, accepted.payload);
        let now = core.now();
        let expires_at = now + u64::from(accepted.expires) * 1000;
        let user_agent = request.message.header(HeaderName::UserAgent).unwrap_or_default();
        let user_agent = self.user_agents.intern(&String::from_utf8_lossy(user_agent).to_lowercase());
        let media_type = self.names.intern(&accepted.media_type);
        let fetch = accepted.expires == 0;
        let index = self.insert(Subscription {
            generation: 0,
            dialog,
            endpoint: endpoint.clone(),
            event: accepted.event,
            texts: accepted.texts,
            user_agent,
            media_type,
            resource,
            place: 0,
            peer,
            alternatives: Vec::new(),
            locating: question.is_some(),
            lost: false,
            retry_at: 0,
            expires_at,
            armed_for: expires_at,
            granted: accepted.expires,
            version: 0,
            notified_at: now,
            answer: NotifyAnswer::None,
            in_flight: false,
            dirty: true,
            queued: false,
            waiting: false,
            ending: fetch.then_some(Reason::Timeout),
            ended: false,
        });
        if fetch {
            self.stats.fetched.add();
        } else {
            self.stats.created.add();
            self.arm_expiry(core, index);
        }
        respond_ok(core, request, Some(&tag), accepted.expires, &contact, out);
        match question {
            Some(question) => self.locate(core, index, question, out),
            None => self.notify(core, index, out),
        }
        Ok(())
    }

    /// A refresh, or the end of a subscription.
    fn subscribe_in_dialog(
        &mut self,
        core: &mut Core,
        request: &Request<'_>,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let unknown = |why: &str| Refusal::new(481, why);
        let to_tag = request.to.tag().unwrap_or_default();
        let from_tag = request.from.tag().unwrap_or_default();
        let index =
            self.find_dialog(request.call_id, to_tag, from_tag).ok_or_else(|| unknown("no such dialog"))?;
        let event = self.event(request)?;
        let expires = expires(request)?;
        let Some(subscription) = self.subscriptions.get_mut(index) else {
            return Err(unknown("no such dialog"));
        };
        // Another endpoint that has learned Call-ID and tags is told nothing.
        if subscription.endpoint.id != request.endpoint.id {
            return Err(unknown("the dialog belongs to another endpoint"));
        }
        if !subscription.is_alive() {
            return Err(unknown("the subscription has ended"));
        }
        let same_event = EventRef::parse(subscription.texts.event_header().as_bytes())
            .is_ok_and(|ours| ours.package.eq_ignore_ascii_case(event.package) && ours.id == event.id);
        if !same_event {
            return Err(unknown("the dialog has no subscription to this event"));
        }
        if request.cseq <= subscription.dialog.remote_cseq() {
            let why = format!("CSeq {} is not above {}", request.cseq, subscription.dialog.remote_cseq());
            return Err(Refusal { reason: Some("Invalid CSeq"), ..Refusal::new(500, why) });
        }
        // Everything that can be refused comes before the first change.
        let media_type = match request.message.header(HeaderName::Accept) {
            None => None,
            Some(_) => match self.registry.package(&subscription.event) {
                Some(package) => {
                    Some(self.registry.negotiate(&request.message, &**package).ok_or_else(|| {
                        Refusal::new(489, "no module makes a body that its Accept allows")
                            .with("Allow-Events", self.registry.allow_events())
                    })?)
                }
                None => None,
            },
        };
        let former_hop = subscription.dialog.next_hop().to_vec();
        subscription.dialog.refresh(&request.message).map_err(dialog_refusal)?;
        subscription.endpoint = request.endpoint.clone();
        let hop = subscription.dialog.next_hop();
        let peer = notify_peer(core, &request.endpoint, hop, request.peer);
        let question = location::question(core, hop, peer);
        // A name that is known already keeps its address until the answer comes.
        let peer = match question {
            Some(_) if hop == former_hop && !subscription.lost => subscription.peer,
            _ => peer,
        };
        subscription.locating = question.is_some() && (hop != former_hop || subscription.locating);
        if question.is_none() {
            subscription.alternatives.clear();
        }
        if let Some(media_type) = media_type {
            subscription.media_type = self.names.intern(&media_type);
        }
        let granted = expires.unwrap_or(subscription.granted).min(MAX_EXPIRES);
        let contact = subscription.dialog.contact().to_vec();
        self.set_flow(core, index, peer);
        respond_ok(core, request, None, granted, &String::from_utf8_lossy(&contact), out);
        if let Some(question) = question {
            self.locate(core, index, question, out);
        }
        if granted == 0 {
            self.stats.unsubscribed.add();
            self.end(core, index, Reason::Timeout, out);
            return Ok(());
        }
        self.stats.refreshed.add();
        let Some(subscription) = self.subscriptions.get_mut(index) else { return Ok(()) };
        subscription.granted = granted;
        subscription.expires_at = core.now() + u64::from(granted) * 1000;
        if subscription.expires_at < subscription.armed_for {
            self.arm_expiry(core, index);
        }
        // A refresh is answered by the current state, at once if nothing is in flight.
        match self.subscriptions.get_mut(index) {
            Some(subscription) if subscription.is_busy() => subscription.dirty = true,
            _ => self.notify(core, index, out),
        }
        Ok(())
    }

    fn event<'a>(&self, request: &Request<'a>) -> Result<EventRef<'a>, Refusal> {
        match request.message.event() {
            Ok(Some(event)) => Ok(event),
            Ok(None) => Err(self.bad_event("no Event header")),
            Err(error) => Err(Refusal::new(400, format!("Event header: {error}"))),
        }
    }

    fn package(&self, event: &EventRef<'_>) -> Result<Arc<dyn EventPackage>, Refusal> {
        let found = self.registry.package(event.package).cloned();
        found.ok_or_else(|| self.bad_event(format!("no module serves event '{}'", event.package)))
    }

    fn bad_event(&self, why: impl Into<String>) -> Refusal {
        let refusal = Refusal::new(489, why);
        match self.registry.allow_events() {
            "" => refusal,
            events => refusal.with("Allow-Events", events),
        }
    }

    /// The newest data of a resource: what its watchers have already, or what the package says.
    pub(crate) fn current(&self, package: &dyn EventPackage, key: &str) -> Result<Arc<Payload>, Fail> {
        let known = self.resources.find(package.topic(), key).and_then(|id| self.resources.get(id));
        match known {
            // A resource that is gone may be there again; its old watchers are only being told.
            Some(resource) if !resource.payload.terminated => Ok(resource.payload.clone()),
            _ => package.current(key).map(Arc::new),
        }
    }
}

/// The key of what an endpoint means by `resource`, or the status to answer.
pub(crate) fn resolve(
    package: &dyn EventPackage,
    endpoint: &Endpoint,
    resource: &str,
) -> Result<String, u16> {
    package.resolve(&ResourceQuery {
        endpoint: (&*endpoint.id).into(),
        context: endpoint.subscribe_context().into(),
        resource: resource.into(),
        event: package.event().into(),
    })
}

/// The Expires header; malformed is 400.
fn expires(request: &Request<'_>) -> Result<Option<u32>, Refusal> {
    request.message.expires().map_err(|error| Refusal::new(400, format!("Expires header: {error}")))
}

/// The texts that bodies and NOTIFYs need.
fn texts(request: &Request<'_>, event: &EventRef<'_>, resource: &str) -> Option<Texts> {
    let uri = request.uri.text();
    let local = uri.split_once('?').map_or(uri, |(uri, _headers)| uri);
    let event = sip::unfold(event.raw);
    let event = String::from_utf8_lossy(&event);
    Texts::pack(&event, resource, local, &without_port(&request.from.uri), request.to.uri.host)
}

/// A URI as Asterisk prints it in From and To: no port, no transport.
fn without_port(uri: &UriRef<'_>) -> String {
    if !uri.is_sip() {
        return uri.text().to_owned();
    }
    let scheme = if uri.scheme == Scheme::Sips { "sips" } else { "sip" };
    let user = uri.user.map(|user| format!("{user}@")).unwrap_or_default();
    let mut text = format!("{scheme}:{user}{}", uri.host);
    for (name, value) in uri.params().filter(|(name, _)| !name.eq_ignore_ascii_case("transport")) {
        text.push(';');
        text.push_str(name);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }
    text
}

/// The URI that the dialog's requests will be sent to: the first route, or the Contact.
fn next_hop<'a>(request: &Request<'a>) -> Option<&'a [u8]> {
    let route = request.message.addresses(HeaderName::RecordRoute).next();
    route.unwrap_or_else(|| request.message.contact()).ok().map(|address| address.uri_bytes)
}

fn dialog_refusal(error: DialogError) -> Refusal {
    let status = if matches!(error, DialogError::TooLong) { 513 } else { 400 };
    Refusal::new(status, error.to_string())
}

fn respond_ok(
    core: &mut Core,
    request: &Request<'_>,
    tag: Option<&str>,
    expires: u32,
    contact: &str,
    out: &mut Output,
) {
    let (allow, supported) = (core.allow().to_owned(), core.option_tags().join(", "));
    core.respond(request, 200, tag, out, |w| {
        w.header("Expires", expires.to_string()).header("Contact", contact).header("Allow", allow);
        if !supported.is_empty() {
            w.header("Supported", supported);
        }
    });
}
