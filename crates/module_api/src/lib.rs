//! The stable ABI of Starling's modules and the SDK to write one.
//!
//! A module is a shared object in the server's `astmoddir` that brings what the server itself does
//! not know: body types, event packages. It is written against this crate alone, in plain safe
//! Rust, and is loaded into a running server, replaced and unloaded without a restart.
//!
//! | a module brings | trait | registered with |
//! | --- | --- | --- |
//! | bodies of a media type | [`BodyGenerator`] | [`Registrar::generator`] |
//! | additions to another module's bodies | [`BodySupplement`] | [`Registrar::supplement`] |
//! | something to subscribe to | [`EventPackage`] | [`Registrar::package`] |
//! | an ear for extension states | [`ExtensionListener`] | [`Registrar::listener`] |
//! | devices that hints may name | [`DeviceStateProvider`] | [`Registrar::device_provider`] |
//! | a command of the CLI | [`CliCommand`] | [`Registrar::command`] |
//!
//! It may also read: [`Host::find_hint`], [`Host::extension_state`].
//!
//! # A module
//!
//! `Cargo.toml` has `crate-type = ["cdylib", "rlib"]` (the second for tests) and this crate as its
//! only dependency of the project:
//!
//! ```
//! use module_api::{
//!     Body, BodyContext, BodyGenerator, Fail, Host, Inputs, Level, Payload, Registrar, declare_module,
//! };
//!
//! struct Plain;
//!
//! impl BodyGenerator for Plain {
//!     fn media_type(&self) -> &str {
//!         "text/plain"
//!     }
//!     fn data_kind(&self) -> &str {
//!         Payload::EXTENSION_STATE
//!     }
//!     fn inputs(&self) -> Inputs {
//!         Inputs::NONE
//!     }
//!     fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> Result<(), Fail> {
//!         let state = cx.data.extension.as_ref().into_option().ok_or(Fail::NoData)?;
//!         body.raw().extend_from_slice(state.exten.as_bytes());
//!         body.raw().extend_from_slice(if state.state == 0 { b" is idle" } else { b" is not" });
//!         Ok(())
//!     }
//! }
//!
//! fn load(host: Host, registrar: &mut Registrar) -> Result<(), String> {
//!     host.log(Level::Notice, "plain words for everybody");
//!     registrar.generator(Plain);
//!     Ok(())
//! }
//!
//! declare_module! {
//!     name: "res_plain_body_generator",
//!     description: "Plain Words",
//!     requires: ["res_pjsip", "res_pjsip_pubsub"],
//!     priority: 60,
//!     support: Extended,
//!     load: load,
//! }
//! ```
//!
//! # Rules for modules
//!
//! - Hooks compute and return. They do no I/O and wait for nothing: a phone waits for them.
//! - A panic costs one call, which then fails with [`Fail::Panicked`]; it is logged and counted,
//!   and a hook that goes on panicking is taken out of use. Build with `panic = "unwind"`.
//! - No thread, no async runtime, no `thread_local!` whose value has a destructor, no global
//!   logger or subscriber: each keeps the file mapped after it is unloaded, for good or until the
//!   thread ends that touched it. Constant thread-locals, `HashMap` and atomics are fine; a static
//!   that holds heap memory leaks it at each load.
//! - Nothing but what is registered is called: there is no global constructor.
//! - Log with [`Host::log`] or [`log`]: `println!` and `eprintln!` end up nowhere.
//! - What a hook gets by `&mut` it fills and never replaces by a value of its own.
//!
//! # The edge
//!
//! Everything that crosses between server and file is `#[repr(C)]`: abi_stable's containers, its
//! trait objects, and the types of this crate; compiler versions may differ. A file is refused
//! unless it was built for the same [epoch](abi::EPOCH) and the same
//! [digest of layouts](abi::LAYOUT_DIGEST).
//!
//! # What is promised
//!
//! A module runs on every server of its epoch whose [level](abi::LEVEL) is not lower than the one it
//! was built with. Within an epoch, and each with a new level, only this may change:
//!
//! - a new hook of an existing kind, or a new service of [`Host`], is a method at the end of its trait
//!   in [`abi`], with a default: the tables of methods tell how long they are;
//! - a new kind of thing to register is a list at the end of [`Registrar`], which the server allocates:
//!   an old module just does not see it;
//! - what the server tells a hook may grow: a field at the end of [`BodyContext`] or [`ResourceQuery`],
//!   which hooks get by reference;
//! - what a module tells the server may get new values: [`Inputs`], [`Level`], [`Fail`], [`Support`].
//!
//! Everything else is a new epoch, and the server says so in one line for each file that has the old
//! one. What modules are written in, the traits and the macro, follows semantic versioning.
//!
//! The tests of [`abi`] fail when a layout, a table or a number changes, and modules that were built
//! against the first published form are loaded into today's server.

pub mod abi;
mod body;
mod contract;
mod data;
mod document;
mod host;
mod registrar;
#[doc(hidden)]
pub mod sdk;

pub use abi::Support;
pub use abi_stable;
pub use body::Body;
pub use contract::{
    BodyGenerator, BodySupplement, CliCommand, DeviceStateProvider, EventPackage, ExtensionListener,
};
pub use data::{
    BodyContext, CallerInfo, DeviceInfo, ExtensionState, Fail, Inputs, Level, Party, Payload, ResourceQuery,
};
pub use document::{Document, NodeId};
pub use host::{Host, HostServices};
pub use registrar::Registrar;
pub use sdk::{Load, log};
