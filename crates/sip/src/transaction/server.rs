//! Server transactions: one answer for a request, however often it arrives.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use hashbrown::HashMap;

use crate::Millis;
use crate::transaction::Timers;

/// What identifies a request: its branch, sent-by and method (RFC 3261 17.2.3).
#[derive(Debug, Clone, Copy)]
pub struct TransactionKey<'a> {
    /// The branch parameter of the topmost Via; empty for a request of an RFC 2543 client.
    pub branch: &'a [u8],
    /// Host of the topmost Via, as sent.
    pub host: &'a str,
    /// Port of the topmost Via, if it was sent.
    pub port: Option<u16>,
    /// The method.
    pub method: &'a str,
    /// Call-ID, From tag and CSeq number: what two copies of one request that came by different
    /// ways (a forking proxy) have in common (RFC 3261 8.2.2.2).
    pub call_id: &'a [u8],
    /// See `call_id`.
    pub from_tag: &'a [u8],
    /// See `call_id`.
    pub cseq: u32,
    /// Whether the request is inside a dialog; such a request is never a merged one.
    pub in_dialog: bool,
}

/// Names one transaction until its answer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransactionId {
    key: u128,
    number: u64,
}

/// What a request turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// Never seen: handle it and [`answer`](ServerTransactions::answer).
    New(TransactionId),
    /// A copy of one that was answered: send these bytes again.
    Answered(&'a [u8]),
    /// A copy of one that is still being handled: say nothing.
    Pending,
    /// The same request by another way: 482.
    Merged,
}

struct Transaction {
    number: u64,
    answer: Option<Box<[u8]>>,
    merge: Option<u128>,
}

/// The server transactions of one shard.
pub struct ServerTransactions {
    by_key: HashMap<u128, Transaction, foldhash::fast::RandomState>,
    /// Requests by what merged copies share, with the key that came first.
    by_merge: HashMap<u128, u128, foldhash::fast::RandomState>,
    /// Timer J is the same for all, so they end in the order in which they came.
    ends: VecDeque<(Millis, u128)>,
    hashers: [RandomState; 2],
    timers: Timers,
    opened: u64,
    kept_bytes: usize,
    limit: usize,
    evicted: u64,
}

impl ServerTransactions {
    /// A table that keeps at most `limit` bytes of answers; beyond it the oldest go first. A copy of
    /// a forgotten request is handled anew, which CSeq makes harmless inside a dialog.
    pub fn new(timers: Timers, limit: usize) -> Self {
        Self {
            by_key: HashMap::default(),
            by_merge: HashMap::default(),
            ends: VecDeque::new(),
            // SipHash with random keys, twice: 128 bits that nobody outside can aim at, so the keys
            // themselves need not be kept.
            hashers: [RandomState::new(), RandomState::new()],
            timers,
            opened: 0,
            kept_bytes: 0,
            limit,
            evicted: 0,
        }
    }

    /// Looks a request up and opens a transaction if it is new.
    pub fn receive(&mut self, now: Millis, key: &TransactionKey<'_>) -> Arrival<'_> {
        let hash = self.hash(|h| hash_key(key, h));
        let merge = (!key.in_dialog).then(|| self.hash(|h| hash_merge(key, h)));
        // Borrowed for the answer below; a second look-up keeps the borrow checker content.
        if self.by_key.contains_key(&hash) {
            return match self.by_key.get(&hash).and_then(|t| t.answer.as_deref()) {
                Some(answer) => Arrival::Answered(answer),
                None => Arrival::Pending,
            };
        }
        if let Some(merge) = merge {
            match self.by_merge.get(&merge) {
                Some(first) if self.by_key.contains_key(first) => return Arrival::Merged,
                _ => {
                    self.by_merge.insert(merge, hash);
                }
            }
        }
        self.opened += 1;
        self.by_key.insert(hash, Transaction { number: self.opened, answer: None, merge });
        self.ends.push_back((now + self.timers.timeout, hash));
        Arrival::New(TransactionId { key: hash, number: self.opened })
    }

    /// Keeps the answer that was sent, for the copies of the request that may still come.
    pub fn answer(&mut self, id: TransactionId, answer: &[u8]) {
        let Some(transaction) = self.by_key.get_mut(&id.key).filter(|t| t.number == id.number) else {
            return;
        };
        self.kept_bytes += answer.len();
        transaction.answer = Some(answer.into());
        while self.kept_bytes > self.limit {
            let Some((_, oldest)) = self.ends.pop_front() else { return };
            self.evicted += u64::from(self.remove(oldest));
        }
    }

    /// Ends the transactions whose timer J has fired.
    pub fn expire(&mut self, now: Millis) {
        while let Some((_, hash)) = self.ends.pop_front_if(|(end, _)| *end <= now) {
            self.remove(hash);
        }
    }

    /// When the next transaction ends.
    pub fn next_deadline(&self) -> Option<Millis> {
        self.ends.front().map(|(end, _)| *end)
    }

    /// Number of live transactions.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// How many were forgotten early because of the limit.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    fn remove(&mut self, hash: u128) -> bool {
        let Some(transaction) = self.by_key.remove(&hash) else { return false };
        self.kept_bytes -= transaction.answer.map_or(0, |answer| answer.len());
        if let Some(merge) = transaction.merge
            && self.by_merge.get(&merge) == Some(&hash)
        {
            self.by_merge.remove(&merge);
        }
        true
    }

    fn hash(&self, feed: impl Fn(&mut dyn Hasher)) -> u128 {
        let [high, low] = [0, 1].map(|i| {
            let mut hasher = self.hashers[i].build_hasher();
            feed(&mut hasher);
            hasher.finish()
        });
        u128::from(high) << 64 | u128::from(low)
    }
}

/// Marks of RFC 3261: a branch with it is unique, one without is from an RFC 2543 client.
const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

fn hash_key(key: &TransactionKey<'_>, hasher: &mut dyn Hasher) {
    for part in [key.branch, key.host.as_bytes(), key.method.as_bytes()] {
        hash_part(part, hasher);
    }
    hasher.write_u32(key.port.map_or(u32::MAX, u32::from));
    if !key.branch.get(..MAGIC_COOKIE.len()).is_some_and(|b| b.eq_ignore_ascii_case(MAGIC_COOKIE)) {
        hash_merge(key, hasher);
    }
}

fn hash_merge(key: &TransactionKey<'_>, hasher: &mut dyn Hasher) {
    hash_part(key.call_id, hasher);
    hash_part(key.from_tag, hasher);
    hash_part(key.method.as_bytes(), hasher);
    hasher.write_u32(key.cseq);
}

fn hash_part(part: &[u8], hasher: &mut dyn Hasher) {
    hasher.write_usize(part.len());
    hasher.write(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(branch: &str) -> TransactionKey<'_> {
        TransactionKey {
            branch: branch.as_bytes(),
            host: "192.0.2.1",
            port: Some(5060),
            method: "SUBSCRIBE",
            call_id: b"c1",
            from_tag: b"f1",
            cseq: 1,
            in_dialog: false,
        }
    }

    fn table() -> ServerTransactions {
        ServerTransactions::new(Timers::default(), 1 << 20)
    }

    fn open(table: &mut ServerTransactions, now: Millis, key: &TransactionKey<'_>) -> TransactionId {
        match table.receive(now, key) {
            Arrival::New(id) => id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_copy_gets_the_same_answer_until_timer_j() {
        let mut table = table();
        let id = open(&mut table, 0, &key("z9hG4bK1"));
        assert_eq!(table.receive(10, &key("z9hG4bK1")), Arrival::Pending);
        table.answer(id, b"200");
        assert_eq!(table.receive(500, &key("z9hG4bK1")), Arrival::Answered(b"200"));
        table.expire(31_999);
        assert_eq!(table.receive(31_999, &key("z9hG4bK1")), Arrival::Answered(b"200"));
        table.expire(32_000);
        assert!(matches!(table.receive(32_000, &key("z9hG4bK1")), Arrival::New(_)));
    }

    #[test]
    fn another_method_or_sent_by_is_another_transaction() {
        let mut table = table();
        open(&mut table, 0, &key("z9hG4bK1"));
        open(&mut table, 0, &TransactionKey { method: "OPTIONS", ..key("z9hG4bK1") });
        open(&mut table, 0, &TransactionKey { host: "192.0.2.2", call_id: b"c2", ..key("z9hG4bK1") });
        assert_eq!(table.len(), 3);
    }

    #[test]
    fn a_merged_request_is_seen_outside_a_dialog_only() {
        let mut table = table();
        open(&mut table, 0, &key("z9hG4bK1"));
        assert_eq!(table.receive(0, &key("z9hG4bK2")), Arrival::Merged);
        open(&mut table, 0, &TransactionKey { cseq: 2, ..key("z9hG4bK2") });
        open(&mut table, 0, &TransactionKey { in_dialog: true, ..key("z9hG4bK3") });
        // Once the first has ended, a request that looks like it is a new one.
        table.expire(32_000);
        open(&mut table, 32_000, &key("z9hG4bK4"));
    }

    #[test]
    fn without_magic_cookie_the_dialog_ids_tell_requests_apart() {
        let mut table = table();
        open(&mut table, 0, &key("1"));
        assert_eq!(table.receive(0, &key("1")), Arrival::Pending);
        open(&mut table, 0, &TransactionKey { cseq: 2, ..key("1") });
    }

    #[test]
    fn the_oldest_answers_go_when_the_limit_is_reached() {
        let mut table = ServerTransactions::new(Timers::default(), 25);
        for (index, branch) in ["z9hG4bK0", "z9hG4bK1", "z9hG4bK2"].iter().enumerate() {
            let key = TransactionKey { cseq: index as u32, ..key(branch) };
            let id = open(&mut table, 0, &key);
            table.answer(id, &[b'x'; 10]);
        }
        assert_eq!((table.len(), table.evicted()), (2, 1));
        assert!(matches!(table.receive(1, &TransactionKey { cseq: 0, ..key("z9hG4bK0") }), Arrival::New(_)));
    }
}
