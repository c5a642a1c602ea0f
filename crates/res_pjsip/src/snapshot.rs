//! What a shard knows of the configuration: one immutable value, replaced as a whole.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::{PjsipConfig, Transport};
use crate::identify::Identifiers;
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
