//! `module load|unload|refresh|reload|show`, `core reload`.

use std::sync::Arc;

use cli::{CommandGuard, Invocation, Outcome, command};
use module_host::{ModuleHost, Row, Unloaded};

use super::{no_arguments, print};
use crate::server::Server;

/// Registers the commands.
pub(crate) fn register(server: &Arc<Server>) -> Vec<CommandGuard> {
    let [show, detailed, all, some, names, loaded, loadable, unloaded, idle, refreshed, files] =
        std::array::from_fn(|_| server.clone());
    vec![
        server.cli.register(
            command(
                "module show",
                "Show the modules",
                "Usage: module show [like TEXT]\n       module show detail MODULE\n       \
                 Shows all modules, or those whose name contains the text; or all that is known of one:\n       \
                 its file, what it requires, what it registered, who uses it, how often it was called.\n",
                move |cx| {
                    let args = cx.arg_strs();
                    let pattern = match args[..] {
                        [] => None,
                        ["like", text] => Some(text),
                        ["detail", name] => {
                            let name = name.to_owned();
                            return detail(cx, &show, &name);
                        }
                        _ => return Outcome::ShowUsage,
                    };
                    let text = module_host::show(&rows(&show), pattern);
                    print(cx, &text)
                },
            )
            .completing(move |args, _| match args {
                [] => vec!["detail".into(), "like".into()],
                [_] => rows(&detailed).into_iter().map(|row| row.name).collect(),
                _ => Vec::new(),
            }),
        ),
        server.cli.register(
            command(
                "module load",
                "Load a module",
                "Usage: module load MODULE\n       Loads the module, and before it what it requires and is not loaded.\n",
                move |cx| match cx.arg_strs()[..] {
                    [name] => {
                        let name = name.to_owned();
                        load(cx, &loaded, &name)
                    }
                    _ => Outcome::ShowUsage,
                },
            )
            .completing(move |args, _| match args {
                [] => loadable.modules.get().map(|modules| modules.loadable()).unwrap_or_default(),
                _ => Vec::new(),
            }),
        ),
        server.cli.register(
            command(
                "module unload",
                "Unload modules",
                "Usage: module unload [-f|-h] MODULE...\n       Unloads the modules: what they brought is gone, and so is their code.\n       \
                 A module in use stays, and you are told who uses it. With -f it goes although\n       \
                 subscriptions use it: they wait until it is loaded again. What other modules\n       \
                 require stays in any case: unload those first. -h is the same as -f.\n",
                move |cx| unload(cx, &unloaded),
            )
            .completing(move |_, _| {
                let unused = |row: &Row| row.running && row.use_count == 0;
                rows(&idle).into_iter().filter(unused).map(|row| row.name).collect()
            }),
        ),
        server.cli.register(
            command(
                "module refresh",
                "Let a module's new code take over",
                "Usage: module refresh MODULE\n       Opens the module's file anew and lets the new code take over from the old one.\n       \
                 Subscriptions stay, and get their full state once. If the new file cannot be\n       \
                 used, the old code goes on.\n",
                move |cx| match cx.arg_strs()[..] {
                    [name] => {
                        let name = name.to_owned();
                        refresh(cx, &refreshed, &name)
                    }
                    _ => Outcome::ShowUsage,
                },
            )
            .completing(move |args, _| match args {
                [] => rows(&files).into_iter().filter(|row| row.running).map(|row| row.name).collect(),
                _ => Vec::new(),
            }),
        ),
    server.cli.register(command(
        "core reload",
        "Read all configuration again",
        "Usage: core reload\n       Reads the files of all modules again; prints what became of each.\n",
        move |cx| match no_arguments(cx) {
            Ok(()) => told(cx, &all.reload()),
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
                    return told(cx, &some.reload());
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
            rows(&names).into_iter().filter(|row| row.running).map(|row| row.name).collect()
        }),
    )]
}

/// Prints what became of a reload of everything.
fn told(cx: &mut Invocation<'_>, (text, well): &(String, bool)) -> Outcome {
    cx.print(text);
    if *well { Outcome::Success } else { Outcome::Failure }
}

fn rows(server: &Server) -> Vec<Row> {
    server.modules.get().map(|modules| modules.modules()).unwrap_or_default()
}

/// The modules, once there are any.
fn host(cx: &mut Invocation<'_>, server: &Server) -> Option<Arc<ModuleHost>> {
    let host = server.modules.get().cloned();
    if host.is_none() {
        cx.print("The server has no modules yet\n");
    }
    host
}

fn detail(cx: &mut Invocation<'_>, server: &Server, name: &str) -> Outcome {
    let Some(modules) = host(cx, server) else { return Outcome::Failure };
    match modules.detail(name) {
        Some(detail) => print(cx, &detail.to_string()),
        None => {
            cx.print(&format!("No such module '{name}'\n"));
            Outcome::Failure
        }
    }
}

fn load(cx: &mut Invocation<'_>, server: &Server, name: &str) -> Outcome {
    let Some(modules) = host(cx, server) else { return Outcome::Failure };
    match modules.load(name) {
        Ok(started) => {
            let (_, required) = started.split_last().unwrap_or((&String::new(), &[]));
            for other in required {
                cx.print(&format!("Loaded {other}.so, which {name} requires\n"));
            }
            server.report_orphans();
            print(cx, &format!("Loaded {name}\n"))
        }
        Err(error) => {
            cx.print(&format!("{error}\nUnable to load module {name}\n"));
            Outcome::Failure
        }
    }
}

fn unload(cx: &mut Invocation<'_>, server: &Server) -> Outcome {
    let args: Vec<String> = cx.arg_strs().iter().map(|arg| (*arg).to_owned()).collect();
    let (force, names) = match args.split_first() {
        Some((flag, names)) if flag == "-f" || flag == "-h" => (true, names),
        _ => (false, &args[..]),
    };
    if names.is_empty() || names.iter().any(|name| name.starts_with('-')) {
        return Outcome::ShowUsage;
    }
    let Some(modules) = host(cx, server) else { return Outcome::Failure };
    for name in names {
        match modules.unload(name, force) {
            Ok(unloaded) => cx.print(&format!("{}Unloaded {name}\n", remark(name, unloaded))),
            Err(error) => {
                cx.print(&format!("{error}\nUnable to unload resource {name}\n"));
                return Outcome::Failure;
            }
        }
    }
    Outcome::Success
}

fn refresh(cx: &mut Invocation<'_>, server: &Server, name: &str) -> Outcome {
    let Some(modules) = host(cx, server) else { return Outcome::Failure };
    match modules.refresh(name) {
        Ok(unloaded) => print(cx, &format!("{}Unloaded and loaded {name}\n", remark(name, unloaded))),
        Err(error) => {
            cx.print(&format!("{error}\nUnable to load module {name}\n"));
            Outcome::Failure
        }
    }
}

/// What an operator should know of code that did not go as it should.
fn remark(name: &str, unloaded: Unloaded) -> String {
    match unloaded {
        Unloaded::Gone | Unloaded::NotRunning => String::new(),
        Unloaded::StillMapped => {
            format!("The code of {name} stays in memory: it left a thread or a thread-local\n")
        }
        Unloaded::StillHeld => format!("Something still holds {name}; its code goes when that lets go\n"),
    }
}
