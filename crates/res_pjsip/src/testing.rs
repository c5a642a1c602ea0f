//! What unit tests of this crate share.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::config::PjsipConfig;
use crate::core::{Core, Routes};
use crate::identify::Identifiers;
use crate::snapshot::{Access, BoundTransport, Snapshot};
use crate::trace::TraceFilter;

struct Nowhere;

impl Routes for Nowhere {
    fn source_for(&mut self, _: SocketAddr) -> Option<IpAddr> {
        None
    }
}

/// The core of the only shard.
pub(crate) fn core(config: Arc<PjsipConfig>, transports: Vec<BoundTransport>) -> Core {
    let snapshot = Snapshot {
        nat: true,
        config,
        transports,
        identifiers: Identifiers::default(),
        access: Access::default(),
        extensions: None,
        booted: true,
        trace: TraceFilter::Off,
    };
    Core::new(0, 1, 0, 0, Arc::new(snapshot), Box::new(Nowhere))
}
