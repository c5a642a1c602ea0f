//! `${NAME}`, `${NAME:offset:length}` and functions, `${DB(family/key)}`, in hints, names and globals.
//!
//! Expressions, `$[1 + 1]`, are no part of a presence server: they stay as they are written and are
//! reported.

use std::borrow::Cow;
use std::fmt;

use conf::Severity;

use crate::functions::{CallError, Functions};

/// Why a text could not be expanded as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No such variable: nothing was put in its place.
    Unset(String),
    /// A function that is not called here, with its name.
    Function(String),
    /// A call that came to nothing: nothing was put in its place.
    Call(CallError),
    /// `$[...]`
    Expression,
    /// `${` without its `}`.
    Unclosed,
}

impl Problem {
    /// How bad it is.
    pub(crate) fn severity(&self) -> Severity {
        match self {
            Self::Function(_) | Self::Call(CallError::NoValue(_)) => Severity::Notice,
            _ => Severity::Warning,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset(name) => write!(f, "variable {name} is not set"),
            Self::Function(name) => write!(f, "function {name}() is not evaluated here"),
            Self::Call(error) => error.fmt(f),
            Self::Expression => f.write_str("expression $[...] is not evaluated here"),
            Self::Unclosed => f.write_str("'${' without '}'"),
        }
    }
}

/// What becomes of functions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Calls<'f> {
    /// They stay as they are written: nothing is known of them.
    Leave,
    /// They stay as they are written, but must be known.
    Check(&'f Functions),
    /// Their values take their places.
    Run(&'f Functions),
}

/// Nesting beyond this stays as it is written.
const DEPTH: usize = 16;

/// Expands a text; `value` knows the variables.
pub(crate) fn expand<'t, 'v>(
    text: &'t str,
    value: &dyn Fn(&str) -> Option<&'v str>,
    calls: Calls<'_>,
) -> (Cow<'t, str>, Vec<Problem>) {
    let mut problems = Vec::new();
    let expanded = expand_nested(text, value, calls, &mut problems, DEPTH);
    (expanded, problems)
}

fn expand_nested<'t, 'v>(
    text: &'t str,
    value: &dyn Fn(&str) -> Option<&'v str>,
    calls: Calls<'_>,
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
        let reference = expand_nested(reference, value, calls, problems, depth - 1);
        if reference.contains('(') {
            expand_call(&reference, calls, &mut expanded, problems);
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

/// `NAME(arguments)[:offset[:length]]`
fn expand_call(reference: &str, calls: Calls<'_>, expanded: &mut String, problems: &mut Vec<Problem>) {
    let end = reference.rfind(')').map_or(reference.len(), |close| close + 1);
    let (call, parts) = reference.split_at(end);
    let name = call.split('(').next().unwrap_or_default();
    let leave = |expanded: &mut String| expanded.extend(["${", reference, "}"]);
    match calls {
        Calls::Leave => {
            problems.push(Problem::Function(name.to_owned()));
            leave(expanded);
        }
        Calls::Check(functions) => {
            if !functions.knows(name) {
                problems.push(Problem::Call(CallError::Unknown(name.to_owned())));
            }
            leave(expanded);
        }
        Calls::Run(functions) => match functions.read(call) {
            Ok(value) => {
                let mut parts = parts.splitn(3, ':').skip(1);
                expanded.push_str(part(&value, parts.next(), parts.next()));
            }
            Err(error) => problems.push(Problem::Call(error)),
        },
    }
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
            assert_eq!(expand(text, &value, Calls::Leave), (expected.into(), vec![]), "{text}");
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
            assert_eq!(expand(text, &value, Calls::Leave), (expected.into(), vec![problem]));
        }
        let deep = "${".repeat(100_000) + &"}".repeat(100_000);
        expand(&deep, &value, Calls::Leave);
    }

    /// Says its arguments in capitals; nothing to `none`.
    struct Shout;

    impl crate::Function for Shout {
        fn read(&self, args: &str) -> Option<String> {
            (args != "none").then(|| args.to_uppercase())
        }

        fn write(&self, _: &str, _: &str) -> Result<(), String> {
            Err("no".into())
        }
    }

    #[test]
    fn functions_are_called() {
        let functions = Functions::default();
        let guard = functions.add("SHOUT", std::sync::Arc::new(Shout));
        let run = |text| {
            let (expanded, problems) = expand(text, &value, Calls::Run(&functions));
            (expanded.into_owned(), problems.iter().map(Problem::to_string).collect::<String>())
        };
        for (text, expected, problem) in [
            ("a${SHOUT(x/${EXTEN:3})}b", "aX/100b", ""),
            ("${SHOUT(${SHOUT(y)}(z))}", "Y(Z)", ""),
            ("${SHOUT(hello):1:2}${SHOUT(hello):-1}", "ELO", ""),
            ("a${SHOUT(none)}b", "ab", "SHOUT(none) has no value"),
            ("a${WHISPER(x)}b", "ab", "there is no function WHISPER()"),
            ("a${SHOUT(x}b", "ab", "'SHOUT(x' is not NAME(arguments)"),
        ] {
            assert_eq!(run(text), (expected.to_owned(), problem.to_owned()), "{text}");
        }
        let checked = expand("${SHOUT(none)}${WHISPER()}", &value, Calls::Check(&functions));
        let unknown = Problem::Call(CallError::Unknown("WHISPER".into()));
        assert_eq!(checked, ("${SHOUT(none)}${WHISPER()}".into(), vec![unknown]));
        assert_eq!(functions.write("SHOUT(x)", "y"), Err(CallError::Refused("no".into())));
        drop(guard);
        assert!(!functions.knows("SHOUT"));
    }
}
