//! The part of a shard that its modules work with: the time, the configuration, answers, requests,
//! timers.

use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use foldhash::fast::FixedState;
use sip::transaction::{ClientTimer, ClientTransactions, ServerTransactions, Timers};
use sip::{Millis, RawMessage, ResponseHead, TimerWheel, Writer};

use crate::config::Protocol;
use crate::distributor::Incoming;
use crate::line_budget::LineBudget;
use crate::output::{Output, Packet, Peer};
use crate::requests::TcpRefused;
use crate::resolve::{Question, Target};
use crate::snapshot::{BoundTransport, Snapshot};
use crate::stats::Stats;
use crate::tag::TagSource;

/// Memory that one shard spends on answers kept for retransmitted requests.
const KEPT_ANSWERS: usize = 64 << 20;
/// Client tokens and timer tokens carry the module in their top byte.
const TOKEN_BITS: u32 = 56;

/// Finds the local address that packets to a destination leave from.
pub trait Routes: Send {
    /// The source address for `destination`, or none if there is no way there.
    fn source_for(&mut self, destination: SocketAddr) -> Option<IpAddr>;
}

/// What fires.
pub(crate) enum Timer {
    Client(ClientTimer),
    Module(u64),
}

/// The part of a shard that modules work with.
pub struct Core {
    pub(crate) id: u16,
    pub(crate) count: u16,
    pub(crate) now: Millis,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) server: ServerTransactions,
    pub(crate) client: ClientTransactions<Peer>,
    pub(crate) timers: TimerWheel<Timer>,
    pub(crate) tags: TagSource,
    pub(crate) routes: Box<dyn Routes>,
    pub(crate) tcp_refused: TcpRefused,
    pub(crate) stats: Arc<Stats>,
    /// Lines about malformed requests.
    pub(crate) malformed_lines: LineBudget,
    pub(crate) allow: String,
    pub(crate) option_tags: Vec<&'static str>,
    hash: FixedState,
    /// The module that is running: owner of the timers and requests that it starts.
    pub(crate) current: u8,
}

impl Core {
    pub(crate) fn new(
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
            id,
            count,
            now,
            snapshot,
            server: ServerTransactions::new(timers, KEPT_ANSWERS),
            client: ClientTransactions::new(id, timers),
            timers: TimerWheel::new(now),
            tags: TagSource::new(),
            routes,
            tcp_refused: TcpRefused::default(),
            stats: Arc::default(),
            malformed_lines: LineBudget::default(),
            allow: String::new(),
            option_tags: Vec::new(),
            hash: FixedState::with_seed(seed),
            current: 0,
        }
    }

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

    /// Whether a module serves `method`.
    pub(crate) fn serves(&self, method: &str) -> bool {
        self.allow.split(", ").any(|served| served == method)
    }

    /// A new dialog tag.
    pub fn new_tag(&mut self) -> String {
        self.tags.next()
    }

    /// A time within `over` that depends on `key` alone: what many keys are due at is spread evenly.
    pub fn spread(&self, key: &str, over: Millis) -> Millis {
        self.hash.hash_one(key) % over.max(1)
    }

    /// Arms a timer of the module that is running.
    pub fn arm(&mut self, at: Millis, token: u64) {
        self.timers.insert(at, Timer::Module(join_token(self.current, token)));
    }

    /// Asks for the addresses behind a name; the module that is running hears of them by
    /// [`ShardModule::resolved`](crate::ShardModule::resolved) with `token`.
    pub fn resolve(&mut self, question: Question, token: u64, out: &mut Output) {
        out.ask(join_token(self.current, token), question);
    }

    /// What we can send by: the protocols of the transports that listen.
    pub fn protocols(&self) -> Vec<Protocol> {
        let mut protocols = Vec::new();
        for transport in self.snapshot.transports.iter().filter(|it| it.open) {
            if !protocols.contains(&transport.config.protocol) {
                protocols.push(transport.config.protocol);
            }
        }
        protocols
    }

    /// The transport by which a target is reached: `preferred` if it fits, else the first that does.
    pub fn transport_for(&self, target: &Target, preferred: u16) -> Option<u16> {
        let fits = |transport: &&BoundTransport| {
            transport.open
                && transport.config.protocol == target.protocol
                && transport.local.is_ipv4() == target.address.is_ipv4()
        };
        let transports = &self.snapshot.transports;
        if transports.get(usize::from(preferred)).filter(fits).is_some() {
            return Some(preferred);
        }
        transports.iter().position(|transport| fits(&transport)).map(|index| index as u16)
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
        let head = ResponseHead {
            source: request.peer.address,
            to_tag: tag,
            record_route,
            force_rport: request.force_rport,
        };
        let written =
            self.write_answer(request.reply_to, &request.message, (code, reason), head, out, headers);
        if let (Some(bytes), Some(id)) = (written, request.transaction) {
            self.server.answer(id, bytes);
        }
    }

    /// Writes an answer; gives its bytes.
    pub(crate) fn write_answer<'o>(
        &mut self,
        reply_to: Peer,
        message: &RawMessage<'_>,
        (code, reason): (u16, &str),
        head: ResponseHead<'_>,
        out: &'o mut Output,
        headers: impl FnOnce(&mut Writer<'_>),
    ) -> Option<&'o [u8]> {
        let server = &self.snapshot.config.global.user_agent;
        let written = out.send_with(reply_to, |bytes| {
            let mut writer = head.write(bytes, message, code, reason);
            headers(&mut writer);
            if !server.is_empty() {
                writer.header("Server", &**server);
            }
            writer.finish(None)
        });
        written
            .inspect_err(|error| {
                self.stats.unanswerable.add();
                tracing::debug!("No {code} could be written to {}: {error}", head.source);
            })
            .ok()
    }

    pub(crate) fn server_transactions(&mut self) -> &mut ServerTransactions {
        &mut self.server
    }

    pub(crate) fn shard_of(&self, call_id: &[u8]) -> u16 {
        (self.hash.hash_one(call_id) % u64::from(self.count)) as u16
    }

    pub(crate) fn hand_over(&self, shard: u16, peer: Peer, packet: &[u8], out: &mut Output) {
        self.stats.handed_over.add();
        out.hand_over(shard, Packet { peer, bytes: packet.into() });
    }
}

pub(crate) fn join_token(module: u8, token: u64) -> u64 {
    u64::from(module) << TOKEN_BITS | token & ((1 << TOKEN_BITS) - 1)
}

pub(crate) fn split_token(token: u64) -> (usize, u64) {
    ((token >> TOKEN_BITS) as usize, token & ((1 << TOKEN_BITS) - 1))
}
