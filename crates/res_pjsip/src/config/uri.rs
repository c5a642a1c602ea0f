//! Addresses in options: SIP URIs and `address[:port]`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::value::Value;

/// Limits that a contact of an AOR must keep, in bytes.
const MAX_URI: usize = 511;
const MAX_HOST: usize = 255;

/// Reads a SIP or SIPS URI (RFC 3261, 19.1).
///
/// # Errors
/// What was expected instead.
pub(crate) fn sip_uri(text: &str) -> Result<Arc<str>, String> {
    match sip::UriRef::parse(text.as_bytes()) {
        Ok(_) if text.len() > MAX_URI => Err(format!("a URI of at most {MAX_URI} bytes")),
        Ok(uri) if uri.host.len() > MAX_HOST => Err(format!("a host of at most {MAX_HOST} bytes")),
        Ok(uri) if uri.is_sip() => Ok(text.into()),
        _ => Err(format!("a sip: or sips: URI, not '{text}'")),
    }
}

/// Reads `address`, `address:port`, `[v6]` or `[v6]:port`.
///
/// # Errors
/// What was expected instead.
pub(crate) fn address(text: &str) -> Result<Value, String> {
    if text.is_empty() || socket_address(text, 0).is_some() {
        Ok(Value::Text(text.into()))
    } else {
        Err("an IP address, with or without ':' and a port".into())
    }
}

/// `text` as a socket address, with `port` where it names none.
pub(crate) fn socket_address(text: &str, port: u16) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        let port = if address.port() == 0 { port } else { address.port() };
        return Some(SocketAddr::new(address.ip(), port));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port))
}
