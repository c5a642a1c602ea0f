//! Locating SIP servers (RFC 3263): from a URI to the addresses to try, in order.
//!
//! A shard does no I/O: a module asks by [`Core::resolve`](crate::Core::resolve), and the answer
//! comes back by [`ShardModule::resolved`](crate::ShardModule::resolved). One thread, shared by all
//! shards, asks the DNS; it has a cache that obeys the records' times to live, and a bound on the
//! questions that wait.
//!
//! ```
//! use res_pjsip::config::Protocol;
//! use res_pjsip::resolve::Question;
//!
//! let uri = sip::UriRef::parse(b"sip:alice@192.0.2.9:5070").unwrap();
//! let targets = Question::of(&uri, &[Protocol::Udp]).without_dns().expect("it is a number");
//! assert_eq!(targets[0].to_string(), "udp:192.0.2.9:5070");
//! ```

mod dns;
mod locate;
mod select;
mod service;
mod settings;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use sip::{Scheme, UriRef};

use crate::config::Protocol;

pub use service::{Answer, Resolver};
pub use settings::{Backend, Settings};

/// Where to send a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// By what.
    pub protocol: Protocol,
    /// The address and port.
    pub address: SocketAddr,
    /// The name that was asked for: what a certificate must be for.
    pub domain: Arc<str>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.protocol, self.address)
    }
}

/// What is to be located.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Question {
    /// A host name or an address, without brackets.
    pub host: Arc<str>,
    /// The port, if the URI has one.
    pub port: Option<u16>,
    /// The `transport` parameter, if the URI has one that we know.
    pub transport: Option<Protocol>,
    /// Whether the scheme is `sips`: nothing but TLS will do.
    pub secure: bool,
    /// What we can send by.
    pub supported: Vec<Protocol>,
}

/// Why there is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No such name, or it has no address, or none that we have a transport for.
    #[error("'{0}' has no address that we can send to")]
    NotFound(Arc<str>),
    /// The DNS does not answer or answers by an error.
    #[error("'{0}' cannot be looked up: {1}")]
    Failed(Arc<str>, String),
    /// Too many questions wait.
    #[error("'{0}' is not looked up: too many questions wait")]
    Busy(Arc<str>),
}

impl Question {
    /// What a request to `uri` needs. A `maddr` parameter takes the place of the host (RFC 3261
    /// 19.1.1).
    pub fn of(uri: &UriRef<'_>, supported: &[Protocol]) -> Self {
        let host = uri.param("maddr").unwrap_or(uri.host);
        let transport = uri.param("transport").and_then(Protocol::of_uri_parameter);
        Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase().into(),
            port: uri.port,
            transport,
            secure: uri.scheme == Scheme::Sips,
            supported: supported.to_vec(),
        }
    }

    /// The answer if it needs no DNS: the host is an address.
    pub fn without_dns(&self) -> Option<Vec<Target>> {
        let ip: IpAddr = self.host.parse().ok()?;
        let protocol = self.protocol();
        let port = self.port.unwrap_or(protocol.default_port());
        Some(vec![self.target(protocol, SocketAddr::new(ip, port))])
    }

    /// The protocol when the DNS has nothing to say about it (RFC 3263 4.1).
    fn protocol(&self) -> Protocol {
        match self.transport {
            // `transport=tcp` of a SIPS URI means TLS over TCP (RFC 3261 26.2.2).
            Some(Protocol::Tcp) if self.secure => Protocol::Tls,
            Some(protocol) => protocol,
            None if self.secure => Protocol::Tls,
            None => Protocol::Udp,
        }
    }

    fn target(&self, protocol: Protocol, address: SocketAddr) -> Target {
        Target { protocol, address, domain: self.host.clone() }
    }
}
