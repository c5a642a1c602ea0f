//! `presencestate list|change` (module `func_presencestate`).

use std::sync::Arc;

use cli::{CommandGuard, Outcome, command};
use state::PresenceState;

use super::{no_arguments, print};
use crate::builtin::CustomPresence;
use crate::server::Server;

/// Registers the commands.
pub(crate) fn register(server: &Arc<Server>, presence: &Arc<CustomPresence>) -> Vec<CommandGuard> {
    let (list, change, names) = (presence.clone(), presence.clone(), presence.clone());
    let states = PresenceState::ALL.map(PresenceState::word);
    let usage = format!(
        "Usage: presencestate change CustomPresence:NAME STATE[,SUBTYPE[,MESSAGE[,e]]]\n       \
         Sets the presence of a CustomPresence: presentity. States:\n       {}\n       \
         With e, subtype and message are base64. Quote what has blanks:\n       \
         presencestate change CustomPresence:alice \"away,lunch,back at 2\"\n",
        states.join(" ")
    );
    vec![
        server.cli.register(command(
            "presencestate list",
            "List the CustomPresence: presentities",
            "Usage: presencestate list\n",
            move |cx| match no_arguments(cx) {
                Ok(()) => print(cx, &list.list()),
                Err(outcome) => outcome,
            },
        )),
        server.cli.register(
            command("presencestate change", "Change the presence of a CustomPresence: presentity", usage, move |cx| {
                let args = cx.arg_strs();
                let [presentity, text] = args[..] else { return Outcome::ShowUsage };
                let Some(name) = custom_name(presentity) else {
                    cx.print("The presencestate command can only be used to set 'CustomPresence:' presence state!\n");
                    return Outcome::Failure;
                };
                match change.set(name, text) {
                    Ok(word) => {
                        let text = format!("Changing {name} to {word}\n");
                        print(cx, &text)
                    }
                    Err(error) => {
                        cx.print(&format!("{error}\n"));
                        Outcome::ShowUsage
                    }
                }
            })
            .completing(move |args, _| match args {
                [] => names.names().iter().map(|name| format!("CustomPresence:{name}")).collect(),
                [_] => states.map(str::to_owned).to_vec(),
                _ => Vec::new(),
            }),
        ),
    ]
}

fn custom_name(presentity: &str) -> Option<&str> {
    let (label, name) = presentity.split_once(':')?;
    (label.eq_ignore_ascii_case("CustomPresence") && !name.is_empty()).then_some(name)
}
