//! A scanned message: a view of its bytes that reads headers on demand (RFC 3261 sections 7 and 20).
//!
//! ```
//! let mut scanner = sip::Scanner::new();
//! let message = scanner
//!     .scan(b"SUBSCRIBE sip:1001@pbx SIP/2.0\r\no: presence;id=7\r\nf: <sip:a@pbx>;tag=1\r\n\r\n")
//!     .unwrap();
//! assert_eq!(message.event().unwrap().unwrap().package, "presence");
//! assert_eq!(message.from().unwrap().tag(), Some(&b"1"[..]));
//! assert!(message.to().is_err());
//! ```

use crate::address::NameAddrRef;
use crate::event::EventRef;
use crate::grammar::{
    SyntaxError, decimal, is_lws, seconds, split_before, split_comma, token, trim, trim_start,
};
use crate::media::{AcceptRef, MediaRef};
use crate::name::{HeaderName, expand_compact};
use crate::scan::{Parsed, Slot};
use crate::start_line::StartLine;
use crate::via::ViaRef;

/// Why a header, or the message around it, cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The header is not there.
    #[error("{0} is missing")]
    Missing(HeaderName),
    /// The header is not what the grammar asks for.
    #[error("{header}: {error}")]
    Malformed {
        /// Which header.
        header: HeaderName,
        /// What is wrong with it.
        error: SyntaxError,
    },
    /// The start line cannot be used.
    #[error("start line: {0}")]
    StartLine(SyntaxError),
}

impl HeaderError {
    /// The header that is at fault; `None` for the start line.
    pub fn header(&self) -> Option<HeaderName> {
        match self {
            Self::Missing(header) | Self::Malformed { header, .. } => Some(*header),
            Self::StartLine(_) => None,
        }
    }
}

/// The request line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// The method; case matters.
    pub method: &'a str,
    /// The Request-URI as written, not yet parsed.
    pub uri: &'a [u8],
}

/// The value of CSeq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The number, below 2^31 (section 8.1.1.5).
    pub seq: u32,
    /// The method.
    pub method: &'a str,
}

/// A scanned message. It borrows the buffer and the scanner and is cheap to copy.
#[derive(Clone, Copy)]
pub struct RawMessage<'a> {
    buf: &'a [u8],
    pub(crate) parsed: &'a Parsed,
}

impl<'a> RawMessage<'a> {
    pub(crate) fn new(buf: &'a [u8], parsed: &'a Parsed) -> Self {
        Self { buf, parsed }
    }

    /// The request line; `None` for a response.
    pub fn request(self) -> Option<RequestLine<'a>> {
        match self.parsed.start {
            StartLine::Request { method, uri, .. } => Some(RequestLine {
                method: token(method.of(self.buf)).unwrap_or_default(),
                uri: uri.of(self.buf),
            }),
            StartLine::Status { .. } => None,
        }
    }

    /// The status code, 100 to 699; `None` for a request.
    pub fn status(self) -> Option<u16> {
        match self.parsed.start {
            StartLine::Request { .. } => None,
            StartLine::Status { code, .. } => Some(code),
        }
    }

    /// The reason phrase of a response; empty for a request.
    pub fn reason(self) -> &'a [u8] {
        match self.parsed.start {
            StartLine::Request { .. } => b"",
            StartLine::Status { reason, .. } => reason.of(self.buf),
        }
    }

    /// The value of the first line named `name`, trimmed; it may be folded (see [`crate::unfold`]).
    pub fn header(self, name: HeaderName) -> Option<&'a [u8]> {
        let slot = self.parsed.slots.get(self.parsed.first(name)?)?;
        Some(slot.value_span.of(self.buf))
    }

    /// The values of all lines named `name`, in their order, lists not split.
    pub fn lines(self, name: HeaderName) -> impl Iterator<Item = &'a [u8]> + Clone {
        let start = self.parsed.first(name).unwrap_or(usize::MAX);
        self.parsed
            .slots
            .get(start..)
            .unwrap_or_default()
            .iter()
            .filter(move |slot| slot.name == name)
            .map(move |slot| slot.value_span.of(self.buf))
    }

    /// The elements of a list header over all its lines, trimmed, empty ones left out. Commas in
    /// quotes and angle brackets do not split. For a header that is no list: its lines.
    pub fn values(self, name: HeaderName) -> impl Iterator<Item = &'a [u8]> + Clone {
        let is_list = name.is_list();
        self.lines(name).flat_map(move |line| {
            let mut rest = Some(line);
            std::iter::from_fn(move || {
                loop {
                    let text = rest?;
                    let (value, after) = if is_list { split_comma(text) } else { (text, None) };
                    rest = after;
                    let value = trim(value);
                    if !value.is_empty() {
                        return Some(value);
                    }
                }
            })
        })
    }

    /// The values of all lines whose name is `name` in any case, known to the server or not; a
    /// compact name counts as its long one.
    pub fn named(self, name: &str) -> impl Iterator<Item = &'a [u8]> + Clone {
        let id = HeaderName::from_bytes(name.as_bytes());
        self.headers()
            .filter(move |(other_id, other, _)| {
                *other_id == id
                    && (id != HeaderName::Other
                        || expand_compact(other).eq_ignore_ascii_case(name.as_bytes()))
            })
            .map(|(_, _, value)| value)
    }

    /// Every header line in its order: what it is, its name as written, its value.
    pub fn headers(self) -> impl Iterator<Item = (HeaderName, &'a [u8], &'a [u8])> + Clone {
        let read = move |slot: &Slot| (slot.name, slot.name_span.of(self.buf), slot.value_span.of(self.buf));
        self.parsed.slots.iter().map(read)
    }

    /// Is there more than one line named `name`?
    pub fn is_repeated(self, name: HeaderName) -> bool {
        self.parsed.is_repeated(name)
    }

    /// The body.
    pub fn body(self) -> &'a [u8] {
        let start = self.parsed.head_len;
        self.buf.get(start..start.saturating_add(self.parsed.body_len)).unwrap_or_default()
    }

    /// The whole message, from its start line to the end of its body.
    pub fn bytes(self) -> &'a [u8] {
        let len = self.parsed.head_len.saturating_add(self.parsed.body_len);
        self.buf.get(..len).unwrap_or_default()
    }

    /// The top Via.
    pub fn via(self) -> Result<ViaRef<'a>, HeaderError> {
        self.first_value(HeaderName::Via, ViaRef::parse)
    }

    /// The bottom Via: that of the client that made the request.
    pub fn last_via(self) -> Result<ViaRef<'a>, HeaderError> {
        let last = self.values(HeaderName::Via).last();
        parse_or_missing(HeaderName::Via, last, ViaRef::parse)
    }

    /// From.
    pub fn from(self) -> Result<NameAddrRef<'a>, HeaderError> {
        self.parse(HeaderName::From, NameAddrRef::parse)
    }

    /// To.
    pub fn to(self) -> Result<NameAddrRef<'a>, HeaderError> {
        self.parse(HeaderName::To, NameAddrRef::parse)
    }

    /// The first Contact. `Contact: *` is an error here; see [`RawMessage::contact_is_star`].
    pub fn contact(self) -> Result<NameAddrRef<'a>, HeaderError> {
        self.first_value(HeaderName::Contact, NameAddrRef::parse)
    }

    /// Is the only Contact `*` (section 10.2.2)?
    pub fn contact_is_star(self) -> bool {
        let mut values = self.values(HeaderName::Contact);
        values.next() == Some(b"*") && values.next().is_none()
    }

    /// Every Contact.
    pub fn contacts(self) -> impl Iterator<Item = Result<NameAddrRef<'a>, HeaderError>> + Clone {
        self.addresses(HeaderName::Contact)
    }

    /// Every element of a list of addresses: Contact, Route, Record-Route, Path.
    pub fn addresses(
        self,
        name: HeaderName,
    ) -> impl Iterator<Item = Result<NameAddrRef<'a>, HeaderError>> + Clone {
        self.values(name).map(move |value| NameAddrRef::parse(value).map_err(|error| malformed(name, error)))
    }

    /// Call-ID; case matters.
    pub fn call_id(self) -> Result<&'a [u8], HeaderError> {
        self.parse(HeaderName::CallId, |value| {
            if value.is_empty() || value.iter().any(|&b| is_lws(b)) {
                return Err(SyntaxError("not one word"));
            }
            Ok(value)
        })
    }

    /// CSeq; a number of 2^31 or more is an error (section 8.1.1.5).
    pub fn cseq(self) -> Result<CSeq<'a>, HeaderError> {
        self.parse(HeaderName::CSeq, |value| {
            let (number, rest) = split_before(value, is_lws);
            let seq = decimal(number).ok_or(SyntaxError("not a number"))?;
            let seq = u32::try_from(seq)
                .ok()
                .filter(|seq| *seq < 1 << 31)
                .ok_or(SyntaxError("number is not below 2^31"))?;
            let method = token(trim_start(rest)).ok_or(SyntaxError("bad method"))?;
            Ok(CSeq { seq, method })
        })
    }

    /// Max-Forwards; what does not fit becomes `u32::MAX`.
    pub fn max_forwards(self) -> Result<Option<u32>, HeaderError> {
        self.number(HeaderName::MaxForwards)
    }

    /// Expires in seconds; what does not fit becomes `u32::MAX`.
    pub fn expires(self) -> Result<Option<u32>, HeaderError> {
        self.number(HeaderName::Expires)
    }

    /// Min-Expires in seconds; what does not fit becomes `u32::MAX`.
    pub fn min_expires(self) -> Result<Option<u32>, HeaderError> {
        self.number(HeaderName::MinExpires)
    }

    /// Retry-After in seconds, comment and parameters ignored; what does not fit becomes
    /// `u32::MAX`.
    pub fn retry_after(self) -> Result<Option<u32>, HeaderError> {
        self.optional(HeaderName::RetryAfter, |value| {
            let (digits, rest) = split_before(value, |b| !b.is_ascii_digit());
            match trim_start(rest).first() {
                None | Some(b'(' | b';') => seconds(digits),
                Some(_) => None,
            }
            .ok_or(SyntaxError("not a number of seconds"))
        })
    }

    /// Event.
    pub fn event(self) -> Result<Option<EventRef<'a>>, HeaderError> {
        self.optional(HeaderName::Event, EventRef::parse)
    }

    /// Content-Type.
    pub fn content_type(self) -> Result<Option<MediaRef<'a>>, HeaderError> {
        self.optional(HeaderName::ContentType, MediaRef::parse)
    }

    /// The elements of Accept; malformed ones are left out.
    pub fn accepts(self) -> impl Iterator<Item = AcceptRef<'a>> + Clone {
        self.values(HeaderName::Accept).filter_map(|value| AcceptRef::parse(value).ok())
    }

    pub(crate) fn number(self, name: HeaderName) -> Result<Option<u32>, HeaderError> {
        self.optional(name, |value| seconds(value).ok_or(SyntaxError("not a number")))
    }

    fn first_value<T>(
        self,
        name: HeaderName,
        parse: impl FnOnce(&'a [u8]) -> Result<T, SyntaxError>,
    ) -> Result<T, HeaderError> {
        parse_or_missing(name, self.values(name).next(), parse)
    }

    fn parse<T>(
        self,
        name: HeaderName,
        parse: impl FnOnce(&'a [u8]) -> Result<T, SyntaxError>,
    ) -> Result<T, HeaderError> {
        parse_or_missing(name, self.header(name), parse)
    }

    fn optional<T>(
        self,
        name: HeaderName,
        parse: impl FnOnce(&'a [u8]) -> Result<T, SyntaxError>,
    ) -> Result<Option<T>, HeaderError> {
        self.header(name).map(|value| parse(value).map_err(|error| malformed(name, error))).transpose()
    }
}

impl std::fmt::Debug for RawMessage<'_> {
    /// The head as text, for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head = self.buf.get(..self.parsed.head_len).unwrap_or_default();
        write!(f, "{:?}", String::from_utf8_lossy(head))
    }
}

fn malformed(header: HeaderName, error: SyntaxError) -> HeaderError {
    HeaderError::Malformed { header, error }
}

fn parse_or_missing<'a, T>(
    name: HeaderName,
    value: Option<&'a [u8]>,
    parse: impl FnOnce(&'a [u8]) -> Result<T, SyntaxError>,
) -> Result<T, HeaderError> {
    let value = value.ok_or(HeaderError::Missing(name))?;
    parse(value).map_err(|error| malformed(name, error))
}
