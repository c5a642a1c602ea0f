//! A shard with subscriptions, extensions whose state a test sets, and the packets of phones.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use module_api::{
    Body, BodyContext, BodyGenerator, EventPackage, ExtensionState, Fail, Inputs, Payload, ResourceQuery,
};
use res_pjsip::config::{PjsipConfig, Transport};
use res_pjsip::identify::Identifiers;
use res_pjsip::resolve::{Answer, Question};
use res_pjsip::{
    Access, BoundTransport, ClosedConnection, Output, Peer, Routes, Shard, ShardMessage, Snapshot,
    TraceFilter,
};

use crate::flow::NewFlow;
use crate::module::{Message, NAME, PubSub};
use crate::registry::{ModuleParts, Registry};
use crate::service::Shared;

pub(super) const CONFIG: &str = "
[global]
type=global
user_agent=golden
[udp]
type=transport
bind=127.0.0.1:15060
[tcp]
type=transport
protocol=tcp
bind=127.0.0.1:15060
[ws]
type=transport
protocol=ws
bind=127.0.0.1:15088
[phone](!)
type=endpoint
context=default
[alice](phone)
[bob](phone)
[carol](phone)
[nosub](phone)
allow_subscribe=no
[slow](phone)
sub_min_expiry=60
[elsewhere](phone)
subscribe_context=other
";

/// The extensions: a package for `presence` and `dialog` and generators that tell all inputs.
#[derive(Default)]
pub(super) struct Extensions {
    states: Mutex<HashMap<String, Payload>>,
    pub(super) generated: AtomicUsize,
}

struct Package(Arc<Extensions>, &'static str, &'static str);

impl EventPackage for Package {
    fn event(&self) -> &str {
        self.1
    }
    fn default_media_type(&self) -> &str {
        self.2
    }
    fn data_kind(&self) -> &str {
        "extension-state"
    }
    fn topic(&self) -> &str {
        "extension-state"
    }
    fn resolve(&self, query: &ResourceQuery<'_>) -> Result<String, u16> {
        // Every context includes the context `included`.
        let keys =
            [query.context.as_str(), "included"].map(|context| format!("{}@{context}", query.resource));
        let states = self.0.states.lock().unwrap();
        keys.into_iter().find(|key| states.contains_key(key)).ok_or(404)
    }
    fn current(&self, key: &str) -> Result<Payload, Fail> {
        self.0.states.lock().unwrap().get(key).cloned().ok_or(Fail::NoData)
    }
}

struct Generator(Arc<Extensions>, &'static str);

impl BodyGenerator for Generator {
    fn media_type(&self) -> &str {
        self.1
    }
    fn data_kind(&self) -> &str {
        "extension-state"
    }
    fn inputs(&self) -> Inputs {
        Inputs::LOCAL | Inputs::REMOTE | Inputs::VERSION
    }
    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> Result<(), Fail> {
        self.0.generated.fetch_add(1, Ordering::Relaxed);
        let state = cx.data.extension.as_ref().into_option().ok_or(Fail::NoData)?.state;
        if state == 666 {
            return Err(Fail::Panicked);
        }
        let text = format!("state={state} local={} remote={} version={}", cx.local, cx.remote, cx.version);
        body.raw().extend(text.bytes());
        Ok(())
    }
}

pub(super) const PIDF: &str = "application/pidf+xml";
pub(super) const DIALOG_INFO: &str = "application/dialog-info+xml";

struct Anywhere;

impl Routes for Anywhere {
    fn source_for(&mut self, _: SocketAddr) -> Option<IpAddr> {
        None
    }
}

fn snapshot(text: &str) -> Snapshot {
    let file = conf::Loader::new(".").parse("pjsip.conf", text).unwrap();
    let (config, _) = PjsipConfig::parse(&file);
    let bound = |t: &Arc<Transport>| BoundTransport { config: t.clone(), local: t.bind, open: true };
    Snapshot {
        transports: config.transports.iter().map(bound).collect(),
        identifiers: Identifiers::all().ordered(&config.global.endpoint_identifier_order),
        config: Arc::new(config),
        access: Access::default(),
        nat: true,
        extensions: None,
        booted: true,
        trace: TraceFilter::Off,
    }
}

pub(super) struct Office {
    shard: Shard,
    snapshot: Arc<Snapshot>,
    shared: Arc<Shared>,
    out: Output,
    pub(super) now: u64,
    seq: u64,
    watchers: Arc<Mutex<HashMap<String, isize>>>,
    pub(super) extensions: Arc<Extensions>,
}

impl Office {
    /// Extensions 1000 and 1001 in context `default`, both idle; all modules loaded.
    pub(super) fn new() -> Self {
        let snapshot = Arc::new(snapshot(CONFIG));
        let watchers: Arc<Mutex<HashMap<String, isize>>> = Arc::default();
        let counted = watchers.clone();
        let count = move |_: &str, key: &str, change| {
            *counted.lock().unwrap().entry(key.to_owned()).or_default() += change;
        };
        let shared = Arc::new(Shared::new(1, Box::new(count)));
        let mut office = Self {
            shard: Shard::new(0, 1, 1, 0, snapshot.clone(), Box::new(Anywhere)),
            snapshot,
            shared: shared.clone(),
            out: Output::default(),
            now: 0,
            seq: 0,
            watchers,
            extensions: Arc::default(),
        };
        office.send(ShardMessage::AddModule(Arc::new(move |id| Box::new(PubSub::new(id, shared.clone())))));
        office.load(&["exten_state", "pidf", "dialog_info"]);
        for exten in ["1000", "1001"] {
            office.set(exten, 0);
        }
        office
    }

    /// Puts another `pjsip.conf` in force; `change` does more to what the shard gets.
    pub(super) fn configure(&mut self, text: &str, change: impl FnOnce(&mut Snapshot)) {
        let mut next = snapshot(text);
        let mut config = PjsipConfig::clone(&next.config);
        config.take_over(&self.snapshot.config);
        next.config = Arc::new(config);
        change(&mut next);
        self.snapshot = Arc::new(next);
        self.send(ShardMessage::Snapshot(self.snapshot.clone()));
    }

    /// Makes exactly these modules the loaded ones.
    pub(super) fn load(&mut self, modules: &[&str]) {
        let mut registry = Registry::default();
        for module in modules {
            let mut parts = ModuleParts::default();
            let extensions = || self.extensions.clone();
            match *module {
                "exten_state" => {
                    parts.packages.push(Arc::new(Package(extensions(), "presence", PIDF)));
                    parts.packages.push(Arc::new(Package(extensions(), "dialog", DIALOG_INFO)));
                }
                "pidf" => parts.generators.push(Arc::new(Generator(extensions(), PIDF))),
                "dialog_info" => parts.generators.push(Arc::new(Generator(extensions(), DIALOG_INFO))),
                other => panic!("{other}"),
            }
            registry = registry.with(module, parts).unwrap();
        }
        self.module(Message::Registry(Arc::new(registry)));
    }

    /// Sets the state of an extension in context `default`, and tells the shard.
    pub(super) fn set(&mut self, exten: &str, state: i32) {
        self.set_in("default", exten, state);
    }

    /// The same in another context.
    pub(super) fn set_in(&mut self, context: &str, exten: &str, state: i32) {
        let payload = self.payload(context, exten, state);
        let key = format!("{exten}@{context}");
        self.extensions.states.lock().unwrap().insert(key.clone(), payload.clone());
        self.publish(&key, payload);
    }

    /// Takes an extension away.
    pub(super) fn take_away(&mut self, exten: &str) {
        let mut payload = self.payload("default", exten, -2);
        payload.terminated = true;
        let key = format!("{exten}@default");
        self.extensions.states.lock().unwrap().remove(&key);
        // The hint is gone, and with it what it has counted.
        self.watchers.lock().unwrap().remove(&key);
        self.publish(&key, payload);
    }

    fn payload(&mut self, context: &str, exten: &str, state: i32) -> Payload {
        self.seq += 1;
        let extension =
            ExtensionState { exten: exten.into(), context: context.into(), state, ..Default::default() };
        Payload::extension_state(self.seq, extension)
    }

    fn publish(&mut self, key: &str, payload: Payload) {
        let woken = std::cell::Cell::new(false);
        self.shared.publish("extension-state", key, payload, |_| woken.set(true));
        if woken.get() {
            self.module(Message::Updates);
        }
    }

    fn module(&mut self, message: Message) {
        self.send(ShardMessage::Module(NAME, Box::new(message)));
    }

    fn send(&mut self, message: ShardMessage) {
        self.shard.message(self.now, message, &mut self.out);
    }

    /// A phone sends a packet from `port`.
    pub(super) fn feed(&mut self, port: u16, packet: &str) {
        let peer = Peer::new(0, SocketAddr::from(([127, 0, 0, 1], port)));
        self.shard.receive(self.now, peer, packet.as_bytes(), &mut self.out);
    }

    /// A phone sends a message by a connection.
    pub(super) fn feed_by(&mut self, peer: Peer, message: &str) {
        self.shard.receive(self.now, peer, message.as_bytes(), &mut self.out);
    }

    /// Connections are gone.
    pub(super) fn close(&mut self, closed: ClosedConnection) {
        self.send(ShardMessage::Closed(Arc::new([closed])));
    }

    /// A phone has registered.
    pub(super) fn new_flow(&mut self, flow: NewFlow) {
        self.module(Message::NewFlow(flow));
    }

    /// Everything that has been sent since the last call, with the peer that it goes to.
    pub(super) fn sent_to_peers(&mut self) -> Vec<(Peer, String)> {
        self.work();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let all = self.out.datagrams().map(|(peer, bytes)| (peer, text(bytes))).collect();
        self.out.clear();
        all
    }

    /// Lets time pass, all timers firing when they are due.
    pub(super) fn pass(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        self.work();
        while let Some(at) = self.shard.next_deadline().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.shard.tick(self.now, &mut self.out);
            self.work();
        }
        self.now = end;
    }

    fn work(&mut self) {
        while self.shard.work(self.now, 3, &mut self.out) {}
    }

    /// Everything that has been sent since the last call, with the port that it goes to.
    pub(super) fn sent(&mut self) -> Vec<(u16, String)> {
        self.work();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let all = self.out.datagrams().map(|(peer, bytes)| (peer.address.port(), text(bytes))).collect();
        self.out.clear();
        all
    }

    /// The only packet that has been sent.
    pub(super) fn one(&mut self) -> String {
        let mut all = self.sent();
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0).1
    }

    /// Nothing has been sent.
    pub(super) fn nothing(&mut self) {
        let all = self.sent();
        assert!(all.is_empty(), "{all:#?}");
    }

    /// What the resolver has been asked since the last call, with the tokens of the answers.
    pub(super) fn questions(&mut self) -> Vec<(u64, Question)> {
        self.out.take_questions().collect()
    }

    /// The resolver answers.
    pub(super) fn resolve(&mut self, token: u64, answer: Answer) {
        self.send(ShardMessage::Resolved(token, answer));
    }

    /// How many watchers an extension in context `default` has been told of.
    pub(super) fn watchers(&self, exten: &str) -> isize {
        self.watchers.lock().unwrap().get(&format!("{exten}@default")).copied().unwrap_or_default()
    }

    pub(super) fn active(&self) -> u64 {
        self.shared.stats(0).active.get()
    }
}

/// One phone's side of one subscription.
#[derive(Debug, Clone)]
pub(super) struct Phone {
    pub(super) name: &'static str,
    pub(super) port: u16,
    pub(super) exten: &'static str,
    pub(super) call_id: String,
    pub(super) cseq: u32,
    pub(super) to_tag: String,
    pub(super) event: &'static str,
    pub(super) branch: u32,
}

impl Phone {
    pub(super) fn new(name: &'static str, exten: &'static str) -> Self {
        let call_id = format!("{name}-{exten}");
        Self {
            name,
            port: 5999,
            exten,
            call_id,
            cseq: 0,
            to_tag: String::new(),
            event: "presence",
            branch: 0,
        }
    }

    /// The next SUBSCRIBE.
    pub(super) fn subscribe(&mut self, extra: &str) -> String {
        self.cseq += 1;
        self.branch += 1;
        let Self { name, port, exten, call_id, cseq, event, branch, .. } = self;
        let to_tag = if self.to_tag.is_empty() { String::new() } else { format!(";tag={}", self.to_tag) };
        format!(
            "SUBSCRIBE sip:{exten}@127.0.0.1:15060 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 127.0.0.1:{port};rport;branch=z9hG4bK{call_id}-{branch}\r\n\
             From: <sip:{name}@127.0.0.1>;tag=f{call_id}\r\nTo: <sip:{exten}@127.0.0.1>{to_tag}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} SUBSCRIBE\r\nContact: <sip:{name}@127.0.0.1:{port}>\r\n\
             Event: {event}\r\n{extra}Content-Length: 0\r\n\r\n"
        )
    }

    /// Subscribes, answers the first NOTIFY, and gives answer and NOTIFY.
    pub(super) fn establish(&mut self, office: &mut Office, extra: &str) -> (String, String) {
        let request = self.subscribe(extra);
        office.feed(self.port, &request);
        let mut sent = office.sent();
        assert_eq!(sent.len(), 2, "{sent:#?}");
        let (notify, answer) = (sent.remove(1).1, sent.remove(0).1);
        assert!(answer.starts_with("SIP/2.0 200 OK\r\n"), "{answer}");
        self.to_tag = header(&answer, "To").split_once(";tag=").unwrap().1.to_owned();
        office.feed(self.port, &reply(&notify, "200 OK", ""));
        (answer, notify)
    }
}

/// The answer to a NOTIFY.
pub(super) fn reply(notify: &str, status: &str, extra: &str) -> String {
    let copied =
        ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| format!("{name}: {}\r\n", header(notify, name)));
    format!("SIP/2.0 {status}\r\n{}{extra}Content-Length: 0\r\n\r\n", copied.concat())
}

/// The value of a header, or nothing.
pub(super) fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let mut lines = message.split("\r\n\r\n").next().unwrap().split("\r\n");
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

pub(super) fn body(message: &str) -> &str {
    message.split_once("\r\n\r\n").unwrap().1
}

pub(super) fn status(message: &str) -> &str {
    message.split("\r\n").next().unwrap()
}
