//! `dialplan show`.

use std::sync::Arc;

use cli::{CommandGuard, Outcome, command};

use super::answer;
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
    )]
}
