//! A server with a control socket, in a thread with a runtime of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cli::{Cli, CommandGuard, Outcome, Server, ServerOptions, command};
use logger::{LogLayer, Logger};
use tokio::sync::oneshot;

/// Longer than anything takes on a machine that is busy with something else.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) struct Bench {
    pub(crate) socket: PathBuf,
    pub(crate) logger: Logger,
    pub(crate) layer: Option<LogLayer>,
    pub(crate) cli: Arc<Cli>,
    _dir: tempfile::TempDir,
    running: Option<(oneshot::Sender<()>, thread::JoinHandle<()>)>,
    _guards: Vec<CommandGuard>,
}

pub(crate) fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let options = logger::Options {
        loader: conf::Loader::new(dir.path()),
        log_dir: dir.path().to_owned(),
        quiet: true,
        ..logger::Options::default()
    };
    let (logger, layer) = Logger::start(options).unwrap();
    let cli = Cli::new();
    let mut guards = cli::register_core_commands(&cli, &logger);
    guards.push(cli.register(command("core ping", "Answer", "Usage: core ping", |cx| {
        cx.print("pong\n");
        if cx.args.is_empty() { Outcome::Success } else { Outcome::Failure }
    })));
    guards.push(cli.register(command("core flood", "Print 1 MB", "Usage: core flood", |cx| {
        (0..16384).for_each(|row| cx.print(&format!("{row:063}\n")));
        Outcome::Success
    })));
    guards.push(cli.register(command("core nul", "Print a NUL", "Usage: core nul", |cx| {
        cx.print("a\0b\n");
        Outcome::Success
    })));
    let socket = dir.path().join("asterisk.ctl");
    let mut bench =
        Bench { socket, logger, layer: Some(layer), cli, _dir: dir, running: None, _guards: guards };
    bench.start();
    bench
}

impl Bench {
    pub(crate) fn start(&mut self) {
        let mut options = ServerOptions::new(&self.socket, "pbx", "0.1.0");
        options.permissions = Some(0o660);
        options.stall = Duration::from_millis(300);
        let server = Server::bind(options).unwrap();
        let (stop, stopped) = oneshot::channel();
        let (cli, logger) = (self.cli.clone(), self.logger.clone());
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let stopped = async { drop(stopped.await) };
                server.serve(cli, logger, stopped).await.unwrap();
            });
            // Commands that still run are not waited for.
            runtime.shutdown_background();
        });
        self.running = Some((stop, thread));
    }

    pub(crate) fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            thread.join().unwrap();
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop();
    }
}
