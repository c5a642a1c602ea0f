//! Contacts in one shard: their end, and whether they answer (AOR options `qualify_*`).
//!
//! A contact belongs to the shard that the hash of its AOR names, whoever received its REGISTER. It
//! has one entry in the timing wheel, for what comes first: its end or the next OPTIONS. Contacts of
//! one frequency are asked at times that the hash of their id spreads over it, so that thousands make
//! an even trickle and never fall into step.

mod request;

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use sip::{Millis, UriRef};

use crate::config::{Endpoint, PjsipConfig};
use crate::core::Core;
use crate::distributor::Request;
use crate::location::{Binding, Contact, ContactStatus, Location, Removal};
use crate::output::{ClosedConnection, ConnectionId, Output, Peer};
use crate::resolve::{self, Question, Target};
use crate::shard::{Answer, ShardModule};
use request::{Options, routes};

/// The name by which shards know this module.
pub(crate) const NAME: &str = "contacts";

/// A message to the module in a shard.
pub(crate) enum Message {
    /// Packets are let in: the contacts that are there already are asked, one after the other.
    Start,
    /// The contacts of an AOR of this shard have changed; the one of this id is new.
    Changed {
        /// The AOR.
        aor: Arc<str>,
        /// A contact that is asked at once.
        new: Option<Arc<str>>,
    },
    /// Asks all contacts of an AOR now.
    Qualify(Arc<str>),
}

/// What a shard knows of one of its contacts.
struct Kept {
    aor: Arc<str>,
    id: Arc<str>,
    generation: u32,
    /// When its timer fires; whatever fires before is an older one.
    armed_for: Millis,
    /// When it is asked next.
    asks_at: Option<Millis>,
    /// When it was asked, as long as it has not answered.
    asked_at: Option<Duration>,
    /// The connection that it registered by, as long as that is there.
    flow: Option<Peer>,
}

/// Keeps the contacts of one shard.
pub(crate) struct ContactKeeper {
    location: Arc<Location>,
    kept: Vec<Option<Kept>>,
    free: Vec<u32>,
    by_aor: HashMap<Arc<str>, Vec<u32>, RandomState>,
    by_connection: HashMap<ConnectionId, Vec<u32>, RandomState>,
    generation: u32,
}

impl ContactKeeper {
    /// Keeps those contacts of a location service that belong to the shard.
    pub(crate) fn new(location: Arc<Location>) -> Self {
        Self {
            location,
            kept: Vec::new(),
            free: Vec::new(),
            by_aor: HashMap::default(),
            by_connection: HashMap::default(),
            generation: 0,
        }
    }

    fn start(&mut self, core: &mut Core) {
        for aor in self.location.aors() {
            if core.shard_of(aor.as_bytes()) == core.id() {
                self.sync(core, &aor, None);
            }
        }
    }

    /// Brings what is kept of an AOR in line with its contacts.
    fn sync(&mut self, core: &mut Core, aor: &Arc<str>, new: Option<&str>) {
        let bindings = self.location.contacts_of(aor);
        let mut indices = self.by_aor.remove(aor).unwrap_or_default();
        indices.retain(|index| {
            let id = self.get(*index).map(|kept| kept.id.clone());
            let stays = bindings.iter().any(|it| Some(&it.contact.id) == id.as_ref());
            if !stays {
                self.forget(*index);
            }
            stays
        });
        for binding in bindings.iter() {
            let id = &binding.contact.id;
            let known = indices.iter().copied().find(|index| self.get(*index).is_some_and(|it| it.id == *id));
            let index = known.unwrap_or_else(|| {
                let index = self.keep(&binding.contact);
                indices.push(index);
                index
            });
            let asks_at = self.next_ask(core, index, &binding.contact, new == Some(id));
            if let Some(kept) = self.get_mut(index) {
                kept.asks_at = asks_at;
            }
            self.set_flow(index, binding.contact.flow);
            self.schedule(core, index, &binding.contact);
        }
        if !indices.is_empty() {
            self.by_aor.insert(aor.clone(), indices);
        }
    }

    fn set_flow(&mut self, index: u32, flow: Option<Peer>) {
        let Some(kept) = self.get_mut(index).filter(|kept| kept.flow != flow) else { return };
        let former = std::mem::replace(&mut kept.flow, flow);
        let connection = |flow: Option<Peer>| flow.and_then(|peer| peer.connection);
        if let Some(former) = connection(former)
            && let Some(users) = self.by_connection.get_mut(&former)
        {
            users.retain(|user| *user != index);
            if users.is_empty() {
                self.by_connection.remove(&former);
            }
        }
        if let Some(connection) = connection(flow) {
            self.by_connection.entry(connection).or_default().push(index);
        }
    }

    /// The connection of a contact is gone: so is a contact that nothing else leads to.
    fn connection_closed(&mut self, index: u32) {
        let Some(kept) = self.get_mut(index) else { return };
        kept.flow = None;
        let (aor, id) = (kept.aor.clone(), kept.id.clone());
        if self.location.contact(&aor, &id).is_some_and(|it| it.contact.prune_on_boot) {
            self.location.remove(&aor, &id, Removal::Shutdown);
        }
    }

    /// When a contact is asked next.
    fn next_ask(&self, core: &Core, index: u32, contact: &Contact, new: bool) -> Option<Millis> {
        let frequency = millis(contact.qualify.frequency);
        if frequency == 0 {
            return None;
        }
        let longest = millis(core.snapshot().config.global.max_initial_qualify_time);
        let over = if longest == 0 { frequency } else { longest.min(frequency) };
        match self.get(index)?.asks_at {
            _ if new => Some(core.now()),
            Some(at) => Some(at.min(core.now() + frequency)),
            None => Some(core.now() + core.spread(&contact.id, over)),
        }
    }

    /// Arms the timer of a contact, unless it fires soon enough.
    fn schedule(&mut self, core: &mut Core, index: u32, contact: &Contact) {
        let clock = self.location.clock();
        let Some(kept) = self.get_mut(index) else { return };
        let end = contact.expires_at.map(|at| {
            let left = Duration::from_secs(at).saturating_sub(clock);
            core.now() + millis(left) + 1
        });
        let Some(at) = end.into_iter().chain(kept.asks_at).min() else { return };
        if at < kept.armed_for {
            kept.armed_for = at;
            core.arm(at, token(index, kept.generation));
        }
    }

    fn due(&mut self, core: &mut Core, index: u32, out: &mut Output) {
        let Some(kept) = self.get_mut(index).filter(|kept| core.now() >= kept.armed_for) else { return };
        kept.armed_for = Millis::MAX;
        let (aor, id, asks_at) = (kept.aor.clone(), kept.id.clone(), kept.asks_at);
        // Gone, and about to be forgotten.
        let Some(binding) = self.location.contact(&aor, &id) else { return };
        if binding.contact.has_expired(self.location.now()) {
            return self.location.remove(&aor, &id, Removal::Expiration);
        }
        if asks_at.is_some_and(|at| at <= core.now()) {
            self.ask(core, index, &binding, out);
            let next = next_on_grid(core, &binding.contact);
            if let Some(kept) = self.get_mut(index) {
                kept.asks_at = Some(next);
            }
        }
        self.schedule(core, index, &binding.contact);
    }

    /// Asks a contact, unless its last answer is still to come: locates it, then sends OPTIONS.
    fn ask(&mut self, core: &mut Core, index: u32, binding: &Binding, out: &mut Output) {
        let Some(kept) = self.get(index).filter(|kept| kept.asked_at.is_none()) else { return };
        let token = token(index, kept.generation);
        if let Some(flow) = kept.flow {
            return self.send_to(core, index, binding, flow, out);
        }
        let Some(question) = question(core, &binding.contact) else { return };
        match question.without_dns() {
            Some(targets) => self.send(core, index, binding, &targets, out),
            None => core.resolve(question, token, out),
        }
    }

    /// Sends OPTIONS to the first target that there is a transport for. Without one the contact is not
    /// reachable.
    fn send(&mut self, core: &mut Core, index: u32, binding: &Binding, targets: &[Target], out: &mut Output) {
        let contact = &binding.contact;
        let config = core.snapshot().config.clone();
        let endpoint = endpoint_of(&config, contact);
        let named = |transport: &Arc<str>| {
            core.snapshot().transports.iter().position(|it| it.config.id == *transport)
        };
        let preferred = endpoint.and_then(|it| it.transport.as_ref()).and_then(named).unwrap_or_default();
        let peer = targets.iter().find_map(|target| {
            let transport = core.transport_for(target, preferred as u16)?;
            Some(Peer::new(transport, target.address))
        });
        let Some(peer) = peer else {
            tracing::debug!("No transport reaches contact '{}' of AOR '{}'", contact.uri, contact.aor);
            return self.location.set_status(binding, ContactStatus::Unreachable, None);
        };
        self.send_to(core, index, binding, peer, out);
    }

    fn send_to(&mut self, core: &mut Core, index: u32, binding: &Binding, peer: Peer, out: &mut Output) {
        let (clock, contact) = (self.location.clock(), &binding.contact);
        let config = core.snapshot().config.clone();
        let endpoint = endpoint_of(&config, contact);
        let Some(kept) = self.get_mut(index) else { return };
        let options = Options::new(core, contact, endpoint, peer);
        let (token, limit) = (token(index, kept.generation), contact.qualify.timeout);
        let limit = (!limit.is_zero()).then(|| millis(limit));
        let sent =
            core.send_request_within(peer, token, limit, out, |bytes, branch| options.write(bytes, branch));
        match sent {
            Ok(()) => kept.asked_at = Some(clock),
            Err(error) => tracing::debug!("OPTIONS to '{}' cannot be written: {error}", contact.uri),
        }
    }

    fn answered(&mut self, index: u32, answer: Answer) {
        let clock = self.location.clock();
        let Some(kept) = self.get_mut(index) else { return };
        let rtt = kept.asked_at.take().map(|asked| clock.saturating_sub(asked));
        let (aor, id) = (kept.aor.clone(), kept.id.clone());
        let Some(binding) = self.location.contact(&aor, &id) else { return };
        let only_2xx = binding.contact.qualify.only_2xx;
        let accepted = (200..300).contains(&answer.status)
            || !(only_2xx || answer.undelivered || answer.timed_out || answer.status == 408);
        let (status, rtt) =
            if accepted { (ContactStatus::Reachable, rtt) } else { (ContactStatus::Unreachable, None) };
        if binding.contact.is_qualified() {
            self.location.set_status(&binding, status, rtt);
        }
    }

    fn qualify_now(&mut self, core: &mut Core, aor: &str, out: &mut Output) {
        for index in self.by_aor.get(aor).cloned().unwrap_or_default() {
            let id = self.get(index).map(|kept| kept.id.clone()).unwrap_or_default();
            if let Some(binding) = self.location.contact(aor, &id) {
                self.ask(core, index, &binding, out);
            }
        }
    }

    fn keep(&mut self, contact: &Contact) -> u32 {
        self.generation = (self.generation + 1) & GENERATION_MASK;
        let kept = Kept {
            aor: contact.aor.clone(),
            id: contact.id.clone(),
            generation: self.generation,
            armed_for: Millis::MAX,
            asks_at: None,
            asked_at: None,
            flow: None,
        };
        let index = self.free.pop().unwrap_or_else(|| {
            self.kept.push(None);
            self.kept.len() as u32 - 1
        });
        if let Some(place) = self.kept.get_mut(index as usize) {
            *place = Some(kept);
        }
        index
    }

    fn forget(&mut self, index: u32) {
        self.set_flow(index, None);
        if self.kept.get_mut(index as usize).and_then(Option::take).is_some() {
            self.free.push(index);
        }
    }

    /// The contact of a token, if it is still the same one.
    fn alive(&self, token: u64) -> Option<u32> {
        let index = token as u32;
        self.get(index).filter(|kept| u64::from(kept.generation) == token >> 32).map(|_| index)
    }

    fn get(&self, index: u32) -> Option<&Kept> {
        self.kept.get(index as usize)?.as_ref()
    }

    fn get_mut(&mut self, index: u32) -> Option<&mut Kept> {
        self.kept.get_mut(index as usize)?.as_mut()
    }
}

impl ShardModule for ContactKeeper {
    fn name(&self) -> &'static str {
        NAME
    }

    fn methods(&self) -> &'static [&'static str] {
        &[]
    }

    // It serves no method.
    fn request(&mut self, _: &mut Core, _: &Request<'_>, _: &mut Output) {}

    fn answer(&mut self, _: &mut Core, token: u64, answer: Answer, _: &mut Output) {
        if let Some(index) = self.alive(token) {
            self.answered(index, answer);
        }
    }

    fn resolved(&mut self, core: &mut Core, token: u64, answer: resolve::Answer, out: &mut Output) {
        let Some(index) = self.alive(token) else { return };
        let Some((aor, id)) = self.get(index).map(|kept| (kept.aor.clone(), kept.id.clone())) else { return };
        let Some(binding) = self.location.contact(&aor, &id) else { return };
        match answer {
            Ok(targets) => self.send(core, index, &binding, &targets, out),
            Err(error) => {
                tracing::debug!("Contact '{}' of AOR '{aor}': {error}", binding.contact.uri);
                self.location.set_status(&binding, ContactStatus::Unreachable, None);
            }
        }
    }

    fn timer(&mut self, core: &mut Core, token: u64, out: &mut Output) {
        if let Some(index) = self.alive(token) {
            self.due(core, index, out);
        }
    }

    fn connections_closed(&mut self, _: &mut Core, closed: &[ClosedConnection], _: &mut Output) {
        for connection in closed.iter().filter_map(|closed| closed.peer.connection) {
            for index in self.by_connection.remove(&connection).unwrap_or_default() {
                self.connection_closed(index);
            }
        }
    }

    fn message(&mut self, core: &mut Core, message: Box<dyn Any + Send>, out: &mut Output) {
        let Ok(message) = message.downcast::<Message>() else { return };
        match *message {
            Message::Start => self.start(core),
            Message::Changed { aor, new } => self.sync(core, &aor, new.as_deref()),
            Message::Qualify(aor) => self.qualify_now(core, &aor, out),
        }
    }

    fn work(&mut self, _: &mut Core, _: usize, _: &mut Output) -> bool {
        false
    }
}

/// The endpoint that registered a contact, else the first that has its AOR.
fn endpoint_of<'c>(config: &'c PjsipConfig, contact: &Contact) -> Option<&'c Arc<Endpoint>> {
    let of_aor = || config.endpoints_of(&contact.aor).next();
    config.endpoints.get(&contact.endpoint).or_else(of_aor)
}

/// Where requests to a contact go: to the first of its routes, or to itself.
fn question(core: &Core, contact: &Contact) -> Option<Question> {
    let routes = routes(contact);
    let uri = match routes.first() {
        None => &*contact.uri,
        Some(route) => {
            route.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(uri, _)| uri)?
        }
    };
    let uri = UriRef::parse(uri.as_bytes()).ok()?;
    Some(Question::of(&uri, &core.protocols()))
}

/// The next time of a contact on the grid of its frequency.
fn next_on_grid(core: &Core, contact: &Contact) -> Millis {
    let frequency = millis(contact.qualify.frequency).max(1);
    let phase = core.spread(&contact.id, frequency);
    let next = core.now() + frequency - (core.now() + frequency - phase) % frequency;
    // Never twice in a row: a contact that has just registered was asked a moment ago.
    if next - core.now() < frequency / 2 { next + frequency } else { next }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX / 2)
}

#[cfg(test)]
mod tests;

const GENERATION_MASK: u32 = (1 << 24) - 1;

fn token(index: u32, generation: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(index)
}
