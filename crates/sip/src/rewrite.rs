//! URIs of phones behind NAT: where they can be reached in place of what they say of themselves
//! (endpoint option `rewrite_contact`).
//!
//! The phone's own host stays in the URI parameter `x-ast-orig-host`, as Asterisk keeps it, because
//! the phone knows itself by that name.
//!
//! ```
//! let uri = sip::UriRef::parse(b"sip:alice@10.0.0.7:5062").unwrap();
//! let reached = sip::rewrite_uri(&uri, "192.0.2.1:40000".parse().unwrap(), None).unwrap();
//! assert_eq!(reached, "sip:alice@192.0.2.1:40000;x-ast-orig-host=10.0.0.7:5062");
//! let reached = sip::UriRef::parse(reached.as_bytes()).unwrap();
//! assert_eq!(sip::restore_uri(&reached), "sip:alice@10.0.0.7:5062");
//! ```

use std::borrow::Cow;
use std::net::SocketAddr;

use crate::uri::{Scheme, UriRef};

/// What parameters of a server are called; from outside they mean nothing.
const INTERNAL: &str = "x-ast-";
/// The URI parameter that keeps the host which a phone wrote.
pub const ORIGINAL_HOST: &str = "x-ast-orig-host";

/// The URI with the host and port that it is reached at, and the transport if that is not UDP. None
/// if it says all that already.
pub fn rewrite_uri(uri: &UriRef<'_>, source: SocketAddr, transport: Option<&str>) -> Option<String> {
    let source = SocketAddr::new(source.ip().to_canonical(), source.port());
    let moved = uri.host_ip() != Some(source.ip()) || uri.port.unwrap_or(5060) != source.port();
    let own_transport = uri.param("transport");
    let wanted = transport.or(own_transport.map(|_| "UDP"));
    let switched = own_transport.is_some() != wanted.is_some()
        || own_transport.zip(wanted).is_some_and(|(own, wanted)| !own.eq_ignore_ascii_case(wanted));
    let forged = uri.params().any(|(name, _)| is_internal(name));
    if !(moved || switched || forged) {
        return None;
    }
    let host = if moved { source.to_string() } else { host_and_port(uri) };
    let mut more = String::new();
    if switched && let Some(wanted) = wanted {
        more.push_str(&format!(";transport={wanted}"));
    }
    if moved {
        more.push_str(&format!(";{ORIGINAL_HOST}={}", host_and_port(uri)));
    }
    let is_replaced = |name: &str| switched && name.eq_ignore_ascii_case("transport");
    let is_kept = |name: &str| !is_internal(name) && !is_replaced(name);
    Some(build(uri, &host, is_kept, &more))
}

/// The URI as its phone wrote it.
pub fn restore_uri<'a>(uri: &UriRef<'a>) -> Cow<'a, str> {
    match uri.param(ORIGINAL_HOST) {
        None => Cow::Borrowed(uri.text()),
        Some(host) => Cow::Owned(build(uri, host, |name| !is_internal(name), "")),
    }
}

fn is_internal(name: &str) -> bool {
    name.get(..INTERNAL.len()).is_some_and(|start| start.eq_ignore_ascii_case(INTERNAL))
}

fn host_and_port(uri: &UriRef<'_>) -> String {
    match uri.port {
        None => uri.host.to_owned(),
        Some(port) => format!("{}:{port}", uri.host),
    }
}

/// The URI at another host, with those of its parameters that are kept, and `more` behind them.
fn build(uri: &UriRef<'_>, host: &str, is_kept: impl Fn(&str) -> bool, more: &str) -> String {
    let mut text = String::with_capacity(uri.text().len() + host.len() + more.len());
    text.push_str(if uri.scheme == Scheme::Sips { "sips:" } else { "sip:" });
    if let Some(user) = uri.user {
        text.push_str(user);
        if let Some(password) = uri.password {
            text.push(':');
            text.push_str(password);
        }
        text.push('@');
    }
    text.push_str(host);
    for (name, value) in uri.params().filter(|(name, _)| is_kept(name)) {
        text.push(';');
        text.push_str(name);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }
    text.push_str(more);
    if let Some(headers) = uri.headers() {
        text.push('?');
        text.push_str(headers);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(uri: &str, source: &str, transport: Option<&str>) -> Option<String> {
        rewrite_uri(&UriRef::parse(uri.as_bytes()).unwrap(), source.parse().unwrap(), transport)
    }

    #[test]
    fn what_is_true_already_stays() {
        assert_eq!(rewrite("sip:a@192.0.2.1", "192.0.2.1:5060", None), None);
        assert_eq!(rewrite("sip:a@192.0.2.1:5070;ob", "192.0.2.1:5070", None), None);
        assert_eq!(rewrite("sip:a@[2001:DB8::1]:5070", "[2001:db8::1]:5070", None), None);
        assert_eq!(rewrite("sip:a@192.0.2.1;transport=tcp", "192.0.2.1:5060", Some("TCP")), None);
    }

    #[test]
    fn host_transport_and_parameters() {
        for (uri, source, transport, expected) in [
            ("sips:a:b@h?x=y", "192.0.2.1:7", None, "sips:a:b@192.0.2.1:7;x-ast-orig-host=h?x=y"),
            (
                "sip:10.0.0.7;ob",
                "[2001:db8::1]:7",
                Some("TCP"),
                "sip:[2001:db8::1]:7;ob;transport=TCP;x-ast-orig-host=10.0.0.7",
            ),
            ("sip:a@192.0.2.1:7;transport=tcp;ob", "192.0.2.1:7", None, "sip:a@192.0.2.1:7;ob;transport=UDP"),
            ("sip:a@192.0.2.1:7;X-Ast-txp=z", "192.0.2.1:7", None, "sip:a@192.0.2.1:7"),
        ] {
            assert_eq!(rewrite(uri, source, transport).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_phone_gets_its_own_uri_back() {
        for uri in ["sip:a@10.0.0.7:5062;ob?x=y", "sips:h", "sip:a@[fe80::1]:5060"] {
            let reached = rewrite(uri, "192.0.2.1:7", None).unwrap();
            assert_eq!(restore_uri(&UriRef::parse(reached.as_bytes()).unwrap()), uri);
        }
    }
}
