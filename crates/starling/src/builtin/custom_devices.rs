//! `func_devstate`: devices named `Custom:NAME`, whose state an operator sets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use dialplan::{DeviceProvider, Hints};
use module_host::{Builtin, LoadOutcome, ModuleInfo};
use state::{Call, DeviceState, Name, Party};
use store::Store;

use super::custom_states::CustomStates;
use super::functions::DeviceStateFunction;
use super::{Registrations, info};
use crate::server::{Server, lock};

/// The `Custom:` devices. A device that was never set is UNKNOWN, which hints show as idle.
pub(crate) struct CustomDevices {
    hints: Arc<Hints>,
    states: CustomStates,
    /// Who is calling a device, by its name: known until its state is set anew, and not kept over a
    /// restart.
    calls: Mutex<HashMap<Name, Arc<Call>>>,
}

impl CustomDevices {
    /// What the store has.
    pub(super) fn new(hints: &Arc<Hints>, store: &Store) -> Arc<Self> {
        let states = CustomStates::open(store, "CustomDevstate");
        Arc::new(Self { hints: hints.clone(), states, calls: Mutex::default() })
    }

    /// Sets the state of `Custom:NAME`.
    pub(crate) fn set(&self, name: &str, state: DeviceState) {
        self.set_with_caller(name, state, None);
    }

    /// Sets the state of `Custom:NAME`, and who is calling it.
    pub(crate) fn set_with_caller(&self, name: &str, state: DeviceState, caller: Option<Party>) {
        let call = caller.map(|remote| Call { remote, local: Party::default(), since: self.hints.now() });
        let mut calls = lock(&self.calls);
        match call {
            Some(call) => calls.insert(Name::new(name), Arc::new(call)),
            None => calls.remove(&Name::new(name)),
        };
        drop(calls);
        self.states.set(name, state.word());
        self.hints.device_changed(&format!("Custom:{name}"));
    }

    /// Forgets the state of `Custom:NAME`; false if it was never set.
    pub(crate) fn remove(&self, name: &str) -> bool {
        lock(&self.calls).remove(&Name::new(name));
        let removed = self.states.remove(name);
        self.hints.device_changed(&format!("Custom:{name}"));
        removed
    }

    /// The names without `Custom:`.
    pub(crate) fn names(&self) -> Vec<String> {
        self.states.names()
    }

    /// The text of `devstate list`.
    pub(crate) fn list(&self) -> String {
        let states = self.states.all();
        let devices: Vec<_> =
            states.iter().map(|(name, word)| (format!("Custom:{}", name.as_str()), word)).collect();
        state::cli::devstate_list(devices.iter().map(|(name, word)| (name.as_str(), parse(word))))
    }
}

impl DeviceProvider for CustomDevices {
    fn state(&self, rest: &str) -> DeviceState {
        self.states.get(rest).map_or(DeviceState::Unknown, |word| parse(&word))
    }

    fn call(&self, rest: &str) -> Option<Arc<Call>> {
        lock(&self.calls).get(&Name::new(rest)).cloned()
    }
}

/// A word of the store; as in Asterisk one that is no state is UNKNOWN.
fn parse(word: &str) -> DeviceState {
    word.parse().unwrap_or(DeviceState::Unknown)
}

pub(super) struct FuncDevstate {
    server: Arc<Server>,
    registrations: Registrations,
}

impl FuncDevstate {
    pub(super) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone(), registrations: Registrations::default() }
    }
}

impl Builtin for FuncDevstate {
    fn info(&self) -> ModuleInfo {
        info("func_devstate", "Gets or sets a device state in the dialplan", &[], 90)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        let hints = &self.server.hints;
        let devices = CustomDevices::new(hints, &self.server.store);
        let function = DeviceStateFunction { hints: Arc::downgrade(hints), devices: devices.clone() };
        self.registrations.add(hints.functions().add("DEVICE_STATE", Arc::new(function)));
        self.registrations.add(hints.add_provider("Custom", devices.clone()));
        // Contexts with autohints have hints for all of them from the start.
        for name in devices.names() {
            hints.device_changed(&format!("Custom:{name}"));
        }
        self.registrations.add(crate::commands::devstate::register(&self.server, &devices));
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        self.registrations.clear();
        Ok(())
    }
}
