//! `res_pjsip_endpoint_identifier_user|ip|anonymous`: who is it that sends a request?

use std::sync::Arc;

use module_host::{Builtin, LoadOutcome, ModuleInfo};
use res_pjsip::identify::{
    Anonymous, ByAuthUsername, ByHeader, ByIp, ByRequestUri, ByUsername, EndpointIdentifier,
};

use super::info;
use crate::server::Server;

struct Identifier {
    server: Arc<Server>,
    name: &'static str,
    description: &'static str,
    identifiers: Vec<Arc<dyn EndpointIdentifier>>,
}

pub(super) fn all(server: &Arc<Server>) -> Vec<Arc<dyn Builtin>> {
    let one = |name, description, identifiers: Vec<Arc<dyn EndpointIdentifier>>| -> Arc<dyn Builtin> {
        Arc::new(Identifier { server: server.clone(), name, description, identifiers })
    };
    vec![
        one(
            "res_pjsip_endpoint_identifier_user",
            "PJSIP username endpoint identifier",
            vec![Arc::new(ByUsername), Arc::new(ByAuthUsername)],
        ),
        one(
            "res_pjsip_endpoint_identifier_ip",
            "PJSIP IP endpoint identifier",
            vec![Arc::new(ByIp), Arc::new(ByHeader), Arc::new(ByRequestUri)],
        ),
        one(
            "res_pjsip_endpoint_identifier_anonymous",
            "PJSIP Anonymous endpoint identifier",
            vec![Arc::new(Anonymous)],
        ),
    ]
}

impl Builtin for Identifier {
    fn info(&self) -> ModuleInfo {
        info(self.name, self.description, &["res_pjsip"], 56)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        let pjsip = self.server.pjsip.get().ok_or("res_pjsip is not running")?;
        for identifier in &self.identifiers {
            pjsip.add_identifier(identifier.clone());
        }
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        if let Some(pjsip) = self.server.pjsip.get() {
            for identifier in &self.identifiers {
                pjsip.remove_identifier(identifier.name());
            }
        }
        Ok(())
    }
}
