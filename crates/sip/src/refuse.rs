//! What a user agent server refuses before it looks at method and extensions (RFC 3261 sections
//! 8.2, 16.3 and 21, RFC 4475), and what a client discards.

use std::borrow::Cow;

use crate::date::is_sip_date;
use crate::grammar::SyntaxError;
use crate::message::{HeaderError, RawMessage};
use crate::name::HeaderName;
use crate::reason::reason_phrase;
use crate::scan::{ContentLength, Defect};
use crate::start_line::StartLine;
use crate::uri::{Scheme, UriRef};

/// The answer to a request that is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status code.
    pub status: u16,
    /// The reason phrase; it says what is wrong.
    pub reason: Cow<'static, str>,
    /// The header at fault, if it is one.
    pub header: Option<HeaderName>,
}

impl Refusal {
    /// A refusal with the usual reason phrase of `status`.
    pub fn new(status: u16) -> Self {
        Self { status, reason: Cow::Borrowed(reason_phrase(status)), header: None }
    }

    fn bad_request(reason: &'static str) -> Self {
        Self { status: 400, reason: Cow::Borrowed(reason), header: None }
    }

    fn header(reason: String, header: HeaderName) -> Self {
        Self { status: 400, reason: Cow::Owned(reason), header: Some(header) }
    }
}

impl From<HeaderError> for Refusal {
    fn from(error: HeaderError) -> Self {
        match error {
            HeaderError::Missing(header) => Self::header(format!("Missing {header} header"), header),
            HeaderError::Malformed { header, .. } => Self::header(format!("Bad {header} header"), header),
            HeaderError::StartLine(_) => Self::bad_request("Bad request line"),
        }
    }
}

/// Headers that may occur once; a second one leaves open which is meant (RFC 4475 section 3.3.8).
const SINGLE: [HeaderName; 12] = [
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::MaxForwards,
    HeaderName::ContentLength,
    HeaderName::ContentType,
    HeaderName::Expires,
    HeaderName::Event,
    HeaderName::SubscriptionState,
    HeaderName::SipIfMatch,
    HeaderName::Date,
];

/// Headers without which there is no transaction, and no answer.
const MANDATORY: [HeaderName; 5] =
    [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];

impl RawMessage<'_> {
    /// Can a request be answered at all? Its answer copies Via, From, To, Call-ID and CSeq; when
    /// one of them is missing there is nothing that the sender could match.
    pub fn is_answerable(self) -> bool {
        MANDATORY.iter().all(|name| self.header(*name).is_some_and(|value| !value.is_empty()))
    }

    /// Is this a request that can be served? Checked: version (505), start line and framing, the
    /// mandatory headers and those that name addresses, single-valued headers, CSeq method, numbers
    /// and dates (400), scheme of the Request-URI (416).
    ///
    /// Not checked: method, Require, Max-Forwards 0, and whether Contact or Event are there.
    pub fn check_request(self) -> Result<(), Refusal> {
        let Some(line) = self.request() else {
            return Err(Refusal::bad_request("Not a request"));
        };
        if matches!(self.parsed.start, StartLine::Request { version_2, .. } if !version_2) {
            return Err(Refusal::new(505));
        }
        if let Some(defect) = self.parsed.defect {
            return Err(defect.refusal());
        }
        if self.parsed.content_length == ContentLength::Bad {
            return Err(bad_content_length().into());
        }
        if let Some(header) = SINGLE.iter().find(|name| self.is_repeated(**name)) {
            return Err(Refusal::header(format!("Several {header} headers"), *header));
        }
        self.via()?;
        self.from()?;
        self.to()?;
        self.call_id()?;
        if self.cseq()?.method != line.method {
            let reason = "CSeq method does not match the request".to_owned();
            return Err(Refusal::header(reason, HeaderName::CSeq));
        }
        self.check_addresses()?;
        self.check_optional()?;
        check_request_uri(line.uri)
    }

    /// Is this a response that can be matched and believed? What fails is discarded (sections
    /// 8.1.3.3 and 18.3).
    pub fn check_response(self) -> Result<(), HeaderError> {
        if self.status().is_none() {
            return Err(HeaderError::StartLine(SyntaxError("not a response")));
        }
        if self.parsed.content_length == ContentLength::Bad
            || self.parsed.defect == Some(Defect::BodyTooShort)
        {
            return Err(bad_content_length());
        }
        self.via()?;
        if self.values(HeaderName::Via).nth(1).is_some() {
            // It was meant for a proxy that is not us.
            return Err(HeaderError::Malformed {
                header: HeaderName::Via,
                error: SyntaxError("more than one in a response"),
            });
        }
        self.from()?;
        self.to()?;
        self.call_id()?;
        self.cseq().map(drop)
    }

    fn check_addresses(self) -> Result<(), HeaderError> {
        if !self.contact_is_star() {
            self.contacts().try_for_each(|contact| contact.map(drop))?;
        }
        [HeaderName::Route, HeaderName::RecordRoute]
            .into_iter()
            .flat_map(|name| self.addresses(name))
            .try_for_each(|address| address.map(drop))
    }

    fn check_optional(self) -> Result<(), HeaderError> {
        let malformed = |header, text| HeaderError::Malformed { header, error: SyntaxError(text) };
        if self.max_forwards()?.is_some_and(|hops| hops > 255) {
            return Err(malformed(HeaderName::MaxForwards, "more than 255"));
        }
        self.expires()?;
        self.event()?;
        self.content_type()?;
        match self.header(HeaderName::Date) {
            Some(date) if !is_sip_date(date) => Err(malformed(HeaderName::Date, "not a SIP date")),
            _ => Ok(()),
        }
    }
}

impl Defect {
    fn refusal(self) -> Refusal {
        match self {
            Self::RequestLine => Refusal::bad_request("Bad request line"),
            Self::HeaderLine => Refusal::bad_request("Bad header line"),
            Self::Truncated => Refusal::bad_request("Message ends within its headers"),
            Self::BodyTooShort => bad_content_length().into(),
            Self::NoContentLength => HeaderError::Missing(HeaderName::ContentLength).into(),
            Self::BodyTooLong => Refusal::new(513),
        }
    }
}

fn bad_content_length() -> HeaderError {
    HeaderError::Malformed {
        header: HeaderName::ContentLength,
        error: SyntaxError("does not fit the message"),
    }
}

fn check_request_uri(uri: &[u8]) -> Result<(), Refusal> {
    match UriRef::parse(uri) {
        Ok(uri) if uri.scheme == Scheme::Other => Err(Refusal::new(416)),
        Ok(uri) if uri.headers().is_some() => Err(Refusal::bad_request("Headers in the Request-URI")),
        Ok(_) => Ok(()),
        Err(_) => Err(Refusal::bad_request("Bad Request-URI")),
    }
}
