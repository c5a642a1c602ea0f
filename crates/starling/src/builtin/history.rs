//! `res_pjsip_history`: `pjsip set history`, `pjsip show history`.

use std::sync::Arc;

use module_host::{Builtin, LoadOutcome, ModuleInfo};

use super::{Registrations, info};
use crate::server::Server;

pub(super) struct ResPjsipHistory {
    server: Arc<Server>,
    registrations: Registrations,
}

impl ResPjsipHistory {
    pub(super) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone(), registrations: Registrations::default() }
    }
}

impl Builtin for ResPjsipHistory {
    fn info(&self) -> ModuleInfo {
        info("res_pjsip_history", "PJSIP History", &["res_pjsip"], 70)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        let pjsip = self.server.pjsip.get().ok_or("res_pjsip is not running")?;
        self.registrations.add(crate::commands::history::register(&self.server.cli, pjsip.history()));
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        self.registrations.clear();
        if let Some(pjsip) = self.server.pjsip.get() {
            pjsip.history().set(false);
            pjsip.history().clear();
        }
        Ok(())
    }
}
