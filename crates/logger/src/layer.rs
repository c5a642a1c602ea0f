//! The bridge from `tracing` events to records in the queue.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::console::Levels;
use crate::level::Level;
use crate::record::{Record, thread_number};
use crate::writer::Queue;

/// The layer to put on a `tracing_subscriber::registry()`.
#[derive(Debug)]
pub struct LogLayer {
    levels: Arc<Levels>,
    queue: Arc<Queue>,
}

impl LogLayer {
    pub(crate) fn new(levels: Arc<Levels>, queue: Arc<Queue>) -> Self {
        LogLayer { levels, queue }
    }

    /// Only DEBUG and TRACE can be off as a whole.
    fn is_on(&self, metadata: &Metadata<'_>) -> bool {
        match *metadata.level() {
            tracing::Level::DEBUG => self.levels.wants(Level::DEBUG, 1),
            tracing::Level::TRACE => self.levels.wants(Level::TRACE, 1),
            _ => true,
        }
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.is_on(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.is_on(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if self.levels.trace() > 0 {
            LevelFilter::TRACE
        } else if self.levels.debug() > 0 {
            LevelFilter::DEBUG
        } else {
            LevelFilter::INFO
        })
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut marks = Marks::default();
        event.record(&mut marks);
        let (level, depth) = marks.level(metadata.level(), &self.levels);
        if !self.levels.wants(level, depth) {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        text.message.push_str(&text.fields);
        let file = match text.file {
            Some(file) => Cow::Owned(file),
            None => Cow::Owned(short_file(metadata.file().unwrap_or_else(|| metadata.target()))),
        };
        self.queue.push(Record {
            time: Timestamp::now(),
            level,
            level_name: marks.custom.map_or(Cow::Borrowed(level.name()), Cow::Owned),
            verbose: if level == Level::VERBOSE { depth } else { 0 },
            thread: thread_number(),
            file,
            line: metadata.line().unwrap_or(0),
            function: metadata.target().rsplit("::").next().unwrap_or_default(),
            message: text.message,
            multiline: marks.multiline,
        });
    }
}

/// The fields that say what kind of message it is; reading them formats nothing.
#[derive(Default)]
struct Marks {
    verbose: Option<u8>,
    /// `debug = n` or `trace = n`.
    depth: Option<u8>,
    security: bool,
    multiline: bool,
    custom: Option<String>,
}

const MARKS: [&str; 6] = ["verbose", "debug", "trace", "security", "multiline", "log.level"];

impl Marks {
    fn level(&mut self, level: &tracing::Level, levels: &Levels) -> (Level, u8) {
        if let Some(name) = self.custom.take()
            && let Some(level) = levels.find(&name)
        {
            self.custom = Some(name.to_ascii_uppercase());
            return (level, self.verbose.unwrap_or(0));
        }
        match *level {
            tracing::Level::ERROR => (Level::ERROR, 0),
            tracing::Level::WARN => (Level::WARNING, 0),
            tracing::Level::INFO if self.security => (Level::SECURITY, 0),
            tracing::Level::INFO => match self.verbose {
                Some(depth) => (Level::VERBOSE, depth),
                None => (Level::NOTICE, 0),
            },
            tracing::Level::DEBUG => (Level::DEBUG, self.depth.unwrap_or(1)),
            tracing::Level::TRACE => (Level::TRACE, self.depth.unwrap_or(1)),
        }
    }
}

impl Visit for Marks {
    fn record_u64(&mut self, field: &Field, value: u64) {
        let value = u8::try_from(value).unwrap_or(u8::MAX);
        match field.name() {
            "verbose" => self.verbose = Some(value),
            "debug" | "trace" => self.depth = Some(value.max(1)),
            _ => {}
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record_u64(field, u64::try_from(value).unwrap_or(0));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "security" => self.security = value,
            "multiline" => self.multiline = value,
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.level" {
            self.custom = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// The message and the fields that follow it.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
    file: Option<String>,
}

impl Text {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing into a String does not fail; a Debug of the caller may, and is then cut short.
        let _ = match field.name() {
            "message" => self.message.write_fmt(value),
            "log.file" => self.file.get_or_insert_default().write_fmt(value),
            name if MARKS.contains(&name) => Ok(()),
            name => write!(self.fields, " {name}={value}"),
        };
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.add(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}

/// `crates/res_pjsip/src/distributor.rs` as `res_pjsip/distributor.rs`.
fn short_file(path: &str) -> String {
    match path.rsplit_once("/src/") {
        Some((before, after)) => {
            let package = before.rsplit('/').next().unwrap_or(before);
            format!("{package}/{after}")
        }
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_crate() {
        assert_eq!(short_file("crates/res_pjsip/src/shard/udp.rs"), "res_pjsip/shard/udp.rs");
        assert_eq!(short_file("/registry/src/index/tokio-1.2/src/net/udp.rs"), "tokio-1.2/net/udp.rs");
        assert_eq!(short_file("src/main.rs"), "src/main.rs");
    }
}
