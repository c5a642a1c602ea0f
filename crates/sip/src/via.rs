//! Via (RFC 3261 section 20.42, RFC 3581 for `rport`).
//!
//! ```
//! let via = sip::ViaRef::parse(b"SIP/2.0/UDP 192.0.2.1:5062;rport;branch=z9hG4bKx").unwrap();
//! assert_eq!((via.transport, via.host, via.port), ("UDP", "192.0.2.1", Some(5062)));
//! assert_eq!(via.rport, Some(None));
//! ```

use std::net::IpAddr;

use crate::grammar::trim_start;
use crate::grammar::{SyntaxError, decimal, is_lws, port, split_before, split_host, token, trim};
use crate::param::{Param, Params};
use crate::uri::host_ip;

/// What a branch of RFC 3261 starts with.
pub const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// One Via value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViaRef<'a> {
    /// The protocol version, normally `2.0`.
    pub version: &'a str,
    /// The transport as written: `UDP`, `TCP`, `TLS`, `WS`, ...
    pub transport: &'a str,
    /// The host of sent-by; an IPv6 address keeps its brackets.
    pub host: &'a str,
    /// The port of sent-by, when written.
    pub port: Option<u16>,
    /// The branch.
    pub branch: Option<&'a [u8]>,
    /// `rport`: `Some(None)` asks for symmetric responses, `Some(Some(port))` is filled in.
    pub rport: Option<Option<u16>>,
    /// `received` as written; see [`ViaRef::received_ip`].
    pub received: Option<&'a [u8]>,
    /// `maddr` as written.
    pub maddr: Option<&'a [u8]>,
    /// `ttl`.
    pub ttl: Option<u8>,
    /// All parameters.
    pub params: Params<'a>,
    /// The whole value, trimmed, possibly folded.
    pub raw: &'a [u8],
}

impl<'a> ViaRef<'a> {
    /// Parses one Via value (no comma list).
    pub fn parse(value: &'a [u8]) -> Result<Self, SyntaxError> {
        let raw = trim(value);
        let (protocol, rest) = slash(raw)?;
        let (version, rest) = slash(rest)?;
        let (transport, rest) = split_before(trim_start(rest), is_lws);
        if !protocol.eq_ignore_ascii_case("SIP") {
            return Err(SyntaxError("Via protocol is not SIP"));
        }
        let transport = token(transport).ok_or(SyntaxError("bad Via transport"))?;
        let (host, rest) = split_host(trim_start(rest))?;
        let rest = trim_start(rest);
        let (sent_port, params) = match rest {
            [b':', rest @ ..] => {
                let (digits, rest) = split_before(trim_start(rest), |b| !b.is_ascii_digit());
                (Some(port(digits).ok_or(SyntaxError("bad Via port"))?), rest)
            }
            rest => (None, rest),
        };
        let mut via = Self {
            version,
            transport,
            host,
            port: sent_port,
            branch: None,
            rport: None,
            received: None,
            maddr: None,
            ttl: None,
            params: Params::default(),
            raw,
        };
        via.params = Params::parse_with(params, |param| via.read_param(param))?;
        Ok(via)
    }

    /// The branch when it has the magic cookie and something behind it (RFC 3261 section 8.1.1.7);
    /// otherwise the transaction is matched by the rules of RFC 2543.
    pub fn rfc3261_branch(&self) -> Option<&'a [u8]> {
        self.branch.filter(|branch| {
            branch
                .split_at_checked(MAGIC_COOKIE.len())
                .is_some_and(|(cookie, rest)| cookie.eq_ignore_ascii_case(MAGIC_COOKIE) && !rest.is_empty())
        })
    }

    /// `received` as an address, with or without brackets (RFC 5118 section 4.5).
    pub fn received_ip(&self) -> Option<IpAddr> {
        self.received.and_then(|text| std::str::from_utf8(text).ok()).and_then(host_ip)
    }

    /// The host of sent-by as an address, when it is one.
    pub fn host_ip(&self) -> Option<IpAddr> {
        host_ip(self.host)
    }

    /// The parameter `name`, as [`Params::get`] gives it.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        self.params.get(name)
    }

    /// The first of several parameters of one name counts.
    fn read_param(&mut self, param: Param<'a>) -> Result<(), SyntaxError> {
        let is = |name: &str| param.name.eq_ignore_ascii_case(name.as_bytes());
        let value = param.unquoted();
        if is("branch") {
            self.branch.get_or_insert(value);
        } else if is("rport") {
            let filled = match value {
                [] => None,
                digits => Some(port(digits).ok_or(SyntaxError("bad rport"))?),
            };
            self.rport.get_or_insert(filled);
        } else if is("received") {
            self.received.get_or_insert(value);
        } else if is("maddr") {
            self.maddr.get_or_insert(value);
        } else if is("ttl") {
            let ttl = decimal(value).and_then(|ttl| u8::try_from(ttl).ok());
            self.ttl.get_or_insert(ttl.ok_or(SyntaxError("bad ttl"))?);
        }
        Ok(())
    }
}

/// Takes `token SLASH` from the start of `text`.
fn slash(text: &[u8]) -> Result<(&str, &[u8]), SyntaxError> {
    let (part, rest) = split_before(text, |b| b == b'/');
    let part = token(trim(part)).ok_or(SyntaxError("bad Via protocol"))?;
    Ok((part, rest.get(1..).unwrap_or_default()))
}
