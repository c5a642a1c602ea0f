//! The way into a shard: messages, sockets to serve, packets from other shards.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::transports::TransportSocket;
use crate::output::Packet;
use crate::shard::ShardMessage;
use crate::snapshot::Snapshot;

/// Batches of packets that may wait for a shard; more are dropped, as the kernel would.
const HANDOVER_QUEUE: usize = 1024;

/// What can be asked of a shard's thread.
pub(crate) enum Control {
    /// For the shard itself.
    Shard(ShardMessage),
    /// Serves one more socket, of the transport of this index.
    Open(u16, TransportSocket),
    /// A new configuration and the sockets that come with it, each of the transport of this index; none
    /// closes it, with its connections.
    Reload(Arc<Snapshot>, Vec<(u16, Option<TransportSocket>)>),
    /// Serves the transport of this index no more, and ends its connections.
    Close(u16),
}

/// Packets that one shard gives to another.
#[derive(Debug, Default)]
pub(crate) struct Handover {
    /// Those that came in and belong to the other shard.
    pub(crate) arrived: Vec<Packet>,
    /// Those that leave by a connection of the other shard.
    pub(crate) leaving: Vec<Packet>,
}

impl Handover {
    /// Number of packets.
    pub(crate) fn len(&self) -> usize {
        self.arrived.len() + self.leaving.len()
    }
}

/// The way into a shard.
#[derive(Clone)]
pub(crate) struct ShardInbox {
    control: mpsc::UnboundedSender<Control>,
    packets: mpsc::Sender<Handover>,
}

impl ShardInbox {
    /// Queues a message; false if the shard has ended.
    pub(crate) fn send(&self, message: ShardMessage) -> bool {
        self.control(Control::Shard(message))
    }

    /// Queues something for the shard's thread; false if it has ended.
    pub(crate) fn control(&self, control: Control) -> bool {
        self.control.send(control).is_ok()
    }

    /// Queues packets; gives them back if there is no room.
    pub(crate) fn hand_over(&self, packets: Handover) -> Result<(), Handover> {
        self.packets.try_send(packets).map_err(|error| error.into_inner())
    }
}

/// The other end of a [`ShardInbox`].
pub(crate) struct InboxReader {
    pub(crate) control: mpsc::UnboundedReceiver<Control>,
    pub(crate) packets: mpsc::Receiver<Handover>,
}

/// Makes an inbox.
pub(crate) fn inbox() -> (ShardInbox, InboxReader) {
    let (control_in, control) = mpsc::unbounded_channel();
    let (packets_in, packets) = mpsc::channel(HANDOVER_QUEUE);
    (ShardInbox { control: control_in, packets: packets_in }, InboxReader { control, packets })
}
