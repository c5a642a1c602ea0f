//! The running SIP side: its shards and the configuration that they share.

use std::any::Any;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Instant;

use foldhash::fast::FixedState;

use crate::authenticate::Authenticator;
use crate::config::PjsipConfig;
use crate::history::History;
use crate::identify::{EndpointIdentifier, Identifiers};
use crate::location::{ContactChange, ContactEvent, Location, LocationGuard};
use crate::net::{
    BindError, Control, Helpers, KernelRoutes, Limits, Runner, ShardInbox, TlsContext, bind_transports, inbox,
};
use crate::options::OptionsModule;
use crate::qualify::{self, ContactKeeper};
use crate::registrar::{self, Registrar};
use crate::reload::{Plan, ReloadError, ReloadReport};
use crate::resolve::Resolver;
use crate::security::SecurityEvents;
use crate::shard::{ModuleFactory, Shard, ShardMessage};
use crate::snapshot::{Access, ExtensionLookup, Snapshot};
use crate::stats::Stats;
use crate::trace::TraceFilter;

/// Everything that `res_pjsip` runs. Dropping it stops the shards.
pub struct Pjsip {
    shards: Vec<ShardInbox>,
    stats: Vec<Arc<Stats>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    state: Mutex<State>,
    location: Arc<Location>,
    hasher: FixedState,
    /// Tells the shards of changed contacts.
    _wake: LocationGuard,
    resolver: Arc<Resolver>,
    history: Arc<History>,
    /// TLS settings of transports, by name.
    tls: Mutex<Vec<(Arc<str>, Arc<TlsContext>)>>,
}

pub(crate) struct State {
    pub(crate) snapshot: Arc<Snapshot>,
    identifiers: Vec<Arc<dyn EndpointIdentifier>>,
    last_reload: Option<ReloadReport>,
    /// The addresses of the hosts that `match` options name, as far as they are known.
    hosts: HashMap<Arc<str>, Vec<IpAddr>>,
}

/// Why the SIP side does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A transport's address is taken, or none could be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system gave no thread or no random number.
    #[error("cannot start a SIP thread: {0}")]
    System(#[from] std::io::Error),
}

impl Pjsip {
    /// Binds the transports of `config` and starts `shards` shards, which keep the contacts of
    /// `location`. A transport whose address
    /// is in use is an error; one that cannot be bound for another reason is reported and left out,
    /// unless it was the last.
    pub fn start(
        config: PjsipConfig,
        shards: usize,
        location: Arc<Location>,
    ) -> Result<Arc<Self>, StartError> {
        let shards = shards.clamp(1, usize::from(u16::MAX));
        let trace = initial_trace(&config.global.debug);
        let bound = bind_transports(&config, shards)?;
        let snapshot = Arc::new(Snapshot {
            config: Arc::new(config),
            transports: bound.transports,
            identifiers: Identifiers::default(),
            access: Access { decoy_seed: random_seed()?, ..Access::default() },
            nat: false,
            extensions: None,
            booted: false,
            trace,
        });
        let seed = random_seed()?;
        let epoch = Instant::now();
        let (inboxes, readers): (Vec<_>, Vec<_>) = (0..shards).map(|_| inbox()).unzip();
        let hasher = FixedState::with_seed(seed);
        location.configure(&snapshot.config);
        let mut pjsip = Self {
            _wake: location.listen(Box::new(wake(inboxes.clone(), hasher.clone()))),
            location,
            hasher,
            shards: inboxes,
            stats: Vec::new(),
            threads: Mutex::default(),
            state: Mutex::new(State {
                snapshot: snapshot.clone(),
                identifiers: Vec::new(),
                last_reload: None,
                hosts: HashMap::new(),
            }),
            resolver: Arc::new(Resolver::start()?),
            history: Arc::new(History::new(shards)),
            tls: Mutex::new(bound.tls),
        };
        let limits = Limits::new(&snapshot.config.system.connections);
        for ((id, inbox), sockets) in readers.into_iter().enumerate().zip(bound.sockets) {
            let shard = Shard::new(
                id as u16,
                shards as u16,
                seed,
                0,
                snapshot.clone(),
                Box::new(KernelRoutes::default()),
            );
            pjsip.stats.push(shard.stats());
            let runner = Runner {
                shard,
                inbox,
                sockets,
                shards: pjsip.shards.clone(),
                epoch,
                snapshot: snapshot.clone(),
                limits: limits.clone(),
                helpers: Helpers { resolver: pjsip.resolver.clone(), history: pjsip.history.clone() },
            };
            let thread = std::thread::Builder::new().name(format!("shard-{id}")).spawn(move || {
                if let Err(error) = runner.run() {
                    tracing::error!("SIP shard {id} ended: {error}");
                }
            })?;
            pjsip.threads.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        pjsip.add_module(Arc::new(|_| Box::new(OptionsModule)));
        let location = pjsip.location.clone();
        pjsip.add_module(Arc::new(move |_| Box::new(ContactKeeper::new(location.clone()))));
        let pjsip = Arc::new(pjsip);
        pjsip.watch_hosts();
        Ok(pjsip)
    }

    /// The packets that are kept for `pjsip show history`.
    pub fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// The resolver of all shards.
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// Number of shards.
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// The configuration in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.state().snapshot.clone()
    }

    /// Where everyone is.
    pub fn location(&self) -> &Arc<Location> {
        &self.location
    }

    /// Serves REGISTER from now on.
    pub fn add_registrar(&self) {
        let (location, shards) = (self.location.clone(), self.shards.clone());
        let post: registrar::Post = Arc::new(move |shard, message| {
            if let Some(inbox) = shards.get(usize::from(shard)) {
                inbox.send(ShardMessage::Module(registrar::NAME, message));
            }
        });
        self.add_module(Arc::new(move |_| Box::new(Registrar::new(location.clone(), post.clone()))));
    }

    /// Answers REGISTER by 501 from now on.
    pub fn remove_registrar(&self) {
        self.remove_module(registrar::NAME);
    }

    /// Asks all contacts of an AOR whether they are there.
    pub fn qualify(&self, aor: &Arc<str>) {
        let shard = shard_of(&self.hasher, aor, self.shards.len());
        self.send_to_shard(shard, qualify::NAME, Box::new(qualify::Message::Qualify(aor.clone())));
    }

    /// Sets whether requests of phones behind NAT are mended.
    pub fn set_nat(&self, nat: bool) {
        self.publish(&mut self.state(), |snapshot| snapshot.nat = nat);
    }

    /// Adds an endpoint identifier; `endpoint_identifier_order` says when it is asked.
    pub fn add_identifier(&self, identifier: Arc<dyn EndpointIdentifier>) {
        let mut state = self.state();
        state.identifiers.push(identifier);
        self.publish_identifiers(&mut state);
    }

    /// Removes the endpoint identifiers of this name.
    pub fn remove_identifier(&self, name: &str) {
        let mut state = self.state();
        state.identifiers.retain(|identifier| identifier.name() != name);
        self.publish_identifiers(&mut state);
    }

    /// Sets what checks passwords; none refuses whoever needs one.
    pub fn set_authenticator(&self, authenticator: Option<Arc<dyn Authenticator>>) {
        self.publish(&mut self.state(), |snapshot| snapshot.access.authenticator = authenticator);
    }

    /// Sets whether the sections `type=acl` are read; while they are not, they deny everyone.
    pub fn set_acl(&self, read: bool) {
        self.publish(&mut self.state(), |snapshot| snapshot.access.acl = read);
    }

    /// Sets what decides how strangers are challenged.
    pub fn set_decoy_seed(&self, seed: u64) {
        self.publish(&mut self.state(), |snapshot| snapshot.access.decoy_seed = seed);
    }

    /// Sets who is told of security events.
    pub fn set_security_events(&self, events: Arc<SecurityEvents>) {
        self.publish(&mut self.state(), |snapshot| snapshot.access.events = events);
    }

    /// Sets the dialplan that OPTIONS looks at.
    pub fn set_extensions(&self, extensions: Option<Arc<dyn ExtensionLookup>>) {
        self.publish(&mut self.state(), |snapshot| snapshot.extensions = extensions);
    }

    /// Lets packets in: everything is loaded. When this returns every shard serves.
    pub fn open(&self) {
        self.publish(&mut self.state(), |snapshot| snapshot.booted = true);
        self.send_to_module(qualify::NAME, |_| Box::new(qualify::Message::Start));
        self.wait_for_shards();
    }

    /// Puts a new configuration in force, all of it or nothing. When this returns every shard works
    /// by it. Its transports are those that listen, see [`ReloadReport::kept`].
    ///
    /// # Errors
    ///
    /// A transport cannot listen as the configuration says, or a certificate cannot be used; everything is
    /// as it was.
    pub fn reload(self: &Arc<Self>, config: PjsipConfig) -> Result<ReloadReport, ReloadError> {
        let mut state = self.state();
        let old = state.snapshot.clone();
        let plan = Plan::new(&old.config, &old.transports, config, self.shards.len())?;
        let unusable = self.reload_certificates_but(|id| plan.renewed().any(|renewed| renewed == id));
        if !unusable.is_empty() {
            return Err(ReloadError::Certificate(unusable.join("\n")));
        }
        self.tls().retain(|(id, _)| plan.renewed().all(|renewed| renewed != id));
        let global = &plan.config.global;
        let debug = (global.debug != old.config.global.debug).then(|| initial_trace(&global.debug));
        let order = &global.endpoint_identifier_order;
        let identifiers = Identifiers::new(state.identifiers.clone()).ordered(order);
        let mut snapshot = Snapshot {
            config: Arc::new(plan.config.with_hosts(&state.hosts)),
            transports: plan.transports,
            identifiers,
            ..Snapshot::clone(&old)
        };
        if let Some(trace) = debug {
            snapshot.trace = trace;
        }
        state.snapshot = Arc::new(snapshot);
        for (id, context) in &plan.tls {
            self.note_tls(id, context);
        }
        let mut sockets: Vec<_> = plan
            .sockets
            .into_iter()
            .map(|it| (it.transport, it.sockets.unwrap_or_default().into_iter()))
            .collect();
        for shard in &self.shards {
            let sockets = sockets.iter_mut().map(|(transport, sockets)| (*transport, sockets.next()));
            shard.control(Control::Reload(state.snapshot.clone(), sockets.collect()));
        }
        let report = plan.report;
        state.last_reload = Some(report.clone());
        drop(state);
        self.location.configure(&self.snapshot().config);
        // Also if the names are the same: a reload is how an operator asks for them anew.
        self.watch_hosts();
        self.wait_for_shards();
        Ok(report)
    }

    /// What the last successful reload did, if there was one.
    pub fn last_reload(&self) -> Option<ReloadReport> {
        self.state().last_reload.clone()
    }

    /// Keeps the addresses of the hosts that `match` options name up to date.
    fn watch_hosts(self: &Arc<Self>) {
        let names = self.snapshot().config.host_names();
        let pjsip = Arc::downgrade(self);
        self.resolver.watch(names, move |name, addresses| {
            if let Some(pjsip) = pjsip.upgrade() {
                pjsip.set_host(name, addresses);
            }
        });
    }

    fn set_host(&self, name: &Arc<str>, addresses: Vec<IpAddr>) {
        let mut state = self.state();
        if state.hosts.get(name) == Some(&addresses) {
            return;
        }
        tracing::debug!("Host '{name}' of identify sections has the addresses {addresses:?}");
        state.hosts.insert(name.clone(), addresses);
        let config = Arc::new(state.snapshot.config.with_hosts(&state.hosts));
        self.publish(&mut state, |snapshot| snapshot.config = config);
    }

    /// Waits until every shard has handled what it was sent.
    pub(crate) fn wait_for_shards(&self) {
        let (reached, all_reached) = mpsc::channel();
        for shard in &self.shards {
            shard.send(ShardMessage::Barrier(reached.clone()));
        }
        drop(reached);
        // Nothing is sent; a shard that has ended counts as well.
        let _ = all_reached.recv();
    }

    /// Sets what the SIP logger shows.
    pub fn set_trace(&self, trace: TraceFilter) {
        self.publish(&mut self.state(), |snapshot| snapshot.trace = trace);
    }

    /// Adds a module to every shard.
    pub fn add_module(&self, factory: ModuleFactory) {
        for shard in &self.shards {
            shard.send(ShardMessage::AddModule(factory.clone()));
        }
    }

    /// Removes a module from every shard.
    pub fn remove_module(&self, name: &'static str) {
        for shard in &self.shards {
            shard.send(ShardMessage::RemoveModule(name));
        }
    }

    /// Sends a message to a module in every shard; `message` makes it for each.
    pub fn send_to_module(&self, name: &'static str, mut message: impl FnMut(u16) -> Box<dyn Any + Send>) {
        for (id, shard) in self.shards.iter().enumerate() {
            shard.send(ShardMessage::Module(name, message(id as u16)));
        }
    }

    /// Sends a message to a module in one shard.
    pub fn send_to_shard(&self, shard: u16, name: &'static str, message: Box<dyn Any + Send>) {
        if let Some(inbox) = self.shards.get(usize::from(shard)) {
            inbox.send(ShardMessage::Module(name, message));
        }
    }

    /// Reads the certificates of all TLS transports and of the secure WebSocket again; connections
    /// that are opened from now on use them. Gives a line for each transport that keeps its old ones,
    /// because the new ones cannot be used.
    pub fn reload_certificates(&self) -> Vec<String> {
        self.reload_certificates_but(|_| false)
    }

    /// The same for transports whose names are not to be skipped.
    fn reload_certificates_but(&self, skip: impl Fn(&Arc<str>) -> bool) -> Vec<String> {
        let mut all = self.tls().clone();
        all.retain(|(id, _)| !skip(id));
        let reload = |(id, context): &(Arc<str>, Arc<TlsContext>)| {
            context.reload().err().map(|error| format!("transport '{id}' keeps its certificate: {error}"))
        };
        all.iter().filter_map(reload).collect()
    }

    /// The counters of all shards, added up.
    pub fn stats(&self) -> Vec<(&'static str, u64)> {
        sum(self.stats.iter().map(|stats| stats.values()))
    }

    /// Stops the shards and waits for them. What they had queued has been sent.
    pub fn stop(&self) {
        for shard in &self.shards {
            shard.send(ShardMessage::Stop);
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("A SIP shard ended by a panic");
            }
        }
    }

    pub(crate) fn inboxes(&self) -> &[ShardInbox] {
        &self.shards
    }

    /// Remembers the TLS settings of a transport, in place of those that it had.
    pub(crate) fn note_tls(&self, id: &Arc<str>, context: &Arc<TlsContext>) {
        let mut tls = self.tls();
        tls.retain(|(other, _)| other != id);
        tls.push((id.clone(), context.clone()));
    }

    fn tls(&self) -> MutexGuard<'_, Vec<(Arc<str>, Arc<TlsContext>)>> {
        self.tls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish_identifiers(&self, state: &mut State) {
        let order = &state.snapshot.config.global.endpoint_identifier_order;
        let identifiers = Identifiers::new(state.identifiers.clone()).ordered(order);
        self.publish(state, |snapshot| snapshot.identifiers = identifiers);
    }

    pub(crate) fn publish(&self, state: &mut State, change: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = Snapshot::clone(&state.snapshot);
        change(&mut snapshot);
        state.snapshot = Arc::new(snapshot);
        for shard in &self.shards {
            shard.send(ShardMessage::Snapshot(state.snapshot.clone()));
        }
    }
}

impl Drop for Pjsip {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Adds up counters of several shards, by name, in the order of the first.
pub fn sum(shards: impl Iterator<Item = Vec<(&'static str, u64)>>) -> Vec<(&'static str, u64)> {
    shards
        .reduce(|mut total, values| {
            for (sum, (_, value)) in total.iter_mut().zip(values) {
                sum.1 += value;
            }
            total
        })
        .unwrap_or_default()
}

/// Tells the shard of an AOR that its contacts have changed.
fn wake(shards: Vec<ShardInbox>, hasher: FixedState) -> impl Fn(&ContactEvent) {
    move |event| {
        event.log();
        let contact = &event.binding.contact;
        let new = match event.change {
            ContactChange::Status => return,
            ContactChange::Added => Some(contact.id.clone()),
            ContactChange::Refreshed | ContactChange::Removed(_) => None,
        };
        let changed = qualify::Message::Changed { aor: contact.aor.clone(), new };
        if let Some(inbox) = shards.get(usize::from(shard_of(&hasher, &contact.aor, shards.len()))) {
            inbox.send(ShardMessage::Module(qualify::NAME, Box::new(changed)));
        }
    }
}

/// The shard that keeps the contacts of an AOR; the same as the shards themselves say.
fn shard_of(hasher: &FixedState, aor: &str, shards: usize) -> u16 {
    (hasher.hash_one(aor.as_bytes()) % shards as u64) as u16
}

/// The option `debug` of `[global]`: `no`, `yes` or a host.
fn initial_trace(debug: &str) -> TraceFilter {
    match conf::parse_bool(debug) {
        Some(true) => TraceFilter::All,
        Some(false) => TraceFilter::Off,
        None => debug.parse().map_or(TraceFilter::Off, |host| TraceFilter::Hosts(vec![host])),
    }
}

fn random_seed() -> std::io::Result<u64> {
    getrandom::u64().map_err(|error| std::io::Error::other(error.to_string()))
}
