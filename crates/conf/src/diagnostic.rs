//! Where something is in a file, and what is wrong with it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

/// A place in a configuration file. Displayed as `pjsip.conf:12:5`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pos {
    /// The file, relative to the configuration directory if it is inside; `#exec command` for
    /// what a command printed.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Pos {
    /// File name without its folder, and line, as in `dialplan show`: `extensions.conf:3`.
    pub fn short(&self) -> String {
        let name = match self.file.rsplit_once('/') {
            Some((_, name)) if !self.file.starts_with('#') => name,
            _ => &self.file,
        };
        format!("{name}:{}", self.line)
    }
}

impl fmt::Display for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Something asked for could not be done.
    Error,
    /// Something was ignored.
    Warning,
    /// Worth knowing.
    Notice,
}

/// One remark about a configuration file. Displayed as `pjsip.conf:12:5: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is, if it is anywhere.
    pub pos: Option<Pos>,
    /// What it is.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pos {
            Some(pos) => write!(f, "{pos}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Why a configuration file gave no configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LoadError {
    /// The file does not exist. (A missing `#include` is [`LoadError::Invalid`].)
    #[error("{}: no such file", .path.display())]
    Missing {
        /// The file, with its folder.
        path: PathBuf,
    },
    /// The file exists and cannot be read.
    #[error("{}: cannot be read: {reason}", .path.display())]
    Unreadable {
        /// The file, with its folder.
        path: PathBuf,
        /// What the system says about it.
        reason: String,
    },
    /// The file, or a file it includes, has errors. Displayed as one line for each error.
    #[error("{}", errors(.diagnostics))]
    Invalid {
        /// Everything found, in reading order: at least one [`Severity::Error`], and warnings.
        diagnostics: Vec<Diagnostic>,
    },
}

fn errors(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    errors.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
