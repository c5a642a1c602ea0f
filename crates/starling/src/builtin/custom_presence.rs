//! `func_presencestate`: presentities named `CustomPresence:NAME`, whose presence an operator sets.
//!
//! A presence is `STATE[,SUBTYPE[,MESSAGE[,e]]]`, kept as it was typed. With the option `e` subtype
//! and message are base64. A message may hold commas; only a last field that is exactly `e` is the
//! option.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dialplan::{Hints, PresenceProvider};
use module_host::{Builtin, LoadOutcome, ModuleInfo};
use state::cli::PresenceRow;
use state::{PresenceState, PresenceValue};
use store::Store;

use super::custom_states::CustomStates;
use super::functions::PresenceStateFunction;
use super::{Registrations, info};
use crate::server::Server;

/// The `CustomPresence:` presentities. One that was never set is `not_set`.
pub(crate) struct CustomPresence {
    hints: Arc<Hints>,
    states: CustomStates,
}

/// The fields of a presence as they were typed.
#[derive(Debug, PartialEq, Eq)]
struct Fields<'a> {
    state: PresenceState,
    subtype: &'a str,
    message: &'a str,
    base64: bool,
}

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let (word, rest) = text.split_once(',').unwrap_or((text, ""));
        let state = word.trim().parse().map_err(|error| format!("{error}"))?;
        let (subtype, rest) = rest.split_once(',').unwrap_or((rest, ""));
        let (message, base64) = match rest.rsplit_once(',') {
            Some((message, "e")) => (message, true),
            _ => (rest, false),
        };
        let fields = Self { state, subtype, message, base64 };
        fields.decode()?;
        Ok(fields)
    }

    fn decode(&self) -> Result<PresenceValue, String> {
        let text = |name: &str, text: &str| -> Result<Arc<str>, String> {
            if !self.base64 {
                return Ok(text.into());
            }
            let bytes =
                STANDARD.decode(text).map_err(|error| format!("{name} '{text}' is not base64: {error}"))?;
            Ok(String::from_utf8_lossy(&bytes).into())
        };
        let (subtype, message) = (text("subtype", self.subtype)?, text("message", self.message)?);
        Ok(PresenceValue { state: self.state, subtype, message })
    }
}

impl CustomPresence {
    /// What the store has.
    pub(super) fn new(hints: &Arc<Hints>, store: &Store) -> Arc<Self> {
        Arc::new(Self { hints: hints.clone(), states: CustomStates::open(store, "CustomPresence") })
    }

    /// Sets the presence of `CustomPresence:NAME`; gives the state's word as it was typed.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub(crate) fn set<'a>(&self, name: &str, text: &'a str) -> Result<&'a str, String> {
        Fields::parse(text)?;
        self.states.set(name, text);
        self.hints.presence_changed(&format!("CustomPresence:{name}"));
        Ok(text.split(',').next().unwrap_or_default())
    }

    /// The names without `CustomPresence:`.
    pub(crate) fn names(&self) -> Vec<String> {
        self.states.names()
    }

    /// The text of `presencestate list`.
    pub(crate) fn list(&self) -> String {
        let states = self.states.all();
        let named: Vec<_> =
            states.iter().map(|(name, text)| (format!("CustomPresence:{}", name.as_str()), text)).collect();
        state::cli::presencestate_list(named.iter().filter_map(|(name, text)| {
            let Fields { state, subtype, message, base64 } = Fields::parse(text).ok()?;
            Some(PresenceRow { name, state, subtype, message, base64 })
        }))
    }
}

impl PresenceProvider for CustomPresence {
    fn presence(&self, rest: &str) -> PresenceValue {
        let text = self.states.get(rest);
        text.and_then(|text| Fields::parse(&text).ok()?.decode().ok()).unwrap_or_default()
    }
}

pub(super) struct FuncPresencestate {
    server: Arc<Server>,
    registrations: Registrations,
}

impl FuncPresencestate {
    pub(super) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone(), registrations: Registrations::default() }
    }
}

impl Builtin for FuncPresencestate {
    fn info(&self) -> ModuleInfo {
        info("func_presencestate", "Gets or sets a presence state in the dialplan", &[], 90)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        let hints = &self.server.hints;
        let presence = CustomPresence::new(hints, &self.server.store);
        let function = PresenceStateFunction { hints: Arc::downgrade(hints), presence: presence.clone() };
        self.registrations.add(hints.functions().add("PRESENCE_STATE", Arc::new(function)));
        self.registrations.add(hints.add_presence_provider("CustomPresence", presence.clone()));
        self.registrations.add(crate::commands::presencestate::register(&self.server, &presence));
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        self.registrations.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> (PresenceState, String, String) {
        let value = Fields::parse(text).unwrap().decode().unwrap();
        (value.state, value.subtype.to_string(), value.message.to_string())
    }

    #[test]
    fn fields_are_split_at_the_first_commas() {
        for (text, expected) in [
            ("away", (PresenceState::Away, "", "")),
            ("DND,lunch", (PresenceState::Dnd, "lunch", "")),
            ("xa,lunch,back at 2", (PresenceState::Xa, "lunch", "back at 2")),
            ("chat,,call me, \"really\", now", (PresenceState::Chat, "", "call me, \"really\", now")),
            ("away,c3Vi,bXNn,e", (PresenceState::Away, "sub", "msg")),
            ("away,,,", (PresenceState::Away, "", ",")),
        ] {
            let (state, subtype, message) = value(text);
            assert_eq!((state, &*subtype, &*message), expected, "{text}");
        }
    }

    #[test]
    fn a_wrong_word_or_code_is_refused() {
        assert!(Fields::parse("bogus").is_err());
        assert!(Fields::parse("").is_err());
        assert_eq!(
            Fields::parse("away,%,x,e").unwrap_err().split(':').next(),
            Some("subtype '%' is not base64")
        );
    }
}
