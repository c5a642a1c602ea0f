//! SIP over WebSocket (RFC 7118): opened by `res_pjsip_transport_websocket` where `http.conf` says.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::{Protocol, Tls, Transport};
use crate::net::{Carrier, Control, TlsContext, TlsError, TransportSocket, Via, WEBSOCKET_PATH, bind_tcp};
use crate::service::Pjsip;
use crate::snapshot::BoundTransport;

/// Where WebSocket phones connect.
#[derive(Debug, Clone, PartialEq)]
pub struct WebSocketBinding {
    /// Address and port.
    pub address: SocketAddr,
    /// What the path `/ws` is put behind.
    pub prefix: String,
    /// For secure WebSocket: `cert_file` and `priv_key_file` count.
    pub tls: Option<Tls>,
}

/// Why there is no WebSocket.
#[derive(Debug, thiserror::Error)]
pub enum WebSocketError {
    /// The address cannot be had.
    #[error(transparent)]
    Bind(#[from] crate::BindError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Pjsip {
    /// Opens a WebSocket; gives the index of its transport. Options of the first `type=transport` of
    /// protocol `ws` (`wss` with TLS) count, but not its `bind`.
    pub fn open_websocket(&self, binding: &WebSocketBinding) -> Result<u16, WebSocketError> {
        let protocol = if binding.tls.is_some() { Protocol::Wss } else { Protocol::Ws };
        let path: Arc<str> = format!("{}{WEBSOCKET_PATH}", binding.prefix).into();
        let tls = binding.tls.as_ref().map(TlsContext::new).transpose()?.map(|(context, _)| context);
        let mut state = self.state();
        let sections = &state.snapshot.config.transports;
        let config = match sections.iter().find(|transport| transport.protocol == protocol) {
            Some(section) => Transport { bind: binding.address, ..Transport::clone(section) },
            None => Transport::implicit(protocol.name(), protocol, binding.address),
        };
        let config = Arc::new(config);
        let (local, listeners) = bind_tcp(&config, self.shard_count())?;
        // A place is given again to the transport that had it.
        let had_it =
            |other: &BoundTransport| other.config.protocol == protocol && other.config.id == config.id;
        let index = state.snapshot.transports.iter().position(had_it);
        let index = index.unwrap_or(state.snapshot.transports.len()) as u16;
        let bound = BoundTransport { config: config.clone(), local, open: true };
        self.publish(&mut state, |snapshot| match snapshot.transports.get_mut(usize::from(index)) {
            Some(place) => *place = bound,
            None => snapshot.transports.push(bound),
        });
        let carrier = match tls {
            Some(context) => {
                self.note_tls(&config.id, &context);
                Carrier::Wss(context, path)
            }
            None => Carrier::Ws(path),
        };
        let via = Via { index, config, carrier };
        for (shard, listener) in self.inboxes().iter().zip(listeners) {
            shard.control(Control::Open(index, TransportSocket::Listener(listener, via.clone())));
        }
        Ok(index)
    }

    /// Ends a transport with all its connections.
    pub fn close_transport(&self, index: u16) {
        self.publish(&mut self.state(), |snapshot| {
            if let Some(transport) = snapshot.transports.get_mut(usize::from(index)) {
                transport.open = false;
            }
        });
        for shard in self.inboxes() {
            shard.control(Control::Close(index));
        }
        self.wait_for_shards();
    }
}
