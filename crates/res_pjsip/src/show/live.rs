//! What listings show of a running server's contacts and endpoints.

use std::borrow::Cow;

use super::{Contact, Runtime};
use crate::location::{Binding, Location, parameters};

/// The [`Runtime`] of a running server.
pub struct Live<'a> {
    /// Where everyone is.
    pub location: &'a Location,
    /// The state of an endpoint as listings write it.
    pub endpoint_state: &'a dyn Fn(&str) -> &'static str,
}

impl Runtime for Live<'_> {
    fn contacts_of(&self, aor: &str) -> Vec<Contact> {
        self.location.contacts_of(aor).iter().map(shown).collect()
    }

    fn contacts(&self) -> Vec<Contact> {
        self.location.contacts().iter().map(shown).collect()
    }

    fn endpoint_state(&self, endpoint: &str) -> Cow<'_, str> {
        Cow::Borrowed((self.endpoint_state)(endpoint))
    }

    fn channels(&self, _endpoint: &str) -> u32 {
        0
    }

    fn contact_parameters(&self, id: &str) -> Vec<(&str, String)> {
        // An AOR's name may hold what separates it from the hash.
        let aor = id.rsplit_once(";@").or_else(|| id.rsplit_once("@@")).map_or(id, |(aor, _)| aor);
        let binding = self.location.contact(aor, id);
        binding.map(|binding| parameters(&binding.contact)).unwrap_or_default()
    }
}

fn shown(binding: &Binding) -> Contact {
    let contact = &binding.contact;
    Contact {
        id: contact.id.to_string(),
        aor: contact.aor.to_string(),
        uri: contact.uri.to_string(),
        status: binding.status(),
        rtt: binding.rtt(),
    }
}
