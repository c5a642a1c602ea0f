//! A module's file while it is loaded, and its orderly end.
//!
//! When the last user lets go, wherever that is, a thread of its own drops the module's objects,
//! ends the module and closes the file, in this order.

use std::path::Path;
use std::sync::mpsc;
use std::thread;

use module_api::Registrar;

use crate::OpenError;
use crate::library::{Library, Trust};

/// Opens a module's file, on a thread of its own.
pub(crate) fn open(name: &str, file: &Path) -> Result<Library, OpenError> {
    on_own_thread(|| Library::open(name, file, Trust::Digest))
}

/// The module's file was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed {
    /// And is no longer mapped.
    pub(crate) unmapped: bool,
}

/// A module that is loaded, shared by all that came out of it.
pub(crate) struct Image {
    /// There until the drop.
    open: Option<Open>,
}

struct Open {
    registrar: Registrar,
    library: Library,
    closed: mpsc::Sender<Closed>,
}

impl Image {
    /// A module whose load hook has run. `closed` gets the news when it is closed.
    pub(crate) fn new(registrar: Registrar, library: Library, closed: mpsc::Sender<Closed>) -> Self {
        Self { open: Some(Open { registrar, library, closed }) }
    }

    /// What it registered.
    pub(crate) fn registrar(&self) -> Option<&Registrar> {
        self.open.as_ref().map(|open| &open.registrar)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // Whoever drops the last user may be a packet thread: it does not wait for this.
        let mut open = self.open.take();
        let (sender, receiver) = mpsc::channel::<Open>();
        let spawned = thread::Builder::new().name("module close".into()).spawn(move || {
            if let Ok(open) = receiver.recv() {
                open.close();
            }
        });
        if spawned.is_ok()
            && let Some(open) = open.take()
        {
            // The thread waits for it.
            let _ = sender.send(open);
        }
        if let Some(open) = open {
            open.close();
        }
    }
}

impl Open {
    /// Objects, then the module, then the file.
    fn close(self) {
        let Self { registrar, library, closed } = self;
        on_own_thread(|| {
            drop(registrar);
            (library.root().unload)();
        });
        let unmapped = library.close();
        // Nobody may care any more.
        let _ = closed.send(Closed { unmapped });
    }
}

/// Runs code of a module on a thread that ends with it: destructors of thread-locals that the code
/// registers would keep the file mapped as long as the thread lives.
pub(crate) fn on_own_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let mut work = Some(work);
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("module".into());
        let thread = builder.spawn_scoped(scope, || work.take().map(|work| work()));
        thread.ok().and_then(|thread| thread.join().ok().flatten())
    })
    .or_else(|| work.take().map(|work| work()))
    .expect("hooks of a module are extern \"C\" and do not unwind, so the work ran or is still there")
}
