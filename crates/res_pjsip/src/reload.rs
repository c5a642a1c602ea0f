//! A new `pjsip.conf` in a running server: all of it or none.
//!
//! Whatever can fail comes first: the file is parsed by the caller, sockets are bound here. Only
//! then is the snapshot replaced, in one piece. What the file cannot change while the server runs is
//! told in [`ReloadReport::kept`]:
//!
//! * `type=system` is read at the start;
//! * a transport listens on as it does, unless `allow_reload=yes`; its `domain`, `external_*` and
//!   `local_net` count at once;
//! * a transport whose section is gone listens on, unless it had `allow_reload=yes`. If a new section
//!   asks for the very same socket, it takes it over: a transport can be renamed.

use std::sync::Arc;

use crate::config::changes::Changes;
use crate::config::{PjsipConfig, Protocol, Transport};
use crate::net::{BindError, OpenError, TlsContext, TransportSocket, open};
use crate::snapshot::BoundTransport;

/// What a reload did.
#[derive(Debug, Clone, Default)]
pub struct ReloadReport {
    /// Objects that are new, changed or gone.
    pub changes: Changes,
    /// What the file asks for and a running server does not do, a line each.
    pub kept: Vec<String>,
}

/// Why a reload changes nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// A transport cannot listen where the file says.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A TLS transport cannot use its certificate; a line for each.
    #[error("{0}")]
    Certificate(String),
}

impl From<OpenError> for ReloadError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Bind(error) => Self::Bind(error),
            error @ OpenError::Tls(..) => Self::Certificate(error.to_string()),
        }
    }
}

/// Sockets of one transport, one for each shard.
pub(crate) struct Sockets {
    /// Its place in the snapshot.
    pub(crate) transport: u16,
    /// None for a transport that closes.
    pub(crate) sockets: Option<Vec<TransportSocket>>,
}

/// Everything that a reload is about to put in force.
pub(crate) struct Plan {
    pub(crate) config: PjsipConfig,
    pub(crate) transports: Vec<BoundTransport>,
    pub(crate) sockets: Vec<Sockets>,
    /// TLS settings of what was opened, by name.
    pub(crate) tls: Vec<(Arc<str>, Arc<TlsContext>)>,
    pub(crate) report: ReloadReport,
}

impl Plan {
    /// The transports whose TLS settings are other ones or no more needed.
    pub(crate) fn renewed(&self) -> impl Iterator<Item = &Arc<str>> {
        let closed = self.sockets.iter().filter(|it| it.sockets.is_none());
        let closed = closed.filter_map(|it| self.transports.get(usize::from(it.transport)));
        self.tls.iter().map(|(id, _)| id).chain(closed.map(|it| &it.config.id))
    }

    /// Compares `new` with what runs, and binds what it needs.
    ///
    /// # Errors
    ///
    /// A transport cannot listen where the file says. Nothing has been changed then.
    pub(crate) fn new(
        old: &PjsipConfig,
        listening: &[BoundTransport],
        mut new: PjsipConfig,
        shards: usize,
    ) -> Result<Self, OpenError> {
        let mut report = ReloadReport { changes: new.take_over(old), kept: Vec::new() };
        keep_system(old, &mut new, &mut report);
        let wanted = std::mem::take(&mut new.transports);
        let mut plan = Self {
            config: new,
            transports: listening.to_vec(),
            sockets: Vec::new(),
            tls: Vec::new(),
            report,
        };
        for transport in &wanted {
            plan.place(old, transport, &wanted, shards)?;
        }
        plan.close(old, listening, &wanted);
        plan.config.index();
        Ok(plan)
    }

    /// Finds a socket for a transport of the file.
    fn place(
        &mut self,
        old: &PjsipConfig,
        wanted: &Arc<Transport>,
        all: &[Arc<Transport>],
        shards: usize,
    ) -> Result<(), OpenError> {
        let known = old.transport(&wanted.id);
        let changed = known.is_none_or(|known| !known.options.differing(&wanted.options).is_empty());
        let slot = self.transports.iter().position(|it| it.open && it.config.id == wanted.id && !is_web(it));
        let Some(slot) = slot.or_else(|| self.to_rename(wanted, all)) else {
            return self.open(wanted, known.is_some(), changed, shards);
        };
        let before = self.transports[slot].config.clone();
        let fixed = before.differing(wanted, Transport::FIXED);
        if before.id != wanted.id {
            self.report.changes.remove("transport", &before.id);
            self.report.changes.add("transport", &wanted.id);
        } else if changed {
            self.report.changes.change("transport", &wanted.id);
        }
        let config = if fixed.is_empty() {
            if changed { wanted.clone() } else { before }
        } else if wanted.allow_reload && wanted.protocol == before.protocol {
            self.bind(slot as u16, wanted, shards)?;
            wanted.clone()
        } else {
            self.report.kept.push(format!(
                "transport '{}' keeps its {}: a change needs allow_reload=yes or a restart",
                wanted.id,
                fixed.join(", ")
            ));
            Arc::new(before.with_changes_of(wanted))
        };
        self.transports[slot].config = config.clone();
        self.config.transports.push(config);
        Ok(())
    }

    /// A transport that the file no longer has and that listens just as `wanted` would.
    fn to_rename(&self, wanted: &Transport, all: &[Arc<Transport>]) -> Option<usize> {
        self.transports.iter().position(|it| {
            let is_gone = it.open && !is_web(it) && all.iter().all(|other| other.id != it.config.id);
            is_gone && it.config.differing(wanted, Transport::FIXED).is_empty()
        })
    }

    /// A transport that does not listen yet.
    fn open(
        &mut self,
        wanted: &Arc<Transport>,
        is_known: bool,
        changed: bool,
        shards: usize,
    ) -> Result<(), OpenError> {
        if changed && is_known {
            self.report.changes.change("transport", &wanted.id);
        } else if changed {
            self.report.changes.add("transport", &wanted.id);
        }
        self.config.transports.push(wanted.clone());
        // A closed transport that comes back gets its place back.
        let slot = self.transports.iter().position(|it| !it.open && it.config.id == wanted.id);
        let slot = slot.unwrap_or(self.transports.len());
        match self.bind(slot as u16, wanted, shards) {
            Ok(()) => Ok(()),
            // It failed at the start too: that must not stand in the way of everything else.
            Err(error) if !changed => {
                self.report.kept.push(error.to_string());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a transport in a place; nothing to do for one without a socket of its own.
    fn bind(&mut self, slot: u16, wanted: &Arc<Transport>, shards: usize) -> Result<(), OpenError> {
        // Our own sockets on that port are no strangers.
        let ours = self.transports.iter().any(|it| {
            let same_kind = (it.config.protocol == Protocol::Udp) == (wanted.protocol == Protocol::Udp);
            it.open && same_kind && it.local.port() == wanted.bind.port()
        });
        let Some(opened) = open(wanted, shards, ours)? else { return Ok(()) };
        let bound = BoundTransport { config: wanted.clone(), local: opened.local, open: true };
        match self.transports.get_mut(usize::from(slot)) {
            Some(place) => *place = bound,
            None => self.transports.push(bound),
        }
        if let Some(context) = &opened.tls {
            self.tls.push((wanted.id.clone(), context.clone()));
        }
        let sockets = opened.into_sockets(slot, wanted);
        self.sockets.push(Sockets { transport: slot, sockets: Some(sockets) });
        Ok(())
    }

    /// Closes the transports that the file no longer has, if they allow it.
    fn close(&mut self, old: &PjsipConfig, listening: &[BoundTransport], wanted: &[Arc<Transport>]) {
        let named = |id: &str| wanted.iter().any(|it| *it.id == *id);
        for slot in 0..self.transports.len() {
            let transport = &mut self.transports[slot];
            if !transport.open || is_web(transport) || named(&transport.config.id) {
                continue;
            }
            if transport.config.allow_reload {
                transport.open = false;
                self.sockets.push(Sockets { transport: slot as u16, sockets: None });
                self.report.changes.remove("transport", &transport.config.id);
            } else {
                self.report.kept.push(format!(
                    "transport '{}' is gone from the file and listens until the next start, for it has no \
                     allow_reload=yes",
                    transport.config.id
                ));
                self.config.transports.push(transport.config.clone());
            }
        }
        // Those that never listened.
        for transport in &old.transports {
            let listened = listening.iter().any(|it| it.config.id == transport.id);
            if !listened && !named(&transport.id) {
                self.report.changes.remove("transport", &transport.id);
            }
        }
    }
}

/// The HTTP server opens and closes these.
fn is_web(transport: &BoundTransport) -> bool {
    matches!(transport.config.protocol, Protocol::Ws | Protocol::Wss)
}

/// The stack has its timers and buffers from the start.
fn keep_system(old: &PjsipConfig, new: &mut PjsipConfig, report: &mut ReloadReport) {
    if new.system != old.system {
        let names = old.system.options.differing(&new.system.options);
        report.kept.push(format!("[system] is read at the start only; kept: {}", names.join(", ")));
    }
    new.system = old.system.clone();
}

#[cfg(test)]
mod tests;
