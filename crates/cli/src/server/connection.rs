//! One client of the control socket.
//!
//! ```text
//!  client ── request, NUL ──▶ read loop ── runs it on a blocking thread ──┐
//!  client ◀── bytes ───────── write loop ◀── bounded queue ◀── output ────┘
//!                                  ▲────── log lines (bounded, a slow client loses them)
//! ```
//!
//! A client that takes nothing stalls only its own write loop. When that gives up, the queue is closed, and whatever
//! the command still prints is thrown away.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use logger::{Console, ConsoleLine, Logger};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::request::{END_OF_MATCHES, FAILED, OK, Request};
use crate::command::{Output, Session};
use crate::registry::Cli;

/// The longest request.
const MAX_REQUEST: usize = 64 * 1024;
/// Output goes to the client in pieces of at most this size.
const PIECE: usize = 16 * 1024;
/// So many pieces may wait for the client.
const PIECES: usize = 16;

/// What a client's tasks need.
pub(super) struct Connection {
    cli: Arc<Cli>,
    console: Arc<Console>,
    lines: broadcast::Receiver<ConsoleLine>,
    stall: Duration,
}

impl Connection {
    pub(super) fn new(cli: Arc<Cli>, logger: &Logger, stall: Duration) -> Self {
        let (console, lines) = logger.attach();
        Connection { cli, console, lines, stall }
    }

    /// Serves until the client goes, asks to be closed, or takes nothing any more, or until the server stops.
    pub(super) async fn serve(self, stream: UnixStream, greeting: String, stopping: watch::Receiver<bool>) {
        let (read, write) = stream.into_split();
        let (output, pieces) = mpsc::channel(PIECES);
        let mut writer =
            pin!(Writer { write, stall: self.stall }.run(greeting, pieces, self.lines, self.console.clone()));
        let reader = Reader { read, cli: self.cli, session: Session::new(self.console), output, stopping };
        tokio::select! {
            // Its end closes the queue: the writer ends when it has written what is left.
            () = reader.run() => writer.await,
            () = &mut writer => {}
        }
    }
}

struct Reader {
    read: OwnedReadHalf,
    cli: Arc<Cli>,
    session: Session,
    output: mpsc::Sender<Vec<u8>>,
    /// True when no further request is to be read.
    stopping: watch::Receiver<bool>,
}

impl Reader {
    async fn run(mut self) {
        let mut buffer = Vec::new();
        let mut searched = 0;
        loop {
            let end = buffer.iter().skip(searched).position(|byte| *byte == 0).map(|found| searched + found);
            let length = end.unwrap_or(buffer.len());
            if length > MAX_REQUEST {
                let text = format!("A command has at most {MAX_REQUEST} bytes.\n");
                // The client may be gone; the connection ends either way.
                let _ = self.output.send(text.into_bytes()).await;
                return;
            }
            if let Some(end) = end {
                let request: Vec<u8> = buffer.drain(..=end).collect();
                searched = 0;
                let text = String::from_utf8_lossy(request.get(..end).unwrap_or_default()).into_owned();
                if !self.handle(text).await {
                    return;
                }
                continue;
            }
            searched = buffer.len();
            let read = tokio::select! {
                read = self.read.read_buf(&mut buffer) => read,
                _ = self.stopping.wait_for(|stopping| *stopping) => return,
            };
            if !matches!(read, Ok(1..)) {
                return;
            }
        }
    }

    /// Does what a request asks for; `false` to close the connection.
    async fn handle(&self, text: String) -> bool {
        let (cli, session) = (self.cli.clone(), self.session.clone());
        let mut output = Pieces { queue: self.output.clone() };
        let done = spawn_blocking(move || match Request::parse(&text) {
            Request::Run(line) => {
                cli.run_to(line, &session, &mut output);
                true
            }
            Request::RunWithStatus(line) => {
                let ok = cli.run_to(line, &session, &mut output);
                output.send(if ok { OK } else { FAILED }.as_bytes());
                true
            }
            Request::RunAndQuit(line) => {
                cli.run_to(line, &session, &mut output);
                false
            }
            Request::Complete(line) => {
                output.print(&matches_array(&cli.complete(line)));
                true
            }
            Request::CountCompletions(line) => {
                output.print(&cli.complete(line).len().to_string());
                true
            }
            Request::Quit => false,
        });
        // Commands that panic are caught where they run; an error here is a runtime that shuts down.
        done.await.unwrap_or(false)
    }
}

/// The output of a command on its way to the client.
struct Pieces {
    queue: mpsc::Sender<Vec<u8>>,
}

impl Pieces {
    fn send(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE) {
            if self.queue.blocking_send(piece.to_vec()).is_err() {
                // The client is gone: nobody wants the rest.
                return;
            }
        }
    }
}

impl Output for Pieces {
    fn print(&mut self, text: &str) {
        // A NUL would be taken for the end of the output.
        if text.contains('\0') {
            self.send(text.replace('\0', "").as_bytes());
        } else {
            self.send(text.as_bytes());
        }
    }
}

struct Writer {
    write: OwnedWriteHalf,
    stall: Duration,
}

impl Writer {
    async fn run(
        mut self,
        greeting: String,
        mut pieces: mpsc::Receiver<Vec<u8>>,
        mut lines: broadcast::Receiver<ConsoleLine>,
        console: Arc<Console>,
    ) {
        if !self.send(greeting.as_bytes()).await {
            return;
        }
        loop {
            let bytes = tokio::select! {
                biased;
                piece = pieces.recv() => match piece {
                    Some(piece) => collect(piece, &mut pieces),
                    None => return,
                },
                line = lines.recv() => match line {
                    Ok(line) if console.wants(&line) => line.text.as_bytes().to_vec(),
                    Err(RecvError::Lagged(count)) if !console.is_muted() => {
                        format!("({count} log lines were skipped: this console is too slow)\n").into_bytes()
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                },
            };
            if !self.send(&bytes).await {
                return;
            }
        }
    }

    /// `false` if the client is gone or takes nothing.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        matches!(timeout(self.stall, self.write.write_all(bytes)).await, Ok(Ok(())))
    }
}

/// `piece` with what else is there, up to one piece more: a table of short rows is not one write a row.
fn collect(mut piece: Vec<u8>, pieces: &mut mpsc::Receiver<Vec<u8>>) -> Vec<u8> {
    while piece.len() < PIECE
        && let Ok(more) = pieces.try_recv()
    {
        piece.extend(more);
    }
    piece
}

/// The common start of all words, the words, and the mark for the end, as old clients read it.
fn matches_array(words: &[String]) -> String {
    let mut out = String::new();
    if let Some((first, rest)) = words.split_first() {
        let common = rest.iter().fold(first.as_str(), |common, word| common_start(common, word));
        out.push_str(common);
        out.push(' ');
    }
    for word in words {
        out.push_str(word);
        out.push(' ');
    }
    out + END_OF_MATCHES
}

fn common_start<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.char_indices().zip(b.chars()).find(|((_, x), y)| !x.eq_ignore_ascii_case(y));
    let end = same.map_or(a.len().min(b.len()), |((position, _), _)| position);
    a.get(..end).unwrap_or(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_as_old_clients_read_them() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(matches_array(&[]), "_EOF_");
        assert_eq!(matches_array(&words(&["show"])), "show show _EOF_");
        assert_eq!(matches_array(&words(&["settings", "set"])), "set settings set _EOF_");
        assert_eq!(common_start("éa", "éb"), "é");
    }
}
