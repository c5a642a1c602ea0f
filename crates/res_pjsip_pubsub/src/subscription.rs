//! One subscription: what a NOTIFY needs, in as few bytes as it takes.

use std::sync::Arc;
use std::time::Duration;

use res_pjsip::Peer;
use res_pjsip::config::Endpoint;
use sip::{Dialog, Millis};

use crate::resource::ResourceId;
use crate::service::{NotifyAnswer, Pending, WatcherInfo};

/// Why a subscription ends (RFC 6665 4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It expired, was ended by the phone, or was a fetch.
    Timeout,
    /// The resource is gone.
    NoResource,
    /// Its watcher may not subscribe any more.
    Rejected,
    /// The transport that it came by closes; the phone may subscribe again at once.
    Deactivated,
}

impl Reason {
    /// The value of the `reason` parameter.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::NoResource => "noresource",
            Self::Rejected => "rejected",
            Self::Deactivated => "deactivated",
        }
    }
}

/// See the module's description.
pub(crate) struct Subscription {
    /// Tells this subscription from a former one with the same index.
    pub(crate) generation: u32,
    /// The dialog.
    pub(crate) dialog: Dialog,
    /// The watcher.
    pub(crate) endpoint: Arc<Endpoint>,
    /// The event package, as in the Event header without parameters.
    pub(crate) event: Arc<str>,
    /// `id` parameter of Event and the header's exact text, resource, local and remote URI.
    pub(crate) texts: Texts,
    /// User-Agent of the first SUBSCRIBE in lower case; shared by all phones of one kind.
    pub(crate) user_agent: Arc<str>,
    /// What the body is made of: a media type, never code.
    pub(crate) media_type: Arc<str>,
    /// What it watches.
    pub(crate) resource: ResourceId,
    /// Its place in the resource's watchers.
    pub(crate) place: u32,
    /// Where NOTIFYs go.
    pub(crate) peer: Peer,
    /// Where they go if nobody answers there (RFC 3263 4.3), the best one last.
    pub(crate) alternatives: Vec<Peer>,
    /// Where they go is being looked up: until then none is sent.
    pub(crate) locating: bool,
    /// The connection of `peer` is gone, or could not be opened.
    pub(crate) lost: bool,
    /// When connecting to the phone is tried again.
    pub(crate) retry_at: Millis,
    /// When it ends without a refresh.
    pub(crate) expires_at: Millis,
    /// When its expiry timer fires; an earlier deadline needs a new timer, a later one not.
    pub(crate) armed_for: Millis,
    /// Seconds granted last; a refresh without Expires gets them again.
    pub(crate) granted: u32,
    /// Version of the next body.
    pub(crate) version: u32,
    /// When the last NOTIFY was sent.
    pub(crate) notified_at: Millis,
    /// What became of it.
    pub(crate) answer: NotifyAnswer,
    /// A NOTIFY waits for its answer.
    pub(crate) in_flight: bool,
    /// The state that the phone knows is older than the resource's, or it must hear of its end.
    pub(crate) dirty: bool,
    /// It stands in the queue of those to be notified.
    pub(crate) queued: bool,
    /// No body can be made until the event package or a generator for the media type is back.
    pub(crate) waiting: bool,
    /// It ends with the next NOTIFY.
    pub(crate) ending: Option<Reason>,
    /// The NOTIFY that ends it has been sent.
    pub(crate) ended: bool,
}

impl Subscription {
    /// Whole seconds until it ends.
    pub(crate) fn seconds_left(&self, now: Millis) -> u64 {
        self.expires_at.saturating_sub(now) / 1000
    }

    /// What its phone knows, and what is on the way to it. `package`: whether there is a module of its event.
    pub(crate) fn explain(&self, now: Millis, package: bool) -> WatcherInfo {
        WatcherInfo {
            endpoint: self.endpoint.clone(),
            event: self.event.clone(),
            media_type: self.media_type.clone(),
            call_id: String::from_utf8_lossy(self.dialog.call_id()).into_owned(),
            expiry: self.seconds_left(now),
            notified: Duration::from_millis(now.saturating_sub(self.notified_at)),
            cseq: self.dialog.local_cseq(),
            version: self.version.checked_sub(1),
            answer: self.answer,
            pending: match (self.waiting, self.in_flight, self.dirty) {
                _ if self.locating => Pending::Address,
                (true, _, _) if !package => Pending::Package,
                (true, _, _) => Pending::Generator,
                (_, false, true) if self.lost => Pending::Connection,
                (_, true, true) => Pending::NewerState,
                (_, true, false) => Pending::Answer,
                (_, false, true) => Pending::Turn,
                (_, false, false) => Pending::Nothing,
            },
        }
    }

    /// Whether no NOTIFY may be sent now.
    pub(crate) fn is_busy(&self) -> bool {
        self.in_flight || self.locating
    }

    /// Whether requests inside the dialog still reach it.
    pub(crate) fn is_alive(&self) -> bool {
        self.ending.is_none()
    }
}

/// Several short texts in one allocation.
pub(crate) struct Texts {
    all: Box<str>,
    ends: [u16; 4],
}

impl Texts {
    /// Packs the texts; none if they are longer than any sane phone's (64 KiB).
    pub(crate) fn pack(event: &str, resource: &str, local: &str, remote: &str, domain: &str) -> Option<Self> {
        let mut all =
            String::with_capacity([event, resource, local, remote, domain].map(str::len).iter().sum());
        let mut ends = [0; 4];
        for (end, text) in ends.iter_mut().zip([event, resource, local, remote]) {
            all.push_str(text);
            *end = u16::try_from(all.len()).ok()?;
        }
        all.push_str(domain);
        Some(Self { all: all.into(), ends })
    }

    /// The value of the Event header, as the phone wrote it.
    pub(crate) fn event_header(&self) -> &str {
        self.part(0)
    }

    /// The user part that was asked for.
    pub(crate) fn resource(&self) -> &str {
        self.part(1)
    }

    /// URI of the resource: the Request-URI.
    pub(crate) fn local(&self) -> &str {
        self.part(2)
    }

    /// URI of the watcher, without port.
    pub(crate) fn remote(&self) -> &str {
        self.part(3)
    }

    /// Host of the local URI of the dialog.
    pub(crate) fn domain(&self) -> &str {
        self.part(4)
    }

    fn part(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| usize::from(self.ends[before]));
        let end = self.ends.get(index).map_or(self.all.len(), |end| usize::from(*end));
        &self.all[start..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_went_in() {
        let texts = Texts::pack("presence;id=7", "1000", "sip:1000@pbx", "sip:alice@pbx", "pbx").unwrap();
        assert_eq!(texts.event_header(), "presence;id=7");
        assert_eq!(texts.resource(), "1000");
        assert_eq!(texts.local(), "sip:1000@pbx");
        assert_eq!(texts.remote(), "sip:alice@pbx");
        assert_eq!(texts.domain(), "pbx");
        assert!(Texts::pack(&"x".repeat(70_000), "", "", "", "").is_none());
    }
}
