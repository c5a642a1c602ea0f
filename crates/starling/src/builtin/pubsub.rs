//! `res_pjsip_pubsub`: subscriptions.

use std::sync::Arc;

use module_host::{Builtin, LoadOutcome, ModuleInfo};
use res_pjsip_pubsub::PubSubService;

use super::{Registrations, info};
use crate::server::Server;
use crate::services::EXTENSION_STATE;

pub(super) struct ResPjsipPubsub {
    server: Arc<Server>,
    registrations: Registrations,
}

impl ResPjsipPubsub {
    pub(super) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone(), registrations: Registrations::default() }
    }
}

impl Builtin for ResPjsipPubsub {
    fn info(&self) -> ModuleInfo {
        info("res_pjsip_pubsub", "PJSIP event resource", &["res_pjsip"], 60)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        let pjsip = self.server.pjsip.get().ok_or("res_pjsip is not running")?;
        let hints = self.server.hints.clone();
        let pubsub = PubSubService::start(
            pjsip.clone(),
            Box::new(move |topic, key, change| {
                if topic == EXTENSION_STATE
                    && let Some(hint) = hints.get(key)
                {
                    if change > 0 { hint.add_watcher() } else { hint.remove_watcher() }
                }
            }),
        );
        self.registrations.add(crate::commands::pjsip::register_subscriptions(&self.server.cli, &pubsub));
        self.registrations.add(super::flows::follow(&pjsip, Arc::downgrade(&pubsub)));
        self.server.pubsub.set(pubsub);
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        self.registrations.clear();
        if let Some(pubsub) = self.server.pubsub.take() {
            pubsub.stop();
        }
        Ok(())
    }

    /// Its objects are in `pjsip.conf`, which is one whole; `res_pjsip` says what is wrong with it.
    fn reload(&self) -> Option<Result<(), String>> {
        Some(super::sip::reload(&self.server).map(drop))
    }

    fn use_count(&self) -> usize {
        self.server.pubsub.get().map_or(0, |pubsub| pubsub.active() as usize)
    }
}
