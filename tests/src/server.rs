//! The daemon, in a directory and on a port of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::build::starling;
use crate::{Config, Ended, PATIENCE, Port, Process};

/// A running server. It is killed when this is dropped; [`Server::stop`] looks whether it ends well.
#[derive(Debug)]
pub struct Server {
    process: Process,
    boot: Boot,
}

/// A directory and a port from which servers can be started.
#[derive(Debug)]
pub struct Boot {
    directory: TempDir,
    port: Port,
}

impl Boot {
    /// Writes the configuration.
    pub fn new(config: &Config) -> Self {
        let directory =
            TempDir::with_prefix("starling-e2e-").expect("the temporary directory can be written");
        let port = Port::lease();
        config.write(directory.path(), port.number());
        Self { directory, port }
    }

    /// Starts the server in the foreground and waits until it has booted.
    #[track_caller]
    pub fn start(self) -> Server {
        let process = Process::start(&mut self.command(&["-f"]));
        process.wait_for("Ready.", 1);
        let server = Server { process, boot: self };
        let (text, status) = server.cli("core waitfullybooted");
        assert_eq!((text.as_str(), status), ("Asterisk has fully booted.\n", 0), "{}", server.log());
        server
    }

    /// Starts the server where it cannot start; gives how it ended.
    pub fn fail(&self) -> Ended {
        self.starling(&["-f"])
    }

    /// Runs the program with the directory's configuration and waits for its end.
    pub fn starling(&self, arguments: &[&str]) -> Ended {
        Process::run(&mut self.command(arguments))
    }

    /// The same, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(starling());
        command.arg("-C").arg(self.path("asterisk.conf")).args(arguments);
        command
    }

    /// Runs a command on the running server.
    pub fn cli(&self, line: &str) -> (String, i32) {
        let ended = self.starling(&["-rx", line]);
        (ended.stdout + &ended.stderr, ended.status)
    }

    /// The processes that run with the directory's configuration, those in the background too.
    pub fn processes(&self) -> Vec<i32> {
        let directory = self.directory().as_os_str().as_encoded_bytes();
        let uses_it = |pid: &i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.windows(directory.len()).any(|part| part == directory)
        };
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(uses_it).collect()
    }

    /// Waits until none of them runs any more. They are no children of the test, so nothing tells when.
    #[track_caller]
    pub fn wait_for_end(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.processes().is_empty() {
            assert!(Instant::now() < deadline, "{:?} still run", self.processes());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A file in the directory.
    pub fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The port that the configuration names.
    pub fn port(&self) -> u16 {
        self.port.number()
    }
}

impl Drop for Boot {
    fn drop(&mut self) {
        for pid in self.processes() {
            // It may end by itself meanwhile.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

impl Server {
    /// Starts a server and waits until it has booted.
    #[track_caller]
    pub fn start(config: Config) -> Self {
        Boot::new(&config).start()
    }

    /// Runs a command by `-rx`: what it prints, and the exit status.
    #[track_caller]
    pub fn cli(&self, line: &str) -> (String, i32) {
        self.boot.cli(line)
    }

    /// Runs a command that succeeds; gives what it prints.
    #[track_caller]
    pub fn run(&self, line: &str) -> String {
        let (text, status) = self.cli(line);
        assert_eq!(status, 0, "{line}: {text}\n{}", self.log());
        text
    }

    /// `devstate change`.
    #[track_caller]
    pub fn devstate(&self, device: &str, state: &str) {
        self.run(&format!("devstate change {device} {state}"));
    }

    /// A counter of `pjsip show stats`.
    #[track_caller]
    pub fn counter(&self, name: &str) -> u64 {
        let stats = self.run("pjsip show stats");
        let line = stats.lines().find(|line| line.split(':').next().map(str::trim) == Some(name));
        // The name may hold a colon itself.
        let line = line.or_else(|| stats.lines().find(|line| line.trim_start().starts_with(name)));
        let value = line.and_then(|line| line.rsplit(':').next()).and_then(|value| value.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no counter '{name}':\n{stats}"))
    }

    /// Waits until a counter has reached `value`; nothing tells when, so it is asked again and again.
    #[track_caller]
    pub fn wait_for_counter(&self, name: &str, value: u64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = self.counter(name);
            if now >= value {
                return;
            }
            assert!(Instant::now() < deadline, "{name}: {now}, not {value}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until a number that also goes down is `value`, as [`wait_for_counter`](Self::wait_for_counter).
    #[track_caller]
    pub fn wait_for_number(&self, name: &str, value: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.counter(name) != value {
            assert!(Instant::now() < deadline, "{name} is not {value}\n{}", self.run("pjsip show stats"));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where its first transport listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.boot.port()))
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.boot.port()
    }

    /// Everything that it has printed, without a line for each command of ours.
    pub fn log(&self) -> String {
        let printed = self.process.printed();
        printed.split_inclusive('\n').filter(|line| !line.contains("Remote UNIX connection")).collect()
    }

    /// Waits until it has printed `text` `count` times.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str, count: usize) {
        self.process.wait_for(text, count);
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its directory and port.
    pub fn boot(&self) -> &Boot {
        &self.boot
    }

    /// Stops it; gives its whole log.
    #[track_caller]
    pub fn stop(self) -> String {
        self.stop_for_restart().1
    }

    /// Waits for the end that a command has asked for.
    #[track_caller]
    pub fn stop_when_told(self) {
        self.process.end().expect(0);
    }

    /// Stops it and starts it again.
    #[track_caller]
    pub fn restart(self) -> Self {
        self.stop_for_restart().0.start()
    }

    /// Sends it a signal and waits for its end.
    #[track_caller]
    pub fn signal_and_end(self, signal: Signal) -> Ended {
        self.process.signal(signal);
        self.process.end()
    }

    /// Kills it, as a power cut would; gives what it leaves behind.
    #[track_caller]
    pub fn kill(self) -> Boot {
        self.process.signal(Signal::SIGKILL);
        self.process.end().expect(128 + 9);
        self.boot
    }

    /// Stops it; gives its directory, as it leaves it.
    #[track_caller]
    pub fn leave(self) -> Boot {
        self.stop_for_restart().0
    }

    #[track_caller]
    fn stop_for_restart(self) -> (Boot, String) {
        self.run("core stop now");
        let ended = self.process.end().expect(0);
        let log = ended.stdout + &ended.stderr;
        assert!(!log.contains("panicked"), "{log}");
        (self.boot, log)
    }
}
