//! The Event header (RFC 6665 section 8.2.1).

use crate::grammar::{SyntaxError, is_token_byte, split_before, token, trim};
use crate::param::Params;

/// The value of Event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRef<'a> {
    /// The event package with its templates, as written: `presence`, `presence.winfo`.
    pub package: &'a str,
    /// The `id` parameter.
    pub id: Option<&'a [u8]>,
    /// All parameters.
    pub params: Params<'a>,
    /// The whole value, trimmed, possibly folded.
    pub raw: &'a [u8],
}

impl<'a> EventRef<'a> {
    /// Parses the value of Event.
    pub fn parse(value: &'a [u8]) -> Result<Self, SyntaxError> {
        let raw = trim(value);
        let (package, rest) = split_before(raw, |b| !is_token_byte(b));
        let params = Params::parse(rest)?;
        Ok(Self {
            package: token(package).ok_or(SyntaxError("bad event package"))?,
            id: params.get("id"),
            params,
            raw,
        })
    }
}
