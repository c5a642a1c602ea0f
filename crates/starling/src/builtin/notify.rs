//! `res_pjsip_notify`: `pjsip send notify` with the kinds of NOTIFY in `pjsip_notify.conf`.

use std::sync::{Arc, Mutex};

use conf::Diagnostic;
use module_host::{Builtin, LoadOutcome, ModuleInfo};
use res_pjsip::notify::{Notify, NotifyModule, Template, Templates};

use super::{Registrations, info};
use crate::report::report;
use crate::server::{Server, lock};

pub(super) struct ResPjsipNotify {
    server: Arc<Server>,
    templates: Arc<Mutex<Arc<Templates>>>,
    registrations: Registrations,
}

impl ResPjsipNotify {
    pub(super) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone(), templates: Arc::default(), registrations: Registrations::default() }
    }

    /// Reads the file; on error the old kinds stay.
    fn read(&self) -> Result<(), String> {
        let (templates, remarks) = parse(&self.server.loader())?;
        report(&remarks);
        *lock(&self.templates) = Arc::new(templates);
        Ok(())
    }
}

/// Reads `pjsip_notify.conf`, with all remarks.
pub(crate) fn parse(loader: &conf::Loader) -> Result<(Templates, Vec<Diagnostic>), String> {
    let file = loader.load("pjsip_notify.conf").map_err(|error| error.to_string())?;
    let (templates, remarks) = Template::parse_all(&file);
    Ok((templates, file.diagnostics.iter().cloned().chain(remarks).collect()))
}

impl Builtin for ResPjsipNotify {
    fn info(&self) -> ModuleInfo {
        info("res_pjsip_notify", "CLI/AMI PJSIP NOTIFY Support", &["res_pjsip"], 70)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        let pjsip = self.server.pjsip.get().ok_or("res_pjsip is not running")?;
        self.read()?;
        pjsip.add_module(Notify::factory());
        self.registrations.add(crate::commands::notify::register(&self.server, &self.templates));
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        self.registrations.clear();
        if let Some(pjsip) = self.server.pjsip.get() {
            pjsip.remove_module(NotifyModule::NAME);
        }
        Ok(())
    }

    fn reload(&self) -> Option<Result<(), String>> {
        Some(self.read())
    }
}
