//! `dialplan show`, `dialplan reload` (module `pbx_config`).

use std::sync::Arc;

use cli::{CommandGuard, Outcome, command};

use super::{answer, no_arguments, print};
use crate::server::Server;

/// Registers the commands.
pub(crate) fn register(server: &Arc<Server>) -> Vec<CommandGuard> {
    let [show, names, reload] = std::array::from_fn(|_| server.clone());
    vec![server.cli.register(
        command(
            "dialplan show",
            "Show the dialplan",
            "Usage: dialplan show [[EXTENSION@]CONTEXT]\n       Shows all contexts, one, or an extension of one.\n",
            move |cx| {
                let args = cx.arg_strs();
                let what = match args[..] {
                    [] => "",
                    [what] => what,
                    _ => return Outcome::ShowUsage,
                };
                answer(cx, &dialplan::cli::dialplan_show(&show.hints, what))
            },
        )
        .completing(move |args, _| match args {
            [] => names.hints.dialplan().contexts().iter().map(|context| context.name.to_string()).collect(),
            _ => Vec::new(),
        }),
    ),
    server.cli.register(command(
        "dialplan reload",
        "Read extensions.conf again",
        "Usage: dialplan reload\n       Reads the file again. If it has errors, the dialplan stays as it is.\n",
        move |cx| {
            if let Err(outcome) = no_arguments(cx) {
                return outcome;
            }
            match reload.reload_module("pbx_config") {
                (_, true) => print(cx, "Dialplan reloaded.\n"),
                (text, false) => {
                    cx.print(&text);
                    Outcome::Failure
                }
            }
        },
    ))]
}
