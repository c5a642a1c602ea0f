//! UDP sockets that share a port, and datagrams by the dozen.
//!
//! The shards of `res_pjsip` and the load generator send and receive here: [`bind`] opens sockets
//! with SO_REUSEPORT and large buffers, [`Receiver`] and [`Sender`] move up to [`BATCH`] datagrams
//! with one system call.

mod batch;
mod bind;

pub use batch::{BATCH, Receiver, Sender, is_about_destination};
pub use bind::{bind, bind_beside};
