//! Programs that a test runs.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use wait_timeout::ChildExt as _;

/// How long anything is waited for. A loaded machine needs seconds where an idle one needs none.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running program; it is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: Arc<Output>,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; 128 and the signal's number if a signal ended it.
    pub status: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error output.
    pub stderr: String,
}

#[derive(Debug, Default)]
struct Output {
    streams: Mutex<Streams>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Streams {
    text: [Vec<u8>; 2],
    closed: usize,
}

impl Process {
    /// Starts it without input, collecting what it prints.
    pub fn start(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child =
            child.unwrap_or_else(|error| panic!("{name}: {error} (tests/install-tools installs it)"));
        let output = Arc::new(Output::default());
        let stdout = child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        let stderr = child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        for (stream, pipe) in [stdout, stderr].into_iter().flatten().enumerate() {
            let output = output.clone();
            thread::spawn(move || output.collect(stream, pipe));
        }
        Self { name, child, output }
    }

    /// Starts it and waits for its end.
    pub fn run(command: &mut Command) -> Ended {
        Self::start(command).end()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The memory that it occupies, in bytes.
    #[track_caller]
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
        kibibytes.expect("Linux tells the memory of a process") * 1024
    }

    /// Everything that it has printed so far, standard output first.
    pub fn printed(&self) -> String {
        self.output.lock().printed()
    }

    /// Waits until it has printed `text` `count` times.
    pub fn wait_for(&self, text: &str, count: usize) {
        let found = self.output.wait(|streams| {
            let enough = streams.printed().matches(text).count() >= count;
            enough || streams.closed == 2
        });
        let printed = found.printed();
        let times = printed.matches(text).count();
        assert!(times >= count, "{}: '{text}' came {times} times instead of {count}:\n{printed}", self.name);
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let closed = self.output.wait(|streams| streams.closed == 2).closed;
        assert_eq!(closed, 2, "{} does not end:\n{}", self.name, self.printed());
        // Whoever has closed both outputs is about to end.
        let status = self.child.wait_timeout(PATIENCE).expect("our own child");
        let status = status.unwrap_or_else(|| panic!("{} does not end", self.name));
        let streams = self.output.lock();
        let [stdout, stderr] = streams.text.each_ref().map(|text| String::from_utf8_lossy(text).into_owned());
        Ended { status: exit_status(status), stdout, stderr }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(pid(&self.child), signal).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() {
            // It may end by itself meanwhile.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Ended {
    /// Itself, if it ended with `status`.
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{}{}", self.stdout, self.stderr);
        self
    }
}

impl Output {
    fn collect(&self, stream: usize, mut pipe: Box<dyn Read + Send>) {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = pipe.read(&mut bytes) {
            self.lock().text[stream].extend_from_slice(&bytes[..length]);
            self.changed.notify_all();
        }
        self.lock().closed += 1;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is so, or too long.
    fn wait(&self, is_so: impl Fn(&Streams) -> bool) -> MutexGuard<'_, Streams> {
        let result = self.changed.wait_timeout_while(self.lock(), PATIENCE, |streams| !is_so(streams));
        result.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Streams {
    fn printed(&self) -> String {
        self.text.iter().map(|text| String::from_utf8_lossy(text)).collect()
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("process ids are positive"))
}

fn exit_status(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}
