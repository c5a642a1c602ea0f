//! For tests: a shard that registers and asks phones, packet in and packet out, on simulated time.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use store::Store;

use crate::config::tests::parse;
use crate::core::Routes;
use crate::identify::Identifiers;
use crate::location::{Clock, ContactChange, Location, LocationGuard};
use crate::output::{Output, Peer};
use crate::qualify::{self, ContactKeeper};
use crate::registrar::{self, Registrar};
use crate::shard::{Shard, ShardMessage};
use crate::snapshot::{BoundTransport, Snapshot};
use crate::{PathModule, TraceFilter};

/// When simulated time begins, in seconds since 1970.
pub(crate) const EPOCH: u64 = 1_700_000_000;

struct Anywhere;

impl Routes for Anywhere {
    fn source_for(&mut self, _: SocketAddr) -> Option<IpAddr> {
        None
    }
}

pub(crate) struct Desk {
    pub(crate) shard: Shard,
    pub(crate) location: Arc<Location>,
    pub(crate) now: u64,
    time: Arc<AtomicU64>,
    out: Output,
    inbox: mpsc::Receiver<ShardMessage>,
    requests: u32,
    _wake: LocationGuard,
}

impl Desk {
    /// `[udp]` and `[global]` come before `config`.
    pub(crate) fn new(config: &str) -> Self {
        Self::with_store(config, None)
    }

    pub(crate) fn with_store(config: &str, store: Option<&Store>) -> Self {
        let text = format!(
            "[global]\ntype=global\nuser_agent=test\n[udp]\ntype=transport\nbind=192.0.2.100:5060\n{config}"
        );
        let (config, remarks) = parse(&text);
        assert_eq!(remarks, Vec::<String>::new());
        let transports = config.transports.iter();
        let transports =
            transports.map(|t| BoundTransport { config: t.clone(), local: t.bind, open: true }).collect();
        let identifiers = Identifiers::all().ordered(&config.global.endpoint_identifier_order);
        let time = Arc::new(AtomicU64::new(0));
        let ticks = time.clone();
        let clock: Clock = Arc::new(move || {
            Duration::from_secs(EPOCH) + Duration::from_millis(ticks.load(Ordering::Relaxed))
        });
        let location = store.map_or_else(|| Location::memory(clock), Location::open);
        location.configure(&config);
        let snapshot = Snapshot {
            access: crate::snapshot::Access::default(),
            config: Arc::new(config),
            transports,
            identifiers,
            nat: true,
            extensions: None,
            booted: true,
            trace: TraceFilter::Off,
        };
        let (sender, inbox) = mpsc::channel();
        let wake = sender.clone();
        let guard = location.listen(Box::new(move |event| {
            let (aor, id) = (event.binding.contact.aor.clone(), event.binding.contact.id.clone());
            let new = (event.change == ContactChange::Added).then_some(id);
            if event.change != ContactChange::Status {
                let message = Box::new(qualify::Message::Changed { aor, new });
                wake.send(ShardMessage::Module(qualify::NAME, message)).unwrap();
            }
        }));
        let post: registrar::Post = Arc::new(move |_, message| {
            // A test may be over before its store is.
            let _ = sender.send(ShardMessage::Module(registrar::NAME, message));
        });
        let mut desk = Self {
            shard: Shard::new(0, 1, 7, 0, Arc::new(snapshot), Box::new(Anywhere)),
            location: location.clone(),
            now: 0,
            time,
            out: Output::default(),
            inbox,
            requests: 0,
            _wake: guard,
        };
        let registered = location.clone();
        desk.send(ShardMessage::AddModule(Arc::new(move |_| {
            Box::new(Registrar::new(registered.clone(), post.clone()))
        })));
        desk.send(ShardMessage::AddModule(Arc::new(|_| Box::new(PathModule))));
        desk.send(ShardMessage::AddModule(Arc::new(move |_| Box::new(ContactKeeper::new(location.clone())))));
        desk.send(ShardMessage::Module(qualify::NAME, Box::new(qualify::Message::Start)));
        desk
    }

    pub(crate) fn send(&mut self, message: ShardMessage) {
        self.shard.message(self.now, message, &mut self.out);
    }

    /// Feeds a packet from an address; gives what came out.
    pub(crate) fn feed(&mut self, from: &str, packet: &str) -> Vec<(SocketAddr, String)> {
        let peer = Peer::new(0, from.parse().unwrap());
        self.shard.receive(self.now, peer, packet.as_bytes(), &mut self.out);
        self.settle();
        self.sent()
    }

    /// Waits for one message from another thread.
    pub(crate) fn wait(&mut self) -> Vec<(SocketAddr, String)> {
        let message = self.inbox.recv_timeout(Duration::from_secs(60)).unwrap();
        self.send(message);
        self.sent()
    }

    /// Lets time pass, packet by packet.
    pub(crate) fn pass(&mut self, millis: u64, mut each: impl FnMut(&mut Self, SocketAddr, String)) {
        let end = self.now + millis;
        loop {
            let next = self.shard.next_deadline().map_or(end, |at| at.clamp(self.now, end));
            self.now = next;
            self.time.store(next, Ordering::Relaxed);
            self.shard.tick(next, &mut self.out);
            self.settle();
            for (to, text) in self.sent() {
                each(self, to, text);
            }
            if next == end {
                return;
            }
        }
    }

    /// A REGISTER of `user` from `from`; `headers` bring the Contacts. The Call-ID is the user's.
    pub(crate) fn register(&mut self, from: &str, user: &str, headers: &str) -> Vec<(SocketAddr, String)> {
        self.requests += 1;
        let cseq = self.requests;
        let packet = format!(
            "REGISTER sip:192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7:5062;rport;branch=z9hG4bKr{cseq}\r\n\
             From: <sip:{user}@pbx>;tag=f\r\nTo: <sip:{user}@pbx>\r\nCall-ID: {user}\r\n\
             CSeq: {cseq} REGISTER\r\nUser-Agent: Desk/1\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        self.feed(from, &packet)
    }

    /// The answer to a REGISTER.
    pub(crate) fn answer(&mut self, user: &str, headers: &str) -> String {
        let sent = self.register("192.0.2.1:40000", user, headers);
        let answer = sent.into_iter().map(|(_, text)| text).find(|text| text.starts_with("SIP/2.0"));
        answer.expect("an answer")
    }

    /// URIs and short statuses of an AOR's contacts.
    pub(crate) fn contacts(&self, aor: &str) -> Vec<(String, &'static str)> {
        let contacts = self.location.contacts_of(aor);
        contacts.iter().map(|it| (it.contact.uri.to_string(), it.status().short())).collect()
    }

    /// Handles what the location service has told the shard.
    fn settle(&mut self) {
        while let Ok(message) = self.inbox.try_recv() {
            self.send(message);
        }
        self.shard.tick(self.now, &mut self.out);
    }

    fn sent(&mut self) -> Vec<(SocketAddr, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let sent = self.out.datagrams().map(|(peer, bytes)| (peer.address, text(bytes))).collect();
        self.out.clear();
        sent
    }
}

/// Stops the disk of a store until what is given is dropped.
pub(crate) fn stall(store: &Store) -> mpsc::Sender<()> {
    loop {
        let (go_on, waits) = mpsc::channel();
        let (stalled, is_stalled) = mpsc::channel();
        store.put("a", "b", "c").then(move |_| {
            // It may have been written before anybody could wait for it.
            let on_writer = std::thread::current().name() == Some("astdb");
            stalled.send(on_writer).unwrap();
            if on_writer {
                // It ends when the sender is dropped.
                let _ = waits.recv();
            }
        });
        if is_stalled.recv().unwrap() {
            return go_on;
        }
    }
}

/// The value of a header.
pub(crate) fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// All values of a header.
pub(crate) fn headers<'a>(message: &'a str, name: &str) -> Vec<&'a str> {
    message.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
}

/// The response to a request of ours.
pub(crate) fn respond(request: &str, status: &str) -> String {
    let copied = ["Via", "From", "To", "Call-ID", "CSeq"]
        .map(|name| format!("{name}: {}\r\n", header(request, name).unwrap()));
    format!("SIP/2.0 {status}\r\n{}Content-Length: 0\r\n\r\n", copied.concat())
}
