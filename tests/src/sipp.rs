//! SIPp: scenarios from `sipp/*.xml`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::{Ended, Port, Process, Server};

/// A run of SIPp.
#[derive(Debug)]
pub struct Sipp {
    process: Process,
    _port: Port,
    _directory: TempDir,
}

impl Sipp {
    /// Starts a scenario against a server, with more options of `sipp`.
    pub fn start(server: &Server, scenario: &str, options: &[&str]) -> Self {
        Self::start_at(server.address(), scenario, options)
    }

    /// Starts a scenario against an address.
    pub fn start_at(server: SocketAddr, scenario: &str, options: &[&str]) -> Self {
        let (directory, port) = (TempDir::with_prefix("starling-e2e-sipp-"), Port::lease());
        let directory = directory.expect("the temporary directory can be written");
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("sipp").join(scenario);
        let mut command = Command::new("sipp");
        command
            .arg(server.to_string())
            .arg("-sf")
            .arg(scenario)
            .args(["-i", "127.0.0.1", "-p", &port.number().to_string()])
            // Gives up before the harness does, and says which messages were missing.
            .args(["-timeout", "50", "-timeout_error", "-nostdin", "-trace_err", "-trace_screen"])
            .args(if options.contains(&"-m") { &[][..] } else { &["-m", "1"] })
            .args(options)
            .env("TERM", "dumb")
            .current_dir(directory.path());
        Self { process: Process::start(&mut command), _port: port, _directory: directory }
    }

    /// Waits until all calls are done; fails if one of them went wrong.
    #[track_caller]
    pub fn end(self) -> Ended {
        let Self { process, _directory: directory, .. } = self;
        let ended = process.end();
        let logs = std::fs::read_dir(directory.path()).into_iter().flatten().flatten();
        let logs: String = logs.filter_map(|entry| std::fs::read_to_string(entry.path()).ok()).collect();
        assert_eq!(ended.status, 0, "{}{}{logs}", ended.stdout, ended.stderr);
        ended
    }

    /// Runs a scenario to its end.
    #[track_caller]
    pub fn run(server: &Server, scenario: &str, options: &[&str]) -> Ended {
        Self::start(server, scenario, options).end()
    }
}
