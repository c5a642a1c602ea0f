//! `dialplan show`.

use std::sync::Arc;

use cli::{CommandGuard, Outcome, command};

use crate::server::Server;

/// Registers the commands.
pub(crate) fn register(server: &Arc<Server>) -> Vec<CommandGuard> {
    let (show, names) = (server.clone(), server.clone());
    vec![server.cli.register(
        command(
            "dialplan show",
            "Show the dialplan",
            "Usage: dialplan show [[EXTENSION@]CONTEXT]\n       Shows all contexts, one, or an extension of one.\n",
            move |cx| {
                let args = cx.arg_strs();
                let what = match args[..] {
                    [] => None,
                    [what] => Some(what),
                    _ => return Outcome::ShowUsage,
                };
                match dialplan::show_dialplan(&show.hints, what) {
                    Ok(text) => {
                        cx.print(&text);
                        Outcome::Success
                    }
                    Err(text) => {
                        cx.print(&text);
                        Outcome::Failure
                    }
                }
            },
        )
        .completing(move |args, _| match args {
            [] => names.hints.dialplan().context_names().map(str::to_owned).collect(),
            _ => Vec::new(),
        }),
    )]
}
