//! Sockets and threads: the only place where packets meet the operating system.

mod batch;
mod bind;
mod route;
mod runner;

pub use bind::{BindError, bind_udp};
pub use route::KernelRoutes;
pub(crate) use runner::{Runner, ShardInbox, inbox};
