//! Binding sockets: several on one address.

use std::io::Result;
use std::net::{SocketAddr, UdpSocket};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

/// Receive and send buffer: a burst of answers from thousands of phones fits.
const SOCKET_BUFFER: usize = 8 << 20;

/// Binds `count` non-blocking sockets to `address` with SO_REUSEPORT; the kernel spreads packets over
/// them by source address. Gives the address that was really bound (port 0 finds a free one). `tos`
/// is the type-of-service byte of what they send.
///
/// # Errors
///
/// What the system says; `AddrInUse` also if another program has the port with SO_REUSEPORT.
pub fn bind(address: SocketAddr, tos: u8, count: usize) -> Result<(SocketAddr, Vec<UdpSocket>)> {
    // SO_REUSEPORT alone would share the port with another server of the same user: look first
    // whether somebody is there.
    let probe = UdpSocket::bind(address)?;
    let address = SocketAddr::new(address.ip(), probe.local_addr()?.port());
    drop(probe);
    bind_beside(address, tos, count)
}

/// As [`bind`], but other sockets of ours may be on the port, which must not be 0.
///
/// # Errors
///
/// What the system says.
pub fn bind_beside(address: SocketAddr, tos: u8, count: usize) -> Result<(SocketAddr, Vec<UdpSocket>)> {
    let sockets = (0..count).map(|_| bind_one(address, tos)).collect::<Result<_>>()?;
    Ok((address, sockets))
}

fn bind_one(address: SocketAddr, tos: u8) -> Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        // As Asterisk: [::] does not imply 0.0.0.0.
        socket.set_only_v6(true)?;
    }
    if tos != 0 {
        if address.is_ipv4() { socket.set_tos_v4(tos.into())? } else { socket.set_tclass_v6(tos.into())? }
    }
    // With privileges past the system's limit, without as far as it goes.
    if setsockopt(&socket, sockopt::RcvBufForce, &SOCKET_BUFFER).is_err() {
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    }
    if setsockopt(&socket, sockopt::SndBufForce, &SOCKET_BUFFER).is_err() {
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sockets_share_the_port_that_was_found() {
        let (address, sockets) = bind(SocketAddr::from(([127, 0, 0, 1], 0)), 0, 3).unwrap();
        assert_ne!(address.port(), 0);
        assert!(sockets.iter().all(|s| s.local_addr().unwrap() == address));
    }

    #[test]
    fn a_port_is_not_shared_with_strangers() {
        let (address, _sockets) = bind(SocketAddr::from(([127, 0, 0, 1], 0)), 0, 1).unwrap();
        assert_eq!(bind(address, 0, 1).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
        assert_eq!(bind_beside(address, 0, 1).unwrap().0, address, "but with ourselves");
    }
}
