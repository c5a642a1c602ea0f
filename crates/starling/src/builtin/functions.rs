//! The dialplan functions `DB`, `DEVICE_STATE` and `PRESENCE_STATE`.

use std::sync::{Arc, Weak};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dialplan::{Function, Hints};
use state::DeviceState;
use store::Store;

use super::{CustomDevices, CustomPresence};

/// `DB(family/key)`: a value of the store. Always there.
pub(crate) struct Db(pub(crate) Store);

impl Function for Db {
    fn read(&self, args: &str) -> Option<String> {
        let (family, key) = args.split_once('/')?;
        self.0.get(family, key)
    }

    fn write(&self, args: &str, value: &str) -> Result<(), String> {
        let (family, key) = args.split_once('/').ok_or_else(|| format!("'{args}' is not FAMILY/KEY"))?;
        if family.is_empty() || key.is_empty() {
            return Err(format!("'{args}' is not FAMILY/KEY"));
        }
        self.0.put(family, key, value).wait().map_err(|error| error.to_string())
    }
}

/// `DEVICE_STATE(DEVICE)`: the state of any device, `INUSE`. Only `Custom:` devices can be set.
pub(super) struct DeviceStateFunction {
    pub(super) hints: Weak<Hints>,
    pub(super) devices: Arc<CustomDevices>,
}

impl Function for DeviceStateFunction {
    fn read(&self, args: &str) -> Option<String> {
        Some(self.hints.upgrade()?.device_state(args).word().to_owned())
    }

    fn write(&self, args: &str, value: &str) -> Result<(), String> {
        let name = custom("Custom", args).ok_or("only Custom: devices can be set")?;
        let state: DeviceState = value.parse().map_err(|error| format!("{error}"))?;
        self.devices.set(name, state);
        Ok(())
    }
}

/// `PRESENCE_STATE(PROVIDER,FIELD[,e])`: `value`, `subtype` or `message` of a presentity, with `e` in
/// base64. Only `CustomPresence:` presentities can be set, to `STATE[,SUBTYPE[,MESSAGE[,e]]]`.
pub(super) struct PresenceStateFunction {
    pub(super) hints: Weak<Hints>,
    pub(super) presence: Arc<CustomPresence>,
}

impl Function for PresenceStateFunction {
    fn read(&self, args: &str) -> Option<String> {
        let mut args = args.split(',').map(str::trim);
        let (presentity, field, option) = (args.next()?, args.next()?, args.next().unwrap_or_default());
        let value = self.hints.upgrade()?.presence(presentity);
        let text = match field {
            "value" => value.state.word(),
            "subtype" => &value.subtype,
            "message" => &value.message,
            _ => return None,
        };
        Some(if option.contains('e') { STANDARD.encode(text) } else { text.to_owned() })
    }

    fn write(&self, args: &str, value: &str) -> Result<(), String> {
        let name = custom("CustomPresence", args).ok_or("only CustomPresence: presentities can be set")?;
        self.presence.set(name, value).map(|_| ())
    }
}

/// What stands behind a label, in any letter case.
fn custom<'a>(label: &str, device: &'a str) -> Option<&'a str> {
    let (own, name) = device.split_once(':')?;
    (own.eq_ignore_ascii_case(label) && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn db_reads_and_writes_the_store() {
        let store = Store::memory().unwrap();
        let db = Db(store.clone());
        assert_eq!(db.read("phone/1"), None);
        db.write("phone/1/home", "PJSIP/a").unwrap();
        assert_eq!(store.get("phone", "1/home").as_deref(), Some("PJSIP/a"));
        assert_eq!(db.read("phone/1/home").as_deref(), Some("PJSIP/a"));
        for bad in ["phone", "/x", "x/"] {
            assert!(db.write(bad, "y").is_err(), "{bad}");
        }
    }

    #[test]
    fn device_state_reads_all_and_sets_custom_ones() {
        let (hints, store) = (Hints::new(), Store::memory().unwrap());
        let devices = CustomDevices::new(&hints, &store);
        let _guard = hints.add_provider("Custom", devices.clone());
        let function = DeviceStateFunction { hints: Arc::downgrade(&hints), devices };
        function.write("custom:a", "inuse").unwrap();
        assert_eq!(function.read("Custom:a").as_deref(), Some("INUSE"));
        assert_eq!(function.read("PJSIP/b").as_deref(), Some("INVALID"));
        assert!(function.write("PJSIP/b", "INUSE").is_err() && function.write("Custom:a", "bogus").is_err());
    }

    #[test]
    fn presence_state_has_fields() {
        let (hints, store) = (Hints::new(), Store::memory().unwrap());
        let presence = CustomPresence::new(&hints, &store);
        let _guard = hints.add_presence_provider("CustomPresence", presence.clone());
        let function = PresenceStateFunction { hints: Arc::downgrade(&hints), presence };
        function.write("CustomPresence:x", "away,lunch,back at 2").unwrap();
        for (field, expected) in [
            ("value", Some("away")),
            ("subtype", Some("lunch")),
            ("message", Some("back at 2")),
            ("subtype,e", Some("bHVuY2g=")),
            ("other", None),
        ] {
            assert_eq!(function.read(&format!("CustomPresence:x,{field}")).as_deref(), expected, "{field}");
        }
        assert!(function.write("x", "away").is_err() && function.write("CustomPresence:x", "bogus").is_err());
    }
}
