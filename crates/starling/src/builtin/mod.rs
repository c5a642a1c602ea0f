//! The modules that are linked into the daemon. To an operator they are like those from files: each
//! can be left out in `modules.conf`, and what is not loaded does not exist.

pub(crate) mod authenticator;
mod custom_devices;
mod custom_presence;
mod custom_states;
pub(crate) mod dialplan;
mod flows;
pub(crate) mod functions;
mod history;
mod identifiers;
pub(crate) mod notify;
mod pjsip_devices;
mod pubsub;
pub(crate) mod resolver;
mod security_log;
pub(crate) mod sip;
mod sip_parts;
mod websocket;

use std::sync::{Arc, Mutex};

use module_api::Support;
use module_host::{Builtin, ModuleInfo};

pub(crate) use custom_devices::CustomDevices;
pub(crate) use custom_presence::CustomPresence;

use crate::server::{Server, lock};

/// All of them.
pub(crate) fn all(server: &Arc<Server>) -> Vec<Arc<dyn Builtin>> {
    let mut modules: Vec<Arc<dyn Builtin>> = vec![
        Arc::new(sip::ResPjsip::new(server)),
        Arc::new(resolver::ResResolverUnbound::new(server)),
        Arc::new(history::ResPjsipHistory::new(server)),
        Arc::new(notify::ResPjsipNotify::new(server)),
        Arc::new(authenticator::DigestModule(server.clone())),
        Arc::new(authenticator::AclModule(server.clone())),
        Arc::new(security_log::ResSecurityLog::new(server)),
        Arc::new(pubsub::ResPjsipPubsub::new(server)),
        Arc::new(websocket::ResHttpWebsocket(server.clone())),
        Arc::new(websocket::ResPjsipTransportWebsocket::new(server)),
        Arc::new(dialplan::PbxConfig::new(server)),
        Arc::new(custom_devices::FuncDevstate::new(server)),
        Arc::new(custom_presence::FuncPresencestate::new(server)),
    ];
    modules.extend(identifiers::all(server));
    modules.extend(sip_parts::all(server));
    modules
}

fn info(name: &str, description: &str, requires: &[&str], priority: u8) -> ModuleInfo {
    ModuleInfo {
        name: name.into(),
        description: description.into(),
        requires: requires.iter().map(|name| (*name).into()).collect(),
        optional: Vec::new(),
        priority,
        support: Support::Core,
    }
}

/// What a module has registered while it is loaded: guards, whose end takes it back.
#[derive(Default)]
struct Registrations(Mutex<Vec<Box<dyn Send>>>);

impl Registrations {
    fn add(&self, guard: impl Send + 'static) {
        lock(&self.0).push(Box::new(guard));
    }

    /// Takes all back, the newest first.
    fn clear(&self) {
        let guards = std::mem::take(&mut *lock(&self.0));
        guards.into_iter().rev().for_each(drop);
    }
}
