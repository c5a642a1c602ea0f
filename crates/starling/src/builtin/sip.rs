//! `res_pjsip`: `pjsip.conf`, transports, shards, OPTIONS.

use std::sync::Arc;

use conf::{Diagnostic, LoadError};
use dialplan::Hints;
use module_host::{Builtin, LoadOutcome, ModuleInfo};
use res_pjsip::config::{Context, NamedAcls, PjsipConfig};
use res_pjsip::{ExtensionLookup, Location, Pjsip};

use super::pjsip_devices::{PjsipDevices, follow};
use super::{Registrations, info};
use crate::report::report;
use crate::server::{PRODUCT, Server};

pub(super) struct ResPjsip {
    server: Arc<Server>,
    registrations: Registrations,
}

impl ResPjsip {
    pub(super) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone(), registrations: Registrations::default() }
    }
}

/// Reads `acl.conf`, which need not be there, and `pjsip.conf`, with all remarks.
pub(crate) fn parse(loader: &conf::Loader) -> Result<(PjsipConfig, Vec<Diagnostic>), String> {
    let mut remarks = Vec::new();
    let acls = match loader.load("acl.conf") {
        Ok(file) => {
            let (acls, of_acls) = NamedAcls::parse(&file);
            remarks.extend(file.diagnostics.iter().cloned().chain(of_acls));
            acls
        }
        Err(LoadError::Missing { .. }) => NamedAcls::default(),
        Err(error) => return Err(error.to_string()),
    };
    let file = loader.load("pjsip.conf").map_err(|error| error.to_string())?;
    let (config, of_objects) = PjsipConfig::parse_with(&file, &Context { product: PRODUCT, acls: &acls });
    remarks.extend(file.diagnostics.iter().cloned().chain(of_objects));
    Ok((config, remarks))
}

impl Builtin for ResPjsip {
    fn info(&self) -> ModuleInfo {
        info("res_pjsip", "Basic SIP resource", &[], 55)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        let (config, remarks) = parse(&self.server.loader())?;
        report(&remarks);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pjsip = Pjsip::start(config, cores, Location::open(&self.server.store)).map_err(|error| {
            let text = error.to_string();
            self.server.fail_start(&text);
            text
        })?;
        if pjsip.snapshot().transports.is_empty() {
            tracing::warn!("pjsip.conf has no UDP transport: no phone can reach the server");
        }
        pjsip.set_extensions(Some(Arc::new(Extensions(self.server.hints.clone()))));
        if self.server.booted.is_set() {
            pjsip.open();
        }
        self.registrations.add(crate::commands::pjsip::register(&self.server, &pjsip));
        let devices = Arc::new(PjsipDevices(Arc::downgrade(&pjsip)));
        self.registrations.add(self.server.hints.add_technology("PJSIP", devices));
        self.registrations.add(follow(&pjsip, &self.server.hints));
        self.server.pjsip.set(pjsip);
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        self.registrations.clear();
        if let Some(pjsip) = self.server.pjsip.take() {
            pjsip.stop();
        }
        Ok(())
    }
}

/// OPTIONS looks extensions up in the dialplan.
struct Extensions(Arc<Hints>);

impl ExtensionLookup for Extensions {
    fn exists(&self, context: &str, extension: &str) -> bool {
        self.0.exists(context, extension)
    }
}
