//! Binding the UDP transports.

use std::net::{SocketAddr, UdpSocket};

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

/// Binds `count` sockets to the address of the transport `id`; see [`udp::bind`].
pub(crate) fn bind_udp(
    id: &str,
    address: SocketAddr,
    tos: u8,
    count: usize,
) -> Result<(SocketAddr, Vec<UdpSocket>), BindError> {
    udp::bind(address, tos, count).map_err(|source| BindError { id: id.to_owned(), address, source })
}

/// As [`bind_udp`], beside sockets of ours that have the port; see [`udp::bind_beside`].
pub(crate) fn bind_udp_beside(
    id: &str,
    address: SocketAddr,
    tos: u8,
    count: usize,
) -> Result<(SocketAddr, Vec<UdpSocket>), BindError> {
    udp::bind_beside(address, tos, count).map_err(|source| BindError { id: id.to_owned(), address, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named() {
        let (address, _sockets) = bind_udp("one", SocketAddr::from(([127, 0, 0, 1], 0)), 0, 1).unwrap();
        let error = bind_udp("two", address, 0, 1).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "transport 'two' cannot listen on udp:{address}: the address is in use by another program"
            )
        );
    }
}
