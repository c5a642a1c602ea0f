//! The command line interface: what commands there are, and how operators and programs reach them.
//!
//! - [`Cli`] is the registry. Whoever has a command registers a [`Command`] (or a closure by [`command`]) and keeps the
//!   [`CommandGuard`]; dropping it takes the command away.
//! - [`Server`] answers on the control socket (`astctl`): `asterisk -rx` and `-r` of the field work with it.
//! - [`remote`] is the other end: one command (`-rx`) or a console (`-r`, `-R`).
//! - [`console`] is the same console in the server's own process (`-c`).
//! - [`register_core_commands`] adds the commands that belong to the CLI and the log themselves: `core set verbose`,
//!   `core set debug`, `core set trace`, `logger ...`. `core show help` is always there.
//!
//! ```
//! let cli = cli::Cli::new();
//! let _guard = cli.register(cli::command("core ping", "Answer", "Usage: core ping\n", |cx| {
//!     cx.print("pong\n");
//!     cli::Outcome::Success
//! }));
//! let reply = cli.run("core ping", &cli::Session::detached());
//! assert_eq!((reply.text.as_str(), reply.ok), ("pong\n", true));
//! assert_eq!(cli.complete("core p"), ["ping"]);
//! ```

mod command;
mod core_commands;
mod help;
mod pattern;
mod registry;
mod server;
mod texts;
mod words;

pub mod console;
pub mod remote;

pub use command::{Closure, Command, Invocation, Outcome, Output, Session, command};
pub use core_commands::register_core_commands;
pub use registry::{Cli, CommandGuard, Reply};
pub use server::{BindError, Server, ServerOptions};
pub use texts::{Version, duration_text, uptime_seconds_text, uptime_text};
