//! A provider of device states, and commands: doors. `exten => 500,hint,Door:front` makes a lamp of
//! the front door, and `door open front` lights it. A door that nobody moved is closed.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use module_api::{CliCommand, DeviceInfo, DeviceStateProvider, Fail, Host, Level, Registrar, declare_module};

/// The doors that are open, by name.
type Open = Arc<Mutex<HashSet<String>>>;

struct Doors(Open);

impl DeviceStateProvider for Doors {
    fn label(&self) -> &str {
        "Door:"
    }

    fn state(&self, name: &str) -> Result<u8, Fail> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(name);
        Ok(if open { DeviceInfo::INUSE } else { DeviceInfo::NOT_INUSE })
    }
}

struct Move {
    words: &'static str,
    usage: &'static str,
    opens: bool,
    open: Open,
    host: Host,
}

impl CliCommand for Move {
    fn words(&self) -> &str {
        self.words
    }

    fn summary(&self) -> &str {
        if self.opens { "Open a door" } else { "Close a door" }
    }

    fn usage(&self) -> &str {
        self.usage
    }

    fn run(&self, args: &[&str]) -> Result<String, String> {
        let [name] = args else { return Err(String::new()) };
        let moved = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            if self.opens { open.insert((*name).to_owned()) } else { open.remove(*name) }
        };
        if !moved {
            return Err(format!("{name} is {} already\n", if self.opens { "open" } else { "closed" }));
        }
        // The lock is free by now: the server asks `state` before this returns.
        self.host.device_changed(&format!("Door:{name}"));
        self.host.log(Level::Notice, &format!("{name} {}", if self.opens { "opens" } else { "closes" }));
        Ok(String::new())
    }
}

fn load(host: Host, registrar: &mut Registrar) -> Result<(), String> {
    let open = Open::default();
    registrar.device_provider(Doors(open.clone()));
    for (words, usage, opens) in
        [("door open", "Usage: door open NAME\n", true), ("door close", "Usage: door close NAME\n", false)]
    {
        registrar.command(Move { words, usage, opens, open: open.clone(), host: host.clone() });
    }
    Ok(())
}

declare_module! {
    name: "res_door",
    description: "Doors as devices",
    requires: [],
    priority: 30,
    support: Extended,
    load: load,
}
