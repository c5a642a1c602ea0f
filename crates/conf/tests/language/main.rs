//! The rules of the language, each with the exact place of what it complains about.

#![allow(clippy::unwrap_used, reason = "the exception for tests does not reach their helpers")]

mod changes;
mod comments;
mod entries;
mod exec;
mod field;
mod includes;
mod properties;
mod sections;

use std::fs;
use std::path::Path;

use conf::{Config, LoadError, Loader, Severity};
use tempfile::TempDir;

/// Parses text as `t.conf`; there is nothing to include.
fn parse(text: &str) -> Result<Config, LoadError> {
    Loader::new("/nonexistent").parse("t.conf", text)
}

/// Sections and entries in a short form: `[a] x=1 y=>2`, templates as `[a]!`.
fn shown(config: &Config) -> Vec<String> {
    let mut lines = Vec::new();
    for section in &config.sections {
        let mark = if section.template { "!" } else { "" };
        let mut line = format!("[{}]{mark}", section.name);
        for entry in &section.entries {
            let equals = if entry.object { "=>" } else { "=" };
            line.push_str(&format!(" {}{equals}{}", entry.name, entry.value));
        }
        lines.push(line);
    }
    lines
}

/// All remarks, as `E t.conf:1:1: message`; of a success too.
fn remarks(result: &Result<Config, LoadError>) -> Vec<String> {
    let diagnostics = match result {
        Ok(config) => &config.diagnostics,
        Err(LoadError::Invalid { diagnostics }) => diagnostics,
        Err(error) => panic!("not about the content: {error}"),
    };
    let letter = |severity| match severity {
        Severity::Error => 'E',
        Severity::Warning => 'W',
        Severity::Notice => 'N',
    };
    diagnostics.iter().map(|d| format!("{} {d}", letter(d.severity))).collect()
}

/// A directory with files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(dir.path(), name, text.as_bytes());
    }
    dir
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Loads `t.conf` of a directory.
fn load(dir: &TempDir) -> Result<Config, LoadError> {
    Loader::new(dir.path()).load("t.conf")
}

/// Asserts that text means these sections and gives these remarks.
#[track_caller]
fn check(text: &str, sections: &[&str], expected: &[&str]) {
    let result = parse(text);
    assert_eq!(remarks(&result), expected, "remarks about {text:?}");
    assert_eq!(shown(&result.unwrap()), sections, "meaning of {text:?}");
}

/// Asserts that text does not load, with these remarks.
#[track_caller]
fn fails(text: &str, expected: &[&str]) {
    let result = parse(text);
    assert!(result.is_err(), "{text:?} loads");
    assert_eq!(remarks(&result), expected, "remarks about {text:?}");
}
