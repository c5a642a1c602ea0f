//! The other end of the control socket: one command (`-rx`), completions, and the remote console (`-r`, `-R`).

mod answer;
mod console;

pub use console::{ConsoleOptions, console};

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::registry::Reply;
use crate::server::{COMPLETE, END_OF_MATCHES, MAX_PATH, RUN};
use answer::AnswerReader;

/// A server that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(60);

/// The longest greeting that is read.
const MAX_GREETING: usize = 4096;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum RemoteError {
    /// Nobody listens there.
    #[error("Unable to connect to remote starling (does {} exist?)", .socket.display())]
    Connect {
        /// The control socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The path does not fit into the kernel's structure.
    #[error("The path of the control socket, {}, has {} bytes; {MAX_PATH} fit", .0.display(), .0.as_os_str().len())]
    PathTooLong(PathBuf),
    /// The server does not want this client; its words.
    #[error("The server refused: {0}")]
    Refused(String),
    /// Nothing came for a minute.
    #[error("The server has said nothing for {} seconds", SILENCE.as_secs())]
    Silent,
    /// The server went away before the command had ended.
    #[error("The server closed the connection before the command had ended")]
    Closed,
    /// The connection broke, or the output could not be written.
    #[error("The connection to the server broke: {0}")]
    Io(#[source] io::Error),
}

/// Runs a command and gives its output and its status.
///
/// # Errors
///
/// No server, or one that does not answer to the end.
pub fn run_command(socket: &Path, line: &str) -> Result<Reply, RemoteError> {
    let mut text = Vec::new();
    let ok = stream_command(socket, line, &mut text)?;
    Ok(Reply { text: String::from_utf8_lossy(&text).into_owned(), ok })
}

/// Runs a command, passes on its output as it comes, and gives its status.
///
/// A server that goes away because the command told it to (`core stop now`) has done what was asked.
///
/// # Errors
///
/// No server, or one that does not answer to the end.
pub fn stream_command(socket: &Path, line: &str, output: &mut dyn Write) -> Result<bool, RemoteError> {
    let mut connection = Connection::open(socket)?;
    connection.send(&format!("{RUN}{line}"))?;
    let mut reader = AnswerReader::default();
    let mut bytes = std::mem::take(&mut connection.early);
    loop {
        let answer = reader.feed(&bytes);
        output.write_all(&answer.output).and_then(|()| output.flush()).map_err(RemoteError::Io)?;
        if let Some(ok) = answer.status {
            return Ok(ok);
        }
        bytes = connection.receive()?;
        if bytes.is_empty() {
            return if ends_the_server(line) { Ok(true) } else { Err(RemoteError::Closed) };
        }
    }
}

/// How the last word of `line` could go on.
///
/// # Errors
///
/// No server, or one that does not answer to the end.
pub fn complete(socket: &Path, line: &str) -> Result<Vec<String>, RemoteError> {
    let mut connection = Connection::open(socket)?;
    connection.send(&format!("{COMPLETE}\"{line}\" \"\""))?;
    let mut bytes = std::mem::take(&mut connection.early);
    while !bytes.ends_with(END_OF_MATCHES.as_bytes()) {
        let more = connection.receive()?;
        if more.is_empty() {
            return Err(RemoteError::Closed);
        }
        bytes.extend(more);
    }
    let text = String::from_utf8_lossy(&bytes);
    // The first is the common start of all: empty if they have none.
    let words = text.trim_end_matches(END_OF_MATCHES).split(' ').skip(1);
    Ok(words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

fn ends_the_server(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace().map(str::to_ascii_lowercase);
    words.next().as_deref() == Some("core") && matches!(words.next().as_deref(), Some("stop" | "restart"))
}

/// What a server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Greeting {
    host: String,
    pid: String,
    version: String,
}

/// A connection whose greeting has been read.
struct Connection {
    stream: UnixStream,
    greeting: Greeting,
    /// What came together with the greeting.
    early: Vec<u8>,
}

impl Connection {
    fn open(socket: &Path) -> Result<Self, RemoteError> {
        if socket.as_os_str().len() > MAX_PATH {
            return Err(RemoteError::PathTooLong(socket.to_owned()));
        }
        let connect = |error| RemoteError::Connect { socket: socket.to_owned(), error };
        let stream = UnixStream::connect(socket).map_err(connect)?;
        stream.set_read_timeout(Some(SILENCE)).map_err(RemoteError::Io)?;
        let mut connection = Connection { stream, greeting: Greeting::default(), early: Vec::new() };
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                break end;
            }
            let more = connection.receive()?;
            if more.is_empty() || bytes.len() > MAX_GREETING {
                return Err(RemoteError::Refused(String::from_utf8_lossy(&bytes).trim().to_owned()));
            }
            bytes.extend(more);
        };
        connection.early = bytes.split_off(end + 1);
        let line = String::from_utf8_lossy(&bytes).trim().to_owned();
        let mut parts = line.splitn(3, '/').map(str::to_owned);
        let (Some(host), Some(pid), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(RemoteError::Refused(line));
        };
        connection.greeting = Greeting { host, pid, version };
        Ok(connection)
    }

    fn send(&mut self, request: &str) -> Result<(), RemoteError> {
        send(&mut self.stream, request).map_err(RemoteError::Io)
    }

    /// What comes next; empty when the server has closed.
    fn receive(&mut self) -> Result<Vec<u8>, RemoteError> {
        let mut buffer = vec![0; 16 * 1024];
        let length = self.stream.read(&mut buffer).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => RemoteError::Silent,
            _ => RemoteError::Io(error),
        })?;
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// Sends a request and the NUL that ends it.
fn send(stream: &mut UnixStream, request: &str) -> io::Result<()> {
    let mut bytes = request.replace('\0', "").into_bytes();
    bytes.push(0);
    stream.write_all(&bytes)
}
