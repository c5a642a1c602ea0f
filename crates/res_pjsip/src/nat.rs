//! `res_pjsip_nat`: requests of phones behind NAT (endpoint options `rewrite_contact`, `force_rport`).
//!
//! With `rewrite_contact=yes` whatever comes later sees the phone where it is reached: host and port
//! of the Contact, or of the first Record-Route where there is one, are those that the packet came
//! from. A WebSocket phone, which has no address of its own, is always treated so (RFC 7118). What
//! `x-ast-` parameters a phone itself has written is taken away. `force_rport` is honoured by the
//! distributor.

use sip::{HeaderName, NameAddrRef, RawMessage};

use crate::config::Protocol;
use crate::core::Core;
use crate::distributor::Request;

/// The packet as later stages are to see it; none if it stays as it is.
pub(crate) fn mend(core: &Core, request: &Request<'_>) -> Option<Vec<u8>> {
    let snapshot = core.snapshot();
    let protocol = snapshot.transports.get(usize::from(request.peer.transport))?.config.protocol;
    let browser = matches!(protocol, Protocol::Ws | Protocol::Wss);
    if !(snapshot.nat && (request.endpoint.rewrite_contact || browser)) {
        return None;
    }
    let message = &request.message;
    let route = message.addresses(HeaderName::RecordRoute).next().filter(|_| request.method != "REGISTER");
    let address = route.or_else(|| message.contacts().next())?.ok()?;
    let transport = match protocol {
        Protocol::Udp => None,
        Protocol::Tcp => Some("TCP"),
        Protocol::Tls => Some("TLS"),
        Protocol::Ws | Protocol::Wss => Some("ws"),
        Protocol::Flow => return None,
    };
    let uri = address.uri.is_sip().then_some(&address.uri)?;
    let reached = sip::rewrite_uri(uri, request.peer.address, transport)?;
    replace(message, &address, &reached)
}

/// The message with another URI in one of its addresses.
fn replace(message: &RawMessage<'_>, address: &NameAddrRef<'_>, uri: &str) -> Option<Vec<u8>> {
    let bytes = message.bytes();
    // The URI is a part of the message: where it is tells how to cut the message.
    let start = (address.uri_bytes.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)?;
    let (before, rest) = bytes.split_at_checked(start)?;
    let after = rest.get(address.uri_bytes.len()..)?;
    // Without angle brackets parameters would be the header's, not the URI's.
    let is_bare = before.last() != Some(&b'<');
    let (open, close) = if is_bare { ("<", ">") } else { ("", "") };
    Some([before, open.as_bytes(), uri.as_bytes(), close.as_bytes(), after].concat())
}
