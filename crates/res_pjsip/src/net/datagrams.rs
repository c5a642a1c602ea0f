//! The UDP socket of a shard and transport: batches in, batches out.

use std::net::SocketAddr;
use std::task::{Context, Poll};

use tokio::io::Interest;
use tokio::net::UdpSocket;
use udp::{Receiver, Sender, is_about_destination};

use crate::stats::Stats;

/// See the module's description.
pub(crate) struct Datagrams {
    socket: UdpSocket,
    receiver: Receiver,
}

impl Datagrams {
    pub(crate) fn new(socket: std::net::UdpSocket) -> std::io::Result<Self> {
        Ok(Self { socket: UdpSocket::from_std(socket)?, receiver: Receiver::new() })
    }

    /// Reads one batch; true if anything was there.
    pub(crate) fn read(&mut self, each: impl FnMut(SocketAddr, &[u8])) -> bool {
        let (socket, receiver) = (&self.socket, &mut self.receiver);
        match socket.try_io(Interest::READABLE, || receiver.receive(socket, each)) {
            Ok(_) => return true,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            // An ICMP error of an earlier datagram; the socket itself is well.
            Err(error) => tracing::debug!("Reading from {:?}: {error}", socket.local_addr().ok()),
        }
        false
    }

    /// Whether there is something to read.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        // An error is read as one.
        self.socket.poll_recv_ready(context).map(drop)
    }

    /// Writes datagrams, waiting for room if there is none.
    pub(crate) async fn write(
        &self,
        sender: &mut Sender,
        stats: &Stats,
        mut datagrams: &[(SocketAddr, &[u8])],
    ) {
        let socket = &self.socket;
        while let Some(((destination, _), rest)) = datagrams.split_first() {
            match socket.try_io(Interest::WRITABLE, || sender.send(socket, datagrams)) {
                Ok(sent) => {
                    stats.sent.add_many(sent as u64);
                    datagrams = &datagrams[sent.max(1)..];
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    if socket.writable().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    stats.send_errors.add();
                    tracing::debug!("Sending to {destination}: {error}");
                    if is_about_destination(&error) {
                        datagrams = rest;
                    } else {
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
    }
}
