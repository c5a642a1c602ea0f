//! What leaves a shard: messages for peers, and packets for other shards.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::ops::Range;

use crate::resolve::Question;

/// The other end of a packet: an address, the transport (its place in
/// [`Snapshot::transports`](crate::Snapshot)) by which it is reached, and the connection, if it has
/// one. A peer of TCP or TLS without a connection is connected to when something is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Index of the transport.
    pub transport: u16,
    /// Address and port.
    pub address: SocketAddr,
    /// The connection that it uses.
    pub connection: Option<ConnectionId>,
}

impl Peer {
    /// A peer without a connection.
    pub fn new(transport: u16, address: SocketAddr) -> Self {
        Self { transport, address, connection: None }
    }
}

/// Names a connection for ever: the shard that owns it (16 bits) and a number that is not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId(NonZeroU64);

/// Bits of a connection's number within its shard.
const SERIAL_BITS: u32 = 48;

impl ConnectionId {
    /// Connection number `serial`, from 1, of a shard.
    pub fn new(shard: u16, serial: u64) -> Self {
        let serial = NonZeroU64::new(serial & ((1 << SERIAL_BITS) - 1)).unwrap_or(NonZeroU64::MIN);
        Self(serial | u64::from(shard) << SERIAL_BITS)
    }

    /// The shard that owns it.
    pub fn shard(self) -> u16 {
        (self.0.get() >> SERIAL_BITS) as u16
    }
}

/// A connection that is gone, or could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedConnection {
    /// The peer, as far as it had a connection with it.
    pub peer: Peer,
    /// We had opened it, or wanted to: requests to the address without a connection are lost too.
    pub dialed: bool,
}

impl ClosedConnection {
    /// Whether what was sent to `peer` went this way.
    pub fn carried(&self, peer: &Peer) -> bool {
        match peer.connection {
            Some(connection) => self.peer.connection == Some(connection),
            None => self.dialed && (self.peer.transport, self.peer.address) == (peer.transport, peer.address),
        }
    }
}

/// A packet that one shard gives to another.
#[derive(Debug)]
pub struct Packet {
    /// Where it came from, or goes.
    pub peer: Peer,
    /// The message.
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
