//! `type=endpoint`: someone the server talks with.
//!
//! ```text
//! [alice]
//! type=endpoint
//! context=internal
//! subscribe_context=lamps
//! aors=alice
//! auth=alice
//! permit=192.0.2.0/24
//! ```

use std::fmt;
use std::sync::Arc;

use super::acl::{Acl, NamedAcls};
use super::caller_id::CallerId;
use super::codecs;
use super::draft::Draft;
use super::endpoint_options::OPTIONS;
use super::options::Options;
use super::table::ObjectType;
use super::value::Value;

/// The table of `type=endpoint`.
pub static ENDPOINT: ObjectType = ObjectType::new("endpoint", OPTIONS);

/// A way to tell that a request is an endpoint's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentifyMethod {
    /// By the user of From.
    Username,
    /// By the user name of Authorization.
    AuthUsername,
    /// By the source address.
    Ip,
    /// By a header.
    Header,
    /// By the request URI.
    RequestUri,
}

impl IdentifyMethod {
    const ALL: [Self; 5] = [Self::Username, Self::AuthUsername, Self::Ip, Self::Header, Self::RequestUri];

    /// The word that `identify_by` and `endpoint_identifier_order` use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::AuthUsername => "auth_username",
            Self::Ip => "ip",
            Self::Header => "header",
            Self::RequestUri => "request_uri",
        }
    }
}

impl fmt::Display for IdentifyMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The set of ways in which requests may be told to be an endpoint's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdentifyBy(u8);

impl IdentifyBy {
    /// Whether `method` is in the set.
    pub fn contains(self, method: IdentifyMethod) -> bool {
        self.0 & (1 << method as u8) != 0
    }

    fn of(words: &[Arc<str>]) -> Self {
        let chosen = IdentifyMethod::ALL
            .into_iter()
            .filter(|method| words.iter().any(|word| word.eq_ignore_ascii_case(method.name())));
        Self(chosen.fold(0, |set, method| set | (1 << method as u8)))
    }
}

/// Someone the server talks with.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// The section's name.
    pub id: Arc<str>,
    /// Where its requests look for extensions.
    pub context: Arc<str>,
    /// Where its subscriptions look for hints; [`Endpoint::subscribe_context`] falls back.
    pub subscribe_context: Option<Arc<str>>,
    /// Where its messages look for extensions; [`Endpoint::message_context`] falls back.
    pub message_context: Option<Arc<str>>,
    /// Whether it may subscribe at all.
    pub allow_subscribe: bool,
    /// The shortest subscription it may ask for, in seconds; 0 for any.
    pub sub_min_expiry: u32,
    /// The addresses of record it may register to and is reached at.
    pub aors: Vec<Arc<str>>,
    /// Credentials it must show, any of them; none for no authentication.
    pub auth: Vec<Arc<str>>,
    /// Credentials we show it.
    pub outbound_auth: Vec<Arc<str>>,
    /// How its requests may be told to be its own.
    pub identify_by: IdentifyBy,
    /// The transport that requests to it leave by.
    pub transport: Option<Arc<str>>,
    /// Where requests to it go first.
    pub outbound_proxy: Option<Arc<str>>,
    /// The From user of requests to it.
    pub from_user: Option<Arc<str>>,
    /// The From host of requests to it.
    pub from_domain: Option<Arc<str>>,
    /// The user of our Contact.
    pub contact_user: Option<Arc<str>>,
    /// Whether answers go to where the request came from although it has no `rport` (RFC 3581).
    pub force_rport: bool,
    /// Whether its Contact is replaced by where the request came from.
    pub rewrite_contact: bool,
    /// Whether "ringing while in use" is reported as early, in dialog-info.
    pub notify_early_inuse_ringing: bool,
    /// From how many calls on it is busy; 0 for never.
    pub device_state_busy_at: u32,
    /// Its name and number.
    pub callerid: Option<CallerId>,
    /// Whether its number may be told: a word of RFC 3323 practice such as `prohib`.
    pub callerid_privacy: Arc<str>,
    /// Whether OPTIONS need no authentication.
    pub allow_unauthenticated_options: bool,
    /// Whether `;user=phone` is added when a user is a number.
    pub user_eq_phone: bool,
    /// Its language.
    pub language: Arc<str>,
    /// Mailboxes it is told of unasked.
    pub mailboxes: Vec<Arc<str>>,
    /// Whether all its mailboxes are summed in one message.
    pub aggregate_mwi: bool,
    /// Whether a subscription ends the telling unasked.
    pub mwi_subscribe_replaces_unsolicited: bool,
    /// The From user of message summaries sent unasked.
    pub mwi_from_user: Option<Arc<str>>,
    /// The account that message summaries name.
    pub voicemail_extension: Option<Arc<str>>,
    /// The mailbox that message summaries from it set.
    pub incoming_mwi_mailbox: Option<Arc<str>>,
    /// Variables, each `name=value`.
    pub set_var: Vec<Arc<str>>,
    /// The source addresses its requests may come from.
    pub acl: Acl,
    /// The hosts its contacts may have.
    pub contact_acl: Acl,
    /// Every option, for listings.
    pub options: Options,
}

impl Endpoint {
    /// The endpoint of a section.
    pub(crate) fn build(draft: &mut Draft<'_>, named: &NamedAcls) -> Self {
        draft.refer("aors", "aor");
        draft.refer("auth", "auth");
        draft.refer("outbound_auth", "auth");
        draft.refer("transport", "transport");
        let acl = draft.acl(["permit", "deny", "acl"], named);
        let contact_acl = draft.acl(["contact_permit", "contact_deny", "contact_acl"], named);
        let codecs = codecs_of(draft);
        draft.options.replace("allow", Value::List(codecs));
        Self::from_options(draft.id(), acl, contact_acl, draft.options.clone())
    }

    /// Where its subscriptions look for hints.
    pub fn subscribe_context(&self) -> &str {
        self.subscribe_context.as_ref().unwrap_or(&self.context)
    }

    /// Where its messages look for extensions.
    pub fn message_context(&self) -> &str {
        self.message_context.as_ref().unwrap_or(&self.context)
    }

    fn from_options(id: Arc<str>, acl: Acl, contact_acl: Acl, options: Options) -> Self {
        Self {
            id,
            context: options.text("context"),
            subscribe_context: options.some_text("subscribe_context"),
            message_context: options.some_text("message_context"),
            allow_subscribe: options.flag("allow_subscribe"),
            sub_min_expiry: options.number("sub_min_expiry"),
            aors: options.list("aors"),
            auth: options.list("auth"),
            outbound_auth: options.list("outbound_auth"),
            identify_by: IdentifyBy::of(&options.list("identify_by")),
            transport: options.some_text("transport"),
            outbound_proxy: options.some_text("outbound_proxy"),
            from_user: options.some_text("from_user"),
            from_domain: options.some_text("from_domain"),
            contact_user: options.some_text("contact_user"),
            force_rport: options.flag("force_rport"),
            rewrite_contact: options.flag("rewrite_contact"),
            notify_early_inuse_ringing: options.flag("notify_early_inuse_ringing"),
            device_state_busy_at: options.number("device_state_busy_at"),
            callerid: CallerId::parse(&options.text("callerid")),
            callerid_privacy: options.text("callerid_privacy"),
            allow_unauthenticated_options: options.flag("allow_unauthenticated_options"),
            user_eq_phone: options.flag("user_eq_phone"),
            language: options.text("language"),
            mailboxes: options.list("mailboxes"),
            aggregate_mwi: options.flag("aggregate_mwi"),
            mwi_subscribe_replaces_unsolicited: options.flag("mwi_subscribe_replaces_unsolicited"),
            mwi_from_user: options.some_text("mwi_from_user"),
            voicemail_extension: options.some_text("voicemail_extension"),
            incoming_mwi_mailbox: options.some_text("incoming_mwi_mailbox"),
            set_var: options.list("set_var"),
            acl,
            contact_acl,
            options,
        }
    }
}

/// The codecs that the `allow` and `disallow` lines leave, in order.
fn codecs_of(draft: &Draft<'_>) -> Vec<Arc<str>> {
    let mut chosen = Vec::new();
    for (option, value) in draft.in_order(&["allow", "disallow"]) {
        if let Value::List(items) = value {
            codecs::edit(&mut chosen, items, option == "allow");
        }
    }
    chosen
}
