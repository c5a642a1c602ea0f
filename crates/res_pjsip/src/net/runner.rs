//! The thread of a shard: waits for packets, messages and time, feeds the [`Shard`], and sends what
//! it answers.

use std::sync::Arc;
use std::time::Instant;

use sip::Millis;
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep_until};
use udp::BATCH;

use super::connections::Connections;
use super::inbox::{InboxReader, ShardInbox};
use super::io::Io;
use super::limits::Limits;
use super::link::Input;
use super::transports::TransportSocket;
use crate::history::History;
use crate::output::Output;
use crate::resolve::Resolver;
use crate::shard::Shard;
use crate::snapshot::Snapshot;

/// Pieces of queued work (NOTIFYs) between two looks at the sockets: answers are read while a large
/// fan-out is still going on, so no receive buffer overflows.
const WORK_BUDGET: usize = 64;
/// What connections may have ready for their shard; the rest waits in the network.
const INPUT_QUEUE: usize = 256;

/// A shard with its sockets.
pub(crate) struct Runner {
    pub(crate) shard: Shard,
    pub(crate) inbox: InboxReader,
    /// With the index of each transport.
    pub(crate) sockets: Vec<(u16, TransportSocket)>,
    /// All shards, this one too.
    pub(crate) shards: Vec<ShardInbox>,
    /// What [`Millis`] count from.
    pub(crate) epoch: Instant,
    /// For the SIP logger, and what connections need.
    pub(crate) snapshot: Arc<Snapshot>,
    /// Shared by all shards.
    pub(crate) limits: Arc<Limits>,
    /// Shared by all shards.
    pub(crate) helpers: Helpers,
}

/// What the shards have in common beside their work.
#[derive(Clone)]
pub(crate) struct Helpers {
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
            let (inputs_in, inputs) = mpsc::channel(INPUT_QUEUE);
            let (id, stats) = (self.shard.id(), self.shard.stats());
            let connections = Connections::new(id, inputs_in.clone(), self.limits, stats.clone());
            let mut io = Io::new(id, self.shards, self.snapshot, connections, inputs_in, stats, self.helpers);
            for (transport, socket) in self.sockets {
                io.open(transport, socket)?;
            }
            run(self.shard, self.inbox, inputs, &mut io, self.epoch).await;
            io.stop().await;
            Ok(())
        })
    }
}

async fn run(
    mut shard: Shard,
    mut inbox: InboxReader,
    mut inputs: mpsc::Receiver<Input>,
    io: &mut Io,
    epoch: Instant,
) {
    let now = || epoch.elapsed().as_millis() as Millis;
    let mut out = Output::default();
    loop {
        let mut busy = io.read(&mut shard, now(), &mut out);
        while let Ok(packets) = inbox.packets.try_recv() {
            busy = true;
            io.handed_over(&mut shard, now(), packets, &mut out);
            if out.len() >= BATCH {
                break;
            }
        }
        while let Ok(input) = inputs.try_recv() {
            busy = true;
            io.input(&mut shard, now(), input, &mut out);
            if out.len() >= BATCH {
                break;
            }
        }
        let mut go_on = true;
        while go_on && let Ok(control) = inbox.control.try_recv() {
            busy = true;
            go_on = io.control(&mut shard, now(), control, &mut out).await;
        }
        if go_on {
            shard.tick(now(), &mut out);
            busy |= shard.work(now(), WORK_BUDGET, &mut out);
        }
        busy |= !out.is_empty();
        busy |= io.flush(&mut shard, now(), &mut out).await;
        if !go_on {
            return;
        }
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
                io.handed_over(&mut shard, now(), packets, &mut out);
            }
            Some(input) = inputs.recv() => io.input(&mut shard, now(), input, &mut out),
            control = inbox.control.recv() => {
                let Some(control) = control else { return };
                if !io.control(&mut shard, now(), control, &mut out).await {
                    io.flush(&mut shard, now(), &mut out).await;
                    return;
                }
            }
            () = sleep_until(deadline.unwrap_or(epoch).into()), if deadline.is_some() => {}
        }
    }
}
