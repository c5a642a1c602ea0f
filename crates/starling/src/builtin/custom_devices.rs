//! `func_devstate`: devices named `Custom:NAME`, whose state an operator sets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use dialplan::{DeviceProvider, Hints, ProviderGuard};
use module_host::{Builtin, LoadOutcome, ModuleInfo};
use state::DeviceState;

use super::{Commands, info};
use crate::server::{Server, lock};

/// The `Custom:` devices. Names compare without case; the first spelling is shown.
pub(crate) struct CustomDevices {
    hints: Arc<Hints>,
    states: Mutex<BTreeMap<String, (Arc<str>, DeviceState)>>,
}

impl CustomDevices {
    /// Sets the state of `Custom:NAME`.
    pub(crate) fn set(&self, name: &str, state: DeviceState) {
        lock(&self.states).entry(name.to_lowercase()).or_insert_with(|| (name.into(), state)).1 = state;
        self.hints.device_changed(&format!("Custom:{name}"));
    }

    /// The names without `Custom:`.
    pub(crate) fn names(&self) -> impl Iterator<Item = Arc<str>> {
        let names: Vec<_> = lock(&self.states).values().map(|(name, _)| name.clone()).collect();
        names.into_iter()
    }

    /// The text of `devstate list`.
    pub(crate) fn list(&self) -> String {
        let states = lock(&self.states);
        let devices: Vec<_> =
            states.values().map(|(name, state)| (format!("Custom:{name}"), *state)).collect();
        state::cli::devstate_list(devices.iter().map(|(name, state)| (name.as_str(), *state)))
    }
}

impl DeviceProvider for CustomDevices {
    fn state(&self, rest: &str) -> DeviceState {
        lock(&self.states).get(&rest.to_lowercase()).map_or(DeviceState::Unknown, |(_, state)| *state)
    }
}

pub(super) struct FuncDevstate {
    server: Arc<Server>,
    devices: Arc<CustomDevices>,
    commands: Commands,
    provider: Mutex<Option<ProviderGuard>>,
}

impl FuncDevstate {
    pub(super) fn new(server: &Arc<Server>) -> Self {
        let devices = Arc::new(CustomDevices { hints: server.hints.clone(), states: Mutex::default() });
        Self { server: server.clone(), devices, commands: Commands::default(), provider: Mutex::default() }
    }
}

impl Builtin for FuncDevstate {
    fn info(&self) -> ModuleInfo {
        info("func_devstate", "Gets or sets a device state in the dialplan", &[], 90)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        *lock(&self.provider) = Some(self.server.hints.add_provider("Custom", self.devices.clone()));
        self.commands.set(crate::commands::devstate::register(&self.server, &self.devices));
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        self.commands.clear();
        lock(&self.provider).take();
        Ok(())
    }
}
