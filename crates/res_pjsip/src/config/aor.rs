//! `type=aor`: an address of record, the place where contacts are bound (RFC 3261, 10).

use std::sync::Arc;
use std::time::Duration;

use super::draft::Draft;
use super::options::Options;
use super::table::{BOOL, Kind, LIST, ObjectType, OptionSpec, TEXT, UINT, opt};

/// The table of `type=aor`.
pub static AOR: ObjectType = ObjectType::new("aor", OPTIONS);

const FREQUENCY: Kind = Kind::Number { min: 0, max: 86_400 };

const OPTIONS: &[OptionSpec] = &[
    opt("authenticate_qualify", BOOL, "no"),
    opt("contact", Kind::SipUris, "").accumulating(),
    opt("default_expiration", UINT, "3600"),
    opt("mailboxes", LIST, ""),
    opt("max_contacts", UINT, "0"),
    opt("maximum_expiration", UINT, "7200"),
    opt("minimum_expiration", UINT, "60"),
    opt("outbound_proxy", TEXT, ""),
    opt("qualify_2xx_only", BOOL, "no"),
    opt("qualify_frequency", FREQUENCY, "0"),
    opt("qualify_timeout", Kind::Decimal, "3.0"),
    opt("remove_existing", BOOL, "no"),
    opt("remove_unavailable", BOOL, "no"),
    opt("support_path", BOOL, "no"),
    opt("voicemail_extension", TEXT, ""),
];

/// An address of record.
#[derive(Clone, Debug, PartialEq)]
pub struct Aor {
    /// The section's name.
    pub id: Arc<str>,
    /// Permanent contacts, each a SIP or SIPS URI.
    pub contacts: Vec<Arc<str>>,
    /// How many contacts may register; 0 refuses registration. Permanent ones do not count.
    pub max_contacts: u32,
    /// Whether a new contact takes the place of old ones when there are too many.
    pub remove_existing: bool,
    /// Whether contacts that do not answer make room first.
    pub remove_unavailable: bool,
    /// Lifetime of a contact that asks for none, in seconds.
    pub default_expiration: u32,
    /// The shortest lifetime granted, in seconds.
    pub minimum_expiration: u32,
    /// The longest lifetime granted, in seconds.
    pub maximum_expiration: u32,
    /// How often contacts are asked whether they are there; zero for never.
    pub qualify_frequency: Duration,
    /// How long they have to answer; zero for as long as the transaction lasts.
    pub qualify_timeout: Duration,
    /// Whether only a 2xx counts as an answer.
    pub qualify_2xx_only: bool,
    /// Whether a challenge to a qualify is answered.
    pub authenticate_qualify: bool,
    /// Mailboxes whose state may be watched at this address.
    pub mailboxes: Vec<Arc<str>>,
    /// The account that message summaries name.
    pub voicemail_extension: Option<Arc<str>>,
    /// Where requests to the contacts go first.
    pub outbound_proxy: Option<Arc<str>>,
    /// Whether `Path` is kept and used (RFC 3327).
    pub support_path: bool,
    /// Every option, for listings.
    pub options: Options,
}

impl Aor {
    /// The address of a section.
    pub(crate) fn build(draft: &mut Draft<'_>) -> Self {
        let options = draft.options.clone();
        let timeout = Duration::try_from_secs_f64(options.decimal("qualify_timeout"));
        Self {
            id: draft.id(),
            contacts: options.list("contact"),
            max_contacts: options.number("max_contacts"),
            remove_existing: options.flag("remove_existing"),
            remove_unavailable: options.flag("remove_unavailable"),
            default_expiration: options.number("default_expiration"),
            minimum_expiration: options.number("minimum_expiration"),
            maximum_expiration: options.number("maximum_expiration"),
            qualify_frequency: Duration::from_secs(options.number("qualify_frequency").into()),
            qualify_timeout: timeout.unwrap_or(Duration::MAX),
            qualify_2xx_only: options.flag("qualify_2xx_only"),
            authenticate_qualify: options.flag("authenticate_qualify"),
            mailboxes: options.list("mailboxes"),
            voicemail_extension: options.some_text("voicemail_extension"),
            outbound_proxy: options.some_text("outbound_proxy"),
            support_path: options.flag("support_path"),
            options,
        }
    }
}
