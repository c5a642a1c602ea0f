//! What this module brings: bodies of the type `text/x-lamp` for the event `presence`.

use module_api::{
    Body, BodyContext, BodyGenerator, ExtensionState, Fail, Host, Inputs, Payload, Registrar, declare_module,
};

/// The generator.
pub struct Lamp;

impl BodyGenerator for Lamp {
    fn media_type(&self) -> &str {
        "text/x-lamp"
    }

    fn data_kind(&self) -> &str {
        Payload::EXTENSION_STATE
    }

    fn inputs(&self) -> Inputs {
        Inputs::NONE
    }

    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> Result<(), Fail> {
        let state = cx.data.extension.as_ref().into_option().ok_or(Fail::NoData)?;
        let colour = if state.state == ExtensionState::IDLE { "green" } else { "red" };
        body.raw().extend_from_slice(format!("{} {colour}\n", state.exten).as_bytes());
        Ok(())
    }
}

fn load(_host: Host, registrar: &mut Registrar) -> Result<(), String> {
    registrar.generator(Lamp);
    Ok(())
}

declare_module! {
    name: "{{crate_name}}",
    description: "Lamps in words",
    requires: ["res_pjsip", "res_pjsip_pubsub"],
    priority: 60,
    support: Extended,
    load: load,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_in_use_is_red() {
        let state = ExtensionState { exten: "1000".into(), state: ExtensionState::INUSE, ..Default::default() };
        let data = Payload::extension_state(1, state);
        let mut body = Body::new();
        Lamp.generate(&BodyContext::new(&data), &mut body).expect("there is a state");
        assert_eq!(body.as_raw(), Some(&b"1000 red\n"[..]));
    }
}
