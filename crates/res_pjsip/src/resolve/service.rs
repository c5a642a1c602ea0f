//! The thread that asks, for all shards.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinSet, LocalSet};

use super::dns::{Asking, Lookup, Prepared};
use super::locate::{locate, sources};
use super::{Backend, Question, ResolveError, Target};

/// Answers that may be waited for at a time; more are refused at once.
const PENDING: usize = 4096;
/// Names that are looked up at a time; the others wait their turn.
const CONCURRENT: usize = 64;
/// How long a question may take in all.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a failure counts: a DNS that does not answer must not hold up every request anew.
const FAILURE: Duration = Duration::from_secs(5);
/// Failures that are remembered.
const FAILURES: usize = 4096;
/// Limits of the time after which a watched name is looked up again, whatever its records say.
const WATCH: std::ops::RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(3600);

/// What becomes of a question.
pub type Answer = Result<Vec<Target>, ResolveError>;
type Reply = Box<dyn FnOnce(Answer) + Send>;
type Hear = Arc<dyn Fn(&Arc<str>, Vec<IpAddr>) + Send + Sync>;

enum Request {
    Ask(Question, Reply),
    Use(Prepared),
    Watch(BTreeMap<Arc<str>, bool>, Hear),
}

/// The resolver. Its thread ends when it is dropped.
pub struct Resolver {
    requests: Option<mpsc::UnboundedSender<Request>>,
    pending: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Resolver {
    /// Starts the thread; until [`set_backend`](Self::set_backend) it asks the system.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn start() -> std::io::Result<Self> {
        let (requests, inbox) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new()
            .name("resolver".into())
            .spawn(move || LocalSet::new().block_on(&runtime, run(inbox)))?;
        Ok(Self { requests: Some(requests), pending: Arc::default(), thread: Some(thread) })
    }

    /// Asks somebody else from now on.
    ///
    /// # Errors
    ///
    /// A file that the backend needs cannot be read. The old backend stays.
    pub fn set_backend(&self, backend: &Backend) -> Result<(), String> {
        self.send(Request::Use(Prepared::new(backend)?));
        Ok(())
    }

    /// Locates a server. `reply` is called on the resolver's thread, or at once if too many wait.
    pub fn ask(&self, question: Question, reply: impl FnOnce(Answer) + Send + 'static) {
        if self.pending.fetch_add(1, Ordering::Relaxed) >= PENDING {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            return reply(Err(ResolveError::Busy(question.host)));
        }
        let pending = self.pending.clone();
        self.send(Request::Ask(
            question,
            Box::new(move |answer| {
                pending.fetch_sub(1, Ordering::Relaxed);
                reply(answer);
            }),
        ));
    }

    /// Keeps the addresses of names up to date: `hear` is told of each name when it has been looked
    /// up, and again when its records have aged. The flag of a name says whether its SIP services
    /// count too. Names watched before are forgotten. A name that cannot be looked up is not told.
    pub fn watch(
        &self,
        names: BTreeMap<Arc<str>, bool>,
        hear: impl Fn(&Arc<str>, Vec<IpAddr>) + Send + Sync + 'static,
    ) {
        self.send(Request::Watch(names, Arc::new(hear)));
    }

    fn send(&self, request: Request) {
        if let Some(requests) = &self.requests {
            // The thread lives as long as this sender does.
            let _ = requests.send(request);
        }
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            // The last owner may be a reply, on the thread itself.
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("The resolver ended by a panic");
        }
    }
}

/// What the thread knows.
struct Worker {
    lookup: Lookup,
    /// Those who wait for the answer to one question.
    waiting: HashMap<Question, Vec<Reply>>,
    failures: HashMap<Question, (Instant, ResolveError)>,
    places: Rc<Semaphore>,
    lookups: JoinSet<(Question, Answer)>,
    watches: JoinSet<()>,
    watched: Option<(BTreeMap<Arc<str>, bool>, Hear)>,
}

async fn run(mut inbox: mpsc::UnboundedReceiver<Request>) {
    let mut worker = Worker {
        lookup: Lookup::System,
        waiting: HashMap::new(),
        failures: HashMap::new(),
        places: Rc::new(Semaphore::new(CONCURRENT)),
        lookups: JoinSet::new(),
        watches: JoinSet::new(),
        watched: None,
    };
    loop {
        tokio::select! {
            request = inbox.recv() => match request {
                None => return,
                Some(Request::Ask(question, reply)) => worker.ask(question, reply),
                Some(Request::Use(prepared)) => worker.set_lookup(prepared),
                Some(Request::Watch(names, hear)) => {
                    worker.watched = Some((names, hear));
                    worker.watch();
                }
            },
            Some(Ok((question, answer))) = worker.lookups.join_next() => worker.answer(question, &answer),
        }
    }
}

impl Worker {
    fn set_lookup(&mut self, prepared: Prepared) {
        match prepared.start() {
            Ok(lookup) => self.lookup = lookup,
            Err(error) => tracing::error!("The resolver cannot be set up: {error}"),
        }
        self.failures.clear();
        self.watch();
    }

    fn ask(&mut self, question: Question, reply: Reply) {
        if let Some((until, failure)) = self.failures.get(&question) {
            if *until > Instant::now() {
                return reply(Err(failure.clone()));
            }
            self.failures.remove(&question);
        }
        let waiting = self.waiting.entry(question.clone()).or_default();
        waiting.push(reply);
        if waiting.len() > 1 {
            return;
        }
        let (lookup, places) = (self.lookup.clone(), self.places.clone());
        self.lookups.spawn_local(async move {
            // The semaphore is never closed.
            let _place = places.acquire().await;
            let asking = Asking::new(&lookup);
            let found = tokio::time::timeout(PATIENCE, locate(&asking, &question, &mut draw)).await;
            let answer = found.unwrap_or_else(|_| {
                let why = format!("no answer within {} seconds", PATIENCE.as_secs());
                Err(ResolveError::Failed(question.host.clone(), why))
            });
            (question, answer)
        });
    }

    fn answer(&mut self, question: Question, answer: &Answer) {
        for reply in self.waiting.remove(&question).unwrap_or_default() {
            reply(answer.clone());
        }
        if let Err(failure) = answer {
            tracing::debug!("{failure}");
            if self.failures.len() >= FAILURES {
                self.failures.clear();
            }
            self.failures.insert(question, (Instant::now() + FAILURE, failure.clone()));
        }
    }

    fn watch(&mut self) {
        self.watches.abort_all();
        let Some((names, hear)) = &self.watched else { return };
        for (name, services) in names {
            let (lookup, name, services, hear) = (self.lookup.clone(), name.clone(), *services, hear.clone());
            self.watches.spawn_local(watch(lookup, name, services, hear));
        }
    }
}

async fn watch(lookup: Lookup, name: Arc<str>, services: bool, hear: Hear) {
    let mut failed = false;
    loop {
        let asking = Asking::new(&lookup);
        match sources(&asking, &name, services).await {
            Ok(addresses) => {
                if addresses.is_empty() && !failed {
                    tracing::warn!("'{name}' has no address: it matches nobody");
                }
                failed = addresses.is_empty();
                hear(&name, addresses);
            }
            Err(error) => {
                if !failed {
                    tracing::warn!("'{name}' cannot be looked up, what is known of it stays: {error}");
                }
                failed = true;
            }
        }
        let left = asking.until().saturating_duration_since(Instant::now());
        tokio::time::sleep(left.clamp(*WATCH.start(), *WATCH.end())).await;
    }
}

/// A number from 0 to `most`.
fn draw(most: u32) -> u32 {
    // Without randomness all load goes to the first, which is no reason to send nothing.
    getrandom::u32().map_or(0, |random| random % most.saturating_add(1).max(1))
}
