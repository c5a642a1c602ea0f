//! What the end-to-end tests are made of: a server in a directory and on a port of its own, a phone
//! of a few lines, and the real peers SIPp, baresip and Kamailio.
//!
//! ```no_run
//! use e2e::{Config, Phone, Server, Subscribe};
//!
//! let server = Server::start(Config::office());
//! let mut phone = Phone::new(&server, "alice");
//! let mut lamp = phone.subscribe(Subscribe::presence("1000"));
//! server.devstate("Custom:a", "INUSE");
//! assert!(phone.notify(&mut lamp).body().contains("On the phone"));
//! server.stop();
//! ```
//!
//! Nothing here waits for ever: whatever does not come within [`PATIENCE`] fails the test, with all
//! that the server has said so far. What was started ends with its owner, also when a test fails.

mod baresip;
mod build;
mod certificates;
mod config;
mod dns;
mod fail2ban;
mod golden;
mod kamailio;
mod message;
mod phone;
mod port;
mod process;
mod server;
mod sipjs;
mod sipp;
pub mod third_party;
mod wire;

pub use baresip::Baresip;
pub use build::{module_dir, starling, target_dir};
pub use certificates::{Authority, Identity};
pub use config::Config;
pub use dns::Dns;
pub use fail2ban::fail2ban;
pub use golden::Golden;
pub use kamailio::Kamailio;
pub use message::Message;
pub use phone::{Lamp, Phone, Subscribe};
pub use port::Port;
pub use process::{Ended, PATIENCE, Process};
pub use server::{Boot, Server};
pub use sipjs::SipJs;
pub use sipp::Sipp;
pub use wire::{Received, Wire};
