//! `res_resolver_unbound`: names are looked up in the DNS, with their services (RFC 3263). Without it
//! the system is asked, which knows addresses only. `resolver_unbound.conf` says whom to ask.

use std::sync::Arc;

use conf::{Diagnostic, LoadError, Severity};
use module_host::{Builtin, LoadOutcome, ModuleInfo};
use res_pjsip::resolve::{Backend, Settings};

use super::info;
use crate::report::report;
use crate::server::Server;

pub(super) struct ResResolverUnbound {
    server: Arc<Server>,
}

impl ResResolverUnbound {
    pub(super) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone() }
    }

    /// Reads the file and puts it in force; on error what was in force stays.
    fn read(&self) -> Result<(), String> {
        let pjsip = self.server.pjsip.get().ok_or("res_pjsip is not running")?;
        let (settings, remarks) = parse(&self.server.loader())?;
        if let Some(error) = remarks.iter().find(|remark| remark.severity == Severity::Error) {
            return Err(error.to_string());
        }
        report(&remarks);
        pjsip
            .resolver()
            .set_backend(&Backend::Dns(settings))
            .map_err(|error| format!("resolver_unbound.conf: {error}"))
    }
}

/// Reads `resolver_unbound.conf`, which need not be there, with all remarks.
pub(crate) fn parse(loader: &conf::Loader) -> Result<(Settings, Vec<Diagnostic>), String> {
    match loader.load("resolver_unbound.conf") {
        Ok(file) => {
            let (settings, remarks) = Settings::parse(&file);
            Ok((settings, file.diagnostics.iter().cloned().chain(remarks).collect()))
        }
        Err(LoadError::Missing { .. }) => Ok(Default::default()),
        Err(error) => Err(error.to_string()),
    }
}

impl Builtin for ResResolverUnbound {
    fn info(&self) -> ModuleInfo {
        info("res_resolver_unbound", "DNS Resolver for SIP (NAPTR, SRV)", &["res_pjsip"], 56)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        self.read()?;
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        match self.server.pjsip.get() {
            Some(pjsip) => pjsip.resolver().set_backend(&Backend::System),
            None => Ok(()),
        }
    }

    fn reload(&self) -> Option<Result<(), String>> {
        Some(self.read())
    }
}
