//! Channels `syslog.FACILITY`: datagrams to `/dev/log` as the C library writes them (RFC 3164).

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use crate::date::DateFormat;
use crate::level::Level;
use crate::record::Record;

/// A syslog facility by its number (RFC 5424 table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facility(u8);

impl Facility {
    const NAMES: [(&'static str, u8); 20] = [
        ("kern", 0),
        ("user", 1),
        ("mail", 2),
        ("daemon", 3),
        ("auth", 4),
        ("security", 4),
        ("syslog", 5),
        ("lpr", 6),
        ("news", 7),
        ("uucp", 8),
        ("cron", 9),
        ("authpriv", 10),
        ("local0", 16),
        ("local1", 17),
        ("local2", 18),
        ("local3", 19),
        ("local4", 20),
        ("local5", 21),
        ("local6", 22),
        ("local7", 23),
    ];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
        found.map(|(_, number)| Facility(*number))
    }
}

/// A connection to the system's log.
#[derive(Debug)]
pub(crate) struct Syslog {
    facility: Facility,
    path: PathBuf,
    socket: Option<UnixDatagram>,
    date: DateFormat,
}

impl Syslog {
    /// Where the system's log listens.
    pub(crate) const PATH: &'static str = "/dev/log";

    /// `date` only gives the time zone's default form; syslog's date is fixed.
    pub(crate) fn new(facility: Facility, path: &Path) -> Self {
        Syslog { facility, path: path.to_owned(), socket: None, date: DateFormat::default_here() }
    }

    /// Sends one message; connects again once if the log was restarted. Never blocks.
    pub(crate) fn send(&mut self, record: &Record, line: &str) -> io::Result<()> {
        let priority = self.facility.0 * 8 + severity(record.level);
        let date = self.date.write(record.time);
        let message = format!("<{priority}>{date} starling[{}]: {}", std::process::id(), line.trim_end());
        if let Some(socket) = &self.socket {
            match socket.send(message.as_bytes()) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => self.socket = None,
            }
        }
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(&self.path)?;
        socket.send(message.as_bytes())?;
        self.socket = Some(socket);
        Ok(())
    }
}

/// The severity of RFC 5424 table 2.
fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARNING => 4,
        Level::NOTICE | Level::SECURITY => 5,
        Level::DEBUG | Level::TRACE => 7,
        _ => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_reach_the_log_also_after_it_was_restarted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut syslog = Syslog::new(Facility::from_name("LOCAL0").unwrap(), &path);
        let record = Record::own(Level::ERROR, "m".to_owned());
        assert!(syslog.send(&record, "ERROR[1]: m\n").is_err());
        for _ in 0..2 {
            let _ = std::fs::remove_file(&path);
            let log = UnixDatagram::bind(&path).unwrap();
            syslog.send(&record, "ERROR[1]: m\n").unwrap();
            let mut buffer = [0; 256];
            let length = log.recv(&mut buffer).unwrap();
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            assert!(text.starts_with("<131>"), "{text}");
            assert!(text.ends_with(&format!(" starling[{}]: ERROR[1]: m", std::process::id())), "{text}");
        }
    }
}
