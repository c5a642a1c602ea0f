//! A third party's module at its worst. What its generator does depends on the state that it is to
//! show: in use it panics, ringing it takes its time, on hold it makes bytes that are no text. Its
//! supplement, its provider of devices and its command panic too.

use std::time::Duration;

use module_api::{
    Body, BodyContext, BodyGenerator, BodySupplement, CliCommand, DeviceStateProvider, Document,
    ExtensionState, Fail, Host, Inputs, Payload, Registrar, declare_module,
};

struct Misbehaving;

impl BodyGenerator for Misbehaving {
    fn media_type(&self) -> &str {
        "text/x-moods"
    }
    fn data_kind(&self) -> &str {
        Payload::EXTENSION_STATE
    }
    fn inputs(&self) -> Inputs {
        Inputs::NONE
    }
    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> Result<(), Fail> {
        let state = cx.data.extension.as_ref().into_option().ok_or(Fail::NoData)?;
        match state.state {
            ExtensionState::INUSE => panic!("in use"),
            ExtensionState::RINGING => std::thread::sleep(Duration::from_millis(80)),
            ExtensionState::ON_HOLD => body.raw().extend_from_slice(b"\xff\xfe"),
            _ => {}
        }
        body.raw().extend_from_slice(format!("state {}", state.state).as_bytes());
        Ok(())
    }
}

impl BodySupplement for Misbehaving {
    fn media_type(&self) -> &str {
        "application/xpidf+xml"
    }
    fn data_kind(&self) -> &str {
        Payload::EXTENSION_STATE
    }
    fn inputs(&self) -> Inputs {
        Inputs::NONE
    }
    fn supplement(&self, _cx: &BodyContext<'_>, _doc: &mut Document) -> Result<(), Fail> {
        panic!("supplement")
    }
}

impl DeviceStateProvider for Misbehaving {
    fn label(&self) -> &str {
        "Bad:"
    }
    fn state(&self, rest: &str) -> Result<u8, Fail> {
        if rest == "number" { Ok(200) } else { panic!("device {rest}") }
    }
}

impl CliCommand for Misbehaving {
    fn words(&self) -> &str {
        "misbehave"
    }
    fn summary(&self) -> &str {
        "Panic"
    }
    fn usage(&self) -> &str {
        "Usage: misbehave\n"
    }
    fn run(&self, _args: &[&str]) -> Result<String, String> {
        panic!("told to")
    }
}

fn load(_host: Host, registrar: &mut Registrar) -> Result<(), String> {
    registrar.generator(Misbehaving);
    registrar.supplement(Misbehaving);
    registrar.device_provider(Misbehaving);
    registrar.command(Misbehaving);
    Ok(())
}

declare_module! {
    name: "res_misbehaving",
    description: "Misbehaves",
    requires: ["res_pjsip_pubsub"],
    priority: 60,
    support: Unknown,
    load: load,
}
