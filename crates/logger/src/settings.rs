//! `logger.conf` as typed settings.
//!
//! `[general]`: `dateformat`, `appendhostname`, `rotatestrategy`, `exec_after_rotate`, `logger_queue_limit`,
//! `custom_levels`. `[logfiles]`: `name = [formatter]level,level,..`.
//!
//! ```ini
//! [general]
//! dateformat = %F %T.%3q
//! [logfiles]
//! console = notice,warning,error,verbose
//! messages.log = notice,warning,error,verbose(3)
//! security.json = [json]security
//! syslog.local0 = warning,error
//! ```

use conf::{Config, Diagnostic, Entry, Severity, parse_bool};
use jiff::tz::TimeZone;

use crate::console::{find_level, level_names};
use crate::date::DateFormat;
use crate::format::Formatter;
use crate::level::{Level, LevelSet, Verbosity};
use crate::rotate::Strategy;
use crate::syslog::Facility;

/// Everything that `logger.conf` says.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) date: DateFormat,
    pub(crate) append_hostname: bool,
    pub(crate) rotate: Strategy,
    pub(crate) exec_after_rotate: Option<String>,
    pub(crate) queue_limit: usize,
    /// Upper case.
    pub(crate) custom_levels: Vec<String>,
    pub(crate) channels: Vec<ChannelSpec>,
}

/// One line of `[logfiles]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChannelSpec {
    /// As written.
    pub(crate) name: String,
    pub(crate) kind: ChannelKind,
    pub(crate) formatter: Formatter,
    pub(crate) levels: LevelSet,
}

/// What the name of a channel stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ChannelKind {
    Console,
    Syslog(Facility),
    File,
}

impl Default for Settings {
    /// Without a usable `logger.conf`: the console gets what an operator must see.
    fn default() -> Self {
        let levels = [Level::ERROR, Level::WARNING, Level::NOTICE, Level::VERBOSE];
        Settings {
            date: DateFormat::default_here(),
            append_hostname: false,
            rotate: Strategy::Sequential,
            exec_after_rotate: None,
            queue_limit: 1000,
            custom_levels: Vec::new(),
            channels: vec![ChannelSpec {
                name: "console".to_owned(),
                kind: ChannelKind::Console,
                formatter: Formatter::Default,
                levels: levels.into_iter().fold(LevelSet::NONE, LevelSet::with),
            }],
        }
    }
}

impl Settings {
    /// The settings, without what is wrong, and what is wrong. An error is something left out, a warning something
    /// understood differently.
    pub(crate) fn read(config: &Config) -> (Self, Vec<Diagnostic>) {
        let mut settings = Settings::default();
        let mut remarks = Vec::new();
        for entry in config.named("general").flat_map(|section| &section.entries) {
            if let Err(message) = settings.general(&entry.name, &entry.value) {
                remarks.push(remark(Severity::Error, entry, message));
            }
        }
        let mut channels: Vec<ChannelSpec> = Vec::new();
        for entry in config.named("logfiles").flat_map(|section| &section.entries) {
            match settings.channel(&entry.name, &entry.value) {
                Ok((channel, _)) if channels.iter().any(|known| known.name == channel.name) => {
                    let message = format!("'{}' is already a channel; this line is ignored", channel.name);
                    remarks.push(remark(Severity::Error, entry, message));
                }
                Ok((channel, warnings)) => {
                    channels.push(channel);
                    remarks.extend(
                        warnings.into_iter().map(|message| remark(Severity::Warning, entry, message)),
                    );
                }
                Err(message) => remarks.push(remark(Severity::Error, entry, message)),
            }
        }
        if !channels.is_empty() {
            settings.channels = channels;
        }
        (settings, remarks)
    }

    /// The channel that `name = value` describes, and warnings. A level that nobody knows becomes a custom level.
    pub(crate) fn channel(&mut self, name: &str, value: &str) -> Result<(ChannelSpec, Vec<String>), String> {
        let (formatter, names) = formatter(value)?;
        let kind = if name.eq_ignore_ascii_case("console") {
            ChannelKind::Console
        } else if let Some(facility) = strip_syslog(name) {
            let unknown = || format!("syslog has no facility '{facility}'");
            ChannelKind::Syslog(Facility::from_name(facility).ok_or_else(unknown)?)
        } else {
            ChannelKind::File
        };
        let mut levels = LevelSet::NONE;
        let mut warnings = Vec::new();
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            levels = match self.level(name, levels)? {
                Some(levels) => levels,
                None => {
                    warnings.push(format!("'{name}' is not a known level; taken as a custom level"));
                    self.custom_levels.push(name.to_ascii_uppercase());
                    self.level(name, levels)?.ok_or("there are too many custom levels")?
                }
            };
        }
        Ok((ChannelSpec { name: name.to_owned(), kind, formatter, levels }, warnings))
    }

    /// `set` and the level `name`; `None` if there is no such level.
    fn level(&self, name: &str, set: LevelSet) -> Result<Option<LevelSet>, String> {
        if name == "*" {
            return Ok(Some(LevelSet::ALL));
        }
        if let Some(depth) = strip_verbose(name) {
            let verbosity = match depth {
                "*" => Verbosity::UpTo(u8::MAX),
                depth => Verbosity::UpTo(
                    depth
                        .parse()
                        .map_err(|_| format!("'{name}': the verbosity is a number up to 255 or *"))?,
                ),
            };
            return Ok(Some(set.with_verbosity(verbosity)));
        }
        Ok(find_level(&level_names(&self.custom_levels), name).map(|level| set.with(level)))
    }

    fn general(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "dateformat" => self.date = DateFormat::new(value, TimeZone::system())?,
            "appendhostname" => {
                self.append_hostname =
                    parse_bool(value).ok_or_else(|| format!("'{value}' is neither yes nor no"))?;
            }
            "rotatestrategy" => {
                self.rotate = Strategy::from_name(value).ok_or_else(|| {
                    format!("'{value}' is not a rotatestrategy; it is sequential, rotate, timestamp or none")
                })?;
            }
            "exec_after_rotate" => {
                self.exec_after_rotate = Some(value.to_owned()).filter(|value| !value.is_empty())
            }
            "logger_queue_limit" => {
                let limit = value.parse().ok().filter(|limit| *limit >= 10);
                self.queue_limit =
                    limit.ok_or_else(|| format!("'{value}' is not a number of at least 10"))?;
            }
            "custom_levels" => {
                for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                    if find_level(&level_names(&self.custom_levels), name).is_none() {
                        self.custom_levels.push(name.to_ascii_uppercase());
                    }
                }
            }
            // What concerns queues, calls and rotation of their logs has no meaning here.
            _ => {}
        }
        Ok(())
    }
}

/// What is wrong with a `logger.conf`: what a start or a reload with it would say of its lines.
pub fn check(config: &Config) -> Vec<Diagnostic> {
    Settings::read(config).1
}

fn remark(severity: Severity, entry: &Entry, message: String) -> Diagnostic {
    Diagnostic { severity, pos: Some(entry.pos.clone()), message }
}

/// Splits `[json]notice,error`.
fn formatter(value: &str) -> Result<(Formatter, &str), String> {
    let Some(rest) = value.trim().strip_prefix('[') else {
        return Ok((Formatter::Default, value));
    };
    let (name, levels) = rest.split_once(']').ok_or("the bracket of the formatter is not closed")?;
    let unknown = || format!("'{name}' is not a formatter; it is default, plain or json");
    Ok((Formatter::from_name(name).ok_or_else(unknown)?, levels))
}

fn strip_syslog(name: &str) -> Option<&str> {
    let (head, facility) = name.split_once('.')?;
    head.eq_ignore_ascii_case("syslog").then_some(facility)
}

fn strip_verbose(name: &str) -> Option<&str> {
    let (head, depth) = name.split_once('(')?;
    head.trim().eq_ignore_ascii_case("verbose").then_some(())?;
    Some(depth.strip_suffix(')')?.trim())
}

#[cfg(test)]
mod tests;
