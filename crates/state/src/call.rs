//! Who is calling a device that rings, as far as a source knows.

use std::fmt;
use std::sync::Arc;

/// One end of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Party {
    /// The number; empty if it is not known.
    pub number: Arc<str>,
    /// The name to display; may be empty.
    pub name: Arc<str>,
    /// The party withholds both (RFC 3323).
    pub restricted: bool,
}

impl Party {
    /// Reads `"Alice" <4444>`, `Alice <4444>`, `<4444>` or `4444`, as `callerid` options are written.
    /// A text without brackets that has other characters than digits, `+`, `*` and `#` is a name.
    pub fn parse(text: &str) -> Self {
        let unquoted = |text: &str| {
            let text = text.trim();
            let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            Arc::<str>::from(inner.unwrap_or(text))
        };
        let text = text.trim();
        if let Some((name, rest)) = text.rsplit_once('<')
            && let Some(number) = rest.strip_suffix('>')
        {
            return Self { number: number.trim().into(), name: unquoted(name), restricted: false };
        }
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+*#".contains(&byte));
        match is_number {
            true => Self { number: text.into(), ..Self::default() },
            false => Self { name: unquoted(text), ..Self::default() },
        }
    }
}

impl fmt::Display for Party {
    /// `"Alice" <4444>`, or the part there is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.name, &*self.number) {
            _ if self.restricted => f.write_str("anonymous"),
            ("", "") => f.write_str("unknown"),
            ("", number) => f.write_str(number),
            (name, "") => write!(f, "\"{name}\""),
            (name, number) => write!(f, "\"{name}\" <{number}>"),
        }
    }
}

/// The call that a device is in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Call {
    /// Who is at the other end: who is calling, while it rings.
    pub remote: Party,
    /// Who is at this end.
    pub local: Party,
    /// When it began, in milliseconds since 1970. Of several calls the oldest is the one that is shown.
    pub since: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties_are_read_as_caller_ids_are_written() {
        let cases = [
            ("\"Alice\" <4444>", "4444", "Alice", "\"Alice\" <4444>"),
            ("Alice B. <4444>", "4444", "Alice B.", "\"Alice B.\" <4444>"),
            ("<+49 30>", "+49 30", "", "+49 30"),
            (" +4930 ", "+4930", "", "+4930"),
            ("Alice", "", "Alice", "\"Alice\""),
            ("\"a < b\" <1>", "1", "a < b", "\"a < b\" <1>"),
            ("", "", "", "unknown"),
        ];
        for (text, number, name, shown) in cases {
            let party = Party::parse(text);
            assert_eq!((&*party.number, &*party.name), (number, name), "{text}");
            assert_eq!(party.to_string(), shown);
        }
        assert_eq!(Party { restricted: true, ..Party::parse("1") }.to_string(), "anonymous");
    }
}
