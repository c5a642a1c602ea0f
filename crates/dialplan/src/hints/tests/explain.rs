//! What `explain` says, and what it remembers.

use super::*;
use std::sync::atomic::AtomicU64;

fn load_at(text: &str) -> (Arc<Hints>, Arc<AtomicU64>) {
    let time = Arc::new(AtomicU64::new(1_000));
    let clock = time.clone();
    let hints = Hints::with_clock(Arc::new(move || clock.load(Ordering::Relaxed)));
    hints.replace(plan(text));
    (hints, time)
}

fn causes(hints: &Hints, key: &str) -> Vec<String> {
    let changes = hints.explain(key).unwrap().changes.into_iter();
    let text = |c: Change| format!("{} {} -> {}: {}", c.at, c.state.0.text(), c.state.1.text(), c.cause);
    changes.map(text).collect()
}

#[test]
fn every_part_of_a_state_is_named() {
    let (hints, time) =
        load_at("[d]\nexten => 1,hint,Custom:a&PJSIP/b&Bogus/c,CustomPresence:x&CustomPresence:y\n");
    let _custom = hints.add_provider("Custom", fixed(DeviceState::NotInUse));
    let _presence = hints.add_presence_provider("CustomPresence", Arc::new(Fixed::default()));
    time.store(5_000, Ordering::Relaxed);
    let remote = SourceId::new("publish:1");
    hints.set_device_state("custom:A", &remote, DeviceState::Ringing, Some(35_000));
    time.store(6_000, Ordering::Relaxed);
    let explained = hints.explain("1@d").unwrap();
    assert_eq!(explained.definition.pos.line, 2);
    assert_eq!((explained.aggregate, explained.state), (DeviceState::Ringing, ExtensionState::Ringing));
    assert_eq!(explained.presence.state, PresenceState::Away);
    let names: Vec<_> = explained.providers.iter().map(|(name, value)| (&**name, value.state)).collect();
    assert_eq!(names, [("CustomPresence:x", PresenceState::Away), ("CustomPresence:y", PresenceState::Away)]);
    let [a, b, c] = &explained.devices[..] else { panic!("three devices") };
    assert_eq!((&*a.name, a.state), ("Custom:a", DeviceState::Ringing));
    let report = |source: &str, state, age, lease_left| SourceReport {
        source: SourceId::new(source),
        state,
        age,
        lease_left,
    };
    assert_eq!(
        a.sources,
        [
            report("Custom", DeviceState::NotInUse, 5_000, None),
            report("publish:1", DeviceState::Ringing, 1_000, Some(29_000)),
        ]
    );
    assert!(b.sources.is_empty() && c.sources.is_empty() && c.state == DeviceState::Invalid);
    assert!(hints.explain("2@d").is_none());
}

#[test]
fn every_change_has_its_cause() {
    let (hints, time) = load_at("[d]\nexten => 1,hint,Custom:a,CustomPresence:x\nexten => 2,hint,Custom:b\n");
    assert_eq!(causes(&hints, "1@d"), [""; 0], "to be there is no change");
    let at = |now| time.store(now, Ordering::Relaxed);
    let custom = hints.add_provider("Custom", fixed(DeviceState::NotInUse));
    at(2_000);
    let presence = hints.add_presence_provider("CustomPresence", Arc::new(Fixed::default()));
    at(3_000);
    let source = SourceId::new("ami:boss");
    hints.set_device_state("Custom:a", &source, DeviceState::InUse, Some(4_000));
    hints.set_device_state("Custom:a", &source, DeviceState::InUse, Some(4_000));
    at(4_000);
    hints.expire(4_000);
    hints.set_device_state("Custom:a", &source, DeviceState::Busy, None);
    hints.remove_device_state("Custom:a", &source);
    hints.replace(plan("[d]\nexten => 1,hint,Custom:a&PJSIP/z\n"));
    hints.set_device_state("PJSIP/z", &source, DeviceState::OnHold, None);
    drop((custom, presence));
    hints.remove_source(&source);
    assert_eq!(
        causes(&hints, "1@d"),
        [
            "4000 Hold -> Unavailable: PJSIP/z ONHOLD -> INVALID (source ami:boss withdrew)",
            "4000 Idle -> Hold: PJSIP/z INVALID -> ONHOLD (source ami:boss)",
            "4000 Idle -> Idle: reload",
            "4000 Busy -> Idle: Custom:a BUSY -> NOT_INUSE (source ami:boss withdrew)",
            "4000 Idle -> Busy: Custom:a NOT_INUSE -> BUSY (source ami:boss)",
            "4000 InUse -> Idle: Custom:a INUSE -> NOT_INUSE (lease ended)",
            "3000 Idle -> InUse: Custom:a NOT_INUSE -> INUSE (source ami:boss)",
            "2000 Idle -> Idle: CustomPresence:x invalid -> away (provider CustomPresence added)",
            "1000 Unavailable -> Idle: Custom:a INVALID -> NOT_INUSE (provider Custom added)",
        ]
    );
    hints.replace(plan(""));
    assert_eq!(hints.lock().history.len(), 0, "what is gone is forgotten");
}

#[test]
fn fifty_changes_are_kept() {
    let (hints, time) = load_at("[d]\nexten => 1,hint,Custom:a\n");
    let source = SourceId::new("Custom");
    for i in 1..=120_u64 {
        time.store(i, Ordering::Relaxed);
        let state = [DeviceState::InUse, DeviceState::Busy][(i % 2) as usize];
        hints.set_device_state("Custom:a", &source, state, None);
    }
    let changes = hints.explain("1@d").unwrap().changes;
    let times: Vec<u64> = changes.iter().map(|change| change.at).collect();
    assert_eq!(times, (71..=120).rev().collect::<Vec<_>>());
}
