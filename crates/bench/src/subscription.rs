//! One lamp's subscription, as the phone sees it (RFC 6665 section 4.1).

use std::net::SocketAddr;
use std::time::Duration;

use memchr::memmem;
use sip::{HeaderName, RawMessage, WriteError, Writer};

use crate::lamp::{Lamp, Package, ReadLamp};
use crate::login::Login;

/// How long a subscription is asked for; who keeps it longer renews it in time.
pub const EXPIRES: Duration = Duration::from_secs(3600);

/// Who watches what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// User in From: the endpoint's name.
    pub user: String,
    /// The extension.
    pub extension: String,
    /// How it is told about it.
    pub package: Package,
    /// The password of the user, if it has one.
    pub password: Option<String>,
}

/// What a message meant to a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// New: what the lamp showed before and shows now.
    Changed(Option<Lamp>, Option<Lamp>),
    /// A NOTIFY that had been heard before.
    Repeated,
    /// Of another dialog.
    Stranger,
}

/// Where a subscription is in its life.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) watch: Watch,
    /// Which socket the phone uses.
    pub(crate) socket: usize,
    /// What the lamp shows; `None` while it is not known.
    pub(crate) lamp: Option<Lamp>,
    /// The last SUBSCRIBE was answered by 2xx.
    pub(crate) accepted: bool,
    /// The status of the last SUBSCRIBE if it was refused.
    pub(crate) refused: Option<u16>,
    /// The server ended it.
    pub(crate) ended: bool,
    call_id: String,
    cseq: u32,
    /// CSeq of the newest NOTIFY.
    remote_cseq: Option<u32>,
    remote_tag: Vec<u8>,
    login: Login,
    /// The current SUBSCRIBE was challenged and has to be written anew.
    again: bool,
}

impl Subscription {
    /// The `index`-th subscription of a run; Call-ID and tag are made of both, so that a message
    /// names its subscription.
    pub(crate) fn new(watch: Watch, socket: usize, index: usize, run: &str) -> Self {
        Self {
            watch,
            socket,
            lamp: None,
            accepted: false,
            refused: None,
            ended: false,
            call_id: format!("{index}-{run}"),
            cseq: 0,
            remote_cseq: None,
            remote_tag: Vec::new(),
            login: Login::default(),
            again: false,
        }
    }

    /// Begins a new SUBSCRIBE: the first, or a refresh.
    pub(crate) fn renew(&mut self, server: SocketAddr) {
        self.cseq += 1;
        self.accepted = false;
        self.refused = None;
        self.log_in(server);
    }

    /// Whether the current SUBSCRIBE was challenged and must be sent anew; true once.
    pub(crate) fn take_again(&mut self) -> bool {
        std::mem::take(&mut self.again)
    }

    /// Whether the SUBSCRIBE is over: refused, or accepted and the state told.
    pub(crate) fn is_settled(&self) -> bool {
        self.refused.is_some() || (self.accepted && self.remote_cseq.is_some())
    }

    /// Writes the current SUBSCRIBE, the same each time.
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        server: SocketAddr,
        own: SocketAddr,
    ) -> Result<(), WriteError> {
        let Watch { user, extension, package, .. } = &self.watch;
        let Self { call_id, cseq, .. } = self;
        let remote = format!("sip:{extension}@{}", server.ip());
        let mut writer = Writer::request(out, "SUBSCRIBE", self.uri(server));
        writer
            .header("Via", format!("SIP/2.0/UDP {own};rport;branch=z9hG4bK{call_id}-{cseq}"))
            .header("Max-Forwards", "70")
            .header("From", format!("<sip:{user}@{}>;tag={call_id}", server.ip()));
        if self.remote_tag.is_empty() {
            writer.header("To", format!("<{remote}>"));
        } else {
            let mut to = format!("<{remote}>;tag=").into_bytes();
            to.extend_from_slice(&self.remote_tag);
            writer.header("To", to);
        }
        writer
            .header("Call-ID", call_id)
            .header("CSeq", format!("{cseq} SUBSCRIBE"))
            .header("Contact", format!("<sip:{user}@{own}>"))
            .header("Event", package.name())
            .header("Accept", package.accept())
            .header("Expires", EXPIRES.as_secs().to_string());
        if let Some(authorization) = self.login.authorization() {
            writer.header("Authorization", authorization);
        }
        writer.finish(None)
    }

    /// Takes the answer to a SUBSCRIBE; false if it is not the current one's.
    pub(crate) fn answered(&mut self, answer: &RawMessage<'_>, server: SocketAddr) -> bool {
        let (Some(status), Ok(cseq), Ok(to)) = (answer.status(), answer.cseq(), answer.to()) else {
            return false;
        };
        if !self.is_named_by(answer) || cseq.method != "SUBSCRIBE" || cseq.seq != self.cseq {
            return false;
        }
        match status {
            100..200 => {}
            200..300 => {
                self.accepted = true;
                self.remote_tag = to.tag().unwrap_or_default().to_vec();
            }
            401 if self.login.challenged(answer) => {
                self.cseq += 1;
                self.log_in(server);
                self.again = true;
            }
            _ => self.refused = Some(status),
        }
        true
    }

    /// Takes a NOTIFY.
    pub(crate) fn notified(&mut self, notify: &RawMessage<'_>, read: ReadLamp) -> Heard {
        let Ok(cseq) = notify.cseq() else {
            return Heard::Stranger;
        };
        if !self.is_named_by(notify) || !has_tag(notify.header(HeaderName::To), &self.call_id) {
            return Heard::Stranger;
        }
        if self.remote_cseq.is_some_and(|newest| cseq.seq <= newest) {
            return Heard::Repeated;
        }
        self.remote_cseq = Some(cseq.seq);
        let state = notify.header(HeaderName::SubscriptionState).unwrap_or_default();
        self.ended = state.starts_with(b"terminated");
        let before = self.lamp;
        self.lamp = if self.ended { None } else { read(self.watch.package, notify.body()) };
        Heard::Changed(before, self.lamp)
    }

    fn log_in(&mut self, server: SocketAddr) {
        let uri = self.uri(server);
        self.login.next(&self.watch.user, self.watch.password.as_deref(), "SUBSCRIBE", &uri);
    }

    fn uri(&self, server: SocketAddr) -> String {
        format!("sip:{}@{server}", self.watch.extension)
    }

    fn is_named_by(&self, message: &RawMessage<'_>) -> bool {
        message.call_id() == Ok(self.call_id.as_bytes())
    }
}

/// The index in a Call-ID of ours.
pub(crate) fn index(call_id: &[u8]) -> Option<usize> {
    let digits = call_id.split(|b| *b == b'-').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Writes the answer to a NOTIFY or another request: 200, or 481 if there is no such subscription. As a phone that does
/// not know RFC 3581 it copies Via unread; sent-by on loopback is where the request came from.
pub(crate) fn answer(out: &mut Vec<u8>, request: &RawMessage<'_>, known: bool) {
    let status = if known { "SIP/2.0 200 OK\r\n" } else { "SIP/2.0 481 Call/Transaction Does Not Exist\r\n" };
    out.extend_from_slice(status.as_bytes());
    for (name, written, value) in request.headers() {
        use HeaderName::{CSeq, CallId, From, To, Via};
        if matches!(name, Via | From | To | CallId | CSeq) {
            for part in [written, b": ", value, b"\r\n"] {
                out.extend_from_slice(part);
            }
        }
    }
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
}

/// Whether the tag of From or To is `wanted`; quoted names with tags in them do not come here.
fn has_tag(address: Option<&[u8]>, wanted: &str) -> bool {
    let tag = address.and_then(|text| text.get(memmem::rfind(text, b";tag=")? + 5..));
    tag.and_then(|tag| tag.strip_prefix(wanted.as_bytes()))
        .is_some_and(|rest| matches!(rest, [] | [b';' | b' ', ..]))
}

#[cfg(test)]
mod tests;
