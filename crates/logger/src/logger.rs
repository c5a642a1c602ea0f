//! The handle that the daemon and the CLI hold: start, reload, rotate, show, shut down.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use conf::Severity;
use jiff::Timestamp;
use tokio::sync::broadcast;

use crate::channel::{Channel, file_path};
use crate::console::{Console, ConsoleLine, Levels, lock};
use crate::format::Style;
use crate::layer::LogLayer;
use crate::level::Level;
use crate::record::Record;
use crate::rotate::{self, Strategy};
use crate::settings::{ChannelKind, Settings};
use crate::show::{self, Row};
use crate::writer::{Job, Load, Queue, Writer};

/// Takes the lines of the server's own console, each call with whole lines.
pub type Sink = Box<dyn FnMut(&str) + Send>;

/// A file this big is rotated by a reload.
const ROTATE_AT: u64 = 1 << 30;

/// How many lines a remote console may be behind.
const REMOTE_LINES: usize = 1024;

/// What the command line and `asterisk.conf` say about the log.
#[derive(Clone, Debug)]
pub struct Options {
    /// Reads the directory with `logger.conf` (`astetcdir`).
    pub loader: conf::Loader,
    /// Log files with relative names are here (`astlogdir`).
    pub log_dir: PathBuf,
    /// `-v`: verbosity of the server's own console.
    pub verbose: u8,
    /// `-d`: debug level.
    pub debug: u8,
    /// `-q`: nothing on standard output.
    pub quiet: bool,
    /// `-m`: the own console starts muted.
    pub mute: bool,
    /// `-T`: verbose lines on consoles begin with the time.
    pub timestamp: bool,
    /// Colours on the own console: it is a terminal, and neither `-n` nor `nocolor` was given.
    pub colour: bool,
    /// For `appendhostname` and JSON.
    pub host: String,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            loader: conf::Loader::new("/etc/asterisk"),
            log_dir: PathBuf::from("/var/log/asterisk"),
            verbose: 0,
            debug: 0,
            quiet: false,
            mute: false,
            timestamp: false,
            colour: false,
            host: nix::unistd::gethostname()
                .map_or_else(|_| "localhost".to_owned(), |name| name.to_string_lossy().into_owned()),
        }
    }
}

/// What a command has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For the operator: nothing, or whole lines.
    pub text: String,
    /// Whether everything was done.
    pub ok: bool,
}

/// The running log. Clones are the same log.
#[derive(Clone)]
pub struct Logger {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    levels: Arc<Levels>,
    queue: Arc<Queue>,
    root: Arc<Console>,
    remote: broadcast::Sender<ConsoleLine>,
    /// Held while channels change, so that two reloads do not mix.
    state: Mutex<State>,
}

struct State {
    settings: Settings,
    rows: Vec<Row>,
    configured: bool,
}

impl Logger {
    /// Starts the writer thread with the console as only channel, as without `logger.conf`.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn start(options: Options) -> io::Result<(Logger, LogLayer)> {
        let settings = Settings::default();
        let (jobs, received) = mpsc::channel();
        let load = Arc::new(Load::new(settings.queue_limit));
        let queue = Arc::new(Queue::new(jobs, load.clone()));
        let levels = Levels::new(options.debug);
        let root = Console::attached(&levels, options.verbose, options.mute);
        let (remote, _) = broadcast::channel(REMOTE_LINES);
        let writer = Writer {
            load,
            channels: Vec::new(),
            style: Style { date: settings.date.clone(), host: options.host.clone() },
            root: root.clone(),
            sink: (!options.quiet).then(standard_output),
            colour: options.colour,
            timestamp: options.timestamp,
            remote: remote.clone(),
        };
        thread::Builder::new().name("logger".to_owned()).spawn(move || writer.run(received))?;
        let state = Mutex::new(State { settings: settings.clone(), rows: Vec::new(), configured: false });
        let layer = LogLayer::new(levels.clone(), queue.clone());
        let logger = Logger { inner: Arc::new(Inner { options, levels, queue, root, remote, state }) };
        logger.apply(&mut lock(&logger.inner.state), settings, false, false);
        Ok((logger, layer))
    }

    /// Reads `logger.conf`, or another file of the configuration directory, and opens all files anew.
    ///
    /// The first time a file that cannot be used leaves the console, and a line that cannot be used is left out. Later
    /// any error leaves everything as it was. Either way the answer names file and line, and so does the log.
    pub fn reload(&self, file: Option<&str>) -> Answer {
        let name = file.unwrap_or("logger.conf");
        let mut state = lock(&self.inner.state);
        let mut errors = Vec::new();
        match self.inner.options.loader.load(name) {
            Ok(config) => {
                let (settings, remarks) = Settings::read(&config);
                let (bad, warnings): (Vec<_>, Vec<_>) =
                    remarks.into_iter().partition(|remark| remark.severity == Severity::Error);
                errors.extend(bad.iter().map(ToString::to_string));
                for warning in config.diagnostics.iter().chain(&warnings) {
                    self.say(Level::WARNING, warning.to_string());
                }
                if errors.is_empty() || !state.configured {
                    let strict = state.configured;
                    errors.extend(self.apply(&mut state, settings, false, strict));
                }
            }
            Err(error) => errors.extend(error.to_string().lines().map(str::to_owned)),
        }
        if !errors.is_empty() && state.configured {
            errors.push("The log goes on with the channels that it had.".to_owned());
        }
        state.configured = true;
        self.answer(errors)
    }

    /// Renames all log files by `rotatestrategy` and opens new ones.
    pub fn rotate(&self) -> Answer {
        let mut state = lock(&self.inner.state);
        let settings = state.settings.clone();
        let errors = self.apply(&mut state, settings, true, false);
        self.answer(errors)
    }

    /// Adds a channel as a line `name = levels` in `[logfiles]` would, until the next reload.
    pub fn add_channel(&self, name: &str, levels: &str) -> Answer {
        let mut state = lock(&self.inner.state);
        let mut settings = state.settings.clone();
        let errors = match settings.channel(name, levels) {
            _ if settings.channels.iter().any(|known| known.name == name) => {
                vec![format!("'{name}' is already a channel")]
            }
            Ok((channel, warnings)) => {
                for warning in warnings {
                    self.say(Level::WARNING, warning);
                }
                settings.channels.push(channel);
                self.apply(&mut state, settings, false, true)
            }
            Err(error) => vec![error],
        };
        self.answer(errors)
    }

    /// Closes a channel until the next reload.
    pub fn remove_channel(&self, name: &str) -> Answer {
        let mut state = lock(&self.inner.state);
        let mut settings = state.settings.clone();
        let before = settings.channels.len();
        settings.channels.retain(|channel| channel.name != name);
        let errors = if settings.channels.len() == before {
            vec![format!("'{name}' is not a channel")]
        } else {
            self.apply(&mut state, settings, false, true)
        };
        self.answer(errors)
    }

    /// The table of `logger show channels`.
    pub fn show_channels(&self) -> String {
        let Inner { levels, queue, state, .. } = &*self.inner;
        show::channels(&lock(state).rows, &levels.names(), queue.limit(), queue.dropped_total())
    }

    /// The table of `logger show levels`.
    pub fn show_levels(&self) -> String {
        show::levels(&self.inner.levels.names())
    }

    /// The level of this name, in any case, custom levels too.
    pub fn find_level(&self, name: &str) -> Option<Level> {
        self.inner.levels.find(name)
    }

    /// Names of all levels, for completion.
    pub fn level_names(&self) -> Vec<String> {
        self.inner.levels.names().into_iter().flatten().collect()
    }

    /// Sets the debug level and gives the one before; 0 is off.
    pub fn set_debug(&self, level: u8) -> u8 {
        self.inner.levels.set_debug(level)
    }

    /// Sets the trace level and gives the one before; 0 is off.
    pub fn set_trace(&self, level: u8) -> u8 {
        self.inner.levels.set_trace(level)
    }

    /// The debug level.
    pub fn debug(&self) -> u8 {
        self.inner.levels.debug()
    }

    /// The trace level.
    pub fn trace(&self) -> u8 {
        self.inner.levels.trace()
    }

    /// The server's own console (`Root console verbosity`).
    pub fn root_console(&self) -> Arc<Console> {
        self.inner.root.clone()
    }

    /// A remote console, muted at first, and the lines for all of them: ask [`Console::wants`] before showing one.
    pub fn attach(&self) -> (Arc<Console>, broadcast::Receiver<ConsoleLine>) {
        (Console::attached(&self.inner.levels, 0, true), self.inner.remote.subscribe())
    }

    /// Sends lines of the own console elsewhere, for one that has a prompt; `None` is standard output again.
    pub fn set_sink(&self, sink: Option<Sink>) {
        if !self.inner.options.quiet {
            self.inner.queue.send(Job::SetSink(Some(sink.unwrap_or_else(standard_output))));
        }
    }

    /// How many messages were dropped since the start because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.inner.queue.dropped_total()
    }

    /// Waits until everything that was said before is written: the last thing a process does with its log.
    /// `false` if that took longer than `timeout`.
    pub fn flush(&self, timeout: Duration) -> bool {
        let (done, answer) = mpsc::channel();
        self.inner.queue.send(Job::Flush(done));
        answer.recv_timeout(timeout).is_ok()
    }

    /// Opens the channels of `settings` and hands them to the writer. Gives what went wrong; if `strict`, nothing
    /// changes then.
    fn apply(&self, state: &mut State, settings: Settings, rotate: bool, strict: bool) -> Vec<String> {
        let Inner { options, levels, queue, .. } = &*self.inner;
        let (log_dir, host) = (&options.log_dir, &options.host);
        let mut errors = Vec::new();
        for spec in settings.channels.iter().filter(|spec| spec.kind == ChannelKind::File) {
            let path = file_path(spec, &settings, log_dir, host);
            if (rotate || is_full(&path))
                && let Err(error) = rotate_file(&path, settings.rotate, settings.exec_after_rotate.as_deref())
            {
                errors.push(error);
            }
        }
        let mut channels = Vec::new();
        for spec in &settings.channels {
            match Channel::open(spec.clone(), &settings, log_dir, host) {
                Ok(channel) => channels.push(channel),
                Err(error) => errors.push(error),
            }
        }
        if strict && !errors.is_empty() {
            return errors;
        }
        state.rows = channels.iter().map(Row::from).collect();
        levels.set_channels(channels.iter().map(|channel| channel.spec.levels), &settings.custom_levels);
        queue.set_limit(settings.queue_limit);
        queue.send(Job::Configure(channels, Style { date: settings.date.clone(), host: host.clone() }));
        state.settings = settings;
        errors
    }

    fn answer(&self, errors: Vec<String>) -> Answer {
        let text = errors.iter().map(|error| format!("{error}\n")).collect();
        let ok = errors.is_empty();
        for error in errors {
            self.say(Level::ERROR, error);
        }
        Answer { text, ok }
    }

    fn say(&self, level: Level, text: String) {
        if self.inner.levels.wants(level, 0) {
            self.inner.queue.push(Record::own(level, text));
        }
    }
}

fn standard_output() -> Sink {
    Box::new(|text| {
        // A terminal that is gone is no reason to stop.
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    })
}

fn is_full(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > ROTATE_AT)
}

fn rotate_file(path: &Path, strategy: Strategy, exec: Option<&str>) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot rotate {}: {error}", path.display());
    let Some(old) = rotate::rotate(path, strategy, Timestamp::now()).map_err(failed)? else {
        return Ok(());
    };
    match exec {
        Some(command) => {
            rotate::exec_after(command, &old).map_err(|error| format!("exec_after_rotate: {error}"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
