//! The formatters of `logger.conf`: `default`, `plain` and `json`.

use std::fmt::Write as _;

use crate::date::DateFormat;
use crate::escape::{json_string, one_line};
use crate::level::Level;
use crate::record::Record;

/// How the lines of a channel look: the word in brackets before the levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Formatter {
    /// A form for each type of channel.
    #[default]
    Default,
    /// The long form everywhere, without colours and verbose prefixes.
    Plain,
    /// One JSON object a line.
    Json,
}

impl Formatter {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "default" => Some(Formatter::Default),
            "plain" => Some(Formatter::Plain),
            "json" => Some(Formatter::Json),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Formatter::Default => "default",
            Formatter::Plain => "plain",
            Formatter::Json => "json",
        }
    }
}

/// Where a line goes, as far as its form depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    File,
    Syslog,
    Console { colour: bool, timestamp: bool },
}

/// What all lines share.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) date: DateFormat,
    pub(crate) host: String,
}

/// `record` as the lines of a channel, each with its line end.
pub(crate) fn lines(record: &Record, formatter: Formatter, place: Place, style: &Style) -> String {
    if formatter == Formatter::Json {
        return json(record, style);
    }
    if record.multiline {
        let mut out = String::new();
        for message in record.message.lines() {
            line(&mut out, record, message, formatter, place, style);
        }
        return out;
    }
    let mut out = String::with_capacity(record.message.len() + 96);
    line(&mut out, record, &record.message, formatter, place, style);
    out
}

/// The prefix that shows on a console how deep a VERBOSE message is.
pub(crate) fn verbose_prefix(verbose: u8) -> String {
    match verbose {
        0 => String::new(),
        1 => " ".to_owned(),
        2 => "  == ".to_owned(),
        3 => "    -- ".to_owned(),
        n => format!("{:1$}> ", "", usize::from(n) + 3),
    }
}

fn line(out: &mut String, record: &Record, message: &str, formatter: Formatter, place: Place, style: &Style) {
    let message = one_line(message);
    let file = one_line(&record.file);
    let Record { level_name, thread, line, function, .. } = record;
    let date = || style.date.write(record.time);
    // Writing into a String does not fail.
    let _ = match place {
        Place::Syslog => writeln!(out, "{level_name}[{thread}]: {file}:{line} in {function}: {message}"),
        Place::File if formatter == Formatter::Default => {
            writeln!(out, "[{}] {level_name}[{thread}] {file}: {message}", date())
        }
        Place::Console { timestamp, .. }
            if formatter == Formatter::Default && record.level == Level::VERBOSE =>
        {
            let prefix = verbose_prefix(record.verbose);
            if timestamp {
                writeln!(out, "[{}] {prefix}{message}", date())
            } else {
                writeln!(out, "{prefix}{message}")
            }
        }
        Place::Console { colour: true, .. } if formatter == Formatter::Default => {
            let (on, off) = (colour_of(record.level), "\x1b[0m");
            let position = position(&file, *line, function);
            writeln!(out, "[{}] {on}{level_name}{off}[{thread}]: {position}: {message}", date())
        }
        Place::File | Place::Console { .. } => {
            let position = position(&file, *line, function);
            writeln!(out, "[{}] {level_name}[{thread}]: {position}: {message}", date())
        }
    };
}

/// `FILE:LINE FUNC`, without what is not known.
fn position(file: &str, line: u32, function: &str) -> String {
    let mut out = file.to_owned();
    if line > 0 {
        let _ = write!(out, ":{line}");
    }
    if !function.is_empty() {
        let _ = write!(out, " {function}");
    }
    out
}

fn json(record: &Record, style: &Style) -> String {
    format!(
        "{{\"hostname\":{},\"timestamp\":{},\"identifiers\":{{\"lwp\":{},\"callid\":\"\"}},\"logmsg\":{{\"location\":\
         {{\"filename\":{},\"function\":{},\"line\":{}}},\"level\":{},\"message\":{}}}}}\n",
        json_string(&style.host),
        json_string(&style.date.write(record.time)),
        record.thread,
        json_string(&record.file),
        json_string(record.function),
        record.line,
        json_string(&record.level_name),
        json_string(&record.message),
    )
}

/// The escape sequence for a level's colour.
fn colour_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[1;31m",
        Level::WARNING => "\x1b[31m",
        Level::NOTICE => "\x1b[33m",
        Level::SECURITY => "\x1b[35m",
        _ => "\x1b[32m",
    }
}

#[cfg(test)]
mod tests;
