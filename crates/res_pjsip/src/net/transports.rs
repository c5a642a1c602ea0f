//! Opening the transports of `pjsip.conf`: a socket of each for every shard.

use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;

use super::bind::{BindError, bind_tcp, bind_udp};
use super::connections::{Carrier, Via};
use super::tls::TlsContext;
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

impl Bound {
    fn add(&mut self, transport: &Arc<Transport>, shards: usize) -> Result<(), BindError> {
        let carrier = match transport.protocol {
            Protocol::Udp => {
                let (local, sockets) = bind_udp(transport, shards)?;
                let sockets = sockets.into_iter().map(TransportSocket::Udp);
                self.push(transport, local, sockets);
                return Ok(());
            }
            Protocol::Tcp => Carrier::Tcp,
            Protocol::Tls => match TlsContext::new(&transport.tls) {
                Ok((context, remarks)) => {
                    remarks.iter().for_each(|r| tracing::warn!("transport '{}': {r}", transport.id));
                    self.tls.push((transport.id.clone(), context.clone()));
                    Carrier::Tls(context)
                }
                Err(error) => {
                    tracing::error!("transport '{}' is not opened: {error}", transport.id);
                    return Ok(());
                }
            },
            // The HTTP server carries these; connections of registrations are made by them.
            Protocol::Ws | Protocol::Wss | Protocol::Flow => return Ok(()),
        };
        let (local, listeners) = bind_tcp(transport, shards)?;
        self.push_listeners(transport, local, listeners, carrier);
        Ok(())
    }

    /// Adds a transport with connections.
    pub(crate) fn push_listeners(
        &mut self,
        transport: &Arc<Transport>,
        local: std::net::SocketAddr,
        listeners: Vec<TcpListener>,
        carrier: Carrier,
    ) {
        let via = Via { index: self.transports.len() as u16, config: transport.clone(), carrier };
        let sockets = listeners.into_iter().map(|listener| TransportSocket::Listener(listener, via.clone()));
        self.push(transport, local, sockets);
    }

    fn push(
        &mut self,
        transport: &Arc<Transport>,
        local: std::net::SocketAddr,
        sockets: impl Iterator<Item = TransportSocket>,
    ) {
        let index = self.transports.len() as u16;
        self.transports.push(BoundTransport { config: transport.clone(), local });
        for (shard, socket) in self.sockets.iter_mut().zip(sockets) {
            shard.push((index, socket));
        }
    }
}
