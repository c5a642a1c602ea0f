//! What [`declare_module!`](crate::declare_module) makes of a module.

use std::panic::PanicHookInfo;
use std::sync::RwLock;

use abi_stable::std_types::{RArc, RBox, RResult, RString};

use crate::abi::HostApi_TO;
use crate::registrar::catch;
use crate::{Host, Level, Registrar};

/// The server, for [`log`] and for panics. One in each module's file, filled while it is loaded.
static HOST: RwLock<Option<Host>> = RwLock::new(None);

/// Writes a line to the server's log, from anywhere in a loaded module. Elsewhere it does nothing.
pub fn log(level: Level, message: &str) {
    // A clone, so that no lock is held while the host works: it may panic, and the hook logs.
    let host = HOST.read().ok().and_then(|host| host.clone());
    if let Some(host) = host {
        host.log(level, message);
    }
}

/// A module's load hook: registers what it brings, or says why it cannot run here.
pub type Load = fn(Host, &mut Registrar) -> Result<(), String>;

/// Runs a module's load hook behind a guard.
#[doc(hidden)]
pub fn load(
    host: RArc<HostApi_TO<'static, RBox<()>>>,
    registrar: &mut Registrar,
    hook: Load,
) -> RResult<(), RString> {
    let host = Host::from_abi(host);
    set_host(Some(host.clone()));
    // A file has its own standard library, and that its own hook: the default one writes to
    // stderr and, with RUST_BACKTRACE set, caches tens of megabytes of debug information in a
    // thread-local that keeps the file mapped.
    std::panic::set_hook(Box::new(report_panic));
    match catch(|| hook(host, registrar)) {
        Some(result) => result.map_err(RString::from).into(),
        None => RResult::RErr("it panicked while it was loaded".into()),
    }
}

/// Lets go of the host.
#[doc(hidden)]
pub fn unload() {
    set_host(None);
}

fn set_host(host: Option<Host>) {
    if let Ok(mut slot) = HOST.write() {
        *slot = host;
    }
}

fn report_panic(info: &PanicHookInfo<'_>) {
    let what = info.payload_as_str().unwrap_or("(no text)");
    match info.location() {
        Some(at) => log(Level::Error, &format!("panicked at {at}: {what}")),
        None => log(Level::Error, &format!("panicked: {what}")),
    }
}

/// Declares the module that a crate is. The crate's type is `["cdylib", "rlib"]`, the module's name
/// is the crate's, and the file must be `name.so` or `libname.so`.
///
/// ```
/// use module_api::{Host, Registrar, declare_module};
///
/// declare_module! {
///     name: "res_example",
///     description: "Example",
///     requires: ["res_pjsip", "res_pjsip_pubsub"],
///     priority: 60,
///     support: Extended,
///     load: load,
/// }
///
/// fn load(_host: Host, _registrar: &mut Registrar) -> Result<(), String> {
///     Ok(())
/// }
/// ```
#[macro_export]
macro_rules! declare_module {
    (
        name: $name:literal,
        description: $description:literal,
        requires: [$($requires:literal),* $(,)?],
        priority: $priority:literal,
        support: $support:ident,
        load: $load:path $(,)?
    ) => {
        const _: () = {
            #[cfg(panic = "abort")]
            compile_error!("a module must be built with panic = \"unwind\": a panic may only cost one call");

            use $crate::abi::{Header, HostApi_TO, Root, Support};
            use $crate::abi_stable::std_types::{RArc, RBox, RResult, RSlice, RStr, RString};

            extern "C" fn __load(
                host: RArc<HostApi_TO<'static, RBox<()>>>,
                registrar: &mut $crate::Registrar,
            ) -> RResult<(), RString> {
                $crate::sdk::load(host, registrar, $load)
            }

            extern "C" fn __unload() {
                $crate::sdk::unload();
            }

            const REQUIRES: &[RStr<'static>] = &[$(RStr::from_str($requires)),*];

            // SAFETY: the name is the module's own, with a prefix that nothing else has; a file that
            // has it twice is not linked.
            #[unsafe(export_name = concat!("starling_module_", $name))]
            static ROOT: Root = Root {
                header: Header::CURRENT,
                name: RStr::from_str($name),
                description: RStr::from_str($description),
                build: RStr::from_str(env!("CARGO_PKG_VERSION")),
                api_build: RStr::from_str($crate::abi::BUILD),
                requires: RSlice::from_slice(REQUIRES),
                level: $crate::abi::LEVEL,
                priority: $priority,
                support: Support::$support,
                layout: $crate::abi::layout,
                load: __load,
                unload: __unload,
            };
        };
    };
}
