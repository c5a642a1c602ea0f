//! The remote console: `-r`, and `-R` which comes back when the server does.
//!
//! Two threads share the connection: this one reads lines from the operator and sends them, the other prints what the
//! server says. A command's status tells the first that the next prompt may come.

use std::path::{Path, PathBuf};
use std::process::exit;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::answer::AnswerReader;
use super::{Connection, Greeting, RemoteError, complete, send};
use crate::console::{Backend, Input, Printer, Terminal, interact, prompt};
use crate::server::RUN;

/// `-R` tries to connect for so long, and so often.
const RECONNECT: Duration = Duration::from_secs(30);
const RECONNECT_EVERY: Duration = Duration::from_millis(50);

/// How a remote console behaves.
#[derive(Clone, Debug, Default)]
pub struct ConsoleOptions {
    /// `-R`: wait for the server and come back to it.
    pub reconnect: bool,
    /// `-v`: the console is at least so verbose.
    pub verbose: u8,
    /// `-d`: the server's debug level is raised to this.
    pub debug: u8,
    /// `-m`: no log lines until `logger mute`.
    pub mute: bool,
    /// `disable_remote_console_shell`: no `!command`.
    pub no_shell: bool,
}

/// Runs a remote console until the operator leaves it. When the server goes away for good, the process ends with
/// status 1: a read from the terminal cannot be interrupted.
///
/// # Errors
///
/// There is no server (with `reconnect`: for 30 seconds).
pub fn console(socket: &Path, options: &ConsoleOptions) -> Result<(), RemoteError> {
    let connection = connect(socket, options)?;
    let terminal = Terminal::save();
    let completing = socket.to_owned();
    let mut input = Input::open(Box::new(move |line| complete(&completing, line).unwrap_or_default()));
    let printer = input.printer();
    let prompt = prompt(&connection.greeting.host);
    printer.print(&banner(&connection.greeting));
    let stream = connection.stream.try_clone().map_err(RemoteError::Io)?;
    let stream = Arc::new(Mutex::new(stream));
    let (ended, command_ended) = channel();
    let mut listener = Listener {
        socket: socket.to_owned(),
        options: options.clone(),
        printer: printer.clone(),
        stream: stream.clone(),
        ended,
        unfinished: Vec::new(),
    };
    thread::Builder::new()
        .name("remote-console".to_owned())
        .spawn(move || {
            let farewell = listener.listen(connection);
            if let Some(terminal) = &terminal {
                terminal.restore();
            }
            // Not above the prompt: whoever draws it will not live to do so.
            println!("\n{farewell}");
            exit(1);
        })
        .map_err(RemoteError::Io)?;
    let mut backend = Remote { stream, command_ended, printer };
    interact(&mut input, &prompt, !options.no_shell, &mut backend);
    Ok(())
}

/// Connects, with `-R` as soon as there is a server, and tells it what this console wants to see.
fn connect(socket: &Path, options: &ConsoleOptions) -> Result<Connection, RemoteError> {
    let start = Instant::now();
    let mut connection = loop {
        match Connection::open(socket) {
            Ok(connection) => break connection,
            Err(RemoteError::Connect { .. } | RemoteError::Refused(_))
                if options.reconnect && start.elapsed() < RECONNECT =>
            {
                thread::sleep(RECONNECT_EVERY);
            }
            Err(error) => return Err(error),
        }
    };
    connection.stream.set_read_timeout(None).map_err(RemoteError::Io)?;
    if !options.mute {
        connection.send("logger mute silent")?;
    }
    if options.verbose > 0 {
        connection.send(&format!("core set verbose atleast {} silent", options.verbose))?;
    }
    if options.debug > 0 {
        connection.send(&format!("core set debug atleast {} silent", options.debug))?;
    }
    Ok(connection)
}

fn banner(greeting: &Greeting) -> String {
    let Greeting { host, pid, version } = greeting;
    format!("Connected to Starling {version} currently running on {host} (pid = {pid})\n")
}

/// Sends what the operator types.
struct Remote {
    stream: Arc<Mutex<std::os::unix::net::UnixStream>>,
    command_ended: Receiver<()>,
    printer: Printer,
}

impl Backend for Remote {
    fn run(&mut self, line: &str) {
        // Ends of commands that broke off before.
        while self.command_ended.try_recv().is_ok() {}
        let sent = {
            let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
            send(&mut stream, &format!("{RUN}{line}"))
        };
        match sent {
            // An error is a listener that is gone, and the process with it.
            Ok(()) => drop(self.command_ended.recv()),
            Err(error) => self.printer.print(&format!("The command could not be sent: {error}\n")),
        }
    }

    fn quit(&mut self) -> bool {
        true
    }
}

/// Prints what the server says.
struct Listener {
    socket: PathBuf,
    options: ConsoleOptions,
    printer: Printer,
    stream: Arc<Mutex<std::os::unix::net::UnixStream>>,
    ended: Sender<()>,
    /// The begin of a line whose end has not come: the prompt would be drawn over it.
    unfinished: Vec<u8>,
}

impl Listener {
    /// Returns when the server is gone for good, with the last words.
    fn listen(&mut self, mut connection: Connection) -> String {
        const GONE: &str = "Disconnected from the server";
        loop {
            self.print_all(&mut connection);
            self.print_unfinished();
            if !self.options.reconnect {
                return GONE.to_owned();
            }
            self.printer.print(&format!("{GONE}\n"));
            // The command that waits for its end will not have one.
            let _ = self.ended.send(());
            let again = connect(&self.socket, &self.options).and_then(|connection| {
                Ok((connection.stream.try_clone().map_err(RemoteError::Io)?, connection))
            });
            match again {
                Ok((stream, new)) => {
                    *self.stream.lock().unwrap_or_else(PoisonError::into_inner) = stream;
                    self.printer.print(&banner(&new.greeting));
                    connection = new;
                }
                Err(error) => return error.to_string(),
            }
        }
    }

    /// Until the connection ends.
    fn print_all(&mut self, connection: &mut Connection) {
        let mut reader = AnswerReader::default();
        let mut bytes = std::mem::take(&mut connection.early);
        loop {
            let answer = reader.feed(&bytes);
            self.unfinished.extend(answer.output);
            if let Some(end) = self.unfinished.iter().rposition(|byte| *byte == b'\n') {
                let lines: Vec<u8> = self.unfinished.drain(..=end).collect();
                self.printer.print(&String::from_utf8_lossy(&lines));
            }
            if answer.status.is_some() {
                self.print_unfinished();
                // Without anybody who waits the process is about to end.
                let _ = self.ended.send(());
            }
            bytes = match connection.receive() {
                Ok(bytes) if !bytes.is_empty() => bytes,
                _ => return,
            };
        }
    }

    fn print_unfinished(&mut self) {
        if !self.unfinished.is_empty() {
            self.unfinished.push(b'\n');
            self.printer.print(&String::from_utf8_lossy(&std::mem::take(&mut self.unfinished)));
        }
    }
}
