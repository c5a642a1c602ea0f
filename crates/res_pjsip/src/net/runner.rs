//! The thread of a shard: waits for packets, messages and time, feeds the [`Shard`], and sends what
//! it answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use sip::Millis;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep_until};
use udp::{BATCH, Receiver, Sender, is_about_destination};

use crate::history::History;
use crate::output::{Output, Packet, Peer};
use crate::resolve::Resolver;
use crate::shard::{Shard, ShardMessage};
use crate::snapshot::Snapshot;
use crate::stats::Stats;
use crate::trace::TraceFilter;

/// Batches of packets that may wait for a shard; more are dropped, as the kernel would.
const HANDOVER_QUEUE: usize = 1024;
/// Pieces of queued work (NOTIFYs) between two looks at the sockets: answers are read while a large
/// fan-out is still going on, so no receive buffer overflows.
const WORK_BUDGET: usize = 64;

/// What the SIP logger calls the transport.
const PROTOCOL: &str = "UDP";

/// The way into a shard.
#[derive(Clone)]
pub(crate) struct ShardInbox {
    control: mpsc::UnboundedSender<ShardMessage>,
    packets: mpsc::Sender<Vec<Packet>>,
}

impl ShardInbox {
    /// Queues a message; false if the shard has ended.
    pub(crate) fn send(&self, message: ShardMessage) -> bool {
        self.control.send(message).is_ok()
    }
}

/// The other end of a [`ShardInbox`].
pub(crate) struct InboxReader {
    control: mpsc::UnboundedReceiver<ShardMessage>,
    packets: mpsc::Receiver<Vec<Packet>>,
}

/// Makes an inbox.
pub(crate) fn inbox() -> (ShardInbox, InboxReader) {
    let (control_in, control) = mpsc::unbounded_channel();
    let (packets_in, packets) = mpsc::channel(HANDOVER_QUEUE);
    (ShardInbox { control: control_in, packets: packets_in }, InboxReader { control, packets })
}

/// A shard with its sockets.
pub(crate) struct Runner {
    pub(crate) shard: Shard,
    pub(crate) inbox: InboxReader,
    /// One socket for each transport, in the order of the snapshot.
    pub(crate) sockets: Vec<std::net::UdpSocket>,
    /// All shards, this one too.
    pub(crate) shards: Vec<ShardInbox>,
    /// What [`Millis`] count from.
    pub(crate) epoch: Instant,
    /// For the SIP logger.
    pub(crate) snapshot: Arc<Snapshot>,
    /// Number of this shard.
    pub(crate) id: u16,
    /// Answers the questions of modules.
    pub(crate) resolver: Arc<Resolver>,
    /// Keeps packets, if it is on.
    pub(crate) history: Arc<History>,
}

impl Runner {
    /// Runs until the shard is stopped. Called on the shard's own thread.
    pub(crate) fn run(self) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        runtime.block_on(async {
            let sockets = self.sockets.into_iter().map(|socket| Socket::new(socket).map(Some));
            let sockets = sockets.collect::<std::io::Result<Vec<_>>>()?;
            let stats = self.shard.stats();
            let mut io = Io {
                sockets,
                sender: Sender::new(),
                shards: self.shards,
                trace: self.snapshot.trace.clone(),
                stats,
                by_shard: Vec::new(),
                id: self.id,
                resolver: self.resolver,
                history: self.history,
            };
            run(self.shard, self.inbox, &mut io, self.epoch).await;
            Ok(())
        })
    }
}

/// A transport's socket, and what it is read with.
struct Socket {
    socket: UdpSocket,
    receiver: Receiver,
}

impl Socket {
    fn new(socket: std::net::UdpSocket) -> std::io::Result<Self> {
        Ok(Self { socket: UdpSocket::from_std(socket)?, receiver: Receiver::new() })
    }
}

struct Io {
    /// By transport; none for one that is closed.
    sockets: Vec<Option<Socket>>,
    sender: Sender,
    shards: Vec<ShardInbox>,
    trace: TraceFilter,
    stats: Arc<Stats>,
    by_shard: Vec<Vec<Packet>>,
    id: u16,
    resolver: Arc<Resolver>,
    history: Arc<History>,
}

async fn run(mut shard: Shard, mut inbox: InboxReader, io: &mut Io, epoch: Instant) {
    let now = || epoch.elapsed().as_millis() as Millis;
    let mut out = Output::default();
    loop {
        let mut busy = io.read(&mut shard, now(), &mut out);
        while let Ok(packets) = inbox.packets.try_recv() {
            busy = true;
            shard.message(now(), ShardMessage::Packets(packets), &mut out);
            if out.len() >= BATCH {
                break;
            }
        }
        while let Ok(message) = inbox.control.try_recv() {
            busy = true;
            if !io.control(&mut shard, now(), message, &mut out).await {
                return;
            }
        }
        shard.tick(now(), &mut out);
        busy |= shard.work(now(), WORK_BUDGET, &mut out);
        busy |= !out.is_empty();
        io.flush(&mut out).await;
        if busy {
            // Lets the runtime look at the sockets' readiness; returns at once.
            tokio::task::yield_now().await;
            continue;
        }
        let deadline = shard.next_deadline().map(|at| epoch + Duration::from_millis(at));
        tokio::select! {
            () = io.readable() => {}
            packets = inbox.packets.recv() => {
                let Some(packets) = packets else { return };
                shard.message(now(), ShardMessage::Packets(packets), &mut out);
            }
            message = inbox.control.recv() => {
                let Some(message) = message else { return };
                if !io.control(&mut shard, now(), message, &mut out).await {
                    return;
                }
            }
            () = sleep_until(deadline.unwrap_or(epoch).into()), if deadline.is_some() => {}
        }
    }
}

impl Io {
    /// Reads one batch from each socket; true if anything was there.
    fn read(&mut self, shard: &mut Shard, now: Millis, out: &mut Output) -> bool {
        let mut any = false;
        for (index, socket) in self.sockets.iter_mut().enumerate() {
            let Some(Socket { socket, receiver }) = socket else { continue };
            let read = socket.try_io(Interest::READABLE, || {
                receiver.receive(socket, |address, datagram| {
                    let peer = Peer { transport: index as u16, address };
                    if self.trace != TraceFilter::Off {
                        self.trace.received(PROTOCOL, peer, datagram);
                    }
                    self.history.record(self.id, false, peer, datagram);
                    shard.receive(now, peer, datagram, out);
                })
            });
            match read {
                Ok(_) => any = true,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                // An ICMP error of an earlier datagram; the socket itself is well.
                Err(error) => tracing::debug!("Reading from {:?}: {error}", socket.local_addr().ok()),
            }
        }
        any
    }

    async fn readable(&self) {
        std::future::poll_fn(|context| {
            let mut sockets = self.sockets.iter().flatten();
            let ready = sockets.any(|it| it.socket.poll_recv_ready(context).is_ready());
            if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }

    async fn control(
        &mut self,
        shard: &mut Shard,
        now: Millis,
        mut message: ShardMessage,
        out: &mut Output,
    ) -> bool {
        let mut sockets = Vec::new();
        match &mut message {
            ShardMessage::Snapshot(snapshot) => self.trace = snapshot.trace.clone(),
            ShardMessage::Reload(snapshot, new) => {
                self.trace = snapshot.trace.clone();
                sockets = std::mem::take(new);
            }
            _ => {}
        }
        let go_on = shard.message(now, message, out);
        if !go_on || !sockets.is_empty() {
            // What is for an old socket goes out before it is closed.
            self.flush(out).await;
        }
        for (transport, socket) in sockets {
            self.replace(usize::from(transport), socket);
        }
        go_on
    }

    /// Puts a socket in the place of the old one, if there was one.
    fn replace(&mut self, transport: usize, socket: Option<std::net::UdpSocket>) {
        let socket = socket.and_then(|socket| {
            Socket::new(socket).inspect_err(|error| tracing::error!("A socket cannot be used: {error}")).ok()
        });
        if self.sockets.len() <= transport {
            self.sockets.resize_with(transport + 1, || None);
        }
        self.sockets[transport] = socket;
    }

    async fn flush(&mut self, out: &mut Output) {
        self.hand_over(out);
        self.ask(out);
        if self.trace != TraceFilter::Off {
            for (peer, datagram) in out.datagrams() {
                self.trace.transmitted(PROTOCOL, peer, datagram);
            }
        }
        if self.history.is_on() {
            for (peer, datagram) in out.datagrams() {
                self.history.record(self.id, true, peer, datagram);
            }
        }
        self.write_all(out).await;
        out.clear();
    }

    fn ask(&mut self, out: &mut Output) {
        let Some(inbox) = self.shards.get(usize::from(self.id)) else { return };
        for (token, question) in out.take_questions() {
            let control = inbox.control.clone();
            self.resolver.ask(question, move |answer| {
                // The shard may have ended meanwhile.
                let _ = control.send(ShardMessage::Resolved(token, answer));
            });
        }
    }

    /// Writes the queued datagrams, as many of one transport at a time as there are in a row.
    async fn write_all(&mut self, out: &Output) {
        let mut batch: Vec<(SocketAddr, &[u8])> = Vec::with_capacity(BATCH);
        let mut datagrams = out.datagrams().peekable();
        while let Some((peer, datagram)) = datagrams.next() {
            batch.push((peer.address, datagram));
            let same = datagrams.peek().is_some_and(|(next, _)| next.transport == peer.transport);
            if !same || batch.len() == BATCH {
                self.write(peer.transport, &batch).await;
                batch.clear();
            }
        }
    }

    async fn write(&mut self, transport: u16, mut datagrams: &[(SocketAddr, &[u8])]) {
        let Some(Some(Socket { socket, .. })) = self.sockets.get(usize::from(transport)) else { return };
        while let Some(((destination, _), rest)) = datagrams.split_first() {
            match socket.try_io(Interest::WRITABLE, || self.sender.send(socket, datagrams)) {
                Ok(sent) => {
                    self.stats.sent.add_many(sent as u64);
                    datagrams = &datagrams[sent.max(1)..];
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    if socket.writable().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    self.stats.send_errors.add();
                    tracing::debug!("Sending to {destination}: {error}");
                    if is_about_destination(&error) {
                        datagrams = rest;
                    } else {
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
    }

    fn hand_over(&mut self, out: &mut Output) {
        self.by_shard.resize_with(self.shards.len(), Vec::new);
        for (shard, packet) in out.take_handover() {
            if let Some(packets) = self.by_shard.get_mut(usize::from(shard)) {
                packets.push(packet);
            }
        }
        for (packets, shard) in self.by_shard.iter_mut().zip(&self.shards) {
            if packets.is_empty() {
                continue;
            }
            let count = packets.len() as u64;
            if shard.packets.try_send(std::mem::take(packets)).is_err() {
                self.stats.handover_dropped.add_many(count);
            }
        }
    }
}
