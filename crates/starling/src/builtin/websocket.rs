//! `res_http_websocket`: what `http.conf` says. `res_pjsip_transport_websocket`: SIP over it (RFC 7118).

use std::sync::{Arc, Mutex};

use module_host::{Builtin, LoadOutcome, ModuleInfo};
use res_pjsip::{Pjsip, WebSocketBinding};

use super::{Registrations, info};
use crate::http;
use crate::report::report;
use crate::server::{Server, lock};

/// Where the HTTP server listens, for whoever is carried by it.
pub(super) struct ResHttpWebsocket(pub(super) Arc<Server>);

impl ResHttpWebsocket {
    fn read(&self) -> Result<(), String> {
        let (bindings, remarks) = http::load(&self.0.loader())?;
        report(&remarks);
        self.0.http.set(Arc::new(bindings));
        Ok(())
    }
}

impl Builtin for ResHttpWebsocket {
    fn info(&self) -> ModuleInfo {
        info("res_http_websocket", "HTTP WebSocket Support", &[], 60)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        self.read()?;
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        self.0.http.take();
        Ok(())
    }

    fn reload(&self) -> Option<Result<(), String>> {
        Some(self.read())
    }
}

pub(super) struct ResPjsipTransportWebsocket {
    server: Arc<Server>,
    /// What is open.
    bindings: Mutex<Arc<Vec<WebSocketBinding>>>,
    registrations: Registrations,
}

impl ResPjsipTransportWebsocket {
    pub(super) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone(), bindings: Mutex::default(), registrations: Registrations::default() }
    }

    fn open(&self, pjsip: &Arc<Pjsip>) {
        let bindings = self.server.http.get().unwrap_or_default();
        if bindings.is_empty() {
            tracing::info!(verbose = 2, "http.conf does not enable the HTTP server: no WebSocket phones");
        }
        for binding in bindings.iter() {
            match pjsip.open_websocket(binding) {
                Ok(index) => self.registrations.add(Opened { pjsip: pjsip.clone(), index }),
                // The other one, and everything else, works without it.
                Err(error) => tracing::error!("http.conf: {error}"),
            }
        }
        *lock(&self.bindings) = bindings;
    }
}

impl Builtin for ResPjsipTransportWebsocket {
    fn info(&self) -> ModuleInfo {
        info(
            "res_pjsip_transport_websocket",
            "PJSIP WebSocket Transport Support",
            &["res_pjsip", "res_http_websocket"],
            80,
        )
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        let pjsip = self.server.pjsip.get().ok_or("res_pjsip is not running")?;
        self.open(&pjsip);
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        self.registrations.clear();
        Ok(())
    }

    /// Other addresses are opened anew; certificates are read again for new connections.
    fn reload(&self) -> Option<Result<(), String>> {
        let pjsip = self.server.pjsip.get()?;
        if *lock(&self.bindings) != self.server.http.get().unwrap_or_default() {
            self.registrations.clear();
            self.open(&pjsip);
            return Some(Ok(()));
        }
        let kept = pjsip.reload_certificates();
        Some(if kept.is_empty() { Ok(()) } else { Err(kept.join("; ")) })
    }
}

/// A WebSocket that is open; dropping it closes it.
struct Opened {
    pjsip: Arc<Pjsip>,
    index: u16,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.pjsip.close_transport(self.index);
    }
}
