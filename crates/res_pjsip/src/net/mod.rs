//! Sockets and threads: the only place where packets meet the operating system.

mod bind;
mod connections;
mod datagrams;
mod inbox;
mod io;
mod limits;
mod link;
mod route;
mod runner;
mod stream;
mod tls;
mod transports;
mod upgrade;
mod websocket;

pub use bind::BindError;
pub(crate) use bind::bind_tcp;
pub(crate) use connections::{Carrier, Via};
pub(crate) use inbox::{Control, ShardInbox, inbox};
pub(crate) use limits::Limits;
pub(crate) use route::KernelRoutes;
pub(crate) use runner::{Helpers, Runner};
pub(crate) use tls::TlsContext;
pub use tls::TlsError;
pub(crate) use transports::{OpenError, TransportSocket, bind_transports, open};
pub(crate) use upgrade::PATH as WEBSOCKET_PATH;
