//! What listings need to know of a running server.

use std::borrow::Cow;
use std::time::Duration;

use crate::location::ContactStatus;

/// What a running server knows and its configuration does not.
pub trait Runtime {
    /// The contacts of an address of record, permanent ones too, in the order they are to be shown.
    fn contacts_of(&self, aor: &str) -> Vec<Contact>;

    /// All contacts, also those of addresses that are no longer configured.
    fn contacts(&self) -> Vec<Contact>;

    /// The state of an endpoint as listings write it: `Not in use`, `Unavailable`, …
    fn endpoint_state(&self, endpoint: &str) -> Cow<'_, str>;

    /// How many calls an endpoint is on.
    fn channels(&self, endpoint: &str) -> u32;

    /// The parameters of a contact, sorted by name; `id` is [`Contact::id`].
    fn contact_parameters(&self, id: &str) -> Vec<(&str, String)> {
        let _ = id;
        Vec::new()
    }
}

/// The [`Runtime`] of a server on which nobody is: no contacts, endpoints invalid.
#[derive(Clone, Copy, Debug, Default)]
pub struct Idle;

impl Runtime for Idle {
    fn contacts_of(&self, _aor: &str) -> Vec<Contact> {
        Vec::new()
    }

    fn contacts(&self) -> Vec<Contact> {
        Vec::new()
    }

    fn endpoint_state(&self, _endpoint: &str) -> Cow<'_, str> {
        Cow::Borrowed("Invalid")
    }

    fn channels(&self, _endpoint: &str) -> u32 {
        0
    }
}

/// A contact as listings show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// `<aor>;@<hash>`, or `<aor>@@<hash>` for a permanent one.
    pub id: String,
    /// The address of record it is bound to.
    pub aor: String,
    /// Its URI.
    pub uri: String,
    /// Whether it answers.
    pub status: ContactStatus,
    /// How long its last answer took, if it is known.
    pub rtt: Option<Duration>,
}

impl Contact {
    /// The hexadecimal hash that its id ends in.
    pub(crate) fn hash(&self) -> &str {
        self.id.rsplit_once('@').map_or(&*self.id, |(_, hash)| hash)
    }
}
