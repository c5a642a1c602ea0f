//! `rotatestrategy`: what a full log file is renamed to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use jiff::Timestamp;

/// Names of old files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// `file.0` is the oldest; the next free number.
    Sequential,
    /// `file.0` is the newest; all others move up by one.
    Rotate,
    /// `file.SECONDS` since 1970.
    Timestamp,
    /// Files are only opened again: something outside renames them.
    None,
}

impl Strategy {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "sequential" | "yes" => Some(Strategy::Sequential),
            "rotate" => Some(Strategy::Rotate),
            "timestamp" => Some(Strategy::Timestamp),
            "none" | "no" => Some(Strategy::None),
            _ => None,
        }
    }
}

/// Renames `file`; gives the new name, `None` if there was nothing to rename.
pub(crate) fn rotate(file: &Path, strategy: Strategy, now: Timestamp) -> io::Result<Option<PathBuf>> {
    if strategy == Strategy::None || !file.exists() {
        return Ok(None);
    }
    let target = match strategy {
        Strategy::Sequential => numbered(file, free_number(file)),
        Strategy::Timestamp => free_timestamp(file, now),
        Strategy::Rotate | Strategy::None => {
            for number in (0..free_number(file)).rev() {
                fs::rename(numbered(file, number), numbered(file, number + 1))?;
            }
            numbered(file, 0)
        }
    };
    fs::rename(file, &target)?;
    Ok(Some(target))
}

/// Runs `exec_after_rotate` with the old file's name in the variable `filename`, beside us.
pub(crate) fn exec_after(command: &str, file: &Path) -> io::Result<()> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).env("filename", file).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = shell.spawn()?;
    // Only waits, so that no dead child stays behind.
    thread::Builder::new().name("after-rotate".to_owned()).spawn(move || child.wait()).map(drop)
}

fn numbered(file: &Path, number: u64) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn free_number(file: &Path) -> u64 {
    (0..).find(|number| !numbered(file, *number).exists()).unwrap_or(0)
}

/// The time in seconds, or the next free one: two rotations in one second lose nothing.
fn free_timestamp(file: &Path, now: Timestamp) -> PathBuf {
    let first = u64::try_from(now.as_second()).unwrap_or(0);
    let free = (first..).find(|number| !numbered(file, *number).exists());
    numbered(file, free.unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rotates three times; the names and what is in them.
    fn rotated(strategy: Strategy) -> Vec<(String, String)> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("full");
        for text in ["first", "second", "third"] {
            fs::write(&file, text).unwrap();
            rotate(&file, strategy, Timestamp::from_second(7).unwrap()).unwrap();
        }
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
        };
        let mut files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(entry).collect();
        files.sort();
        files
    }

    fn expected(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn names_of_old_files() {
        let sequential = expected(&[("full.0", "first"), ("full.1", "second"), ("full.2", "third")]);
        assert_eq!(rotated(Strategy::Sequential), sequential);
        let newest_first = expected(&[("full.0", "third"), ("full.1", "second"), ("full.2", "first")]);
        assert_eq!(rotated(Strategy::Rotate), newest_first);
        let timestamps = expected(&[("full.7", "first"), ("full.8", "second"), ("full.9", "third")]);
        assert_eq!(rotated(Strategy::Timestamp), timestamps);
        assert_eq!(rotated(Strategy::None), expected(&[("full", "third")]));
    }
}
