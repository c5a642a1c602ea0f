//! `module show [like TEXT]`.

use std::sync::Arc;

use cli::{CommandGuard, Outcome, command};

use super::print;
use crate::server::Server;

/// Registers the commands.
pub(crate) fn register(server: &Arc<Server>) -> Vec<CommandGuard> {
    let show = server.clone();
    vec![server.cli.register(command(
        "module show",
        "Show the modules",
        "Usage: module show [like TEXT]\n       Shows all modules, or those whose name contains the text.\n",
        move |cx| {
            let args = cx.arg_strs();
            let pattern = match args[..] {
                [] => None,
                ["like", text] => Some(text),
                _ => return Outcome::ShowUsage,
            };
            let rows = show.modules.get().map(|modules| modules.modules()).unwrap_or_default();
            let text = module_host::show(&rows, pattern);
            print(cx, &text)
        },
    ))]
}
