//! The levels of `logger.conf` and sets of them.
//!
//! A level is a small number, a set is one word: asking whether anybody wants an event costs one load. Custom levels
//! (`custom_levels`) take the numbers from 8 on; their names live in [`Levels`](crate::console::Levels).

use std::fmt;

/// A log level; the number of a built-in level is the one that Asterisk gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Level(u8);

impl Level {
    /// For developers (`core set debug`).
    pub const DEBUG: Level = Level(0);
    /// Every step (`core set trace`).
    pub const TRACE: Level = Level(1);
    /// Worth a line.
    pub const NOTICE: Level = Level(2);
    /// The operator should look at it.
    pub const WARNING: Level = Level(3);
    /// Something does not work.
    pub const ERROR: Level = Level(4);
    /// The course of events (`core set verbose`).
    pub const VERBOSE: Level = Level(5);
    /// Accepted in `logger.conf`, never written: there is no audio here.
    pub const DTMF: Level = Level(6);
    /// Security events.
    pub const SECURITY: Level = Level(7);

    /// How many levels there can be, built in and custom.
    pub(crate) const MAX: usize = 32;

    /// The built-in levels by number.
    pub(crate) const NAMES: [&'static str; 8] =
        ["DEBUG", "TRACE", "NOTICE", "WARNING", "ERROR", "VERBOSE", "DTMF", "SECURITY"];

    /// The level with this number, if there can be one.
    pub(crate) fn from_number(number: usize) -> Option<Self> {
        (number < Self::MAX).then_some(Level(number as u8))
    }

    /// The number, below 32.
    pub(crate) fn number(self) -> usize {
        usize::from(self.0)
    }

    /// The name of a built-in level, `CUSTOM` for a custom one.
    pub fn name(self) -> &'static str {
        Self::NAMES.get(self.number()).copied().unwrap_or("CUSTOM")
    }

    fn bit(self) -> u32 {
        1 << self.0
    }
}

/// How far a channel follows VERBOSE messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// As far as the verbosity of the server's own console (`verbose` without a number).
    Root,
    /// Up to this level (`verbose(3)`), 255 for `verbose(*)`.
    UpTo(u8),
}

/// A set of levels with the verbosity, as the right side of a line in `[logfiles]` gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelSet {
    bits: u32,
    verbosity: Verbosity,
}

impl LevelSet {
    /// No level.
    pub const NONE: LevelSet = LevelSet { bits: 0, verbosity: Verbosity::Root };
    /// All levels, VERBOSE to any depth (`*`).
    pub const ALL: LevelSet = LevelSet { bits: u32::MAX, verbosity: Verbosity::UpTo(u8::MAX) };

    /// Whether the level is in the set.
    pub fn contains(self, level: Level) -> bool {
        self.bits & level.bit() != 0
    }

    /// This set and one more level.
    #[must_use]
    pub fn with(mut self, level: Level) -> Self {
        self.bits |= level.bit();
        self
    }

    pub(crate) fn with_verbosity(mut self, verbosity: Verbosity) -> Self {
        self.verbosity = verbosity;
        self.with(Level::VERBOSE)
    }

    pub(crate) fn bits(self) -> u32 {
        self.bits
    }

    /// The greatest verbosity that this set asks for by itself.
    pub(crate) fn own_verbosity(self) -> u8 {
        match self.verbosity {
            Verbosity::UpTo(n) if self.contains(Level::VERBOSE) => n,
            _ => 0,
        }
    }

    /// Whether a message of this level, `verbose` deep, belongs here; `root` is the root console's verbosity.
    pub(crate) fn wants(self, level: Level, verbose: u8, root: u8) -> bool {
        self.contains(level)
            && (level != Level::VERBOSE
                || verbose
                    <= match self.verbosity {
                        Verbosity::Root => root,
                        Verbosity::UpTo(n) => n,
                    })
    }
}

/// As `logger show channels` lists it: names with a space after each.
pub(crate) struct Listed<'a> {
    pub(crate) set: LevelSet,
    /// All names by number, `None` where there is no level.
    pub(crate) names: &'a [Option<String>],
}

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, name) in self.names.iter().enumerate() {
            let (Some(name), Some(level)) = (name, Level::from_number(number)) else {
                continue;
            };
            if !self.set.contains(level) {
                continue;
            }
            match self.set.verbosity {
                Verbosity::UpTo(u8::MAX) if level == Level::VERBOSE => write!(f, "{name}(*) ")?,
                Verbosity::UpTo(n) if level == Level::VERBOSE => write!(f, "{name}({n}) ")?,
                _ => write!(f, "{name} ")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbose_without_a_number_follows_the_root_console() {
        let follows = LevelSet::NONE.with_verbosity(Verbosity::Root);
        assert!(follows.wants(Level::VERBOSE, 3, 3));
        assert!(!follows.wants(Level::VERBOSE, 4, 3));
        let fixed = LevelSet::NONE.with_verbosity(Verbosity::UpTo(2));
        assert!(fixed.wants(Level::VERBOSE, 2, 0));
        assert!(!fixed.wants(Level::VERBOSE, 3, 9));
        assert!(!fixed.wants(Level::ERROR, 0, 9));
        assert!(LevelSet::ALL.wants(Level::VERBOSE, 255, 0));
    }
}
