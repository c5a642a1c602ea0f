//! Responses to a request (RFC 3261 sections 8.2.6 and 18.2.1, RFC 3581), in Asterisk's order.

use std::io::Write as _;
use std::net::SocketAddr;

use crate::grammar::push_unfolded;
use crate::message::RawMessage;
use crate::name::HeaderName;
use crate::via::ViaRef;
use crate::writer::{Writer, push_number};

/// Starts the response to `request`: status line, every Via, Record-Route when asked for, Call-ID,
/// From, To, CSeq. The caller adds its own headers and calls [`Writer::finish`].
///
/// `source` is where the request came from: it fills `received`, and `rport` when the request asks
/// for it. `to_tag` is added to To when that has no tag; 100 takes none.
pub fn response<'o>(
    out: &'o mut Vec<u8>,
    request: &RawMessage<'_>,
    code: u16,
    reason: &str,
    source: SocketAddr,
    to_tag: Option<&str>,
    record_route: bool,
) -> Writer<'o> {
    ResponseHead { source, to_tag, record_route, force_rport: false }.write(out, request, code, reason)
}

/// What goes into a response beside the request itself; [`response`] with more choices.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'t> {
    /// Where the request came from.
    pub source: SocketAddr,
    /// The tag for a To without one.
    pub to_tag: Option<&'t str>,
    /// Whether Record-Route is copied: in responses that make a dialog.
    pub record_route: bool,
    /// Whether `rport` is filled even when the request does not ask (endpoint option `force_rport`).
    pub force_rport: bool,
}

impl ResponseHead<'_> {
    /// Starts the response; see [`response`].
    pub fn write<'o>(
        self,
        out: &'o mut Vec<u8>,
        request: &RawMessage<'_>,
        code: u16,
        reason: &str,
    ) -> Writer<'o> {
        let mut writer = Writer::status(out, code, reason);
        let mut vias = request.values(HeaderName::Via);
        if let Some(top) = vias.next() {
            match ViaRef::parse(top) {
                Ok(via) => self.top_via(writer.open_header("Via"), &via),
                Err(_) => drop(writer.copy("Via", top)),
            }
        }
        for via in vias {
            writer.copy("Via", via);
        }
        if self.record_route {
            for line in request.lines(HeaderName::RecordRoute) {
                writer.copy("Record-Route", line);
            }
        }
        for name in [HeaderName::CallId, HeaderName::From, HeaderName::To, HeaderName::CSeq] {
            let Some(value) = request.header(name) else {
                continue;
            };
            let to_tag = self.to_tag.filter(|_| name == HeaderName::To);
            match to_tag.filter(|_| lacks_tag(request)) {
                Some(tag) => writer.copy_with_tag(name.as_str(), value, tag),
                None => writer.copy(name.as_str(), value),
            };
        }
        writer
    }

    /// Sent-by, then `rport`, `received`, `branch`, then everything else as it came.
    fn top_via(self, out: &mut Vec<u8>, via: &ViaRef<'_>) {
        for part in ["SIP/", via.version, "/", via.transport, " ", via.host] {
            out.extend_from_slice(part.as_bytes());
        }
        if let Some(port) = via.port {
            out.push(b':');
            push_number(out, u64::from(port));
        }
        if self.force_rport || via.rport.is_some() {
            out.extend_from_slice(b";rport=");
            push_number(out, u64::from(self.source.port()));
        }
        // Writing to a Vec does not fail.
        let _ = write!(out, ";received={}", self.source.ip().to_canonical());
        let known =
            |name: &[u8], list: &[&str]| list.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        let branch = via.params.iter().filter(|param| known(param.name, &["branch"]));
        let others = via.params.iter().filter(|param| !known(param.name, &["branch", "rport", "received"]));
        for param in branch.take(1).chain(others) {
            out.push(b';');
            out.extend_from_slice(param.name);
            if let Some(value) = param.value {
                out.push(b'=');
                push_unfolded(out, value);
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn lacks_tag(request: &RawMessage<'_>) -> bool {
    request.to().map_or(true, |to| to.tag().is_none())
}
