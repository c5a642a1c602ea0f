//! What all parts of the running server share.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use cli::Cli;
use dialplan::{FunctionGuard, Hints};
use logger::Logger;
use module_host::{ModuleHost, Reload};
use res_pjsip::security::SecurityEvents;
use res_pjsip::{Pjsip, WebSocketBinding};
use res_pjsip_pubsub::PubSubService;
use store::Store;
use tokio::sync::mpsc;

use crate::builtin::functions::Db;
use crate::settings::Settings;

/// The product, as `User-Agent` and `core show version` name it.
pub(crate) const PRODUCT: &str = concat!("Starling ", env!("CARGO_PKG_VERSION"));

/// The version alone, as the greeting of the control socket has it.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What ends the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// `core stop now`, a signal.
    Now,
    /// `core stop gracefully`, `core stop when convenient`.
    Gracefully,
}

/// See the module's description.
pub(crate) struct Server {
    pub(crate) settings: Settings,
    pub(crate) cli: Arc<Cli>,
    pub(crate) logger: Logger,
    pub(crate) hints: Arc<Hints>,
    pub(crate) store: Store,
    pub(crate) modules: OnceLock<Arc<ModuleHost>>,
    /// `res_pjsip` while it is loaded.
    pub(crate) pjsip: Slot<Pjsip>,
    /// What was to be said of its files when they were last read in the running server.
    pub(crate) pjsip_remarks: Slot<Vec<conf::Diagnostic>>,
    /// `res_pjsip_pubsub` while it is loaded.
    pub(crate) pubsub: Slot<PubSubService>,
    /// What `http.conf` says, while `res_http_websocket` is loaded.
    pub(crate) http: Slot<Vec<WebSocketBinding>>,
    /// Who is told of security events.
    pub(crate) security: Arc<SecurityEvents>,
    pub(crate) booted: Booted,
    pub(crate) stop: mpsc::UnboundedSender<Stop>,
    started: Instant,
    last_reload: Mutex<Instant>,
    start_failure: Mutex<Option<String>>,
    /// The function `DB`.
    _db: FunctionGuard,
}

impl Server {
    pub(crate) fn new(
        settings: Settings,
        logger: Logger,
        store: Store,
        stop: mpsc::UnboundedSender<Stop>,
    ) -> Arc<Self> {
        let now = Instant::now();
        let hints = Hints::new();
        let db = hints.functions().add("DB", Arc::new(Db(store.clone())));
        Arc::new(Self {
            settings,
            cli: Cli::new(),
            logger,
            hints,
            store,
            modules: OnceLock::new(),
            pjsip_remarks: Slot::default(),
            pjsip: Slot::default(),
            pubsub: Slot::default(),
            http: Slot::default(),
            security: Arc::default(),
            booted: Booted::default(),
            stop,
            started: now,
            last_reload: Mutex::new(now),
            start_failure: Mutex::default(),
            _db: db,
        })
    }

    /// Reads the files in `astetcdir`.
    pub(crate) fn loader(&self) -> conf::Loader {
        conf::Loader::new(&self.settings.etc_dir).exec(self.settings.execute_includes)
    }

    /// Reads all configuration again that can be read again; gives a line for each module, and
    /// whether all went well.
    pub(crate) fn reload(&self) -> (String, bool) {
        let modules = self.modules.get().map(|modules| modules.reload_all()).unwrap_or_default();
        self.note_reload();
        let lines = modules.iter().map(|(module, result)| format!("{}\n", reload_text(module, result)));
        let log = self.logger.reload(None);
        let well = log.ok && modules.iter().all(|(_, result)| *result == Reload::Done);
        (lines.collect::<String>() + &log.text, well)
    }

    /// Reads the configuration of one module again: the words for the operator, and whether it went
    /// well.
    pub(crate) fn reload_module(&self, module: &str) -> (String, bool) {
        let Some(modules) = self.modules.get() else {
            return ("The server cannot reload a module yet\n".into(), false);
        };
        let result = modules.reload(module);
        self.note_reload();
        (format!("{}\n", reload_text(module, &result)), result == Reload::Done)
    }

    fn note_reload(&self) {
        *lock(&self.last_reload) = Instant::now();
    }

    /// Remembers something that must not be started over, such as a port in use.
    pub(crate) fn fail_start(&self, reason: &str) {
        lock(&self.start_failure).get_or_insert_with(|| reason.to_owned());
    }

    /// What [`fail_start`](Self::fail_start) was told first.
    pub(crate) fn start_failure(&self) -> Option<String> {
        lock(&self.start_failure).clone()
    }

    /// Warns of hints that name a device which no module knows: their lamps would stay dark.
    pub(crate) fn report_orphans(&self) {
        for orphan in self.hints.orphans() {
            tracing::warn!(
                "{}: hint {} names {}, which no loaded module knows",
                orphan.pos,
                orphan.key,
                orphan.device
            );
        }
    }

    /// Time since the start.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Time since the last reload, or the start.
    pub(crate) fn since_reload(&self) -> Duration {
        lock(&self.last_reload).elapsed()
    }
}

/// What became of a reload, in Asterisk's words, with the reason where there is one.
fn reload_text(module: &str, result: &Reload) -> String {
    match result {
        Reload::Done => format!("Module '{module}' reloaded successfully."),
        Reload::NotFound => format!("No such module '{module}'"),
        Reload::Failed(reason) => format!("The module '{module}' reported a reload failure\n{reason}"),
        Reload::NotRunning => format!("The module '{module}' is not running; load it first"),
        Reload::NotSupported => format!("The module '{module}' does not support reloads"),
    }
}

/// Something that is there while its module is loaded.
pub(crate) struct Slot<T>(Mutex<Option<Arc<T>>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Slot<T> {
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        lock(&self.0).clone()
    }

    pub(crate) fn set(&self, value: Arc<T>) {
        *lock(&self.0) = Some(value);
    }

    pub(crate) fn take(&self) -> Option<Arc<T>> {
        lock(&self.0).take()
    }
}

/// The end of the boot, for those who wait for it.
#[derive(Default)]
pub(crate) struct Booted {
    done: Mutex<bool>,
    changed: Condvar,
}

impl Booted {
    pub(crate) fn set(&self) {
        *lock(&self.done) = true;
        self.changed.notify_all();
    }

    pub(crate) fn wait(&self) {
        let done = lock(&self.done);
        drop(self.changed.wait_while(done, |done| !*done).unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn is_set(&self) -> bool {
        *lock(&self.done)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
