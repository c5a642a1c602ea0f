//! A contact: an address that a phone is bound to for some time (RFC 3261, 10), and whether it
//! answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use md5::{Digest, Md5};

use crate::config::Aor;
use crate::output::Peer;

/// Whether and how a contact is asked if it is there (options `qualify_*` of its AOR).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Qualify {
    /// How often; zero for never.
    pub frequency: Duration,
    /// How long it has to answer; zero for as long as the transaction lasts.
    pub timeout: Duration,
    /// Whether only a 2xx counts as an answer.
    pub only_2xx: bool,
    /// The option `authenticate_qualify`.
    pub authenticate: bool,
}

impl Qualify {
    /// As an AOR has it.
    pub fn of(aor: &Aor) -> Self {
        Self {
            frequency: aor.qualify_frequency,
            timeout: aor.qualify_timeout,
            only_2xx: aor.qualify_2xx_only,
            authenticate: aor.authenticate_qualify,
        }
    }
}

/// A contact. It never changes: a refresh makes a new one.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// `<aor>;@<MD5 of the URI>`; `<aor>@@<…>` for a permanent one.
    pub id: Arc<str>,
    /// The address of record that it is bound to.
    pub aor: Arc<str>,
    /// Its URI, as it is reached.
    pub uri: Box<str>,
    /// When it ends, in seconds since 1970; never for a permanent one.
    pub expires_at: Option<u64>,
    /// The values of Path (RFC 3327), joined by `, `.
    pub path: Box<str>,
    /// The phone's User-Agent.
    pub user_agent: Box<str>,
    /// Host of the phone's own Via: the last one of the REGISTER.
    pub via_addr: Box<str>,
    /// Port of that Via.
    pub via_port: u16,
    /// Call-ID of the REGISTER.
    pub call_id: Box<str>,
    /// CSeq of the REGISTER; unknown after a restart.
    pub cseq: Option<u32>,
    /// The server that it registered with: the option `systemname`.
    pub reg_server: Box<str>,
    /// The endpoint that registered it; empty for a permanent one.
    pub endpoint: Arc<str>,
    /// Where requests to it go first.
    pub outbound_proxy: Box<str>,
    /// Whether it does not outlive a restart, because its connection does not.
    pub prune_on_boot: bool,
    /// The connection that it registered by; none for UDP, and after a restart.
    pub flow: Option<Peer>,
    /// Whether it is asked.
    pub qualify: Qualify,
}

impl Contact {
    /// A permanent contact of an AOR.
    pub(crate) fn permanent(aor: &Aor, uri: &str) -> Self {
        Self {
            id: format!("{}@@{}", aor.id, hash(uri)).into(),
            aor: aor.id.clone(),
            uri: uri.into(),
            expires_at: None,
            path: "".into(),
            user_agent: "".into(),
            via_addr: "".into(),
            via_port: 0,
            call_id: "".into(),
            cseq: None,
            reg_server: "".into(),
            endpoint: "".into(),
            outbound_proxy: aor.outbound_proxy.as_deref().unwrap_or_default().into(),
            prune_on_boot: false,
            flow: None,
            qualify: Qualify::of(aor),
        }
    }

    /// The id of a contact that registers at `aor`.
    pub(crate) fn id_of(aor: &str, uri: &str) -> Arc<str> {
        format!("{aor};@{}", hash(uri)).into()
    }

    /// Whether it is in the configuration, so that no REGISTER changes it.
    pub fn is_permanent(&self) -> bool {
        self.expires_at.is_none()
    }

    /// Whether it has ended at `now` (seconds since 1970).
    pub fn has_expired(&self, now: u64) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it is asked if it is there.
    pub(crate) fn is_qualified(&self) -> bool {
        !self.qualify.frequency.is_zero()
    }
}

/// Hexadecimal MD5, by which Asterisk names contacts.
fn hash(uri: &str) -> String {
    Md5::digest(uri.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a contact answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactStatus {
    /// It is asked, and the first answer is not in.
    Unknown,
    /// It answered.
    Reachable,
    /// It did not.
    Unreachable,
    /// It is not asked.
    NonQualified,
}

impl ContactStatus {
    /// The word that listings have room for.
    pub fn short(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Reachable => "Avail",
            Self::Unreachable => "Unavail",
            Self::NonQualified => "NonQual",
        }
    }

    /// The whole word, as in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Reachable => "Reachable",
            Self::Unreachable => "Unreachable",
            Self::NonQualified => "NonQualified",
        }
    }

    /// Whether calls and lamps may count on the contact.
    pub fn is_available(self) -> bool {
        matches!(self, Self::Reachable | Self::NonQualified)
    }
}

/// A contact and what is known of it at the moment. Refreshes keep the latter.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The contact.
    pub contact: Arc<Contact>,
    live: Arc<Live>,
}

impl Binding {
    /// A contact of which nothing is known yet.
    pub(crate) fn new(contact: Contact) -> Self {
        let status =
            if contact.is_qualified() { ContactStatus::Unknown } else { ContactStatus::NonQualified };
        let live = Live(AtomicU64::new(Live::pack(status, None)));
        Self { contact: Arc::new(contact), live: Arc::new(live) }
    }

    /// The same binding with a new contact; what is known of it stays, as far as it is still asked.
    pub(crate) fn with(&self, contact: Contact) -> Self {
        if contact.is_qualified() == self.contact.is_qualified() {
            Self { contact: Arc::new(contact), live: self.live.clone() }
        } else {
            Self::new(contact)
        }
    }

    /// Whether it answers.
    pub fn status(&self) -> ContactStatus {
        self.live.read().0
    }

    /// How long its last answer took, if it is known.
    pub fn rtt(&self) -> Option<Duration> {
        self.live.read().1
    }

    /// Sets both; gives the status before.
    pub(crate) fn set_status(&self, status: ContactStatus, rtt: Option<Duration>) -> ContactStatus {
        Live::unpack(self.live.0.swap(Live::pack(status, rtt), Ordering::AcqRel)).0
    }
}

/// Status and round trip time in one word, so that readers see both of one moment.
#[derive(Debug)]
struct Live(AtomicU64);

impl Live {
    /// The bits below the status; all set when the time is not known.
    const UNKNOWN: u64 = (1 << 56) - 1;
    const STATUSES: [ContactStatus; 4] = [
        ContactStatus::Unknown,
        ContactStatus::Reachable,
        ContactStatus::Unreachable,
        ContactStatus::NonQualified,
    ];

    fn pack(status: ContactStatus, rtt: Option<Duration>) -> u64 {
        let micros = rtt.map_or(Self::UNKNOWN, |rtt| (rtt.as_micros() as u64).min(Self::UNKNOWN - 1));
        (status as u64) << 56 | micros
    }

    fn unpack(word: u64) -> (ContactStatus, Option<Duration>) {
        let status = Self::STATUSES.get((word >> 56) as usize).copied();
        let micros = word & Self::UNKNOWN;
        let rtt = (micros != Self::UNKNOWN).then(|| Duration::from_micros(micros));
        (status.unwrap_or(ContactStatus::Unknown), rtt)
    }

    fn read(&self) -> (ContactStatus, Option<Duration>) {
        Self::unpack(self.0.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_asterisk() {
        let id = Contact::id_of("alice", "sip:alice@127.0.0.1:42596");
        assert_eq!(&*id, "alice;@ce458f35fb7cce96104aef88b44ae4ff");
    }

    #[test]
    fn status_and_round_trip_time_share_a_word() {
        for status in Live::STATUSES {
            for rtt in [None, Some(Duration::ZERO), Some(Duration::from_micros(1_234_567))] {
                assert_eq!(Live::unpack(Live::pack(status, rtt)), (status, rtt));
            }
        }
    }
}
