//! A shard: one share of all SIP work, without I/O.
//!
//! Packets, messages from outside and the time go in; datagrams and packets for other shards come
//! out through [`Output`]. A request belongs to the shard that the hash of its Call-ID names, an
//! answer to the one that sent the request (our branch says which). What happens to a request that
//! has passed the distributor is up to the [`ShardModule`]s, one for each method.

use std::any::Any;
use std::sync::Arc;

use sip::transaction::{ClientTimer, ClientTransactions, Tick};
use sip::{Millis, RawMessage, ScanError, Scanner};

use crate::config::Protocol;
use crate::core::{Core, Routes, Timer, split_token};
use crate::distributor::Request;
use crate::nat;
use crate::output::{ClosedConnection, Output, Packet, Peer};
use crate::resolve;
use crate::snapshot::Snapshot;
use crate::stats::Stats;

/// A response to a request that a module sent, or the lack of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Status code; 408 when nobody answered.
    pub status: u16,
    /// Whether this is our own 408: the request timed out.
    pub timed_out: bool,
    /// Whether this is our own 503: the request could not be delivered (RFC 3261 8.1.3.1), because its
    /// connection is gone or could not be opened.
    pub undelivered: bool,
    /// Seconds of a Retry-After header.
    pub retry_after: Option<u32>,
}

impl Answer {
    /// Nobody answered.
    pub(crate) fn timeout() -> Self {
        Self { status: 408, timed_out: true, undelivered: false, retry_after: None }
    }

    /// There was no way to send the request.
    pub(crate) fn undelivered() -> Self {
        Self { status: 503, timed_out: false, undelivered: true, retry_after: None }
    }
}

/// A feature inside each shard: it serves methods, owns timers and sends requests. Tokens are the
/// module's own names for what a timer or a request belongs to; 56 bits of them are kept.
pub trait ShardModule: Send {
    /// Its name, for messages to it.
    fn name(&self) -> &'static str;
    /// The methods that it serves (Allow header).
    fn methods(&self) -> &'static [&'static str];
    /// Option tags that it understands (Require, Supported).
    fn option_tags(&self) -> &'static [&'static str] {
        &[]
    }
    /// A request of one of its methods. It must be answered by [`Core::respond`] or
    /// [`Core::refuse`].
    fn request(&mut self, core: &mut Core, request: &Request<'_>, out: &mut Output);
    /// A response to a request that it sent with `token`.
    fn answer(&mut self, core: &mut Core, token: u64, answer: Answer, out: &mut Output);
    /// A timer that it armed with `token`.
    fn timer(&mut self, core: &mut Core, token: u64, out: &mut Output);
    /// Connections are gone, of any shard. Requests that they carried are answered afterwards, as
    /// undelivered.
    fn connections_closed(&mut self, _core: &mut Core, _closed: &[ClosedConnection], _out: &mut Output) {}
    /// A message from outside the shard.
    fn message(&mut self, core: &mut Core, message: Box<dyn Any + Send>, out: &mut Output);
    /// The configuration has been replaced; `old` is the one before.
    fn configured(&mut self, core: &mut Core, old: &Snapshot, out: &mut Output) {
        let _ = (core, old, out);
    }
    /// The answer to [`Core::resolve`] with `token`.
    fn resolved(&mut self, core: &mut Core, token: u64, answer: resolve::Answer, out: &mut Output) {
        let _ = (core, token, answer, out);
    }
    /// Does at most `budget` pieces of queued work; true if there is more.
    fn work(&mut self, core: &mut Core, budget: usize, out: &mut Output) -> bool;
}

/// Makes the module's part in the shard of this number.
pub type ModuleFactory = Arc<dyn Fn(u16) -> Box<dyn ShardModule> + Send + Sync>;

/// What can be asked of a shard from outside.
pub enum ShardMessage {
    /// Packets that arrived at another shard.
    Packets(Vec<Packet>),
    /// Connections that are gone, of any shard.
    Closed(Arc<[ClosedConnection]>),
    /// A new configuration.
    Snapshot(Arc<Snapshot>),
    /// Adds a module.
    AddModule(ModuleFactory),
    /// Removes the module of this name.
    RemoveModule(&'static str),
    /// For the module of this name.
    Module(&'static str, Box<dyn Any + Send>),
    /// The answer to a question of [`Output::take_questions`].
    Resolved(u64, resolve::Answer),
    /// Dropped when all messages before it have been handled: its sender sees the channel close.
    Barrier(std::sync::mpsc::Sender<()>),
    /// Ends the shard.
    Stop,
}

/// See the module's description.
pub struct Shard {
    core: Core,
    scanner: Scanner,
    modules: Vec<Option<Box<dyn ShardModule>>>,
}

impl Shard {
    /// Shard number `id` of `count`; `seed` is the same for all of them and unknown outside.
    pub fn new(
        id: u16,
        count: u16,
        seed: u64,
        now: Millis,
        snapshot: Arc<Snapshot>,
        routes: Box<dyn Routes>,
    ) -> Self {
        Self {
            core: Core::new(id, count, seed, now, snapshot, routes),
            scanner: Scanner::new(),
            modules: Vec::new(),
        }
    }

    /// Its number.
    pub fn id(&self) -> u16 {
        self.core.id
    }

    /// The counters.
    pub fn stats(&self) -> Arc<Stats> {
        self.core.stats.clone()
    }

    /// A datagram arrived, or a message by a connection.
    pub fn receive(&mut self, now: Millis, peer: Peer, packet: &[u8], out: &mut Output) {
        self.core.now = now;
        self.core.stats.received.add();
        if !self.core.snapshot.booted {
            return self.core.stats.before_boot.add();
        }
        // The scanner is lent out while its message is read and `self` is changed.
        let mut scanner = std::mem::take(&mut self.scanner);
        let scanned = match self.core.snapshot.protocol(peer) {
            // In a WebSocket message Content-Length may be missing (RFC 7118 5.2).
            Protocol::Udp | Protocol::Ws | Protocol::Wss => scanner.scan(packet),
            Protocol::Tcp | Protocol::Tls | Protocol::Flow => scanner.scan_framed(packet),
        };
        match scanned {
            Ok(message) => self.dispatch(peer, packet, &message, out),
            Err(ScanError::KeepAlive) => self.core.stats.keep_alives.add(),
            Err(error) => {
                self.core.stats.garbage.add();
                tracing::debug!("Packet of {} bytes from {} dropped: {error}", packet.len(), peer.address);
            }
        }
        self.scanner = scanner;
    }

    /// A message from outside. False ends the shard.
    pub fn message(&mut self, now: Millis, message: ShardMessage, out: &mut Output) -> bool {
        self.core.now = now;
        match message {
            ShardMessage::Packets(packets) => {
                for packet in packets {
                    self.receive(now, packet.peer, &packet.bytes, out);
                }
            }
            ShardMessage::Closed(closed) => self.closed(&closed, out),
            ShardMessage::Snapshot(snapshot) => {
                let old = std::mem::replace(&mut self.core.snapshot, snapshot);
                for index in 0..self.modules.len() {
                    self.with_module(index, |module, core| module.configured(core, &old, out));
                }
            }
            ShardMessage::AddModule(factory) => {
                let module = factory(self.core.id);
                let free = self.modules.iter().position(Option::is_none);
                let index = free.unwrap_or_else(|| {
                    self.modules.push(None);
                    self.modules.len() - 1
                });
                self.modules[index] = Some(module);
                self.update_capabilities();
            }
            ShardMessage::RemoveModule(name) => {
                if let Some(index) = self.module_named(name) {
                    self.modules[index] = None;
                }
                self.update_capabilities();
            }
            ShardMessage::Module(name, message) => {
                if let Some(index) = self.module_named(name) {
                    self.with_module(index, |module, core| module.message(core, message, out));
                }
            }
            ShardMessage::Resolved(token, answer) => {
                let (index, token) = split_token(token);
                self.with_module(index, |module, core| module.resolved(core, token, answer, out));
            }
            ShardMessage::Barrier(reached) => drop(reached),
            ShardMessage::Stop => return false,
        }
        true
    }

    /// Fires the timers that are due.
    pub fn tick(&mut self, now: Millis, out: &mut Output) {
        self.core.now = now;
        self.core.server.expire(now);
        let mut due = Vec::new();
        self.core.timers.expire(now, |timer| due.push(timer));
        for timer in due {
            match timer {
                Timer::Client(timer) => self.client_timer(timer, out),
                Timer::Module(token) => {
                    let (index, token) = split_token(token);
                    self.with_module(index, |module, core| module.timer(core, token, out));
                }
            }
        }
    }

    /// Does queued work; true if there is more.
    pub fn work(&mut self, now: Millis, budget: usize, out: &mut Output) -> bool {
        self.core.now = now;
        let mut more = false;
        for index in 0..self.modules.len() {
            self.with_module(index, |module, core| more |= module.work(core, budget, out));
        }
        more
    }

    /// When [`tick`](Self::tick) should be called next.
    pub fn next_deadline(&self) -> Option<Millis> {
        // The server transactions end with the next packet or timer; nobody waits for that.
        self.core.timers.next_deadline()
    }

    fn dispatch(&mut self, peer: Peer, packet: &[u8], message: &RawMessage<'_>, out: &mut Output) {
        if let Some(status) = message.status() {
            return self.response(peer, packet, message, status, out);
        }
        let Ok(call_id) = message.call_id() else { return self.core.stats.unanswerable.add() };
        let owner = self.core.shard_of(call_id);
        if owner != self.core.id {
            return self.core.hand_over(owner, peer, packet, out);
        }
        let Some(request) = self.core.distribute(peer, message, out) else { return };
        let Some(bytes) = nat::mend(&self.core, &request) else { return self.serve(&request, out) };
        let mut scanner = Scanner::new();
        let mended = scanner.scan(&bytes).ok().and_then(|it| Request::read_again(&it, request.passed()));
        self.serve(mended.as_ref().unwrap_or(&request), out);
    }

    fn serve(&mut self, request: &Request<'_>, out: &mut Output) {
        match self.serving(request.method) {
            Some(index) => self.with_module(index, |module, core| module.request(core, request, out)),
            None => self.core.nobody_serves(request, out),
        }
    }

    fn response(
        &mut self,
        peer: Peer,
        packet: &[u8],
        message: &RawMessage<'_>,
        status: u16,
        out: &mut Output,
    ) {
        let branch = message.via().ok().and_then(|via| via.branch).unwrap_or_default();
        match ClientTransactions::<Peer>::shard_of(branch) {
            Some(owner) if owner != self.core.id && owner < self.core.count => {
                return self.core.hand_over(owner, peer, packet, out);
            }
            _ => {}
        }
        let Some(token) = self.core.client.response(branch, status) else {
            return self.core.stats.stray_responses.add();
        };
        if status < 200 {
            return;
        }
        self.core.stats.responses.add();
        let retry_after = message.retry_after().ok().flatten();
        self.answer(token, Answer { status, timed_out: false, undelivered: false, retry_after }, out);
    }

    fn client_timer(&mut self, timer: ClientTimer, out: &mut Output) {
        match self.core.client.tick(self.core.now, timer) {
            Tick::Stale => {}
            Tick::Retransmit { peer, bytes, at } => {
                out.send(peer, bytes);
                self.core.stats.retransmissions_out.add();
                self.core.timers.insert(at, Timer::Client(timer));
            }
            Tick::TimedOut(token) => {
                self.core.stats.timeouts.add();
                self.answer(token, Answer::timeout(), out);
            }
        }
    }

    fn closed(&mut self, closed: &[ClosedConnection], out: &mut Output) {
        for index in 0..self.modules.len() {
            self.with_module(index, |module, core| module.connections_closed(core, closed, out));
        }
        for (token, answer) in self.core.fail_requests(closed, out) {
            self.answer(token, answer, out);
        }
    }

    fn answer(&mut self, token: u64, answer: Answer, out: &mut Output) {
        let (index, token) = split_token(token);
        self.with_module(index, |module, core| module.answer(core, token, answer, out));
    }

    fn serving(&self, method: &str) -> Option<usize> {
        self.modules.iter().position(|m| m.as_ref().is_some_and(|m| m.methods().contains(&method)))
    }

    fn module_named(&self, name: &str) -> Option<usize> {
        self.modules.iter().position(|m| m.as_ref().is_some_and(|m| m.name() == name))
    }

    fn with_module(&mut self, index: usize, f: impl FnOnce(&mut dyn ShardModule, &mut Core)) {
        if let Some(module) = self.modules.get_mut(index).and_then(Option::as_mut) {
            self.core.current = index as u8;
            f(module.as_mut(), &mut self.core);
        }
    }

    fn update_capabilities(&mut self) {
        let modules = || self.modules.iter().flatten();
        self.core.allow = modules().flat_map(|m| m.methods()).copied().collect::<Vec<_>>().join(", ");
        self.core.option_tags = modules().flat_map(|m| m.option_tags()).copied().collect();
    }
}
