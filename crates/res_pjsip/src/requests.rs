//! Sending our requests: retransmission where the transport needs it, TCP where UDP is too small.
//!
//! RFC 3261 18.1.1: a request of 1300 bytes or more goes by TCP, with the Via saying so, and by UDP
//! after all if TCP cannot be had. Option `disable_tcp_switch` of `[system]`, on by default as in
//! Asterisk, keeps them on UDP.

use std::collections::HashMap;
use std::net::SocketAddr;

use sip::Millis;
use sip::transaction::{ClientStart, Undelivered};

use crate::config::Protocol;
use crate::core::{Core, Timer, join_token};
use crate::output::{ClosedConnection, Output, Peer};
use crate::shard::Answer;

/// Requests of this length do not go by UDP.
const TOO_LONG_FOR_UDP: usize = 1300;
/// How long a peer that could not be reached by TCP is not tried again.
const TCP_REFUSED_FOR: Millis = 600_000;
/// Peers remembered as such; more are tried again.
const MAX_REFUSED: usize = 65_536;

/// Peers that TCP did not reach, and until when that is believed.
#[derive(Debug, Default)]
pub(crate) struct TcpRefused(HashMap<SocketAddr, Millis>);

impl TcpRefused {
    fn contains(&self, address: SocketAddr, now: Millis) -> bool {
        self.0.get(&address).is_some_and(|until| now < *until)
    }

    fn insert(&mut self, address: SocketAddr, now: Millis) {
        if self.0.len() >= MAX_REFUSED {
            self.0.clear();
        }
        self.0.insert(address, now + TCP_REFUSED_FOR);
    }
}

impl Core {
    /// Sends a request of the module that is running; the answer comes back with `token`. `write`
    /// gets the branch for the Via and appends the whole message.
    pub fn send_request<E>(
        &mut self,
        peer: Peer,
        token: u64,
        out: &mut Output,
        write: impl FnOnce(&mut Vec<u8>, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.send_request_within(peer, token, None, out, write)
    }

    /// [`send_request`](Self::send_request) with less time for an answer than a transaction has.
    pub fn send_request_within<E>(
        &mut self,
        peer: Peer,
        token: u64,
        limit: Option<Millis>,
        out: &mut Output,
        write: impl FnOnce(&mut Vec<u8>, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let owner = join_token(self.current, token);
        let protocol = self.snapshot.protocol(peer);
        let mut started = self.client.start(self.now, peer, protocol.is_reliable(), owner, write)?;
        if let Some(limit) = limit {
            self.client.end_by(&mut started, self.now.saturating_add(limit));
        }
        if protocol == Protocol::Udp
            && self.client.request(started.timer).len() >= TOO_LONG_FOR_UDP
            && let Some(tcp) = self.tcp_instead(peer)
        {
            let via = self.via(tcp);
            let started = self.client.redirect(started, tcp, |bytes| replace_via(bytes, &via, None));
            self.stats.switched_to_tcp.add();
            self.dispatch_request(started, tcp, out);
        } else {
            self.dispatch_request(started, peer, out);
        }
        Ok(())
    }

    /// Connections are gone: the requests that they carried, as answers with their owners' tokens.
    /// Those that were switched to TCP go by UDP now.
    pub(crate) fn fail_requests(
        &mut self,
        closed: &[ClosedConnection],
        out: &mut Output,
    ) -> Vec<(u64, Answer)> {
        let undelivered = self.client.fail(|peer| closed.iter().any(|closed| closed.carried(peer)));
        let mut answers = Vec::new();
        for Undelivered { owner, former } in undelivered {
            let resent = former.is_some_and(|(peer, bytes)| self.send_by_udp(peer, owner, &bytes, out));
            if !resent {
                self.stats.transport_errors.add();
                answers.push((owner, Answer::undelivered()));
            }
        }
        answers
    }

    fn send_by_udp(&mut self, peer: Peer, owner: u64, request: &[u8], out: &mut Output) -> bool {
        self.tcp_refused.insert(peer.address, self.now);
        self.stats.switched_back.add();
        let via = self.via(peer);
        let started = self.client.start(self.now, peer, false, owner, |bytes, branch| {
            bytes.extend_from_slice(request);
            replace_via(bytes, &via, Some(branch));
            Ok::<_, std::convert::Infallible>(())
        });
        let Ok(started) = started;
        self.dispatch_request(started, peer, out);
        true
    }

    fn dispatch_request(&mut self, started: ClientStart, peer: Peer, out: &mut Output) {
        out.send(peer, self.client.request(started.timer));
        self.timers.insert(started.at, Timer::Client(started.timer));
    }

    /// The same peer by TCP, if there is a transport for it and it was not refused lately.
    fn tcp_instead(&self, peer: Peer) -> Option<Peer> {
        if self.snapshot.config.system.disable_tcp_switch || self.tcp_refused.contains(peer.address, self.now)
        {
            return None;
        }
        let transport = self.snapshot.transport_for(Protocol::Tcp, peer.address)?;
        Some(Peer::new(transport, peer.address))
    }
}

/// Replaces protocol and sent-by of the topmost Via, and the branch if there is a new one. Requests of
/// ours begin with the request line and this Via: `Via: SIP/2.0/UDP host:port;rport;branch=…`.
fn replace_via(request: &mut Vec<u8>, via: &str, branch: Option<&[u8]>) {
    const NAME: &[u8] = b"\r\nVia: ";
    const BRANCH: &[u8] = b";branch=";
    let find = |from: usize, what: &[u8]| {
        let place = request.get(from..)?.windows(what.len()).position(|window| window == what)?;
        Some(from + place)
    };
    let found = (|| {
        let start = find(0, NAME)? + NAME.len();
        let end_of_via = find(start, b";")?;
        let branch_start = find(start, BRANCH)? + BRANCH.len();
        Some((start, end_of_via, branch_start, find(branch_start, b"\r\n")?))
    })();
    let Some((start, end_of_via, branch_start, end)) = found else { return };
    if let Some(branch) = branch {
        request.splice(branch_start..end, branch.iter().copied());
    }
    request.splice(start..end_of_via, via.bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_topmost_via_changes() {
        let text = |via: &str| {
            format!(
                "NOTIFY sip:a@b SIP/2.0\r\nVia: {via}\r\nVia: SIP/2.0/UDP x:1;branch=y\r\n\r\nVia: z;branch="
            )
        };
        let mut request = text("SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1").into_bytes();
        replace_via(&mut request, "SIP/2.0/TCP 192.0.2.100:5070", None);
        let tcp = text("SIP/2.0/TCP 192.0.2.100:5070;rport;branch=z9hG4bK1");
        assert_eq!(String::from_utf8_lossy(&request), tcp);
        replace_via(&mut request, "SIP/2.0/UDP h:1", Some(b"z9hG4bKnew"));
        let udp = text("SIP/2.0/UDP h:1;rport;branch=z9hG4bKnew");
        assert_eq!(String::from_utf8_lossy(&request), udp);
        let mut odd = b"no request".to_vec();
        replace_via(&mut odd, "x", Some(b"y"));
        assert_eq!(odd, b"no request");
    }
}
