//! The start of the server, and its end.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::{Arc, Weak};
use std::time::Duration;

use cli::{CommandGuard, ServerOptions};
use logger::Logger;
use module_host::ModuleHost;
use store::Store;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tracing_subscriber::layer::SubscriberExt;

use crate::args::Args;
use crate::server::{PRODUCT, Server, Stop, VERSION};
use crate::services::{Parts, Services};
use crate::settings::Settings;
use crate::{builtin, commands, process, report};

/// Why the server does not start: what to print, and the exit status.
pub(crate) struct Failure {
    pub(crate) text: String,
    pub(crate) status: u8,
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self { text, status: 1 }
    }
}

/// Runs the server until it is told to stop.
pub(crate) fn run(
    args: &Args,
    settings: Settings,
    remarks: &[conf::Diagnostic],
) -> Result<ExitCode, Failure> {
    process::apply(&settings)?;
    let logger = start_log(args, &settings)?;
    report::report(remarks);
    let (stop, stops) = mpsc::unbounded_channel();
    let store = Store::open(&settings.db_dir.join("astdb.sqlite3")).map_err(|error| error.to_string())?;
    let server = Server::new(settings, logger.clone(), store, stop);
    // The control socket is there before the modules are, for whoever waits for the boot.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    let control = {
        let _context = runtime.enter();
        cli::Server::bind(control_options(&server)).map_err(|error| error.to_string())?
    };
    let (hang_up, hung_up) = oneshot::channel::<()>();
    let until = async {
        // Dropping the sender counts too.
        let _ = hung_up.await;
    };
    runtime.spawn(tend_hints(Arc::downgrade(&server)));
    let control = runtime.spawn(control.serve(server.cli.clone(), logger.clone(), until));

    let result = boot(&server).and_then(|guards| {
        tracing::info!(verbose = 1, "{PRODUCT} Ready.");
        server.booted.set();
        if args.background_child {
            process::close_standard_files().map_err(|error| format!("cannot leave the terminal: {error}"))?;
        }
        let terminal = args.console.then(|| start_console(&server)).flatten();
        let stop = runtime.block_on(wait_for_stop(&server, stops));
        tracing::info!(verbose = 1, "Stopping: {stop:?}");
        drop(guards);
        drop(terminal);
        Ok(ExitCode::SUCCESS)
    });
    // Whoever asked for the stop gets the answer, and the log its last lines.
    shut_down(&server);
    drop(hang_up);
    if let Ok(Err(error)) = runtime.block_on(control) {
        tracing::error!("The control socket failed: {error}");
    }
    runtime.shutdown_timeout(Duration::from_secs(1));
    if !server.store.flush(Duration::from_secs(5)) {
        tracing::error!("Not everything is in the store: the disk is too slow or full");
    }
    server.store.fold();
    logger.flush(Duration::from_secs(5));
    result
}

/// Seconds between two sweeps of hints.
const SWEEP: u32 = 60;

/// Once a second: what sources said ends with their leases. Once a minute: hints of patterns that
/// nobody needs any more go.
async fn tend_hints(server: Weak<Server>) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    for second in (0..SWEEP).cycle() {
        seconds.tick().await;
        let Some(server) = server.upgrade() else { return };
        let now = server.hints.now();
        give_memory_back();
        if server.hints.next_deadline().is_some_and(|deadline| deadline <= now) {
            server.hints.expire(now);
        }
        if second > 0 {
            continue;
        }
        let gone = server.hints.sweep(now);
        if gone > 0 {
            tracing::debug!("{gone} hints of patterns were not needed any more");
        }
    }
}

/// What was freed goes back to the system when the allocator looks at it next, which it does when
/// something large is freed: on an idle server that would be never, and what loading a large dialplan
/// needed would count as used.
fn give_memory_back() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 20)));
}

fn start_log(args: &Args, settings: &Settings) -> Result<Logger, Failure> {
    let level =
        |given: u8, configured: u32| u8::try_from(configured).unwrap_or(u8::MAX).saturating_add(given);
    let options = logger::Options {
        loader: conf::Loader::new(&settings.etc_dir).exec(settings.execute_includes),
        log_dir: settings.log_dir.clone(),
        verbose: level(args.verbose, settings.verbose),
        debug: level(args.debug, settings.debug),
        quiet: args.quiet || settings.quiet || args.background_child,
        mute: args.mute,
        timestamp: args.timestamps || settings.timestamps,
        colour: !(args.no_colour || settings.no_colour) && std::io::stdout().is_terminal(),
        ..logger::Options::default()
    };
    let (logger, layer) = Logger::start(options).map_err(|error| format!("cannot start the log: {error}"))?;
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::set_global_default(subscriber).map_err(|error| error.to_string())?;
    let answer = logger.reload(None);
    if !answer.ok {
        eprint!("{}", answer.text);
    }
    Ok(logger)
}

fn control_options(server: &Server) -> ServerOptions {
    let settings = &server.settings;
    let host = nix::unistd::gethostname()
        .map_or_else(|_| "localhost".into(), |name| name.to_string_lossy().into_owned());
    let mut options = ServerOptions::new(settings.control_socket(), host, VERSION);
    options.permissions = settings.control_permissions;
    options.owner = settings.control_owner.clone();
    options.group = settings.control_group.clone();
    options
}

/// Loads the modules; gives the commands that are always there.
fn boot(server: &Arc<Server>) -> Result<Vec<CommandGuard>, Failure> {
    let mut guards = cli::register_core_commands(&server.cli, &server.logger);
    guards.extend(commands::core::register(server));
    guards.extend(commands::module::register(server));
    let config = server.loader().load("modules.conf").map_err(|error| error.to_string())?;
    report::report(&config.diagnostics);
    let modules = Arc::new(ModuleHost::new(
        &server.settings.module_dir,
        builtin::all(server),
        Arc::new(Services::new(server)),
        Arc::new(Parts::new(server)),
    ));
    let modules = server.modules.get_or_init(|| modules);
    modules.boot(&config).map_err(|error| Failure { status: error.exit_code(), text: error.to_string() })?;
    if let Some(reason) = server.start_failure() {
        return Err(reason.into());
    }
    server.report_orphans();
    if let Some(pjsip) = server.pjsip.get() {
        builtin::authenticator::report_missing(&pjsip);
        pjsip.open();
    }
    guards.extend(commands::core::register_stop(server));
    Ok(guards)
}

/// `-c`: a console on a thread of its own.
fn start_console(server: &Arc<Server>) -> Option<cli::console::Terminal> {
    let terminal = cli::console::Terminal::save();
    let server = server.clone();
    let host = nix::unistd::gethostname()
        .map_or_else(|_| "localhost".into(), |name| name.to_string_lossy().into_owned());
    std::thread::spawn(move || {
        if cli::console::local(server.cli.clone(), &server.logger, &host) == cli::console::Ended::Interrupted
        {
            // The server may be stopping already.
            let _ = server.stop.send(Stop::Now);
        }
    });
    terminal
}

async fn wait_for_stop(server: &Server, mut stops: mpsc::UnboundedReceiver<Stop>) -> Stop {
    let signals = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = signals else {
        tracing::error!("Signals cannot be received");
        return stops.recv().await.unwrap_or(Stop::Now);
    };
    loop {
        tokio::select! {
            stop = stops.recv() => return stop.unwrap_or(Stop::Now),
            _ = terminate.recv() => return Stop::Now,
            _ = interrupt.recv() => return Stop::Now,
            _ = hangup.recv() => {
                tracing::info!("Reload: {}", server.reload().0.lines().collect::<Vec<_>>().join(" "));
            }
        }
    }
}

fn shut_down(server: &Server) {
    if let Some(pubsub) = server.pubsub.take() {
        pubsub.stop();
    }
    if let Some(pjsip) = server.pjsip.take() {
        pjsip.stop();
    }
}
