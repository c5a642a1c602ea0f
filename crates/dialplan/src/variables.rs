//! `${NAME}` and `${NAME:offset:length}` in hints, names and globals.
//!
//! Dialplan functions, `${DB(x)}`, and expressions, `$[1 + 1]`, are no part of a presence server:
//! they stay as they are written and are reported.

use std::borrow::Cow;
use std::fmt;

/// Why a text could not be expanded as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No such variable: nothing was put in its place.
    Unset(String),
    /// A function, with its name.
    Function(String),
    /// `$[...]`
    Expression,
    /// `${` without its `}`.
    Unclosed,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset(name) => write!(f, "variable {name} is not set"),
            Self::Function(name) => write!(f, "function {name}() is not evaluated here"),
            Self::Expression => f.write_str("expression $[...] is not evaluated here"),
            Self::Unclosed => f.write_str("'${' without '}'"),
        }
    }
}

/// Nesting beyond this stays as it is written.
const DEPTH: usize = 16;

/// Expands a text; `value` knows the variables.
pub(crate) fn expand<'t, 'v>(
    text: &'t str,
    value: &dyn Fn(&str) -> Option<&'v str>,
) -> (Cow<'t, str>, Vec<Problem>) {
    let mut problems = Vec::new();
    let expanded = expand_nested(text, value, &mut problems, DEPTH);
    (expanded, problems)
}

fn expand_nested<'t, 'v>(
    text: &'t str,
    value: &dyn Fn(&str) -> Option<&'v str>,
    problems: &mut Vec<Problem>,
    depth: usize,
) -> Cow<'t, str> {
    if !text.contains('$') || depth == 0 {
        return Cow::Borrowed(text);
    }
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = after;
        if rest.starts_with('[') {
            problems.push(Problem::Expression);
        }
        let Some(inside) = rest.strip_prefix('{') else {
            expanded.push('$');
            continue;
        };
        let Some((reference, after)) = split_at_brace(inside) else {
            problems.push(Problem::Unclosed);
            expanded.push('$');
            continue;
        };
        rest = after;
        let reference = expand_nested(reference, value, problems, depth - 1);
        if let Some((name, _)) = reference.split_once('(') {
            problems.push(Problem::Function(name.to_owned()));
            expanded.push_str("${");
            expanded.push_str(&reference);
            expanded.push('}');
            continue;
        }
        let mut parts = reference.splitn(3, ':');
        let name = parts.next().unwrap_or_default();
        match value(name) {
            Some(value) => expanded.push_str(part(value, parts.next(), parts.next())),
            None => problems.push(Problem::Unset(name.to_owned())),
        }
    }
    expanded.push_str(rest);
    Cow::Owned(expanded)
}

/// Splits at the `}` that belongs to a `${` just before the text.
fn split_at_brace(text: &str) -> Option<(&str, &str)> {
    let mut open = 0;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' if open == 0 => return Some((text.get(..index)?, text.get(index + 1..)?)),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// `offset` characters are left out, from the end if it is negative; then `length` are kept, or
/// all but the last `-length`.
fn part<'v>(value: &'v str, offset: Option<&str>, length: Option<&str>) -> &'v str {
    let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<i64>().ok());
    let characters = value.chars().count() as i64;
    let from_end = |n: i64| if n < 0 { characters + n } else { n };
    let start = from_end(number(offset).unwrap_or(0)).clamp(0, characters);
    let end = match number(length) {
        None => characters,
        Some(length) if length < 0 => characters + length,
        Some(length) => start.saturating_add(length),
    };
    let byte = |character: i64| {
        let mut indices = value.char_indices().map(|(index, _)| index);
        let nth = usize::try_from(character).ok().and_then(|n| indices.nth(n));
        nth.unwrap_or(value.len())
    };
    if end <= start {
        return "";
    }
    value.get(byte(start)..byte(end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str) -> Option<&'static str> {
        match name {
            "EXTEN" => Some("*76100"),
            "WHICH" => Some("EXTEN"),
            "ä" => Some("äöü"),
            _ => None,
        }
    }

    #[test]
    fn variables_and_their_parts() {
        for (text, expected) in [
            ("Custom:p${EXTEN}", "Custom:p*76100"),
            ("${EXTEN:3}", "100"),
            ("${EXTEN:3:1}", "1"),
            ("${EXTEN:-2}", "00"),
            ("${EXTEN:-4:2}", "61"),
            ("${EXTEN:1:-1}", "7610"),
            ("${EXTEN:9}", ""),
            ("${EXTEN:-9}", "*76100"),
            ("${EXTEN:4:-9}", ""),
            ("${EXTEN:-9223372036854775808:9223372036854775807}", "*76100"),
            ("${${WHICH}:3}", "100"),
            ("${ä:1:1}", "ö"),
            ("5$ and }", "5$ and }"),
            ("$", "$"),
        ] {
            assert_eq!(expand(text, &value), (expected.into(), vec![]), "{text}");
        }
    }

    #[test]
    fn what_is_not_evaluated_is_reported() {
        let function = Problem::Function("DB".into());
        for (text, expected, problem) in [
            ("a${NONE}b", "ab", Problem::Unset("NONE".into())),
            ("${DB(x/${EXTEN:3})}", "${DB(x/100)}", function),
            ("$[1+1]", "$[1+1]", Problem::Expression),
            ("a${EXTEN", "a${EXTEN", Problem::Unclosed),
        ] {
            assert_eq!(expand(text, &value), (expected.into(), vec![problem]));
        }
        let deep = "${".repeat(100_000) + &"}".repeat(100_000);
        expand(&deep, &value);
    }
}
