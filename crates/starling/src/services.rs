//! What the server does for modules, and where it puts what they bring.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cli::{Outcome, command};
use dialplan::{DeviceProvider, ExtensionSnapshot};
use module_api::{
    CallerInfo, CliCommand, DeviceInfo, DeviceStateProvider, ExtensionState, HostServices, Level, Party,
    Payload,
};
use module_host::{Contract, Registry};
use res_pjsip_pubsub::ModuleParts;
use state::{DeviceState, PresenceState};

use crate::server::{Server, lock};

/// The topic and data kind of hints.
pub(crate) const EXTENSION_STATE: &str = "extension-state";

/// The server, for modules.
pub(crate) struct Services {
    server: Arc<Server>,
}

impl Services {
    pub(crate) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone() }
    }
}

impl HostServices for Services {
    fn log(&self, module: &str, level: Level, message: &str) {
        match level {
            Level::Error => tracing::error!(log.file = module, "{message}"),
            Level::Warning => tracing::warn!(log.file = module, "{message}"),
            Level::Notice => tracing::info!(log.file = module, "{message}"),
            Level::Verbose => tracing::info!(log.file = module, verbose = 3, "{message}"),
            Level::Debug => tracing::debug!(log.file = module, "{message}"),
        }
    }

    fn find_hint(&self, context: &str, exten: &str) -> Option<String> {
        self.server.hints.find(context, exten).map(|hint| hint.key().to_string())
    }

    fn extension_state(&self, key: &str) -> Option<Payload> {
        self.server.hints.get(key).map(|hint| payload(&hint.snapshot()))
    }

    fn publish(&self, topic: &str, key: &str, payload: &Payload) {
        if let Some(pubsub) = self.server.pubsub.get() {
            pubsub.publish(topic, key, payload.clone());
        }
    }

    fn device_changed(&self, device: &str) {
        self.server.hints.device_changed(device);
    }
}

/// The state of a hint, for modules.
fn payload(snapshot: &ExtensionSnapshot) -> Payload {
    let device = |device: dialplan::DeviceSnapshot<'_>| DeviceInfo {
        name: device.name.into(),
        state: number(&DeviceState::ALL, device.state),
        caller: device.call.map(|call| caller(call)).into(),
    };
    let presence = snapshot.presence();
    let state = ExtensionState {
        exten: snapshot.exten().into(),
        context: snapshot.context().into(),
        name: snapshot.name().into(),
        state: if snapshot.removed { REMOVED } else { snapshot.state.bits() },
        presence_state: number(&PresenceState::ALL, presence.state),
        presence_subtype: (&*presence.subtype).into(),
        presence_message: (&*presence.message).into(),
        devices: snapshot.devices().map(device).collect(),
    };
    let mut payload = Payload::extension_state(snapshot.seq, state);
    payload.terminated = snapshot.removed;
    payload
}

/// A call, for modules.
fn caller(call: &state::Call) -> CallerInfo {
    let known = |text: &str| (!text.is_empty()).then(|| text.into()).into();
    let party = |party: &state::Party| Party {
        number: known(&party.number),
        name: known(&party.name),
        restricted: party.restricted,
    };
    CallerInfo { remote: party(&call.remote), local: party(&call.local), since_ms: call.since }
}

/// The number of a state on the modules' edge: its place in Asterisk's order. An invalid presence has
/// none there.
fn number<T: PartialEq>(all: &[T], state: T) -> u8 {
    all.iter().position(|other| *other == state).map_or(u8::MAX, |place| place as u8)
}

/// The state of a hint that is gone.
const REMOVED: i32 = -2;

/// Puts to use what modules bring.
pub(crate) struct Parts {
    server: Arc<Server>,
    /// What holds the registrations of each module beside those at pubsub.
    guards: Mutex<HashMap<String, Guards>>,
}

type Guards = Vec<Box<dyn Send>>;

impl Parts {
    pub(crate) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone(), guards: Mutex::default() }
    }

    /// Registers everything that is not pubsub's.
    fn register(&self, contract: &Contract) -> Guards {
        let mut guards = Guards::new();
        for listener in &contract.listeners {
            let listener = listener.clone();
            guards.push(Box::new(self.server.hints.listen(Box::new(move |snapshot: &ExtensionSnapshot| {
                listener.extension_state_changed(snapshot.key(), &payload(snapshot));
            }))));
        }
        for provider in &contract.devices {
            let label = provider.label().to_owned();
            let devices = Arc::new(Devices(provider.clone()));
            guards.push(match label.strip_suffix('/') {
                Some(technology) => Box::new(self.server.hints.add_technology(technology, devices)),
                None => Box::new(self.server.hints.add_provider(label.trim_end_matches(':'), devices)),
            });
        }
        for it in &contract.commands {
            guards.push(Box::new(self.server.cli.register(cli_command(it))));
        }
        guards
    }

    /// Hands over what is pubsub's; with `replace` in place of what the module brought before.
    fn hand_over(&self, module: &str, contract: &Contract, replace: bool) -> Result<(), String> {
        let parts = ModuleParts {
            packages: contract.packages.clone(),
            generators: contract.generators.clone(),
            supplements: contract.supplements.clone(),
        };
        let brings_nothing =
            parts.packages.is_empty() && parts.generators.is_empty() && parts.supplements.is_empty();
        match self.server.pubsub.get() {
            None if brings_nothing => Ok(()),
            None => Err("res_pjsip_pubsub is not running".into()),
            Some(pubsub) if replace => pubsub.replace_parts(module, parts),
            Some(_) if brings_nothing => Ok(()),
            Some(pubsub) => pubsub.add_parts(module, parts),
        }
    }
}

impl Registry for Parts {
    fn add(&self, module: &str, contract: &Arc<Contract>) -> Result<(), String> {
        self.hand_over(module, contract, false)?;
        let guards = self.register(contract);
        lock(&self.guards).insert(module.to_owned(), guards);
        Ok(())
    }

    fn replace(&self, module: &str, contract: &Arc<Contract>) -> Result<(), String> {
        self.hand_over(module, contract, true)?;
        // The new ones come first: no change is missed between the two. What both tell is told once.
        let guards = self.register(contract);
        let old = lock(&self.guards).insert(module.to_owned(), guards);
        drop(old);
        Ok(())
    }

    fn remove(&self, module: &str) {
        let guards = lock(&self.guards).remove(module);
        // Outside the lock: a listener may be running.
        drop(guards);
        if let Some(pubsub) = self.server.pubsub.get() {
            pubsub.remove_parts(module);
        }
    }

    fn use_count(&self, module: &str) -> usize {
        self.server.pubsub.get().map_or(0, |pubsub| pubsub.users_of(module))
    }
}

/// A module's provider of device states, for hints.
struct Devices(Arc<dyn DeviceStateProvider>);

impl DeviceProvider for Devices {
    fn state(&self, rest: &str) -> DeviceState {
        let state = self.0.state(rest).ok();
        let state = state.and_then(|number| DeviceState::ALL.get(usize::from(number)).copied());
        state.unwrap_or(DeviceState::Unknown)
    }
}

/// A module's command, for the CLI.
fn cli_command(it: &Arc<dyn CliCommand>) -> impl cli::Command + use<> {
    let run = it.clone();
    command(it.words(), it.summary(), it.usage(), move |cx| {
        let result = run.run(&cx.arg_strs());
        match result {
            Ok(text) => {
                cx.print(&text);
                Outcome::Success
            }
            Err(text) if text.is_empty() => Outcome::ShowUsage,
            Err(text) => {
                cx.print(&text);
                Outcome::Failure
            }
        }
    })
}
