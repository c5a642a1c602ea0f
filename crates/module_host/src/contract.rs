//! What a loaded module brought, as plain traits of `module_api` that host code calls.
//!
//! Every object in it keeps the module open; the last one that is dropped closes it.

use std::sync::{Arc, mpsc};

use module_api::{
    BodyGenerator, BodySupplement, CliCommand, DeviceStateProvider, EventPackage, ExtensionListener, Host,
    Registrar,
};

use crate::hook::{Command, Counters, DeviceProvider, Generator, Hook, Kind, Listener, Package, Supplement};
use crate::image::{Closed, Image, on_own_thread};
use crate::library::Library;
use crate::registered;

/// What a module registered.
pub struct Contract {
    /// The module's name, without `.so`.
    pub module: String,
    /// Its generators.
    pub generators: Vec<Arc<dyn BodyGenerator>>,
    /// Its supplements.
    pub supplements: Vec<Arc<dyn BodySupplement>>,
    /// Its event packages.
    pub packages: Vec<Arc<dyn EventPackage>>,
    /// Its listeners.
    pub listeners: Vec<Arc<dyn ExtensionListener>>,
    /// Its providers of device states.
    pub devices: Vec<Arc<dyn DeviceStateProvider>>,
    /// Its commands.
    pub commands: Vec<Arc<dyn CliCommand>>,
    /// What it was built from: its own version, and that of the module interface.
    pub(crate) build: [String; 2],
    counters: Vec<Arc<Counters>>,
}

impl Contract {
    /// How often its hooks were called, and with what success, one entry for each registration.
    pub fn counters(&self) -> &[Arc<Counters>] {
        &self.counters
    }

    /// Runs a module's load hook, on a thread of its own. With the contract comes the news, once,
    /// that the module was closed.
    pub(crate) fn load(library: Library, host: Host) -> Result<(Self, mpsc::Receiver<Closed>), String> {
        let module = library.root().name.as_str().to_owned();
        let build =
            [library.root().build, library.root().api_build].map(|version| version.as_str().to_owned());
        let mut registrar = Registrar::new();
        let result = on_own_thread(|| {
            let result = (library.root().load)(host.into_abi(), &mut registrar);
            // A copy: the module's error is freed by the module.
            result.map_err(|reason| reason.as_str().to_owned()).into_result()
        });
        let (sender, closed) = mpsc::channel();
        let image = Arc::new(Image::new(registrar, library, sender));
        result?;
        image.registrar().map_or(Ok(()), registered::check)?;
        Ok((Self::new(module, build, &image), closed))
    }

    fn new(module: String, build: [String; 2], image: &Arc<Image>) -> Self {
        let mut contract = Self {
            module,
            build,
            generators: Vec::new(),
            supplements: Vec::new(),
            packages: Vec::new(),
            listeners: Vec::new(),
            devices: Vec::new(),
            commands: Vec::new(),
            counters: Vec::new(),
        };
        let Some(registrar) = image.registrar() else {
            return contract;
        };
        for (index, entry) in registrar.generators.iter().enumerate() {
            let hook = contract.hook(image, index, Kind::Generator, entry.media_type.as_str());
            contract.generators.push(Arc::new(Generator::new(entry, hook)));
        }
        for (index, entry) in registrar.supplements.iter().enumerate() {
            let hook = contract.hook(image, index, Kind::Supplement, entry.media_type.as_str());
            contract.supplements.push(Arc::new(Supplement::new(entry, hook)));
        }
        for (index, entry) in registrar.packages.iter().enumerate() {
            let hook = contract.hook(image, index, Kind::Package, entry.event.as_str());
            contract.packages.push(Arc::new(Package::new(entry, hook)));
        }
        for index in 0..registrar.listeners.len() {
            let hook = contract.hook(image, index, Kind::Listener, "extension states");
            contract.listeners.push(Arc::new(Listener::new(hook)));
        }
        for (index, entry) in registrar.devices.iter().enumerate() {
            let hook = contract.hook(image, index, Kind::DeviceProvider, entry.label.as_str());
            contract.devices.push(Arc::new(DeviceProvider::new(hook)));
        }
        for (index, entry) in registrar.commands.iter().enumerate() {
            let hook = contract.hook(image, index, Kind::Command, entry.words.as_str());
            contract.commands.push(Arc::new(Command::new(entry, hook)));
        }
        contract
    }

    fn hook(&mut self, image: &Arc<Image>, index: usize, kind: Kind, what: &str) -> Hook {
        let counters = Arc::new(Counters::new(kind, what));
        self.counters.push(counters.clone());
        Hook::new(&self.module, image.clone(), index, counters)
    }
}
