//! Hints of devices, and includes that count at times.

use super::*;
use std::sync::atomic::AtomicU64;

fn text(hints: &Hints, exten: &str) -> Option<String> {
    Some(hints.find("d", exten)?.definition().text().to_owned())
}

#[test]
fn devices_get_hints_in_a_context_that_wants_them() {
    let hints = load(
        "[d]\nautohints = yes\nexten => 1,hint,Custom:own\ninclude => more\n[more]\nexten => 5,hint,Custom:five\n[e]\n",
    );
    let (heard, _guard) = listen(&hints);
    let source = SourceId::new("Custom");
    for device in ["PJSIP/100", "Custom:100", "Custom:1", "Custom:5", "bare", "X:_9X", "X:a b", "X:", "X/y&z"]
    {
        hints.set_device_state(device, &source, DeviceState::InUse, None);
    }
    assert_eq!(take(&heard), [("100@d".to_owned(), ExtensionState::InUse)]);
    assert_eq!(text(&hints, "100").as_deref(), Some("PJSIP/100"));
    assert_eq!(text(&hints, "1").as_deref(), Some("Custom:own"));
    assert_eq!(text(&hints, "5").as_deref(), Some("Custom:five"));
    assert!(hints.find("e", "100").is_none() && hints.find("more", "100").is_none());
    hints.set_device_state("pjsip/100", &source, DeviceState::Busy, None);
    assert_eq!(state(&hints, "100@d"), ExtensionState::Busy);
    assert_eq!((hints.sweep(1), hints.sweep(u64::MAX / 2)), (0, 0), "a sweep leaves them");

    // A reload keeps them, and knows the devices that are there.
    let made = hints.get("100@d").unwrap();
    hints.replace(plan("[d]\nautohints=yes\n"));
    assert!(Arc::ptr_eq(&made, &hints.find("d", "100").unwrap()));
    assert_eq!(text(&hints, "5").as_deref(), Some("Custom:5"));
    // A line of its own takes it over; without the option they go.
    hints.replace(plan("[d]\nautohints=yes\nexten => 100,hint,Custom:x\n"));
    assert!(
        Arc::ptr_eq(&made, &hints.find("d", "100").unwrap())
            && made.definition().origin == crate::Origin::Line
    );
    hints.replace(plan("[d]\n"));
    assert!(hints.hints().is_empty() && made.snapshot().removed);
    hints.set_device_state("PJSIP/7", &source, DeviceState::Busy, None);
    assert!(hints.find("d", "7").is_none());
}

#[test]
fn an_include_counts_at_its_times() {
    let time = Arc::new(AtomicU64::new(0));
    let clock = time.clone();
    let hints = Hints::with_clock(Arc::new(move || clock.load(Ordering::Relaxed)));
    hints.replace(plan(
        "[d]\ninclude => day,08:00-17:59,*,*,*,UTC\ninclude => night,18:00-07:59,*,*,*,UTC\n\
         [day]\nexten => 1,hint,Custom:day\n[night]\nexten => 1,hint,Custom:night\nexten => 2,1,NoOp\n",
    ));
    let at = |hour: u64| time.store(hour * 3_600_000, Ordering::Relaxed);
    at(9);
    assert_eq!(text(&hints, "1").as_deref(), Some("Custom:day"));
    assert!(!hints.exists("d", "2"));
    at(23);
    assert_eq!(text(&hints, "1").as_deref(), Some("Custom:night"));
    assert!(hints.exists("d", "2"));
    // Who watches a hint goes on watching it.
    assert!(hints.get("1@day").is_some());
}
