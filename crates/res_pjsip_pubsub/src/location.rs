//! Where the NOTIFYs of a subscription go when its Contact or first route is a name (RFC 3263).
//!
//! ```text
//! phone        shard              resolver
//!   │ SUBSCRIBE  │                    │
//!   ├───────────▶│ where is pbx.lan?  │
//!   │        200 ├───────────────────▶│
//!   │◀───────────┤  192.0.2.1, .2     │
//!   │     NOTIFY │◀───────────────────┤
//!   │◀───────────┤ to .1; nobody answers, or 503: to .2
//! ```

use res_pjsip::resolve::{Answer, Question};
use res_pjsip::{Core, Output, Peer};
use sip::UriRef;

use crate::module::{PubSub, token};

impl PubSub {
    /// Asks where the NOTIFYs of a subscription go.
    pub(crate) fn locate(&mut self, core: &mut Core, index: u32, question: Question, out: &mut Output) {
        let Some(subscription) = self.subscriptions.get(index) else { return };
        core.resolve(question, token(index, subscription.generation), out);
    }

    /// The resolver has answered. Without an address NOTIFYs go where they went before, at first to
    /// where the SUBSCRIBE came from. With some, a dialog stays with the one that it has used.
    pub(crate) fn located(&mut self, core: &mut Core, index: u32, answer: Answer, out: &mut Output) {
        let Some(subscription) = self.subscriptions.get_mut(index) else { return };
        let was_locating = std::mem::take(&mut subscription.locating);
        let current = subscription.peer;
        match answer {
            Ok(targets) => {
                let peers = targets.iter().filter_map(|target| {
                    let transport = core.transport_for(target, current.transport)?;
                    Some(Peer::new(transport, target.address))
                });
                let mut peers: Vec<_> = peers.collect();
                if let Some(place) = peers.iter().position(|peer| *peer == current) {
                    peers[..=place].rotate_right(1);
                }
                peers.reverse();
                if let Some(first) = peers.pop() {
                    subscription.alternatives = peers;
                    self.set_flow(core, index, first);
                }
            }
            Err(why) => tracing::debug!(
                "NOTIFYs to endpoint '{}' go to {}: {why}",
                subscription.endpoint.id,
                current.address
            ),
        }
        let Some(subscription) = self.subscriptions.get(index) else { return };
        if was_locating && subscription.dirty && !subscription.in_flight {
            self.notify(core, index, out);
        }
    }
}

/// What must be asked to send requests to `hop`: nothing if it is an address, or if the phone's
/// connection, by which `peer` is reached, leads there.
pub(crate) fn question(core: &Core, hop: &[u8], peer: Peer) -> Option<Question> {
    let uri = UriRef::parse(hop).ok()?;
    if peer.connection.is_some() || (uri.host_ip().is_some() && uri.param("maddr").is_none()) {
        return None;
    }
    Some(Question::of(&uri, &core.protocols()))
}
