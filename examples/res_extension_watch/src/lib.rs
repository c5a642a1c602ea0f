//! Reading extension states: a listener that logs each change, and a command that asks for a state
//! now. `extension ask default 1000` finds the hint as a phone's SUBSCRIBE would, patterns and includes
//! too.

use module_api::{
    CliCommand, ExtensionListener, ExtensionState, Host, Level, Payload, Registrar, declare_module,
};

struct Watch(Host);

impl ExtensionListener for Watch {
    fn extension_state_changed(&self, key: &str, state: &Payload) {
        if let Some(state) = state.extension.as_ref().into_option() {
            self.0.log(Level::Notice, &format!("{key} is {}", word(state.state)));
        }
    }
}

struct Ask(Host);

impl CliCommand for Ask {
    fn words(&self) -> &str {
        "extension ask"
    }

    fn summary(&self) -> &str {
        "Ask for an extension's state"
    }

    fn usage(&self) -> &str {
        "Usage: extension ask CONTEXT EXTENSION\n"
    }

    fn run(&self, args: &[&str]) -> Result<String, String> {
        let [context, exten] = args else { return Err(String::new()) };
        let key = self.0.find_hint(context, exten).ok_or("there is no such hint\n")?;
        let payload = self.0.extension_state(&key).ok_or("the hint is gone\n")?;
        let state = payload.extension.into_option().ok_or("the hint has no state\n")?;
        let devices: Vec<_> = state.devices.iter().map(|device| device.name.as_str()).collect();
        Ok(format!("{key} is {}: {}\n", word(state.state), devices.join(", ")))
    }
}

fn word(state: i32) -> &'static str {
    match state {
        ExtensionState::IDLE => "free",
        ExtensionState::UNAVAILABLE => "gone",
        state if state < 0 => "no more",
        _ => "busy",
    }
}

fn load(host: Host, registrar: &mut Registrar) -> Result<(), String> {
    registrar.listener(Watch(host.clone()));
    registrar.command(Ask(host));
    Ok(())
}

declare_module! {
    name: "res_extension_watch",
    description: "Reads extension states",
    requires: [],
    priority: 30,
    support: Extended,
    load: load,
}
