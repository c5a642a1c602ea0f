//! Media types: Content-Type and Accept (RFC 3261 sections 20.1 and 20.15).

use crate::grammar::{SyntaxError, is_token_byte, split_before, token, trim, trim_start};
use crate::param::Params;

/// A media type with its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaRef<'a> {
    /// Left of the slash.
    pub type_: &'a str,
    /// Right of the slash.
    pub subtype: &'a str,
    /// What follows.
    pub params: Params<'a>,
}

impl<'a> MediaRef<'a> {
    /// Parses `type SLASH subtype *(SEMI parameter)`.
    pub fn parse(value: &'a [u8]) -> Result<Self, SyntaxError> {
        const BAD: SyntaxError = SyntaxError("bad media type");
        let (type_, rest) = split_before(value, |b| b == b'/');
        let type_ = token(trim(type_)).ok_or(BAD)?;
        let rest = trim_start(rest.get(1..).ok_or(BAD)?);
        let (subtype, params) = split_before(rest, |b| !is_token_byte(b));
        Ok(Self { type_, subtype: token(subtype).ok_or(BAD)?, params: Params::parse(params)? })
    }

    /// Is this `media` (`type/subtype`, parameters of both ignored)?
    pub fn is(&self, media: &str) -> bool {
        split_media(media).is_some_and(|(type_, subtype)| {
            self.type_.eq_ignore_ascii_case(type_) && self.subtype.eq_ignore_ascii_case(subtype)
        })
    }
}

/// One element of Accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptRef<'a> {
    /// Left of the slash; may be `*`.
    pub type_: &'a str,
    /// Right of the slash; may be `*`.
    pub subtype: &'a str,
    /// How much it is wanted, in thousandths; 1000 when not written.
    pub q: u16,
    /// All parameters, `q` included.
    pub params: Params<'a>,
}

impl<'a> AcceptRef<'a> {
    /// Parses one element.
    pub fn parse(value: &'a [u8]) -> Result<Self, SyntaxError> {
        let MediaRef { type_, subtype, params } = MediaRef::parse(value)?;
        let q = match params.get("q") {
            Some(q) => thousandths(q).ok_or(SyntaxError("bad q value"))?,
            None => 1000,
        };
        Ok(Self { type_, subtype, q, params })
    }

    /// Does this element cover `media` (`type/subtype`)? Case and wildcards are honoured; an
    /// element with `q=0` covers what it excludes, so look at [`AcceptRef::q`] as well.
    pub fn matches(&self, media: &str) -> bool {
        let covers = |range: &str, part: &str| range == "*" || range.eq_ignore_ascii_case(part);
        split_media(media)
            .is_some_and(|(type_, subtype)| covers(self.type_, type_) && covers(self.subtype, subtype))
    }
}

fn split_media(media: &str) -> Option<(&str, &str)> {
    let essence = media.split_once(';').map_or(media, |(essence, _)| essence);
    let (type_, subtype) = essence.split_once('/')?;
    Some((type_.trim(), subtype.trim()))
}

/// `qvalue`: 0 to 1 with at most three decimals.
fn thousandths(text: &[u8]) -> Option<u16> {
    let (whole, decimals) = split_before(text, |b| b == b'.');
    let decimals = decimals.get(1..).unwrap_or_default();
    if decimals.len() > 3 || !decimals.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let whole = match whole {
        b"0" => 0,
        b"1" => 1000,
        // ".5" is not legal, but not in doubt either.
        b"" if !decimals.is_empty() => 0,
        _ => return None,
    };
    let part = decimals.iter().chain(b"000").take(3).fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    Some(whole + part).filter(|q| *q <= 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_case() {
        let any = AcceptRef::parse(b"*/*;q=0.5").unwrap();
        assert!(any.matches("application/pidf+xml"));
        assert_eq!(any.q, 500);
        let text = AcceptRef::parse(b"TEXT / *").unwrap();
        assert!(text.matches("text/plain") && !text.matches("application/sdp"));
        let pidf = AcceptRef::parse(b"Application/PIDF+xml;version=1").unwrap();
        assert!(pidf.matches("application/pidf+xml"));
        assert!(!pidf.matches("application/xpidf+xml"));
        assert!(!pidf.matches("nonsense"));
    }

    #[test]
    fn q_values() {
        for (text, q) in [("1", 1000), ("1.000", 1000), ("0", 0), ("0.25", 250), ("0.", 0)] {
            assert_eq!(thousandths(text.as_bytes()), Some(q), "{text}");
        }
        for text in ["2", "1.1", "0.1234", "x", "", ".", "-1"] {
            assert_eq!(thousandths(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn content_types() {
        let media = MediaRef::parse(b"multipart/related;type=\"a/b\";boundary=x").unwrap();
        assert!(media.is("Multipart/Related"));
        assert_eq!(media.params.get("type"), Some(&b"a/b"[..]));
        for bad in ["application", "a/", "/b", "a/b c", "a/b;;"] {
            assert!(MediaRef::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
