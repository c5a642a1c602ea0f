//! A body generator: `application/vnd.example.presence+json` for the event `presence`.
//!
//! ```json
//! {"extension":"1000","name":"Alice","state":"on the phone","reachable":true}
//! ```
//!
//! A phone gets it that asks for it by `Accept`.

use module_api::{
    Body, BodyContext, BodyGenerator, ExtensionState, Fail, Host, Inputs, Payload, Registrar, declare_module,
};

/// The generator.
pub struct Json;

impl BodyGenerator for Json {
    fn media_type(&self) -> &str {
        "application/vnd.example.presence+json"
    }

    fn data_kind(&self) -> &str {
        Payload::EXTENSION_STATE
    }

    /// Every watcher gets the same text.
    fn inputs(&self) -> Inputs {
        Inputs::NONE
    }

    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> Result<(), Fail> {
        let state = cx.data.extension.as_ref().into_option().ok_or(Fail::NoData)?;
        let (word, reachable) = words(state.state);
        let (extension, name) = (quoted(&state.exten), quoted(&state.name));
        let text =
            format!(r#"{{"extension":{extension},"name":{name},"state":"{word}","reachable":{reachable}}}"#);
        body.raw().extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// A word for people, and whether a call would reach somebody.
fn words(state: i32) -> (&'static str, bool) {
    const RINGING_INUSE: i32 = ExtensionState::RINGING | ExtensionState::INUSE;
    match state {
        ExtensionState::INUSE | ExtensionState::BUSY => ("on the phone", true),
        ExtensionState::RINGING | RINGING_INUSE => ("ringing", true),
        ExtensionState::ON_HOLD => ("on hold", true),
        ExtensionState::UNAVAILABLE => ("gone", false),
        _ => ("free", true),
    }
}

/// A JSON string (RFC 8259 section 7).
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|char| match char {
        '"' | '\\' => format!("\\{char}"),
        '\0'..='\x1f' => format!("\\u{:04x}", u32::from(char)),
        char => char.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

fn load(_host: Host, registrar: &mut Registrar) -> Result<(), String> {
    registrar.generator(Json);
    Ok(())
}

declare_module! {
    name: "res_presence_json_body_generator",
    description: "Extension states as JSON",
    requires: ["res_pjsip", "res_pjsip_pubsub"],
    priority: 60,
    support: Extended,
    load: load,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        assert_eq!(quoted("A \"B\"\\\n"), r#""A \"B\"\\\u000a""#);
    }
}
