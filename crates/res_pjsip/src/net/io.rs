//! The sockets of a shard, and where each packet goes: out by UDP, to a connection, to another shard.

use std::hash::{BuildHasher, Hash};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use sip::Millis;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use udp::{BATCH, Sender};

use super::connections::{Connections, Via};
use super::datagrams::Datagrams;
use super::inbox::{Control, Handover, ShardInbox};
use super::link::Input;
use super::runner::Helpers;
use super::transports::TransportSocket;
use crate::output::{ClosedConnection, Output, Packet, Peer};
use crate::shard::{Shard, ShardMessage};
use crate::snapshot::Snapshot;
use crate::stats::Stats;
use crate::trace::TraceFilter;

/// Packets for connections of another shard that may wait until it has room.
const MAX_BACKLOG: usize = 65_536;
/// How long a listener rests after an error, which is the lack of files or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long the end of a shard waits for its connections.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// See the module's description.
pub(crate) struct Io {
    id: u16,
    /// By the index of the transport.
    transports: Vec<Option<Carried>>,
    sender: Sender,
    connections: Connections,
    inputs: mpsc::Sender<Input>,
    shards: Vec<ShardInbox>,
    snapshot: Arc<Snapshot>,
    stats: Arc<Stats>,
    by_shard: Vec<Handover>,
    closed: Vec<ClosedConnection>,
    helpers: Helpers,
    /// Places the connections that we open: the same in all shards, so that there is one to a peer.
    hasher: FixedState,
}

enum Carried {
    Datagrams(Datagrams),
    /// Listening once the server has booted: until then connections wait in the system's queue.
    Listener {
        via: Via,
        waiting: Option<TcpListener>,
        task: Option<JoinHandle<()>>,
    },
}

impl Io {
    pub(crate) fn new(
        id: u16,
        shards: Vec<ShardInbox>,
        snapshot: Arc<Snapshot>,
        connections: Connections,
        inputs: mpsc::Sender<Input>,
        stats: Arc<Stats>,
        helpers: Helpers,
    ) -> Self {
        Self {
            id,
            transports: Vec::new(),
            sender: Sender::new(),
            connections,
            inputs,
            by_shard: shards.iter().map(|_| Handover::default()).collect(),
            shards,
            snapshot,
            stats,
            closed: Vec::new(),
            helpers,
            hasher: FixedState::with_seed(0),
        }
    }

    /// Serves one more socket.
    pub(crate) fn open(&mut self, transport: u16, socket: TransportSocket) -> std::io::Result<()> {
        let carried = match socket {
            TransportSocket::Udp(socket) => Carried::Datagrams(Datagrams::new(socket)?),
            TransportSocket::Listener(listener, via) => {
                let waiting = Some(TcpListener::from_std(listener)?);
                Carried::Listener { via, waiting, task: None }
            }
        };
        let index = usize::from(transport);
        if self.transports.len() <= index {
            self.transports.resize_with(index + 1, || None);
        }
        if let Some(place) = self.transports.get_mut(index) {
            *place = Some(carried);
        }
        self.listen();
        Ok(())
    }

    /// Starts the listeners that wait for the boot.
    fn listen(&mut self) {
        if !self.snapshot.booted {
            return;
        }
        for (index, carried) in self.transports.iter_mut().enumerate() {
            if let Some(Carried::Listener { waiting, task, .. }) = carried
                && let Some(listener) = waiting.take()
            {
                let accepting = accept(listener, index as u16, self.inputs.clone(), self.stats.clone());
                *task = Some(tokio::spawn(accepting));
            }
        }
    }

    /// Reads one batch from each UDP socket; true if anything was there.
    pub(crate) fn read(&mut self, shard: &mut Shard, now: Millis, out: &mut Output) -> bool {
        let mut any = false;
        for (index, carried) in self.transports.iter_mut().enumerate() {
            let Some(Carried::Datagrams(datagrams)) = carried else { continue };
            any |= datagrams.read(|address, datagram| {
                let peer = Peer::new(index as u16, address);
                if self.snapshot.trace != TraceFilter::Off {
                    self.snapshot.trace_received(peer, datagram);
                }
                self.helpers.history.record(self.id, false, peer, datagram);
                shard.receive(now, peer, datagram, out);
            });
        }
        any
    }

    pub(crate) async fn readable(&self) {
        std::future::poll_fn(|context| {
            let ready = self.transports.iter().flatten().any(|carried| match carried {
                Carried::Datagrams(datagrams) => datagrams.poll_readable(context).is_ready(),
                Carried::Listener { .. } => false,
            });
            if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }

    /// What a connection or a listener says.
    pub(crate) fn input(&mut self, shard: &mut Shard, now: Millis, input: Input, out: &mut Output) {
        match input {
            Input::Accepted { transport, socket, from } => {
                let keep_alive = self.keep_alive();
                if let Some(Some(Carried::Listener { via, .. })) = self.transports.get(usize::from(transport))
                {
                    self.connections.accept(via, socket, from, keep_alive);
                }
            }
            Input::Message(peer, message) => {
                if self.snapshot.trace != TraceFilter::Off {
                    self.snapshot.trace_received(peer, &message);
                }
                self.helpers.history.record(self.id, false, peer, &message);
                shard.receive(now, peer, &message, out);
            }
            Input::Ended(id) => self.closed.extend(self.connections.ended(id)),
        }
    }

    /// Packets that another shard has handed over.
    pub(crate) fn handed_over(
        &mut self,
        shard: &mut Shard,
        now: Millis,
        packets: Handover,
        out: &mut Output,
    ) {
        shard.message(now, ShardMessage::Packets(packets.arrived), out);
        for packet in packets.leaving {
            self.deliver(packet.peer, &packet.bytes);
        }
    }

    /// Does what is asked; false ends the shard.
    pub(crate) async fn control(
        &mut self,
        shard: &mut Shard,
        now: Millis,
        control: Control,
        out: &mut Output,
    ) -> bool {
        match control {
            Control::Shard(message) => {
                if let ShardMessage::Snapshot(snapshot) = &message {
                    self.snapshot = snapshot.clone();
                    self.listen();
                }
                return shard.message(now, message, out);
            }
            Control::Open(transport, socket) => {
                if let Err(error) = self.open(transport, socket) {
                    tracing::error!("A transport cannot be served: {error}");
                }
            }
            Control::Close(transport) => self.close(transport).await,
            Control::Reload(snapshot, sockets) => {
                self.snapshot = snapshot.clone();
                shard.message(now, ShardMessage::Snapshot(snapshot), out);
                // What is for an old socket goes out before it is closed.
                self.flush(shard, now, out).await;
                for (transport, socket) in sockets {
                    let Some(socket) = socket else {
                        self.close(transport).await;
                        continue;
                    };
                    // Its connections stay.
                    self.stop_listening(transport).await;
                    if let Err(error) = self.open(transport, socket) {
                        tracing::error!("A transport cannot be served: {error}");
                    }
                }
            }
        }
        true
    }

    async fn close(&mut self, transport: u16) {
        self.stop_listening(transport).await;
        self.closed.extend(self.connections.close_transport(transport));
    }

    async fn stop_listening(&mut self, transport: u16) {
        let carried = self.transports.get_mut(usize::from(transport)).and_then(Option::take);
        if let Some(Carried::Listener { task: Some(task), .. }) = carried {
            // Its port is free when this is done.
            task.abort();
            let _ = task.await;
        }
    }

    /// Sends what the shard has written, and tells all shards of connections that are gone; true if
    /// there is more to do.
    pub(crate) async fn flush(&mut self, shard: &mut Shard, now: Millis, out: &mut Output) -> bool {
        for (shard, packet) in out.take_handover() {
            if let Some(handover) = self.by_shard.get_mut(usize::from(shard)) {
                handover.arrived.push(packet);
            }
        }
        self.ask(out);
        self.write_all(out).await;
        out.clear();
        let waiting = self.hand_over();
        let told = self.tell_closed(shard, now, out);
        waiting || told
    }

    /// Passes the questions of modules on.
    fn ask(&mut self, out: &mut Output) {
        let Some(inbox) = self.shards.get(usize::from(self.id)) else { return };
        for (token, question) in out.take_questions() {
            let inbox = inbox.clone();
            self.helpers.resolver.ask(question, move |answer| {
                // The shard may have ended meanwhile.
                inbox.send(ShardMessage::Resolved(token, answer));
            });
        }
    }

    /// Ends all connections when what they have queued is written.
    pub(crate) async fn stop(self) {
        self.connections.stop(STOP_PATIENCE).await;
    }

    /// Writes the queued datagrams, as many of one transport at a time as there are in a row, and
    /// gives messages to their connections.
    async fn write_all(&mut self, out: &Output) {
        let mut batch: Vec<(SocketAddr, &[u8])> = Vec::with_capacity(BATCH);
        let mut datagrams = out.datagrams().peekable();
        while let Some((peer, datagram)) = datagrams.next() {
            if self.snapshot.trace != TraceFilter::Off {
                self.snapshot.trace_transmitted(peer, datagram);
            }
            self.helpers.history.record(self.id, true, peer, datagram);
            let Some(Some(Carried::Datagrams(socket))) = self.transports.get(usize::from(peer.transport))
            else {
                self.deliver(peer, datagram);
                continue;
            };
            batch.push((peer.address, datagram));
            let same = datagrams.peek().is_some_and(|(next, _)| next.transport == peer.transport);
            if !same || batch.len() == BATCH {
                socket.write(&mut self.sender, &self.stats, &batch).await;
                batch.clear();
            }
        }
    }

    /// Gives a message to its connection, here or in another shard.
    fn deliver(&mut self, peer: Peer, message: &[u8]) {
        let owner = match peer.connection {
            Some(connection) => connection.shard(),
            None => self.place_of((peer.transport, peer.address)),
        };
        if owner != self.id {
            if let Some(handover) = self.by_shard.get_mut(usize::from(owner)) {
                handover.leaving.push(Packet { peer, bytes: message.into() });
            }
            return;
        }
        let via = match self.transports.get(usize::from(peer.transport)) {
            Some(Some(Carried::Listener { via, .. })) => Some(via),
            _ => None,
        };
        let keep_alive = self.keep_alive();
        match self.connections.send(peer, via, keep_alive, message) {
            Ok(()) => self.stats.sent.add(),
            Err(closed) => {
                self.stats.undelivered.add();
                self.note_closed(closed);
            }
        }
    }

    fn note_closed(&mut self, closed: ClosedConnection) {
        if self.closed.last() != Some(&closed) {
            self.closed.push(closed);
        }
    }

    fn place_of(&self, target: impl Hash) -> u16 {
        (self.hasher.hash_one(target) % self.shards.len().max(1) as u64) as u16
    }

    /// Gives packets to other shards. What came by a datagram is dropped when the other is too busy,
    /// as the kernel would do; what leaves by a connection waits. True if something waits.
    fn hand_over(&mut self) -> bool {
        let mut waiting = false;
        for index in 0..self.by_shard.len() {
            let (Some(packets), Some(shard)) = (self.by_shard.get_mut(index), self.shards.get(index)) else {
                continue;
            };
            if packets.len() == 0 {
                continue;
            }
            let Err(refused) = shard.hand_over(std::mem::take(packets)) else { continue };
            self.stats.handover_dropped.add_many(refused.arrived.len() as u64);
            if refused.leaving.len() <= MAX_BACKLOG {
                waiting |= !refused.leaving.is_empty();
                packets.leaving = refused.leaving;
                continue;
            }
            self.stats.undelivered.add_many(refused.leaving.len() as u64);
            for packet in refused.leaving {
                self.note_closed(ClosedConnection {
                    peer: packet.peer,
                    dialed: packet.peer.connection.is_none(),
                });
            }
        }
        waiting
    }

    /// Tells all shards which connections are gone.
    fn tell_closed(&mut self, shard: &mut Shard, now: Millis, out: &mut Output) -> bool {
        if self.closed.is_empty() {
            return false;
        }
        let closed: Arc<[ClosedConnection]> = std::mem::take(&mut self.closed).into();
        for (index, other) in self.shards.iter().enumerate() {
            if index != usize::from(self.id) {
                other.send(ShardMessage::Closed(closed.clone()));
            }
        }
        shard.message(now, ShardMessage::Closed(closed), out);
        true
    }

    fn keep_alive(&self) -> Option<Duration> {
        let interval = self.snapshot.config.global.keep_alive_interval;
        (!interval.is_zero()).then_some(interval)
    }
}

/// Accepts connections for ever.
async fn accept(listener: TcpListener, transport: u16, inputs: mpsc::Sender<Input>, stats: Arc<Stats>) {
    loop {
        match listener.accept().await {
            Ok((socket, from)) => {
                if inputs.send(Input::Accepted { transport, socket, from }).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                stats.accepts_failed.add();
                tracing::debug!("A connection cannot be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
