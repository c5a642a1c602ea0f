//! What leaves a shard: datagrams, and packets for other shards.

use std::net::SocketAddr;
use std::ops::Range;

use crate::resolve::Question;

/// The other end of a packet: an address, and the transport (its place in
/// [`Snapshot::transports`](crate::Snapshot)) by which it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Index of the transport.
    pub transport: u16,
    /// Address and port.
    pub address: SocketAddr,
}

/// A packet that arrived at one shard and belongs to another.
#[derive(Debug)]
pub struct Packet {
    /// Where it came from.
    pub peer: Peer,
    /// The datagram.
    pub bytes: Box<[u8]>,
}

/// Collects what a shard wants to send. One is reused for ever: its buffers stop growing soon.
#[derive(Debug, Default)]
pub struct Output {
    bytes: Vec<u8>,
    datagrams: Vec<(Peer, Range<usize>)>,
    handover: Vec<(u16, Packet)>,
    questions: Vec<(u64, Question)>,
}

impl Output {
    /// Queues a datagram.
    pub fn send(&mut self, peer: Peer, datagram: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(datagram);
        self.datagrams.push((peer, start..self.bytes.len()));
    }

    /// Queues a datagram that `write` appends to the buffer; gives it back for keeping. On error
    /// nothing is queued.
    pub fn send_with<E>(
        &mut self,
        peer: Peer,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<&[u8], E> {
        let start = self.bytes.len();
        if let Err(error) = write(&mut self.bytes) {
            self.bytes.truncate(start);
            return Err(error);
        }
        self.datagrams.push((peer, start..self.bytes.len()));
        Ok(&self.bytes[start..])
    }

    /// Queues a packet for shard number `shard`.
    pub fn hand_over(&mut self, shard: u16, packet: Packet) {
        self.handover.push((shard, packet));
    }

    /// Queues a question to the resolver; its answer comes back with `token`.
    pub(crate) fn ask(&mut self, token: u64, question: Question) {
        self.questions.push((token, question));
    }

    /// Takes the questions to the resolver, with the tokens of their
    /// [`ShardMessage::Resolved`](crate::ShardMessage::Resolved).
    pub fn take_questions(&mut self) -> std::vec::Drain<'_, (u64, Question)> {
        self.questions.drain(..)
    }

    /// The queued datagrams, in order.
    pub fn datagrams(&self) -> impl ExactSizeIterator<Item = (Peer, &[u8])> {
        self.datagrams.iter().map(|(peer, range)| (*peer, &self.bytes[range.clone()]))
    }

    /// Takes the packets for other shards.
    pub fn take_handover(&mut self) -> std::vec::Drain<'_, (u16, Packet)> {
        self.handover.drain(..)
    }

    /// Number of queued datagrams.
    pub fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty() && self.handover.is_empty() && self.questions.is_empty()
    }

    /// Forgets the datagrams, which have been sent.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
    }
}
