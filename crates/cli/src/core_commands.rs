//! Commands of the CLI and the log themselves: `core set verbose|debug|trace` and `logger ...`.

use std::fmt::Write as _;

use logger::{Answer, Logger};

use crate::command::{Invocation, Outcome, command};
use crate::registry::{Cli, CommandGuard};

/// Registers `core set verbose`, `core set debug`, `core set trace` and the `logger` commands.
pub fn register_core_commands(cli: &Cli, logger: &Logger) -> Vec<CommandGuard> {
    let mut guards = level_commands(cli, logger);
    guards.extend(channel_commands(cli, logger));
    guards.extend(console_commands(cli, logger));
    guards
}

fn level_commands(cli: &Cli, logger: &Logger) -> Vec<CommandGuard> {
    let (debug, trace) = (logger.clone(), logger.clone());
    let usage = |what: &str, about: &str| {
        format!(
            "Usage: core set {what} [atleast] <level>|off [silent]\n       {about}\n       \
             With atleast the level is only ever raised, with silent nothing is said.\n"
        )
    };
    let words = |args: &[String], _: &str| match args {
        [] => vec!["atleast".to_owned(), "off".to_owned()],
        _ => vec!["silent".to_owned()],
    };
    vec![
        cli.register(
            command(
                "core set verbose",
                "Set how much this console tells",
                usage("verbose", "Sets how much is told on this console, from 0 (off) to 255."),
                |cx| {
                    let console = cx.session.console().clone();
                    set_level(cx, "Console verbose", console.verbose(), |level| console.set_verbose(level))
                },
            )
            .completing(words),
        ),
        cli.register(
            command(
                "core set debug",
                "Set the level of debug messages",
                usage("debug", "Sets which DEBUG messages reach the log's channels, from 0 (off) to 255."),
                move |cx| set_level(cx, "Core debug", debug.debug(), |level| debug.set_debug(level)),
            )
            .completing(words),
        ),
        cli.register(
            command(
                "core set trace",
                "Set the level of trace messages",
                usage("trace", "Sets which TRACE messages reach the log's channels, from 0 (off) to 255."),
                move |cx| set_level(cx, "Core trace", trace.trace(), |level| trace.set_trace(level)),
            )
            .completing(words),
        ),
    ]
}

fn set_level(cx: &mut Invocation<'_>, what: &str, old: u8, set: impl FnOnce(u8) -> u8) -> Outcome {
    let mut args = cx.arg_strs();
    let silent = args.len() > 1 && args.pop_if(|word| word.eq_ignore_ascii_case("silent")).is_some();
    let (level, at_least) = match args[..] {
        [level] => (level, false),
        [word, level] if word.eq_ignore_ascii_case("atleast") => (level, true),
        _ => return Outcome::ShowUsage,
    };
    let level = if level.eq_ignore_ascii_case("off") { Some(0) } else { level.parse::<u8>().ok() };
    let Some(mut level) = level else {
        return Outcome::ShowUsage;
    };
    if at_least {
        level = level.max(old);
    }
    set(level);
    if silent {
        return Outcome::Success;
    }
    let word = |level: u8| {
        if level == 0 { "OFF".to_owned() } else { level.to_string() }
    };
    if level == old {
        cx.print(&format!("{what} is still {}.\n", word(level)));
    } else {
        cx.print(&format!("{what} was {} and is now {}.\n", word(old), word(level)));
    }
    Outcome::Success
}

/// What changes the log's channels for everybody.
fn channel_commands(cli: &Cli, logger: &Logger) -> Vec<CommandGuard> {
    let [reload, rotate, add, remove] = std::array::from_fn(|_| logger.clone());
    vec![
        cli.register(command(
            "logger reload",
            "Read the log's configuration and open its files anew",
            "Usage: logger reload [<file>]\n       \
             Reads logger.conf, or another file beside it, and opens all log files anew. If\n       \
             anything in it is wrong, the log goes on as it was.\n",
            move |cx| match cx.args {
                [] => tell(cx, reload.reload(None)),
                [file] => tell(cx, reload.reload(Some(file))),
                _ => Outcome::ShowUsage,
            },
        )),
        cli.register(command(
            "logger rotate",
            "Begin new log files",
            "Usage: logger rotate\n       Renames the log files as rotatestrategy says and begins new ones.\n",
            move |cx| if cx.args.is_empty() { tell(cx, rotate.rotate()) } else { Outcome::ShowUsage },
        )),
        cli.register(command(
            "logger add channel",
            "Add a log channel until the next reload",
            "Usage: logger add channel <name> <levels>\n       \
             Adds a channel as the line 'name = levels' in logger.conf would.\n",
            move |cx| match cx.args {
                [name, levels] => tell(cx, add.add_channel(name, levels)),
                _ => Outcome::ShowUsage,
            },
        )),
        cli.register(command(
            "logger remove channel",
            "Close a log channel until the next reload",
            "Usage: logger remove channel <name>\n       Closes a channel, called as in logger.conf.\n",
            move |cx| match cx.args {
                [name] => tell(cx, remove.remove_channel(name)),
                _ => Outcome::ShowUsage,
            },
        )),
    ]
}

/// What shows the log's state, and what concerns only one console.
fn console_commands(cli: &Cli, logger: &Logger) -> Vec<CommandGuard> {
    let [show, show_levels, set_level, names] = std::array::from_fn(|_| logger.clone());
    let show = move |cx: &mut Invocation<'_>, text: &dyn Fn(&Logger) -> String| {
        if !cx.args.is_empty() {
            return Outcome::ShowUsage;
        }
        cx.print(&text(&show));
        Outcome::Success
    };
    vec![
        cli.register(command(
            "logger show channels",
            "List the log's channels",
            "Usage: logger show channels\n       Lists where the log goes, and what goes there.\n",
            move |cx| show(cx, &Logger::show_channels),
        )),
        cli.register(command(
            "logger show levels",
            "List the log's levels",
            "Usage: logger show levels\n       Lists all levels, also those of custom_levels.\n",
            move |cx| {
                if !cx.args.is_empty() {
                    return Outcome::ShowUsage;
                }
                cx.print(&show_levels.show_levels());
                Outcome::Success
            },
        )),
        cli.register(command(
            "logger mute",
            "Mute or unmute this console",
            "Usage: logger mute [silent]\n       Stops log lines on this console, or lets them come again.\n",
            |cx| {
                let silent = match cx.arg_strs()[..] {
                    [] => false,
                    [word] if word.eq_ignore_ascii_case("silent") => true,
                    _ => return Outcome::ShowUsage,
                };
                let muted = !cx.console().is_muted();
                cx.console().set_muted(muted);
                match (silent, muted) {
                    (true, _) => {}
                    (false, true) => cx.print("Console is muted.\n"),
                    (false, false) => cx.print("Console is not muted anymore.\n"),
                }
                Outcome::Success
            },
        )),
        cli.register(
            command(
                "logger set level",
                "Show or hide a level on this console",
                "Usage: logger set level <level> {on|off}\n       \
                 Shows or hides the messages of one level on this console.\n",
                move |cx| {
                    let [name, state] = cx.args else { return Outcome::ShowUsage };
                    let on = match state.to_ascii_lowercase().as_str() {
                        "on" => true,
                        "off" => false,
                        _ => return Outcome::ShowUsage,
                    };
                    let Some(level) = set_level.find_level(name) else {
                        cx.print(&format!("There is no level '{name}'.\n"));
                        return Outcome::Failure;
                    };
                    cx.console().set_level(level, on);
                    let state = if on { "on" } else { "off" };
                    // The output of a command does not fail.
                    let _ = writeln!(cx, "Level {} is {state} on this console.", name.to_ascii_uppercase());
                    Outcome::Success
                },
            )
            .completing(move |args, _| match args {
                [] => names.level_names(),
                [_] => vec!["on".to_owned(), "off".to_owned()],
                _ => Vec::new(),
            }),
        ),
    ]
}

fn tell(cx: &mut Invocation<'_>, answer: Answer) -> Outcome {
    cx.print(&answer.text);
    if answer.ok { Outcome::Success } else { Outcome::Failure }
}

#[cfg(test)]
mod tests;
