//! `pjsip set history`, `pjsip show history`.

use std::sync::Arc;

use cli::{Cli, CommandGuard, Invocation, Outcome, command};
use res_pjsip::history::{Filter, History, show, show_entry};

use super::print;

/// Registers the commands.
pub(crate) fn register(cli: &Cli, history: &Arc<History>) -> Vec<CommandGuard> {
    let (switch, shown) = (history.clone(), history.clone());
    vec![
        cli.register(command(
            "pjsip set history {on|off|clear}",
            "Keep SIP packets, or forget them",
            "Usage: pjsip set history on|off|clear\n       Keeps the last SIP packets in memory, stops keeping them, \
             or forgets them.\n",
            move |cx| match cx.arg_strs()[..] {
                ["on"] => {
                    switch.set(true);
                    print(cx, "PJSIP history enabled\n")
                }
                ["off"] => {
                    switch.set(false);
                    print(cx, "PJSIP history disabled\n")
                }
                ["clear"] => {
                    switch.clear();
                    print(cx, "PJSIP history cleared\n")
                }
                _ => Outcome::ShowUsage,
            },
        )),
        cli.register(
            command(
                "pjsip show history",
                "Show the SIP packets that were kept",
                "Usage: pjsip show history\n       pjsip show history entry NUMBER\n       \
                 pjsip show history where EXPRESSION\n       \
                 Shows the packets kept since `pjsip set history on`: a line each, one as it was, or those\n       \
                 that an expression fits. Fields: number, timestamp, addr, sip.msg.request.method,\n       \
                 sip.msg.call-id. Operators: = != < <= > >= like and or not ( ).\n       \
                 Example: pjsip show history where number > 5 and sip.msg.request.method = NOTIFY\n",
                move |cx| history_of(cx, &shown),
            )
            .completing(|args, _| {
                let words: &[&str] = match args {
                    [] => &["entry", "where"],
                    [first, .., last] if first == "where" && is_field(last) => {
                        &["=", "!=", "<", "<=", ">", ">=", "like"]
                    }
                    [first, ..] if first == "where" => &FIELDS,
                    _ => &[],
                };
                words.iter().map(|word| (*word).to_owned()).collect()
            }),
        ),
    ]
}

const FIELDS: [&str; 5] = ["number", "timestamp", "addr", "sip.msg.request.method", "sip.msg.call-id"];

fn is_field(word: &str) -> bool {
    FIELDS.contains(&word.trim_start_matches('('))
}

fn history_of(cx: &mut Invocation<'_>, history: &History) -> Outcome {
    match cx.arg_strs()[..] {
        [] => print(cx, &show(&history.entries(), None)),
        ["entry", number] => {
            match number.parse().ok().and_then(|number| show_entry(&history.entries(), number)) {
                Some(text) => print(cx, &text),
                None => fail(cx, &format!("There is no entry {number}\n")),
            }
        }
        ["where", ref words @ ..] if !words.is_empty() => match Filter::parse(words) {
            Ok(filter) => print(cx, &show(&history.entries(), Some(&filter))),
            Err(error) => fail(cx, &format!("{error}\n")),
        },
        _ => Outcome::ShowUsage,
    }
}

fn fail(cx: &mut Invocation<'_>, message: &str) -> Outcome {
    cx.print(message);
    Outcome::Failure
}
