//! Opening the transports of `pjsip.conf`: a socket of each for every shard.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use super::bind::{BindError, bind_tcp, bind_tcp_beside, bind_udp, bind_udp_beside};
use super::connections::{Carrier, Via};
use super::tls::{TlsContext, TlsError};
use crate::config::{PjsipConfig, Protocol, Transport};
use crate::snapshot::BoundTransport;

/// A transport's socket in one shard.
#[derive(Debug)]
pub(crate) enum TransportSocket {
    /// Datagrams.
    Udp(UdpSocket),
    /// Connections.
    Listener(TcpListener, Via),
}

/// Transports that are bound.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    /// In the order of their indices.
    pub(crate) transports: Vec<BoundTransport>,
    /// For each shard its sockets, with the index of the transport.
    pub(crate) sockets: Vec<Vec<(u16, TransportSocket)>>,
    /// TLS settings, with the name of the transport.
    pub(crate) tls: Vec<(Arc<str>, Arc<TlsContext>)>,
}

/// Binds all transports for `shards` shards. One whose address is in use is an error; one that cannot
/// be opened for another reason is reported and left out, unless it was the last.
pub(crate) fn bind_transports(config: &PjsipConfig, shards: usize) -> Result<Bound, BindError> {
    let mut bound = Bound { sockets: (0..shards).map(|_| Vec::new()).collect(), ..Bound::default() };
    let mut failed = None;
    for transport in &config.transports {
        match bound.add(transport, shards) {
            Ok(()) => {}
            Err(error) if error.source.kind() == std::io::ErrorKind::AddrInUse => return Err(error),
            Err(error) => {
                tracing::error!("{error}");
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) if bound.transports.is_empty() => Err(error),
        _ => Ok(bound),
    }
}

/// A transport that is bound and has no place yet.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) local: SocketAddr,
    sockets: Sockets,
    /// Its TLS settings.
    pub(crate) tls: Option<Arc<TlsContext>>,
}

#[derive(Debug)]
enum Sockets {
    Udp(Vec<UdpSocket>),
    Tcp(Vec<TcpListener>, Carrier),
}

/// Why a transport is not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("transport '{0}' is not opened: {1}")]
    Tls(Arc<str>, TlsError),
}

/// Binds a transport for `shards` shards, with `beside` beside sockets of ours on its port. None for a
/// transport that has no socket of its own: the HTTP server carries WebSocket, registrations make
/// their flows.
pub(crate) fn open(
    transport: &Arc<Transport>,
    shards: usize,
    beside: bool,
) -> Result<Option<Opened>, OpenError> {
    let carrier = match transport.protocol {
        Protocol::Udp => {
            let bind = if beside { bind_udp_beside } else { bind_udp };
            let (local, sockets) = bind(transport, shards)?;
            return Ok(Some(Opened { local, sockets: Sockets::Udp(sockets), tls: None }));
        }
        Protocol::Tcp => Carrier::Tcp,
        Protocol::Tls => {
            let (context, remarks) = TlsContext::new(&transport.tls)
                .map_err(|error| OpenError::Tls(transport.id.clone(), error))?;
            remarks.iter().for_each(|r| tracing::warn!("transport '{}': {r}", transport.id));
            Carrier::Tls(context)
        }
        Protocol::Ws | Protocol::Wss | Protocol::Flow => return Ok(None),
    };
    let bind = if beside { bind_tcp_beside } else { bind_tcp };
    let (local, listeners) = bind(transport, shards)?;
    let tls = match &carrier {
        Carrier::Tls(context) => Some(context.clone()),
        _ => None,
    };
    Ok(Some(Opened { local, sockets: Sockets::Tcp(listeners, carrier), tls }))
}

impl Opened {
    /// Its sockets, one for each shard, for the place `index` of the snapshot.
    pub(crate) fn into_sockets(self, index: u16, config: &Arc<Transport>) -> Vec<TransportSocket> {
        match self.sockets {
            Sockets::Udp(sockets) => sockets.into_iter().map(TransportSocket::Udp).collect(),
            Sockets::Tcp(listeners, carrier) => {
                let via = Via { index, config: config.clone(), carrier };
                listeners.into_iter().map(|it| TransportSocket::Listener(it, via.clone())).collect()
            }
        }
    }
}

impl Bound {
    fn add(&mut self, transport: &Arc<Transport>, shards: usize) -> Result<(), BindError> {
        let opened = match open(transport, shards, false) {
            Ok(Some(opened)) => opened,
            Ok(None) => return Ok(()),
            Err(OpenError::Bind(error)) => return Err(error),
            Err(error) => {
                tracing::error!("{error}");
                return Ok(());
            }
        };
        let index = self.transports.len() as u16;
        if let Some(context) = &opened.tls {
            self.tls.push((transport.id.clone(), context.clone()));
        }
        self.transports.push(BoundTransport { config: transport.clone(), local: opened.local, open: true });
        for (shard, socket) in self.sockets.iter_mut().zip(opened.into_sockets(index, transport)) {
            shard.push((index, socket));
        }
        Ok(())
    }
}
