//! `dialplan eval function`, `dialplan set global`, `dialplan show globals` (module `pbx_config`).

use std::sync::Arc;

use cli::{CommandGuard, Outcome, command};

use super::{no_arguments, print};
use crate::server::Server;

/// Registers the commands.
pub(crate) fn register(server: &Arc<Server>) -> Vec<CommandGuard> {
    let [eval, set, show, names] = std::array::from_fn(|_| server.clone());
    vec![
        server.cli.register(command(
            "dialplan eval function",
            "Show what a dialplan function says",
            "Usage: dialplan eval function NAME(ARGUMENTS)\n       Example: dialplan eval function DEVICE_STATE(Custom:lamp1)\n",
            move |cx| {
                let args = cx.arg_strs();
                let [call] = args[..] else { return Outcome::ShowUsage };
                match eval.hints.functions().read(call) {
                    Ok(value) => print(cx, &format!("Return Value: Success (0)\nResult: {value}\n")),
                    Err(error) => {
                        cx.print(&format!("Return Value: Failure (-1)\nResult: \n{error}\n"));
                        Outcome::Failure
                    }
                }
            },
        )),
        server.cli.register(
            command(
                "dialplan set global",
                "Set a global variable, or what a dialplan function says",
                "Usage: dialplan set global NAME VALUE\n       Sets the variable until the next reload. An empty value, \"\", \
                 removes it.\n       NAME may be a function: dialplan set global DB(phone/100) PJSIP/alice\n",
                move |cx| {
                    let args = cx.arg_strs();
                    let [name, value] = args[..] else { return Outcome::ShowUsage };
                    if name.contains('(') {
                        if let Err(error) = set.hints.functions().write(name, value) {
                            cx.print(&format!("{error}\n"));
                            return Outcome::Failure;
                        }
                    } else if name.is_empty() || name.contains(|c: char| c.is_whitespace() || "${}:".contains(c)) {
                        cx.print(&format!("'{name}' cannot be the name of a variable\n"));
                        return Outcome::Failure;
                    } else {
                        set.hints.dialplan().set_global(name, value);
                    }
                    let text = format!("{name} is now '{value}'\n");
                    print(cx, &text)
                },
            )
            .completing(move |args, _| match args {
                [] => names.hints.dialplan().globals().keys().map(ToString::to_string).collect(),
                _ => Vec::new(),
            }),
        ),
        server.cli.register(command(
            "dialplan show globals",
            "Show the global variables",
            "Usage: dialplan show globals\n",
            move |cx| match no_arguments(cx) {
                Ok(()) => {
                    let globals = show.hints.dialplan().globals();
                    let rows = globals.iter().map(|(name, value)| format!("   {name}={value}\n"));
                    print(cx, &format!("{}    -- {} variable(s)\n", rows.collect::<String>(), globals.len()))
                }
                Err(outcome) => outcome,
            },
        )),
    ]
}
