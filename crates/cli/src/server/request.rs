//! What a client of the control socket can ask for.

/// Begins a command whose end the client wants to know, with its status.
pub(crate) const RUN: &str = "_RUN ";
/// Begins a question for completions.
pub(crate) const COMPLETE: &str = "_COMMAND MATCHESARRAY ";
/// Ends the answer to it.
pub(crate) const END_OF_MATCHES: &str = "_EOF_";
/// After the output of a [`RUN`] that did what was asked.
pub(crate) const OK: &str = "\0ok\n";
/// After the output of one that did not.
pub(crate) const FAILED: &str = "\0failed\n";

const COUNT: &str = "_COMMAND NUMMATCHES ";
const QUIT_AFTER: &str = "cli quit after ";

/// One request, without its NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    /// A command line.
    Run(&'a str),
    /// A command line whose status follows.
    RunWithStatus(&'a str),
    /// A command line, then close.
    RunAndQuit(&'a str),
    /// How this line could go on.
    Complete(&'a str),
    /// How many completions there are.
    CountCompletions(&'a str),
    /// Close.
    Quit,
}

impl<'a> Request<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let text = text.trim_end_matches(['\r', '\n']);
        if let Some(line) = strip(text, RUN) {
            Request::RunWithStatus(line)
        } else if let Some(line) = strip(text, QUIT_AFTER) {
            Request::RunAndQuit(line)
        } else if let Some(line) = strip(text, COMPLETE).and_then(line_of) {
            Request::Complete(line)
        } else if let Some(line) = strip(text, COUNT).and_then(line_of) {
            Request::CountCompletions(line)
        } else if ["quit", "exit"].iter().any(|word| text.trim().eq_ignore_ascii_case(word)) {
            Request::Quit
        } else {
            Request::Run(text)
        }
    }
}

/// `text` after `prefix` in any case.
fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..)).flatten()
}

/// The line in `"line" "word"`. Clients do not escape quotes inside it, so it ends at the last `" "`; the word repeats
/// its end and tells nothing new.
fn line_of(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    Some(inside.rsplit_once("\" \"")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let quoted = r#"_COMMAND MATCHESARRAY "devstate change "Custom:a" IN" "IN""#;
        assert_eq!(Request::parse(quoted), Request::Complete(r#"devstate change "Custom:a" IN"#));
        assert_eq!(Request::parse(r#"_command nummatches "core " """#), Request::CountCompletions("core "));
        assert_eq!(
            Request::parse("cli quit after core show version"),
            Request::RunAndQuit("core show version")
        );
        assert_eq!(Request::parse("_RUN core show version\n"), Request::RunWithStatus("core show version"));
        assert_eq!(Request::parse("core show version\r\n"), Request::Run("core show version"));
        assert_eq!(Request::parse("QUIT"), Request::Quit);
        assert_eq!(Request::parse("_COMMAND MATCHESARRAY core"), Request::Run("_COMMAND MATCHESARRAY core"));
    }
}
