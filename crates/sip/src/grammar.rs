//! The basic rules of RFC 3261 section 25.1: tokens, linear white space, quoted strings, numbers.
//!
//! Header values handed to these functions may still be folded: CR and LF inside a value count as
//! white space, which is what section 7.3.1 asks for.

use std::borrow::Cow;

/// Why a piece of text is not what the grammar asks for; the words are for logs and reason phrases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SyntaxError(pub &'static str);

const fn token_table() -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"-.!%*_+`'~";
    let mut i = 0;
    while i < marks.len() {
        table[marks[i] as usize] = true;
        i += 1;
    }
    table
}

static TOKEN: [bool; 256] = token_table();

/// Is `byte` one of the characters of a `token`?
#[inline]
pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// `text` as a `token`: at least one character, all of the token set.
#[inline]
pub(crate) fn token(text: &[u8]) -> Option<&str> {
    if text.is_empty() || !text.iter().all(|&b| is_token_byte(b)) {
        return None;
    }
    std::str::from_utf8(text).ok()
}

/// Linear white space, folds included.
#[inline]
pub(crate) fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// `text` without the white space at its start.
#[inline]
pub(crate) fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_lws(*first)
    {
        text = rest;
    }
    text
}

/// `text` without the white space at its ends.
#[inline]
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    let mut text = trim_start(text);
    while let [rest @ .., last] = text
        && is_lws(*last)
    {
        text = rest;
    }
    text
}

/// Splits `text` before the first byte that `stop` accepts.
#[inline]
pub(crate) fn split_before(text: &[u8], stop: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let at = text.iter().position(|&b| stop(b)).unwrap_or(text.len());
    text.split_at(at)
}

/// Splits a text that starts with a quoted string behind its closing quote; the quotes stay in the
/// first part. `None` when there is no opening or no closing quote.
pub(crate) fn split_quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut bytes = text.iter().enumerate();
    bytes.next().filter(|(_, b)| **b == b'"')?;
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return text.split_at_checked(at + 1),
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
    None
}

/// Splits `text` at its first comma outside of quotes and angle brackets. The rest is `None` when
/// there is no such comma.
pub(crate) fn split_comma(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    if memchr::memchr(b',', text).is_none() {
        return (text, None);
    }
    let (mut quoted, mut bracketed) = (false, false);
    let mut bytes = text.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if quoted => {
                bytes.next();
            }
            b'"' if !bracketed => quoted = !quoted,
            b'<' if !quoted => bracketed = true,
            b'>' if !quoted => bracketed = false,
            b',' if !quoted && !bracketed => {
                let (value, rest) = text.split_at(at);
                return (value, rest.get(1..));
            }
            _ => {}
        }
    }
    (text, None)
}

/// `1*DIGIT` as a number; what does not fit becomes `u64::MAX`.
#[inline]
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, byte| {
        byte.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
    })
}

/// `delta-seconds`: as [`decimal`], limited to `u32::MAX`.
pub(crate) fn seconds(text: &[u8]) -> Option<u32> {
    decimal(text).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// A port: `1*DIGIT`, at most 65535.
pub(crate) fn port(text: &[u8]) -> Option<u16> {
    decimal(text).and_then(|n| u16::try_from(n).ok())
}

/// Takes a `host` from the start of `text`: a host name, an IPv4 address, or an IPv6 reference
/// with its brackets (RFC 5118 section 4.10: the inside of the brackets is not judged here).
pub(crate) fn split_host(text: &[u8]) -> Result<(&str, &[u8]), SyntaxError> {
    let (host, rest) = if text.first() == Some(&b'[') {
        let end = memchr::memchr(b']', text).ok_or(SyntaxError("IPv6 address is not closed"))?;
        let (host, rest) = text.split_at(end + 1);
        let inside = host.get(1..end).unwrap_or_default();
        let (address, zone) = split_before(inside, |b| b == b'%');
        let hex = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
        if address.is_empty() || !address.iter().all(hex) || !zone.iter().all(|&b| is_token_byte(b)) {
            return Err(SyntaxError("bad IPv6 address"));
        }
        (host, rest)
    } else {
        split_before(text, |b| !b.is_ascii_alphanumeric() && !matches!(b, b'-' | b'.' | b'_'))
    };
    match std::str::from_utf8(host) {
        Ok(host) if !host.is_empty() => Ok((host, rest)),
        _ => Err(SyntaxError("no host")),
    }
}

/// `value` for people: as UTF-8, or as ISO 8859-1 when it is not UTF-8 (older phones).
pub(crate) fn text(value: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(value.iter().copied().map(char::from).collect()),
    }
}

/// `value` with each fold replaced by one blank (section 7.3.1); borrowed when there is none.
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\r', b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    push_unfolded(&mut out, value);
    Cow::Owned(out)
}

/// Appends `value` to `out` with each fold (and each stray CR or LF) replaced by one blank.
pub(crate) fn push_unfolded(out: &mut Vec<u8>, value: &[u8]) {
    let mut rest = value;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        let (line, fold) = rest.split_at(at);
        out.extend_from_slice(trim_end_blanks(line));
        out.push(b' ');
        rest = trim_start(fold);
    }
    out.extend_from_slice(rest);
}

/// `text` without blanks and tabs at its end.
pub(crate) fn trim_end_blanks(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_and_brackets_do_not_split() {
        let text = br#""a,\"b" <sip:x,y@h>;p="q,r" , <sip:z>"#;
        let (first, rest) = split_comma(text);
        assert_eq!(trim(first), br#""a,\"b" <sip:x,y@h>;p="q,r""#);
        assert_eq!(rest.map(trim), Some(&b"<sip:z>"[..]));
    }

    #[test]
    fn folds_become_one_blank() {
        assert_eq!(&*unfold(b"a \r\n\t b\n c"), b"a b c");
        assert!(matches!(unfold(b"a b"), Cow::Borrowed(b"a b")));
        assert_eq!(&*unfold(b"a\r\n\r\n b"), b"a b");
    }

    #[test]
    fn numbers_saturate_and_letters_are_refused() {
        assert_eq!(seconds(b"0068"), Some(68));
        assert_eq!(seconds(b"99999999999999999999999999"), Some(u32::MAX));
        assert_eq!(seconds(b"-1"), None);
        assert_eq!(seconds(b""), None);
        assert_eq!(port(b"65536"), None);
    }

    #[test]
    fn hosts() {
        assert_eq!(split_host(b"[2001:db8::1]:5060"), Ok(("[2001:db8::1]", &b":5060"[..])));
        assert_eq!(split_host(b"a-b.c;x"), Ok(("a-b.c", &b";x"[..])));
        assert!(split_host(b"[fe80::1%eth0]").is_ok());
        assert!(split_host(b"[]").is_err());
        assert!(split_host(b"[::1").is_err());
        assert!(split_host(b"").is_err());
    }
}
