//! Turns lines into sections and entries.
//!
//! A line is a section header (`[`), a directive (`#`) or an entry. After an error the parser
//! goes on, to find the next one, but never reports what only follows from the first.

mod header;
mod include;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::comment::{self, Comments, Line, MAX_NESTED};
use crate::filter::Filter;
use crate::loader::{Loader, Source};
use crate::{Config, Diagnostic, Entry, LoadError, Pos, Severity};

/// Longest line in bytes, without its end.
const MAX_LINE: usize = 8191;

pub(crate) struct Parser<'l> {
    loader: &'l Loader,
    config: Config,
    failed: bool,
    place: Place,
    /// Lower-case section name to indices in `config.sections`.
    index: HashMap<String, Vec<usize>>,
    /// Entry names, of which there are few, shared.
    names: HashSet<Arc<str>>,
    /// The files being read, the including ones first.
    stack: Vec<PathBuf>,
}

/// Where entries go.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Before the first section.
    Outside,
    Section(usize),
    /// Behind something that is in error, and reported.
    Lost,
}

/// A line with its place in a file.
struct Cursor<'a> {
    file: &'a Arc<str>,
    number: u32,
    line: &'a Line<'a>,
}

impl Cursor<'_> {
    /// Where a part of the line's text begins.
    fn pos(&self, part: &str) -> Pos {
        Pos { file: self.file.clone(), line: self.number, column: self.line.column(part) }
    }
}

impl<'l> Parser<'l> {
    pub(crate) fn new(loader: &'l Loader) -> Self {
        Self {
            loader,
            config: Config::default(),
            failed: false,
            place: Place::Outside,
            index: HashMap::new(),
            names: HashSet::new(),
            stack: Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> Result<Config, LoadError> {
        if self.failed {
            return Err(LoadError::Invalid { diagnostics: self.config.diagnostics });
        }
        Ok(self.config)
    }

    /// Parses a file at the current place.
    pub(crate) fn file(&mut self, path: &Path, source: Source) {
        let shared: Arc<Path> = path.into();
        self.config.files.push(shared.clone());
        self.config.fingerprint.add(shared, Some(source.stamp));
        self.text(path, &self.loader.label(path), &source.bytes);
    }

    /// Parses text at the current place: what a file holds that is called `label` in positions.
    pub(crate) fn text(&mut self, path: &Path, label: &Arc<str>, bytes: &[u8]) {
        self.stack.push(path.to_owned());
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let mut comments = Comments::default();
        let mut warned_of_encoding = false;
        for (raw, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            let pos = |column| Pos { file: label.clone(), line: number, column };
            let text = String::from_utf8_lossy(raw);
            if raw.len() > MAX_LINE {
                let start: String = text.chars().take(32).collect();
                self.warn(pos(1), format!("line longer than {MAX_LINE} bytes ignored: '{start}...'"));
                continue;
            }
            if matches!(text, Cow::Owned(_)) && !warned_of_encoding {
                warned_of_encoding = true;
                let column = text.find(char::REPLACEMENT_CHARACTER).unwrap_or_default();
                self.warn(
                    pos(comment::column(&text, column)),
                    "the file is not UTF-8: what is not is read as U+FFFD".into(),
                );
            }
            let (line, too_deep) = comments.strip(&text, number);
            if let Some(column) = too_deep {
                let message = format!("block comments nested deeper than {MAX_NESTED}: not counted");
                self.warn(pos(column), message);
            }
            self.line(&Cursor { file: label, number, line: &line });
        }
        if let Some((line, column)) = comments.unterminated() {
            self.warn(
                Pos { file: label.clone(), line, column },
                "this block comment has no end '--;': everything after it is ignored".into(),
            );
        }
        self.stack.pop();
    }

    fn line(&mut self, at: &Cursor<'_>) {
        let text = trim(at.line.text());
        match text.as_bytes().first() {
            None => (),
            Some(b'[') => self.header(at, text),
            Some(b'#') => self.directive(at, text),
            Some(_) => self.entry(at, text),
        }
    }

    fn entry(&mut self, at: &Cursor<'_>, text: &str) {
        let section = match self.place {
            Place::Section(section) => section,
            Place::Lost => return,
            Place::Outside => {
                self.place = Place::Lost;
                return self.error(at.pos(text), "no section before this line".into());
            }
        };
        // An escaped first character is no `=` or `+=`.
        let (text, escaped) = match text.strip_prefix('\\') {
            None => (text, 0),
            Some(rest) => match rest.chars().next() {
                Some(first) if !is_blank(first) => (rest, first.len_utf8()),
                _ => {
                    let message = "a backslash that begins a line needs a character after it";
                    return self.error(at.pos(text), message.into());
                }
            },
        };
        let rest = text.get(escaped..).unwrap_or_default();
        let Some((start, value)) = rest.split_once('=') else {
            return self.warn(at.pos(text), format!("no '=' in '{text}': line ignored"));
        };
        let append = start.strip_suffix('+');
        let name_length = escaped + append.unwrap_or(start).len();
        let name = trim(text.get(..name_length).unwrap_or_default());
        if name.is_empty() {
            return self.warn(at.pos(text), "no name before the '=': line ignored".into());
        }
        let pos = at.pos(name);
        let name = self.share(name);
        let Some(entries) = self.config.sections.get_mut(section).map(|s| &mut s.entries) else {
            return;
        };
        if append.is_some() {
            // Here, unlike anywhere else, letter case counts.
            if let Some(last) = entries.iter_mut().rfind(|entry| entry.name == name) {
                last.value = trim(&format!("{}{value}", last.value)).into();
                last.inherited = false;
                last.pos = pos;
                return;
            }
        }
        let (value, object) = match value.strip_prefix('>') {
            Some(value) if append.is_none() => (value, true),
            _ => (value, false),
        };
        entries.push(Entry { name, value: trim(value).into(), object, pos, inherited: false });
    }

    /// The first section of a name that a filter admits.
    fn find(&self, name: &str, filter: &Filter) -> Option<usize> {
        let sections = &self.config.sections;
        let mut candidates = self.index.get(&name.to_ascii_lowercase())?.iter().copied();
        candidates.find(|index| sections.get(*index).is_some_and(|s| filter.matches(s)))
    }

    fn share(&mut self, name: &str) -> Arc<str> {
        if let Some(shared) = self.names.get(name) {
            return shared.clone();
        }
        let shared: Arc<str> = name.into();
        self.names.insert(shared.clone());
        shared
    }

    /// Fails the load.
    fn error(&mut self, pos: Pos, message: String) {
        self.failed = true;
        self.report(Severity::Error, pos, message);
    }

    fn warn(&mut self, pos: Pos, message: String) {
        self.report(Severity::Warning, pos, message);
    }

    fn report(&mut self, severity: Severity, pos: Pos, message: String) {
        self.config.diagnostics.push(Diagnostic { severity, pos: Some(pos), message });
    }
}

/// Blanks and control characters, tabs and carriage returns among them.
fn is_blank(character: char) -> bool {
    character <= ' '
}

fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}
