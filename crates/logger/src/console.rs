//! Consoles: who watches the log live, and how much of it each one wants.
//!
//! The server's own console and every remote console has a [`Console`] with its own verbosity, mute and switched-off
//! levels. [`Levels`] keeps what all of them and all channels want together, so that an event that nobody wants costs
//! two loads.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use crate::level::{Level, LevelSet};

/// A line for consoles, already formatted and with its line end.
#[derive(Clone, Debug)]
pub struct ConsoleLine {
    /// The level of the message.
    pub level: Level,
    /// How deep a VERBOSE message is; 0 for other levels.
    pub verbose: u8,
    /// The line, or the lines of a trace, without colours.
    pub text: Arc<str>,
}

/// What one console wants to see; shared between the console's session and the log.
#[derive(Debug)]
pub struct Console {
    levels: Option<Arc<Levels>>,
    verbose: Arc<AtomicU8>,
    muted: AtomicBool,
    off: AtomicU32,
}

impl Console {
    /// A console that no log lines lead to, for commands that come from elsewhere (AMI, a test).
    pub fn detached() -> Arc<Self> {
        Arc::new(Console {
            levels: None,
            verbose: Arc::default(),
            muted: AtomicBool::new(true),
            off: AtomicU32::new(0),
        })
    }

    /// A console that `levels` takes into account as long as it lives.
    pub(crate) fn attached(levels: &Arc<Levels>, verbose: u8, muted: bool) -> Arc<Self> {
        let console = Arc::new(Console {
            levels: Some(levels.clone()),
            verbose: Arc::new(AtomicU8::new(verbose)),
            muted: AtomicBool::new(muted),
            off: AtomicU32::new(0),
        });
        lock(&levels.consoles).push(Arc::downgrade(&console.verbose));
        levels.update_verbosity();
        console
    }

    /// Sets the verbosity and gives the one before; 0 is off.
    pub fn set_verbose(&self, verbose: u8) -> u8 {
        let old = self.verbose.swap(verbose, Relaxed);
        if let Some(levels) = &self.levels {
            levels.update_verbosity();
        }
        old
    }

    /// Mutes or unmutes all log lines.
    pub fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Relaxed);
    }

    /// Shows or hides one level on this console.
    pub fn set_level(&self, level: Level, on: bool) {
        let bit = LevelSet::NONE.with(level).bits();
        if on {
            self.off.fetch_and(!bit, Relaxed);
        } else {
            self.off.fetch_or(bit, Relaxed);
        }
    }

    /// The verbosity, 0 for off.
    pub fn verbose(&self) -> u8 {
        self.verbose.load(Relaxed)
    }

    /// Whether log lines are muted.
    pub fn is_muted(&self) -> bool {
        self.muted.load(Relaxed)
    }

    /// Whether this line is for this console.
    pub fn wants(&self, line: &ConsoleLine) -> bool {
        self.wants_message(line.level, line.verbose)
    }

    pub(crate) fn wants_message(&self, level: Level, verbose: u8) -> bool {
        !self.is_muted()
            && self.off.load(Relaxed) & LevelSet::NONE.with(level).bits() == 0
            && (level != Level::VERBOSE || verbose <= self.verbose())
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.set_verbose(0);
    }
}

/// What anybody wants, and the names of the levels.
#[derive(Debug)]
pub(crate) struct Levels {
    /// Levels in any channel.
    wanted: AtomicU32,
    /// The greatest fixed verbosity of a channel.
    channel_verbosity: AtomicU8,
    /// The greatest verbosity of a channel or console.
    verbosity: AtomicU8,
    debug: AtomicU8,
    trace: AtomicU8,
    names: RwLock<Vec<Option<String>>>,
    /// The verbosity of each console.
    consoles: Mutex<Vec<Weak<AtomicU8>>>,
}

impl Levels {
    pub(crate) fn new(debug: u8) -> Arc<Self> {
        Arc::new(Levels {
            wanted: AtomicU32::new(0),
            channel_verbosity: AtomicU8::new(0),
            verbosity: AtomicU8::new(0),
            debug: AtomicU8::new(debug),
            trace: AtomicU8::new(0),
            names: RwLock::new(level_names(&[])),
            consoles: Mutex::new(Vec::new()),
        })
    }

    /// Takes over what the channels want and which custom levels there are.
    pub(crate) fn set_channels(&self, sets: impl Iterator<Item = LevelSet>, custom: &[String]) {
        let (bits, verbosity) = sets
            .fold((0, 0), |(bits, verbosity), set| (bits | set.bits(), set.own_verbosity().max(verbosity)));
        self.wanted.store(bits, Relaxed);
        self.channel_verbosity.store(verbosity, Relaxed);
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = level_names(custom);
        self.update_verbosity();
        tracing::callsite::rebuild_interest_cache();
    }

    pub(crate) fn set_debug(&self, debug: u8) -> u8 {
        let old = self.debug.swap(debug, Relaxed);
        tracing::callsite::rebuild_interest_cache();
        old
    }

    pub(crate) fn set_trace(&self, trace: u8) -> u8 {
        let old = self.trace.swap(trace, Relaxed);
        tracing::callsite::rebuild_interest_cache();
        old
    }

    pub(crate) fn debug(&self) -> u8 {
        self.debug.load(Relaxed)
    }

    pub(crate) fn trace(&self) -> u8 {
        self.trace.load(Relaxed)
    }

    /// Whether any channel may want a message of this level, `depth` deep (VERBOSE, DEBUG and TRACE have a depth).
    pub(crate) fn wants(&self, level: Level, depth: u8) -> bool {
        self.wanted.load(Relaxed) & LevelSet::NONE.with(level).bits() != 0
            && match level {
                Level::VERBOSE => depth <= self.verbosity.load(Relaxed),
                Level::DEBUG => depth <= self.debug(),
                Level::TRACE => depth <= self.trace(),
                _ => true,
            }
    }

    /// The names by number.
    pub(crate) fn names(&self) -> Vec<Option<String>> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The level called so, in any case.
    pub(crate) fn find(&self, name: &str) -> Option<Level> {
        find_level(&self.names.read().unwrap_or_else(PoisonError::into_inner), name)
    }

    fn update_verbosity(&self) {
        let mut consoles = lock(&self.consoles);
        let mut verbosity = self.channel_verbosity.load(Relaxed);
        consoles.retain(|console| match console.upgrade() {
            Some(console) => {
                verbosity = verbosity.max(console.load(Relaxed));
                true
            }
            None => false,
        });
        self.verbosity.store(verbosity, Relaxed);
    }
}

/// The built-in names and the custom ones after them.
pub(crate) fn level_names(custom: &[String]) -> Vec<Option<String>> {
    let built_in = Level::NAMES.iter().map(|name| (*name).to_owned());
    built_in.chain(custom.iter().cloned()).take(Level::MAX).map(Some).collect()
}

pub(crate) fn find_level(names: &[Option<String>], name: &str) -> Option<Level> {
    let number = names
        .iter()
        .position(|known| known.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name)))?;
    Level::from_number(number)
}

/// A lock whose data is valid at every step, so a panic elsewhere does not spoil it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
