//! The control socket (`astctl`): a Unix stream socket that `-rx` and `-r` connect to.
//!
//! | direction | bytes |
//! | --- | --- |
//! | server, once | `HOST/PID/VERSION` and a line feed |
//! | client | a command and a NUL, at most 64 KiB |
//! | client | `cli quit after COMMAND`: the server closes after the answer |
//! | client | `_COMMAND MATCHESARRAY "line" "word"`: the common start and all completions, a space after each, `_EOF_` |
//! | client | `_RUN COMMAND` (ours): after the output a NUL, then `ok` or `failed` and a line feed |
//! | server | what commands print, and log lines once the console is not muted |
//!
//! Who may connect is decided by the permissions and the owner of the socket's file.

mod connection;
mod request;

pub(crate) use request::{COMPLETE, END_OF_MATCHES, RUN};
#[cfg(test)]
pub(crate) use request::{FAILED, OK};

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use logger::Logger;
use nix::unistd::{Group, User};
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use connection::Connection;

use crate::registry::Cli;

/// How many clients may be connected.
const MAX_CLIENTS: usize = 128;

/// How long answers may still take when the server stops.
const GRACE: Duration = Duration::from_secs(1);

/// The longest path of a Unix socket: `sun_path` has 108 bytes, the last one is NUL.
pub(crate) const MAX_PATH: usize = 107;

/// What `asterisk.conf` says about the control socket, and the greeting.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// `astrundir` and `astctl`.
    pub path: PathBuf,
    /// `astctlpermissions`: file mode; what the umask leaves if not given.
    pub permissions: Option<u32>,
    /// `astctlowner`: a user's name or number.
    pub owner: Option<String>,
    /// `astctlgroup`: a group's name or number.
    pub group: Option<String>,
    /// The host's name, for the greeting.
    pub host: String,
    /// The server's version, for the greeting.
    pub version: String,
    /// A client that takes nothing for so long is disconnected.
    pub stall: Duration,
    /// `hideconnect`: no VERBOSE line for each client.
    pub hide_connect: bool,
}

impl ServerOptions {
    /// A socket at `path` with defaults for the rest.
    pub fn new(path: impl Into<PathBuf>, host: impl Into<String>, version: impl Into<String>) -> Self {
        ServerOptions {
            path: path.into(),
            permissions: None,
            owner: None,
            group: None,
            host: host.into(),
            version: version.into(),
            stall: Duration::from_secs(10),
            hide_connect: false,
        }
    }
}

/// Why there is no control socket.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another server answers there.
    #[error("Starling already running on {}.  Use 'starling -r' to connect.", .0.display())]
    Running(PathBuf),
    /// The path does not fit into the kernel's structure.
    #[error("The path of the control socket, {}, has {} bytes; {MAX_PATH} fit", .0.display(), .0.as_os_str().len())]
    PathTooLong(PathBuf),
    /// Something that is not a socket has this name.
    #[error("{} is not a socket; it is left alone", .0.display())]
    NotASocket(PathBuf),
    /// `astctlowner` or `astctlgroup` is nobody.
    #[error("{option}: there is no '{name}'")]
    Unknown {
        /// The option of `asterisk.conf`.
        option: &'static str,
        /// Its value.
        name: String,
    },
    /// The system refuses.
    #[error("The control socket {} cannot be made: {error}", .path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
}

/// A control socket that listens. Dropping it removes the file, if it still is this socket's.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    file: SocketFile,
    options: ServerOptions,
}

impl Server {
    /// Makes the socket; clients can connect from now on and are answered once [`serve`](Self::serve) runs. The file
    /// of a server that is no more is replaced.
    ///
    /// # Errors
    ///
    /// Another server answers there, or the socket cannot be made or given to its owner.
    pub fn bind(options: ServerOptions) -> Result<Self, BindError> {
        let path = options.path.as_path();
        if path.as_os_str().len() > MAX_PATH {
            return Err(BindError::PathTooLong(path.to_owned()));
        }
        let owner = options.owner.as_deref().map(user_id).transpose()?;
        let group = options.group.as_deref().map(group_id).transpose()?;
        let io = |error| BindError::Io { path: path.to_owned(), error };
        // Of two servers that start at once, the second looks only when the first listens.
        let dir =
            File::open(path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")));
        let dir = dir.map_err(io)?;
        dir.lock().map_err(io)?;
        remove_stale(path)?;
        let listener = UnixListener::bind(path).map_err(io)?;
        listener.set_nonblocking(true).map_err(io)?;
        let file = SocketFile::of(path).map_err(io)?;
        if let Some(mode) = options.permissions {
            fs::set_permissions(path, Permissions::from_mode(mode)).map_err(io)?;
        }
        if owner.is_some() || group.is_some() {
            chown(path, owner, group).map_err(io)?;
        }
        Ok(Server { listener, file, options })
    }

    /// Answers clients until `shutdown` is ready. Then answers that are under way still reach their clients, for a
    /// second at most.
    ///
    /// # Errors
    ///
    /// The socket cannot be used with this runtime.
    pub async fn serve(
        self,
        cli: Arc<Cli>,
        logger: Logger,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let Server { listener, file, options } = self;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        let (stop, stopping) = watch::channel(false);
        let mut clients = Clients {
            greeting: format!("{}/{}/{}\n", options.host, std::process::id(), options.version),
            places: Arc::new(Semaphore::new(MAX_CLIENTS)),
            tasks: JoinSet::new(),
            stopping,
        };
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = clients.tasks.join_next() => continue,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    if !options.hide_connect {
                        tracing::info!(verbose = 3, "Remote UNIX connection");
                    }
                    clients.add(stream, Connection::new(cli.clone(), &logger, options.stall));
                }
                Err(error) => {
                    // Out of files: the listener stays readable, so without a pause this would spin.
                    tracing::error!("The control socket cannot accept a client: {error}");
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
        drop((listener, file));
        stop.send_replace(true);
        // Whoever is not done by then is disconnected.
        let _ =
            timeout(options.stall.min(GRACE), async { while clients.tasks.join_next().await.is_some() {} })
                .await;
        Ok(())
    }
}

/// The connected clients.
struct Clients {
    greeting: String,
    places: Arc<Semaphore>,
    tasks: JoinSet<()>,
    stopping: watch::Receiver<bool>,
}

impl Clients {
    /// Serves a client, or tells it that there are too many.
    fn add(&mut self, mut stream: UnixStream, connection: Connection) {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            tracing::warn!("The control socket refused a client: there are {MAX_CLIENTS} already");
            self.tasks.spawn(async move {
                // It is refused either way.
                let _ = stream.write_all(b"No more connections allowed\n").await;
            });
            return;
        };
        let (greeting, stopping) = (self.greeting.clone(), self.stopping.clone());
        self.tasks.spawn(async move {
            connection.serve(stream, greeting, stopping).await;
            drop(place);
        });
    }
}

/// Removes a socket that nobody answers on.
fn remove_stale(path: &Path) -> Result<(), BindError> {
    let io = |error| BindError::Io { path: path.to_owned(), error };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(BindError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(BindError::Running(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(io),
        // A full backlog, or a socket we may not connect to: somebody is there.
        Err(_) => Err(BindError::Running(path.to_owned())),
    }
}

fn user_id(name: &str) -> Result<u32, BindError> {
    let found = name.parse().ok().or_else(|| User::from_name(name).ok()?.map(|user| user.uid.as_raw()));
    found.ok_or_else(|| BindError::Unknown { option: "astctlowner", name: name.to_owned() })
}

fn group_id(name: &str) -> Result<u32, BindError> {
    let found = name.parse().ok().or_else(|| Group::from_name(name).ok()?.map(|group| group.gid.as_raw()));
    found.ok_or_else(|| BindError::Unknown { option: "astctlgroup", name: name.to_owned() })
}

/// The file of a socket, known by device and inode: another server may have put its own there.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(SocketFile { path: path.to_owned(), identity: identity(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            // A file that stays behind is found stale at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}
