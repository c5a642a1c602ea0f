//! Datagrams by the dozen: one system call for many.

use std::io::{IoSlice, IoSliceMut, Result};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};

/// Datagrams in one system call.
pub const BATCH: usize = 64;
/// The largest UDP datagram.
const DATAGRAM: usize = 65_535;

/// Buffers for reading one socket, made once. Sockets of two address families must not share them:
/// the kernel is told as much room for the address of a sender as that of the one before needed, and
/// an IPv6 address does not fit where an IPv4 address was.
pub struct Receiver {
    buffers: Vec<u8>,
    headers: MultiHeaders<SockaddrStorage>,
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

impl Receiver {
    /// Empty buffers.
    pub fn new() -> Self {
        Self { buffers: vec![0; BATCH * DATAGRAM], headers: MultiHeaders::preallocate(BATCH, None) }
    }

    /// Reads what is there, at most [`BATCH`] datagrams; `WouldBlock` if there is nothing.
    pub fn receive(
        &mut self,
        socket: &impl AsRawFd,
        mut each: impl FnMut(SocketAddr, &[u8]),
    ) -> Result<usize> {
        let mut slices: Vec<[IoSliceMut<'_>; 1]> =
            self.buffers.chunks_exact_mut(DATAGRAM).map(|buffer| [IoSliceMut::new(buffer)]).collect();
        let results =
            recvmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None)?;
        let mut count = 0;
        for message in results {
            count += 1;
            if let Some(from) = message.address.and_then(address) {
                // An empty datagram has no part.
                each(from, message.iovs().next().unwrap_or_default());
            }
        }
        Ok(count)
    }
}

/// Buffers for writing, made once.
pub struct Sender {
    headers: MultiHeaders<SockaddrStorage>,
    addresses: Vec<Option<SockaddrStorage>>,
}

impl Default for Sender {
    fn default() -> Self {
        Self::new()
    }
}

impl Sender {
    /// Empty buffers.
    pub fn new() -> Self {
        Self { headers: MultiHeaders::preallocate(BATCH, None), addresses: Vec::with_capacity(BATCH) }
    }

    /// Writes datagrams, at most [`BATCH`]; gives the number that went out. An error is that of the
    /// first datagram.
    pub fn send(&mut self, socket: &impl AsRawFd, datagrams: &[(SocketAddr, &[u8])]) -> Result<usize> {
        let datagrams = &datagrams[..datagrams.len().min(BATCH)];
        self.addresses.clear();
        self.addresses.extend(datagrams.iter().map(|(to, _)| Some(SockaddrStorage::from(*to))));
        let slices: Vec<[IoSlice<'_>; 1]> =
            datagrams.iter().map(|(_, bytes)| [IoSlice::new(bytes)]).collect();
        let sent = sendmmsg(
            socket.as_raw_fd(),
            &mut self.headers,
            &slices,
            &self.addresses,
            [],
            MsgFlags::MSG_DONTWAIT,
        )?;
        Ok(sent.count())
    }
}

/// Whether an error is about one destination and not about the socket.
pub fn is_about_destination(error: &std::io::Error) -> bool {
    !matches!(error.raw_os_error().map(Errno::from_raw), Some(Errno::EAGAIN | Errno::ENOBUFS | Errno::EINTR))
}

fn address(storage: SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddr::from((v4.ip(), v4.port())));
    }
    storage.as_sockaddr_in6().map(|v6| SocketAddr::from((v6.ip(), v6.port())))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn many_datagrams_cross_in_order() {
        let [a, b] = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap());
        let to = b.local_addr().unwrap();
        let payloads: Vec<Vec<u8>> = (0..50u8).map(|i| vec![i; usize::from(i)]).collect();
        let datagrams: Vec<_> = payloads.iter().map(|p| (to, &p[..])).collect();
        assert_eq!(Sender::new().send(&a, &datagrams).unwrap(), 50);
        let mut got = Vec::new();
        let mut receiver = Receiver::new();
        while got.len() < 50 {
            match receiver.receive(&b, |from, bytes| got.push((from, bytes.to_vec()))) {
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
            }
        }
        let from = a.local_addr().unwrap();
        assert!(got.iter().zip(&payloads).all(|((f, g), p)| *f == from && g == p));
    }
}
