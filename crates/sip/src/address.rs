//! Name-addr and addr-spec: the values of From, To, Contact, Route, Record-Route (RFC 3261
//! sections 20.10 and 25.1).
//!
//! ```
//! let address = sip::NameAddrRef::parse(br#""Smith, John" <sip:john@pbx>;tag=1"#).unwrap();
//! assert_eq!(address.display_name().unwrap(), "Smith, John");
//! assert_eq!(address.uri.user, Some("john"));
//! assert_eq!(address.tag(), Some(&b"1"[..]));
//! ```

use std::borrow::Cow;

use crate::grammar::{SyntaxError, split_before, split_quoted, text, trim, trim_start, unfold};
use crate::param::Params;
use crate::uri::UriRef;

/// An address as it stands in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddrRef<'a> {
    /// The display name as written, with its quotes; see [`NameAddrRef::display_name`].
    pub display: Option<&'a [u8]>,
    /// The URI.
    pub uri: UriRef<'a>,
    /// The URI as written, without angle brackets.
    pub uri_bytes: &'a [u8],
    /// The parameters of the header (not of the URI).
    pub params: Params<'a>,
}

impl<'a> NameAddrRef<'a> {
    /// Parses one address with its header parameters.
    ///
    /// Without angle brackets a semicolon starts the header's parameters, and a URI with a comma
    /// or a question mark is refused (section 20.10).
    pub fn parse(value: &'a [u8]) -> Result<Self, SyntaxError> {
        let value = trim(value);
        let (display, after) = if value.first() == Some(&b'"') {
            split_quoted(value).ok_or(SyntaxError("quotes are not closed"))?
        } else {
            split_before(value, |b| matches!(b, b'<' | b'"' | b';'))
        };
        let (display, uri_bytes, params) = match trim_start(after) {
            [b'<', inside @ ..] => {
                let end = memchr::memchr(b'>', inside).ok_or(SyntaxError("angle bracket is not closed"))?;
                let (uri, rest) = inside.split_at(end);
                if display.first() != Some(&b'"') && display.contains(&b',') {
                    return Err(SyntaxError("comma in a display name without quotes"));
                }
                (trim(display), uri, rest.get(1..).unwrap_or_default())
            }
            // No angle brackets: what came before the first semicolon is the URI.
            rest => {
                let uri = trim(display);
                if uri.iter().any(|b| matches!(b, b'?' | b',')) {
                    return Err(SyntaxError("URI needs angle brackets"));
                }
                (&b""[..], uri, rest)
            }
        };
        Ok(Self {
            display: (!display.is_empty()).then_some(display),
            uri: UriRef::parse(uri_bytes)?,
            uri_bytes,
            params: Params::parse(params)?,
        })
    }

    /// The tag.
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.param("tag").filter(|tag| !tag.is_empty())
    }

    /// The header parameter `name`, as [`Params::get`] gives it.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        self.params.get(name)
    }

    /// The display name for people: no quotes, no escapes, no folds; what is not UTF-8 is read
    /// as ISO 8859-1.
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        let name = match self.display? {
            [b'"', inside @ .., b'"'] => inside,
            name => name,
        };
        if memchr::memchr3(b'\\', b'\r', b'\n', name).is_none() {
            return Some(text(name));
        }
        let mut out = Vec::with_capacity(name.len());
        let unfolded = unfold(name);
        let mut bytes = unfolded.iter();
        while let Some(&byte) = bytes.next() {
            out.push(if byte == b'\\' { *bytes.next().unwrap_or(&byte) } else { byte });
        }
        Some(Cow::Owned(text(&out).into_owned()))
    }
}
