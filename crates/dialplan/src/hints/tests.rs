use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use conf::Loader;
use state::{DeviceState, ExtensionState, PresenceState, PresenceValue, SourceId};

use crate::*;

mod any_sequence;
mod autohints;
mod explain;
mod functions;
mod large;
mod reload;
mod sweep;

fn plan(text: &str) -> Dialplan {
    let config = Loader::new(".").parse("extensions.conf", text).unwrap();
    Dialplan::parse(&config).0
}

fn load(text: &str) -> Arc<Hints> {
    let hints = Hints::new();
    hints.replace(plan(text));
    hints
}

/// Answers every device, or presentity, alike; counts how often it was asked.
#[derive(Default)]
struct Fixed {
    state: Option<DeviceState>,
    asked: AtomicUsize,
}

impl DeviceProvider for Fixed {
    fn state(&self, _: &str) -> DeviceState {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.state.unwrap_or(DeviceState::Unknown)
    }
}

impl PresenceProvider for Fixed {
    fn presence(&self, _: &str) -> PresenceValue {
        PresenceValue { state: PresenceState::Away, ..PresenceValue::default() }
    }
}

fn fixed(state: DeviceState) -> Arc<Fixed> {
    let (state, asked) = (Some(state), AtomicUsize::new(0));
    Arc::new(Fixed { state, asked })
}

/// What listeners are told: `(key, state)`.
type Heard = Mutex<Vec<(String, ExtensionState)>>;

fn listen(hints: &Hints) -> (Arc<Heard>, ListenGuard) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let to = heard.clone();
    let guard = hints.listen(Box::new(move |snapshot| {
        let news = (snapshot.key().to_string(), snapshot.state);
        to.lock().unwrap().push(news);
    }));
    (heard, guard)
}

fn take(heard: &Heard) -> Vec<(String, ExtensionState)> {
    std::mem::take(&mut *heard.lock().unwrap())
}

fn state(hints: &Hints, key: &str) -> ExtensionState {
    hints.get(key).unwrap().snapshot().state
}

#[test]
fn only_visible_changes_are_told() {
    let hints = load("[d]\nexten => 1,hint,PJSIP/a&pjsip/B\nexten => 2,hint,PJSIP/b\n");
    let (heard, _guard) = listen(&hints);
    let source = SourceId::new("PJSIP");
    let set = |device, state| {
        hints.set_device_state(device, &source, state, None);
        take(&heard)
    };
    let one = |state| ("1@d".to_owned(), state);
    let two = |state| ("2@d".to_owned(), state);
    use ExtensionState::*;
    assert_eq!(set("PJSIP/a", DeviceState::Ringing), [one(Ringing)]);
    assert_eq!(set("PJSIP/a", DeviceState::Ringing), []);
    let both = [one(InUseRinging), two(InUse)];
    assert_eq!(set("PJSIP/B", DeviceState::InUse), both);
    // Hint 1 shows the same, though a device of it changed.
    assert_eq!(set("pjsip/b", DeviceState::Busy), [two(Busy)]);
    let snapshot = hints.get("1@d").unwrap().snapshot();
    assert_eq!(snapshot.devices().last().unwrap().state, DeviceState::Busy);
    assert_eq!(set("PJSIP/other", DeviceState::Busy), []);
}

/// A hint follows a device in any spelling of its name, pushed or asked for; in Asterisk it stays as
/// it was first.
#[test]
fn a_hint_follows_its_device_in_any_letter_case() {
    let hints = load("[d]\nexten => 1,hint,pjsip/alice\nexten => 2,hint,CUSTOM:Lamp,custompresence:X\n");
    let phone = Arc::new(Mutex::new(DeviceState::NotInUse));
    struct Phone(Arc<Mutex<DeviceState>>);
    impl DeviceProvider for Phone {
        fn state(&self, rest: &str) -> DeviceState {
            assert_eq!(rest.to_lowercase(), "alice");
            *self.0.lock().unwrap()
        }
    }
    let _pjsip = hints.add_technology("PJSIP", Arc::new(Phone(phone.clone())));
    assert_eq!(state(&hints, "1@d"), ExtensionState::Idle);
    *phone.lock().unwrap() = DeviceState::Ringing;
    hints.device_changed("PJSIP/alice");
    assert_eq!(state(&hints, "1@d"), ExtensionState::Ringing);
    hints.set_device_state("PJSIP/Alice", &SourceId::new("publish:1"), DeviceState::InUse, None);
    assert_eq!(state(&hints, "1@d"), ExtensionState::InUseRinging);
    let _custom = hints.add_provider("Custom", fixed(DeviceState::Busy));
    let _presence = hints.add_presence_provider("CustomPresence", Arc::new(Fixed::default()));
    let shown = hints.get("2@d").unwrap().snapshot();
    assert_eq!((shown.state, shown.presence().state), (ExtensionState::Busy, PresenceState::Away));
}

#[test]
fn a_provider_answers_as_long_as_it_is_there() {
    let hints = load(
        "[d]\nexten => 1,hint,Custom:a,CustomPresence:x\nexten => 2,hint,PJSIP/a\nexten => 3,hint,Custom:a/b\n",
    );
    let custom = hints.add_provider("custom", fixed(DeviceState::InUse));
    let slash = hints.add_technology("Custom", fixed(DeviceState::Busy));
    let presence = hints.add_presence_provider("CustomPresence", Arc::new(Fixed::default()));
    let presence_of_1 = || hints.get("1@d").unwrap().snapshot().presence().state;
    assert_eq!(state(&hints, "1@d"), ExtensionState::InUse);
    assert_eq!(presence_of_1(), PresenceState::Away);
    assert_eq!(hints.presence("custompresence:y").state, PresenceState::Away);
    assert_eq!(hints.device_state("CUSTOM:other"), DeviceState::InUse);
    // The slash is looked for first: these two name no provider that is there.
    assert_eq!(state(&hints, "2@d"), ExtensionState::Unavailable);
    assert_eq!(state(&hints, "3@d"), ExtensionState::Unavailable);
    let newer = hints.add_provider("Custom", fixed(DeviceState::Busy));
    assert_eq!(state(&hints, "1@d"), ExtensionState::Busy);
    drop(newer);
    assert_eq!(state(&hints, "1@d"), ExtensionState::InUse);
    drop((custom, slash, presence));
    assert_eq!(state(&hints, "1@d"), ExtensionState::Unavailable);
    assert_eq!(presence_of_1(), PresenceState::Invalid);
    assert_eq!(hints.device_states(), []);
}

#[test]
fn a_push_of_the_providers_own_source_replaces_its_answer() {
    let hints = load("[d]\nexten => 1,hint,Custom:a\n");
    let _guard = hints.add_provider("Custom", fixed(DeviceState::InUse));
    let custom = SourceId::new("Custom");
    hints.set_device_state("Custom:a", &custom, DeviceState::Unavailable, None);
    assert_eq!(state(&hints, "1@d"), ExtensionState::Unavailable);
    // Another source adds to it, and its lease ends.
    let other = SourceId::new("publish:1");
    hints.set_device_state("Custom:a", &other, DeviceState::OnHold, Some(7));
    assert_eq!(state(&hints, "1@d"), ExtensionState::Hold);
    assert_eq!(hints.next_deadline(), Some(7));
    hints.expire(7);
    assert_eq!(state(&hints, "1@d"), ExtensionState::Unavailable);
    // What was pushed is withdrawn: the provider is asked again.
    hints.remove_device_state("Custom:a", &custom);
    assert_eq!(state(&hints, "1@d"), ExtensionState::InUse);
    hints.set_device_state("Custom:a", &custom, DeviceState::Unavailable, None);
    hints.device_changed("custom:A");
    assert_eq!(state(&hints, "1@d"), ExtensionState::InUse);
    // The same if another source hid what was pushed.
    hints.set_device_state("Custom:a", &custom, DeviceState::Unavailable, None);
    hints.set_device_state("Custom:a", &other, DeviceState::NotInUse, None);
    hints.remove_device_state("Custom:a", &custom);
    assert_eq!(state(&hints, "1@d"), ExtensionState::InUse);
    hints.remove_source(&other);
    // Or its lease ends.
    hints.set_device_state("Custom:a", &custom, DeviceState::Unavailable, Some(9));
    assert_eq!(state(&hints, "1@d"), ExtensionState::Unavailable);
    hints.expire(9);
    assert_eq!(state(&hints, "1@d"), ExtensionState::InUse);
}

#[test]
fn a_device_reported_from_elsewhere_is_still_asked_for() {
    let hints = Hints::new();
    let _guard = hints.add_technology("PJSIP", fixed(DeviceState::NotInUse));
    let other = SourceId::new("publish:1");
    hints.set_device_state("PJSIP/a", &other, DeviceState::Unavailable, None);
    hints.replace(plan("[d]\nexten => 1,hint,PJSIP/a\n"));
    assert_eq!(state(&hints, "1@d"), ExtensionState::Idle);
}

#[test]
fn a_listener_may_find_and_change() {
    let hints = load("[d]\nexten => 1,hint,Custom:a\nexten => _2X,hint,Custom:b\n");
    let (heard, _guard) = listen(&hints);
    let weak = Arc::downgrade(&hints);
    let _reacts = hints.listen(Box::new(move |snapshot| {
        let hints = weak.upgrade().unwrap();
        if snapshot.key() == "1@d" {
            assert!(hints.find("d", "23").is_some());
            let source = SourceId::new("reaction");
            hints.set_device_state("Custom:b", &source, DeviceState::Busy, None);
        }
    }));
    let source = SourceId::new("Custom");
    hints.set_device_state("Custom:a", &source, DeviceState::InUse, None);
    let told = take(&heard);
    let states = told.iter().map(|(key, state)| (&**key, *state));
    use ExtensionState::*;
    let expected = [("1@d", InUse), ("23@d", Unavailable), ("23@d", Busy)];
    assert!(states.eq(expected), "{told:?}");
}

#[test]
fn a_listener_that_panics_loses_its_own_news_only() {
    let hints = load("[d]\nexten => 1,hint,Custom:a\n");
    let _panics = hints.listen(Box::new(|_| panic!("as a test")));
    let (heard, guard) = listen(&hints);
    let source = SourceId::new("Custom");
    hints.set_device_state("Custom:a", &source, DeviceState::InUse, None);
    hints.set_device_state("Custom:a", &source, DeviceState::Busy, None);
    assert_eq!(take(&heard).len(), 2);
    drop(guard);
    hints.set_device_state("Custom:a", &source, DeviceState::InUse, None);
    assert_eq!(take(&heard), []);
}

#[test]
fn patterns_make_hints_when_asked() {
    let text = "[g]\n[d]\ninclude => other\nexten => 2099,1,NoOp\nexten => _20XX,hint,Custom:p${EXTEN:2}&${CONTEXT}\n\
                [other]\nexten => _[5-6]XX,hint,Custom:${EXTEN}\nexten => 500,hint,Custom:five\ninclude => d\n";
    let hints = load(text);
    let key = |exten: &str| hints.find("d", exten).map(|hint| hint.key().to_string());
    assert_eq!(key("2042").as_deref(), Some("2042@d"));
    let made = hints.get("2042@d").unwrap().definition();
    assert_eq!((made.text(), made.origin), ("Custom:p42&d", crate::Origin::Pattern));
    // The same one for the next who asks, also through an include.
    let again = hints.find("other", "2042").unwrap();
    assert!(Arc::ptr_eq(&again, &hints.find("d", "2042").unwrap()));
    // An extension without a hint hides no pattern's hint.
    assert_eq!(key("2099").as_deref(), Some("2099@d"));
    assert_eq!(key("500").as_deref(), Some("500@other"));
    assert_eq!(key("501").as_deref(), Some("501@other"));
    assert!(hints.get("501@other").is_some());
    for none in ["_20XX", "20422", "", "700"] {
        assert_eq!(key(none), None, "{none}");
    }
    assert!(hints.find("none", "2042").is_none() && hints.find("g", "2042").is_none());
}

#[test]
fn nobody_chooses_the_devices_of_a_pattern() {
    let hints = load("[d]\nexten => _2.,hint,Custom:${EXTEN}\n");
    for exten in ["2&PJSIP/boss", "2,x", "2(x)", "2@d", "2${X}", "2 3", "2\n"] {
        assert!(hints.find("d", exten).is_none(), "{exten}");
    }
    assert!(hints.find("d", &"2".repeat(80)).is_none());
    assert!(hints.find("d", &"2".repeat(79)).is_some());
}

#[test]
fn orphans_are_devices_that_nobody_answers_for() {
    let text = "[d]\nexten => 3,hint,Queue:q\nexten => 1,hint,PJSIP/a&Bogus/b,CustomPresence:c\nexten => _2X,hint,Custom:${EXTEN}&${EXTEN}\n";
    let hints = load(text);
    let orphans = || -> Vec<String> {
        let orphans = hints.orphans().into_iter();
        let line = |o: Orphan| format!("{} {} {}", o.pos, o.key, o.device);
        orphans.map(line).collect()
    };
    assert_eq!(
        orphans(),
        [
            "extensions.conf:2:1 3@d Queue:q",
            "extensions.conf:3:1 1@d PJSIP/a",
            "extensions.conf:3:1 1@d Bogus/b",
            "extensions.conf:3:1 1@d CustomPresence:c",
            "extensions.conf:4:1 _2X@d Custom:${EXTEN}",
        ]
    );
    let _pjsip = hints.add_technology("pjsip", fixed(DeviceState::Unknown));
    let _custom = hints.add_provider("Custom", fixed(DeviceState::Unknown));
    let _presence = hints.add_presence_provider("CustomPresence", Arc::new(Fixed::default()));
    let source = SourceId::new("app_queue");
    hints.set_device_state("queue:Q", &source, DeviceState::NotInUse, None);
    assert_eq!(orphans(), ["extensions.conf:3:1 1@d Bogus/b"]);
}

#[test]
fn watchers_are_counted() {
    let hints = load("[d]\nexten => 1,hint,Custom:a\n");
    let hint = hints.find("d", "1").unwrap();
    hint.add_watcher();
    hint.add_watcher();
    hint.remove_watcher();
    assert_eq!(hints.get("1@d").unwrap().watchers(), 1);
}

/// Readers on other threads, while the dialplan and states are changed: a hint that is always there
/// is always found, what it shows fits together, and no number goes back.
#[test]
fn readers_never_see_half_a_change() {
    let hints = load("[d]\nexten => 1,hint,Custom:a&Custom:b\n");
    let done = AtomicBool::new(false);
    let reads = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for reader in 0..3 {
            let (hints, done, reads) = (&hints, &done, &reads);
            scope.spawn(move || {
                let mut seq = 0;
                let mut turn = reader;
                while !done.load(Ordering::Relaxed) {
                    let hint = hints.find("d", "1").unwrap();
                    let shown = hint.snapshot();
                    let devices = shown.devices().map(|device| device.state);
                    let aggregate = DeviceState::aggregate(devices);
                    assert_eq!(shown.state, ExtensionState::from(aggregate));
                    assert!(shown.seq >= seq && !shown.removed);
                    seq = shown.seq;
                    turn += 1;
                    hints.find("d", &format!("2{}", turn % 50)).map(|hint| hint.snapshot());
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let source = SourceId::new("Custom");
        let mut round = 0;
        while round < 300 || reads.load(Ordering::Relaxed) < 300 {
            round += 1;
            let state = DeviceState::ALL[round % 9];
            hints.set_device_state("Custom:a", &source, state, None);
            let second = ["Custom:a&Custom:c", "Custom:a&Custom:b"][round % 2];
            let pattern = ["", "exten => _2.,hint,Custom:a\n"][round / 2 % 2];
            let text = format!("[d]\nexten => 1,hint,{second}\n{pattern}");
            hints.replace(plan(&text));
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// While it rings, who is calling is part of what phones are told; else it is not.
#[test]
fn another_caller_is_told_while_it_rings() {
    let hints = load("[d]\nexten => 1,hint,PJSIP/a&PJSIP/b\n");
    let (heard, _guard) = listen(&hints);
    let source = SourceId::new("PJSIP");
    let call = |number: &str| {
        Some(Arc::new(state::Call { remote: state::Party::parse(number), ..state::Call::default() }))
    };
    let callers = |snapshot: &ExtensionSnapshot| -> Vec<String> {
        snapshot.devices().filter_map(|d| Some(d.call?.remote.number.to_string())).collect()
    };
    let set = |state, number| hints.set_device_call("pjsip/b", &source, state, None, call(number));
    let told = || take(&heard).len();
    set(DeviceState::Ringing, "4444");
    assert_eq!((told(), callers(&hints.get("1@d").unwrap().snapshot())), (1, vec!["4444".to_owned()]));
    set(DeviceState::Ringing, "4444");
    assert_eq!(told(), 0);
    set(DeviceState::Ringing, "5555");
    assert_eq!((told(), callers(&hints.get("1@d").unwrap().snapshot())), (1, vec!["5555".to_owned()]));
    let changes = hints.explain("1@d").unwrap().changes;
    assert_eq!(changes[0].cause.to_string(), "PJSIP/b RINGING with another call (source PJSIP)");
    set(DeviceState::InUse, "5555");
    assert_eq!(told(), 1);
    set(DeviceState::InUse, "6666");
    assert_eq!((told(), callers(&hints.get("1@d").unwrap().snapshot())), (0, vec!["6666".to_owned()]));
    hints.set_device_state("PJSIP/b", &source, DeviceState::NotInUse, None);
    assert!(callers(&hints.get("1@d").unwrap().snapshot()).is_empty());
}

#[test]
fn a_hint_may_have_any_number_of_devices() {
    for number in [0, 1, 8, 9, 40] {
        let names: Vec<_> = (0..number).map(|index| format!("Custom:{index}")).collect();
        let hints = load(&format!("[d]\nexten => 1,hint,{},CustomPresence:1\n", names.join("&")));
        let _custom = hints.add_provider("Custom", fixed(DeviceState::NotInUse));
        if let Some(last) = names.last() {
            hints.set_device_state(last, &SourceId::new("other"), DeviceState::Busy, None);
        }
        let snapshot = hints.get("1@d").unwrap().snapshot();
        let shown: Vec<_> = snapshot.devices().map(|device| (device.name.to_owned(), device.state)).collect();
        let state = |index| if index + 1 == number { DeviceState::Busy } else { DeviceState::NotInUse };
        assert_eq!(shown, names.into_iter().zip((0..number).map(state)).collect::<Vec<_>>());
    }
}
