//! What a module brings, collected while it loads.

use std::panic::{AssertUnwindSafe, catch_unwind};

use abi_stable::{
    StableAbi,
    sabi_trait::TD_Opaque,
    std_types::{RBox, RResult, RSlice, RStr, RString, RVec},
};

use crate::abi::{
    CommandApi, CommandApi_TO, CommandEntry, DeviceProviderApi, DeviceProviderApi_TO, DeviceProviderEntry,
    EventPackageApi, EventPackageApi_TO, GeneratorApi, GeneratorApi_TO, GeneratorEntry, ListenerApi,
    ListenerApi_TO, PANICKED, PackageEntry, SupplementApi, SupplementApi_TO, SupplementEntry,
};
use crate::{
    Body, BodyContext, BodyGenerator, BodySupplement, CliCommand, DeviceStateProvider, Document,
    EventPackage, ExtensionListener, Fail, Payload, ResourceQuery,
};

/// A module's load hook fills it, the host keeps it: what is in it is registered for as long as the
/// module is loaded, and is dropped before the module is closed.
#[repr(C)]
#[derive(StableAbi, Default)]
pub struct Registrar {
    /// The generators, for the host.
    #[doc(hidden)]
    pub generators: RVec<GeneratorEntry>,
    /// The supplements, for the host.
    #[doc(hidden)]
    pub supplements: RVec<SupplementEntry>,
    /// The event packages, for the host.
    #[doc(hidden)]
    pub packages: RVec<PackageEntry>,
    /// The listeners, for the host.
    #[doc(hidden)]
    pub listeners: RVec<ListenerApi_TO<'static, RBox<()>>>,
    /// The providers of device states, for the host.
    #[doc(hidden)]
    pub devices: RVec<DeviceProviderEntry>,
    /// The commands, for the host.
    #[doc(hidden)]
    pub commands: RVec<CommandEntry>,
}

impl Registrar {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a body generator. A media type has one generator: the first that registers it.
    pub fn generator(&mut self, generator: impl BodyGenerator + 'static) {
        self.generators.push(GeneratorEntry {
            media_type: generator.media_type().into(),
            data_kind: generator.data_kind().into(),
            inputs: generator.inputs(),
            object: GeneratorApi_TO::from_value(Guard::new(generator), TD_Opaque),
        });
    }

    /// Registers a body supplement.
    pub fn supplement(&mut self, supplement: impl BodySupplement + 'static) {
        self.supplements.push(SupplementEntry {
            media_type: supplement.media_type().into(),
            data_kind: supplement.data_kind().into(),
            inputs: supplement.inputs(),
            object: SupplementApi_TO::from_value(Guard::new(supplement), TD_Opaque),
        });
    }

    /// Registers an event package. An event has one package: the first that registers it.
    pub fn package(&mut self, package: impl EventPackage + 'static) {
        self.packages.push(PackageEntry {
            event: package.event().into(),
            default_media_type: package.default_media_type().into(),
            data_kind: package.data_kind().into(),
            topic: package.topic().into(),
            object: EventPackageApi_TO::from_value(Guard::new(package), TD_Opaque),
        });
    }

    /// Registers a listener for changes of extension states.
    pub fn listener(&mut self, listener: impl ExtensionListener + 'static) {
        self.listeners.push(ListenerApi_TO::from_value(Guard::new(listener), TD_Opaque));
    }

    /// Registers a provider of device states. Of several for one label the latest answers.
    pub fn device_provider(&mut self, provider: impl DeviceStateProvider + 'static) {
        self.devices.push(DeviceProviderEntry {
            label: provider.label().into(),
            object: DeviceProviderApi_TO::from_value(Guard::new(provider), TD_Opaque),
        });
    }

    /// Registers a command of the CLI. The server's own commands stay what they are.
    pub fn command(&mut self, command: impl CliCommand + 'static) {
        self.commands.push(CommandEntry {
            words: command.words().into(),
            summary: command.summary().into(),
            usage: command.usage().into(),
            object: CommandApi_TO::from_value(Guard::new(command), TD_Opaque),
        });
    }
}

/// Stands between the edge and an author's object: no panic passes it, not even from a drop.
struct Guard<T>(Option<T>);

impl<T> Guard<T> {
    fn new(object: T) -> Self {
        Self(Some(object))
    }

    fn call<R>(&self, hook: impl FnOnce(&T) -> Result<R, Fail>) -> Result<R, Fail> {
        let object = self.0.as_ref().ok_or(Fail::Internal)?;
        catch(|| hook(object)).unwrap_or(Err(Fail::Panicked))
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        let object = self.0.take();
        catch(|| drop(object));
    }
}

impl<T: BodyGenerator> GeneratorApi for Guard<T> {
    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> RResult<(), Fail> {
        self.call(|object| object.generate(cx, body)).into()
    }
}

impl<T: BodySupplement> SupplementApi for Guard<T> {
    fn supplement(&self, cx: &BodyContext<'_>, doc: &mut Document) -> RResult<(), Fail> {
        self.call(|object| object.supplement(cx, doc)).into()
    }
}

impl<T: EventPackage> EventPackageApi for Guard<T> {
    fn resolve(&self, query: &ResourceQuery<'_>) -> RResult<RString, u16> {
        match self.call(|object| Ok(object.resolve(query))) {
            Ok(answer) => answer.map(RString::from).into(),
            Err(_) => RResult::RErr(PANICKED),
        }
    }

    fn current(&self, key: RStr<'_>) -> RResult<Payload, Fail> {
        self.call(|object| object.current(key.as_str())).into()
    }
}

impl<T: ExtensionListener> ListenerApi for Guard<T> {
    fn extension_state_changed(&self, key: RStr<'_>, state: &Payload) -> RResult<(), Fail> {
        self.call(|object| {
            object.extension_state_changed(key.as_str(), state);
            Ok(())
        })
        .into()
    }
}

impl<T: DeviceStateProvider> DeviceProviderApi for Guard<T> {
    fn state(&self, rest: RStr<'_>) -> RResult<u8, Fail> {
        self.call(|object| object.state(rest.as_str())).into()
    }
}

impl<T: CliCommand> CommandApi for Guard<T> {
    fn run(&self, args: RSlice<'_, RStr<'_>>) -> RResult<RResult<RString, RString>, Fail> {
        let run = |object: &T| {
            let args: Vec<&str> = args.iter().map(|arg| arg.as_str()).collect();
            Ok(object.run(&args).map(RString::from).map_err(RString::from).into())
        };
        self.call(run).into()
    }
}

/// Runs `work`; none if it panicked. What it panicked with may itself panic when it is dropped.
pub(crate) fn catch<R>(work: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Some(result),
        Err(payload) => {
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(payload)));
            if let Err(second) = dropped {
                std::mem::forget(second);
            }
            None
        }
    }
}
