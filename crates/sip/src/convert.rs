//! Conversion into rsip's types, for code off the packet path.
//!
//! rsip's own parsers never see bytes of the network: they misread legal messages (dotted users,
//! IPv6 references, folds, compact names). What its types cannot hold is noted at each conversion.

use rsip::common::uri::param::{
    Branch, Expires, Maddr, OtherParam, OtherParamValue, Q, Received, Tag, Ttl, User,
};
use rsip::common::uri::{Auth, Domain, Host, HostWithPort, Param as RsipParam, UriWithParams};
use rsip::headers::{Header, typed};
use rsip::{Method, StatusCode, Transport, Version};

use crate::address::NameAddrRef;
use crate::grammar::{SyntaxError, split_comma, text, trim, unfold};
use crate::message::{CSeq, HeaderError, RawMessage};
use crate::name::{HeaderName, expand_compact};
use crate::start_line::StartLine;
use crate::uri::{Scheme, UriRef};
use crate::via::ViaRef;

impl RawMessage<'_> {
    /// The message in rsip's types: folds undone, compact names spelled out, lists of addresses
    /// split into one header each, reason phrase kept as [`StatusCode::Other`]. Values that are not
    /// UTF-8 are read as ISO 8859-1.
    ///
    /// An error for methods and versions that rsip has no value for and for a Request-URI that
    /// does not parse.
    pub fn to_rsip(self) -> Result<rsip::SipMessage, HeaderError> {
        let headers = self.rsip_headers().into();
        let body = self.body().to_vec();
        let (Some(line), StartLine::Request { version_2, .. }) = (self.request(), self.parsed.start) else {
            let code = self.status().unwrap_or_default();
            return Ok(rsip::SipMessage::Response(rsip::Response {
                status_code: StatusCode::Other(code, text(self.reason()).into_owned()),
                version: Version::V2,
                headers,
                body,
            }));
        };
        if !version_2 {
            return Err(HeaderError::StartLine(SyntaxError("version is not 2.0")));
        }
        let uri = UriRef::parse(line.uri).map_err(HeaderError::StartLine)?;
        Ok(rsip::SipMessage::Request(rsip::Request {
            method: rsip_method(line.method).map_err(HeaderError::StartLine)?,
            uri: (&uri).into(),
            version: Version::V2,
            headers,
            body,
        }))
    }

    fn rsip_headers(self) -> Vec<Header> {
        let mut headers = Vec::with_capacity(self.parsed.slots.len());
        for (id, name, value) in self.headers() {
            let name = match id {
                HeaderName::Other => text(expand_compact(name)),
                known => known.as_str().into(),
            };
            let mut rest = Some(value);
            while let Some(value) = rest {
                let (value, after) = if holds_addresses(id) { split_comma(value) } else { (value, None) };
                rest = after;
                headers.push(rsip_header(&name, text(&unfold(trim(value))).into_owned()));
            }
        }
        headers
    }
}

/// URI headers (`?name=value`) have no place in [`rsip::Uri`] and are left out. A URI that is not
/// SIP or SIPS is kept whole as the host of a URI without scheme, an IPv6 address as a domain in
/// brackets, because that is how rsip prints them right.
impl From<&UriRef<'_>> for rsip::Uri {
    fn from(uri: &UriRef<'_>) -> Self {
        let scheme = match uri.scheme {
            Scheme::Sip => rsip::Scheme::Sip,
            Scheme::Sips => rsip::Scheme::Sips,
            Scheme::Tel | Scheme::Other => {
                return HostWithPort { host: Host::Domain(uri.text().into()), port: None }.into();
            }
        };
        Self {
            scheme: Some(scheme),
            auth: uri
                .user
                .map(|user| Auth { user: user.to_owned(), password: uri.password.map(str::to_owned) }),
            host_with_port: rsip_host(uri.host, uri.port),
            params: uri.params().map(|(name, value)| rsip_param(name, value)).collect(),
            headers: Vec::new(),
        }
    }
}

macro_rules! from_name_addr {
    ($($header:path),*) => {$(
        /// The display name keeps its quotes, as rsip prints it.
        impl From<&NameAddrRef<'_>> for $header {
            fn from(address: &NameAddrRef<'_>) -> Self {
                Self {
                    display_name: address.display.map(|name| text(&unfold(name)).into_owned()),
                    uri: (&address.uri).into(),
                    params: rsip_params(address.params),
                }
            }
        }
    )*};
}

from_name_addr!(typed::From, typed::To, typed::Contact);

/// For Route, Record-Route and Path; rsip has no place for a display name there.
impl From<&NameAddrRef<'_>> for UriWithParams {
    fn from(address: &NameAddrRef<'_>) -> Self {
        Self { uri: (&address.uri).into(), params: rsip_params(address.params) }
    }
}

/// An error for transports that rsip has no value for.
impl TryFrom<&ViaRef<'_>> for typed::Via {
    type Error = SyntaxError;

    fn try_from(via: &ViaRef<'_>) -> Result<Self, SyntaxError> {
        Ok(Self {
            version: Version::V2,
            transport: rsip_transport(via.transport).ok_or(SyntaxError("unknown transport"))?,
            uri: rsip::Uri {
                scheme: None,
                host_with_port: rsip_host(via.host, via.port),
                ..Default::default()
            },
            params: rsip_params(via.params),
        })
    }
}

/// An error for methods that rsip has no value for.
impl TryFrom<&CSeq<'_>> for typed::CSeq {
    type Error = SyntaxError;

    fn try_from(cseq: &CSeq<'_>) -> Result<Self, SyntaxError> {
        Ok(Self { seq: cseq.seq, method: rsip_method(cseq.method)? })
    }
}

fn holds_addresses(name: HeaderName) -> bool {
    matches!(
        name,
        HeaderName::Via
            | HeaderName::Contact
            | HeaderName::Route
            | HeaderName::RecordRoute
            | HeaderName::Path
    )
}

fn rsip_host(host: &str, port: Option<u16>) -> HostWithPort {
    HostWithPort {
        host: match host.parse() {
            Ok(ip) => Host::IpAddr(ip),
            Err(_) => Host::Domain(Domain::from(host)),
        },
        port: port.map(Into::into),
    }
}

fn rsip_params(params: crate::Params<'_>) -> Vec<RsipParam> {
    params
        .iter()
        .map(|param| {
            let value = param.value.map(unfold);
            rsip_param(&text(param.name), value.as_deref().map(text).as_deref())
        })
        .collect()
}

fn rsip_param(name: &str, value: Option<&str>) -> RsipParam {
    let known = |value: &str| {
        Some(match name.to_ascii_lowercase().as_str() {
            "transport" => RsipParam::Transport(rsip_transport(value)?),
            "method" => RsipParam::Method(rsip_method(value).ok()?),
            "user" => RsipParam::User(User::new(value)),
            "ttl" => RsipParam::Ttl(Ttl::new(value)),
            "maddr" => RsipParam::Maddr(Maddr::new(value)),
            "branch" => RsipParam::Branch(Branch::new(value)),
            "received" => RsipParam::Received(Received::new(value)),
            "tag" => RsipParam::Tag(Tag::new(value)),
            "expires" => RsipParam::Expires(Expires::new(value)),
            "q" => RsipParam::Q(Q::new(value)),
            _ => return None,
        })
    };
    if value.is_none() && name.eq_ignore_ascii_case("lr") {
        return RsipParam::Lr;
    }
    value
        .and_then(known)
        .unwrap_or_else(|| RsipParam::Other(OtherParam::new(name), value.map(OtherParamValue::new)))
}

fn rsip_transport(name: &str) -> Option<Transport> {
    Transport::all().into_iter().find(|transport| transport.to_string().eq_ignore_ascii_case(name))
}

fn rsip_method(name: &str) -> Result<Method, SyntaxError> {
    Method::all()
        .into_iter()
        .find(|method| method.to_string() == name)
        .ok_or(SyntaxError("method is unknown to rsip"))
}

fn rsip_header(name: &str, value: String) -> Header {
    macro_rules! by_name {
        ($($spelling:literal => $header:ident,)*) => {
            match name {
                $(_ if name.eq_ignore_ascii_case($spelling) => Header::$header(value.into()),)*
                // Allow-Events, Path, SIP-ETag, SIP-If-Match and all that rsip has never heard of.
                _ => Header::Other(name.to_owned(), value),
            }
        };
    }
    by_name! {
        "Accept" => Accept,
        "Accept-Encoding" => AcceptEncoding,
        "Accept-Language" => AcceptLanguage,
        "Alert-Info" => AlertInfo,
        "Allow" => Allow,
        "Authentication-Info" => AuthenticationInfo,
        "Authorization" => Authorization,
        "CSeq" => CSeq,
        "Call-ID" => CallId,
        "Call-Info" => CallInfo,
        "Contact" => Contact,
        "Content-Disposition" => ContentDisposition,
        "Content-Encoding" => ContentEncoding,
        "Content-Language" => ContentLanguage,
        "Content-Length" => ContentLength,
        "Content-Type" => ContentType,
        "Date" => Date,
        "Error-Info" => ErrorInfo,
        "Event" => Event,
        "Expires" => Expires,
        "From" => From,
        "In-Reply-To" => InReplyTo,
        "Max-Forwards" => MaxForwards,
        "MIME-Version" => MimeVersion,
        "Min-Expires" => MinExpires,
        "Organization" => Organization,
        "Priority" => Priority,
        "Proxy-Authenticate" => ProxyAuthenticate,
        "Proxy-Authorization" => ProxyAuthorization,
        "Proxy-Require" => ProxyRequire,
        "Record-Route" => RecordRoute,
        "Reply-To" => ReplyTo,
        "Require" => Require,
        "Retry-After" => RetryAfter,
        "Route" => Route,
        "Server" => Server,
        "Subject" => Subject,
        "Subscription-State" => SubscriptionState,
        "Supported" => Supported,
        "Timestamp" => Timestamp,
        "To" => To,
        "Unsupported" => Unsupported,
        "User-Agent" => UserAgent,
        "Via" => Via,
        "Warning" => Warning,
        "WWW-Authenticate" => WwwAuthenticate,
    }
}
