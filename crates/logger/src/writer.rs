//! The queue and the thread that writes.
//!
//! Whoever logs only puts a record into the queue: formatting, files, syslog and a slow terminal are this thread's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender};

use tokio::sync::broadcast;

use crate::channel::{Channel, Output};
use crate::console::{Console, ConsoleLine};
use crate::format::{Formatter, Place, Style, lines};
use crate::level::Level;
use crate::logger::Sink;
use crate::record::Record;

/// Something for the writer to do, in order.
pub(crate) enum Job {
    Write(Record),
    /// New channels in place of all old ones.
    Configure(Vec<Channel>, Style),
    /// Where lines of the server's own console go from now on.
    SetSink(Option<Sink>),
    /// Answered when everything before it is written.
    Flush(Sender<()>),
}

/// The way to the writer, with a limit for records.
#[derive(Debug)]
pub(crate) struct Queue {
    jobs: Sender<Job>,
    load: Arc<Load>,
}

/// How full the queue is.
#[derive(Debug)]
pub(crate) struct Load {
    waiting: AtomicUsize,
    limit: AtomicUsize,
    /// Not yet said in the log.
    dropped: AtomicU64,
    dropped_total: AtomicU64,
}

impl Load {
    pub(crate) fn new(limit: usize) -> Self {
        Load {
            waiting: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit),
            dropped: AtomicU64::new(0),
            dropped_total: AtomicU64::new(0),
        }
    }
}

impl Queue {
    pub(crate) fn new(jobs: Sender<Job>, load: Arc<Load>) -> Self {
        Queue { jobs, load }
    }

    /// Queues a record, or counts it if the queue is full.
    pub(crate) fn push(&self, record: Record) {
        let load = &self.load;
        if load.waiting.fetch_add(1, Relaxed) >= load.limit.load(Relaxed) {
            load.waiting.fetch_sub(1, Relaxed);
            load.dropped.fetch_add(1, Relaxed);
            load.dropped_total.fetch_add(1, Relaxed);
            return;
        }
        self.send(Job::Write(record));
    }

    /// Queues anything else; these are few and never dropped.
    pub(crate) fn send(&self, job: Job) {
        // Fails only if the writer is gone, and then there is nobody to tell.
        let _ = self.jobs.send(job);
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        self.load.limit.store(limit, Relaxed);
    }

    pub(crate) fn limit(&self) -> usize {
        self.load.limit.load(Relaxed)
    }

    pub(crate) fn dropped_total(&self) -> u64 {
        self.load.dropped_total.load(Relaxed)
    }
}

/// What the writer thread owns.
pub(crate) struct Writer {
    pub(crate) load: Arc<Load>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) style: Style,
    pub(crate) root: Arc<Console>,
    pub(crate) sink: Option<Sink>,
    /// For the sink only; remote consoles get no colours.
    pub(crate) colour: bool,
    pub(crate) timestamp: bool,
    pub(crate) remote: broadcast::Sender<ConsoleLine>,
}

impl Writer {
    /// Works until the last [`Queue`] is gone.
    pub(crate) fn run(mut self, jobs: Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let mut next = Some(job);
            while let Some(job) = next.take() {
                self.handle(job);
                next = jobs.try_recv().ok();
            }
            self.flush();
        }
        self.flush();
    }

    fn handle(&mut self, job: Job) {
        match job {
            Job::Write(record) => {
                self.load.waiting.fetch_sub(1, Relaxed);
                self.write(&record);
                self.say_dropped();
            }
            Job::Configure(channels, style) => {
                self.flush();
                self.channels = channels;
                self.style = style;
            }
            Job::SetSink(sink) => self.sink = sink,
            Job::Flush(done) => {
                self.say_dropped();
                self.flush();
                // Whoever asked may have stopped waiting.
                let _ = done.send(());
            }
        }
    }

    fn say_dropped(&mut self) {
        let dropped = self.load.dropped.swap(0, Relaxed);
        if dropped > 0 {
            let limit = self.load.limit.load(Relaxed);
            let text =
                format!("{dropped} log messages were dropped: more than {limit} waited (logger_queue_limit)");
            self.write(&Record::own(Level::WARNING, text));
        }
    }

    fn write(&mut self, record: &Record) {
        let root = self.root.verbose();
        let mut failures = Vec::new();
        let mut console = None;
        for channel in &mut self.channels {
            let levels = channel.spec.levels;
            if let Output::Console = channel.output {
                // Each console decides how deep it follows VERBOSE.
                if levels.wants(record.level, record.verbose, u8::MAX) {
                    console = Some(channel.spec.formatter);
                }
            } else if levels.wants(record.level, record.verbose, root) {
                match channel.write(record, &self.style) {
                    Ok(()) => {}
                    Err(_) if channel.failing => {}
                    Err(text) => {
                        channel.failing = true;
                        failures.push(text);
                    }
                }
            }
        }
        if let Some(formatter) = console {
            self.show_on_consoles(record, formatter);
        }
        self.say_failures(failures);
    }

    fn flush(&mut self) {
        let mut failures = Vec::new();
        for channel in &mut self.channels {
            match channel.flush() {
                Ok(()) if matches!(channel.output, Output::File { .. }) => channel.failing = false,
                Err(text) if !channel.failing => {
                    channel.failing = true;
                    failures.push(text);
                }
                _ => {}
            }
        }
        self.say_failures(failures);
    }

    /// Only to consoles: what cannot be written is not to be written about in the same place.
    fn say_failures(&mut self, failures: Vec<String>) {
        for text in failures {
            self.show_on_consoles(&Record::own(Level::ERROR, text), Formatter::Default);
        }
    }

    fn show_on_consoles(&mut self, record: &Record, formatter: Formatter) {
        let place = Place::Console { colour: false, timestamp: self.timestamp };
        if self.remote.receiver_count() > 0 {
            let text = lines(record, formatter, place, &self.style).into();
            // Fails only if the last receiver has just gone.
            let _ = self.remote.send(ConsoleLine { level: record.level, verbose: record.verbose, text });
        }
        let Some(sink) = &mut self.sink else { return };
        if self.root.wants_message(record.level, record.verbose) {
            let place = Place::Console { colour: self.colour, timestamp: self.timestamp };
            sink(&lines(record, formatter, place, &self.style));
        }
    }
}
