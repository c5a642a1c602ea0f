//! What a reload keeps, changes and removes.

use super::*;

#[test]
fn unchanged_hints_keep_identity_and_say_nothing() {
    let hints = load("[d]\nexten => 1,hint,Custom:a\nexten => 2,hint,Custom:b\n");
    let source = SourceId::new("Custom");
    hints.set_device_state("Custom:a", &source, DeviceState::InUse, None);
    let before = hints.get("1@d").unwrap();
    let (heard, _guard) = listen(&hints);
    let text =
        "[d]\n; moved\nexten => 1,hint,Custom:a\nexten => 2,hint,Custom:c(Two)\nexten => 3,hint,Custom:a\n";
    let report = hints.replace(plan(text));
    let expected = ReplaceReport { hints: 3, added: 1, changed: 1, removed: 0 };
    assert_eq!(report, expected);
    // 2 looks at another device now, which shows the same.
    assert_eq!(take(&heard), [("3@d".to_owned(), ExtensionState::InUse)]);
    assert!(Arc::ptr_eq(&before, &hints.get("1@d").unwrap()));
    assert_eq!(before.definition().pos.line, 3);
    assert_eq!(hints.get("2@d").unwrap().snapshot().name(), "Two");
    hints.set_device_state("Custom:b", &source, DeviceState::InUse, None);
    assert_eq!(take(&heard), [], "nobody looks at it any more");
}

#[test]
fn removed_hints_say_so_last() {
    let hints = load("[d]\nexten => 1,hint,Custom:a\nexten => 2,hint,Custom:b\n");
    let gone = hints.get("1@d").unwrap();
    gone.add_watcher();
    let (heard, _guard) = listen(&hints);
    let source = SourceId::new("Custom");
    hints.set_device_state("Custom:c", &source, DeviceState::Busy, None);
    let report = hints.replace(plan("[d]\nexten => 2,hint,Custom:c\n"));
    assert_eq!((report.hints, report.changed, report.removed), (1, 1, 1));
    let told = [("2@d".to_owned(), ExtensionState::Busy), ("1@d".to_owned(), ExtensionState::Removed)];
    assert_eq!(take(&heard), told);
    assert!(gone.snapshot().removed && hints.get("1@d").is_none());
    // One that comes again is another one.
    hints.replace(plan("[d]\nexten => 1,hint,Custom:a\n"));
    assert!(!Arc::ptr_eq(&gone, &hints.get("1@d").unwrap()));
}

#[test]
fn hints_of_patterns_follow_their_pattern() {
    let hints = load(
        "[d]\nexten => _2X,hint,Custom:${EXTEN}\nexten => 31,hint,Custom:a\nexten => 32,hint,Custom:a\n",
    );
    let made = hints.find("d", "21").unwrap();
    let watched = hints.get("31@d").unwrap();
    watched.add_watcher();
    let text = "[d]\nexten => _2X,hint,Custom:new${EXTEN}\nexten => _3X,hint,Custom:b\n";
    let report = hints.replace(plan(text));
    assert_eq!((report.hints, report.removed), (2, 1), "32 had no watcher");
    assert_eq!(made.definition().text(), "Custom:new21");
    assert!(Arc::ptr_eq(&made, &hints.find("d", "21").unwrap()));
    assert!(Arc::ptr_eq(&watched, &hints.find("d", "31").unwrap()));
    hints.replace(plan("[d]\nexten => _3X,hint,Custom:b\n"));
    assert!(made.snapshot().removed && !watched.snapshot().removed);
    // And a line of its own takes it over.
    hints.replace(plan("[d]\nexten => 31,hint,Custom:c\n"));
    assert!(watched.definition().origin == crate::Origin::Line && !watched.snapshot().removed);
}

#[test]
fn a_hint_may_lose_its_presence() {
    let hints = load("[d]\nexten => 1,hint,Custom:a,CustomPresence:a\n");
    let _guard = hints.add_presence_provider("CustomPresence", Arc::new(Fixed::default()));
    let hint = hints.get("1@d").unwrap();
    assert_eq!(hint.snapshot().presence().state, PresenceState::Away);
    hints.replace(plan("[d]\nexten => 1,hint,Custom:a\n"));
    assert_eq!(hint.snapshot().presence().state, PresenceState::NotSet);
}
