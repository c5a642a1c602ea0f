//! `match`: an endpoint known by where its packets come from.
//!
//! Only the source of the packet counts, never what it says of itself (Via, X-Forwarded-For).

use std::sync::Arc;

use super::{EndpointIdentifier, IdentifyRequest};
use crate::config::{Endpoint, PjsipConfig};

/// The identifier `ip`: the `identify` whose `match` contains the source, the longest prefix first.
#[derive(Clone, Copy, Debug)]
pub struct ByIp;

impl EndpointIdentifier for ByIp {
    fn name(&self) -> &str {
        "ip"
    }

    fn identify(&self, config: &PjsipConfig, request: &IdentifyRequest<'_>) -> Option<Arc<Endpoint>> {
        config.index.sources.find(request.source).cloned()
    }
}
