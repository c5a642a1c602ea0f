//! After any sequence of changes each hint shows what a recomputation from nothing shows, and who
//! listens knows it.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

/// Devices as hints may name them; all `PJSIP/*` and `Custom:*` may have providers, `Queue:q` has none.
const DEVICES: [&str; 5] = ["PJSIP/a", "pjsip/A", "Custom:b", "custom:c", "Queue:q"];
const PRESENCE: [&str; 2] = ["CustomPresence:x", "CUSTOMPRESENCE:y"];
const ASKED: [&str; 5] = ["1", "2", "30", "31", "_3X"];

#[derive(Debug, Clone)]
enum Step {
    Replace(Vec<(usize, String)>),
    Find(usize),
    Sweep(u64),
    Watch(usize),
    Set(usize, usize, usize, Option<u64>),
    Remove(usize, usize),
    RemoveSource(usize),
    Expire(u64),
    Answer(usize, usize),
    Presence(usize, usize),
    Provider(usize, bool),
}

fn text() -> impl Strategy<Value = String> {
    let devices = prop::collection::vec(prop::sample::select(&DEVICES[..]), 0..4);
    let presence = prop::collection::vec(prop::sample::select(&PRESENCE[..]), 0..3);
    (devices, presence).prop_map(|(d, p)| format!("{},{}", d.join("&"), p.join("&")))
}

fn step() -> impl Strategy<Value = Step> {
    let lines = prop::collection::vec((0..ASKED.len(), text()), 0..5);
    prop_oneof![
        2 => lines.prop_map(Step::Replace),
        2 => (0..ASKED.len()).prop_map(Step::Find),
        1 => (0..4u64).prop_map(|minutes| Step::Sweep(minutes * 60_000)),
        1 => (0..ASKED.len()).prop_map(Step::Watch),
        6 => (0..5usize, 0..2usize, 0..9usize, prop::option::of(0..9u64))
            .prop_map(|(d, s, v, l)| Step::Set(d, s, v, l)),
        1 => (0..5usize, 0..2usize).prop_map(|(d, s)| Step::Remove(d, s)),
        1 => (0..2usize).prop_map(Step::RemoveSource),
        1 => (0..9u64).prop_map(Step::Expire),
        4 => (0..5usize, 0..9usize).prop_map(|(d, v)| Step::Answer(d, v)),
        2 => (0..2usize, 0..7usize).prop_map(|(p, v)| Step::Presence(p, v)),
        1 => (0..3usize, any::<bool>()).prop_map(|(p, on)| Step::Provider(p, on)),
    ]
}

/// What providers answer, by lower-case name.
#[derive(Default)]
struct Answers(Mutex<HashMap<String, DeviceState>>, Mutex<HashMap<String, PresenceState>>);

impl Answers {
    fn device(&self, name: &str) -> DeviceState {
        let answers = self.0.lock().unwrap();
        let answer = answers.get(&name.to_lowercase());
        answer.copied().unwrap_or(DeviceState::Unknown)
    }

    fn presence(&self, name: &str) -> PresenceValue {
        let answers = self.1.lock().unwrap();
        let state = answers.get(&name.to_lowercase()).copied();
        PresenceValue {
            state: state.unwrap_or_default(),
            subtype: name.to_lowercase().into(),
            message: "".into(),
        }
    }
}

struct Provider(&'static str, Arc<Answers>);

impl DeviceProvider for Provider {
    fn state(&self, rest: &str) -> DeviceState {
        self.1.device(&format!("{}{rest}", self.0))
    }
}

impl PresenceProvider for Provider {
    fn presence(&self, rest: &str) -> PresenceValue {
        self.1.presence(&format!("{}{rest}", self.0))
    }
}

type Reports = HashMap<(String, usize), (DeviceState, Option<u64>)>;

/// The world beside the hints, from which everything can be computed anew.
struct World {
    hints: Arc<Hints>,
    answers: Arc<Answers>,
    reports: Reports,
    guards: [Option<ProviderGuard>; 3],
    heard: Arc<Mutex<Vec<ExtensionSnapshot>>>,
    _listening: ListenGuard,
    known: HashMap<String, ExtensionSnapshot>,
    seq: u64,
}

impl World {
    fn new() -> Self {
        let hints = Hints::new();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let to = heard.clone();
        let listening = hints.listen(Box::new(move |snapshot| {
            to.lock().unwrap().push(snapshot.clone());
        }));
        Self {
            hints,
            answers: Arc::default(),
            reports: HashMap::new(),
            guards: [None, None, None],
            heard,
            _listening: listening,
            known: HashMap::new(),
            seq: 0,
        }
    }

    fn take(&mut self, step: &Step) {
        let source = |s: usize| SourceId::new(s.to_string());
        let lower = |d: usize| DEVICES[d].to_lowercase();
        let hints = &self.hints;
        match step {
            Step::Replace(lines) => {
                let lines = lines.iter();
                let lines = lines.map(|(e, text)| format!("exten => {},hint,{text}\n", ASKED[*e]));
                hints.replace(plan(&format!("[d]\n{}", lines.collect::<String>())));
            }
            Step::Find(e) => drop(hints.find("d", ASKED[*e])),
            Step::Sweep(now) => _ = hints.sweep(*now),
            Step::Watch(e) => drop(hints.find("d", ASKED[*e]).map(|hint| hint.add_watcher())),
            Step::Set(d, s, v, lease) => {
                let state = DeviceState::ALL[*v];
                self.reports.insert((lower(*d), *s), (state, *lease));
                hints.set_device_state(DEVICES[*d], &source(*s), state, *lease);
            }
            Step::Remove(d, s) => {
                self.reports.remove(&(lower(*d), *s));
                hints.remove_device_state(DEVICES[*d], &source(*s));
            }
            Step::RemoveSource(s) => {
                self.reports.retain(|(_, source), _| source != s);
                hints.remove_source(&source(*s));
            }
            Step::Expire(now) => {
                self.reports.retain(|_, (_, lease)| lease.is_none_or(|l| l > *now));
                hints.expire(*now);
            }
            Step::Answer(d, v) => {
                let answers = &self.answers.0;
                answers.lock().unwrap().insert(lower(*d), DeviceState::ALL[*v]);
                hints.device_changed(DEVICES[*d]);
            }
            Step::Presence(p, v) => {
                let name = PRESENCE[*p].to_lowercase();
                self.answers.1.lock().unwrap().insert(name, PresenceState::ALL[*v]);
                hints.presence_changed(PRESENCE[*p]);
            }
            Step::Provider(which, false) => self.guards[*which] = None,
            Step::Provider(which, true) => {
                let prefix = ["PJSIP/", "Custom:", "CustomPresence:"][*which];
                let provider = Arc::new(Provider(prefix, self.answers.clone()));
                self.guards[*which] = Some(match which {
                    0 => hints.add_technology("PJSIP", provider),
                    1 => hints.add_provider("Custom", provider),
                    _ => hints.add_presence_provider("CustomPresence", provider),
                });
            }
        }
    }

    fn device(&self, name: &str) -> DeviceState {
        let name = name.to_lowercase();
        let provider = match &*name {
            n if n.starts_with("pjsip/") => self.guards[0].is_some(),
            n if n.starts_with("custom:") => self.guards[1].is_some(),
            _ => false,
        };
        let reports = self.reports.iter().filter(|((device, _), _)| *device == name);
        let answer = provider.then(|| self.answers.device(&name));
        DeviceState::aggregate(reports.map(|(_, (state, _))| *state).chain(answer))
    }

    fn presence(&self, name: &str) -> PresenceValue {
        match self.guards[2] {
            Some(_) => self.answers.presence(name),
            None => PresenceValue::invalid(),
        }
    }

    /// Each hint shows what is so; each listener was told last what it shows, in order, and nothing
    /// twice.
    fn check(&mut self) {
        for told in self.heard.lock().unwrap().drain(..) {
            assert!(told.seq > self.seq);
            self.seq = told.seq;
            let shows = |s: &ExtensionSnapshot| (s.state, s.presence().clone(), s.removed);
            if let Some(before) = self.known.insert(told.key().to_owned(), told.clone()) {
                assert_ne!(shows(&before), shows(&told));
            }
        }
        let hints = self.hints.hints();
        let there = self.known.values().filter(|told| !told.removed);
        assert_eq!(hints.len(), there.count());
        for hint in hints {
            let definition = hint.definition();
            let shown = hint.snapshot();
            let devices: Vec<_> = definition.devices().map(|name| (name, self.device(name))).collect();
            let aggregate = DeviceState::aggregate(devices.iter().map(|(_, state)| *state));
            assert!(shown.devices().map(|d| (d.name, d.state)).eq(devices));
            assert_eq!(shown.state, ExtensionState::from(aggregate));
            let presence: Vec<_> = definition.presence().map(|p| self.presence(p)).collect();
            assert_eq!(*shown.presence(), PresenceValue::aggregate(&presence));
            let told = &self.known[hint.key()];
            assert_eq!((told.seq, told.state), (shown.seq, shown.state));
            assert_eq!(told.presence(), shown.presence());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn hints_show_what_is_so(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            world.check();
        }
    }
}
