//! The distributor: what every request passes before a module sees it.
//!
//! In order: well-formedness (RFC 3261 16.3, 21), retransmission, sanity of URIs and Contact,
//! endpoint identification, endpoint ACL, authentication, `Require`. Whatever fails is answered here.
//! A request that no endpoint can be found for and one whose endpoint asks for a password are
//! answered alike, so that nobody learns which names exist.

use std::ops::Deref;
use std::sync::Arc;

use sip::transaction::{Arrival, TransactionId, TransactionKey};
use sip::{HeaderName, NameAddrRef, RawMessage, Refusal, ResponseHead, Scheme, UriRef, ViaRef};

use crate::admit::UNKNOWN;
use crate::config::Endpoint;
use crate::core::Core;
use crate::output::{Output, Peer};
use crate::security::SecurityKind;

/// A well-formed request, of anybody.
pub struct Incoming<'a> {
    /// The message.
    pub message: RawMessage<'a>,
    /// Its method.
    pub method: &'a str,
    /// The Request-URI.
    pub uri: UriRef<'a>,
    /// The topmost Via.
    pub via: ViaRef<'a>,
    /// From.
    pub from: NameAddrRef<'a>,
    /// To.
    pub to: NameAddrRef<'a>,
    /// Call-ID.
    pub call_id: &'a [u8],
    /// The number of CSeq.
    pub cseq: u32,
    /// Where the packet came from.
    pub peer: Peer,
    /// Where its answer goes.
    pub reply_to: Peer,
    /// Whether the answer names the port that the packet came from although nobody asked for it.
    pub force_rport: bool,
    /// The transaction to answer; none for a request that is answered without one.
    pub transaction: Option<TransactionId>,
}

/// A request of a known endpoint that may be served.
pub struct Request<'a> {
    incoming: Incoming<'a>,
    /// The endpoint that it comes from.
    pub endpoint: Arc<Endpoint>,
}

/// What a request has beside its message.
#[derive(Clone)]
pub(crate) struct Passed {
    endpoint: Arc<Endpoint>,
    peer: Peer,
    reply_to: Peer,
    force_rport: bool,
    transaction: Option<TransactionId>,
}

impl<'a> Request<'a> {
    /// What it has beside its message.
    pub(crate) fn passed(&self) -> Passed {
        Passed {
            endpoint: self.endpoint.clone(),
            peer: self.peer,
            reply_to: self.reply_to,
            force_rport: self.force_rport,
            transaction: self.transaction,
        }
    }

    /// The request with another copy of its message.
    pub(crate) fn read_again(message: &RawMessage<'a>, passed: Passed) -> Option<Self> {
        let mut incoming = parse(passed.peer, message)?;
        incoming.reply_to = passed.reply_to;
        incoming.force_rport = passed.force_rport;
        incoming.transaction = passed.transaction;
        Some(Self { incoming, endpoint: passed.endpoint })
    }
}

impl<'a> Deref for Request<'a> {
    type Target = Incoming<'a>;

    fn deref(&self) -> &Self::Target {
        &self.incoming
    }
}

impl Incoming<'_> {
    /// Whether the request is inside a dialog.
    pub fn in_dialog(&self) -> bool {
        self.to.tag().is_some()
    }
}

/// Methods that create or change a dialog, and so need a Contact.
const NEEDS_CONTACT: [&str; 5] = ["INVITE", "SUBSCRIBE", "NOTIFY", "REFER", "UPDATE"];

impl Core {
    /// Takes a request up to the point where a module can serve it; answers it here otherwise.
    pub(crate) fn distribute<'a>(
        &mut self,
        peer: Peer,
        message: &RawMessage<'a>,
        out: &mut Output,
    ) -> Option<Request<'a>> {
        if message.request().is_some_and(|line| line.method == "ACK") {
            self.stats().stray_acks.add();
            return None;
        }
        self.stats().requests.add();
        if let Err(refusal) = message.check_request() {
            self.refuse_malformed(peer, message, &refusal, out);
            return None;
        }
        let Some(mut incoming) = parse(peer, message) else {
            self.stats().unanswerable.add();
            return None;
        };
        if let Err(denied) = self.pass_acl(&incoming) {
            self.stats().denied.add();
            note_refusal(&incoming, None, denied.why, 403);
            self.report(&incoming, UNKNOWN, SecurityKind::FailedAcl(&denied.acl));
            self.refuse(&incoming, 403, out, |_| {});
            return None;
        }
        incoming.transaction = Some(self.open_transaction(&incoming, out)?);
        if let Err((status, reason)) = check_uris(&incoming) {
            note_refusal(&incoming, None, reason, status);
            self.refuse_with_reason(&incoming, status, reason, out, |_| {});
            return None;
        }
        if matches!(incoming.method, "CANCEL" | "BYE") && !self.serves(incoming.method) {
            // Of no transaction and no dialog, whoever it is: CANCEL must not be challenged (22.1).
            note_refusal(&incoming, None, "there is no such transaction or dialog", 481);
            self.refuse(&incoming, 481, out, |_| {});
            return None;
        }
        let endpoint = self.admit(&incoming, out)?;
        if endpoint.force_rport && self.snapshot().nat {
            incoming.reply_to.address = peer.address;
            incoming.force_rport = true;
        }
        let unsupported = self.unsupported(&incoming);
        if !unsupported.is_empty() {
            let why = format!("it requires {unsupported}, which nothing here supports");
            note_refusal(&incoming, Some(&endpoint), &why, 420);
            self.refuse(&incoming, 420, out, |w| {
                w.header("Unsupported", unsupported);
            });
            return None;
        }
        Some(Request { incoming, endpoint })
    }

    /// Answers a malformed request, without a transaction, if it has what an answer copies.
    fn refuse_malformed(
        &mut self,
        peer: Peer,
        message: &RawMessage<'_>,
        refusal: &Refusal,
        out: &mut Output,
    ) {
        let (status, reason) = (refusal.status, &refusal.reason);
        let method = message.request().map_or("request", |line| line.method);
        if matches!(method, "SUBSCRIBE" | "REGISTER") {
            let uri = message.request().map(|line| line.uri).unwrap_or_default();
            // Anybody can send these, as many as he likes.
            let now = self.now();
            if self.malformed_lines.may_write(now) {
                tracing::info!(
                    "{method} from {} for '{}' refused: {} ({status})",
                    peer.address,
                    quotable(uri),
                    printable(reason.as_bytes())
                );
            }
        } else {
            tracing::debug!("Malformed {method} from {}: {status} {reason}", peer.address);
        }
        if !message.is_answerable() {
            return self.stats().unanswerable.add();
        }
        let via = message.via().ok();
        let tag = via.and_then(|via| via.branch).map(String::from_utf8_lossy);
        let reply_to = via.map_or(peer, |via| reply_address(peer, &via));
        self.stats().refused.add();
        let head = ResponseHead {
            source: peer.address,
            to_tag: tag.as_deref(),
            record_route: false,
            force_rport: false,
        };
        self.write_answer(reply_to, message, (status, reason), head, out, |_| {});
    }

    /// No module serves the method.
    pub(crate) fn nobody_serves(&mut self, request: &Request<'_>, out: &mut Output) {
        let status = if request.in_dialog() || request.method == "CANCEL" { 481 } else { 501 };
        note_refusal(request, Some(&request.endpoint), "no module serves this method", status);
        let allow = self.allow().to_owned();
        self.refuse(request, status, out, |w| {
            w.header("Allow", allow);
        });
    }

    fn open_transaction(&mut self, incoming: &Incoming<'_>, out: &mut Output) -> Option<TransactionId> {
        let key = TransactionKey {
            branch: incoming.via.branch.unwrap_or_default(),
            host: incoming.via.host,
            port: incoming.via.port,
            method: incoming.method,
            call_id: incoming.call_id,
            from_tag: incoming.from.tag().unwrap_or_default(),
            cseq: incoming.cseq,
            in_dialog: incoming.in_dialog(),
        };
        let now = self.now();
        match self.server_transactions().receive(now, &key) {
            Arrival::New(id) => return Some(id),
            Arrival::Answered(bytes) => out.send(incoming.reply_to, bytes),
            Arrival::Pending => {}
            Arrival::Merged => {
                note_refusal(incoming, None, "the same request has come by another way", 482);
                self.refuse(incoming, 482, out, |_| {});
                return None;
            }
        }
        self.stats().retransmissions_in.add();
        None
    }

    fn unsupported(&self, incoming: &Incoming<'_>) -> String {
        let required = incoming.message.values(HeaderName::Require).map(printable);
        let unknown =
            required.filter(|tag| !self.option_tags().iter().any(|known| known.eq_ignore_ascii_case(tag)));
        unknown.collect::<Vec<_>>().join(", ")
    }
}

/// One line for each request that is refused; what a phone wrote cannot make a second one.
pub fn note_refusal(incoming: &Incoming<'_>, endpoint: Option<&Endpoint>, why: &str, status: u16) {
    let who = match endpoint {
        Some(endpoint) => format!("of endpoint '{}'", endpoint.id),
        None => format!("from {}", incoming.peer.address),
    };
    tracing::info!(
        "{} {who} for '{}' refused: {} ({status})",
        quotable(incoming.method.as_bytes()),
        quotable(incoming.uri.text().as_bytes()),
        printable(why.as_bytes())
    );
}

/// Reads what an answer needs; without these there is none.
fn parse<'a>(peer: Peer, message: &RawMessage<'a>) -> Option<Incoming<'a>> {
    let line = message.request()?;
    let via = message.via().ok()?;
    Some(Incoming {
        message: *message,
        method: line.method,
        uri: UriRef::parse(line.uri).ok()?,
        via,
        from: message.from().ok()?,
        to: message.to().ok()?,
        call_id: message.call_id().ok()?,
        cseq: message.cseq().ok()?.seq,
        peer,
        reply_to: reply_address(peer, &via),
        force_rport: false,
        transaction: None,
    })
}

/// By the connection that the request came by, if it did. RFC 3581: with rport to the source port,
/// without to the one in Via. The endpoint's `force_rport`
/// comes later.
fn reply_address(peer: Peer, via: &ViaRef<'_>) -> Peer {
    let mut reply_to = peer;
    if via.rport.is_none() && peer.connection.is_none() {
        reply_to.address.set_port(via.port.unwrap_or(5060));
    }
    reply_to
}

/// Schemes and Contact: what a request may not even ask.
fn check_uris(incoming: &Incoming<'_>) -> Result<(), (u16, &'static str)> {
    let ours = |scheme: &Scheme| matches!(scheme, Scheme::Sip | Scheme::Sips);
    const UNSUPPORTED: (u16, &str) = (416, "Unsupported URI Scheme");
    if !ours(&incoming.uri.scheme) {
        return Err(UNSUPPORTED);
    }
    for address in [&incoming.from, &incoming.to] {
        if !ours(&address.uri.scheme) && address.uri.scheme != Scheme::Tel {
            return Err(UNSUPPORTED);
        }
    }
    if NEEDS_CONTACT.contains(&incoming.method) {
        if incoming.message.header(HeaderName::Contact).is_none() {
            return Err((400, "Missing Contact header"));
        }
        match incoming.message.contact() {
            Ok(contact) if ours(&contact.uri.scheme) => {}
            Ok(_) => return Err(UNSUPPORTED),
            Err(_) => return Err((400, "Bad Contact header")),
        }
    }
    Ok(())
}

/// Bytes of a packet for the quotes of a log line. They cannot end the quotes and then say what else
/// the line should say: whoever bans addresses by the log would ban those that the packet names. Nor can
/// they look like the end of a line's prefix: fail2ban takes the first colon before a blank for that.
pub(crate) fn quotable(bytes: &[u8]) -> String {
    printable(bytes).replace('\'', "\"").replace(": ", "; ")
}

/// Bytes of a packet for a log line or a header.
pub(crate) fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
