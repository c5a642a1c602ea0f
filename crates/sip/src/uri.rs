//! SIP, SIPS and TEL URIs (RFC 3261 section 19.1, RFC 3966); any other scheme is kept as it is.
//!
//! ```
//! use sip::{Scheme, UriRef};
//! let uri = UriRef::parse(b"sip:first.last@[2001:db8::1]:5070;transport=tcp").unwrap();
//! assert_eq!(uri.scheme, Scheme::Sip);
//! assert_eq!(uri.user, Some("first.last"));
//! assert_eq!(uri.host, "[2001:db8::1]");
//! assert_eq!(uri.param("Transport"), Some("tcp"));
//! ```

use std::borrow::Cow;
use std::net::IpAddr;

use crate::grammar::{SyntaxError, port, split_host};

/// The scheme of a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Anything else; see [`UriRef::text`].
    Other,
}

/// A URI as it stands in a message. For schemes other than SIP and SIPS `host` is empty; a TEL URI
/// has its number in `user`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UriRef<'a> {
    /// The scheme.
    pub scheme: Scheme,
    /// The user, escapes left as they are.
    pub user: Option<&'a str>,
    /// The password, escapes left as they are.
    pub password: Option<&'a str>,
    /// The host; an IPv6 address keeps its brackets.
    pub host: &'a str,
    /// The port, when written.
    pub port: Option<u16>,
    params: &'a str,
    headers: Option<&'a str>,
    text: &'a str,
}

impl<'a> UriRef<'a> {
    /// Parses an `addr-spec`. White space, quotes, angle brackets, control and non-ASCII
    /// characters are refused; escapes are not judged.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SyntaxError> {
        // Without early exit this loop is vectorised.
        let legal = bytes
            .iter()
            .fold(true, |legal, b| legal & b.is_ascii_graphic() & !matches!(b, b'<' | b'>' | b'"'));
        if !legal {
            return Err(SyntaxError("illegal character in URI"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| SyntaxError("URI is not ASCII"))?;
        let (scheme, rest) = cut(text, b':').ok_or(SyntaxError("URI without a scheme"))?;
        let uri = Self {
            scheme: Scheme::Other,
            user: None,
            password: None,
            host: "",
            port: None,
            params: "",
            headers: None,
            text,
        };
        if scheme.eq_ignore_ascii_case("sip") {
            uri.parse_sip(Scheme::Sip, rest)
        } else if scheme.eq_ignore_ascii_case("sips") {
            uri.parse_sip(Scheme::Sips, rest)
        } else if scheme.eq_ignore_ascii_case("tel") {
            uri.parse_tel(rest)
        } else if scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
            && !rest.is_empty()
        {
            Ok(uri)
        } else {
            Err(SyntaxError("bad URI scheme"))
        }
    }

    /// The whole URI as written.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The URI parameters in their order, as written; the value is `None` without `=`.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone + use<'a> {
        split_pairs(self.params, ';')
    }

    /// The value of the parameter `name` (any case); empty when it is there without a value.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        self.params().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.unwrap_or(""))
    }

    /// What follows the question mark, if there is one.
    pub fn headers(&self) -> Option<&'a str> {
        self.headers
    }

    /// The headers (`?name=value&...`) in their order.
    pub fn header_pairs(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone + use<'a> {
        split_pairs(self.headers.unwrap_or(""), '&')
    }

    /// The user without escapes; empty when there is none. Bytes that are not UTF-8 are replaced.
    pub fn user_unescaped(&self) -> Cow<'a, str> {
        unescape(self.user.unwrap_or(""))
    }

    /// The host as an IP address, when it is one. A doubled `::` as in RFC 5118 section 4.10 is
    /// forgiven, a zone is ignored.
    pub fn host_ip(&self) -> Option<IpAddr> {
        host_ip(self.host)
    }

    /// Is this a SIP or SIPS URI?
    pub fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    fn parse_sip(mut self, scheme: Scheme, rest: &'a str) -> Result<Self, SyntaxError> {
        self.scheme = scheme;
        // A user may hold ";" and "?", nothing behind the host may hold "@".
        let hostport = match cut(rest, b'@') {
            Some((userinfo, hostport)) => {
                let (user, password) = match cut(userinfo, b':') {
                    Some((user, password)) => (user, Some(password)),
                    None => (userinfo, None),
                };
                if user.is_empty() {
                    return Err(SyntaxError("empty user in URI"));
                }
                (self.user, self.password) = (Some(user), password);
                hostport
            }
            None => rest,
        };
        let (hostport, headers) = match cut(hostport, b'?') {
            Some((hostport, headers)) => (hostport, Some(headers)),
            None => (hostport, None),
        };
        let (hostport, params) = cut(hostport, b';').unwrap_or((hostport, ""));
        let (host, after) = split_host(hostport.as_bytes())?;
        self.port = match after {
            [] => None,
            [b':', digits @ ..] => Some(port(digits).ok_or(SyntaxError("bad port in URI"))?),
            _ => return Err(SyntaxError("bad host in URI")),
        };
        (self.host, self.params, self.headers) = (host, params, headers);
        Ok(self)
    }

    fn parse_tel(mut self, rest: &'a str) -> Result<Self, SyntaxError> {
        let (number, params) = cut(rest, b';').unwrap_or((rest, ""));
        if number.is_empty() {
            return Err(SyntaxError("TEL URI without a number"));
        }
        (self.scheme, self.user, self.params) = (Scheme::Tel, Some(number), params);
        Ok(self)
    }
}

impl std::fmt::Display for UriRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text)
    }
}

/// An IP address with or without brackets.
pub(crate) fn host_ip(host: &str) -> Option<IpAddr> {
    let Some(inside) = host.strip_prefix('[') else {
        return host.parse().ok();
    };
    let inside = inside.strip_suffix(']').unwrap_or(inside);
    let address = inside.split_once('%').map_or(inside, |(address, _)| address);
    let v6 = address.parse().or_else(|_| address.replacen(":::", "::", 1).parse());
    v6.ok().map(IpAddr::V6)
}

/// Replaces `%HH`; what is not two hexadecimal digits stays.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, _, after)) = next_unescaped(rest) {
        out.push(byte);
        rest = after;
    }
    match String::from_utf8(out) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// The first character of `text` without its escape, whether it was escaped, and what follows.
pub(crate) fn next_unescaped(text: &[u8]) -> Option<(u8, bool, &[u8])> {
    let hex = |digit: u8| char::from(digit).to_digit(16);
    if let [b'%', high, low, rest @ ..] = text
        && let (Some(high), Some(low)) = (hex(*high), hex(*low))
    {
        return Some((u8::try_from(high * 16 + low).ok()?, true, rest));
    }
    text.split_first().map(|(byte, rest)| (*byte, false, rest))
}

/// Splits `text` at the first `byte`, which must be ASCII. On texts as short as these a plain loop
/// beats `str::split_once`.
fn cut(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|b| b == byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn split_pairs(text: &str, separator: char) -> impl Iterator<Item = (&str, Option<&str>)> + Clone {
    text.split(separator).filter(|pair| !pair.is_empty()).map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (pair, None),
    })
}
