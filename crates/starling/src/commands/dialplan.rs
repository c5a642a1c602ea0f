//! `dialplan show`, `dialplan reload` (module `pbx_config`).

use std::sync::Arc;

use cli::{CommandGuard, Invocation, Outcome, command};

use super::{answer, print};
use crate::preview::preview;
use crate::server::Server;
use crate::{builtin, report};

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
        "dialplan reload [check]",
            "Read extensions.conf again",
            "Usage: dialplan reload [check]\n       Reads the file again. If it has errors, the dialplan stays as it is.\n       \
             With check nothing is changed: shows what would be.\n",
            move |cx| {
                match cx.arg_strs()[..] {
                    [] => {}
                    ["check"] => return check(cx, &reload),
                    _ => return Outcome::ShowUsage,
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

/// What a reload would do.
fn check(cx: &mut Invocation<'_>, server: &Server) -> Outcome {
    match builtin::dialplan::parse(&server.loader(), Some(server.hints.functions())) {
        Ok((dialplan, remarks)) => {
            for remark in remarks {
                cx.print(&format!("{}\n", report::text(&remark)));
            }
            cx.print(&preview(&server.hints, dialplan));
            Outcome::Success
        }
        Err(error) => {
            cx.print(&format!("{error}\nA reload would change nothing.\n"));
            Outcome::Failure
        }
    }
}
