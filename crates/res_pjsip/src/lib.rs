//! pjsip.conf objects, transports, shards and endpoint identification.
//!
//! A [`Shard`] is the SIP side without I/O: packets in, packets out. [`Pjsip`] runs one on each core
//! over UDP, TCP, TLS and WebSocket. What is served beside OPTIONS comes from [`ShardModule`]s such as
//! `res_pjsip_pubsub`.

mod admit;
mod advertise;
pub mod authenticate;
pub mod config;
mod core;
#[cfg(test)]
mod desk;
mod distributor;
mod held;
pub mod history;
pub mod identify;
mod line_budget;
pub mod location;
mod nat;
mod net;
pub mod notify;
mod options;
mod output;
mod qualify;
mod registrar;
mod reload;
mod requests;
pub mod resolve;
pub mod security;
mod service;
mod shard;
pub mod show;
mod snapshot;
mod stats;
mod tag;
#[cfg(test)]
mod testing;
mod trace;
mod websocket;

pub use crate::core::{Core, Routes};
pub use distributor::{Incoming, Request, note_refusal};
pub use held::HeldRequest;
pub use location::Location;
pub use net::{BindError, TlsError};
pub use options::OptionsModule;
pub use output::{ClosedConnection, ConnectionId, Output, Packet, Peer};
pub use registrar::PathModule;
pub use reload::{ReloadError, ReloadReport};
pub use service::{Pjsip, StartError, sum};
pub use shard::{Answer, ModuleFactory, Shard, ShardMessage, ShardModule};
pub use snapshot::{Access, BoundTransport, ExtensionLookup, Snapshot};
pub use stats::{Counter, Stats};
pub use trace::TraceFilter;
pub use websocket::{WebSocketBinding, WebSocketError};
