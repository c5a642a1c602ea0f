//! Client transactions: a request goes out until it is answered or nobody can be waiting any more.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use crate::Millis;
use crate::transaction::Timers;

/// Length of a branch of ours: cookie, shard, slot and nonce.
const BRANCH_LEN: usize = 9 + 4 + 8 + 16;
/// How our branches begin; `z9hG4bK` is RFC 3261's cookie.
const PREFIX: &[u8; 9] = b"z9hG4bKSt";

/// A timer of one transaction, to be armed by the caller and handed back when it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientTimer {
    slot: u32,
    nonce: u64,
}

/// What [`ClientTransactions::start`] gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientStart {
    /// The first timer to arm.
    pub timer: ClientTimer,
    /// When it fires.
    pub at: Millis,
}

/// What a timer that fired means.
#[derive(Debug, PartialEq, Eq)]
pub enum Tick<'a, P> {
    /// The transaction is over: nothing to do.
    Stale,
    /// Send these bytes to `peer` again, and arm the timer for `at`.
    Retransmit {
        /// Where to.
        peer: P,
        /// The request.
        bytes: &'a [u8],
        /// The next time of the same timer.
        at: Millis,
    },
    /// Nobody answered in time (timer F): the owner's token.
    TimedOut(u64),
}

/// A request that could not be delivered.
#[derive(Debug, PartialEq, Eq)]
pub struct Undelivered<P> {
    /// The owner's token. Its transaction is over.
    pub owner: u64,
    /// Where it was to go before [`ClientTransactions::redirect`], and its bytes.
    pub former: Option<(P, Vec<u8>)>,
}

struct Slot<P> {
    /// Zero while the slot is free.
    nonce: u64,
    owner: u64,
    peer: Option<P>,
    /// Where it was to go before it was redirected.
    former: Option<P>,
    bytes: Vec<u8>,
    /// Interval until the next copy; none on a reliable transport.
    interval: Option<Millis>,
    ends: Millis,
}

/// The client transactions of one shard. `P` names a peer (transport and address); `owner` is the
/// token of whoever sent the request.
pub struct ClientTransactions<P> {
    shard: u16,
    slots: Vec<Slot<P>>,
    free: Vec<u32>,
    hasher: RandomState,
    counter: u64,
    timers: Timers,
}

impl<P: Copy> ClientTransactions<P> {
    /// The table of shard number `shard`.
    pub fn new(shard: u16, timers: Timers) -> Self {
        Self { shard, slots: Vec::new(), free: Vec::new(), hasher: RandomState::new(), counter: 0, timers }
    }

    /// Opens a transaction. `write` gets the branch and appends the whole request to the buffer,
    /// which is kept for retransmission and reused afterwards; [`request`](Self::request) reads it.
    pub fn start<E>(
        &mut self,
        now: Millis,
        peer: P,
        reliable: bool,
        owner: u64,
        write: impl FnOnce(&mut Vec<u8>, &[u8]) -> Result<(), E>,
    ) -> Result<ClientStart, E> {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                nonce: 0,
                owner: 0,
                peer: None,
                former: None,
                bytes: Vec::new(),
                interval: None,
                ends: 0,
            });
            self.slots.len() as u32 - 1
        });
        let nonce = self.nonce();
        let branch = branch(self.shard, index, nonce);
        let slot = &mut self.slots[index as usize];
        slot.bytes.clear();
        if let Err(error) = write(&mut slot.bytes, &branch) {
            self.free.push(index);
            return Err(error);
        }
        slot.nonce = nonce;
        slot.owner = owner;
        slot.peer = Some(peer);
        slot.former = None;
        slot.ends = now + self.timers.timeout;
        slot.interval = (!reliable).then_some(self.timers.t1);
        let at = slot.interval.map_or(slot.ends, |interval| now + interval);
        Ok(ClientStart { timer: ClientTimer { slot: index, nonce }, at })
    }

    /// Gives a transaction that was just started less time.
    pub fn end_by(&mut self, started: &mut ClientStart, at: Millis) {
        let ours = |slot: &&mut Slot<P>| slot.nonce == started.timer.nonce;
        if let Some(slot) = self.slots.get_mut(started.timer.slot as usize).filter(ours) {
            slot.ends = slot.ends.min(at);
            started.at = started.at.min(slot.ends);
        }
    }

    /// The bytes of a request that [`start`](Self::start) opened.
    pub fn request(&self, timer: ClientTimer) -> &[u8] {
        self.slots.get(timer.slot as usize).filter(|s| s.nonce == timer.nonce).map_or(&[], |s| &s.bytes)
    }

    /// Sends a request that was just started another way, by a reliable transport. `edit` changes its
    /// bytes.
    pub fn redirect(
        &mut self,
        started: ClientStart,
        peer: P,
        edit: impl FnOnce(&mut Vec<u8>),
    ) -> ClientStart {
        let timer = started.timer;
        let Some(slot) = self.slots.get_mut(timer.slot as usize).filter(|s| s.nonce == timer.nonce) else {
            return started;
        };
        slot.former = slot.peer.replace(peer);
        slot.interval = None;
        edit(&mut slot.bytes);
        ClientStart { timer, at: slot.ends }
    }

    /// The transport has failed for some peers (RFC 3261 17.1.4): their requests.
    pub fn fail(&mut self, is_lost: impl Fn(&P) -> bool) -> Vec<Undelivered<P>> {
        let lost = |slot: &Slot<P>| slot.nonce != 0 && slot.peer.as_ref().is_some_and(&is_lost);
        let lost: Vec<_> = (0..self.slots.len()).filter(|index| lost(&self.slots[*index])).collect();
        let take = |index: usize| {
            let slot = &mut self.slots[index];
            let former = slot.former.take().map(|former| (former, std::mem::take(&mut slot.bytes)));
            Undelivered { owner: self.end(index as u32), former }
        };
        lost.into_iter().map(take).collect()
    }

    /// A response came: the owner of its transaction, if it is one of ours. After a final response
    /// the transaction is over.
    pub fn response(&mut self, branch: &[u8], status: u16) -> Option<u64> {
        let (_, index, nonce) = parse_branch(branch)?;
        let slot = self.slots.get_mut(index as usize).filter(|s| s.nonce == nonce)?;
        if status < 200 {
            // Proceeding: copies only every T2 (RFC 3261 17.1.2.2).
            slot.interval = slot.interval.map(|_| self.timers.t2);
            return Some(slot.owner);
        }
        Some(self.end(index))
    }

    /// A timer fired.
    pub fn tick(&mut self, now: Millis, timer: ClientTimer) -> Tick<'_, P> {
        let ours = |slot: &Slot<P>| slot.nonce == timer.nonce;
        if self.slots.get(timer.slot as usize).is_some_and(|s| ours(s) && now >= s.ends) {
            return Tick::TimedOut(self.end(timer.slot));
        }
        let Some(slot) = self.slots.get_mut(timer.slot as usize).filter(|s| ours(s)) else {
            return Tick::Stale;
        };
        let (Some(interval), Some(peer)) = (slot.interval, slot.peer) else { return Tick::Stale };
        let next = (interval * 2).min(self.timers.t2);
        slot.interval = Some(next);
        Tick::Retransmit { peer, bytes: &slot.bytes, at: (now + next).min(slot.ends) }
    }

    /// Ends a transaction without an answer (its owner is gone).
    pub fn abandon(&mut self, timer: ClientTimer) {
        if self.slots.get(timer.slot as usize).is_some_and(|s| s.nonce == timer.nonce) {
            self.end(timer.slot);
        }
    }

    /// Number of transactions that wait for an answer.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shard that a branch of ours belongs to, or none for a foreign branch.
    pub fn shard_of(branch: &[u8]) -> Option<u16> {
        parse_branch(branch).map(|(shard, _, _)| shard)
    }

    fn end(&mut self, index: u32) -> u64 {
        let slot = &mut self.slots[index as usize];
        slot.nonce = 0;
        // A rare huge request must not pin its buffer for ever.
        if slot.bytes.capacity() > 8192 {
            slot.bytes = Vec::new();
        }
        self.free.push(index);
        slot.owner
    }

    /// A number that nobody off the path can guess: an answer cannot be forged blindly.
    fn nonce(&mut self) -> u64 {
        self.counter += 1;
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(self.counter);
        hasher.finish().max(1)
    }
}

fn branch(shard: u16, slot: u32, nonce: u64) -> [u8; BRANCH_LEN] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut out = [0; BRANCH_LEN];
    out[..9].copy_from_slice(PREFIX);
    let digits = |out: &mut [u8], value: u64| {
        let last = out.len() - 1;
        for (place, byte) in out.iter_mut().enumerate() {
            *byte = HEX[(value >> ((last - place) * 4) & 0xf) as usize];
        }
    };
    digits(&mut out[9..13], u64::from(shard));
    digits(&mut out[13..21], u64::from(slot));
    digits(&mut out[21..], nonce);
    out
}

fn parse_branch(branch: &[u8]) -> Option<(u16, u32, u64)> {
    let digits = branch.strip_prefix(PREFIX).filter(|d| d.len() == BRANCH_LEN - 9)?;
    let number = |part: &[u8]| {
        part.iter().try_fold(0u64, |value, byte| {
            let digit = (*byte as char).to_digit(16)?;
            Some(value << 4 | u64::from(digit))
        })
    };
    Some((number(&digits[..4])? as u16, number(&digits[4..12])? as u32, number(&digits[12..])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Table = ClientTransactions<&'static str>;

    fn start(table: &mut Table, now: Millis, owner: u64) -> (ClientStart, Vec<u8>) {
        let mut seen = Vec::new();
        let started = table
            .start(now, "phone", false, owner, |out, branch| {
                seen = branch.to_vec();
                out.extend_from_slice(b"NOTIFY");
                Ok::<_, ()>(())
            })
            .unwrap();
        (started, seen)
    }

    /// ```text
    ///   us                phone
    ///   |-- NOTIFY ------>x      0
    ///   |-- NOTIFY ------>x    500   T1
    ///   |-- NOTIFY ------>x   1500   2·T1
    ///   |-- NOTIFY ------>x   3500   4·T1
    ///   |-- NOTIFY ------>x   7500   T2 from here on
    ///   ...
    ///   timer F             32000
    /// ```
    #[test]
    fn an_unanswered_request_is_repeated_and_then_given_up() {
        let mut table = Table::new(0, Timers::default());
        let (ClientStart { timer, mut at }, _) = start(&mut table, 0, 42);
        let mut times = Vec::new();
        let end = loop {
            match table.tick(at, timer) {
                Tick::Retransmit { peer, bytes, at: next } => {
                    assert_eq!((peer, bytes), ("phone", &b"NOTIFY"[..]));
                    times.push(at);
                    at = next;
                }
                Tick::TimedOut(owner) => break (owner, at),
                Tick::Stale => panic!("stale"),
            }
        };
        assert_eq!(times, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
        assert_eq!(end, (42, 32_000));
        assert!(table.is_empty());
        assert_eq!(table.tick(40_000, timer), Tick::Stale);
    }

    #[test]
    fn a_final_response_ends_it_and_a_second_one_is_foreign() {
        let mut table = Table::new(3, Timers::default());
        let (started, branch) = start(&mut table, 0, 7);
        assert_eq!(Table::shard_of(&branch), Some(3));
        assert_eq!(table.response(&branch, 100), Some(7));
        assert_eq!(table.response(&branch, 200), Some(7));
        assert_eq!(table.response(&branch, 200), None);
        assert_eq!(table.tick(500, started.timer), Tick::Stale);
    }

    #[test]
    fn a_reused_slot_does_not_take_the_answers_of_its_predecessor() {
        let mut table = Table::new(0, Timers::default());
        let (first, old) = start(&mut table, 0, 1);
        table.abandon(first.timer);
        let (_, new) = start(&mut table, 0, 2);
        assert_eq!(table.response(&old, 200), None);
        assert_eq!(table.response(&new, 200), Some(2));
    }

    #[test]
    fn what_went_by_a_lost_connection_is_given_back() {
        let mut table = Table::new(0, Timers::default());
        let (switched, _) = start(&mut table, 0, 1);
        let (_, other) = start(&mut table, 0, 2);
        let switched = table.redirect(switched, "connection", |bytes| bytes.push(b'!'));
        assert_eq!((switched.at, table.request(switched.timer)), (32_000, &b"NOTIFY!"[..]));
        assert_eq!(table.tick(500, switched.timer), Tick::Stale, "no copies on a connection");
        let undelivered = table.fail(|peer| *peer == "connection");
        assert_eq!(undelivered, [Undelivered { owner: 1, former: Some(("phone", b"NOTIFY!".to_vec())) }]);
        assert_eq!(table.fail(|peer| *peer == "connection"), []);
        assert_eq!(table.response(&other, 200), Some(2));
    }

    #[test]
    fn a_transaction_with_less_time_ends_earlier() {
        let mut table = Table::new(0, Timers::default());
        let (mut started, _) = start(&mut table, 0, 1);
        table.end_by(&mut started, 700);
        assert_eq!(started.at, 500);
        assert!(matches!(table.tick(500, started.timer), Tick::Retransmit { at: 700, .. }));
        assert_eq!(table.tick(700, started.timer), Tick::TimedOut(1));
    }

    #[test]
    fn after_a_provisional_answer_copies_go_every_t2() {
        let mut table = Table::new(0, Timers::default());
        let (started, branch) = start(&mut table, 0, 1);
        table.response(&branch, 183);
        match table.tick(500, started.timer) {
            Tick::Retransmit { at, .. } => assert_eq!(at, 4_500),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn foreign_branches_are_refused() {
        for branch in ["", "z9hG4bK", "z9hG4bKSt", "z9hG4bKPj1", "z9hG4bKSt000g00000000ffffffffffffffff"] {
            assert_eq!(Table::shard_of(branch.as_bytes()), None, "{branch}");
        }
    }
}
