//! Sockets and threads: the only place where packets meet the operating system.

mod bind;
mod route;
mod runner;

pub use bind::BindError;
pub(crate) use bind::{bind_udp, bind_udp_beside};
pub(crate) use route::KernelRoutes;
pub(crate) use runner::{Runner, ShardInbox, inbox};
