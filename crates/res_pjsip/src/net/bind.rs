//! Binding UDP sockets: one for each shard, all on the same address.

use std::net::{SocketAddr, UdpSocket};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

/// Receive and send buffer: a burst of answers from thousands of phones fits.
const SOCKET_BUFFER: usize = 8 << 20;

/// Why a transport does not listen.
#[derive(Debug, thiserror::Error)]
#[error("transport '{id}' cannot listen on udp:{address}: {}", hint(.source))]
pub struct BindError {
    /// Name of the transport.
    pub id: String,
    /// Address that was asked for.
    pub address: SocketAddr,
    /// What the system said.
    pub source: std::io::Error,
}

fn hint(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => "the address is in use by another program".into(),
        std::io::ErrorKind::AddrNotAvailable => "no interface has this address".into(),
        std::io::ErrorKind::PermissionDenied => "not permitted (ports below 1024 need privileges)".into(),
        _ => error.to_string(),
    }
}

/// Binds `count` sockets to `address` with SO_REUSEPORT; the kernel spreads packets over them by
/// source address. Gives the address that was really bound.
pub(crate) fn bind_udp(id: &str, address: SocketAddr, tos: u8, count: usize) -> Result<(SocketAddr, Vec<UdpSocket>), BindError> {
    let failed = |source| BindError { id: id.to_owned(), address, source };
    // SO_REUSEPORT alone would share the port with another server of the same user: look first
    // whether somebody is there.
    let probe = UdpSocket::bind(address).map_err(failed)?;
    let address = SocketAddr::new(address.ip(), probe.local_addr().map_err(failed)?.port());
    drop(probe);
    let sockets = (0..count).map(|_| bind_one(address, tos)).collect::<Result<_, _>>().map_err(failed)?;
    Ok((address, sockets))
}

fn bind_one(address: SocketAddr, tos: u8) -> std::io::Result<UdpSocket> {
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
        let (address, sockets) = bind_udp("udp", "127.0.0.1:0".parse().unwrap(), 0, 3).unwrap();
        assert_ne!(address.port(), 0);
        assert!(sockets.iter().all(|s| s.local_addr().unwrap() == address));
    }

    #[test]
    fn a_port_in_use_is_named() {
        let (address, _sockets) = bind_udp("one", "127.0.0.1:0".parse().unwrap(), 0, 1).unwrap();
        let error = bind_udp("two", address, 0, 1).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("transport 'two' cannot listen on udp:{address}: the address is in use by another program")
        );
    }
}
