//! `callerid="Name" <number>`: the name and number of an endpoint.

use std::sync::Arc;

/// The caller id of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerId {
    /// The name, empty when none is given.
    pub name: Arc<str>,
    /// The number, empty when none is given.
    pub number: Arc<str>,
}

impl CallerId {
    /// Reads `"Name" <number>`, `Name <number>`, `<number>`, a number or a name. Nothing is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (name, number) = match text.rsplit_once('<').map(|(name, rest)| (name, rest.split_once('>'))) {
            Some((name, Some((number, "")))) => (name, number),
            _ if is_number(text) => ("", text),
            _ => (text, ""),
        };
        let name = name.trim();
        let name = name.strip_prefix('"').map_or(name, |rest| rest.strip_suffix('"').unwrap_or(rest));
        let (name, number) = (name.trim(), number.trim());
        (!name.is_empty() || !number.is_empty()).then(|| Self { name: name.into(), number: number.into() })
    }

    /// The value of the option as parameter listings show it.
    pub(crate) fn show(text: &str) -> String {
        match Self::parse(text) {
            None => "<unknown>".into(),
            Some(id) if id.number.is_empty() => id.name.to_string(),
            Some(id) if id.name.is_empty() => id.number.to_string(),
            Some(id) => format!("\"{}\" <{}>", id.name, id.number),
        }
    }
}

/// Digits and what may stand between them in a written phone number.
fn is_number(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "*#+-(). ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::CallerId;

    #[test]
    fn caller_ids_are_shown_as_name_and_number() {
        for (text, shown) in [
            ("", "<unknown>"),
            ("<>", "<unknown>"),
            ("\"Alice A.\" <1000>", "\"Alice A.\" <1000>"),
            ("Alice <1000>", "\"Alice\" <1000>"),
            ("<1000>", "1000"),
            ("+49 30 1000", "+49 30 1000"),
            ("Alice", "Alice"),
            ("Alice <", "Alice <"),
        ] {
            assert_eq!(CallerId::show(text), shown, "{text}");
        }
    }
}
