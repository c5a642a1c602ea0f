//! A module that misbehaves, for the tests of the host: it fails, declines and panics where it is
//! told to, even while it is dropped.

use module_api::{
    Body, BodyContext, BodyGenerator, BodySupplement, CliCommand, DeviceInfo, DeviceStateProvider, Document,
    EventPackage, ExtensionListener, ExtensionState, Fail, Host, Inputs, Level, Payload, Registrar,
    ResourceQuery, declare_module,
};

struct Unruly(Host);

impl Drop for Unruly {
    fn drop(&mut self) {
        if self.0.find_hint("unruly", "panic in drop").is_some() {
            panic!("dropped");
        }
    }
}

impl BodyGenerator for Unruly {
    fn media_type(&self) -> &str {
        "text/unruly"
    }

    fn data_kind(&self) -> &str {
        "unruly"
    }

    fn inputs(&self) -> Inputs {
        Inputs::VERSION | Inputs::UNIQUE
    }

    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> Result<(), Fail> {
        body.raw().extend_from_slice(b"some of it");
        match cx.version {
            0 => Ok(()),
            1 => Err(Fail::NoData),
            3 => {
                body.raw().push(0xff);
                Ok(())
            }
            version => panic!("version {version}"),
        }
    }
}

/// Its media type would be two header lines.
struct Evil;

impl BodyGenerator for Evil {
    fn media_type(&self) -> &str {
        "text/x\r\nEvil: 1"
    }

    fn data_kind(&self) -> &str {
        "unruly"
    }

    fn inputs(&self) -> Inputs {
        Inputs::NONE
    }

    fn generate(&self, _cx: &BodyContext<'_>, _body: &mut Body) -> Result<(), Fail> {
        Err(Fail::Unsupported)
    }
}

impl BodySupplement for Unruly {
    fn media_type(&self) -> &str {
        "application/pidf+xml"
    }

    fn data_kind(&self) -> &str {
        Payload::EXTENSION_STATE
    }

    fn inputs(&self) -> Inputs {
        Inputs::USER_AGENT
    }

    fn supplement(&self, cx: &BodyContext<'_>, doc: &mut Document) -> Result<(), Fail> {
        let root = doc.root_node().ok_or(Fail::Unsupported)?;
        let note = doc.child(root, "agent");
        doc.text(note, &cx.user_agent);
        Ok(())
    }
}

impl EventPackage for Unruly {
    fn event(&self) -> &str {
        "unruly"
    }

    fn default_media_type(&self) -> &str {
        "text/unruly"
    }

    fn data_kind(&self) -> &str {
        "unruly"
    }

    fn topic(&self) -> &str {
        "unrulies"
    }

    fn resolve(&self, query: &ResourceQuery<'_>) -> Result<String, u16> {
        match query.resource.as_str() {
            "panic" => panic!("resolve"),
            "gone" => Err(410),
            "fine" => Err(200),
            resource => Ok(format!("{resource}@{}", query.context)),
        }
    }

    fn current(&self, key: &str) -> Result<Payload, Fail> {
        match key {
            "panic" => panic!("current"),
            "nothing" => Err(Fail::NoData),
            key => {
                Ok(Payload::extension_state(7, ExtensionState { exten: key.into(), ..Default::default() }))
            }
        }
    }
}

impl ExtensionListener for Unruly {
    fn extension_state_changed(&self, key: &str, state: &Payload) {
        if key == "panic" {
            panic!("changed");
        }
        let mut state = state.clone();
        state.bytes.extend_from_slice(b"from the module");
        self.0.publish("unrulies", key, &state);
    }
}

impl DeviceStateProvider for Unruly {
    fn label(&self) -> &str {
        "Unruly:"
    }

    fn state(&self, rest: &str) -> Result<u8, Fail> {
        match rest {
            "panic" => panic!("state"),
            "busy" => Ok(DeviceInfo::BUSY),
            _ => Err(Fail::NoData),
        }
    }
}

impl CliCommand for Unruly {
    fn words(&self) -> &str {
        "unruly say"
    }

    fn summary(&self) -> &str {
        "Say something"
    }

    fn usage(&self) -> &str {
        "Usage: unruly say WORD...\n"
    }

    fn run(&self, args: &[&str]) -> Result<String, String> {
        match args {
            [] => Err(String::new()),
            ["panic"] => panic!("said"),
            ["slow"] => {
                std::thread::sleep(std::time::Duration::from_millis(60));
                Ok("at last\n".into())
            }
            ["fail"] => Err("no\n".into()),
            ["changed", device] => {
                self.0.device_changed(device);
                Ok(String::new())
            }
            words => Ok(format!("{}\n", words.join(" "))),
        }
    }
}

fn load(host: Host, registrar: &mut Registrar) -> Result<(), String> {
    module_api::log(Level::Notice, "loading");
    registrar.generator(Unruly(host.clone()));
    registrar.supplement(Unruly(host.clone()));
    registrar.package(Unruly(host.clone()));
    registrar.listener(Unruly(host.clone()));
    registrar.device_provider(Unruly(host.clone()));
    registrar.command(Unruly(host.clone()));
    match host.find_hint("unruly", "load").as_deref() {
        Some("evil header") => {
            registrar.generator(Evil);
            Ok(())
        }
        Some("decline") => Err(format!("told to at {}", host.now_ms())),
        Some(other) => panic!("{other}"),
        None => Ok(()),
    }
}

declare_module! {
    name: "res_unruly",
    description: "Misbehaves",
    requires: [],
    priority: 60,
    support: Unknown,
    load: load,
}
