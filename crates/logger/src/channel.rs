//! An open channel of `[logfiles]`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::format::{Place, Style, lines};
use crate::record::Record;
use crate::settings::{ChannelKind, ChannelSpec, Settings};
use crate::syslog::Syslog;

/// Where a channel's lines end up, apart from consoles.
#[derive(Debug)]
pub(crate) enum Output {
    /// The writer knows the consoles.
    Console,
    Syslog(Syslog),
    File {
        path: PathBuf,
        writer: BufWriter<File>,
    },
}

/// A channel that lines can be written to.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) spec: ChannelSpec,
    pub(crate) output: Output,
    /// Whether the last line could not be written; said once until one can.
    pub(crate) failing: bool,
}

/// The file of a channel: relative names are in the log directory.
pub(crate) fn file_path(spec: &ChannelSpec, settings: &Settings, log_dir: &Path, host: &str) -> PathBuf {
    let name = if settings.append_hostname { format!("{}.{host}", spec.name) } else { spec.name.clone() };
    log_dir.join(name)
}

impl Channel {
    /// Opens the channel; the error names the file.
    pub(crate) fn open(
        spec: ChannelSpec,
        settings: &Settings,
        log_dir: &Path,
        host: &str,
    ) -> Result<Self, String> {
        let output = match spec.kind {
            ChannelKind::Console => Output::Console,
            ChannelKind::Syslog(facility) => Output::Syslog(Syslog::new(facility, Path::new(Syslog::PATH))),
            ChannelKind::File => {
                let path = file_path(&spec, settings, log_dir, host);
                let file =
                    open_file(&path).map_err(|error| format!("cannot open {}: {error}", path.display()))?;
                Output::File { path, writer: BufWriter::new(file) }
            }
        };
        Ok(Channel { spec, output, failing: false })
    }

    /// Writes the record to a file or to syslog. An error names the place.
    pub(crate) fn write(&mut self, record: &Record, style: &Style) -> Result<(), String> {
        match &mut self.output {
            Output::Console => Ok(()),
            Output::Syslog(syslog) => {
                let text = lines(record, self.spec.formatter, Place::Syslog, style);
                let mut lines = text.lines();
                lines
                    .try_for_each(|line| syslog.send(record, line))
                    .map_err(|error| format!("cannot write to {}: {error}", self.spec.name))
            }
            Output::File { path, writer } => {
                let text = lines(record, self.spec.formatter, Place::File, style);
                writer
                    .write_all(text.as_bytes())
                    .map_err(|error| format!("cannot write to {}: {error}", path.display()))
            }
        }
    }

    /// Hands buffered lines to the system.
    pub(crate) fn flush(&mut self) -> Result<(), String> {
        let Output::File { path, writer } = &mut self.output else {
            return Ok(());
        };
        writer.flush().map_err(|error| format!("cannot write to {}: {error}", path.display()))
    }
}

/// Opens for appending; makes the directory if it is missing.
fn open_file(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().create(true).append(true).open(path);
    match (open(), path.parent()) {
        (Err(error), Some(dir)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(dir)?;
            open()
        }
        (opened, _) => opened,
    }
}
