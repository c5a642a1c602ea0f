//! Subscriptions follow a phone that registers: those whose connection is gone go on by the new one.

use std::sync::Weak;

use res_pjsip::location::{ContactChange, ContactEvent, LocationGuard};
use res_pjsip::{Location, Pjsip};
use res_pjsip_pubsub::{NewFlow, PubSubService};
use sip::UriRef;

/// Tells pubsub of each contact that a connection leads to, until the guard is dropped.
pub(super) fn follow(pjsip: &Pjsip, pubsub: Weak<PubSubService>) -> LocationGuard {
    let location = std::sync::Arc::downgrade(pjsip.location());
    pjsip.location().listen(Box::new(move |event| {
        if let (Some(location), Some(pubsub)) = (location.upgrade(), pubsub.upgrade())
            && let Some(flow) = new_flow(&location, event)
        {
            pubsub.new_flow(&flow);
        }
    }))
}

fn new_flow(location: &Location, event: &ContactEvent) -> Option<NewFlow> {
    if !matches!(event.change, ContactChange::Added | ContactChange::Refreshed) {
        return None;
    }
    let contact = &event.binding.contact;
    let uri = UriRef::parse(contact.uri.as_bytes()).ok()?;
    Some(NewFlow {
        endpoint: contact.endpoint.to_string(),
        contact: sip::restore_uri(&uri).into_owned(),
        only_contact: location.contacts_of(&contact.aor).len() == 1,
        replaces: None,
        peer: contact.flow?,
    })
}
