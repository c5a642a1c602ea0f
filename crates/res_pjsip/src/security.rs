//! Security events: who tried to talk to the server, and what became of it.
//!
//! The distributor reports them; listeners such as `res_security_log` write them down. Texts in an event
//! may come from a stranger's packet, whoever writes them must quote them.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityKind<'a> {
    /// A password was asked for.
    ChallengeSent,
    /// Credentials were wrong.
    ChallengeResponseFailed,
    /// A request has proved whose it is.
    SuccessfulAuth,
    /// A request of nobody who is known.
    InvalidAccountId,
    /// An address is not permitted by the access control list of this name.
    FailedAcl(&'a str),
    /// Something that is not served was asked for; its name.
    RequestNotSupported(&'a str),
}

/// One end of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecurityAddress {
    /// `UDP`, `TCP`, `TLS`, `WS`, `WSS`.
    pub protocol: &'static str,
    /// Address and port.
    pub address: SocketAddr,
}

/// A security event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecurityEvent<'a> {
    /// What happened.
    pub kind: SecurityKind<'a>,
    /// The service that was asked for: `PJSIP`.
    pub service: &'static str,
    /// The endpoint, or the name that a stranger gave.
    pub account: &'a str,
    /// What tells the conversation from others: the Call-ID.
    pub session: &'a str,
    /// Our end.
    pub local: SecurityAddress,
    /// The other end.
    pub remote: SecurityAddress,
}

/// Who is told of events. It is called on the threads that serve packets and must not wait.
pub trait SecurityListener: Send + Sync {
    /// An event has happened.
    fn event(&self, event: &SecurityEvent<'_>);
}

/// Those who listen; asked for every request without a lock.
#[derive(Default)]
pub struct SecurityEvents(ArcSwap<Vec<Arc<dyn SecurityListener>>>);

impl SecurityEvents {
    /// Adds a listener until the guard is dropped.
    pub fn listen(self: &Arc<Self>, listener: Arc<dyn SecurityListener>) -> SecurityGuard {
        self.0.rcu(|listeners| listeners.iter().chain([&listener]).cloned().collect::<Vec<_>>());
        SecurityGuard { events: Arc::downgrade(self), listener }
    }

    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        !self.0.load().is_empty()
    }

    /// Tells everybody.
    pub fn report(&self, event: &SecurityEvent<'_>) {
        self.0.load().iter().for_each(|listener| listener.event(event));
    }
}

impl fmt::Debug for SecurityEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecurityEvents({} listeners)", self.0.load().len())
    }
}

/// Keeps a listener; see [`SecurityEvents::listen`].
pub struct SecurityGuard {
    events: Weak<SecurityEvents>,
    listener: Arc<dyn SecurityListener>,
}

impl Drop for SecurityGuard {
    fn drop(&mut self) {
        if let Some(events) = self.events.upgrade() {
            let others = |it: &&Arc<dyn SecurityListener>| !Arc::ptr_eq(it, &self.listener);
            events.0.rcu(|listeners| listeners.iter().filter(others).cloned().collect::<Vec<_>>());
        }
    }
}

impl fmt::Debug for SecurityGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecurityGuard")
    }
}
