//! What an option table is made of.
//!
//! Every object type of `pjsip.conf` is one static [`ObjectType`]: its name and its options, sorted
//! by name. Reading a section, listing an object's parameters and writing the documentation all
//! walk the same table, so an option cannot be accepted and not shown, or shown with a default that
//! is not the one in force.
//!
//! ```
//! use res_pjsip::config::endpoint::ENDPOINT;
//!
//! let option = ENDPOINT.option("Sub_Min_Expiry").expect("names are case-insensitive");
//! assert_eq!(option.default, "0");
//! ```

use std::sync::OnceLock;

use super::value::Value;

/// How a yes/no option is written in listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagStyle {
    /// `true` / `false`
    TrueFalse,
    /// `yes` / `no`
    YesNo,
    /// `Yes` / `No`
    Capital,
}

/// What values an option takes, how they are read and how they are shown.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Yes or no; a word that is neither counts as no and is warned about.
    Flag(FlagStyle),
    /// `dtls_verify`: yes, no, or which half of the check to do.
    DtlsVerify,
    /// A whole number in a range, in C notation (`0x` hexadecimal, leading `0` octal).
    Number {
        /// The smallest value allowed.
        min: i64,
        /// The largest value allowed.
        max: i64,
    },
    /// Seconds with a fraction, not negative.
    Decimal,
    /// Any text.
    Text,
    /// Any text but none.
    NonEmpty,
    /// Characters that may stand unescaped in the user part of a SIP URI.
    UriUser,
    /// A comma list of anything.
    List,
    /// A comma list shown with a blank after each comma (`cipher`).
    SpacedList,
    /// One of a few words. Several spellings of one meaning are shown as one.
    Word {
        /// The words as they are shown.
        words: &'static [&'static str],
        /// Other spellings: what is written, what it is shown as.
        aliases: &'static [(&'static str, &'static str)],
    },
    /// A comma list of a few words.
    WordList(&'static [&'static str]),
    /// Addresses and networks: `10.1.1.1`, `10.0.0.0/8`, `!10.0.0.0/255.0.0.0`.
    Networks,
    /// `match` of an identify: networks and host names, each with `!` and a port if wanted.
    Matches,
    /// `Name: value` or `Name: /regex/`.
    HeaderMatch,
    /// A literal or `/regex/`.
    Pattern,
    /// A regular expression.
    Regex,
    /// Codec names: `!all,ulaw,alaw`.
    Codecs,
    /// `prefer:pending, operation:union, keep:all, transcode:allow`, each part optional.
    CodecPreferences,
    /// Type of service: a number or the name of a DSCP class.
    Tos,
    /// A comma list of SIP URIs.
    SipUris,
    /// Digest algorithm names. `lenient` turns a wrong name into a warning and MD5.
    Algorithms {
        /// Whether a wrong name is only warned about.
        lenient: bool,
    },
    /// `algorithm:hex` pairs.
    Digests,
    /// One `name=value`.
    Variable,
    /// An address with or without a port.
    Address,
    /// `"Name" <number>`.
    CallerId,
}

/// When an option appears in a parameter listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Always.
    Always,
    /// Only when the configuration sets it to something.
    WhenSet,
    /// Never: it edits what another option shows.
    Never,
}

/// One option of an object type.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// Its name, lower case.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Its default, written as it would be in the file.
    pub default: &'static str,
    /// Whether every occurrence adds to the ones before; if not, the last one wins.
    pub accumulates: bool,
    /// When it is listed.
    pub shown: Shown,
}

impl OptionSpec {
    /// This option, with every occurrence adding to the ones before.
    pub(crate) const fn accumulating(self) -> Self {
        Self { accumulates: true, ..self }
    }

    /// Whether its value must not appear in logs.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.name, "password" | "password_digest" | "md5_cred" | "refresh_token" | "oauth_secret")
    }

    /// This option, listed as `shown` says.
    pub(crate) const fn listed(self, shown: Shown) -> Self {
        Self { shown, ..self }
    }
}

/// One `type=` of `pjsip.conf`.
#[derive(Debug)]
pub struct ObjectType {
    /// The word after `type=`.
    pub name: &'static str,
    /// Its options, sorted by name.
    pub options: &'static [OptionSpec],
    /// Options that begin with this are kept as they are although the table does not name them
    /// (`event_<package>` of an inbound publication; `""` for a phone's provisioning variables).
    pub free_prefix: Option<&'static str>,
    defaults: OnceLock<Vec<Value>>,
}

impl ObjectType {
    /// An object type named `name` with the options `options`, which are sorted by name.
    pub(crate) const fn new(name: &'static str, options: &'static [OptionSpec]) -> Self {
        Self { name, options, free_prefix: None, defaults: OnceLock::new() }
    }

    /// As [`ObjectType::new`], with free options that begin with `prefix`.
    pub(crate) const fn with_free(
        name: &'static str,
        options: &'static [OptionSpec],
        prefix: &'static str,
    ) -> Self {
        Self { name, options, free_prefix: Some(prefix), defaults: OnceLock::new() }
    }

    /// The option of this name, in any case.
    pub fn option(&self, name: &str) -> Option<&'static OptionSpec> {
        self.position(name).and_then(|at| self.options.get(at))
    }

    /// Where the option of this name, in any case, is in the table.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        let wanted = || name.bytes().map(|byte| byte.to_ascii_lowercase());
        self.options.binary_search_by(|spec| spec.name.bytes().cmp(wanted())).ok()
    }

    /// Whether an option that the table does not name is kept as it is.
    pub(crate) fn is_free(&self, name: &str) -> bool {
        self.free_prefix.is_some_and(|prefix| {
            name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        })
    }

    /// The default of each option, in table order.
    pub(crate) fn defaults(&self) -> &[Value] {
        self.defaults
            .get_or_init(|| self.options.iter().map(|spec| spec.kind.default_value(spec.default)).collect())
    }
}

/// An option that is always listed and whose last occurrence wins.
pub(crate) const fn opt(name: &'static str, kind: Kind, default: &'static str) -> OptionSpec {
    OptionSpec { name, kind, default, accumulates: false, shown: Shown::Always }
}

/// One of `words`.
pub(crate) const fn word(words: &'static [&'static str]) -> Kind {
    Kind::Word { words, aliases: &[] }
}

/// Yes or no, shown `true` / `false`.
pub(crate) const BOOL: Kind = Kind::Flag(FlagStyle::TrueFalse);
/// Yes or no, shown so.
pub(crate) const YESNO: Kind = Kind::Flag(FlagStyle::YesNo);
/// Yes or no, shown `Yes` / `No`.
pub(crate) const CAPITAL: Kind = Kind::Flag(FlagStyle::Capital);
/// A number that is not negative.
pub(crate) const UINT: Kind = Kind::Number { min: 0, max: u32::MAX as i64 };
/// A port number, 0 for none.
pub(crate) const PORT: Kind = Kind::Number { min: 0, max: u16::MAX as i64 };
/// A class of service of Ethernet frames.
pub(crate) const COS: Kind = Kind::Number { min: 0, max: 7 };
/// Any text.
pub(crate) const TEXT: Kind = Kind::Text;
/// A comma list of anything.
pub(crate) const LIST: Kind = Kind::List;
