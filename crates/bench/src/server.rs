//! A server of one's own: started on a configuration in a temporary directory, stopped with it.
//!
//! ```no_run
//! let office = bench::Office {
//!     extensions: vec![("1001".into(), "Custom:lamp1".into())],
//!     endpoints: vec!["alice".into()],
//!     login: None,
//!     register: None,
//! };
//! let server = bench::Server::start(&office)?;
//! server.command("devstate change Custom:lamp1 INUSE")?;
//! server.stop()?;
//! # Ok::<(), bench::ServerError>(())
//! ```

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{self, Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wait_timeout::ChildExt as _;

use crate::interrupt::unblocked;
use crate::office::Office;

/// How long the server may take to start, to stop, or for a command.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks whether the server has a control socket yet.
const LOOK: Duration = Duration::from_millis(2);

/// Why there is no server, or why it does not do what it is told.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// What the system says.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// The server was not built, or not here.
    #[error("{} is not there: build it with `cargo build --release --workspace`", .0.display())]
    NotBuilt(PathBuf),
    /// It ended, or did not boot; with what it said.
    #[error("the server did not start:\n{0}")]
    NotStarted(String),
    /// A command failed; with what it said.
    #[error("{0}: {1}")]
    Command(String, String),
    /// What should have ended has not, and was killed.
    #[error("{0} did not end in time and was killed")]
    Late(String),
}

/// A running server. Dropped, it is stopped.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    directory: TempDir,
    address: SocketAddr,
    child: Child,
    boot: Duration,
}

impl Server {
    /// Starts `starling` from beside this program, with the modules from there, on a free port of
    /// 127.0.0.1, and waits until it has booted.
    ///
    /// # Errors
    ///
    /// It is not there or does not boot.
    pub fn start(office: &Office) -> Result<Self, ServerError> {
        let program = program()?;
        if !program.is_file() {
            return Err(ServerError::NotBuilt(program));
        }
        let modules = program.parent().unwrap_or(&program);
        let directory =
            tempfile::Builder::new().prefix("starling-").tempdir().map_err(io("temporary directory"))?;
        let address = free_address().map_err(io("free port"))?;
        office.write(directory.path(), modules, address).map_err(io("configuration"))?;
        let log = File::create(directory.path().join("console")).map_err(io("console"))?;
        let errors = log.try_clone().map_err(io("console"))?;
        let mut command = process::Command::new(&program);
        command.arg("-f").arg("-C").arg(directory.path().join("asterisk.conf"));
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        // What a terminal sends to its programs is for this one only; it stops the server in order.
        command.process_group(0);
        let start = Instant::now();
        let child = unblocked(|| command.spawn()).map_err(io(&program.to_string_lossy()))?;
        let mut server = Self { program, directory, address, child, boot: Duration::ZERO };
        server.wait_for_boot()?;
        server.boot = start.elapsed();
        Ok(server)
    }

    /// Runs a command on the server, through its control socket, and gives what it prints.
    ///
    /// # Errors
    ///
    /// The command failed.
    pub fn command(&self, line: &str) -> Result<String, ServerError> {
        let socket = self.directory.path().join("run/asterisk.ctl");
        match cli::remote::run_command(&socket, line) {
            Ok(reply) if reply.ok => Ok(reply.text),
            Ok(reply) => Err(ServerError::Command(line.to_owned(), reply.text.trim().to_owned())),
            Err(error) => Err(ServerError::Command(line.to_owned(), error.to_string())),
        }
    }

    /// Writes the extensions of another office into `extensions.conf`; `dialplan reload` puts them in
    /// force.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn rewrite_extensions(&self, office: &Office) -> Result<(), ServerError> {
        office.write_extensions(self.directory.path()).map_err(io("extensions.conf"))
    }

    /// Begins to run a command on the server, in a process of its own.
    ///
    /// # Errors
    ///
    /// The process that carries it cannot be started.
    pub fn send(&self, line: &str) -> Result<Command, ServerError> {
        let mut command = process::Command::new(&self.program);
        command.arg("-C").arg(self.directory.path().join("asterisk.conf")).arg("-rx").arg(line);
        // A file and not a pipe: whoever waits need not read, whatever the length.
        let said = tempfile::tempfile_in(self.directory.path()).map_err(io(line))?;
        let [out, errors] = [said.try_clone().map_err(io(line))?, said.try_clone().map_err(io(line))?];
        let child = command.stdin(Stdio::null()).stdout(out).stderr(errors).spawn().map_err(io(line))?;
        Ok(Command { line: line.to_owned(), child, said })
    }

    /// Stops the server.
    ///
    /// # Errors
    ///
    /// It did not stop by itself, or not well.
    pub fn stop(mut self) -> Result<(), ServerError> {
        self.command("core stop now")?;
        let status = end_of(&mut self.child)?.ok_or(ServerError::Late("the server".into()))?;
        let failed = || ServerError::Command("core stop now".into(), format!("server ended with {status}"));
        if status.success() { Ok(()) } else { Err(failed()) }
    }

    /// What `starling -V` says.
    ///
    /// # Errors
    ///
    /// It says nothing.
    pub fn version(&self) -> Result<String, ServerError> {
        let output = process::Command::new(&self.program).arg("-V").output().map_err(io("starling -V"))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Time from its start until it had booted, in steps of a few milliseconds.
    pub fn boot(&self) -> Duration {
        self.boot
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed.
    pub fn console(&self) -> String {
        let bytes = std::fs::read(self.directory.path().join("console")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn wait_for_boot(&mut self) -> Result<(), ServerError> {
        let end = Instant::now() + PATIENCE;
        loop {
            // There is no event to wait for before the control socket is there.
            let Err(error) = self.command("core waitfullybooted") else {
                return Ok(());
            };
            let ended = self.child.try_wait().map_err(io("wait"))?;
            if ended.is_some() || Instant::now() > end {
                let status = ended.map_or_else(|| error.to_string(), |status| status.to_string());
                return Err(ServerError::NotStarted(format!("{}{status}", self.console())));
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Nothing more can be done about a process that cannot be killed.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A command on its way.
#[derive(Debug)]
pub struct Command {
    line: String,
    child: Child,
    said: File,
}

impl Command {
    /// Waits for its end and gives what it printed.
    ///
    /// # Errors
    ///
    /// The command failed.
    pub fn wait(mut self) -> Result<String, ServerError> {
        let status = end_of(&mut self.child)?.ok_or_else(|| ServerError::Late(self.line.clone()))?;
        let mut said = Vec::new();
        self.said.rewind().and_then(|()| self.said.read_to_end(&mut said)).map_err(io(&self.line))?;
        let said = String::from_utf8_lossy(&said).into_owned();
        if status.success() { Ok(said) } else { Err(ServerError::Command(self.line, said.trim().to_owned())) }
    }

    /// Whether it has ended, so that [`Command::wait`] does not wait.
    pub fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

/// Waits for the end of a process; one that does not end in time is killed.
fn end_of(child: &mut Child) -> Result<Option<ExitStatus>, ServerError> {
    let status = child.wait_timeout(PATIENCE).map_err(io("wait"))?;
    if status.is_none() {
        child.kill().and_then(|()| child.wait()).map_err(io("kill"))?;
    }
    Ok(status)
}

/// `starling` beside this program.
fn program() -> Result<PathBuf, ServerError> {
    let own = std::env::current_exe().map_err(io("path of this program"))?;
    Ok(own.with_file_name("starling"))
}

/// A port that is free now; the server binds it a moment later.
pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?.local_addr()
}

pub(crate) fn io(what: &str) -> impl FnOnce(std::io::Error) -> ServerError {
    let what = what.to_owned();
    |error| ServerError::Io(what, error)
}
