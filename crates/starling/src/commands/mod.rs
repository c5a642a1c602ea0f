//! The commands of the server. Those of a module are registered while it is loaded.

pub(crate) mod core;
pub(crate) mod devstate;
pub(crate) mod dialplan;
pub(crate) mod explain;
pub(crate) mod functions;
pub(crate) mod history;
pub(crate) mod module;
pub(crate) mod notify;
pub(crate) mod pjsip;
pub(crate) mod presencestate;

use cli::Outcome;

/// `ShowUsage` unless there are no arguments.
fn no_arguments(cx: &cli::Invocation<'_>) -> Result<(), Outcome> {
    if cx.args.is_empty() { Ok(()) } else { Err(Outcome::ShowUsage) }
}

/// The answer of a command that prints a text.
fn print(cx: &mut cli::Invocation<'_>, text: &str) -> Outcome {
    cx.print(text);
    Outcome::Success
}

/// The answer of a command whose text says how it went.
fn answer(cx: &mut cli::Invocation<'_>, output: &::dialplan::cli::Output) -> Outcome {
    cx.print(&output.text);
    if output.failed { Outcome::Failure } else { Outcome::Success }
}
