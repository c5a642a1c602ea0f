//! The way of a subscription's NOTIFYs: a datagram, the connection that its SUBSCRIBE came by, or a
//! connection that we open.
//!
//! ```text
//!  SUBSCRIBE by a connection ──▶ NOTIFYs by it ──▶ it is gone ──▶ open one to the Contact ──▶ fails
//!            ▲                                                     (never for WebSocket)        │
//!            └───── a refresh, or the phone registers again ◀── waits, the state kept dirty ◀───┘
//! ```
//!
//! A subscription that waits is alive until it expires, and is tried again every minute if its phone
//! can be connected to.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use res_pjsip::config::{Endpoint, Protocol};
use res_pjsip::{ClosedConnection, ConnectionId, Core, Output, Peer};
use sip::{Dialog, Millis, Scheme, UriRef};

use crate::module::{PubSub, TimerKind, timer_token};
use crate::subscription::Subscription;

/// Time between two attempts to connect to a phone.
const RETRY: Millis = 60_000;

/// A phone can be reached a new way: it has registered, or registered again.
#[derive(Debug, Clone)]
pub struct NewFlow {
    /// The endpoint.
    pub endpoint: String,
    /// The URI that it registered (Contact), as the phone wrote it.
    pub contact: String,
    /// It has no other contact, so that its lost subscriptions are this phone's whatever their
    /// Contact says.
    pub only_contact: bool,
    /// The connection that it was registered by before, if it is another one: that one leads nowhere
    /// any more.
    pub replaces: Option<ConnectionId>,
    /// Where the REGISTER came from, with its connection.
    pub peer: Peer,
}

/// Which subscriptions use which connection.
#[derive(Default)]
pub(crate) struct Flows {
    by_connection: HashMap<ConnectionId, HashSet<u32>>,
    /// Those that wait for a way to their phone.
    lost: HashSet<u32>,
}

impl Flows {
    /// A subscription uses this way now.
    pub(crate) fn add(&mut self, index: u32, peer: Peer) {
        if let Some(connection) = peer.connection {
            self.by_connection.entry(connection).or_default().insert(index);
        }
    }

    /// It does not use it any more.
    pub(crate) fn remove(&mut self, index: u32, peer: Peer) {
        self.lost.remove(&index);
        if let Some(connection) = peer.connection
            && let Some(users) = self.by_connection.get_mut(&connection)
        {
            users.remove(&index);
            if users.is_empty() {
                self.by_connection.remove(&connection);
            }
        }
    }
}

impl PubSub {
    /// A SUBSCRIBE or a registration says how the phone is reached now.
    pub(crate) fn set_flow(&mut self, core: &mut Core, index: u32, peer: Peer) {
        let Some(subscription) = self.subscriptions.get_mut(index) else { return };
        if subscription.peer != peer
            && let Err(error) = subscription.dialog.set_via(&core.via(peer))
        {
            return tracing::debug!("A subscription cannot take another way: {error}");
        }
        self.flows.remove(index, subscription.peer);
        self.flows.add(index, peer);
        subscription.peer = peer;
        (subscription.lost, subscription.retry_at) = (false, 0);
    }

    /// Connections are gone. NOTIFYs that they carried are answered later, as undelivered.
    pub(crate) fn forget_connections(&mut self, closed: &[ClosedConnection]) {
        let connections = closed.iter().filter_map(|closed| closed.peer.connection);
        let gone = connections.filter_map(|connection| self.flows.by_connection.remove(&connection));
        for index in gone.flatten() {
            if let Some(subscription) = self.subscriptions.get_mut(index) {
                subscription.peer.connection = None;
                subscription.lost = true;
            }
        }
    }

    /// Finds a way for the next NOTIFY of a subscription whose way is lost. If there is none, the
    /// subscription waits, or has ended: false.
    pub(crate) fn has_way(&mut self, core: &mut Core, index: u32) -> bool {
        let Some(subscription) = self.subscriptions.get_mut(index) else { return false };
        if !subscription.lost {
            return true;
        }
        // The source of a phone's connection is not where it listens; its Contact is.
        let protocol = core.snapshot().protocol(subscription.peer);
        let target = contact_peer(core, &subscription.dialog, protocol);
        let (now, retry_at) = (core.now(), subscription.retry_at);
        if let Some(peer) = target.filter(|_| now >= retry_at) {
            self.set_flow(core, index, peer);
            return true;
        }
        if !subscription.is_alive() {
            // Nobody is there to hear of the end.
            self.stats.ended_unreachable.add();
            self.remove(index);
            return false;
        }
        subscription.dirty = true;
        if self.flows.lost.insert(index) {
            self.stats.flows_lost.add();
            if target.is_some() {
                core.arm(retry_at, timer_token(TimerKind::Retry, index, subscription.generation));
            }
        }
        false
    }

    /// A NOTIFY could not be delivered: the newest state goes another way, or waits for one.
    pub(crate) fn undelivered(&mut self, core: &mut Core, index: u32, out: &mut Output) {
        let Some(subscription) = self.subscriptions.get_mut(index) else { return };
        let former = subscription.peer;
        if !subscription.lost && former.connection.is_none() {
            // Connecting has failed; a connection that was lost may be replaced at once.
            subscription.retry_at = core.now() + RETRY;
        }
        subscription.peer.connection = None;
        (subscription.lost, subscription.dirty) = (true, true);
        self.flows.remove(index, former);
        self.notify(core, index, out);
    }

    /// A phone has registered: its subscriptions that wait for a way, or use the one that it has given
    /// up, follow it.
    pub(crate) fn new_flow(&mut self, core: &mut Core, flow: &NewFlow) {
        let follows = |subscription: &Subscription| {
            *subscription.endpoint.id == *flow.endpoint
                && (flow.only_contact || same_target(subscription.dialog.remote_target(), &flow.contact))
        };
        let lost = self.flows.lost.iter();
        let replaced = flow.replaces.and_then(|connection| self.flows.by_connection.get(&connection));
        let candidates = lost.chain(replaced.into_iter().flatten()).copied();
        let mut following: Vec<_> =
            candidates.filter(|index| self.subscriptions.get(*index).is_some_and(follows)).collect();
        following.sort_unstable();
        for index in following {
            self.stats.flows_found.add();
            self.set_flow(core, index, flow.peer);
            self.mark_dirty(index);
        }
    }
}

/// Where NOTIFYs of a subscription go: by the connection that its SUBSCRIBE came by, unless the Contact
/// asks for another transport; by UDP to the first route or the remote target. The endpoint's
/// `transport` chooses among sockets of that kind. A host name, which would have to be asked for, is
/// replaced by the address that the SUBSCRIBE came from.
pub(crate) fn notify_peer(core: &Core, endpoint: &Endpoint, hop: &[u8], source: Peer) -> Peer {
    let snapshot = core.snapshot();
    let hop = UriRef::parse(hop).ok();
    let arrived = snapshot.protocol(source);
    let wanted = hop.as_ref().and_then(wanted_protocol);
    if source.connection.is_some() && wanted.is_none_or(|wanted| same_kind(wanted, arrived)) {
        return source;
    }
    let protocol = wanted.unwrap_or(arrived);
    let address = hop.and_then(|uri| hop_address(&uri, protocol)).unwrap_or(source.address);
    let fits = |index: &u16| {
        let transport = snapshot.transports.get(usize::from(*index));
        transport.is_some_and(|t| {
            t.open && t.config.protocol == protocol && t.local.is_ipv4() == address.is_ipv4()
        })
    };
    let named = endpoint.transport.as_ref().and_then(|name| {
        snapshot.transports.iter().position(|t| t.open && t.config.id == *name).map(|index| index as u16)
    });
    let own = (protocol == arrived).then_some(source.transport);
    let transport = named.filter(fits).or(own).or_else(|| snapshot.transport_for(protocol, address));
    match transport {
        Some(transport) => Peer::new(transport, address),
        // No transport for what the Contact wants: the way that the SUBSCRIBE came.
        None if source.connection.is_some() => source,
        None => Peer::new(source.transport, address),
    }
}

/// Where a connection can be opened to the next hop of a dialog, if it says so.
fn contact_peer(core: &Core, dialog: &Dialog, protocol: Protocol) -> Option<Peer> {
    if matches!(protocol, Protocol::Ws | Protocol::Wss) {
        return None;
    }
    let hop = UriRef::parse(dialog.next_hop()).ok()?;
    let address = hop_address(&hop, protocol)?;
    Some(Peer::new(core.snapshot().transport_for(protocol, address)?, address))
}

fn hop_address(hop: &UriRef<'_>, protocol: Protocol) -> Option<SocketAddr> {
    Some((hop.host_ip()?, hop.port.unwrap_or(protocol.default_port())).into())
}

/// The transport that a URI asks for, if it does.
fn wanted_protocol(uri: &UriRef<'_>) -> Option<Protocol> {
    let named = uri.param("transport").and_then(Protocol::of_uri_parameter);
    match (uri.scheme, named) {
        (Scheme::Sips, None | Some(Protocol::Tcp)) => Some(Protocol::Tls),
        (Scheme::Sips, Some(Protocol::Ws)) => Some(Protocol::Wss),
        (_, named) => named,
    }
}

/// `transport=ws` is also written for secure WebSocket, `transport=tcp` for TLS with `sips`.
fn same_kind(wanted: Protocol, arrived: Protocol) -> bool {
    let web = |protocol| matches!(protocol, Protocol::Ws | Protocol::Wss);
    wanted == arrived || (web(wanted) && web(arrived))
}

/// Whether two URIs name the same place at the same phone: user, host and port.
fn same_target(target: &[u8], contact: &str) -> bool {
    let (Ok(target), Ok(contact)) = (UriRef::parse(target), UriRef::parse(contact.as_bytes())) else {
        return false;
    };
    target.user == contact.user
        && target.port == contact.port
        && target.host.eq_ignore_ascii_case(contact.host)
}
