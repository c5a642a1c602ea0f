//! Directives: `#include`, `#tryinclude`, `#exec`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use glob::{MatchOptions, Pattern};

use super::{Cursor, Parser, trim};
use crate::loader::{ReadError, Source};
use crate::{Pos, Severity};

/// Most files open within each other, the first one counted.
const MAX_DEPTH: usize = 10;

/// Most patterns that the braces of one name may stand for.
const MAX_ALTERNATIVES: usize = 1024;

/// As a shell matches: `*` and `?` neither match `/` nor a leading dot.
const LIKE_A_SHELL: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

impl Parser<'_> {
    pub(super) fn directive(&mut self, at: &Cursor<'_>, text: &str) {
        let (name, argument) = text.split_once(super::is_blank).unwrap_or((text, ""));
        let argument = unquote(trim(argument));
        let pos = at.pos(text);
        let directive: fn(&mut Self, &Pos, &str) = match name.to_ascii_lowercase().as_str() {
            "#include" => |parser, pos, name| parser.include(pos, name, true),
            "#tryinclude" => |parser, pos, name| parser.include(pos, name, false),
            "#exec" => Self::exec,
            _ => return self.warn(pos, format!("unknown directive '{name}': line ignored")),
        };
        if argument.is_empty() {
            return self.warn(pos, format!("'{name}' needs an argument: line ignored"));
        }
        if self.stack.len() >= MAX_DEPTH {
            let message = format!("'{argument}': files are included more than {MAX_DEPTH} deep");
            return self.error(pos, message);
        }
        let place = self.place;
        directive(self, &pos, argument);
        self.place = place;
    }

    /// Reads the files that a name stands for, at the current place.
    fn include(&mut self, pos: &Pos, name: &str, required: bool) {
        let paths = if is_glob(name) {
            self.config.fingerprint.set_volatile();
            matches(self.loader.dir(), name)
        } else {
            vec![self.loader.path(name)]
        };
        let mut found = false;
        for path in paths {
            found |= self.include_file(pos, &path, required);
        }
        if required && !found {
            let message = if is_glob(name) { "no file matches" } else { "no such file" };
            self.error(pos.clone(), format!("cannot include '{name}': {message}"));
        }
    }

    /// Reads a file at the current place. Whether it was there.
    fn include_file(&mut self, pos: &Pos, path: &Path, required: bool) -> bool {
        let name = self.loader.label(path);
        if self.stack.iter().any(|open| open == path) {
            self.error(pos.clone(), format!("'{name}' includes itself"));
            return true;
        }
        match Source::read(path) {
            Ok(source) => self.file(path, source),
            Err(ReadError::Missing) => {
                self.config.fingerprint.add(path.into(), None);
                return false;
            }
            Err(ReadError::Irregular) => {
                self.warn(pos.clone(), format!("'{name}' is not a regular file: ignored"));
            }
            Err(ReadError::Io(reason)) => {
                let message = format!("cannot include '{name}': {reason}");
                match required {
                    true => self.error(pos.clone(), message),
                    false => self.warn(pos.clone(), message),
                }
            }
        }
        true
    }

    /// Runs a command and reads what it prints.
    fn exec(&mut self, pos: &Pos, command: &str) {
        if !self.loader.exec_allowed() {
            let message = "'#exec' is ignored: 'execincludes' in asterisk.conf is not 'yes'";
            return self.warn(pos.clone(), message.into());
        }
        self.config.fingerprint.set_volatile();
        let mut shell = Command::new("sh");
        let output = match shell.arg("-c").arg(command).stdin(Stdio::null()).output() {
            Ok(output) => output,
            Err(error) => {
                let message = format!("{command}: cannot run: {error}");
                return self.report(Severity::Error, pos.clone(), message);
            }
        };
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            self.report(Severity::Error, pos.clone(), format!("{command}: {line}"));
        }
        if !output.status.success() {
            self.warn(pos.clone(), format!("{command}: ended with {}", output.status));
        }
        if output.stdout.is_empty() {
            self.report(Severity::Notice, pos.clone(), format!("{command}: printed nothing"));
        }
        let label: Arc<str> = format!("#exec {command}").into();
        self.text(Path::new(&*label), &label, &output.stdout);
    }
}

/// `"name"` and `<name>` are `name`.
fn unquote(argument: &str) -> &str {
    let inside = |open, close| argument.strip_prefix(open)?.strip_suffix(close);
    inside('"', '"').or_else(|| inside('<', '>')).unwrap_or(argument)
}

fn is_glob(name: &str) -> bool {
    name.contains(['*', '?', '[', '{'])
}

/// The files that a name with wildcards stands for: for each choice of its braces, sorted.
fn matches(dir: &Path, name: &str) -> Vec<PathBuf> {
    let names = alternatives(name);
    names.iter().flat_map(|name| wildcard_matches(dir, name)).collect()
}

fn wildcard_matches(dir: &Path, name: &str) -> Vec<PathBuf> {
    let mut pattern = match Path::new(name).is_absolute() {
        true => String::new(),
        false => format!("{}/", Pattern::escape(&dir.to_string_lossy())),
    };
    for character in name.chars() {
        // `**` is `*`: it does not go into folders.
        if character != '*' || !pattern.ends_with('*') {
            pattern.push(character);
        }
    }
    match glob::glob_with(&pattern, LIKE_A_SHELL) {
        Ok(paths) => paths.filter_map(Result::ok).collect(),
        // An unclosed `[` stands for itself.
        Err(_) => vec![dir.join(name)],
    }
}

/// `a{b,c}d` is `abd` and `acd`; braces nest. What is more than [`MAX_ALTERNATIVES`] stays as it
/// is written, and so matches nothing.
fn alternatives(name: &str) -> Vec<String> {
    let mut done = Vec::new();
    // The next one last.
    let mut open = vec![name.to_owned()];
    while let Some(pattern) = open.pop() {
        match split_braces(&pattern) {
            Some((before, choices, after)) if done.len() + open.len() < MAX_ALTERNATIVES => {
                let choices = choices.into_iter().rev();
                open.extend(choices.map(|choice| format!("{before}{choice}{after}")));
            }
            _ => done.push(pattern),
        }
    }
    done
}

/// The first braces with their end: what is before, the choices within, what is after.
fn split_braces(pattern: &str) -> Option<(&str, Vec<&str>, &str)> {
    let (before, inside) = pattern.split_once('{')?;
    let mut depth = 0_usize;
    let mut choices = Vec::new();
    let mut start = 0;
    for (at, mark) in inside.match_indices(['{', ',', '}']) {
        match (mark, depth) {
            ("{", _) => depth += 1,
            ("}", 1..) => depth -= 1,
            (",", 0) => {
                choices.push(inside.get(start..at)?);
                start = at + 1;
            }
            ("}", 0) => {
                choices.push(inside.get(start..at)?);
                return Some((before, choices, inside.get(at + 1..)?));
            }
            _ => (),
        }
    }
    None
}
