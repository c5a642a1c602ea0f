use std::fmt::Write as _;

use super::*;
use crate::command::command;

/// A command that prints its own words and its arguments.
fn echo(words: &'static str) -> impl Command {
    command(words, format!("About {words}"), format!("Usage: {words} [<thing>]"), move |cx| {
        let args = cx.args.join("|");
        let _ = writeln!(cx, "{words}: {args}");
        match cx.args.last().map(String::as_str) {
            Some("fail") => Outcome::Failure,
            Some("usage") => Outcome::ShowUsage,
            Some("panic") => panic!("as a test"),
            _ => Outcome::Success,
        }
    })
}

fn with(words: &[&'static str]) -> (Arc<Cli>, Vec<CommandGuard>) {
    let cli = Cli::new();
    let guards = words.iter().map(|words| cli.register(echo(words))).collect();
    (cli, guards)
}

fn run(cli: &Cli, line: &str) -> (String, bool) {
    let Reply { text, ok } = cli.run(line, &Session::detached());
    (text, ok)
}

fn said(text: &str, ok: bool) -> (String, bool) {
    (text.to_owned(), ok)
}

#[test]
fn the_longest_match_runs() {
    let (cli, _guards) = with(&["module", "module show", "module show like"]);
    assert_eq!(run(&cli, "module show like pidf"), said("module show like: pidf\n", true));
    assert_eq!(run(&cli, "Module SHOW lik pidf"), said("module show: lik|pidf\n", true));
    assert_eq!(run(&cli, "  module  load \"a b\" "), said("module: load|a b\n", true));
}

#[test]
fn failures_and_wrong_use_say_so() {
    let (cli, _guards) = with(&["module load"]);
    let failed = "module load: a b|fail\nCommand 'module load  \"a b\" fail' failed.\n";
    assert_eq!(run(&cli, " module load  \"a b\" fail"), said(failed, false));
    assert_eq!(
        run(&cli, "module load usage"),
        said("module load: usage\nUsage: module load [<thing>]\n", false)
    );
    assert_eq!(
        run(&cli, "module load panic"),
        said("module load: panic\nCommand 'module load panic' failed.\n", false)
    );
    assert_eq!(run(&cli, "module load again"), said("module load: again\n", true));
    assert_eq!(run(&cli, "   "), said("", true));
    let long = format!("module load{}", " x".repeat(63));
    assert_eq!(run(&cli, &long), said("A command has at most 64 words; this one has 65.\n", false));
}

#[test]
fn unknown_commands_point_to_help() {
    let (cli, _guards) = with(&["core show hints", "core show hint"]);
    for (line, close) in [
        ("nosuch", "nosuch"),
        ("nosuch thing", "nosuch"),
        ("core shoe hint", "core shoe"),
        ("core show", "core show"),
        ("core show hin 1", "core show hin"),
    ] {
        let text =
            format!("No such command '{line}' (type 'core show help {close}' for other possible commands)\n");
        assert_eq!(run(&cli, line), (text, false));
    }
    for (line, hint) in [("help", "core show help"), ("HELP core shoe", "core show help core shoe")] {
        let text = format!("No such command '{line}' (type '{hint}' for other possible commands)\n");
        assert_eq!(run(&cli, line), (text, false));
    }
}

#[test]
fn a_command_without_its_alternative_shows_its_usage() {
    let (cli, _guards) =
        with(&["pjsip set history {on|off}", "core set x {a} y", "core show uptime [seconds]"]);
    let usage = "Usage: pjsip set history {on|off} [<thing>]\n";
    assert_eq!(run(&cli, "PJSIP set history"), said(usage, false));
    for line in ["pjsip set", "pjsip set history nosuch", "core show"] {
        assert!(run(&cli, line).0.starts_with("No such command"), "{line}");
    }
    assert_eq!(run(&cli, "core show uptime"), said("core show uptime [seconds]: \n", true));
}

#[test]
fn a_command_is_there_as_long_as_its_guard() {
    let (cli, guards) = with(&["module show"]);
    let newer = cli.register(command("module show", "", "", |cx| {
        cx.print("newer\n");
        Outcome::Success
    }));
    assert_eq!(run(&cli, "module show"), said("newer\n", true));
    drop(newer);
    assert_eq!(run(&cli, "module show"), said("module show: \n", true));
    drop(guards);
    assert!(!run(&cli, "module show").1);
    assert!(cli.complete("mod").is_empty());
}

#[test]
fn completion_of_words_and_arguments() {
    let (cli, _guards) = with(&["core show hint", "core show hints", "_hidden"]);
    let hint = command("core show hints", "", "", |_| Outcome::Success).completing(|args, _| {
        if args.is_empty() { vec!["1000".into(), "1001".into(), "2000".into()] } else { vec![] }
    });
    let _hint = cli.register(hint);
    let _set = cli.register(echo("pjsip set logger {on|off|host}"));
    assert_eq!(cli.complete(""), ["core", "pjsip"]);
    assert_eq!(cli.complete("co"), ["core"]);
    assert_eq!(cli.complete("core show h"), ["help", "hint", "hints"]);
    assert_eq!(cli.complete("CORE SHOW H"), ["help", "hint", "hints"]);
    assert_eq!(cli.complete("core show hints "), ["1000", "1001", "2000"]);
    assert_eq!(cli.complete("core show hints 10"), ["1000", "1001"]);
    assert!(cli.complete("core show hints 1000 ").is_empty());
    assert_eq!(cli.complete("pjsip set logger o"), ["off", "on"]);
    assert_eq!(cli.complete("core show help core sh"), ["show"]);
    assert!(cli.complete("nosuch ").is_empty());
}

#[test]
fn help_lists_and_explains() {
    let (cli, _guards) = with(&["core show hint", "core show hints", "pjsip set logger {on|off}", "_hidden"]);
    let row = |words: &str| format!("{words:<30} -- About {words}\n");
    assert_eq!(
        run(&cli, "core show help").0,
        format!(
            "{:<30} -- Show what commands there are\n{}{}{}",
            "core show help",
            row("core show hint"),
            row("core show hints"),
            row("pjsip set logger {on|off}")
        )
    );
    assert_eq!(run(&cli, "core show help PJSIP set").0, row("pjsip set logger {on|off}"));
    assert_eq!(run(&cli, "core show help core show hint").0, "Usage: core show hint [<thing>]\n");
    let alternatives = "Usage: pjsip set logger {on|off} [<thing>]\n";
    assert_eq!(run(&cli, "core show help pjsip set logger").0, alternatives);
    assert_eq!(run(&cli, "core show help pjsip set logger on").0, alternatives);
    assert_eq!(run(&cli, "core show help nosuch").0, "No such command 'nosuch'.\n");
}

#[test]
fn commands_may_change_the_registry_while_they_run() {
    let cli = Cli::new();
    let inner = Arc::downgrade(&cli);
    let _guard = cli.register(command("module load", "", "", move |cx| {
        let Some(cli) = inner.upgrade() else {
            return Outcome::Failure;
        };
        let guard = cli.register(echo("loaded"));
        cx.print(&cli.run("loaded x", cx.session).text);
        drop(guard);
        Outcome::Success
    }));
    assert_eq!(run(&cli, "module load"), said("loaded: x\n", true));
}

proptest::proptest! {
    #[test]
    fn any_line_is_answered(line in "(?s).*") {
        let (cli, _guards) = with(&["core show hint", "module show [like]", "pjsip set logger {on|off}"]);
        let _ = cli.run(&line, &Session::detached());
        let _ = cli.complete(&line);
    }
}
