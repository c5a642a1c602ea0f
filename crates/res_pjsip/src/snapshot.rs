//! What a shard knows of the configuration: one immutable value, replaced as a whole.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::authenticate::{Authenticator, Strangers};
use crate::config::{PjsipConfig, Protocol, Transport};
use crate::identify::Identifiers;
use crate::output::Peer;
use crate::security::SecurityEvents;
use crate::trace::TraceFilter;

/// Whether an extension exists in a context; asked by OPTIONS.
pub trait ExtensionLookup: Send + Sync {
    /// True if `extension` can be reached in `context`.
    fn exists(&self, context: &str, extension: &str) -> bool;
}

/// A transport that listens.
#[derive(Debug, Clone)]
pub struct BoundTransport {
    /// Its section of `pjsip.conf`.
    pub config: Arc<Transport>,
    /// The address that it is bound to (the real port where 0 was asked for).
    pub local: SocketAddr,
    /// Whether it listens; one that a reload has closed keeps its place.
    pub open: bool,
}

/// Everything that handling a packet reads beside the shard's own state.
#[derive(Clone)]
pub struct Snapshot {
    /// The objects of `pjsip.conf`.
    pub config: Arc<PjsipConfig>,
    /// Listening transports. A transport keeps its place as long as the server runs.
    pub transports: Vec<BoundTransport>,
    /// Endpoint identifiers in the order in which they are asked.
    pub identifiers: Identifiers,
    /// Who may talk, and who is told about it.
    pub access: Access,
    /// Whether requests of phones behind NAT are mended: the module `res_pjsip_nat`.
    pub nat: bool,
    /// The dialplan, if there is one.
    pub extensions: Option<Arc<dyn ExtensionLookup>>,
    /// Whether the server has fully booted; before that packets are dropped, so that no phone is
    /// refused for a module that is about to load.
    pub booted: bool,
    /// Which packets the SIP logger shows.
    pub trace: TraceFilter,
}

impl Snapshot {
    /// What the transport of a peer carries SIP over.
    pub fn protocol(&self, peer: Peer) -> Protocol {
        let transport = self.transports.get(usize::from(peer.transport));
        transport.map_or(Protocol::Udp, |transport| transport.config.protocol)
    }

    /// The first transport of a protocol by which an address can be reached.
    pub fn transport_for(&self, protocol: Protocol, address: SocketAddr) -> Option<u16> {
        let fits = |transport: &BoundTransport| {
            transport.open
                && transport.config.protocol == protocol
                && transport.local.is_ipv4() == address.is_ipv4()
        };
        self.transports.iter().position(fits).map(|index| index as u16)
    }

    /// Shows a message that came in, if the SIP logger wants it.
    pub(crate) fn trace_received(&self, peer: Peer, message: &[u8]) {
        self.trace.received(self.protocol(peer).via_name(), peer, message);
    }

    /// Shows a message that goes out, if the SIP logger wants it.
    pub(crate) fn trace_transmitted(&self, peer: Peer, message: &[u8]) {
        self.trace.transmitted(self.protocol(peer).via_name(), peer, message);
    }
}

/// What decides whether a known sender may talk. The default lets nobody in who needs a password.
#[derive(Clone, Default)]
pub struct Access {
    /// Checks passwords, if anything does.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// Whether the sections `type=acl` are read; while they are not, they deny everyone.
    pub acl: bool,
    /// Who is told about attempts, good and bad.
    pub events: Arc<SecurityEvents>,
    /// What decides how strangers are challenged; unknown outside, the same after a restart.
    pub decoy_seed: u64,
    /// Addresses that requests without an endpoint came from.
    pub strangers: Arc<Strangers>,
}
