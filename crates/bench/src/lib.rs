//! Simulated phones that watch lamps, a server of their own to watch, and what measures both.
//!
//! [`Phones`] subscribe and answer every NOTIFY, thousands of them on one thread; a [`Fleet`] is
//! [`Phones`] on several threads. [`Server`] starts the built daemon on a configuration that an
//! [`Office`] describes, [`Kamailio`] what it is compared with. [`raw_limit`] measures what the
//! machine can exchange without any SIP. The programs `starling-bench` and `starling-demo` are made of these.

mod fleet;
mod interrupt;
mod kamailio;
mod lamp;
mod login;
mod machine;
mod office;
mod outbox;
mod phones;
mod raw;
mod registrants;
mod server;
mod spread;
mod subscription;

pub use fleet::Fleet;
pub use interrupt::Interrupt;
pub use kamailio::Kamailio;
pub use lamp::{DeviceState, Lamp, LampError, Package, ReadLamp};
pub use machine::{Machine, Usage, busy_time, dropped_datagrams, family_cpu};
pub use office::{Office, password};
pub use phones::{Counts, Phones, Round};
pub use raw::{RawLimit, raw_limit};
pub use registrants::Registrants;
pub use server::{Command, Server, ServerError};
pub use spread::Spread;
pub use subscription::{EXPIRES, Watch};
