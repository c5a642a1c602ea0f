//! Parameters behind header values: `*( SEMI token [ EQUAL gen-value ] )` (RFC 3261 section 25.1).

use crate::grammar::{SyntaxError, is_lws, is_token_byte, split_before, split_quoted, trim_start};

/// The parameters of a header value, checked once and read lazily.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Params<'a>(&'a [u8]);

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// Name as written; compare without case.
    pub name: &'a [u8],
    /// Value as written, quotes included; `None` when there is no `=`.
    pub value: Option<&'a [u8]>,
}

impl<'a> Param<'a> {
    /// The value without surrounding quotes (escapes inside are left); empty when there is none.
    pub fn unquoted(self) -> &'a [u8] {
        match self.value {
            Some([b'"', inside @ .., b'"']) => inside,
            Some(value) => value,
            None => b"",
        }
    }
}

impl<'a> Params<'a> {
    /// Parses everything that follows a header value, from its first semicolon on.
    pub fn parse(text: &'a [u8]) -> Result<Self, SyntaxError> {
        Self::parse_with(text, |_| Ok(()))
    }

    /// As [`Params::parse`], showing each parameter to `read` on the way.
    pub(crate) fn parse_with(
        text: &'a [u8],
        mut read: impl FnMut(Param<'a>) -> Result<(), SyntaxError>,
    ) -> Result<Self, SyntaxError> {
        let mut rest = text;
        while let Some(param) = next_param(&mut rest)? {
            read(param)?;
        }
        Ok(Self(text))
    }

    /// The parameters in their order.
    pub fn iter(self) -> impl Iterator<Item = Param<'a>> + Clone {
        let mut rest = self.0;
        // `parse` has seen every parameter, so there is no error left to find.
        std::iter::from_fn(move || next_param(&mut rest).ok().flatten())
    }

    /// The value of the parameter `name` (any case) without quotes; empty when the parameter is
    /// there without a value.
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.iter().find(|param| param.name.eq_ignore_ascii_case(name.as_bytes())).map(Param::unquoted)
    }
}

/// Takes `;name[=value]` from the start of `rest`.
fn next_param<'a>(rest: &mut &'a [u8]) -> Result<Option<Param<'a>>, SyntaxError> {
    let text = match trim_start(rest) {
        [] => return Ok(None),
        [b';', text @ ..] => trim_start(text),
        _ => return Err(SyntaxError("parameter does not start with a semicolon")),
    };
    let (name, text) = split_before(text, |b| !is_token_byte(b));
    if name.is_empty() {
        return Err(SyntaxError("parameter without a name"));
    }
    let (value, text) = match trim_start(text) {
        [b'=', text @ ..] => {
            let text = trim_start(text);
            let (value, text) = match text.first() {
                Some(b'"') => split_quoted(text).ok_or(SyntaxError("quotes are not closed"))?,
                _ => split_before(text, |b| is_lws(b) || matches!(b, b';' | b',' | b'"' | b'<' | b'>')),
            };
            (Some(value), text)
        }
        text => (None, text),
    };
    *rest = text;
    Ok(Some(Param { name, value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_folds_and_quotes() {
        let params = Params::parse(b" ;\r\n  tag = 98asjd8;lr ; x=\"a;\\\"b\"").unwrap();
        assert_eq!(params.get("TAG"), Some(&b"98asjd8"[..]));
        assert_eq!(params.get("lr"), Some(&b""[..]));
        assert_eq!(params.get("x"), Some(&br#"a;\"b"#[..]));
        assert_eq!(params.iter().count(), 3);
        assert_eq!(params.get("y"), None);
    }

    #[test]
    fn malformed() {
        for text in [&b";;"[..], b"x", b"; =1", b";a b", b";a=\"x", b";a=<x>"] {
            assert!(Params::parse(text).is_err(), "{text:?}");
        }
    }
}
