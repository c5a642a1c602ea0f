//! An object of any kind: its name, its rows, its parameters.

use super::rows::{self, Rows};
use super::{Contact, Objects, Runtime};
use crate::config::{Aor, Auth, Endpoint, Identify, Options, PjsipConfig, Transport};

/// An object that is listed.
pub(super) enum Object<'a> {
    Endpoint(&'a Endpoint),
    Aor(&'a Aor),
    Auth(&'a Auth),
    Transport(&'a Transport),
    Identify(&'a Identify),
    Contact(Contact),
}

impl<'a> Object<'a> {
    /// All objects of a kind, sorted by name.
    pub(super) fn all(objects: Objects, config: &'a PjsipConfig, runtime: &dyn Runtime) -> Vec<Self> {
        let mut all: Vec<Self> = match objects {
            Objects::Endpoints => config.endpoints.values().map(|it| Self::Endpoint(it)).collect(),
            Objects::Aors => config.aors.values().map(|it| Self::Aor(it)).collect(),
            Objects::Auths => config.auths.values().map(|it| Self::Auth(it)).collect(),
            Objects::Transports => config.transports.iter().map(|it| Self::Transport(it)).collect(),
            Objects::Identifies => config.identifies.iter().map(|it| Self::Identify(it)).collect(),
            Objects::Contacts => runtime.contacts().into_iter().map(Self::Contact).collect(),
        };
        all.sort_by(|one, other| one.id().cmp(other.id()));
        all
    }

    /// Its name.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Endpoint(endpoint) => &endpoint.id,
            Self::Aor(aor) => &aor.id,
            Self::Auth(auth) => &auth.id,
            Self::Transport(transport) => &transport.id,
            Self::Identify(identify) => &identify.id,
            Self::Contact(contact) => &contact.id,
        }
    }

    /// Adds its row, and with `parts` the rows of what belongs to it and a blank line.
    pub(super) fn add_to(&self, rows: &mut Rows<'_>, parts: bool) {
        match self {
            Self::Endpoint(endpoint) => {
                rows.endpoint(endpoint);
                if parts {
                    rows.parts_of(endpoint);
                    rows.blank();
                }
            }
            Self::Aor(aor) => {
                rows.aor(0, aor);
                if parts {
                    rows.contacts_of(1, aor);
                    rows.blank();
                }
            }
            Self::Identify(identify) => {
                rows.identify(0, identify);
                if parts {
                    rows.criteria(1, identify);
                    rows.blank();
                }
            }
            Self::Auth(auth) => rows.auth(0, "Auth", auth),
            Self::Transport(transport) => rows.transport(0, transport),
            Self::Contact(contact) => rows.contact(0, contact),
        }
    }

    /// Its parameters, sorted by name. The contacts of an address are those it has now.
    pub(super) fn parameters<'b>(&'b self, runtime: &'b dyn Runtime) -> Vec<(&'b str, String)> {
        match self {
            Self::Contact(contact) => runtime.contact_parameters(&contact.id),
            Self::Aor(aor) => {
                let mut shown = aor.options.shown();
                if let Some((_, value)) = shown.iter_mut().find(|(name, _)| *name == "contact") {
                    let contacts = runtime.contacts_of(&aor.id).into_iter();
                    *value = contacts.map(|it| it.uri).collect::<Vec<_>>().join(",");
                }
                shown
            }
            other => other.options().map(Options::shown).unwrap_or_default(),
        }
    }

    fn options(&self) -> Option<&Options> {
        match self {
            Self::Endpoint(endpoint) => Some(&endpoint.options),
            Self::Aor(aor) => Some(&aor.options),
            Self::Auth(auth) => Some(&auth.options),
            Self::Transport(transport) => Some(&transport.options),
            Self::Identify(identify) => Some(&identify.options),
            Self::Contact(_) => None,
        }
    }
}

/// The heads of a list, with those of what belongs to its objects if `parts` are shown.
pub(super) fn heads(objects: Objects, parts: bool) -> String {
    let mut heads = match objects {
        Objects::Endpoints => rows::endpoint_head(),
        Objects::Aors => rows::aor_head(0),
        Objects::Auths => rows::auth_head(0),
        Objects::Transports => rows::transport_head(0),
        Objects::Identifies => rows::identify_head(0),
        Objects::Contacts => rows::contact_head(0),
    };
    match objects {
        Objects::Endpoints if parts => {
            heads += &rows::auth_head(1);
            heads += &rows::aor_head(1);
            heads += &rows::contact_head(2);
            heads += &rows::transport_head(1);
            heads += &rows::identify_head(1);
            heads += &rows::match_head(2);
        }
        Objects::Aors if parts => heads += &rows::contact_head(1),
        Objects::Identifies if parts => heads += &rows::match_head(1),
        _ => {}
    }
    heads
}
