//! A large dialplan costs what is in it, and a change what it concerns.

use super::*;
use std::fmt::Write;

/// A build without optimisation takes its time.
const HINTS: usize = if cfg!(debug_assertions) { 20_000 } else { 100_000 };

#[test]
fn a_hundred_thousand_hints() {
    let mut text = String::from("[d]\n");
    for i in 0..HINTS {
        let _ = writeln!(text, "exten => {i:06},hint,PJSIP/{i}&Custom:DND{i},CustomPresence:{i}");
    }
    let hints = Hints::new();
    let (pjsip, custom) = (fixed(DeviceState::NotInUse), fixed(DeviceState::Unknown));
    let _pjsip = hints.add_technology("PJSIP", pjsip.clone());
    let _custom = hints.add_provider("Custom", custom.clone());
    let told = Arc::new(AtomicUsize::new(0));
    let counter = told.clone();
    let _guard = hints.listen(Box::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    }));

    let report = hints.replace(plan(&text));
    assert_eq!((report.hints, report.added), (HINTS, HINTS));
    let asked = |provider: &Fixed| provider.asked.swap(0, Ordering::Relaxed);
    assert_eq!((asked(&pjsip), asked(&custom)), (HINTS, HINTS));
    assert_eq!(told.swap(0, Ordering::Relaxed), HINTS);
    {
        let writer = hints.lock();
        assert_eq!(writer.states.attached().count(), 2 * HINTS);
        assert!(writer.states.attached().all(|device| writer.watching(device).len() == 1));
        assert_eq!(writer.presentities.len(), HINTS);
        assert_eq!(writer.history.len(), 0, "a hint that never changed remembers nothing");
    }

    // One device changes: one hint is told of, nobody is asked.
    let source = SourceId::new("PJSIP");
    hints.set_device_state("PJSIP/4711", &source, DeviceState::InUse, None);
    assert_eq!(state(&hints, "004711@d"), ExtensionState::InUse);
    assert_eq!(told.swap(0, Ordering::Relaxed), 1);
    assert_eq!((asked(&pjsip), asked(&custom)), (0, 0));

    // The same again: nothing is told, and only what is not known is asked for.
    let report = hints.replace(plan(&text));
    assert_eq!((report.added, report.changed, report.removed), (0, 0, 0));
    assert_eq!(told.swap(0, Ordering::Relaxed), 0);
    assert_eq!((asked(&pjsip), asked(&custom)), (0, HINTS));
}

#[test]
fn many_hints_of_one_pattern() {
    let hints = load("[d]\nexten => _X.,hint,Custom:${EXTEN}\n");
    for i in 1_000..3_000 {
        assert!(hints.find("d", &i.to_string()).is_some());
    }
    assert_eq!(hints.hints().len(), 2_000);
    let writer = hints.lock();
    assert_eq!(writer.states.attached().count(), 2_000);
}
