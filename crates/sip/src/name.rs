//! Names of header fields (RFC 3261 section 20 and the event RFCs), with their compact forms.
//!
//! ```
//! use sip::HeaderName;
//! assert_eq!(HeaderName::from_bytes(b"o"), HeaderName::Event);
//! assert_eq!(HeaderName::from_bytes(b"cALL-iD").as_str(), "Call-ID");
//! ```

macro_rules! header_names {
    ($($variant:ident $spelling:literal,)*) => {
        /// A header field that the server knows, or [`HeaderName::Other`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $spelling, "`")] $variant,)*
            /// Any other field; its name is in the message.
            Other,
        }

        impl HeaderName {
            /// Every known field.
            pub const KNOWN: &[Self] = &[$(Self::$variant,)*];

            /// The long canonical spelling; empty for [`HeaderName::Other`].
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $spelling,)*
                    Self::Other => "",
                }
            }
        }
    };
}

header_names! {
    Via "Via",
    From "From",
    To "To",
    CallId "Call-ID",
    CSeq "CSeq",
    Contact "Contact",
    MaxForwards "Max-Forwards",
    ContentLength "Content-Length",
    ContentType "Content-Type",
    ContentEncoding "Content-Encoding",
    Expires "Expires",
    MinExpires "Min-Expires",
    Event "Event",
    AllowEvents "Allow-Events",
    SubscriptionState "Subscription-State",
    Accept "Accept",
    Supported "Supported",
    Unsupported "Unsupported",
    Require "Require",
    ProxyRequire "Proxy-Require",
    Allow "Allow",
    RecordRoute "Record-Route",
    Route "Route",
    Path "Path",
    RetryAfter "Retry-After",
    UserAgent "User-Agent",
    Server "Server",
    Authorization "Authorization",
    WwwAuthenticate "WWW-Authenticate",
    ProxyAuthorization "Proxy-Authorization",
    ProxyAuthenticate "Proxy-Authenticate",
    SipEtag "SIP-ETag",
    SipIfMatch "SIP-If-Match",
    Warning "Warning",
    Date "Date",
}

impl HeaderName {
    /// How many variants there are.
    pub(crate) const COUNT: usize = Self::KNOWN.len() + 1;

    /// The field that `name` (long or compact, any case) stands for.
    pub fn from_bytes(name: &[u8]) -> Self {
        use HeaderName::*;
        let first = name.first().map_or(0, u8::to_ascii_lowercase);
        let candidate = match (name.len(), first) {
            (1, _) => return Self::from_compact(first),
            (2, b't') => To,
            (3, b'v') => Via,
            (4, b'f') => From,
            (4, b'c') => CSeq,
            (4, b'p') => Path,
            (4, b'd') => Date,
            (5, b'e') => Event,
            (5, b'a') => Allow,
            (5, b'r') => Route,
            (6, b'a') => Accept,
            (6, b's') => Server,
            (7, b'c') if matches!(name.get(1), Some(b'o' | b'O')) => Contact,
            (7, b'c') => CallId,
            (7, b'e') => Expires,
            (7, b'r') => Require,
            (7, b'w') => Warning,
            (8, b's') => SipEtag,
            (9, b's') => Supported,
            (10, b'u') => UserAgent,
            (11, b'm') => MinExpires,
            (11, b'r') => RetryAfter,
            (11, b'u') => Unsupported,
            (12, b'm') => MaxForwards,
            (12, b'c') => ContentType,
            (12, b'a') => AllowEvents,
            (12, b'r') => RecordRoute,
            (12, b's') => SipIfMatch,
            (13, b'a') => Authorization,
            (13, b'p') => ProxyRequire,
            (14, b'c') => ContentLength,
            (16, b'c') => ContentEncoding,
            (16, b'w') => WwwAuthenticate,
            (18, b's') => SubscriptionState,
            (18, b'p') => ProxyAuthenticate,
            (19, b'p') => ProxyAuthorization,
            _ => return Other,
        };
        let spelling = candidate.as_str().as_bytes();
        if spelling == name || spelling.eq_ignore_ascii_case(name) { candidate } else { Other }
    }

    /// Is the field's value a comma-separated list, so that several lines are the same as one?
    pub const fn is_list(self) -> bool {
        use HeaderName::*;
        matches!(
            self,
            Via | Contact
                | ContentEncoding
                | AllowEvents
                | Accept
                | Supported
                | Unsupported
                | Require
                | ProxyRequire
                | Allow
                | RecordRoute
                | Route
                | Path
                | Warning
        )
    }

    fn from_compact(lowercase: u8) -> Self {
        match lowercase {
            b'v' => Self::Via,
            b'f' => Self::From,
            b't' => Self::To,
            b'i' => Self::CallId,
            b'm' => Self::Contact,
            b'l' => Self::ContentLength,
            b'c' => Self::ContentType,
            b'e' => Self::ContentEncoding,
            b'o' => Self::Event,
            b'u' => Self::AllowEvents,
            b'k' => Self::Supported,
            _ => Self::Other,
        }
    }
}

impl std::fmt::Display for HeaderName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The long spelling of a compact name of a field that has no [`HeaderName`] of its own (Subject,
/// Refer-To, ...); any other name comes back as it is.
pub(crate) fn expand_compact(name: &[u8]) -> &[u8] {
    match name {
        [letter] => match letter.to_ascii_lowercase() {
            b's' => b"Subject",
            b'r' => b"Refer-To",
            b'b' => b"Referred-By",
            b'd' => b"Request-Disposition",
            b'x' => b"Session-Expires",
            b'j' => b"Reject-Contact",
            b'y' => b"Identity",
            b'n' => b"Identity-Info",
            b'a' => b"Accept-Contact",
            _ => name,
        },
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_by_its_spelling_in_any_case() {
        for known in HeaderName::KNOWN {
            let spelling = known.as_str();
            for name in [spelling.to_owned(), spelling.to_uppercase(), spelling.to_lowercase()] {
                assert_eq!(HeaderName::from_bytes(name.as_bytes()), *known, "{name}");
            }
        }
    }

    #[test]
    fn compact_names() {
        for (compact, long) in [
            ("i", "Call-ID"),
            ("M", "Contact"),
            ("e", "Content-Encoding"),
            ("l", "Content-Length"),
            ("c", "Content-Type"),
            ("f", "From"),
            ("k", "Supported"),
            ("t", "To"),
            ("V", "Via"),
            ("o", "Event"),
            ("u", "Allow-Events"),
        ] {
            assert_eq!(HeaderName::from_bytes(compact.as_bytes()).as_str(), long);
        }
        for compact in ["s", "r", "b", "d", "x", "j", "y", "n", "a", "z"] {
            assert_eq!(HeaderName::from_bytes(compact.as_bytes()), HeaderName::Other);
        }
        assert_eq!(expand_compact(b"S"), b"Subject");
        assert_eq!(HeaderName::from_bytes(b""), HeaderName::Other);
    }
}
