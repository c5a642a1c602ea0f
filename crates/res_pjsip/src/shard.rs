//! A shard: one share of all SIP work, without I/O.
//!
//! Packets, messages from outside and the time go in; datagrams and packets for other shards come
//! out through [`Output`]. A request belongs to the shard that the hash of its Call-ID names, an
//! answer to the one that sent the request (our branch says which). What happens to a request that
//! has passed the distributor is up to the [`ShardModule`]s, one for each method.

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use foldhash::fast::FixedState;
use sip::transaction::{ClientTimer, ClientTransactions, ServerTransactions, Tick, Timers};
use sip::{Millis, RawMessage, ScanError, Scanner, TimerWheel, Writer};

use crate::distributor::{Incoming, Request};
use crate::output::{Output, Packet, Peer};
use crate::snapshot::Snapshot;
use crate::stats::Stats;
use crate::tag::TagSource;

/// Memory that one shard spends on answers kept for retransmitted requests.
const KEPT_ANSWERS: usize = 64 << 20;
/// Client tokens and timer tokens carry the module in their top byte.
const TOKEN_BITS: u32 = 56;

/// A response to a request that a module sent, or the lack of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Status code; 408 when nobody answered.
    pub status: u16,
    /// Whether this is our own 408: the request timed out.
    pub timed_out: bool,
    /// Seconds of a Retry-After header.
    pub retry_after: Option<u32>,
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
    /// A message from outside the shard.
    fn message(&mut self, core: &mut Core, message: Box<dyn Any + Send>, out: &mut Output);
    /// Does at most `budget` pieces of queued work; true if there is more.
    fn work(&mut self, core: &mut Core, budget: usize, out: &mut Output) -> bool;
}

/// Makes the module's part in the shard of this number.
pub type ModuleFactory = Arc<dyn Fn(u16) -> Box<dyn ShardModule> + Send + Sync>;

/// What can be asked of a shard from outside.
pub enum ShardMessage {
    /// Packets that arrived at another shard.
    Packets(Vec<Packet>),
    /// A new configuration.
    Snapshot(Arc<Snapshot>),
    /// Adds a module.
    AddModule(ModuleFactory),
    /// Removes the module of this name.
    RemoveModule(&'static str),
    /// For the module of this name.
    Module(&'static str, Box<dyn Any + Send>),
    /// Dropped when all messages before it have been handled: its sender sees the channel close.
    Barrier(std::sync::mpsc::Sender<()>),
    /// Ends the shard.
    Stop,
}

/// Finds the local address that packets to a destination leave from.
pub trait Routes: Send {
    /// The source address for `destination`, or none if there is no way there.
    fn source_for(&mut self, destination: SocketAddr) -> Option<IpAddr>;
}

enum Timer {
    Client(ClientTimer),
    Module(u64),
}

/// The part of a shard that modules work with.
pub struct Core {
    id: u16,
    count: u16,
    now: Millis,
    snapshot: Arc<Snapshot>,
    server: ServerTransactions,
    client: ClientTransactions<Peer>,
    timers: TimerWheel<Timer>,
    tags: TagSource,
    routes: Box<dyn Routes>,
    stats: Arc<Stats>,
    allow: String,
    option_tags: Vec<&'static str>,
    hash: FixedState,
    /// The module that is running: owner of the timers and requests that it starts.
    current: u8,
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
        let system = &snapshot.config.system;
        let timers = Timers {
            t1: system.timer_t1.as_millis() as Millis,
            timeout: system.timer_b.as_millis() as Millis,
            ..Timers::default()
        };
        Self {
            core: Core {
                id,
                count,
                now,
                snapshot,
                server: ServerTransactions::new(timers, KEPT_ANSWERS),
                client: ClientTransactions::new(id, timers),
                timers: TimerWheel::new(now),
                tags: TagSource::new(),
                routes,
                stats: Arc::default(),
                allow: String::new(),
                option_tags: Vec::new(),
                hash: FixedState::with_seed(seed),
                current: 0,
            },
            scanner: Scanner::new(),
            modules: Vec::new(),
        }
    }

    /// The counters.
    pub fn stats(&self) -> Arc<Stats> {
        self.core.stats.clone()
    }

    /// A datagram arrived.
    pub fn receive(&mut self, now: Millis, peer: Peer, packet: &[u8], out: &mut Output) {
        self.core.now = now;
        self.core.stats.received.add();
        if !self.core.snapshot.booted {
            return self.core.stats.before_boot.add();
        }
        // The scanner is lent out while its message is read and `self` is changed.
        let mut scanner = std::mem::take(&mut self.scanner);
        match scanner.scan(packet) {
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
            ShardMessage::Snapshot(snapshot) => self.core.snapshot = snapshot,
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
        match self.serving(request.method) {
            Some(index) => self.with_module(index, |module, core| module.request(core, &request, out)),
            None => self.core.nobody_serves(&request, out),
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
        self.answer(token, Answer { status, timed_out: false, retry_after }, out);
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
                self.answer(token, Answer { status: 408, timed_out: true, retry_after: None }, out);
            }
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

impl Core {
    /// Number of this shard.
    pub fn id(&self) -> u16 {
        self.id
    }

    /// The time of what is being handled.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// The configuration.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The counters.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The methods that are served, as an Allow header.
    pub fn allow(&self) -> &str {
        &self.allow
    }

    /// The option tags that are understood.
    pub fn option_tags(&self) -> &[&'static str] {
        &self.option_tags
    }

    /// A new dialog tag.
    pub fn new_tag(&mut self) -> String {
        self.tags.next()
    }

    /// The address of ours that `peer` sees: where a transport is bound to all addresses, the one
    /// that packets to the peer leave from.
    pub fn local_address(&mut self, peer: Peer) -> SocketAddr {
        let Some(transport) = self.snapshot.transports.get(usize::from(peer.transport)) else {
            return SocketAddr::from(([0, 0, 0, 0], 0));
        };
        let mut local = transport.local;
        if local.ip().is_unspecified()
            && let Some(ip) = self.routes.source_for(peer.address)
        {
            local.set_ip(ip);
        }
        local
    }

    /// Arms a timer of the module that is running.
    pub fn arm(&mut self, at: Millis, token: u64) {
        self.timers.insert(at, Timer::Module(join_token(self.current, token)));
    }

    /// Sends a request of the module that is running; the answer comes back with `token`. `write`
    /// gets the branch for the Via and appends the whole message.
    pub fn send_request<E>(
        &mut self,
        peer: Peer,
        token: u64,
        out: &mut Output,
        write: impl FnOnce(&mut Vec<u8>, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let owner = join_token(self.current, token);
        let started = self.client.start(self.now, peer, false, owner, write)?;
        out.send(peer, self.client.request(started.timer));
        self.timers.insert(started.at, Timer::Client(started.timer));
        Ok(())
    }

    /// Answers a request, adding Server; `headers` adds the rest. A To tag is added where there is
    /// none.
    pub fn respond(
        &mut self,
        request: &Incoming<'_>,
        code: u16,
        tag: Option<&str>,
        out: &mut Output,
        headers: impl FnOnce(&mut Writer<'_>),
    ) {
        self.respond_with_reason(request, code, sip::reason_phrase(code), tag, out, headers);
    }

    /// Answers a request with an error. The To tag is the branch of the request, as it is for every
    /// stateless answer.
    pub fn refuse(
        &mut self,
        request: &Incoming<'_>,
        code: u16,
        out: &mut Output,
        headers: impl FnOnce(&mut Writer<'_>),
    ) {
        self.refuse_with_reason(request, code, sip::reason_phrase(code), out, headers);
    }

    /// [`refuse`](Self::refuse) with a reason phrase of its own.
    pub fn refuse_with_reason(
        &mut self,
        request: &Incoming<'_>,
        code: u16,
        reason: &str,
        out: &mut Output,
        headers: impl FnOnce(&mut Writer<'_>),
    ) {
        self.stats.refused.add();
        let branch = String::from_utf8_lossy(request.via.branch.unwrap_or_default());
        self.respond_with_reason(request, code, reason, Some(&branch), out, headers);
    }

    fn respond_with_reason(
        &mut self,
        request: &Incoming<'_>,
        code: u16,
        reason: &str,
        tag: Option<&str>,
        out: &mut Output,
        headers: impl FnOnce(&mut Writer<'_>),
    ) {
        let record_route = code < 300 && request.method == "SUBSCRIBE";
        let (peer, reply_to, message) = (request.peer, request.reply_to, &request.message);
        let written =
            self.write_answer(reply_to, peer, message, (code, reason), tag, record_route, out, headers);
        if let (Some(bytes), Some(id)) = (written, request.transaction) {
            self.server.answer(id, bytes);
        }
    }

    /// Writes an answer; gives its bytes.
    #[expect(clippy::too_many_arguments, reason = "all of them vary, and there are two callers")]
    pub(crate) fn write_answer<'o>(
        &mut self,
        reply_to: Peer,
        peer: Peer,
        message: &RawMessage<'_>,
        (code, reason): (u16, &str),
        tag: Option<&str>,
        record_route: bool,
        out: &'o mut Output,
        headers: impl FnOnce(&mut Writer<'_>),
    ) -> Option<&'o [u8]> {
        let server = &self.snapshot.config.global.user_agent;
        let written = out.send_with(reply_to, |bytes| {
            let mut writer = sip::response(bytes, message, code, reason, peer.address, tag, record_route);
            headers(&mut writer);
            if !server.is_empty() {
                writer.header("Server", &**server);
            }
            writer.finish(None)
        });
        written
            .inspect_err(|error| {
                self.stats.unanswerable.add();
                tracing::debug!("No {code} could be written to {}: {error}", peer.address);
            })
            .ok()
    }

    pub(crate) fn server_transactions(&mut self) -> &mut ServerTransactions {
        &mut self.server
    }

    pub(crate) fn random_hex(&mut self) -> String {
        self.tags.next()
    }

    fn shard_of(&self, call_id: &[u8]) -> u16 {
        use std::hash::BuildHasher;
        (self.hash.hash_one(call_id) % u64::from(self.count)) as u16
    }

    fn hand_over(&self, shard: u16, peer: Peer, packet: &[u8], out: &mut Output) {
        self.stats.handed_over.add();
        out.hand_over(shard, Packet { peer, bytes: packet.into() });
    }
}

fn join_token(module: u8, token: u64) -> u64 {
    u64::from(module) << TOKEN_BITS | token & ((1 << TOKEN_BITS) - 1)
}

fn split_token(token: u64) -> (usize, u64) {
    ((token >> TOKEN_BITS) as usize, token & ((1 << TOKEN_BITS) - 1))
}
