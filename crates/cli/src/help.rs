//! `core show help`.

use std::fmt::Write as _;
use std::sync::Weak;

use crate::command::{Closure, Outcome, command as closure};
use crate::registry::{Entry, Table, begins_with};

const USAGE: &str = "Usage: core show help [topic]\n\
    \x20      Lists the commands, or those that begin with the topic. Given all words of\n\
    \x20      a command, shows how it is used.\n";

pub(crate) fn command(table: Weak<Table>) -> Closure {
    let for_completion = table.clone();
    let run = move |cx: &mut crate::Invocation<'_>| {
        if let Some(table) = table.upgrade() {
            cx.print(&help(&table.entries(), cx.args));
        }
        Outcome::Success
    };
    closure("core show help", "Show what commands there are", USAGE, run).completing(move |args, partial| {
        for_completion.upgrade().map_or_else(Vec::new, |table| table.complete(args, partial))
    })
}

/// The usage text of a command, or the list of commands that begin with `topic`.
fn help(entries: &[Entry], topic: &[String]) -> String {
    let names_all = |entry: &&Entry| {
        let whole = entry.pattern.fit(topic).is_some_and(|fit| fit.used == topic.len());
        // `core show help pjsip set logger` is enough for `pjsip set logger {on|off}`.
        let fixed = entry.pattern.fixed() == topic.len() && entry.pattern.next(topic).is_some();
        whole || fixed
    };
    if !topic.is_empty()
        && let Some(entry) = entries.iter().rev().find(names_all)
    {
        return with_line_end(entry.command.usage());
    }
    let topic = topic.join(" ");
    let mut listed: Vec<_> = entries.iter().filter(|entry| lists(entry, &topic)).collect();
    // Stable, so that of equal words the later one is kept below.
    listed.sort_by_key(|entry| entry.pattern.text().to_ascii_lowercase());
    listed.reverse();
    listed.dedup_by_key(|entry| entry.pattern.text().to_ascii_lowercase());
    listed.reverse();
    if listed.is_empty() {
        return format!("No such command '{topic}'.\n");
    }
    listed.iter().fold(String::new(), |mut out, entry| {
        // Writing into a String does not fail.
        let _ = writeln!(out, "{:<30} -- {}", entry.pattern.text(), entry.command.summary());
        out
    })
}

fn lists(entry: &Entry, topic: &str) -> bool {
    let text = entry.pattern.text();
    !text.starts_with('_') && begins_with(text, topic)
}

/// Text that ends its last line.
pub(crate) fn with_line_end(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
