//! The texts of `core show hints`, `core show hint` and `dialplan show`, laid out as Asterisk
//! prints them. Watchers are real ones: whoever was counted with
//! [`Hint::add_watcher`](crate::Hint::add_watcher).

use std::fmt::Write;

use state::{ExtensionState, PresenceState};

use crate::hints::Hints;

mod show;
#[cfg(test)]
mod tests;

pub use show::dialplan_show;

/// What a command prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its lines, each with its end.
    pub text: String,
    /// Whether the command failed.
    pub failed: bool,
}

impl Output {
    fn done(text: String) -> Self {
        Self { text, failed: false }
    }

    fn failed(text: String) -> Self {
        Self { text, failed: true }
    }
}

/// `core show hints`
pub fn core_show_hints(hints: &Hints) -> Output {
    let rows = rows(hints, "");
    if rows.is_empty() {
        return Output::done("There are no registered dialplan hints\n".into());
    }
    let mut text = String::from("\n    -= Registered Asterisk Dial Plan Hints =-\n");
    rows.iter().for_each(|row| text.push_str(row));
    let _ = writeln!(text, "{}\n- {} hints registered", "-".repeat(16), rows.len());
    Output::done(text)
}

/// `core show hint X`: the hints whose `exten@context` begins with X, in any letter case.
pub fn core_show_hint(hints: &Hints, extension: &str) -> Output {
    let rows = rows(hints, extension);
    let mut text = rows.concat();
    let _ = match rows.len() {
        0 => writeln!(text, "No hints matching extension {extension}"),
        1 => writeln!(text, "1 hint matching extension {extension}"),
        n => writeln!(text, "{n} hints matching extension {extension}"),
    };
    Output::done(text)
}

/// The rows of hints and of pattern hints that begin so, in order.
fn rows(hints: &Hints, beginning: &str) -> Vec<String> {
    let table = hints.table();
    let begins = |key: &str| {
        let start = key.get(..beginning.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(beginning))
    };
    let mut rows = Vec::new();
    for hint in table.iter().filter(|hint| begins(hint.key())) {
        let snapshot = hint.snapshot();
        let definition = hint.definition();
        let presence = snapshot.presence().state;
        let row = row(hint.key(), definition.text(), snapshot.state, presence, hint.watchers());
        rows.push((hint.key().to_string(), row));
    }
    for context in table.dialplan().contexts() {
        for pattern in context.extensions.iter().filter(|e| e.is_pattern()) {
            let key = format!("{}@{}", pattern.name, context.name);
            if let Some(hint) = pattern.hint().filter(|_| begins(&key)) {
                let (state, presence) = (ExtensionState::Unavailable, PresenceState::NotSet);
                rows.push((key.clone(), row(&key, hint.text(), state, presence, 0)));
            }
        }
    }
    rows.sort();
    rows.into_iter().map(|(_, row)| row).collect()
}

fn row(key: &str, text: &str, state: ExtensionState, presence: PresenceState, watchers: usize) -> String {
    format!(
        "{key:<30.30}: {text:<60.60}  State:{:<15} Presence:{presence:<15} Watchers {watchers:>2}\n",
        state.text(),
    )
}
