//! Datagrams that wait to be sent, all in one buffer.

use std::io::{ErrorKind, Result};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use udp::{BATCH, Sender, is_about_destination};

/// Messages for one socket, written behind each other and sent by the dozen.
#[derive(Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    /// Destination of each message and where it ends.
    messages: Vec<(SocketAddr, usize)>,
    sender: Sender,
}

impl Outbox {
    /// Adds the message that `write` appends; nothing if it appends nothing.
    pub(crate) fn push(&mut self, to: SocketAddr, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let length = self.bytes.len() - start;
        if length > 0 {
            self.messages.push((to, self.bytes.len()));
        }
        length
    }

    /// Sends everything, waiting where the socket is full. A destination that refuses is skipped.
    pub(crate) fn flush(&mut self, socket: &UdpSocket) -> Result<()> {
        let mut start = 0;
        let datagrams: Vec<(SocketAddr, &[u8])> = self
            .messages
            .iter()
            .map(|&(to, end)| {
                let message = self.bytes.get(start..end).unwrap_or_default();
                start = end;
                (to, message)
            })
            .collect();
        let mut rest = &datagrams[..];
        while !rest.is_empty() {
            let sent = match self.sender.send(socket, rest.get(..BATCH).unwrap_or(rest)) {
                Ok(sent) => sent,
                Err(error) if is_about_destination(&error) => 1,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                    wait(&[socket], PollFlags::POLLOUT, Duration::from_secs(1))?;
                    0
                }
                Err(error) => return Err(error),
            };
            rest = rest.get(sent..).unwrap_or_default();
        }
        self.messages.clear();
        self.bytes.clear();
        Ok(())
    }
}

/// Waits until some of the sockets are ready; gives their positions, none after `timeout`.
pub(crate) fn wait<S: AsFd>(sockets: &[S], events: PollFlags, timeout: Duration) -> Result<Vec<usize>> {
    let mut fds: Vec<_> = sockets.iter().map(|socket| PollFd::new(socket.as_fd(), events)).collect();
    // Rounded up: a wait of less than a millisecond must not become a busy loop.
    let timeout = PollTimeout::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX);
    match poll(&mut fds, timeout) {
        Ok(_) => Ok((0..fds.len()).filter(|&i| fds.get(i).and_then(PollFd::any).unwrap_or(false)).collect()),
        Err(Errno::EINTR) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}
