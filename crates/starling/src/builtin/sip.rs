//! `res_pjsip`: `pjsip.conf`, transports, shards, OPTIONS.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use conf::{Diagnostic, LoadError, Severity};
use dialplan::Hints;
use module_host::{Builtin, LoadOutcome, ModuleInfo};
use res_pjsip::config::{Changes, Context, NamedAcls, PjsipConfig};
use res_pjsip::{ExtensionLookup, Location, Pjsip, ReloadReport};

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

impl ResPjsip {
    /// Where strangers are challenged in several ways, a restart must not show who is one.
    fn keep_decoy_seed(&self, pjsip: &Pjsip) {
        const PLACE: (&str, &str) = ("starling", "decoy_seed");
        let snapshot = pjsip.snapshot();
        if !snapshot.config.challenges_differ() {
            return;
        }
        let store = &self.server.store;
        let kept = store.get(PLACE.0, PLACE.1).and_then(|seed| u64::from_str_radix(&seed, 16).ok());
        match kept {
            Some(seed) => pjsip.set_decoy_seed(seed),
            // Who waits for it? If it is lost, the next start makes another.
            None => drop(store.put(PLACE.0, PLACE.1, &format!("{:016x}", snapshot.access.decoy_seed))),
        }
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

/// Reads the files again: what changed, and what is to be said of them. Nothing changes if one of
/// them has an error, for an object that is broken now may be one that phones live by.
///
/// # Errors
///
/// Every error with its file and line, or the transport that cannot listen.
pub(super) fn reload(server: &Server) -> Result<(ReloadReport, Vec<Diagnostic>), String> {
    let pjsip = server.pjsip.get().ok_or("res_pjsip is not running")?;
    let (config, remarks) = parse(&server.loader())?;
    let errors = remarks.iter().filter(|remark| remark.severity == Severity::Error);
    let errors: Vec<_> = errors.map(Diagnostic::to_string).collect();
    if !errors.is_empty() {
        return Err(errors.join("\n"));
    }
    let old = pjsip.snapshot().config.clone();
    let report = pjsip.reload(config).map_err(|error| error.to_string())?;
    for endpoint in affected_endpoints(&old, &pjsip.snapshot().config, &report.changes) {
        server.hints.device_changed(&format!("PJSIP/{endpoint}"));
    }
    Ok((report, remarks))
}

/// The endpoints whose device state may be another one: their own options or those of their AORs
/// have changed.
fn affected_endpoints<'a>(
    old: &'a PjsipConfig,
    new: &'a PjsipConfig,
    changes: &'a Changes,
) -> BTreeSet<&'a Arc<str>> {
    let aors: HashSet<_> = changes.ids_of("aor").collect();
    let endpoints = old.endpoints.values().chain(new.endpoints.values());
    let by_aor = endpoints.filter(|endpoint| endpoint.aors.iter().any(|aor| aors.contains(aor)));
    by_aor.map(|endpoint| &endpoint.id).chain(changes.ids_of("endpoint")).collect()
}

/// [`parse`], and what the files leave open for anybody; `loaded` says which modules will run.
pub(crate) fn check(
    loader: &conf::Loader,
    loaded: impl Fn(&str) -> bool,
) -> Result<(PjsipConfig, Vec<Diagnostic>), String> {
    let (config, mut remarks) = parse(loader)?;
    let file = loader.load("pjsip.conf").map_err(|error| error.to_string())?;
    remarks.extend(res_pjsip::config::audit(&file, &config, loaded));
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
            tracing::warn!("pjsip.conf opens no transport: no phone can reach the server");
        }
        self.keep_decoy_seed(&pjsip);
        pjsip.set_security_events(self.server.security.clone());
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

    fn reload(&self) -> Option<Result<(), String>> {
        Some(reload(&self.server).map(|(done, remarks)| {
            report(&remarks);
            self.server.pjsip_remarks.set(Arc::new(remarks));
            for kept in &done.kept {
                tracing::warn!("pjsip.conf: {kept}");
            }
            tracing::info!("pjsip.conf: {}", done.changes);
        }))
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
