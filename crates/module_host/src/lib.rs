//! `modules.conf`, load order, and opening, checking and closing module files.
//!
//! A [`ModuleHost`] has all modules of a server under one roof: those that are linked into the
//! daemon ([`Builtin`]) and those in files of `astmoddir`, which are written against
//! [`module_api`]. An operator sees no difference. What a file brings is a [`Contract`], which goes
//! to the daemon's [`Registry`]; what files need from the daemon are its [`HostServices`].
//!
//! | to know | look at |
//! | --- | --- |
//! | which modules are loaded | [`plan`], `plan.rs` |
//! | in which order | `boot.rs` |
//! | how a file is opened, and when it is refused | `library.rs`, [`OpenError`] |
//! | how it is closed | `image.rs` |
//! | what host code calls | `hook.rs` |
//! | `module show` | [`show`], [`Detail`] |
//! | `--check-module` | [`check_module`] |
//!
//! # Differences from Asterisk
//!
//! - A module that fails, and is not required, declines; the server starts nevertheless.
//! - Modules of the daemon are like others: not loaded unless something says so, listed with `.so`,
//!   and `noload` takes them away.
//! - `autoload` goes by name, not by the directory's own order.
//! - A value that is no boolean, and an option without a value, are errors.
//! - An optional module that does not run does not keep those from running that would like it.

mod boot;
mod check;
mod contract;
mod detail;
mod elf;
mod error;
mod hook;
mod host;
mod image;
mod info;
mod library;
mod name;
mod plan;
mod registered;
mod show;
mod table;

pub use check::{CheckReport, check_module};
pub use contract::Contract;
pub use detail::Detail;
pub use error::{BootError, LoadError, UnloadError};
pub use hook::{Counters, Kind};
pub use host::{ModuleHost, Registry, Reload, Unloaded};
pub use info::{Builtin, LoadOutcome, ModuleInfo};
pub use library::OpenError;
pub use module_api::HostServices;
pub use plan::{Plan, Planned, Source, plan};
pub use show::{Row, show, support};
