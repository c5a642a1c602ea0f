//! Which endpoint does a request come from?
//!
//! Identifiers are asked in the order of `endpoint_identifier_order`, those it does not list after
//! those it does; the first that knows the sender decides.
//!
//! | module | identifier | knows a sender by |
//! | --- | --- | --- |
//! | `res_pjsip_endpoint_identifier_ip` | `ip` | source address and port: `match` |
//! | | `header` | a header: `match_header` |
//! | | `request_uri` | the request URI: `match_request_uri` |
//! | `res_pjsip_endpoint_identifier_user` | `username` | the user of From |
//! | | `auth_username` | the user name of Authorization |
//! | `res_pjsip_endpoint_identifier_anonymous` | `anonymous` | nothing: the endpoint `anonymous` |
//!
//! Looking up takes a hash or two and allocates nothing. Where networks of several `identify`
//! objects overlap the longest prefix wins, and of equal ones the first in the file.
//!
//! ```
//! use res_pjsip::config::PjsipConfig;
//! use res_pjsip::identify::{IdentifyRequest, Identifiers};
//!
//! let config = PjsipConfig::default();
//! let identifiers = Identifiers::all().ordered(&config.global.endpoint_identifier_order);
//! let request = IdentifyRequest {
//!     source: ([192, 0, 2, 1], 5060).into(),
//!     from_scheme_is_sip: true,
//!     from_user: "alice",
//!     from_domain: "example.com",
//!     transport_domain: "",
//!     headers: &|_name, _visit| (),
//!     request_uri: "sip:1000@example.com",
//! };
//! assert!(identifiers.identify(&config, &request).is_none());
//! ```

mod by_header;
mod by_ip;
pub(crate) mod by_name;
pub(crate) mod index;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::{Endpoint, PjsipConfig};

pub use by_header::{ByHeader, ByRequestUri};
pub use by_ip::ByIp;
pub use by_name::{Anonymous, ByAuthUsername, ByUsername};

/// Calls `visit` with the value of each header of a name (in any case), in order, until it returns
/// true.
pub type Headers<'a> = dyn Fn(&str, &mut dyn FnMut(&str) -> bool) + 'a;

/// What identification may ask of a request.
pub struct IdentifyRequest<'a> {
    /// Where the packet came from.
    pub source: SocketAddr,
    /// Whether the scheme of the From URI is `sip` or `sips`.
    pub from_scheme_is_sip: bool,
    /// The user of the From URI, unescaped.
    pub from_user: &'a str,
    /// The host of the From URI.
    pub from_domain: &'a str,
    /// The `domain` of the transport that the packet came by; empty if it has none.
    pub transport_domain: &'a str,
    /// The request's headers.
    pub headers: &'a Headers<'a>,
    /// The request URI.
    pub request_uri: &'a str,
}

/// One way to tell which endpoint a request comes from.
pub trait EndpointIdentifier: Send + Sync {
    /// The word that `endpoint_identifier_order` knows it by.
    fn name(&self) -> &str;

    /// The endpoint that `request` comes from, if this identifier knows it.
    fn identify(&self, config: &PjsipConfig, request: &IdentifyRequest<'_>) -> Option<Arc<Endpoint>>;
}

/// Identifiers in the order in which they are asked.
#[derive(Clone, Default)]
pub struct Identifiers(Vec<Arc<dyn EndpointIdentifier>>);

impl Identifiers {
    /// These identifiers, asked in this order.
    pub fn new(identifiers: Vec<Arc<dyn EndpointIdentifier>>) -> Self {
        Self(identifiers)
    }

    /// All identifiers there are, in their own order.
    pub fn all() -> Self {
        Self(vec![
            Arc::new(ByIp),
            Arc::new(ByUsername),
            Arc::new(Anonymous),
            Arc::new(ByAuthUsername),
            Arc::new(ByHeader),
            Arc::new(ByRequestUri),
        ])
    }

    /// The same identifiers, those that `order` names first and in its order.
    #[must_use]
    pub fn ordered(&self, order: &[Arc<str>]) -> Self {
        let mut identifiers = self.0.clone();
        let rank = |identifier: &Arc<dyn EndpointIdentifier>| {
            order.iter().position(|name| **name == *identifier.name()).unwrap_or(order.len())
        };
        identifiers.sort_by_key(rank);
        Self(identifiers)
    }

    /// The names of the identifiers in the order in which they are asked.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|identifier| identifier.name())
    }

    /// The endpoint that `request` comes from: the answer of the first identifier that knows one.
    pub fn identify(&self, config: &PjsipConfig, request: &IdentifyRequest<'_>) -> Option<Arc<Endpoint>> {
        self.0.iter().find_map(|identifier| identifier.identify(config, request))
    }
}

impl fmt::Debug for Identifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests;
