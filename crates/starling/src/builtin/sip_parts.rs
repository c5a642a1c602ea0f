//! `res_pjsip_registrar`, `res_pjsip_path`, `res_pjsip_nat`: parts of the SIP side that work in its
//! shards.

use std::sync::Arc;

use module_host::{Builtin, LoadOutcome, ModuleInfo};
use res_pjsip::{PathModule, Pjsip};

use super::info;
use crate::server::Server;

struct Part {
    server: Arc<Server>,
    name: &'static str,
    description: &'static str,
    load: fn(&Pjsip),
    unload: fn(&Pjsip),
}

pub(super) fn all(server: &Arc<Server>) -> Vec<Arc<dyn Builtin>> {
    let part = |name, description, load, unload| -> Arc<dyn Builtin> {
        Arc::new(Part { server: server.clone(), name, description, load, unload })
    };
    vec![
        part(
            "res_pjsip_registrar",
            "PJSIP Registrar Support",
            Pjsip::add_registrar as fn(&Pjsip),
            Pjsip::remove_registrar as fn(&Pjsip),
        ),
        part(
            "res_pjsip_path",
            "PJSIP Path Header Support",
            |pjsip| pjsip.add_module(Arc::new(|_| Box::new(PathModule))),
            |pjsip| pjsip.remove_module("res_pjsip_path"),
        ),
        part("res_pjsip_nat", "PJSIP NAT Support", |pjsip| pjsip.set_nat(true), |pjsip| pjsip.set_nat(false)),
    ]
}

impl Builtin for Part {
    fn info(&self) -> ModuleInfo {
        info(self.name, self.description, &["res_pjsip"], 57)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        let pjsip = self.server.pjsip.get().ok_or("res_pjsip is not running")?;
        (self.load)(&pjsip);
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        if let Some(pjsip) = self.server.pjsip.get() {
            (self.unload)(&pjsip);
        }
        Ok(())
    }
}
