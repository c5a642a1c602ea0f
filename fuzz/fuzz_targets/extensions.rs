//! `extensions.conf`: parsed, put in force, looked up, changed, shown, and put in force again, which
//! changes nothing.

#![no_main]

use std::sync::Arc;

use conf::Loader;
use dialplan::{DeviceProvider, Dialplan, Hints, cli};
use libfuzzer_sys::{Corpus, fuzz_target};
use state::{DeviceState, SourceId};

/// Somebody who answers for `Custom:` devices.
struct Idle;

impl DeviceProvider for Idle {
    fn state(&self, _: &str) -> DeviceState {
        DeviceState::NotInUse
    }
}

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let text = String::from_utf8_lossy(bytes);
    // Other files have no part in this.
    let lower = text.to_ascii_lowercase();
    if lower.contains("#include") || lower.contains("#tryinclude") {
        return Corpus::Reject;
    }
    let Ok(config) = Loader::new("/nonexistent").parse("extensions.conf", &text) else {
        return Corpus::Keep;
    };
    let (dialplan, _) = Dialplan::parse(&config);
    let hints = Hints::new();
    let _provider = hints.add_provider("Custom", Arc::new(Idle));
    hints.replace(dialplan);

    let dialplan = hints.dialplan();
    let first = dialplan.contexts().first().map_or("default", |context| &context.name);
    for context in dialplan.contexts().iter().take(16) {
        for extension in context.extensions.iter().take(16) {
            find(&hints, &context.name, &extension.name);
            find(&hints, first, extension.name.trim_start_matches('_'));
        }
        for exten in ["1000", "2-0-0-1", "s", "", "_X.", "é", "1000@default"] {
            find(&hints, &context.name, exten);
        }
    }
    let source = SourceId::new("fuzz");
    for hint in hints.hints() {
        for device in hint.definition().devices().take(4) {
            hints.set_device_state(device, &source, DeviceState::InUse, None);
        }
    }
    let _ = (cli::core_show_hints(&hints), cli::dialplan_show(&hints, ""), hints.orphans());

    let report = hints.replace(Dialplan::parse(&config).0);
    assert_eq!((report.added, report.changed, report.removed), (0, 0, 0));
    Corpus::Keep
});

/// What is found is there from now on, and shows what its devices do.
fn find(hints: &Hints, context: &str, exten: &str) {
    if let Some(hint) = hints.find(context, exten) {
        assert!(hints.get(hint.key()).is_some_and(|same| Arc::ptr_eq(&same, &hint)));
        let snapshot = hint.snapshot();
        assert!(!snapshot.removed && snapshot.devices().count() == hint.definition().devices().count());
    }
}
