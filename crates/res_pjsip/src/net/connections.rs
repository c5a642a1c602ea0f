//! The connections of one shard: accepted by its listeners, or opened to reach a phone.
//!
//! Each has a task on the shard's thread that reads, decrypts, cuts into messages, and writes what is
//! queued. The task and the shard speak by channels only.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{timeout, timeout_at};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::bind::prepare;
use super::limits::{Admission, CONNECT_TIME, Limits};
use super::link::{Ending, Input, Link, Outbox, Patience, outbox};
use super::tls::TlsContext;
use super::{stream, websocket};
use crate::config::Transport;
use crate::output::{ClosedConnection, ConnectionId, Peer};
use crate::stats::Stats;

/// How a transport's connections carry SIP.
#[derive(Debug, Clone)]
pub(crate) enum Carrier {
    /// As it is.
    Tcp,
    /// Within TLS.
    Tls(Arc<TlsContext>),
    /// In WebSocket messages; the path of the upgrade.
    Ws(Arc<str>),
    /// In WebSocket messages within TLS.
    Wss(Arc<TlsContext>, Arc<str>),
}

/// What a connection needs to know of its transport.
#[derive(Debug, Clone)]
pub(crate) struct Via {
    /// Index of the transport.
    pub(crate) index: u16,
    /// Its section.
    pub(crate) config: Arc<Transport>,
    /// How it carries SIP.
    pub(crate) carrier: Carrier,
}

/// See the module's description.
pub(crate) struct Connections {
    shard: u16,
    serial: u64,
    open: HashMap<ConnectionId, Open>,
    /// Those that we opened, by where they go.
    dialed: HashMap<(u16, SocketAddr), ConnectionId>,
    inputs: mpsc::Sender<Input>,
    limits: Arc<Limits>,
    stats: Arc<Stats>,
}

struct Open {
    peer: Peer,
    dialed: bool,
    outbox: Outbox,
    task: JoinHandle<()>,
}

impl Connections {
    pub(crate) fn new(
        shard: u16,
        inputs: mpsc::Sender<Input>,
        limits: Arc<Limits>,
        stats: Arc<Stats>,
    ) -> Self {
        Self { shard, serial: 0, open: HashMap::new(), dialed: HashMap::new(), inputs, limits, stats }
    }

    /// A listener has accepted a connection.
    pub(crate) fn accept(
        &mut self,
        via: &Via,
        socket: TcpStream,
        from: SocketAddr,
        keep_alive: Option<Duration>,
    ) {
        let Some(admission) = self.limits.admit(from.ip()) else {
            self.stats.connections_refused.add();
            tracing::debug!("Connection from {from} refused: there are too many");
            return;
        };
        self.stats.connections_accepted.add();
        prepare(&SockRef::from(&socket), &via.config);
        self.start(via, from, Origin::Accepted(socket), admission, keep_alive);
    }

    /// Queues a message for a connection. Without one the peer is connected to, if its transport can.
    pub(crate) fn send(
        &mut self,
        peer: Peer,
        via: Option<&Via>,
        keep_alive: Option<Duration>,
        message: &[u8],
    ) -> Result<(), ClosedConnection> {
        let dialed = peer.connection.is_none();
        let closed = ClosedConnection { peer, dialed };
        let id = match peer.connection {
            Some(id) => id,
            None => {
                let known = self.dialed.get(&(peer.transport, peer.address)).copied();
                known.or_else(|| self.dial(via?, peer.address, keep_alive)).ok_or(closed)?
            }
        };
        let open = self.open.get(&id).ok_or(closed)?;
        if open.outbox.send(message) {
            return Ok(());
        }
        tracing::debug!("Connection with {} closed: {}", peer.address, Ending::NotReading);
        self.stats.connections_not_reading.add();
        open.task.abort();
        Err(self.ended(id).unwrap_or(closed))
    }

    /// The task of a connection has ended.
    pub(crate) fn ended(&mut self, id: ConnectionId) -> Option<ClosedConnection> {
        let open = self.open.remove(&id)?;
        self.stats.connections.subtract();
        if open.dialed {
            self.dialed.remove(&(open.peer.transport, open.peer.address));
        }
        Some(ClosedConnection { peer: open.peer, dialed: open.dialed })
    }

    /// Lets go of all connections of a transport; each ends when what is queued has been written.
    pub(crate) fn close_transport(&mut self, transport: u16) -> Vec<ClosedConnection> {
        let of_it = self.open.iter().filter(|(_, open)| open.peer.transport == transport);
        let ids: Vec<_> = of_it.map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.ended(id)).collect()
    }

    /// Lets go of all, and waits a moment until what is queued has been written.
    pub(crate) async fn stop(self, patience: Duration) {
        let tasks: Vec<_> = self.open.into_values().map(|open| open.task).collect();
        let all = async {
            for task in tasks {
                // Whether it ended well does not matter any more.
                let _ = task.await;
            }
        };
        let _ = timeout(patience, all).await;
    }

    fn dial(&mut self, via: &Via, address: SocketAddr, keep_alive: Option<Duration>) -> Option<ConnectionId> {
        // Nobody can open a WebSocket to a browser.
        if matches!(via.carrier, Carrier::Ws(_) | Carrier::Wss(..)) {
            return None;
        }
        let admission = self.limits.admit(address.ip())?;
        self.stats.connections_opened.add();
        let id = self.start(via, address, Origin::Dialed, admission, keep_alive);
        self.dialed.insert((via.index, address), id);
        Some(id)
    }

    fn start(
        &mut self,
        via: &Via,
        address: SocketAddr,
        origin: Origin,
        admission: Admission,
        keep_alive: Option<Duration>,
    ) -> ConnectionId {
        self.serial += 1;
        let id = ConnectionId::new(self.shard, self.serial);
        let peer = Peer { transport: via.index, address, connection: Some(id) };
        let dialed = matches!(origin, Origin::Dialed);
        let (outbox, reader) = outbox();
        let (inputs, stats) = (self.inputs.clone(), self.stats.clone());
        let times = self.limits.times;
        let mut link = Link { peer, inputs, outbox: reader, keep_alive, times, stats };
        let via = via.clone();
        let task = tokio::spawn(async move {
            let ending = match origin {
                Origin::Accepted(socket) => accepted(socket, via.carrier, &mut link).await,
                Origin::Dialed => dialed_to(address, &via, &mut link).await,
            };
            tracing::debug!("Connection with {address} ended: {ending}");
            if let Some(counter) = ending.counter(&link.stats) {
                counter.add();
            }
            drop(admission);
            // A shard that has ended wants to know nothing.
            let _ = link.inputs.send(Input::Ended(id)).await;
        });
        self.open.insert(id, Open { peer, dialed, outbox, task });
        self.stats.connections.add();
        id
    }
}

/// Where a connection comes from.
enum Origin {
    Accepted(TcpStream),
    Dialed,
}

/// Serves a connection that came in. The parts are boxed, so that each takes only the memory that it
/// needs.
async fn accepted(socket: TcpStream, carrier: Carrier, link: &mut Link) -> Ending {
    let patience = Patience::new(link.times, true);
    match carrier {
        Carrier::Tcp => Box::pin(stream::run(socket, link, patience)).await,
        Carrier::Tls(context) => match Box::pin(accept_tls(socket, &context, &patience)).await {
            Ok(io) => Box::pin(stream::run(io, link, patience)).await,
            Err(ending) => ending,
        },
        Carrier::Ws(path) => Box::pin(accepted_websocket(socket, &path, link, patience)).await,
        Carrier::Wss(context, path) => match Box::pin(accept_tls(socket, &context, &patience)).await {
            Ok(io) => Box::pin(accepted_websocket(io, &path, link, patience)).await,
            Err(ending) => ending,
        },
    }
}

async fn accept_tls(
    socket: TcpStream,
    context: &TlsContext,
    patience: &Patience,
) -> Result<tokio_rustls::server::TlsStream<TcpStream>, Ending> {
    let acceptor = TlsAcceptor::from(context.current().server.clone());
    match timeout_at(patience.deadline(), acceptor.accept(socket)).await {
        Err(_) => Err(Ending::HalfOpen),
        Ok(Err(error)) => Err(Ending::Handshake(error.to_string())),
        Ok(Ok(io)) => Ok(io),
    }
}

async fn accepted_websocket(
    io: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    path: &str,
    link: &mut Link,
    patience: Patience,
) -> Ending {
    match timeout_at(patience.deadline(), websocket::accept(io, path)).await {
        Err(_) => Ending::HalfOpen,
        Ok(Err(ending)) => ending,
        Ok(Ok(socket)) => websocket::run(socket, link, patience).await,
    }
}

/// Opens a connection and serves it.
async fn dialed_to(address: SocketAddr, via: &Via, link: &mut Link) -> Ending {
    let socket = match timeout(CONNECT_TIME, connect(address, &via.config)).await {
        Err(_) => return Ending::Connect(std::io::ErrorKind::TimedOut.into()),
        Ok(Err(error)) => return Ending::Connect(error),
        Ok(Ok(socket)) => socket,
    };
    let patience = Patience::new(link.times, false);
    let Carrier::Tls(context) = &via.carrier else {
        return Box::pin(stream::run(socket, link, patience)).await;
    };
    let connector = TlsConnector::from(context.current().client.clone());
    match timeout(CONNECT_TIME, connector.connect(ServerName::from(address.ip()), socket)).await {
        Err(_) => Ending::Connect(std::io::ErrorKind::TimedOut.into()),
        Ok(Err(error)) => Ending::Handshake(error.to_string()),
        Ok(Ok(io)) => Box::pin(stream::run(io, link, patience)).await,
    }
}

async fn connect(address: SocketAddr, config: &Transport) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    prepare(&SockRef::from(&socket), config);
    if !config.bind.ip().is_unspecified() {
        socket.bind(SocketAddr::new(config.bind.ip(), 0))?;
    }
    socket.connect(address).await
}
