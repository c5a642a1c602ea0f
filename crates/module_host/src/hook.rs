//! The objects that host code calls: each calls one object of a module, copies what comes out, and
//! counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use module_api::abi::{self, CommandEntry, GeneratorEntry, PackageEntry, SupplementEntry};
use module_api::abi_stable::std_types::RStr;
use module_api::{
    Body, BodyContext, BodyGenerator, BodySupplement, CliCommand, DeviceInfo, DeviceStateProvider, Document,
    EventPackage, ExtensionListener, Fail, Inputs, Payload, Registrar, ResourceQuery,
};

use crate::image::Image;

/// What a hook is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It makes bodies.
    Generator,
    /// It adds to bodies.
    Supplement,
    /// It answers for an event.
    Package,
    /// It hears of states of extensions.
    Listener,
    /// It answers for devices.
    DeviceProvider,
    /// It runs a command of the CLI.
    Command,
}

impl Kind {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Generator => "body generator",
            Self::Supplement => "body supplement",
            Self::Package => "event package",
            Self::Listener => "listener",
            Self::DeviceProvider => "device state provider",
            Self::Command => "command",
        }
    }
}

/// How often a hook was called, and how long that took.
#[derive(Debug)]
pub struct Counters {
    kind: Kind,
    what: Box<str>,
    nanoseconds: AtomicU64,
    slow: AtomicU64,
    calls: AtomicU64,
    errors: AtomicU64,
    panics: AtomicU64,
    out_of_use: AtomicBool,
}

impl Counters {
    /// After so many panics a hook is called no more.
    pub const PANICS: u64 = 10;

    /// A call that takes longer is slow: packets wait for it.
    pub const SLOW: Duration = Duration::from_millis(50);

    pub(crate) fn new(kind: Kind, what: &str) -> Self {
        Self {
            kind,
            what: what.into(),
            nanoseconds: AtomicU64::new(0),
            slow: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            out_of_use: AtomicBool::new(false),
        }
    }

    /// What the hook is there for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Time in all calls.
    pub fn time(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }

    /// Calls that took longer than [`Counters::SLOW`].
    pub fn slow(&self) -> u64 {
        self.slow.load(Ordering::Relaxed)
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
        let begin = Instant::now();
        let result = self.image.registrar().and_then(|registrar| hook(registrar, self.index));
        self.took(begin.elapsed());
        let result = result.unwrap_or(Err(Fail::Internal));
        if let Err(fail) = &result {
            counters.errors.fetch_add(1, Ordering::Relaxed);
            if *fail == Fail::Panicked {
                self.panicked();
            }
        }
        result
    }

    fn took(&self, time: Duration) {
        let counters = &*self.counters;
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        counters.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        if time <= Counters::SLOW {
            return;
        }
        let slow = counters.slow.fetch_add(1, Ordering::Relaxed) + 1;
        // The first few, then now and then: a hook that is always slow must not fill the log.
        if slow.is_power_of_two() {
            tracing::warn!(
                "{}: {} '{}' took {} ms, and packets waited for it ({slow} slow calls so far)",
                self.module,
                counters.kind.word(),
                counters.what(),
                time.as_millis()
            );
        }
    }

    fn panicked(&self) {
        let panics = self.counters.panics.fetch_add(1, Ordering::Relaxed) + 1;
        if panics >= Counters::PANICS && !self.counters.out_of_use.swap(true, Ordering::Relaxed) {
            let (module, what) = (&self.module, self.counters.what());
            tracing::error!(
                "{module}: {what} is out of use after {panics} panics; `module refresh {module}` gives it another chance"
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
        self.hook.call(|registrar, at| {
            let made = registrar.generators.get(at)?.object.generate(cx, body).into_result();
            Some(made.and_then(|()| check_bytes(self.media_type(), body, &self.hook)))
        })
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
                Err(status @ 300..700) => Ok(Err(status)),
                // No answer to a SUBSCRIBE that is refused.
                Err(_) => Err(Fail::Internal),
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

pub(crate) struct DeviceProvider {
    hook: Hook,
}

impl DeviceProvider {
    pub(crate) fn new(hook: Hook) -> Self {
        Self { hook }
    }
}

impl DeviceStateProvider for DeviceProvider {
    fn label(&self) -> &str {
        self.hook.counters.what()
    }

    fn state(&self, rest: &str) -> Result<u8, Fail> {
        self.hook.call(|registrar, at| {
            let state = registrar.devices.get(at)?.object.state(rest.into()).into_result();
            Some(
                state.and_then(
                    |state| if state <= DeviceInfo::ON_HOLD { Ok(state) } else { Err(Fail::Internal) },
                ),
            )
        })
    }
}

pub(crate) struct Command {
    summary: Box<str>,
    usage: Box<str>,
    hook: Hook,
}

impl Command {
    pub(crate) fn new(entry: &CommandEntry, hook: Hook) -> Self {
        Self { summary: entry.summary.as_str().into(), usage: entry.usage.as_str().into(), hook }
    }
}

impl CliCommand for Command {
    fn words(&self) -> &str {
        self.hook.counters.what()
    }

    fn summary(&self) -> &str {
        &self.summary
    }

    fn usage(&self) -> &str {
        &self.usage
    }

    fn run(&self, args: &[&str]) -> Result<String, String> {
        let args: Vec<RStr<'_>> = args.iter().map(|arg| RStr::from_str(arg)).collect();
        let answer = self.hook.call(|registrar, at| {
            let answer = registrar.commands.get(at)?.object.run(args.as_slice().into()).into_result();
            // Copies: the module's texts are freed by the module.
            let copied = |text: &str| text.to_owned();
            Some(answer.map(|answer| match answer.into_result() {
                Ok(text) => Ok(copied(&text)),
                Err(text) => Err(copied(&text)),
            }))
        });
        answer.unwrap_or_else(|fail| Err(format!("the command failed in its module: {fail:?}\n")))
    }
}

/// Refuses bytes that are not what their media type promises: text is UTF-8. (A document is text by its
/// nature.)
fn check_bytes(media_type: &str, body: &Body, hook: &Hook) -> Result<(), Fail> {
    let Some(bytes) = body.as_raw() else { return Ok(()) };
    let is_text = media_type.starts_with("text/")
        || ["xml", "json"].iter().any(|end| {
            media_type.ends_with(&["+", end].concat()) || media_type.ends_with(&["/", end].concat())
        });
    if is_text && std::str::from_utf8(bytes).is_err() {
        tracing::debug!("{}: a body of type {media_type} is not UTF-8", hook.module);
        return Err(Fail::Internal);
    }
    Ok(())
}
