//! The small types: `domain_alias`, `acl`, `inbound-publication`, and those which other parts read
//! by option (`registration`, `outbound-publish`, `asterisk-publication`, `phoneprov`).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::acl::{Acl, NamedAcls};
use super::draft::Draft;
use super::options::Options;
use super::table::{BOOL, Kind, LIST, ObjectType, OptionSpec, Shown, TEXT, UINT, YESNO, opt, word};

/// The table of `type=domain_alias`.
pub static DOMAIN_ALIAS: ObjectType = ObjectType::new("domain_alias", &[opt("domain", TEXT, "")]);

/// The table of `type=acl`.
pub static ACL: ObjectType = ObjectType::new(
    "acl",
    &[
        opt("acl", LIST, "").accumulating(),
        opt("contact_acl", LIST, "").accumulating(),
        opt("contact_deny", Kind::Networks, "").accumulating().listed(Shown::Never),
        opt("contact_permit", Kind::Networks, "").accumulating().listed(Shown::Never),
        opt("deny", Kind::Networks, "").accumulating().listed(Shown::Never),
        opt("permit", Kind::Networks, "").accumulating().listed(Shown::Never),
    ],
);

/// The table of `type=inbound-publication`.
pub static INBOUND_PUBLICATION: ObjectType =
    ObjectType::with_free("inbound-publication", &[opt("endpoint", TEXT, "")], EVENT_PREFIX);

/// The table of `type=registration`.
pub static REGISTRATION: ObjectType = ObjectType::new("registration", REGISTRATION_OPTIONS);

/// The table of `type=outbound-publish`.
pub static OUTBOUND_PUBLISH: ObjectType = ObjectType::new("outbound-publish", PUBLISH_OPTIONS);

/// The table of `type=asterisk-publication`.
pub static ASTERISK_PUBLICATION: ObjectType = ObjectType::new(
    "asterisk-publication",
    &[
        opt("device_state", BOOL, "no"),
        opt("device_state_filter", Kind::Regex, ""),
        opt("devicestate_publish", TEXT, ""),
        opt("mailbox_state", BOOL, "no"),
        opt("mailbox_state_filter", Kind::Regex, ""),
        opt("mailboxstate_publish", TEXT, ""),
    ],
);

/// The table of `type=phoneprov`: any option goes.
pub static PHONEPROV: ObjectType = ObjectType::with_free("phoneprov", &[opt("endpoint", TEXT, "")], "");

const EVENT_PREFIX: &str = "event_";

const REGISTRATION_OPTIONS: &[OptionSpec] = &[
    opt("auth_rejection_permanent", BOOL, "yes"),
    opt("client_uri", Kind::SipUris, ""),
    opt("contact_header_params", TEXT, ""),
    opt("contact_user", TEXT, ""),
    opt("endpoint", TEXT, ""),
    opt("expiration", UINT, "3600"),
    opt("fatal_retry_interval", UINT, "0"),
    opt("forbidden_retry_interval", UINT, "0"),
    opt("line", BOOL, "no"),
    opt("max_random_initial_delay", UINT, "10"),
    opt("max_retries", UINT, "10"),
    opt("outbound_auth", LIST, ""),
    opt("outbound_proxy", TEXT, ""),
    opt("retry_interval", UINT, "60"),
    opt("security_mechanisms", LIST, "").accumulating().listed(Shown::WhenSet),
    opt("security_negotiation", word(&["no", "mediasec"]), "no"),
    opt("server_uri", Kind::SipUris, ""),
    opt("support_outbound", YESNO, "no"),
    opt("support_path", YESNO, "no"),
    opt("transport", TEXT, ""),
    opt("user_agent", TEXT, ""),
];

const PUBLISH_OPTIONS: &[OptionSpec] = &[
    opt("event", TEXT, ""),
    opt("expiration", UINT, "3600"),
    opt("from_uri", Kind::SipUris, ""),
    opt("max_auth_attempts", UINT, "5"),
    opt("multi_user", BOOL, "no"),
    opt("outbound_auth", LIST, ""),
    opt("outbound_proxy", TEXT, ""),
    opt("server_uri", Kind::SipUris, ""),
    opt("to_uri", Kind::SipUris, ""),
    opt("transport", TEXT, ""),
];

/// Another name of a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainAlias {
    /// The section's name: the alias.
    pub id: Arc<str>,
    /// The domain it stands for.
    pub domain: Arc<str>,
    /// Every option, for listings.
    pub options: Options,
}

impl DomainAlias {
    /// The alias of a section.
    pub(crate) fn build(draft: &mut Draft<'_>) -> Self {
        draft.require("domain");
        let options = draft.options.clone();
        Self { id: draft.id(), domain: options.text("domain"), options }
    }
}

/// `type=acl`: who may talk to the server at all.
#[derive(Clone, Debug, PartialEq)]
pub struct AclSection {
    /// The section's name.
    pub id: Arc<str>,
    /// What source addresses must pass.
    pub source: Acl,
    /// What the host of every Contact must pass.
    pub contact: Acl,
    /// Every option, for listings.
    pub options: Options,
}

impl AclSection {
    /// The lists of a section. One with a line that cannot be read denies everyone.
    pub(crate) fn build(draft: &mut Draft<'_>, named: &NamedAcls) -> Self {
        let source = draft.acl(["permit", "deny", "acl"], named);
        let contact = draft.acl(["contact_permit", "contact_deny", "contact_acl"], named);
        let (source, contact) = match draft.is_refused() {
            true => (Acl::deny_all(), Acl::deny_all()),
            false => (source, contact),
        };
        Self { id: draft.id(), source, contact, options: draft.options.clone() }
    }

    /// Whether requests from `source` may pass.
    pub fn allows_source(&self, source: IpAddr) -> bool {
        self.source.allows(source)
    }
}

/// `type=inbound-publication`: who may publish state, and what is done with it.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundPublication {
    /// The section's name, which is the user part that is published to.
    pub id: Arc<str>,
    /// The one endpoint that may publish; `None` for any.
    pub endpoint: Option<Arc<str>>,
    /// Event package to the name of the object that configures its handler.
    pub events: BTreeMap<Arc<str>, Arc<str>>,
    /// Every option, for listings.
    pub options: Options,
}

impl InboundPublication {
    /// The publication of a section.
    pub(crate) fn build(draft: &mut Draft<'_>) -> Self {
        draft.refer("endpoint", "endpoint");
        let options = draft.options.clone();
        let events = options.free().iter().filter_map(|(name, value)| {
            name.get(EVENT_PREFIX.len()..).map(|event| (event.into(), value.clone()))
        });
        Self { id: draft.id(), endpoint: options.some_text("endpoint"), events: events.collect(), options }
    }
}

/// An object that is read by option.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainObject {
    /// The section's name.
    pub id: Arc<str>,
    /// Every option.
    pub options: Options,
}

impl PlainObject {
    /// The object of a section, which must set all of `required`.
    pub(crate) fn build(draft: &mut Draft<'_>, required: &[&str]) -> Self {
        for option in required {
            draft.require(option);
        }
        Self { id: draft.id(), options: draft.options.clone() }
    }
}
