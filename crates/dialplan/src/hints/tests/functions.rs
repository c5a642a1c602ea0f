//! Functions in hints.

use super::*;

/// `DB(family/key)` from a table that a test fills.
#[derive(Default)]
struct Db(Mutex<std::collections::HashMap<String, String>>);

impl Db {
    fn set(&self, key: &str, value: &str) {
        self.0.lock().unwrap().insert(key.into(), value.into());
    }
}

impl Function for Db {
    fn read(&self, args: &str) -> Option<String> {
        self.0.lock().unwrap().get(args).cloned()
    }

    fn write(&self, args: &str, value: &str) -> Result<(), String> {
        self.set(args, value);
        Ok(())
    }
}

fn read(hints: &Hints, text: &str) -> Vec<String> {
    let config = Loader::new(".").parse("extensions.conf", text).unwrap();
    let (dialplan, remarks) = Dialplan::parse_with(&config, hints.functions());
    hints.replace(dialplan);
    remarks.iter().map(ToString::to_string).collect()
}

fn devices(hints: &Hints, exten: &str) -> Option<String> {
    Some(hints.find("default", exten)?.definition().text().to_owned())
}

#[test]
fn hints_take_their_devices_from_functions() {
    let hints = Hints::new();
    let db = Arc::new(Db::default());
    let guard = hints.functions().add("DB", db.clone());
    for (key, value) in [("phone/1", "PJSIP/a&PJSIP/b"), ("phone/21", "Custom:x"), ("who/21", "Ann")] {
        db.set(key, value);
    }
    let text = "[default]\nexten => 1,hint,${DB(phone/${EXTEN})},CustomPresence:1\nexten => 2,hint,${DB(no/2)}\n\
                exten => 3,hint,${NONE(x)}Custom:c\nexten => _2X,hint,${DB(phone/${EXTEN})}&${BAD()}\n";
    let remarks = [
        "extensions.conf:3:1: DB(no/2) has no value",
        "extensions.conf:4:1: there is no function NONE()",
        "extensions.conf:5:1: there is no function BAD()",
    ];
    assert_eq!(read(&hints, text), remarks);
    assert_eq!(devices(&hints, "1").unwrap(), "PJSIP/a&PJSIP/b,CustomPresence:1");
    assert_eq!(devices(&hints, "2").unwrap(), "");
    assert_eq!(devices(&hints, "3").unwrap(), "Custom:c");
    assert_eq!(devices(&hints, "21").unwrap(), "Custom:x&");
    let source = SourceId::new("Custom");
    hints.set_device_state("Custom:x", &source, DeviceState::Busy, None);
    assert_eq!(state(&hints, "21@default"), ExtensionState::Busy);
    // What was made keeps its devices until a reload.
    hints.functions().write("DB(phone/21)", "Custom:y").unwrap();
    assert_eq!(devices(&hints, "21").unwrap(), "Custom:x&");
    read(&hints, text);
    assert_eq!(devices(&hints, "21").unwrap(), "Custom:y&");
    drop(guard);
    assert_eq!(hints.functions().read("DB(phone/21)"), Err(CallError::Unknown("DB".into())));
}

#[test]
fn functions_may_look_hints_up() {
    let hints = Hints::new();
    let text = "[default]\nexten => 1,hint,Custom:a(Alice)\nexten => _2X,hint,${HINT(${EXTEN:1})}\n\
                exten => _3X,hint,Custom:${EXTENSION_STATE(${EXTEN:1})}\nexten => _4X,hint,${HINT(2${EXTEN:1}@default)}\n";
    assert_eq!(read(&hints, text), [""; 0]);
    // Through a pattern of a pattern: made while another one is being made.
    assert_eq!(devices(&hints, "41").unwrap(), "Custom:a");
    assert!(hints.get("21@default").is_some());
    assert_eq!(devices(&hints, "31").unwrap(), "Custom:UNAVAILABLE");
    assert_eq!(hints.functions().read("HINT(1@default,n)").as_deref(), Ok("Alice"));
    assert_eq!(hints.functions().read("HINT(1)").as_deref(), Ok("Custom:a"));
    assert_eq!(hints.functions().read("EXTENSION_STATE(7@none)").as_deref(), Ok("UNKNOWN"));
    assert!(hints.functions().write("HINT(1)", "x").is_err());
    // A reload expands them anew, with hints that it has not replaced yet.
    read(&hints, text);
    assert_eq!(devices(&hints, "41").unwrap(), "Custom:a");
}

#[test]
fn a_hint_that_asks_for_itself_ends() {
    let hints = Hints::new();
    read(&hints, "[default]\nexten => _X.,hint,Custom:a${HINT(${EXTEN}0)}\n");
    assert!(devices(&hints, "11").unwrap().starts_with("Custom:aCustom:a"));
    assert!(hints.hints().len() < 12);
}

#[test]
fn a_global_counts_for_what_is_made_later() {
    let hints = Hints::new();
    read(
        &hints,
        "[globals]\nWHO=a\n[default]\nexten => 1,hint,Custom:${WHO}\nexten => _2X,hint,Custom:${WHO}\n",
    );
    hints.dialplan().set_global("WHO", "b");
    assert_eq!(devices(&hints, "1").unwrap(), "Custom:a");
    assert_eq!(devices(&hints, "21").unwrap(), "Custom:b");
    hints.dialplan().set_global("WHO", "");
    assert_eq!(hints.dialplan().globals().len(), 0);
}
