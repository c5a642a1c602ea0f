//! `type=global`: settings of the server that are no endpoint's own.

use std::sync::Arc;
use std::time::Duration;

use super::auth::{Algorithm, algorithms};
use super::draft::Draft;
use super::options::Options;
use super::table::{BOOL, Kind, LIST, ObjectType, OptionSpec, TEXT, UINT, YESNO, opt, word};
use super::value::Value;

/// The table of `type=global`.
pub static GLOBAL: ObjectType = ObjectType::new("global", OPTIONS);

const ALGORITHMS: Kind = Kind::Algorithms { lenient: true };
const MARK: Kind = Kind::Number { min: i32::MIN as i64, max: i32::MAX as i64 };

const OPTIONS: &[OptionSpec] = &[
    opt("all_codecs_on_empty_reinvite", BOOL, "no"),
    opt("allow_sending_180_after_183", BOOL, "no"),
    opt("contact_expiration_check_interval", UINT, "30"),
    opt("debug", Kind::NonEmpty, "no"),
    opt("default_auth_algorithms_uac", ALGORITHMS, "MD5"),
    opt("default_auth_algorithms_uas", ALGORITHMS, "MD5"),
    opt("default_from_user", Kind::NonEmpty, "asterisk"),
    opt("default_outbound_endpoint", TEXT, "default_outbound_endpoint"),
    opt("default_realm", TEXT, "asterisk"),
    opt("default_voicemail_extension", TEXT, ""),
    opt("disable_multi_domain", BOOL, "no"),
    opt("endpoint_identifier_order", LIST, "ip,username,anonymous"),
    opt("ignore_uri_user_options", BOOL, "no"),
    opt("keep_alive_interval", UINT, "90"),
    opt("max_forwards", UINT, "70"),
    opt("max_initial_qualify_time", UINT, "0"),
    opt("mwi_disable_initial_unsolicited", BOOL, "no"),
    opt("mwi_tps_queue_high", MARK, "500"),
    opt("mwi_tps_queue_low", MARK, "-1"),
    opt("norefersub", YESNO, "yes"),
    opt("regcontext", TEXT, ""),
    opt("send_contact_status_on_update_registration", YESNO, "no"),
    opt("taskprocessor_overload_trigger", word(&["none", "global", "pjsip_only"]), "global"),
    opt("unidentified_request_count", UINT, "5"),
    opt("unidentified_request_period", UINT, "5"),
    opt("unidentified_request_prune_interval", UINT, "30"),
    opt("use_callerid_contact", YESNO, "no"),
    opt("user_agent", TEXT, ""),
];

/// What makes the server refuse new work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverloadTrigger {
    /// Nothing.
    None,
    /// Any queue of the server.
    Global,
    /// Queues of the SIP stack.
    PjsipOnly,
}

/// Settings of the server that are no endpoint's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Global {
    /// `User-Agent` of requests and `Server` of responses; empty leaves both out.
    pub user_agent: Arc<str>,
    /// `Max-Forwards` of our requests.
    pub max_forwards: u32,
    /// The realm of an auth that names none, and of challenges to strangers.
    pub default_realm: Arc<str>,
    /// The algorithms an auth offers when it names none.
    pub default_auth_algorithms_uas: Vec<Algorithm>,
    /// The algorithms an auth answers with when it names none.
    pub default_auth_algorithms_uac: Vec<Algorithm>,
    /// Identifiers to ask first, in this order.
    pub endpoint_identifier_order: Vec<Arc<str>>,
    /// Whether `user@domain` is never looked up.
    pub disable_multi_domain: bool,
    /// Whether a user part is cut at its first `;` before it is looked up.
    pub ignore_uri_user_options: bool,
    /// How often connections get a keep-alive; zero for never.
    pub keep_alive_interval: Duration,
    /// How often expired contacts are swept.
    pub contact_expiration_check_interval: Duration,
    /// The longest a first qualify is put off; zero for the AOR's own frequency.
    pub max_initial_qualify_time: Duration,
    /// How many requests of an unknown sender within the period are reported.
    pub unidentified_request_count: u32,
    /// The period of `unidentified_request_count`.
    pub unidentified_request_period: Duration,
    /// How often the record of unknown senders is pruned.
    pub unidentified_request_prune_interval: Duration,
    /// The context that online endpoints get an extension in; empty for none.
    pub regcontext: Arc<str>,
    /// Whether a refreshed registration is an event too.
    pub send_contact_status_on_update_registration: bool,
    /// What makes the server refuse new work.
    pub taskprocessor_overload_trigger: OverloadTrigger,
    /// The endpoint that requests to bare URIs are sent as.
    pub default_outbound_endpoint: Arc<str>,
    /// The From user when nothing else is known.
    pub default_from_user: Arc<str>,
    /// The account of message summaries when nothing else is known.
    pub default_voicemail_extension: Arc<str>,
    /// Whether no message summaries are sent unasked at start.
    pub mwi_disable_initial_unsolicited: bool,
    /// `yes`, `no` or a host: what the SIP logger shows at start.
    pub debug: Arc<str>,
    /// Whether `norefersub` is advertised.
    pub norefersub: bool,
    /// Every option, for listings.
    pub options: Options,
}

impl Global {
    /// The settings of a section; `product` is the user agent unless the section names one.
    pub(crate) fn build(draft: &mut Draft<'_>, product: &str) -> Self {
        Self::from_options(draft.options.clone(), product)
    }

    /// The settings without any section.
    pub fn with_product(product: &str) -> Self {
        Self::from_options(Options::new(&GLOBAL), product)
    }

    fn from_options(mut options: Options, product: &str) -> Self {
        if !options.is_set("user_agent") {
            options.replace("user_agent", Value::Text(product.into()));
        }
        let seconds = |name: &str| Duration::from_secs(options.number(name).into());
        let overload = match &*options.text("taskprocessor_overload_trigger") {
            "none" => OverloadTrigger::None,
            "pjsip_only" => OverloadTrigger::PjsipOnly,
            _ => OverloadTrigger::Global,
        };
        Self {
            user_agent: options.text("user_agent"),
            max_forwards: options.number("max_forwards"),
            default_realm: options.text("default_realm"),
            default_auth_algorithms_uas: algorithms(&options, "default_auth_algorithms_uas"),
            default_auth_algorithms_uac: algorithms(&options, "default_auth_algorithms_uac"),
            endpoint_identifier_order: options.list("endpoint_identifier_order"),
            disable_multi_domain: options.flag("disable_multi_domain"),
            ignore_uri_user_options: options.flag("ignore_uri_user_options"),
            keep_alive_interval: seconds("keep_alive_interval"),
            contact_expiration_check_interval: seconds("contact_expiration_check_interval"),
            max_initial_qualify_time: seconds("max_initial_qualify_time"),
            unidentified_request_count: options.number("unidentified_request_count"),
            unidentified_request_period: seconds("unidentified_request_period"),
            unidentified_request_prune_interval: seconds("unidentified_request_prune_interval"),
            regcontext: options.text("regcontext"),
            send_contact_status_on_update_registration: options
                .flag("send_contact_status_on_update_registration"),
            taskprocessor_overload_trigger: overload,
            default_outbound_endpoint: options.text("default_outbound_endpoint"),
            default_from_user: options.text("default_from_user"),
            default_voicemail_extension: options.text("default_voicemail_extension"),
            mwi_disable_initial_unsolicited: options.flag("mwi_disable_initial_unsolicited"),
            debug: options.text("debug"),
            norefersub: options.flag("norefersub"),
            options,
        }
    }
}

/// The settings of a server without a `pjsip.conf`: the product is this software's name.
impl Default for Global {
    fn default() -> Self {
        Self::with_product(concat!("Starling ", env!("CARGO_PKG_VERSION")))
    }
}
