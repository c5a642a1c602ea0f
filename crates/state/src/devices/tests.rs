use super::*;
use DeviceState::*;
use proptest::prelude::*;

fn source(name: &str) -> SourceId {
    SourceId::new(name)
}

fn change(device: &str, old: Option<DeviceState>, new: Option<DeviceState>) -> Option<DeviceChange> {
    let device = device.into();
    Some(DeviceChange { device, old, new })
}

#[test]
fn sources_of_one_device_add_up() {
    let mut states = DeviceStates::new();
    let (here, there) = (source("PJSIP"), source("publish:1"));
    let first = states.set("PJSIP/alice", &here, Unavailable, 0, None);
    assert_eq!(first, change("PJSIP/alice", None, Some(Unavailable)));
    let second = states.set("pjsip/ALICE", &there, NotInUse, 0, None);
    assert_eq!(second, change("PJSIP/alice", Some(Unavailable), Some(NotInUse)));
    assert_eq!(states.set("PJSIP/alice", &here, Unknown, 0, None), None);
    assert_eq!(states.len(), 1);
    let gone = states.remove_source(&there);
    let expected = change("PJSIP/alice", Some(NotInUse), Some(Unknown));
    assert_eq!(gone, Vec::from_iter(expected));
    let last = states.remove("PJSIP/alice", &here);
    assert_eq!(last, change("PJSIP/alice", Some(Unknown), None));
    assert!(states.is_empty() && states.devices.is_empty());
}

#[test]
fn a_lease_ends_unless_it_is_renewed() {
    let mut states = DeviceStates::new();
    let (a, b) = (source("publish:a"), source("publish:b"));
    states.set("X/1", &a, Ringing, 0, Some(100));
    states.set("X/1", &b, InUse, 0, Some(100));
    states.set("X/2", &b, InUse, 0, Some(50));
    states.set("X/2", &b, InUse, 7, Some(150));
    assert_eq!(states.reports("X/2").first().map(|report| report.at), Some(7));
    assert_eq!(states.next_deadline(), Some(100));
    assert_eq!(states.expire(99), []);
    // Two reports of one device end at once: one change.
    let expected = change("X/1", Some(RingInUse), None);
    assert_eq!(states.expire(100), Vec::from_iter(expected));
    assert_eq!(states.next_deadline(), Some(150));
    states.set("X/2", &b, InUse, 0, None);
    assert_eq!(states.next_deadline(), None);
    assert_eq!(states.expire(u64::MAX), []);
}

#[derive(Debug, Clone)]
enum Step {
    Set(usize, usize, usize, Option<u64>),
    Remove(usize, usize),
    RemoveSource(usize),
    Expire(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3usize, 0..3usize, 0..9usize, prop::option::of(0..20u64))
            .prop_map(|(d, s, v, l)| Step::Set(d, s, v, l)),
        1 => (0..3usize, 0..3usize).prop_map(|(d, s)| Step::Remove(d, s)),
        1 => (0..3usize).prop_map(Step::RemoveSource),
        1 => (0..20u64).prop_map(Step::Expire),
    ]
}

proptest! {
    /// The model is a list of reports; each step is compared with a recomputation from it, and the
    /// reported changes, applied one after another, give the states.
    #[test]
    fn every_sequence_gives_what_is_still_reported(steps in prop::collection::vec(step(), 0..60)) {
        const DEVICES: [&str; 3] = ["PJSIP/a", "Custom:b", "c"];
        let mut states = DeviceStates::new();
        let mut model: Vec<(usize, usize, DeviceState, Option<u64>)> = Vec::new();
        let mut followed = [None; 3];
        for step in steps {
            let changes: Vec<DeviceChange> = match step {
                Step::Set(d, s, v, lease) => {
                    let state = DeviceState::ALL[v];
                    model.retain(|m| (m.0, m.1) != (d, s));
                    model.push((d, s, state, lease));
                    let change = states.set(DEVICES[d], &source(&s.to_string()), state, 0, lease);
                    change.into_iter().collect()
                }
                Step::Remove(d, s) => {
                    model.retain(|m| (m.0, m.1) != (d, s));
                    let change = states.remove(DEVICES[d], &source(&s.to_string()));
                    change.into_iter().collect()
                }
                Step::RemoveSource(s) => {
                    model.retain(|m| m.1 != s);
                    states.remove_source(&source(&s.to_string()))
                }
                Step::Expire(now) => {
                    model.retain(|m| m.3.is_none_or(|deadline| deadline > now));
                    states.expire(now)
                }
            };
            for change in changes {
                let d = DEVICES.iter().position(|d| **d == *change.device).unwrap();
                prop_assert_eq!(followed[d], change.old);
                prop_assert_ne!(change.old, change.new);
                followed[d] = change.new;
            }
            for (d, name) in DEVICES.iter().enumerate() {
                let mut members = model.iter().filter(|m| m.0 == d).map(|m| m.2).peekable();
                let expected = members.peek().is_some().then(|| DeviceState::aggregate(members));
                prop_assert_eq!(states.get(name), expected);
                prop_assert_eq!(followed[d], expected);
            }
            prop_assert_eq!(states.next_deadline(), model.iter().filter_map(|m| m.3).min());
            prop_assert_eq!(states.leases.values().flatten().count(), states.deadlines.len());
            prop_assert_eq!(states.deadlines.len(), model.iter().filter(|m| m.3.is_some()).count());
        }
    }
}

#[test]
fn a_device_takes_five_words_beside_its_name() {
    assert!(size_of::<Device<()>>() <= 40);
}

fn call(number: &str, since: u64) -> Option<Arc<Call>> {
    Some(Arc::new(Call { remote: crate::Party::parse(number), since, ..Call::default() }))
}

#[test]
fn the_oldest_call_is_shown_as_long_as_its_source_says_so() {
    let mut states = DeviceStates::new();
    let (a, b) = (source("PJSIP"), source("publish:b"));
    let number = |states: &DeviceStates| states.call("pjsip/1").map(|call| call.remote.number.to_string());
    assert!(states.set_with_call("PJSIP/1", &a, Ringing, 0, None, call("4444", 20)).is_some());
    assert!(states.set_with_call("PJSIP/1", &b, Ringing, 0, Some(9), call("5555", 10)).is_some());
    assert_eq!(number(&states).as_deref(), Some("5555"));
    // The same state with another call is a change, with the same call it is none.
    let same = change("PJSIP/1", Some(Ringing), Some(Ringing));
    assert_eq!(states.set_with_call("PJSIP/1", &b, Ringing, 1, Some(9), call("6666", 10)), same);
    assert_eq!(states.set_with_call("PJSIP/1", &b, Ringing, 2, Some(9), call("6666", 10)), None);
    assert_eq!(states.expire(9), Vec::from_iter(same));
    assert_eq!(number(&states).as_deref(), Some("4444"));
    let answered = change("PJSIP/1", Some(Ringing), Some(InUse));
    assert_eq!(states.set("PJSIP/1", &a, InUse, 3, None), answered);
    assert!(states.calls.is_empty());
}

#[derive(Debug, Default)]
struct Watchers(u32);

impl Attachment for Watchers {
    fn is_empty(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn a_device_is_known_while_it_is_reported_or_watched() {
    let mut states = DeviceStates::<Watchers>::default();
    states.attach("Custom:a", |watchers| watchers.0 = 2);
    states.set("CUSTOM:A", &source("custom"), InUse, 0, None);
    assert_eq!(states.attachment("custom:a").map(|watchers| watchers.0), Some(2));
    assert_eq!(states.attached().collect::<Vec<_>>(), ["Custom:a"]);
    states.remove_source(&source("custom"));
    assert_eq!((states.len(), states.get("Custom:a"), states.attached().count()), (0, None, 1));
    states.detach_all();
    assert!(states.attachment("Custom:a").is_none() && states.devices.is_empty());
    states.attach("Custom:b", |_| ());
    assert!(states.devices.is_empty());
}
