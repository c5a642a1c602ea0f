//! The objects that host code calls: each calls one object of a module, copies what comes out, and
//! counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use module_api::abi::{self, GeneratorEntry, PackageEntry, SupplementEntry};
use module_api::{
    Body, BodyContext, BodyGenerator, BodySupplement, Document, EventPackage, ExtensionListener, Fail,
    Inputs, Payload, Registrar, ResourceQuery,
};

use crate::image::Image;

/// How often a hook was called.
#[derive(Debug, Default)]
pub struct Counters {
    what: Box<str>,
    calls: AtomicU64,
    errors: AtomicU64,
    panics: AtomicU64,
    out_of_use: AtomicBool,
}

impl Counters {
    /// After so many panics a hook is called no more.
    pub const PANICS: u64 = 10;

    pub(crate) fn new(what: &str) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    /// What was registered: a media type, an event.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// All calls.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Calls that failed, panics included.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Calls that panicked.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Whether it is called no more, because it panicked [`Counters::PANICS`] times.
    pub fn out_of_use(&self) -> bool {
        self.out_of_use.load(Ordering::Relaxed)
    }
}

/// One registration.
pub(crate) struct Hook {
    module: Box<str>,
    image: Arc<Image>,
    index: usize,
    counters: Arc<Counters>,
}

impl Hook {
    pub(crate) fn new(module: &str, image: Arc<Image>, index: usize, counters: Arc<Counters>) -> Self {
        Self { module: module.into(), image, index, counters }
    }

    fn call<R>(&self, hook: impl FnOnce(&Registrar, usize) -> Option<Result<R, Fail>>) -> Result<R, Fail> {
        let counters = &*self.counters;
        counters.calls.fetch_add(1, Ordering::Relaxed);
        if counters.out_of_use() {
            counters.errors.fetch_add(1, Ordering::Relaxed);
            return Err(Fail::Panicked);
        }
        let result = self.image.registrar().and_then(|registrar| hook(registrar, self.index));
        let result = result.unwrap_or(Err(Fail::Internal));
        if let Err(fail) = &result {
            counters.errors.fetch_add(1, Ordering::Relaxed);
            if *fail == Fail::Panicked {
                self.panicked();
            }
        }
        result
    }

    fn panicked(&self) {
        let panics = self.counters.panics.fetch_add(1, Ordering::Relaxed) + 1;
        if panics >= Counters::PANICS && !self.counters.out_of_use.swap(true, Ordering::Relaxed) {
            let (module, what) = (&self.module, self.counters.what());
            tracing::error!(
                "{module}: {what} is out of use after {panics} panics; unload and load the module again"
            );
        }
    }
}

pub(crate) struct Generator {
    data_kind: Box<str>,
    inputs: Inputs,
    hook: Hook,
}

impl Generator {
    pub(crate) fn new(entry: &GeneratorEntry, hook: Hook) -> Self {
        Self { data_kind: entry.data_kind.as_str().into(), inputs: entry.inputs, hook }
    }
}

impl BodyGenerator for Generator {
    fn media_type(&self) -> &str {
        self.hook.counters.what()
    }

    fn data_kind(&self) -> &str {
        &self.data_kind
    }

    fn inputs(&self) -> Inputs {
        self.inputs
    }

    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> Result<(), Fail> {
        body.clear();
        self.hook
            .call(|registrar, at| Some(registrar.generators.get(at)?.object.generate(cx, body).into_result()))
    }
}

pub(crate) struct Supplement {
    data_kind: Box<str>,
    inputs: Inputs,
    hook: Hook,
}

impl Supplement {
    pub(crate) fn new(entry: &SupplementEntry, hook: Hook) -> Self {
        Self { data_kind: entry.data_kind.as_str().into(), inputs: entry.inputs, hook }
    }
}

impl BodySupplement for Supplement {
    fn media_type(&self) -> &str {
        self.hook.counters.what()
    }

    fn data_kind(&self) -> &str {
        &self.data_kind
    }

    fn inputs(&self) -> Inputs {
        self.inputs
    }

    fn supplement(&self, cx: &BodyContext<'_>, doc: &mut Document) -> Result<(), Fail> {
        self.hook.call(|registrar, at| {
            Some(registrar.supplements.get(at)?.object.supplement(cx, doc).into_result())
        })
    }
}

pub(crate) struct Package {
    default_media_type: Box<str>,
    data_kind: Box<str>,
    topic: Box<str>,
    hook: Hook,
}

impl Package {
    pub(crate) fn new(entry: &PackageEntry, hook: Hook) -> Self {
        Self {
            default_media_type: entry.default_media_type.as_str().into(),
            data_kind: entry.data_kind.as_str().into(),
            topic: entry.topic.as_str().into(),
            hook,
        }
    }
}

impl EventPackage for Package {
    fn event(&self) -> &str {
        self.hook.counters.what()
    }

    fn default_media_type(&self) -> &str {
        &self.default_media_type
    }

    fn data_kind(&self) -> &str {
        &self.data_kind
    }

    fn topic(&self) -> &str {
        &self.topic
    }

    fn resolve(&self, query: &ResourceQuery<'_>) -> Result<String, u16> {
        let answer = self.hook.call(|registrar, at| {
            let answer = registrar.packages.get(at)?.object.resolve(query);
            Some(match answer.into_result() {
                // A copy: the module's is freed by the module.
                Ok(key) => Ok(Ok(key.as_str().to_owned())),
                Err(abi::PANICKED) => Err(Fail::Panicked),
                Err(status) => Ok(Err(status)),
            })
        });
        answer.unwrap_or(Err(500))
    }

    fn current(&self, key: &str) -> Result<Payload, Fail> {
        self.hook.call(|registrar, at| {
            let payload = registrar.packages.get(at)?.object.current(key.into());
            // A copy: the module's is freed by the module.
            Some(payload.map(|payload| payload.clone()).into_result())
        })
    }
}

pub(crate) struct Listener {
    hook: Hook,
}

impl Listener {
    pub(crate) fn new(hook: Hook) -> Self {
        Self { hook }
    }
}

impl ExtensionListener for Listener {
    fn extension_state_changed(&self, key: &str, state: &Payload) {
        // It was counted, and logged by the module's own guard.
        let _ = self.hook.call(|registrar, at| {
            Some(registrar.listeners.get(at)?.extension_state_changed(key.into(), state).into_result())
        });
    }
}
