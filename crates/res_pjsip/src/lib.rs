//! pjsip.conf objects, transports, shards and endpoint identification.
//!
//! A [`Shard`] is the SIP side without I/O: packets in, packets out. [`Pjsip`] runs one on each core
//! over UDP sockets. What is served beside OPTIONS comes from [`ShardModule`]s such as
//! `res_pjsip_pubsub`.

mod admit;
pub mod authenticate;
pub mod config;
mod core;
mod distributor;
pub mod identify;
mod net;
mod options;
mod output;
pub mod security;
mod service;
mod shard;
pub mod show;
mod snapshot;
mod stats;
mod tag;
mod trace;

pub use crate::core::{Core, Routes};
pub use distributor::{Incoming, Request, note_refusal};
pub use net::BindError;
pub use options::OptionsModule;
pub use output::{Output, Packet, Peer};
pub use service::{Pjsip, StartError, sum};
pub use shard::{Answer, ModuleFactory, Shard, ShardMessage, ShardModule};
pub use snapshot::{Access, BoundTransport, ExtensionLookup, Snapshot};
pub use stats::{Counter, Stats};
pub use trace::TraceFilter;
