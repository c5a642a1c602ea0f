//! The registry of commands: finding, running, completing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use crate::command::{Command, Invocation, Outcome, Output, Session};
use crate::help;
use crate::pattern::Pattern;
use crate::words::{MAX_WORDS, Words};

/// All commands there are.
pub struct Cli {
    table: Arc<Table>,
}

/// Keeps a command registered; dropping it takes the command away. A run that is under way goes on.
#[must_use = "dropping the guard unregisters the command"]
pub struct CommandGuard {
    table: Weak<Table>,
    id: u64,
}

/// What a command said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Everything printed.
    pub text: String,
    /// Whether it did what was asked.
    pub ok: bool,
}

impl Cli {
    /// A registry with `core show help`.
    pub fn new() -> Arc<Self> {
        let table = Arc::new(Table::default());
        table.insert(Arc::new(help::command(Arc::downgrade(&table))));
        Arc::new(Cli { table })
    }

    /// Adds a command. Of two with the same words the later one is used, until its guard is dropped.
    pub fn register(&self, command: impl Command + 'static) -> CommandGuard {
        CommandGuard { table: Arc::downgrade(&self.table), id: self.table.insert(Arc::new(command)) }
    }

    /// Runs a line and collects what it prints. Blocks as long as the command does.
    pub fn run(&self, line: &str, session: &Session) -> Reply {
        let mut text = String::new();
        let ok = self.run_to(line, session, &mut text);
        Reply { text, ok }
    }

    /// Runs a line that prints as it goes on. Gives whether it did what was asked. A command that panics has failed.
    pub fn run_to(&self, line: &str, session: &Session, output: &mut dyn Output) -> bool {
        let line = line.trim();
        let words = Words::parse(line).words;
        if words.is_empty() {
            return true;
        }
        if words.len() > MAX_WORDS {
            output
                .print(&format!("A command has at most {MAX_WORDS} words; this one has {}.\n", words.len()));
            return false;
        }
        let Some((command, args)) = self.table.find(&words) else {
            output.print(&self.table.unknown(line, &words));
            return false;
        };
        let args = words.get(args..).unwrap_or_default();
        let mut cx = Invocation { args, words: &words, line, session, output };
        let outcome = catch_unwind(AssertUnwindSafe(|| command.run(&mut cx))).unwrap_or_else(|_| {
            tracing::error!("The command '{line}' panicked");
            Outcome::Failure
        });
        match outcome {
            Outcome::Success => true,
            Outcome::Failure => {
                output.print(&format!("Command '{line}' failed.\n"));
                false
            }
            Outcome::ShowUsage => {
                output.print(&help::with_line_end(command.usage()));
                false
            }
        }
    }

    /// What the last word of `line` can become, sorted; the next word if the line ends with a blank.
    pub fn complete(&self, line: &str) -> Vec<String> {
        let (words, partial) = Words::parse(line).partial();
        self.table.complete(&words, &partial)
    }
}

impl Drop for CommandGuard {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            table.remove(self.id);
        }
    }
}

/// The commands, shared with guards and with `core show help`.
#[derive(Default)]
pub(crate) struct Table {
    entries: RwLock<Entries>,
}

#[derive(Default)]
struct Entries {
    next_id: u64,
    list: Vec<Entry>,
}

/// A registered command. A clone is taken out of the lock before anything of the command is called.
#[derive(Clone)]
pub(crate) struct Entry {
    id: u64,
    pub(crate) pattern: Arc<Pattern>,
    pub(crate) command: Arc<dyn Command>,
}

impl Table {
    fn insert(&self, command: Arc<dyn Command>) -> u64 {
        let pattern = Arc::new(Pattern::parse(command.words()));
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let id = entries.next_id;
        entries.next_id += 1;
        entries.list.push(Entry { id, pattern, command });
        id
    }

    fn remove(&self, id: u64) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let index = entries.list.iter().position(|entry| entry.id == id);
        let removed = index.map(|index| entries.list.remove(index));
        // The command's own drop runs without the lock.
        drop(entries);
        drop(removed);
    }

    /// All commands, in the order of registering.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).list.clone()
    }

    /// The command whose words fit best, and where its arguments begin.
    fn find(&self, words: &[String]) -> Option<(Arc<dyn Command>, usize)> {
        let entries = self.entries();
        let fits = entries.iter().filter_map(|entry| Some((entry.pattern.fit(words)?, entry)));
        let (fit, entry) = fits.max_by_key(|(fit, entry)| (fit.used, entry.id))?;
        Some((entry.command.clone(), fit.args))
    }

    /// What to say to a line that is no command: how the command that it begins is used, or where to look.
    fn unknown(&self, line: &str, words: &[String]) -> String {
        if let Some(entry) = self.entries().iter().rev().find(|entry| entry.pattern.lacks_choice(words)) {
            return help::with_line_end(entry.command.usage());
        }
        let topic = match words.split_first() {
            // As other shells have it.
            Some((first, topic)) if first.eq_ignore_ascii_case("help") => topic,
            _ => words,
        };
        let hint = format!("core show help {}", self.closest(topic));
        format!("No such command '{line}' (type '{}' for other possible commands)\n", hint.trim_end())
    }

    /// The first words up to the one that no command goes on with.
    fn closest(&self, words: &[String]) -> String {
        let entries = self.entries();
        let known = |count: &usize| {
            let words = words.get(..*count).unwrap_or_default();
            entries.iter().any(|entry| entry.pattern.next(words).is_some())
        };
        let count = (1..=words.len()).take_while(known).count();
        words.get(..=count).unwrap_or(words).join(" ")
    }

    pub(crate) fn complete(&self, words: &[String], partial: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut takes_arguments: Option<Entry> = None;
        for entry in self.entries() {
            let Some(next) = entry.pattern.next(words) else {
                continue;
            };
            found.extend(next.words);
            let better = |other: &Entry| {
                let used = |entry: &Entry| entry.pattern.fit(words).map(|fit| fit.used);
                used(&entry) >= used(other)
            };
            if next.arguments && takes_arguments.as_ref().is_none_or(better) {
                takes_arguments = Some(entry);
            }
        }
        if partial.is_empty() {
            found.retain(|word| !word.starts_with('_'));
        }
        if let Some(entry) = takes_arguments {
            let args = words.get(entry.pattern.fixed()..).unwrap_or_default();
            let complete = || entry.command.complete(args, partial);
            found.extend(catch_unwind(AssertUnwindSafe(complete)).unwrap_or_default());
        }
        found.retain(|word| begins_with(word, partial));
        found.sort();
        found.dedup();
        found
    }
}

/// Whether `word` begins with `start`, in any case.
pub(crate) fn begins_with(word: &str, start: &str) -> bool {
    word.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests;
