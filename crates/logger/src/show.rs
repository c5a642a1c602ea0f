//! Texts of the `logger show` commands.

use std::fmt::Write as _;

use crate::channel::{Channel, Output};
use crate::level::{LevelSet, Listed};

/// A row of `logger show channels`.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) formatter: &'static str,
    pub(crate) levels: LevelSet,
}

impl From<&Channel> for Row {
    fn from(channel: &Channel) -> Self {
        let (name, kind) = match &channel.output {
            Output::Console => ("Console".to_owned(), "Console"),
            Output::Syslog(_) => (channel.spec.name.clone(), "Syslog"),
            Output::File { path, .. } => (path.display().to_string(), "File"),
        };
        Row { name, kind, formatter: channel.spec.formatter.name(), levels: channel.spec.levels }
    }
}

/// `logger show channels`.
pub(crate) fn channels(rows: &[Row], names: &[Option<String>], queue_limit: usize, dropped: u64) -> String {
    let mut out = format!("Logger queue limit: {queue_limit}\n");
    let row = |out: &mut String, [name, kind, formatter, status]: [&str; 4], rest: &str| {
        // Writing into a String does not fail.
        let _ = writeln!(out, "{name:<35} {kind:<8} {formatter:<10} {status:<9} {rest}");
    };
    if dropped > 0 {
        let _ = writeln!(out, "Messages dropped: {dropped}");
    }
    out.push('\n');
    row(&mut out, ["Channel", "Type", "Formatter", "Status"], "Configuration");
    row(&mut out, ["-------", "----", "---------", "------"], "-------------");
    for Row { name, kind, formatter, levels } in rows {
        let listed = Listed { set: *levels, names };
        row(&mut out, [name, kind, formatter, "Enabled"], &format!(" - {listed}"));
    }
    out.push('\n');
    out
}

/// `logger show levels`.
pub(crate) fn levels(names: &[Option<String>]) -> String {
    let mut out = "Level  Name\n-----  ----\n".to_owned();
    for (number, name) in names.iter().enumerate() {
        if let Some(name) = name {
            // Writing into a String does not fail.
            let _ = writeln!(out, "{number:>5}  {name}");
        }
    }
    out
}
