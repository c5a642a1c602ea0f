//! Reading and showing the value of one option.
//!
//! A [`Kind`] reads text into a [`Value`] once, when the configuration is loaded, and shows it as
//! `pjsip show …` prints it. What a kind refuses it answers with what it expected, ready for the
//! sentence "expected …" of an error.

use std::sync::Arc;

use super::acl::Rule;
use super::auth::Algorithm;
use super::caller_id::CallerId;
use super::matching::{HeaderMatch, MatchRule, Pattern};
use super::table::{FlagStyle, Kind};
use super::{codecs, uri};

/// The value of an option.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A number with a fraction.
    Decimal(f64),
    /// A text, a word, or whatever is shown as it was written.
    Text(Arc<str>),
    /// A list, in the order written.
    List(Vec<Arc<str>>),
    /// Networks, in the order written.
    Networks(Vec<Rule>),
    /// The `match` rules of an identify, in the order written.
    Matches(Vec<MatchRule>),
    /// A header and what its value must be.
    Header(HeaderMatch),
    /// What a text must be.
    Pattern(Pattern),
}

impl Value {
    /// This value followed by `more`, for an option that accumulates. A scalar is replaced.
    pub(crate) fn extend(&mut self, more: Value) {
        match (self, more) {
            (Value::List(mine), Value::List(more)) => mine.extend(more),
            (Value::Networks(mine), Value::Networks(more)) => mine.extend(more),
            (Value::Matches(mine), Value::Matches(more)) => mine.extend(more),
            (mine, more) => *mine = more,
        }
    }

    /// Whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Value::Text(text) => text.is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Networks(rules) => rules.is_empty(),
            Value::Matches(rules) => rules.is_empty(),
            _ => false,
        }
    }
}

impl Kind {
    /// Reads `text`. What is odd but accepted is pushed to `warnings`.
    ///
    /// # Errors
    /// What was expected instead.
    pub(crate) fn parse(&self, text: &str, warnings: &mut Vec<String>) -> Result<Value, String> {
        let text = text.trim();
        match *self {
            Kind::Flag(_) => Ok(Value::Flag(flag(text, warnings))),
            Kind::DtlsVerify => Ok(Value::Flag(
                ["fingerprint", "certificate"].iter().any(|word| text.eq_ignore_ascii_case(word))
                    || flag(text, warnings),
            )),
            Kind::Number { min, max } => integer(text)
                .filter(|number| (min..=max).contains(number))
                .map(Value::Number)
                .ok_or_else(|| number_expected(min, max)),
            Kind::Decimal => decimal(text).map(Value::Decimal),
            Kind::NonEmpty if text.is_empty() => Err("a text that is not empty".into()),
            Kind::UriUser => uri_user(text),
            Kind::Text | Kind::NonEmpty | Kind::CallerId => Ok(Value::Text(text.into())),
            Kind::List | Kind::SpacedList => Ok(Value::List(items(text))),
            Kind::Word { words, aliases } => one_word(text, words, aliases),
            Kind::WordList(words) => {
                each(text, |item| one_word(item, words, &[]).map(|_| item.into())).map(Value::List)
            }
            Kind::Networks => each(text, Rule::parse).map(Value::Networks),
            Kind::Matches => each(text, MatchRule::parse).map(Value::Matches),
            Kind::HeaderMatch if text.is_empty() => Ok(Value::Text("".into())),
            Kind::HeaderMatch => HeaderMatch::parse(text).map(Value::Header),
            Kind::Pattern if text.is_empty() => Ok(Value::Text("".into())),
            Kind::Pattern => Pattern::parse(text).map(Value::Pattern),
            Kind::Regex => match regex_lite::Regex::new(text) {
                Ok(_) => Ok(Value::Text(text.into())),
                Err(error) => Err(format!("a regular expression ({error})")),
            },
            Kind::Codecs => Ok(Value::List(codecs::parse(text, warnings))),
            Kind::CodecPreferences => codecs::preferences(text).map(Value::Text),
            Kind::Tos => tos(text, warnings).map(Value::Number),
            Kind::SipUris => each(text, uri::sip_uri).map(Value::List),
            Kind::Algorithms { lenient } => algorithms(text, lenient, warnings),
            Kind::Digests => each(text, digest).map(Value::List),
            Kind::Variable => variable(text),
            Kind::Address => uri::address(text),
        }
    }

    /// Shows `value` as `pjsip show …` prints it.
    pub(crate) fn show(&self, value: &Value) -> String {
        match (self, value) {
            (Kind::Flag(style), Value::Flag(on)) => show_flag(*style, *on).into(),
            (_, Value::Flag(on)) => show_flag(FlagStyle::Capital, *on).into(),
            (_, Value::Number(number)) => number.to_string(),
            (_, Value::Decimal(number)) => format!("{number:.6}"),
            (Kind::CallerId, Value::Text(text)) => CallerId::show(text),
            (_, Value::Text(text)) => text.to_string(),
            (Kind::SpacedList, Value::List(items)) => items.join(", "),
            (Kind::Codecs, Value::List(items)) if items.is_empty() => "(nothing)".into(),
            (Kind::Codecs, Value::List(items)) => format!("({})", items.join("|")),
            (_, Value::List(items)) => items.join(","),
            (_, Value::Networks(rules)) => joined(rules, Rule::show),
            (_, Value::Matches(rules)) => joined(rules, MatchRule::show),
            (_, Value::Header(header)) => header.to_string(),
            (_, Value::Pattern(pattern)) => pattern.to_string(),
        }
    }

    /// The value of a default as a table writes it. A test holds that every default of every table
    /// is one its kind accepts (an empty text stands for "nothing" with any kind).
    pub(crate) fn default_value(&self, text: &str) -> Value {
        match self.parse(text, &mut Vec::new()) {
            Ok(value) => value,
            Err(_) => Value::Text(text.into()),
        }
    }
}

/// The items of a comma list, trimmed, empty ones left out.
pub(crate) fn items(text: &str) -> Vec<Arc<str>> {
    split(text).map(Arc::from).collect()
}

/// Reads a whole number in C notation: `10`, `0x0a`, `012`, `-1`.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hexadecimal) => (hexadecimal, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    // A second sign would pass from_str_radix.
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let number = i64::from_str_radix(digits, radix).ok()?;
    Some(if negative { -number } else { number })
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn each<T>(text: &str, read: impl FnMut(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    split(text).map(read).collect()
}

fn joined<T>(items: &[T], show: impl FnMut(&T) -> String) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(",")
}

fn flag(text: &str, warnings: &mut Vec<String>) -> bool {
    conf::parse_bool(text).unwrap_or_else(|| {
        warnings.push("is neither yes nor no, taken as no".into());
        false
    })
}

fn show_flag(style: FlagStyle, on: bool) -> &'static str {
    match (style, on) {
        (FlagStyle::TrueFalse, true) => "true",
        (FlagStyle::TrueFalse, false) => "false",
        (FlagStyle::YesNo, true) => "yes",
        (FlagStyle::YesNo, false) => "no",
        (FlagStyle::Capital, true) => "Yes",
        (FlagStyle::Capital, false) => "No",
    }
}

fn number_expected(min: i64, max: i64) -> String {
    match (min, max) {
        (0, max) if max == i64::from(u32::MAX) => "a whole number, 0 or more".into(),
        _ => format!("a whole number from {min} to {max}"),
    }
}

fn decimal(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| "a number of seconds, 0 or more".to_owned())
}

fn one_word(text: &str, words: &[&str], aliases: &[(&str, &str)]) -> Result<Value, String> {
    let alias = aliases.iter().find(|(written, _)| written.eq_ignore_ascii_case(text));
    let word = match alias {
        Some((_, shown)) => Some(shown),
        None => words.iter().find(|word| word.eq_ignore_ascii_case(text)),
    };
    word.map(|word| Value::Text((*word).into())).ok_or_else(|| {
        let all: Vec<_> = words.iter().chain(aliases.iter().map(|(written, _)| written)).collect();
        format!("one of {}", all.iter().map(|word| **word).collect::<Vec<_>>().join(", "))
    })
}

/// RFC 3261 `user`: unreserved, escaped and user-unreserved, with Asterisk's `:` besides.
fn uri_user(text: &str) -> Result<Value, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~%!$&'()*+,;=:".contains(c);
    match text.chars().find(|c| !allowed(*c)) {
        None => Ok(Value::Text(text.into())),
        Some(c) => Err(format!("the user part of a SIP URI, which cannot hold '{c}'")),
    }
}

/// A number, of which eight bits are used, or the name of a DSCP class (RFC 2474, 2597, 3246).
fn tos(text: &str, warnings: &mut Vec<String>) -> Result<i64, String> {
    if let Some(number) = integer(text).filter(|number| *number >= 0) {
        let tos = number & 0xfc;
        if tos != number {
            warnings.push(format!("has bits that are not DSCP bits, taken as {tos}"));
        }
        return Ok(tos);
    }
    let name = text.to_ascii_lowercase();
    let digit = |at: usize| name.as_bytes().get(at).map(|byte| i64::from(byte.wrapping_sub(b'0')));
    let dscp = match (name.get(..2), digit(2), digit(3), name.len()) {
        (Some("ef"), None, None, 2) => Some(46),
        (Some("cs"), Some(class @ 0..=7), None, 3) => Some(class * 8),
        (Some("af"), Some(class @ 1..=4), Some(drop @ 1..=3), 4) => Some(class * 8 + drop * 2),
        _ => None,
    };
    dscp.map(|dscp| dscp * 4).ok_or_else(|| "a number or one of cs0 to cs7, af11 to af43, ef".to_owned())
}

fn algorithms(text: &str, lenient: bool, warnings: &mut Vec<String>) -> Result<Value, String> {
    let expected = || format!("a list of {}", Algorithm::NAMES.join(", "));
    match each(text, |item| Algorithm::parse(item).map(|it| it.name().into()).ok_or_else(expected)) {
        Err(expected) if lenient => {
            warnings.push(format!("is not {expected}; MD5 is used"));
            Ok(Value::List(vec![Algorithm::Md5.name().into()]))
        }
        read => read.map(Value::List),
    }
}

/// One `algorithm:hex` of `password_digest`: the hash of `user:realm:password` (RFC 7616 A1).
fn digest(text: &str) -> Result<Arc<str>, String> {
    let (name, hex) = text.split_once(':').ok_or("algorithm:hash")?;
    let algorithm = Algorithm::parse(name)
        .ok_or_else(|| format!("an algorithm of {} before the ':'", Algorithm::NAMES.join(", ")))?;
    let length = algorithm.hex_length();
    if hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(format!("{}:{}", algorithm.name(), hex.to_ascii_lowercase()).into())
    } else {
        Err(format!("{length} hexadecimal digits after '{}:'", algorithm.name()))
    }
}

fn variable(text: &str) -> Result<Value, String> {
    match text.split_once('=') {
        _ if text.is_empty() => Ok(Value::List(Vec::new())),
        Some((name, _)) if !name.trim().is_empty() => Ok(Value::List(vec![text.into()])),
        _ => Err("name=value".into()),
    }
}
