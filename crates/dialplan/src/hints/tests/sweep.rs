//! What becomes of hints of patterns that nobody needs.

use super::*;
use crate::hints::sweep::UNWATCHED;

const MINUTE: u64 = 60_000;

fn exists(hints: &Hints, key: &str) -> bool {
    hints.get(key).is_some()
}

#[test]
fn hints_of_patterns_go_when_nobody_needs_them() {
    let hints = load(
        "[d]\nexten => 1,hint,Custom:1\nexten => _2X,hint,Custom:${EXTEN}&Custom:all,CustomPresence:${EXTEN}\n",
    );
    let custom = fixed(DeviceState::NotInUse);
    let _custom = hints.add_provider("Custom", custom.clone());
    for exten in ["21", "22", "23"] {
        hints.find("d", exten).unwrap();
    }
    let watched = hints.get("22@d").unwrap();
    watched.add_watcher();
    let (heard, _guard) = listen(&hints);
    assert_eq!(hints.sweep(1), 0, "they were just asked for");
    hints.find("d", "23").unwrap();
    assert_eq!(hints.sweep(MINUTE), 0, "it is a minute only now");
    assert_eq!(hints.sweep(MINUTE + 1), 1);
    assert_eq!(take(&heard), [("21@d".to_owned(), ExtensionState::Removed)]);
    assert!(!exists(&hints, "21@d") && exists(&hints, "22@d") && exists(&hints, "23@d"));
    assert_eq!(hints.sweep(3 * MINUTE), 1, "23 was asked for later");
    assert_eq!(hints.sweep(1_000 * MINUTE), 0, "never while it is watched");
    let source = SourceId::new("Custom");
    hints.set_device_state("Custom:all", &source, DeviceState::InUse, None);
    assert_eq!(watched.snapshot().state, ExtensionState::InUse);
    watched.remove_watcher();
    assert_eq!(hints.sweep(1_000 * MINUTE), 0);
    assert_eq!(hints.sweep(1_001 * MINUTE), 1);
    {
        let writer = hints.lock();
        assert_eq!((writer.states.attached().count(), writer.presentities.len()), (1, 0));
        assert_eq!(writer.states.len(), 1, "answers that nobody looks at are forgotten");
        assert_eq!(writer.history.len(), 1, "that of 1@d, which its provider changed");
    }
    // Made anew, it asks anew.
    custom.asked.store(0, Ordering::Relaxed);
    assert_eq!(hints.find("d", "21").unwrap().snapshot().state, ExtensionState::Idle);
    assert_eq!(custom.asked.load(Ordering::Relaxed), 2);
}

#[test]
fn asking_for_every_number_costs_so_much_and_no_more() {
    let hints = load("[d]\nexten => _X.,hint,Custom:${EXTEN}\n");
    let _custom = hints.add_provider("Custom", fixed(DeviceState::NotInUse));
    let watched = hints.find("d", "10000").unwrap();
    watched.add_watcher();
    let asked = UNWATCHED as u64 + 500;
    for i in 1..asked {
        hints.find("d", &(10_000 + i).to_string()).unwrap();
    }
    assert_eq!(hints.hints().len(), UNWATCHED + 1);
    assert!(exists(&hints, "10000@d") && !exists(&hints, "10001@d"), "the oldest went");
    {
        let writer = hints.lock();
        assert_eq!((writer.states.attached().count(), writer.states.len()), (UNWATCHED + 1, UNWATCHED + 1));
    }
    hints.sweep(1);
    assert_eq!(hints.sweep(1 + MINUTE), UNWATCHED);
    assert_eq!(hints.hints().len(), 1);
}

/// Whoever was given a hint has a minute to watch it, whatever sweeps do meanwhile.
#[test]
fn a_hint_that_was_found_is_there() {
    let hints = load("[d]\nexten => _X.,hint,Custom:${EXTEN}\n");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (swept, finished) = (&hints, &done);
        scope.spawn(move || {
            let mut now = 1;
            while !finished.load(Ordering::Relaxed) {
                swept.sweep(now);
                now += MINUTE / 2;
            }
        });
        for i in 0..3_000 {
            let found = hints.find("d", &format!("1{}", i % 7)).unwrap();
            found.add_watcher();
            // The sweeper's minutes are short: what counts is that nobody gets one that is gone already.
            if Arc::ptr_eq(&found, &hints.find("d", &format!("1{}", i % 7)).unwrap()) {
                assert!(!found.snapshot().removed);
            }
            found.remove_watcher();
        }
        done.store(true, Ordering::Relaxed);
    });
}
