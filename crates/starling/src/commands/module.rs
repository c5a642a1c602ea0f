//! `module show [like TEXT]`, `module reload`, `core reload`.

use std::sync::Arc;

use cli::{CommandGuard, Outcome, command};

use super::{no_arguments, print};
use crate::server::Server;

/// Registers the commands.
pub(crate) fn register(server: &Arc<Server>) -> Vec<CommandGuard> {
    let [show, all, some, names] = std::array::from_fn(|_| server.clone());
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
    )),
    server.cli.register(command(
        "core reload",
        "Read all configuration again",
        "Usage: core reload\n       Reads the files of all modules again; prints what became of each.\n",
        move |cx| match no_arguments(cx) {
            Ok(()) => print(cx, &all.reload()),
            Err(outcome) => outcome,
        },
    )),
    server.cli.register(
        command(
            "module reload",
            "Read the configuration of modules again",
            "Usage: module reload [MODULE...]\n       Reads the files of the modules again, or of all.\n       \
             A module whose files have errors keeps its configuration.\n",
            move |cx| {
                if cx.args.is_empty() {
                    return print(cx, &some.reload());
                }
                let results: Vec<_> = cx.args.iter().map(|module| some.reload_module(module)).collect();
                let mut well = true;
                for (text, ok) in results {
                    cx.print(&text);
                    well &= ok;
                }
                if well { Outcome::Success } else { Outcome::Failure }
            },
        )
        .completing(move |_, _| {
            let rows = names.modules.get().map(|modules| modules.modules()).unwrap_or_default();
            rows.into_iter().filter(|row| row.running).map(|row| row.name).collect()
        }),
    )]
}
