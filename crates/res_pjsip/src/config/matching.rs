//! What an `identify` compares a request with: `match`, `match_header`, `match_request_uri`.
//!
//! ```text
//! match=192.0.2.0/24,!192.0.2.66,[2001:db8::1]:5070,gateway.example.com
//! match_header=X-Site: /^(berlin|bonn)$/
//! match_request_uri=/^sip:main@/
//! ```

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use regex_lite::Regex;

use super::network::Network;

/// Whom one item of `match` speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatchAddress {
    /// An address or a network.
    Network(Network),
    /// A host name, to be resolved by whoever runs the server.
    Host(Arc<str>),
}

/// One item of `match`. The last item that contains a source decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchRule {
    /// Whether `!` excludes these addresses.
    pub excluded: bool,
    /// The addresses meant.
    pub address: MatchAddress,
    /// The source port meant, if only one is.
    pub port: Option<u16>,
}

impl MatchRule {
    /// Reads `[!]address[:port]`, `[!]network` or `[!]host[:port]`; IPv6 with a port is bracketed.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (excluded, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text),
        };
        let (address, port) = if let Ok(SocketAddr::V6(source)) = text.parse::<SocketAddr>() {
            (MatchAddress::Network(Network::new(IpAddr::V6(*source.ip()), 128)), Some(source.port()))
        } else if let Ok(network) = Network::parse(text) {
            (MatchAddress::Network(network), None)
        } else {
            let (host, port) = split_port(text)?;
            match Network::parse(host) {
                Ok(network) => (MatchAddress::Network(network), port),
                Err(_) => (MatchAddress::Host(host_name(host)?), port),
            }
        };
        Ok(Self { excluded, address, port: port.filter(|port| *port != 0) })
    }

    /// The rule as parameter listings show it: the net mask in full.
    pub(crate) fn show(&self) -> String {
        match &self.address {
            MatchAddress::Network(network) => self.decorate(&network.with_mask()),
            MatchAddress::Host(host) => self.decorate(host),
        }
    }

    fn decorate(&self, address: &str) -> String {
        let not = if self.excluded { "!" } else { "" };
        match self.port {
            None => format!("{not}{address}"),
            Some(port) if address.contains("::") || address.matches(':').count() > 1 => {
                format!("{not}[{address}]:{port}")
            }
            Some(port) => format!("{not}{address}:{port}"),
        }
    }
}

/// The rule as short listings show it: the number of bits.
impl fmt::Display for MatchRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            MatchAddress::Network(network) => f.write_str(&self.decorate(&network.to_string())),
            MatchAddress::Host(host) => f.write_str(&self.decorate(host)),
        }
    }
}

/// What a text must be: exactly this, or something a regular expression is found in.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// The whole text, case-sensitive.
    Literal(Arc<str>),
    /// Written `/…/`: found anywhere in the text.
    Regex(Regex),
}

impl Pattern {
    /// Reads a literal or `/regex/`.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            None => Ok(Self::Literal(text.into())),
            Some(regex) => Regex::new(regex)
                .map(Self::Regex)
                .map_err(|error| format!("a regular expression between the slashes ({error})")),
        }
    }

    /// Whether `text` is what this asks for.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => **literal == *text,
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(mine), Self::Literal(other)) => mine == other,
            (Self::Regex(mine), Self::Regex(other)) => mine.as_str() == other.as_str(),
            _ => false,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => f.write_str(literal),
            Self::Regex(regex) => write!(f, "/{}/", regex.as_str()),
        }
    }
}

/// A header and what its value must be.
#[derive(Clone, Debug, PartialEq)]
pub struct HeaderMatch {
    /// The name of the header, compared without regard to case.
    pub name: Arc<str>,
    /// What one of its values must be.
    pub value: Pattern,
}

impl HeaderMatch {
    /// Reads `Name: value` or `Name: /regex/`.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("a header name, ':' and a value")?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || value.is_empty() {
            return Err("a header name, ':' and a value".into());
        }
        Ok(Self { name: name.into(), value: Pattern::parse(value)? })
    }
}

impl fmt::Display for HeaderMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.value)
    }
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), String> {
    match text.rsplit_once(':') {
        None => Ok((text, None)),
        Some((host, port)) => match port.parse() {
            Ok(port) => Ok((host, Some(port))),
            Err(_) => Err(format!("a port number after the ':' of '{text}'")),
        },
    }
}

/// A host name as RFC 1123 and DNS service names (`_sip._udp`) write them.
fn host_name(text: &str) -> Result<Arc<str>, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    // A name whose last label is a number is a mistyped address, never a host (RFC 1123, 2.1).
    let last_is_number = text
        .trim_end_matches('.')
        .rsplit('.')
        .next()
        .is_none_or(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    if text.chars().all(allowed) && !last_is_number && text.len() <= 255 {
        Ok(text.into())
    } else {
        Err(format!("an IP address, a network or a host name, not '{text}'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<(String, String), String> {
        MatchRule::parse(text).map(|rule| (rule.to_string(), rule.show()))
    }

    #[test]
    fn match_takes_addresses_networks_names_and_ports() {
        for (text, short, long) in [
            ("10.1.2.3", "10.1.2.3/32", "10.1.2.3/255.255.255.255"),
            ("10.1.2.3/16", "10.1.0.0/16", "10.1.0.0/255.255.0.0"),
            ("!10.1.0.0/255.255.0.0", "!10.1.0.0/16", "!10.1.0.0/255.255.0.0"),
            ("10.1.2.3:5070", "10.1.2.3/32:5070", "10.1.2.3/255.255.255.255:5070"),
            ("2001:db8::/32", "2001:db8::/32", "2001:db8::/ffff:ffff::"),
            ("gw.example.com", "gw.example.com", "gw.example.com"),
            ("!gw.example.com:5070", "!gw.example.com:5070", "!gw.example.com:5070"),
        ] {
            assert_eq!(shown(text), Ok((short.to_owned(), long.to_owned())), "{text}");
        }
        assert_eq!(MatchRule::parse("[2001:db8::1]:5070").map(|rule| rule.port), Ok(Some(5070)));
    }

    #[test]
    fn match_refuses_what_is_no_address_and_no_name() {
        for text in ["10.1.2.300", "10.1.2.3/33", "gw.example.com:sip", "a b", "10.0.0.0/255.0.255.0", "!"] {
            assert!(shown(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_pattern_is_a_literal_or_a_regular_expression_found_anywhere() {
        assert!(Pattern::parse("sip:a@b").is_ok_and(|p| p.matches("sip:a@b") && !p.matches("sip:a@bc")));
        assert!(Pattern::parse("/^sip:a/").is_ok_and(|p| p.matches("sip:a@bc") && !p.matches("xsip:a")));
        assert!(Pattern::parse("/(/").is_err());
        assert!(HeaderMatch::parse("X-Site").is_err() && HeaderMatch::parse(": x").is_err());
        assert_eq!(HeaderMatch::parse("X-Site:/b./").map(|h| h.to_string()), Ok("X-Site: /b./".into()));
    }
}
