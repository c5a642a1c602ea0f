//! `core show version|uptime|hints|hint`, `core explain hint`, `core waitfullybooted`, `core stop`.

use std::sync::Arc;

use cli::{CommandGuard, Outcome, Version, command, uptime_seconds_text, uptime_text};

use super::{answer, no_arguments, print};
use crate::server::{PRODUCT, Server, Stop};

/// Registers the commands that are always there.
pub(crate) fn register(server: &Arc<Server>) -> Vec<CommandGuard> {
    let cli = &server.cli;
    let [uptime, booted, hints, hint] = std::array::from_fn(|_| server.clone());
    let hint_names = server.clone();
    vec![
        cli.register(command(
            "core show version",
            "Show which version this is",
            "Usage: core show version\n       Shows the version, and who built it, where and when.\n",
            |cx| no_arguments(cx).map_or_else(|outcome| outcome, |()| print(cx, &format!("{}\n", version()))),
        )),
        cli.register(command(
            "core show uptime [seconds]",
            "Show how long the server has been running",
            "Usage: core show uptime [seconds]\n       Shows the time since the start and since the last reload.\n",
            move |cx| {
                let (start, reload) = (uptime.uptime(), uptime.since_reload());
                match cx.arg_strs()[..] {
                    [] => print(cx, &uptime_text(start, reload)),
                    ["seconds"] => print(cx, &uptime_seconds_text(start, reload)),
                    _ => Outcome::ShowUsage,
                }
            },
        )),
        cli.register(command(
            "core waitfullybooted",
            "Wait until the server has fully booted",
            "Usage: core waitfullybooted\n       Returns when all modules have been loaded.\n",
            move |cx| {
                if let Err(outcome) = no_arguments(cx) {
                    return outcome;
                }
                booted.booted.wait();
                // The words that monitors wait for, whatever the name of the program.
                print(cx, "Asterisk has fully booted.\n")
            },
        )),
        cli.register(command(
            "core show hints",
            "Show all hints with their state and watchers",
            "Usage: core show hints\n       Shows every hint of the dialplan, its state, and how many watch it.\n",
            move |cx| match no_arguments(cx) {
                Ok(()) => answer(cx, &dialplan::cli::core_show_hints(&hints.hints)),
                Err(outcome) => outcome,
            },
        )),
        cli.register(
            command(
                "core show hint",
                "Show the hints of an extension",
                "Usage: core show hint EXTENSION[@CONTEXT]\n       Shows the hints whose name begins so.\n",
                move |cx| match cx.arg_strs()[..] {
                    [extension] => answer(cx, &dialplan::cli::core_show_hint(&hint.hints, extension)),
                    _ => Outcome::ShowUsage,
                },
            )
            .completing(move |args, _| match args {
                [] => hint_names.hints.hints().iter().map(|hint| hint.key().to_string()).collect(),
                _ => Vec::new(),
            }),
        ),
        super::explain::register(server),
    ]
}

/// Registers the commands that are there once the server has booted.
pub(crate) fn register_stop(server: &Arc<Server>) -> Vec<CommandGuard> {
    let stops = [
        ("core stop now", "Stop the server at once", Stop::Now),
        ("core stop gracefully", "Stop the server when it has finished what it does", Stop::Gracefully),
        ("core stop when convenient", "Stop the server when it has finished what it does", Stop::Gracefully),
    ];
    let one = |(words, summary, stop): (&'static str, &'static str, Stop)| {
        let sender = server.stop.clone();
        let usage = format!("Usage: {words}\n       {summary}.\n");
        server.cli.register(command(words, summary, usage, move |cx| match no_arguments(cx) {
            Ok(()) if sender.send(stop).is_ok() => Outcome::Success,
            Ok(()) => Outcome::Failure,
            Err(outcome) => outcome,
        }))
    };
    stops.into_iter().map(one).collect()
}

fn version() -> String {
    let system = nix::sys::utsname::uname().ok();
    let text = |value: Option<&std::ffi::OsStr>| {
        value.map_or("unknown".into(), |v| v.to_string_lossy().into_owned())
    };
    Version {
        product: PRODUCT,
        user: env!("STARLING_BUILD_USER"),
        host: env!("STARLING_BUILD_HOST"),
        machine: &text(system.as_ref().map(|s| s.machine())),
        system: &text(system.as_ref().map(|s| s.sysname())),
        date: env!("STARLING_BUILD_DATE"),
    }
    .to_string()
}
