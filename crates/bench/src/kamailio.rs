//! Kamailio from the distribution, to be compared with: a registrar and presence server that asks for
//! the same passwords as an [`Office`](crate::Office) does.
//!
//! Its configuration is `kamailio.cfg` beside this file. What the phones watch is on the phone: the
//! states are published when it starts.

use std::fs::File;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;
use wait_timeout::ChildExt as _;

use crate::interrupt::unblocked;
use crate::machine::family_cpu;
use crate::server::{PATIENCE, ServerError, free_address, io};

const PROGRAM: &str = "/usr/sbin/kamailio";
/// Where the distribution keeps the tables of its text database.
const TABLES: &str = "/usr/share/kamailio/dbtext/kamailio";
const CONFIG: &str = include_str!("kamailio.cfg");
/// What Starling says of a phone that is `INUSE`.
const STATE: &str = include_str!("../testdata/pidf-INUSE.xml");
/// After this time without an answer a PUBLISH is sent again.
const RESEND: Duration = Duration::from_millis(200);

/// A running Kamailio. Dropped, it is stopped.
#[derive(Debug)]
pub struct Kamailio {
    child: Child,
    address: SocketAddr,
    directory: TempDir,
}

impl Kamailio {
    /// How many processes serve its socket: one for each core, two at least. More of them were no
    /// faster.
    pub fn workers() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from).max(2)
    }

    /// Its version, if it is installed with all that is needed; else what is missing.
    ///
    /// # Errors
    ///
    /// The text says what is missing.
    pub fn installed() -> Result<String, String> {
        let output =
            Command::new(PROGRAM).arg("-v").output().map_err(|error| format!("{PROGRAM}: {error}"))?;
        for needed in [format!("{}presence.so", modules()?), format!("{TABLES}/version")] {
            if !Path::new(&needed).is_file() {
                return Err(format!("{needed} is not there"));
            }
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.split_whitespace().skip_while(|word| *word != "kamailio").nth(1);
        version
            .map(|version| format!("Kamailio {version}"))
            .ok_or(format!("{PROGRAM} does not say its version"))
    }

    /// Starts it on a free port of 127.0.0.1 and has it know the state of each of `extensions`.
    ///
    /// # Errors
    ///
    /// It is not there or does not start.
    pub fn start(extensions: &[String]) -> Result<Self, ServerError> {
        let directory = TempDir::with_prefix("starling-kamailio-").map_err(io("temporary directory"))?;
        let place = directory.path();
        let address = free_address().map_err(io("free port"))?;
        let tables = place.join("dbtext");
        std::fs::create_dir(&tables).map_err(io("dbtext"))?;
        for table in ["version", "presentity", "active_watchers", "watchers", "xcap", "pua"] {
            std::fs::copy(Path::new(TABLES).join(table), tables.join(table)).map_err(io(table))?;
        }
        let config = CONFIG
            .replace("WORKERS", &Self::workers().to_string())
            .replace("ADDRESS", &address.to_string())
            .replace("MODULES", &modules().map_err(ServerError::NotStarted)?)
            .replace("DIRECTORY", &place.to_string_lossy());
        let file = place.join("kamailio.cfg");
        std::fs::write(&file, config).map_err(io("kamailio.cfg"))?;
        let log = File::create(place.join("console")).map_err(io("console"))?;
        let errors = log.try_clone().map_err(io("console"))?;
        let mut command = Command::new(PROGRAM);
        // Without the debugging memory manager of the distribution, which took up to half of its CPU time.
        command.args(["-x", "fm", "-X", "fm"]);
        // Memory for 10,000 subscriptions and more, and the receive buffer that Starling has.
        command.arg("-f").arg(&file).args(["-DD", "-E", "-m", "2048", "-M", "64", "-b", "8388608"]);
        command.arg("-Y").arg(place).current_dir(place).process_group(0);
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = unblocked(|| command.spawn()).map_err(io(PROGRAM))?;
        let mut kamailio = Self { child, address, directory };
        for extension in extensions {
            kamailio.publish(extension)?;
        }
        Ok(kamailio)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// CPU time of all its processes.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn cpu(&self) -> std::io::Result<Duration> {
        family_cpu(self.child.id())
    }

    /// Publishes that an extension is on the phone (RFC 3903).
    fn publish(&mut self, extension: &str) -> Result<(), ServerError> {
        let server = self.address;
        let socket = UdpSocket::bind((server.ip(), 0)).map_err(io("PUBLISH"))?;
        socket.set_read_timeout(Some(RESEND)).map_err(io("PUBLISH"))?;
        let own = socket.local_addr().map_err(io("PUBLISH"))?;
        let host = server.ip();
        let body = STATE
            .replace("1000@127.0.0.1:15060", &format!("{extension}@{server}"))
            .replace("1000", extension);
        let publish = format!(
            "PUBLISH sip:{extension}@{host} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKp{extension}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{extension}@{host}>;tag=p\r\nTo: <sip:{extension}@{host}>\r\n\
             Call-ID: publish-{extension}\r\nCSeq: 1 PUBLISH\r\nEvent: presence\r\nExpires: 3600\r\n\
             Content-Type: application/pidf+xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let end = Instant::now() + PATIENCE;
        let mut buffer = [0; 2048];
        // The first ones come before it listens: refused, or not answered.
        while Instant::now() < end && matches!(self.child.try_wait(), Ok(None)) {
            socket.send_to(publish.as_bytes(), server).map_err(io("PUBLISH"))?;
            let Ok((length, _)) = socket.recv_from(&mut buffer) else { continue };
            let answer = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default());
            if answer.starts_with("SIP/2.0 200 ") {
                return Ok(());
            }
            let line = answer.lines().next().unwrap_or_default().to_owned();
            return Err(ServerError::Command(format!("PUBLISH of {extension}"), line));
        }
        let console = std::fs::read(self.directory.path().join("console")).unwrap_or_default();
        Err(ServerError::NotStarted(String::from_utf8_lossy(&console).into_owned()))
    }
}

impl Drop for Kamailio {
    /// Its workers end with it only if it is asked; if that takes too long all are killed.
    fn drop(&mut self) {
        let group = Pid::from_raw(self.child.id() as i32);
        if matches!(self.child.try_wait(), Ok(None)) {
            // Nothing more can be done about processes that cannot be killed.
            let _ = kill(group, Signal::SIGTERM);
            if !matches!(self.child.wait_timeout(PATIENCE), Ok(Some(_))) {
                let _ = killpg(group, Signal::SIGKILL);
                let _ = self.child.wait();
            }
        }
    }
}

/// Where the distribution keeps its modules.
fn modules() -> Result<String, String> {
    let places = [
        format!("/usr/lib/{}-linux-gnu/kamailio/modules/", std::env::consts::ARCH),
        "/usr/lib/kamailio/modules/".to_owned(),
    ];
    places.into_iter().find(|place| Path::new(place).is_dir()).ok_or("its modules are not there".to_owned())
}
