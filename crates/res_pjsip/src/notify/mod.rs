//! NOTIFY outside any dialog: `pjsip send notify`, by which an operator asks phones to restart or to
//! read their configuration again.
//!
//! What is sent stands in `pjsip_notify.conf` ([`Templates`]); [`NotifyModule`] sends it from a shard,
//! to the servers that RFC 3263 finds, the next one when nobody answers or the answer is 503.

mod module;
mod template;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::config::Endpoint;
use crate::output::Peer;

pub use module::NotifyModule;
pub use template::{Template, Templates};

/// One NOTIFY to be sent: a message to [`NotifyModule`].
#[derive(Debug, Clone)]
pub struct Notify {
    /// What is sent.
    pub template: Arc<Template>,
    /// By whose options: From, Contact, transport and proxy.
    pub endpoint: Arc<Endpoint>,
    /// The user of From, unless the endpoint has `from_user`.
    pub from_user: Arc<str>,
    /// To whom: a SIP or SIPS URI.
    pub uri: Arc<str>,
    /// The connection that it is reached by, whatever the URI says.
    pub flow: Option<Peer>,
}
