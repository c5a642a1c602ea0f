//! Reads configuration files of a directory.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fingerprint::Stamp;
use crate::parser::Parser;
use crate::{Config, LoadError};

/// Reads configuration files. Cheap to make; keeps nothing between loads.
#[derive(Debug, Clone)]
pub struct Loader {
    dir: PathBuf,
    exec: bool,
}

impl Loader {
    /// For the files of a directory: `astetcdir` of `asterisk.conf`. All names that do not begin
    /// with `/` are relative to it, also in an included file of another directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), exec: false }
    }

    /// Whether `#exec` may run commands: `execincludes` of `asterisk.conf`. Off unless set.
    pub fn exec(mut self, allowed: bool) -> Self {
        self.exec = allowed;
        self
    }

    /// Reads a file and what it includes.
    ///
    /// # Errors
    ///
    /// The file is missing or cannot be read, or it or an included file has errors.
    pub fn load(&self, name: &str) -> Result<Config, LoadError> {
        let path = self.path(name);
        let source = Source::read(&path).map_err(|error| match error {
            ReadError::Missing => LoadError::Missing { path: path.clone() },
            ReadError::Irregular => {
                LoadError::Unreadable { path: path.clone(), reason: "not a regular file".into() }
            }
            ReadError::Io(reason) => LoadError::Unreadable { path: path.clone(), reason },
        })?;
        let mut parser = Parser::new(self);
        parser.file(&path, source);
        parser.finish()
    }

    /// Reads text as if it were a file of this name; what it includes comes from the directory.
    ///
    /// # Errors
    ///
    /// The text or an included file has errors.
    pub fn parse(&self, name: &str, text: &str) -> Result<Config, LoadError> {
        let mut parser = Parser::new(self);
        let path = self.path(name);
        parser.text(&path, &self.label(&path), text.as_bytes());
        parser.finish()
    }

    pub(crate) fn exec_allowed(&self) -> bool {
        self.exec
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// What a file is called in positions.
    pub(crate) fn label(&self, path: &Path) -> Arc<str> {
        path.strip_prefix(&self.dir).unwrap_or(path).to_string_lossy().into()
    }
}

/// A file that has been read.
pub(crate) struct Source {
    pub(crate) bytes: Vec<u8>,
    pub(crate) stamp: Stamp,
}

pub(crate) enum ReadError {
    Missing,
    /// A directory, a pipe, a device: nothing to wait for.
    Irregular,
    Io(String),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Io(error.to_string()),
        }
    }
}

impl Source {
    pub(crate) fn read(path: &Path) -> Result<Self, ReadError> {
        // Asked before opening: opening a pipe would wait for its other end.
        if !fs::metadata(path)?.is_file() {
            return Err(ReadError::Irregular);
        }
        let mut file = File::open(path)?;
        let stamp = Stamp::of(&file.metadata()?);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Self { bytes, stamp })
    }
}
