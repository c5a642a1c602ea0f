//! One log message on its way from the thread that said it to the writer.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::level::Level;

/// A message with everything a formatter may want to say about it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) time: Timestamp,
    pub(crate) level: Level,
    /// The level's name, which for a custom level is not in [`Level`].
    pub(crate) level_name: Cow<'static, str>,
    /// How deep a VERBOSE message is; 0 for other levels.
    pub(crate) verbose: u8,
    /// The kernel's number of the thread.
    pub(crate) thread: i32,
    /// `crate/file.rs`, or the name of a module.
    pub(crate) file: Cow<'static, str>,
    /// 0 where unknown.
    pub(crate) line: u32,
    /// The last part of the event's target.
    pub(crate) function: &'static str,
    /// As it was said: not escaped.
    pub(crate) message: String,
    /// Line ends in the message are meant as such.
    pub(crate) multiline: bool,
}

impl Record {
    /// A message of the logger itself.
    pub(crate) fn own(level: Level, message: String) -> Self {
        Record {
            time: Timestamp::now(),
            level,
            level_name: Cow::Borrowed(level.name()),
            verbose: 0,
            thread: thread_number(),
            file: Cow::Borrowed("logger"),
            line: 0,
            function: "",
            message,
            multiline: false,
        }
    }
}

/// The kernel's number of this thread, asked for once a thread.
pub(crate) fn thread_number() -> i32 {
    thread_local!(static NUMBER: i32 = nix::unistd::gettid().as_raw());
    NUMBER.try_with(|number| *number).unwrap_or(0)
}
