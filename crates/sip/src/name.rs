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
        let candidates: &[Self] = match name.len() {
            1 => return Self::from_compact(name),
            2 => &[To],
            3 => &[Via],
            4 => &[From, CSeq, Date, Path],
            5 => &[Event, Allow, Route],
            6 => &[Accept, Server],
            7 => &[CallId, Contact, Expires, Require, Warning],
            8 => &[SipEtag],
            9 => &[Supported],
            10 => &[UserAgent],
            11 => &[MinExpires, RetryAfter, Unsupported],
            12 => &[
                MaxForwards,
                ContentType,
                AllowEvents,
                RecordRoute,
                SipIfMatch,
            ],
            13 => &[Authorization, ProxyRequire],
            14 => &[ContentLength],
            16 => &[WwwAuthenticate, ContentEncoding],
            18 => &[SubscriptionState, ProxyAuthenticate],
            19 => &[ProxyAuthorization],
            _ => &[],
        };
        candidates
            .iter()
            .copied()
            .find(|known| known.as_str().as_bytes().eq_ignore_ascii_case(name))
            .unwrap_or(Other)
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

    fn from_compact(name: &[u8]) -> Self {
        match name.first().map(u8::to_ascii_lowercase) {
            Some(b'v') => Self::Via,
            Some(b'f') => Self::From,
            Some(b't') => Self::To,
            Some(b'i') => Self::CallId,
            Some(b'm') => Self::Contact,
            Some(b'l') => Self::ContentLength,
            Some(b'c') => Self::ContentType,
            Some(b'e') => Self::ContentEncoding,
            Some(b'o') => Self::Event,
            Some(b'u') => Self::AllowEvents,
            Some(b'k') => Self::Supported,
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
            for name in [
                spelling.to_owned(),
                spelling.to_uppercase(),
                spelling.to_lowercase(),
            ] {
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
            assert_eq!(
                HeaderName::from_bytes(compact.as_bytes()),
                HeaderName::Other
            );
        }
        assert_eq!(expand_compact(b"S"), b"Subject");
        assert_eq!(HeaderName::from_bytes(b""), HeaderName::Other);
    }
}
