//! Whether files changed since they were read.

use std::fs::{self, Metadata};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// Size and time of change of all files of a [`Config`](crate::Config) when they were read.
#[derive(Debug, Clone, Default)]
pub struct Fingerprint {
    /// `None`: the file was not there (`#tryinclude`).
    files: Vec<(Arc<Path>, Option<Stamp>)>,
    volatile: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { size: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl Fingerprint {
    /// Whether all files still have the size and the time of change that they had, and those that
    /// were missing are still missing. Never true if a glob was included or a command was run:
    /// what they give is only known by doing it again.
    pub fn unchanged(&self) -> bool {
        !self.volatile
            && self.files.iter().all(|(path, stamp)| {
                let now = fs::metadata(path).ok();
                now.as_ref().map(Stamp::of) == *stamp
            })
    }

    pub(crate) fn add(&mut self, path: Arc<Path>, stamp: Option<Stamp>) {
        self.files.push((path, stamp));
    }

    pub(crate) fn set_volatile(&mut self) {
        self.volatile = true;
    }
}
