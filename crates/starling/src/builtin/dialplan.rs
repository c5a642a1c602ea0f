//! `pbx_config`: `extensions.conf`.

use std::sync::Arc;

use conf::Diagnostic;
use dialplan::{Dialplan, Functions};
use module_host::{Builtin, LoadOutcome, ModuleInfo};

use super::{Registrations, info};
use crate::report::report;
use crate::server::Server;

pub(super) struct PbxConfig {
    server: Arc<Server>,
    registrations: Registrations,
}

impl PbxConfig {
    pub(super) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone(), registrations: Registrations::default() }
    }

    /// Reads the file and puts it in force; on error the old dialplan stays.
    fn read(&self) -> Result<(), String> {
        let (dialplan, remarks) = parse(&self.server.loader(), Some(self.server.hints.functions()))?;
        report(&remarks);
        self.server.hints.replace(dialplan);
        if self.server.booted.is_set() {
            self.server.report_orphans();
        }
        Ok(())
    }
}

/// Reads `extensions.conf`, with all remarks. Without functions their calls stay as they are.
pub(crate) fn parse(
    loader: &conf::Loader,
    functions: Option<&Functions>,
) -> Result<(Dialplan, Vec<Diagnostic>), String> {
    let file = loader.load("extensions.conf").map_err(|error| error.to_string())?;
    let (dialplan, remarks) = match functions {
        Some(functions) => Dialplan::parse_with(&file, functions),
        None => Dialplan::parse(&file),
    };
    Ok((dialplan, file.diagnostics.iter().cloned().chain(remarks).collect()))
}

impl Builtin for PbxConfig {
    fn info(&self) -> ModuleInfo {
        info("pbx_config", "Text Extension Configuration", &[], 128)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        self.read()?;
        self.registrations.add(crate::commands::dialplan::register(&self.server));
        self.registrations.add(crate::commands::functions::register(&self.server));
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        self.registrations.clear();
        self.server.hints.replace(Dialplan::default());
        Ok(())
    }

    fn reload(&self) -> Option<Result<(), String>> {
        Some(self.read())
    }

    /// Without hints their subscriptions end.
    fn use_count(&self) -> usize {
        self.server.hints.hints().iter().map(|hint| hint.watchers()).sum()
    }
}
