//! Binding the transports.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use crate::config::{Protocol, Transport};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Why a transport does not listen.
#[derive(Debug, thiserror::Error)]
#[error("transport '{id}' cannot listen on {protocol}:{address}: {}", hint(.source))]
pub struct BindError {
    /// Name of the transport.
    pub id: String,
    /// What it carries SIP over.
    pub protocol: Protocol,
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

/// Binds `count` UDP sockets for a transport; see [`udp::bind`].
pub(crate) fn bind_udp(
    transport: &Transport,
    count: usize,
) -> Result<(SocketAddr, Vec<UdpSocket>), BindError> {
    udp_with(udp::bind, transport, count)
}

/// As [`bind_udp`], beside sockets of ours that have the port.
pub(crate) fn bind_udp_beside(
    transport: &Transport,
    count: usize,
) -> Result<(SocketAddr, Vec<UdpSocket>), BindError> {
    udp_with(udp::bind_beside, transport, count)
}

fn udp_with(
    bind: impl Fn(SocketAddr, u8, usize) -> std::io::Result<(SocketAddr, Vec<UdpSocket>)>,
    transport: &Transport,
    count: usize,
) -> Result<(SocketAddr, Vec<UdpSocket>), BindError> {
    let bound = bind(transport.bind, transport.tos, count).map_err(|source| error(transport, source))?;
    bound.1.iter().for_each(|socket| set_class(&SockRef::from(socket), transport));
    Ok(bound)
}

/// Binds `count` listeners for a transport, which share the port; the kernel spreads connections over
/// them. Gives the address that was really bound.
pub(crate) fn bind_tcp(
    transport: &Transport,
    count: usize,
) -> Result<(SocketAddr, Vec<TcpListener>), BindError> {
    let bind = || -> std::io::Result<SocketAddr> {
        // As for UDP: look first whether somebody is there who shares ports too.
        let probe = TcpListener::bind(transport.bind)?;
        let address = SocketAddr::new(transport.bind.ip(), probe.local_addr()?.port());
        Ok(address)
    };
    let address = bind().map_err(|source| error(transport, source))?;
    Ok((address, listen_all(address, transport, count)?))
}

/// As [`bind_tcp`], beside listeners of ours that have the port.
pub(crate) fn bind_tcp_beside(
    transport: &Transport,
    count: usize,
) -> Result<(SocketAddr, Vec<TcpListener>), BindError> {
    Ok((transport.bind, listen_all(transport.bind, transport, count)?))
}

fn listen_all(
    address: SocketAddr,
    transport: &Transport,
    count: usize,
) -> Result<Vec<TcpListener>, BindError> {
    let all = (0..count).map(|_| listen(address, transport)).collect::<std::io::Result<_>>();
    all.map_err(|source| error(transport, source))
}

fn listen(address: SocketAddr, transport: &Transport) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_port(true)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        // As Asterisk: [::] does not imply 0.0.0.0.
        socket.set_only_v6(true)?;
    }
    set_class(&SockRef::from(&socket), transport);
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// How long a peer may leave what was sent unacknowledged: then it is gone, however silently.
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Options of a connection: `tos`, `cos`, `tcp_keepalive_*`; no delay, as messages are whole.
pub(crate) fn prepare(socket: &SockRef<'_>, transport: &Transport) {
    set_class(socket, transport);
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
    if let Some(keepalive) = &transport.tcp_keepalive {
        let keepalive = socket2::TcpKeepalive::new()
            .with_time(keepalive.idle)
            .with_interval(keepalive.interval)
            .with_retries(keepalive.probes);
        let _ = socket.set_tcp_keepalive(&keepalive);
    }
}

/// `tos` and `cos`. A system that does not let us mark packets carries them nevertheless.
fn set_class(socket: &SockRef<'_>, transport: &Transport) {
    if transport.tos != 0 {
        let tos = transport.tos.into();
        let ipv4 = transport.bind.is_ipv4();
        let _ = if ipv4 { socket.set_tos_v4(tos) } else { socket.set_tclass_v6(tos) };
    }
    if transport.cos != 0 {
        let _ = socket.set_priority(transport.cos.into());
    }
}

fn error(transport: &Transport, source: std::io::Error) -> BindError {
    BindError { id: transport.id.to_string(), protocol: transport.protocol, address: transport.bind, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(id: &str, protocol: Protocol, bind: SocketAddr) -> Transport {
        Transport { tos: 0x60, cos: 3, ..Transport::implicit(id, protocol, bind) }
    }

    #[test]
    fn a_port_in_use_is_named() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (address, _sockets) = bind_udp(&transport("one", Protocol::Udp, any), 1).unwrap();
        let error = bind_udp(&transport("two", Protocol::Udp, address), 1).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "transport 'two' cannot listen on udp:{address}: the address is in use by another program"
            )
        );
        let (address, _listeners) = bind_tcp(&transport("three", Protocol::Tls, any), 2).unwrap();
        let error = bind_tcp(&transport("four", Protocol::Tcp, address), 1).unwrap_err().to_string();
        assert!(error.starts_with(&format!("transport 'four' cannot listen on tcp:{address}: ")), "{error}");
    }

    #[test]
    fn connections_are_marked() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = transport("one", Protocol::Tcp, any);
        let (address, listeners) = bind_tcp(&config, 1).unwrap();
        let _client = std::net::TcpStream::connect(address).unwrap();
        listeners[0].set_nonblocking(false).unwrap();
        let (accepted, _) = listeners[0].accept().unwrap();
        let socket = SockRef::from(&accepted);
        prepare(&socket, &config);
        assert_eq!(socket.tos_v4().unwrap(), 0x60);
        assert_eq!(socket.priority().unwrap(), 3);
        assert!(socket.tcp_nodelay().unwrap());
    }
}
