//! The UAS side of a dialog (RFC 3261 section 12), as subscriptions need it.
//!
//! Everything that is the same in each request of the dialog is rendered once and kept in one piece
//! of memory; a request costs a copy, a number and a branch.
//!
//! ```text
//! NOTIFY ┃uri┃ SIP/2.0
//! ┃Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=┃branch
//! ┃From: …  To: …  Contact: …  Call-ID: …  CSeq: ┃22708 NOTIFY
//! ┃Route: …┃
//! ```

use std::io::Write;
use std::ops::Range;

use crate::grammar::push_unfolded;
use crate::rewrite::restore_uri;
use crate::{HeaderError, HeaderName, NameAddrRef, RawMessage, UriRef};

/// More than this no phone's dialog needs; the rest is an attack on memory.
const MAX_TEXT: usize = 8 * 1024;

/// Why a request makes no dialog, or does not change it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialogError {
    /// A header that the dialog needs is missing or malformed.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// Its URIs, tags and routes are longer than a dialog may keep.
    #[error("the dialog's headers are longer than {MAX_TEXT} bytes")]
    TooLong,
}

/// A dialog. Requests inside it go to [`next_hop`](Self::next_hop).
#[derive(Debug, Clone)]
pub struct Dialog {
    text: Box<[u8]>,
    /// Where the parts of `text` end, in the order of [`Part`].
    ends: [u16; PARTS],
    remote_cseq: u32,
    local_cseq: u32,
}

#[derive(Clone, Copy)]
enum Part {
    /// The Request-URI of our requests: the remote target, or the first route if that is strict.
    RequestUri,
    /// `Via: … branch=`
    Via,
    /// `From: … ;tag=`
    From,
    /// Our tag.
    LocalTag,
    /// Line end and `To: … `, with `;tag=` if there is a remote tag.
    To,
    /// The other tag.
    RemoteTag,
    /// Line end and `Contact: `
    ContactName,
    /// Our Contact.
    Contact,
    /// Line end and `Call-ID: `
    CallIdName,
    /// The Call-ID.
    CallId,
    /// Line end and `CSeq: `
    CSeq,
    /// Complete Route lines.
    Routes,
    /// The URI that requests are sent to.
    NextHop,
}

const PARTS: usize = 13;

impl Dialog {
    /// The dialog that a request (outside any) and its 2xx make. `local_tag` is the To tag of the
    /// answer, `via` (`SIP/2.0/UDP 192.0.2.1:5060`) is the protocol and sent-by of our requests,
    /// `contact` is our Contact in angle brackets.
    pub fn uas(
        request: &RawMessage<'_>,
        local_tag: &str,
        via: &str,
        contact: &str,
    ) -> Result<Self, DialogError> {
        let (from, to) = (request.from()?, request.to()?);
        let routes: Vec<_> =
            request.addresses(HeaderName::RecordRoute).collect::<Result<_, HeaderError>>()?;
        let target = request.contact()?;
        let remote_tag = from.tag().unwrap_or_default();

        let mut builder = Builder::default();
        builder.route(&target, &routes);
        builder.part(via_start(via).as_bytes());
        builder.named("From: ", &to);
        builder.push(b";tag=");
        builder.end();
        builder.part(local_tag.as_bytes());
        builder.named("\r\nTo: ", &from);
        if !remote_tag.is_empty() {
            builder.push(b";tag=");
        }
        builder.end();
        builder.part(remote_tag);
        builder.part(b"\r\nContact: ");
        builder.part(contact.as_bytes());
        builder.part(b"\r\nCall-ID: ");
        builder.part(request.call_id()?);
        builder.part(b"\r\nCSeq: ");
        builder.finish_with_routes(request.cseq()?.seq)
    }

    /// Takes over what a request inside the dialog changes: CSeq, and the remote target if it has a
    /// Contact (RFC 3261 12.2.2). The route set stays as it was made.
    pub fn refresh(&mut self, request: &RawMessage<'_>) -> Result<(), DialogError> {
        let cseq = request.cseq()?.seq;
        if request.header(HeaderName::Contact).is_some() {
            let target = request.contact()?;
            let routes = self.routes();
            let routes: Vec<_> = routes.iter().filter_map(|route| NameAddrRef::parse(route).ok()).collect();
            let mut builder = Builder::default();
            builder.route(&target, &routes);
            for part in [
                Part::Via,
                Part::From,
                Part::LocalTag,
                Part::To,
                Part::RemoteTag,
                Part::ContactName,
                Part::Contact,
                Part::CallIdName,
                Part::CallId,
                Part::CSeq,
            ] {
                builder.part(self.part(part));
            }
            let refreshed = builder.finish_with_routes(cseq)?;
            *self = Self { local_cseq: self.local_cseq, ..refreshed };
        }
        self.remote_cseq = cseq;
        Ok(())
    }

    /// Changes protocol and sent-by in the Via of our requests: they leave another way from now on.
    pub fn set_via(&mut self, via: &str) -> Result<(), DialogError> {
        self.replace(Part::Via, via_start(via).as_bytes())
    }

    /// Changes the Via and the Contact of our requests: they come from another address of ours, and the
    /// other side sends its next request there (RFC 3261 12.2.1.2). `contact` is in angle brackets.
    pub fn relocate(&mut self, via: &str, contact: &str) -> Result<(), DialogError> {
        let before = self.clone();
        let replaced = self.set_via(via).and_then(|()| self.replace(Part::Contact, contact.as_bytes()));
        if replaced.is_err() {
            *self = before;
        }
        replaced
    }

    fn replace(&mut self, part: Part, bytes: &[u8]) -> Result<(), DialogError> {
        if self.part(part) == bytes {
            return Ok(());
        }
        let range = self.range(part);
        let text = [&self.text[..range.start], bytes, &self.text[range.end..]].concat();
        if text.len() > MAX_TEXT {
            return Err(DialogError::TooLong);
        }
        for end in &mut self.ends[part as usize..] {
            // At most MAX_TEXT.
            *end = (usize::from(*end) + bytes.len() - range.len()) as u16;
        }
        self.text = text.into();
        Ok(())
    }

    /// Appends a request up to and including its Route lines; CSeq goes up by one. The caller adds
    /// the rest.
    pub fn write_request(&mut self, out: &mut Vec<u8>, method: &str, branch: &[u8]) {
        self.local_cseq = self.local_cseq.wrapping_add(1) & 0x7fff_ffff;
        out.extend_from_slice(method.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.part(Part::RequestUri));
        out.extend_from_slice(b" SIP/2.0\r\n");
        out.extend_from_slice(self.part(Part::Via));
        out.extend_from_slice(branch);
        out.extend_from_slice(b"\r\n");
        let fixed = self.range(Part::From).start..self.range(Part::CSeq).end;
        out.extend_from_slice(&self.text[fixed]);
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{} {method}\r\n", self.local_cseq);
        out.extend_from_slice(self.part(Part::Routes));
    }

    /// Whether these are the dialog's ids, seen from here.
    pub fn matches(&self, call_id: &[u8], local_tag: &[u8], remote_tag: &[u8]) -> bool {
        self.call_id() == call_id && self.local_tag() == local_tag && self.remote_tag() == remote_tag
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &[u8] {
        self.part(Part::CallId)
    }

    /// Our tag.
    pub fn local_tag(&self) -> &[u8] {
        self.part(Part::LocalTag)
    }

    /// The other side's tag.
    pub fn remote_tag(&self) -> &[u8] {
        self.part(Part::RemoteTag)
    }

    /// Our Contact, in angle brackets.
    pub fn contact(&self) -> &[u8] {
        self.part(Part::Contact)
    }

    /// The remote target: the other side's Contact.
    pub fn remote_target(&self) -> &[u8] {
        let routes = self.part(Part::Routes);
        if self.part(Part::RequestUri) != self.part(Part::NextHop) || routes.is_empty() {
            return self.part(Part::RequestUri);
        }
        // Behind a strict first route the target is the last one.
        let last = routes.strip_suffix(b">\r\n").unwrap_or_default();
        let start = last.iter().rposition(|byte| *byte == b'<').map_or(0, |place| place + 1);
        &last[start..]
    }

    /// The URI that requests are sent to: the first route, or the remote target.
    pub fn next_hop(&self) -> &[u8] {
        self.part(Part::NextHop)
    }

    /// CSeq number of the last request from the other side.
    pub fn remote_cseq(&self) -> u32 {
        self.remote_cseq
    }

    /// CSeq number of our last request.
    pub fn local_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// Lets our next request have `cseq` + 1.
    pub fn set_local_cseq(&mut self, cseq: u32) {
        self.local_cseq = cseq;
    }

    /// Bytes that the dialog keeps beside its own size.
    pub fn kept_bytes(&self) -> usize {
        self.text.len()
    }

    /// The route set as values, a strict first route back in its place and the target taken out.
    fn routes(&self) -> Vec<Vec<u8>> {
        let mut routes: Vec<Vec<u8>> = self
            .part(Part::Routes)
            .split(|byte| *byte == b'\n')
            .filter_map(|line| line.strip_prefix(b"Route: ")?.strip_suffix(b"\r"))
            .map(<[u8]>::to_vec)
            .collect();
        let first_is_strict = self.part(Part::RequestUri) == self.part(Part::NextHop) && !routes.is_empty();
        if first_is_strict {
            routes.pop();
            routes.insert(0, [b"<", self.part(Part::RequestUri), b">"].concat());
        }
        routes
    }

    fn part(&self, part: Part) -> &[u8] {
        &self.text[self.range(part)]
    }

    fn range(&self, part: Part) -> Range<usize> {
        let index = part as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        usize::from(start)..usize::from(self.ends[index])
    }
}

#[derive(Default)]
struct Builder {
    text: Vec<u8>,
    ends: Vec<usize>,
    routes: Vec<u8>,
    next_hop: Vec<u8>,
}

impl Builder {
    fn push(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    fn end(&mut self) {
        self.ends.push(self.text.len());
    }

    fn part(&mut self, bytes: &[u8]) {
        self.push(bytes);
        self.end();
    }

    /// An address as it was written, without its parameters.
    fn named(&mut self, name: &str, address: &NameAddrRef<'_>) {
        self.push(name.as_bytes());
        if let Some(display) = address.display.filter(|display| !display.is_empty()) {
            push_unfolded(&mut self.text, display);
            self.push(b" ");
        }
        self.push(b"<");
        self.push(address.uri_bytes);
        self.push(b">");
    }

    /// Request-URI, Route lines and next hop (RFC 3261 12.2.1.1).
    fn route(&mut self, target: &NameAddrRef<'_>, routes: &[NameAddrRef<'_>]) {
        let is_loose =
            |route: &NameAddrRef<'_>| route.uri.params().any(|(name, _)| name.eq_ignore_ascii_case("lr"));
        // A phone behind NAT is reached elsewhere than its own URI says.
        let own = restore_uri(&target.uri);
        let own = own.split_once('?').map_or(&*own, |(uri, _)| uri).as_bytes();
        let (request_uri, lines) = match routes.split_first() {
            Some((first, rest)) if !is_loose(first) => (without_headers(&first.uri), rest),
            _ => (own, routes),
        };
        let strict = lines.len() < routes.len();
        self.next_hop =
            routes.first().map_or(without_headers(&target.uri), |route| without_headers(&route.uri)).into();
        for route in lines {
            self.routes.extend_from_slice(b"Route: <");
            self.routes.extend_from_slice(route.uri_bytes);
            self.routes.extend_from_slice(b">\r\n");
        }
        if strict {
            self.routes.extend_from_slice(b"Route: <");
            self.routes.extend_from_slice(own);
            self.routes.extend_from_slice(b">\r\n");
        }
        let request_uri = request_uri.to_vec();
        self.part(&request_uri);
    }

    fn finish_with_routes(mut self, remote_cseq: u32) -> Result<Dialog, DialogError> {
        for part in [std::mem::take(&mut self.routes), std::mem::take(&mut self.next_hop)] {
            self.part(&part);
        }
        if self.text.len() > MAX_TEXT {
            return Err(DialogError::TooLong);
        }
        let mut ends = [0; PARTS];
        for (end, length) in ends.iter_mut().zip(&self.ends) {
            // At most MAX_TEXT.
            *end = *length as u16;
        }
        Ok(Dialog { text: self.text.into(), ends, remote_cseq, local_cseq: 0 })
    }
}

fn via_start(via: &str) -> String {
    format!("Via: {via};rport;branch=")
}

/// A URI as it may stand in a Request-URI: without `?headers`.
fn without_headers<'a>(uri: &UriRef<'a>) -> &'a [u8] {
    let text = uri.text();
    text.split_once('?').map_or(text, |(uri, _)| uri).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scanner;

    fn message(extra: &str, cseq: u32) -> String {
        format!(
            "SUBSCRIBE sip:1000@pbx SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n\
             From: \"Al, ice\" <sip:alice@pbx:5070>;tag=f1;x=y\r\nTo: sip:1000@pbx\r\nCall-ID: c1@x\r\n\
             CSeq: {cseq} SUBSCRIBE\r\n{extra}Content-Length: 0\r\n\r\n"
        )
    }

    fn dialog(extra: &str) -> Dialog {
        let text = message(extra, 7);
        let mut scanner = Scanner::new();
        let request = scanner.scan(text.as_bytes()).unwrap();
        Dialog::uas(&request, "l1", "SIP/2.0/UDP 192.0.2.1:5060", "<sip:192.0.2.1:5060>").unwrap()
    }

    fn request(dialog: &mut Dialog) -> String {
        let mut out = Vec::new();
        dialog.write_request(&mut out, "NOTIFY", b"z9hG4bKx");
        String::from_utf8(out).unwrap()
    }

    fn refresh(dialog: &mut Dialog, extra: &str, cseq: u32) {
        let text = message(extra, cseq);
        let mut scanner = Scanner::new();
        dialog.refresh(&scanner.scan(text.as_bytes()).unwrap()).unwrap();
    }

    #[test]
    fn a_request_turns_the_dialog_round() {
        let mut dialog = dialog("Contact: <sip:alice@192.0.2.9:5070?x=y>\r\n");
        dialog.set_local_cseq(22707);
        assert_eq!(
            request(&mut dialog),
            "NOTIFY sip:alice@192.0.2.9:5070 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKx\r\n\
             From: <sip:1000@pbx>;tag=l1\r\n\
             To: \"Al, ice\" <sip:alice@pbx:5070>;tag=f1\r\n\
             Contact: <sip:192.0.2.1:5060>\r\n\
             Call-ID: c1@x\r\n\
             CSeq: 22708 NOTIFY\r\n"
        );
        assert_eq!(dialog.next_hop(), b"sip:alice@192.0.2.9:5070");
        assert_eq!(dialog.remote_target(), dialog.next_hop());
        assert!(dialog.matches(b"c1@x", b"l1", b"f1"));
        assert!(!dialog.matches(b"c1@x", b"l1", b"F1"));
        assert_eq!((dialog.remote_cseq(), dialog.local_cseq()), (7, 22708));
    }

    #[test]
    fn loose_routes_keep_their_order() {
        let mut dialog = dialog(
            "Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\nContact: <sip:a@192.0.2.9>\r\n",
        );
        let text = request(&mut dialog);
        assert!(text.starts_with("NOTIFY sip:a@192.0.2.9 SIP/2.0\r\n"), "{text}");
        assert!(
            text.ends_with("NOTIFY\r\nRoute: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\nRoute: <sip:p3;lr>\r\n"),
            "{text}"
        );
        assert_eq!(dialog.next_hop(), b"sip:p1;lr");
        assert_eq!(dialog.remote_target(), b"sip:a@192.0.2.9");
    }

    #[test]
    fn a_strict_first_route_becomes_the_request_uri() {
        let mut dialog = dialog("Record-Route: <sip:p1>, <sip:p2;lr>\r\nContact: <sip:a@192.0.2.9>\r\n");
        for target in ["sip:a@192.0.2.9", "sip:b@192.0.2.8"] {
            let text = request(&mut dialog);
            assert!(text.starts_with("NOTIFY sip:p1 SIP/2.0\r\n"), "{text}");
            assert!(text.ends_with(&format!("Route: <sip:p2;lr>\r\nRoute: <{target}>\r\n")), "{text}");
            assert_eq!(dialog.next_hop(), b"sip:p1");
            assert_eq!(dialog.remote_target(), target.as_bytes());
            refresh(&mut dialog, "Contact: <sip:b@192.0.2.8>\r\n", 8);
        }
    }

    #[test]
    fn a_refresh_moves_the_target_and_nothing_else() {
        let mut dialog = dialog("Record-Route: <sip:p1;lr>\r\nContact: <sip:a@192.0.2.9>\r\n");
        request(&mut dialog);
        refresh(&mut dialog, "Record-Route: <sip:evil;lr>\r\nContact: <sip:a@192.0.2.10>\r\n", 9);
        let text = request(&mut dialog);
        assert!(text.starts_with("NOTIFY sip:a@192.0.2.10 SIP/2.0\r\n"), "{text}");
        assert!(text.contains("CSeq: 2 NOTIFY\r\nRoute: <sip:p1;lr>\r\n"), "{text}");
        assert_eq!(dialog.remote_cseq(), 9);
        refresh(&mut dialog, "", 10);
        assert!(request(&mut dialog).starts_with("NOTIFY sip:a@192.0.2.10 SIP/2.0\r\n"));
    }

    #[test]
    fn another_address_of_ours_changes_via_and_contact_only() {
        let mut dialog = dialog("Record-Route: <sip:p1;lr>\r\nContact: <sip:a@192.0.2.9>\r\n");
        let before = request(&mut dialog);
        dialog.relocate("SIP/2.0/TCP [2001:db8::1]:5070", "<sip:x@[2001:db8::1]:5070>").unwrap();
        let expected = before
            .replace("UDP 192.0.2.1:5060;", "TCP [2001:db8::1]:5070;")
            .replace("<sip:192.0.2.1:5060>", "<sip:x@[2001:db8::1]:5070>")
            .replace("CSeq: 1", "CSeq: 2");
        assert_eq!(request(&mut dialog), expected);
        assert_eq!(dialog.relocate("SIP/2.0/UDP x", &"x".repeat(9000)), Err(DialogError::TooLong));
        assert_eq!(request(&mut dialog), expected.replace("CSeq: 2", "CSeq: 3"), "all or nothing");
    }

    #[test]
    fn the_way_can_change() {
        let mut dialog = dialog("Record-Route: <sip:p1;lr>\r\nContact: <sip:a@192.0.2.9>\r\n");
        let before = request(&mut dialog);
        dialog.set_via("SIP/2.0/TLS pbx.example.com:5061").unwrap();
        let expected = before
            .replace("SIP/2.0/UDP 192.0.2.1:5060", "SIP/2.0/TLS pbx.example.com:5061")
            .replace("CSeq: 1 ", "CSeq: 2 ");
        assert_eq!(request(&mut dialog), expected);
        dialog.set_via("SIP/2.0/UDP 192.0.2.1:5060").unwrap();
        assert_eq!(request(&mut dialog), before.replace("CSeq: 1 ", "CSeq: 3 "));
        assert_eq!(dialog.set_via(&"x".repeat(9000)), Err(DialogError::TooLong));
    }

    #[test]
    fn too_much_is_refused() {
        let route = format!("Record-Route: <sip:{};lr>\r\n", "a".repeat(3000));
        let text = message(&format!("{route}{route}{route}Contact: <sip:a@192.0.2.9>\r\n"), 1);
        let mut scanner = Scanner::new();
        let request = scanner.scan(text.as_bytes()).unwrap();
        let made = Dialog::uas(&request, "l", "SIP/2.0/UDP 192.0.2.1:5060", "<sip:192.0.2.1>");
        assert_eq!(made.unwrap_err(), DialogError::TooLong);
    }
}
