//! What the server does for modules, and where it puts what they bring.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use dialplan::{ExtensionSnapshot, ListenGuard};
use module_api::{CallerInfo, DeviceInfo, ExtensionState, HostServices, Level, Party, Payload};
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
    listeners: Mutex<HashMap<String, Vec<ListenGuard>>>,
}

impl Parts {
    pub(crate) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone(), listeners: Mutex::default() }
    }
}

impl Registry for Parts {
    fn add(&self, module: &str, contract: &Arc<Contract>) -> Result<(), String> {
        let parts = ModuleParts {
            packages: contract.packages.clone(),
            generators: contract.generators.clone(),
            supplements: contract.supplements.clone(),
        };
        let brings_nothing =
            parts.packages.is_empty() && parts.generators.is_empty() && parts.supplements.is_empty();
        if !brings_nothing {
            let pubsub = self.server.pubsub.get().ok_or("res_pjsip_pubsub is not running")?;
            pubsub.add_parts(module, parts)?;
        }
        let listen = |listener: &Arc<dyn module_api::ExtensionListener>| {
            let listener = listener.clone();
            self.server.hints.listen(Box::new(move |snapshot: &ExtensionSnapshot| {
                listener.extension_state_changed(snapshot.key(), &payload(snapshot));
            }))
        };
        let guards = contract.listeners.iter().map(listen).collect();
        lock(&self.listeners).insert(module.to_owned(), guards);
        Ok(())
    }

    fn remove(&self, module: &str) {
        let guards = lock(&self.listeners).remove(module);
        // Outside the lock: a listener may be running.
        drop(guards);
        if let Some(pubsub) = self.server.pubsub.get() {
            pubsub.remove_parts(module);
        }
    }
}
