//! The rules of binding (RFC 3261, 10.3; options of `type=aor`): which contacts an AOR has after a
//! REGISTER. No I/O, no clock.

use std::sync::Arc;

use sip::UriRef;

use crate::config::Aor;
use crate::location::{Binding, Changes, Contact, ContactStatus, Qualify, Removal};
use crate::output::Peer;

/// A contact that a REGISTER brings.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    /// Its URI, as it is reached.
    pub(super) uri: String,
    /// Seconds that it asks for; 0 ends it. None: whatever the AOR gives.
    pub(super) lifetime: Option<u32>,
}

/// What a REGISTER asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wish {
    /// To be told the contacts.
    Query,
    /// The end of all.
    RemoveAll,
    /// These contacts, in their order.
    Contacts(Vec<Wanted>),
}

/// A REGISTER, as far as contacts keep it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Registration {
    pub(super) wish: Wish,
    pub(super) path: String,
    pub(super) user_agent: Option<String>,
    pub(super) via_addr: String,
    pub(super) via_port: u16,
    pub(super) call_id: String,
    pub(super) cseq: u32,
    pub(super) endpoint: Arc<str>,
    pub(super) reg_server: String,
    /// The connection that it came by.
    pub(super) flow: Option<Peer>,
    /// Seconds since 1970.
    pub(super) now: u64,
}

/// Why a REGISTER changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// More contacts than `max_contacts`.
    #[error("the AOR would have {wanted} contacts, more than max_contacts={max}")]
    TooMany { wanted: usize, max: u32 },
    /// An older one that was overtaken (RFC 3261, 10.3 step 7).
    #[error("CSeq {cseq} is not above {known}, that of the same Call-ID before")]
    OutOfOrder { cseq: u32, known: u32 },
}

/// What the contacts of an AOR become by a REGISTER.
pub(super) fn register(
    aor: &Aor,
    current: &[Binding],
    registration: &Registration,
) -> Result<Changes, Refused> {
    let now = registration.now;
    let bound: Vec<_> =
        current.iter().filter(|it| !it.contact.is_permanent() && !it.contact.has_expired(now)).collect();
    let mut changes = Changes::default();
    let wanted = match &registration.wish {
        Wish::Query => return Ok(changes),
        Wish::RemoveAll => {
            for binding in bound {
                check_order(&binding.contact, registration)?;
                changes.removed.push((binding.contact.id.clone(), Removal::Request));
            }
            return Ok(changes);
        }
        Wish::Contacts(wanted) => wanted,
    };
    for wanted in wanted {
        let known = bound.iter().find(|it| is_same(&it.contact.uri, &wanted.uri));
        if let Some(binding) = known {
            check_order(&binding.contact, registration)?;
        }
        changes.take(aor, known.map(|it| &*it.contact), wanted, registration);
    }
    make_room(aor, &bound, &mut changes)?;
    Ok(changes)
}

impl Changes {
    /// One contact of a REGISTER. What the same REGISTER said before of the same address is undone.
    fn take(&mut self, aor: &Aor, known: Option<&Contact>, wanted: &Wanted, registration: &Registration) {
        self.added.retain(|contact| !is_same(&contact.uri, &wanted.uri));
        if let Some(known) = known {
            self.refreshed.retain(|contact| contact.id != known.id);
            self.removed.retain(|(id, _)| *id != known.id);
        }
        match (known, lifetime(aor, wanted.lifetime)) {
            (None, 0) => {}
            (None, seconds) => self.added.push(contact(aor, None, &wanted.uri, seconds, registration)),
            (Some(known), 0) => self.removed.push((known.id.clone(), Removal::Request)),
            (Some(known), seconds) => {
                self.refreshed.push(contact(aor, Some(known), &known.uri, seconds, registration));
            }
        }
    }
}

/// Removes what `remove_existing` and `remove_unavailable` allow until `max_contacts` holds.
fn make_room(aor: &Aor, bound: &[&Binding], changes: &mut Changes) -> Result<(), Refused> {
    let max = aor.max_contacts as usize;
    let count = bound.len() + changes.added.len() - changes.removed.len();
    let excess = count.saturating_sub(max);
    let too_many = Err(Refused::TooMany { wanted: count, max: aor.max_contacts });
    if excess == 0 {
        return Ok(());
    }
    if changes.added.len() + changes.refreshed.len() > max || !(aor.remove_existing || aor.remove_unavailable)
    {
        return too_many;
    }
    let is_touched = |id: &Arc<str>| {
        changes.refreshed.iter().any(|it| it.id == *id) || changes.removed.iter().any(|(it, _)| it == id)
    };
    let mut untouched: Vec<&Binding> =
        bound.iter().copied().filter(|it| !is_touched(&it.contact.id)).collect();
    untouched.sort_by_key(|it| it.contact.expires_at);
    let (silent, others): (Vec<_>, Vec<_>) = untouched
        .into_iter()
        .partition(|it| aor.remove_unavailable && it.status() == ContactStatus::Unreachable);
    let existing = if aor.remove_existing { others } else { Vec::new() };
    if silent.len() + existing.len() < excess {
        return too_many;
    }
    let silent = silent.into_iter().map(|it| (it.contact.id.clone(), Removal::RemoveUnavailable));
    let existing = existing.into_iter().map(|it| (it.contact.id.clone(), Removal::RemoveExisting));
    let leaving: Vec<_> = silent.chain(existing).take(excess).collect();
    changes.removed.extend(leaving);
    Ok(())
}

/// An older REGISTER of the same phone changes nothing any more.
fn check_order(known: &Contact, registration: &Registration) -> Result<(), Refused> {
    match known.cseq {
        Some(cseq) if *known.call_id == *registration.call_id && registration.cseq <= cseq => {
            Err(Refused::OutOfOrder { cseq: registration.cseq, known: cseq })
        }
        _ => Ok(()),
    }
}

/// Seconds granted; 0 ends a contact.
fn lifetime(aor: &Aor, asked: Option<u32>) -> u32 {
    match asked {
        Some(0) => 0,
        asked => asked
            .unwrap_or(aor.default_expiration)
            .min(aor.maximum_expiration)
            .max(aor.minimum_expiration)
            .max(1),
    }
}

fn contact(
    aor: &Aor,
    known: Option<&Contact>,
    uri: &str,
    seconds: u32,
    registration: &Registration,
) -> Contact {
    let user_agent = registration.user_agent.as_deref();
    Contact {
        id: known.map_or_else(|| Contact::id_of(&aor.id, uri), |known| known.id.clone()),
        aor: aor.id.clone(),
        uri: uri.into(),
        expires_at: Some(registration.now + u64::from(seconds)),
        path: (*registration.path).into(),
        user_agent: user_agent.or(known.map(|known| &*known.user_agent)).unwrap_or_default().into(),
        via_addr: (*registration.via_addr).into(),
        via_port: registration.via_port,
        call_id: (*registration.call_id).into(),
        cseq: Some(registration.cseq),
        reg_server: (*registration.reg_server).into(),
        endpoint: registration.endpoint.clone(),
        outbound_proxy: aor.outbound_proxy.as_deref().unwrap_or_default().into(),
        // Such a phone listens nowhere: it is there as long as its connection.
        prune_on_boot: registration.flow.is_some_and(|flow| is_only_a_connection(uri, flow)),
        flow: registration.flow,
        qualify: Qualify::of(aor),
    }
}

/// Whether nothing but the connection that it came by leads to a contact: a browser's, one whose address
/// was replaced by that of its packets, and one that names the connection's own source port.
fn is_only_a_connection(uri: &str, flow: Peer) -> bool {
    UriRef::parse(uri.as_bytes()).is_ok_and(|uri| {
        let source = uri.host_ip() == Some(flow.address.ip()) && uri.port == Some(flow.address.port());
        source || uri.param(sip::ORIGINAL_HOST).is_some() || uri.host.ends_with(".invalid")
    })
}

fn is_same(one: &str, other: &str) -> bool {
    match (UriRef::parse(one.as_bytes()), UriRef::parse(other.as_bytes())) {
        (Ok(one), Ok(other)) => one.same_as(&other),
        _ => one == other,
    }
}
