//! What a connection's task and its shard have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sip::ScanError;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::limits::{ANSWER_TIME, MAX_QUEUED, STALL_TIME, Times};
use crate::output::{ConnectionId, Peer};
use crate::stats::{Counter, Stats};

/// Messages that are written with one system call.
const WRITE_BATCH: usize = 64;

/// What the tasks of a shard's connections tell it.
pub(crate) enum Input {
    /// A listener has a new connection.
    Accepted {
        /// Its transport.
        transport: u16,
        /// The connection.
        socket: TcpStream,
        /// Where it comes from.
        from: std::net::SocketAddr,
    },
    /// A whole message.
    Message(Peer, Box<[u8]>),
    /// The task of a connection has ended.
    Ended(ConnectionId),
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ending {
    /// The other side closed it.
    #[error("closed by the other side")]
    Closed,
    /// We closed it.
    #[error("closed by us")]
    Stopped,
    /// It brought no complete message in time.
    #[error("no complete message in time")]
    HalfOpen,
    /// It was silent for too long.
    #[error("silent for too long")]
    Idle,
    /// The other side does not read.
    #[error("the other side does not read")]
    NotReading,
    /// What it brought cannot be cut into messages.
    #[error("{0}")]
    Broken(ScanError),
    /// TLS or WebSocket could not be agreed upon.
    #[error("handshake: {0}")]
    Handshake(String),
    /// It could not be opened.
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    /// The network failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Ending {
    /// The counter of this kind of end, if it has one of its own.
    pub(crate) fn counter<'s>(&self, stats: &'s Stats) -> Option<&'s Counter> {
        match self {
            Self::Closed | Self::Stopped | Self::Io(_) => None,
            Self::HalfOpen => Some(&stats.connections_half_open),
            Self::Idle => Some(&stats.connections_idle),
            Self::NotReading => Some(&stats.connections_not_reading),
            Self::Broken(_) => Some(&stats.connections_broken),
            Self::Handshake(_) => Some(&stats.handshakes_failed),
            Self::Connect(_) => Some(&stats.connects_failed),
        }
    }
}

/// The task's side of a connection.
pub(crate) struct Link {
    /// The other end, with the connection.
    pub(crate) peer: Peer,
    /// The way to the shard; waiting for it is what slows down a peer that sends too much.
    pub(crate) inputs: mpsc::Sender<Input>,
    /// What is to be written.
    pub(crate) outbox: OutboxReader,
    /// Silence after which a keep-alive is sent; none if never.
    pub(crate) keep_alive: Option<Duration>,
    /// How long the other side may be silent.
    pub(crate) times: Times,
    /// The shard's counters. The task runs on the shard's thread.
    pub(crate) stats: Arc<Stats>,
}

/// Queues messages for a connection, up to [`MAX_QUEUED`] bytes.
#[derive(Clone)]
pub(crate) struct Outbox {
    messages: mpsc::UnboundedSender<Box<[u8]>>,
    queued: Arc<AtomicUsize>,
}

/// The other end of an [`Outbox`].
pub(crate) struct OutboxReader {
    messages: mpsc::UnboundedReceiver<Box<[u8]>>,
    queued: Arc<AtomicUsize>,
    /// For answers that need no shard (pong); it does not keep the connection open.
    own: mpsc::WeakUnboundedSender<Box<[u8]>>,
}

/// Makes an outbox.
pub(crate) fn outbox() -> (Outbox, OutboxReader) {
    let (sender, messages) = mpsc::unbounded_channel();
    let queued = Arc::new(AtomicUsize::new(0));
    let own = sender.downgrade();
    (Outbox { messages: sender, queued: queued.clone() }, OutboxReader { messages, queued, own })
}

impl Outbox {
    /// Queues a message; false if too much waits already.
    pub(crate) fn send(&self, message: &[u8]) -> bool {
        // One thread adds and takes away; the atomic is there for the compiler.
        let queued = self.queued.load(Ordering::Relaxed) + message.len();
        if queued > MAX_QUEUED {
            return false;
        }
        self.queued.store(queued, Ordering::Relaxed);
        // A task that has ended says so by itself.
        let _ = self.messages.send(message.into());
        true
    }
}

impl OutboxReader {
    /// The next messages; empty when the shard has let go of the connection, `None` after `silence`.
    pub(crate) async fn next(&mut self, silence: Option<Duration>) -> Option<Vec<Box<[u8]>>> {
        let mut messages = Vec::new();
        let received = self.messages.recv_many(&mut messages, WRITE_BATCH);
        match silence {
            Some(silence) => drop(timeout(silence, received).await.ok()?),
            None => drop(received.await),
        }
        let length: usize = messages.iter().map(|message| message.len()).sum();
        self.queued.store(self.queued.load(Ordering::Relaxed).saturating_sub(length), Ordering::Relaxed);
        Some(messages)
    }

    /// The way to answer from the task itself.
    pub(crate) fn own(&self) -> Pong {
        Pong { messages: self.own.clone(), queued: self.queued.clone() }
    }
}

/// Writes keep-alive answers.
pub(crate) struct Pong {
    messages: mpsc::WeakUnboundedSender<Box<[u8]>>,
    queued: Arc<AtomicUsize>,
}

impl Pong {
    /// Queues the CRLF that answers a ping (RFC 5626 3.5.1).
    pub(crate) fn send(&self) {
        if let Some(messages) = self.messages.upgrade() {
            // A peer that only pings and never reads is cut off like any other.
            let _ = Outbox { messages, queued: self.queued.clone() }.send(b"\r\n");
        }
    }
}

/// Writes all of it, as long as the peer goes on taking some.
pub(crate) async fn write_all(io: &mut (impl AsyncWrite + Unpin), mut bytes: &[u8]) -> Result<(), Ending> {
    while !bytes.is_empty() {
        let written = timeout(STALL_TIME, io.write(bytes)).await.map_err(|_| Ending::NotReading)??;
        if written == 0 {
            return Err(Ending::Closed);
        }
        bytes = bytes.get(written..).unwrap_or_default();
    }
    timeout(STALL_TIME, io.flush()).await.map_err(|_| Ending::NotReading)??;
    Ok(())
}

/// How long the other side may be silent.
pub(crate) struct Patience {
    times: Times,
    /// When the last message came.
    last: Option<Instant>,
    /// No message has come yet from whom one is expected.
    first: bool,
    deadline: Instant,
}

impl Patience {
    /// From the acceptance of the connection on. A connection that we opened owes no message.
    pub(crate) fn new(times: Times, accepted: bool) -> Self {
        let time = if accepted { times.message } else { times.idle };
        Self { times, last: None, first: accepted, deadline: Instant::now() + time }
    }

    /// When it ends.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// A message has come.
    pub(crate) fn message(&mut self) {
        self.first = false;
        self.last = Some(Instant::now());
    }

    /// Nothing more can be read: waits while the last message may still be answered.
    pub(crate) async fn answered(&self) {
        if let Some(last) = self.last {
            sleep_until(last + ANSWER_TIME).await;
        }
    }

    /// Something has come; `begun` says that a message was left incomplete before, `begins` that one
    /// is now.
    pub(crate) fn read(&mut self, begun: bool, begins: bool) {
        match (self.first, begun, begins) {
            // Neither pings nor more and more of one message buy time.
            (true, ..) | (false, true, true) => {}
            (false, false, true) => self.deadline = Instant::now() + self.times.message,
            (false, _, false) => self.deadline = Instant::now() + self.times.idle,
        }
    }

    /// What it means that it has ended.
    pub(crate) fn ending(&self, begun: bool) -> Ending {
        if self.first || begun { Ending::HalfOpen } else { Ending::Idle }
    }
}
