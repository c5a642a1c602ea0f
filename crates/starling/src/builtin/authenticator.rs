//! `res_pjsip_authenticator_digest` and `res_pjsip_acl`: may the sender of a request talk to the server?

use std::sync::Arc;

use module_host::{Builtin, LoadOutcome, ModuleInfo};
use res_pjsip::Pjsip;
use res_pjsip::authenticate::DigestAuthenticator;

use super::info;
use crate::server::Server;

/// Checks passwords. While it is not loaded, whoever needs one is refused.
pub(super) struct DigestModule(pub(super) Arc<Server>);

impl Builtin for DigestModule {
    fn info(&self) -> ModuleInfo {
        info("res_pjsip_authenticator_digest", "PJSIP authentication resource", &["res_pjsip"], 55)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        let authenticator = DigestAuthenticator::new().map_err(|error| error.to_string())?;
        running(&self.0)?.set_authenticator(Some(Arc::new(authenticator)));
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        if let Ok(pjsip) = running(&self.0) {
            pjsip.set_authenticator(None);
        }
        Ok(())
    }
}

/// Reads the sections `type=acl`. While it is not loaded, they deny everyone.
pub(super) struct AclModule(pub(super) Arc<Server>);

impl Builtin for AclModule {
    fn info(&self) -> ModuleInfo {
        info("res_pjsip_acl", "PJSIP ACL Resource", &["res_pjsip"], 55)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        running(&self.0)?.set_acl(true);
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        if let Ok(pjsip) = running(&self.0) {
            pjsip.set_acl(false);
        }
        Ok(())
    }
}

/// Says so if `pjsip.conf` has locks whose module is not loaded: they stay shut.
pub(crate) fn report_missing(pjsip: &Pjsip) {
    let snapshot = pjsip.snapshot();
    if !snapshot.access.acl && !snapshot.config.acls.is_empty() {
        tracing::error!("pjsip.conf has type=acl, but res_pjsip_acl is not loaded: everyone is denied");
    }
    let locked = snapshot.config.endpoints.values().filter(|endpoint| !endpoint.auth.is_empty()).count();
    if snapshot.access.authenticator.is_none() && locked > 0 {
        tracing::error!(
            "{locked} endpoints have an auth, but res_pjsip_authenticator_digest is not loaded: they are refused"
        );
    }
}

fn running(server: &Server) -> Result<Arc<Pjsip>, String> {
    server.pjsip.get().ok_or_else(|| "res_pjsip is not running".to_owned())
}
