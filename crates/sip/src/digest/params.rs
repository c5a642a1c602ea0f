//! `Digest name=value, name="value", …` of challenges and credentials (RFC 7616 section 3, RFC 3261
//! section 25.1).

use std::borrow::Cow;

use crate::grammar::{
    SyntaxError, is_lws, is_token_byte, split_before, split_quoted, trim, trim_start, unfold,
};

/// Shows each parameter of a Digest header value to `read`: its name as written, its value without
/// quotes and quoted pairs. Empty list elements are skipped.
pub(super) fn read_params<'a>(
    header: &'a [u8],
    mut read: impl FnMut(&'a str, Cow<'a, str>) -> Result<(), SyntaxError>,
) -> Result<(), SyntaxError> {
    let (scheme, mut rest) = split_before(trim(header), is_lws);
    if !scheme.eq_ignore_ascii_case(b"Digest") {
        return Err(SyntaxError("the scheme is not Digest"));
    }
    loop {
        rest = trim_start(rest);
        match rest {
            [] => return Ok(()),
            [b',', after @ ..] => {
                rest = after;
                continue;
            }
            _ => {}
        }
        let (name, after) = split_before(rest, |b| !is_token_byte(b));
        let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty());
        let name = name.ok_or(SyntaxError("parameter without a name"))?;
        let [b'=', after @ ..] = trim_start(after) else {
            return Err(SyntaxError("parameter without a value"));
        };
        let after = trim_start(after);
        let (value, after) = match after.first() {
            Some(b'"') => {
                let (quoted, after) = split_quoted(after).ok_or(SyntaxError("quotes are not closed"))?;
                (unquote(quoted)?, after)
            }
            _ => {
                let (value, after) = split_before(after, |b| is_lws(b) || b == b',');
                if value.is_empty() || value.contains(&b'"') {
                    return Err(SyntaxError("bad value"));
                }
                (text(Cow::Borrowed(value))?, after)
            }
        };
        read(name, value)?;
        rest = trim_start(after);
        if !matches!(rest.first(), None | Some(b',')) {
            return Err(SyntaxError("no comma between parameters"));
        }
    }
}

/// A quoted string without its quotes, folds and quoted pairs.
fn unquote(quoted: &[u8]) -> Result<Cow<'_, str>, SyntaxError> {
    let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    let inside = unfold(inside);
    if !inside.contains(&b'\\') {
        return text(inside);
    }
    let mut plain = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter();
    while let Some(byte) = bytes.next() {
        let byte = if *byte == b'\\' { bytes.next() } else { Some(byte) };
        plain.extend(byte);
    }
    text(Cow::Owned(plain))
}

fn text(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, SyntaxError> {
    let not_text = SyntaxError("a value is not UTF-8");
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| not_text),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| not_text),
    }
}
