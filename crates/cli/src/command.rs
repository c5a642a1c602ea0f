//! What a command is, and what it is given when it runs.

use std::fmt;
use std::sync::Arc;

use logger::Console;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked.
    Success,
    /// It could not; what it printed says why. The CLI adds `Command '<line>' failed.`
    Failure,
    /// It was called in a wrong way: the CLI prints the usage text.
    ShowUsage,
}

/// A command of the CLI.
pub trait Command: Send + Sync {
    /// Its words: `core show hint`. `{a|b}` is one of several words, `[a|b]` one of several or none.
    fn words(&self) -> &str;

    /// One line for `core show help`.
    fn summary(&self) -> &str;

    /// The text that begins with `Usage: `.
    fn usage(&self) -> String;

    /// Runs it, on whatever thread; it may block.
    fn run(&self, cx: &mut Invocation<'_>) -> Outcome;

    /// Words that can stand in place of `partial` after the arguments `args`. What does not begin with `partial` is
    /// left out later.
    fn complete(&self, args: &[String], partial: &str) -> Vec<String> {
        let _ = (args, partial);
        Vec::new()
    }
}

impl<C: Command + ?Sized> Command for Arc<C> {
    fn words(&self) -> &str {
        (**self).words()
    }

    fn summary(&self) -> &str {
        (**self).summary()
    }

    fn usage(&self) -> String {
        (**self).usage()
    }

    fn run(&self, cx: &mut Invocation<'_>) -> Outcome {
        (**self).run(cx)
    }

    fn complete(&self, args: &[String], partial: &str) -> Vec<String> {
        (**self).complete(args, partial)
    }
}

/// Where a command's text goes, at once and in order.
pub trait Output {
    /// Takes text; lines end with a line feed.
    fn print(&mut self, text: &str);
}

impl Output for String {
    fn print(&mut self, text: &str) {
        self.push_str(text);
    }
}

/// Who gives commands.
#[derive(Clone, Debug)]
pub struct Session {
    console: Arc<Console>,
}

impl Session {
    /// Someone at this console.
    pub fn new(console: Arc<Console>) -> Self {
        Session { console }
    }

    /// A program: no log lines lead to it.
    pub fn detached() -> Self {
        Session::new(Console::detached())
    }

    /// The console's verbosity, mute and levels.
    pub fn console(&self) -> &Arc<Console> {
        &self.console
    }
}

/// One run of a command.
pub struct Invocation<'a> {
    /// What follows the command's words; if it has `{a|b}` or `[a|b]`, from there on.
    pub args: &'a [String],
    /// All words of the line, quotes taken away.
    pub words: &'a [String],
    /// The line as it was typed.
    pub line: &'a str,
    /// Who runs it.
    pub session: &'a Session,
    pub(crate) output: &'a mut dyn Output,
}

impl Invocation<'_> {
    /// Shows text to whoever runs the command, at once. `write!` and `writeln!` work too.
    pub fn print(&mut self, text: &str) {
        self.output.print(text);
    }

    /// The arguments as a slice that patterns like `["on"]` fit.
    pub fn arg_strs(&self) -> Vec<&str> {
        self.args.iter().map(String::as_str).collect()
    }

    /// The console of whoever runs it.
    pub fn console(&self) -> &Console {
        self.session.console()
    }
}

impl fmt::Write for Invocation<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.print(text);
        Ok(())
    }
}

type Run = Box<dyn Fn(&mut Invocation<'_>) -> Outcome + Send + Sync>;
type Complete = Box<dyn Fn(&[String], &str) -> Vec<String> + Send + Sync>;

/// A command made of closures, see [`command`].
pub struct Closure {
    words: String,
    summary: String,
    usage: String,
    run: Run,
    complete: Option<Complete>,
}

/// A command from a closure.
pub fn command(
    words: impl Into<String>,
    summary: impl Into<String>,
    usage: impl Into<String>,
    run: impl Fn(&mut Invocation<'_>) -> Outcome + Send + Sync + 'static,
) -> Closure {
    Closure {
        words: words.into(),
        summary: summary.into(),
        usage: usage.into(),
        run: Box::new(run),
        complete: None,
    }
}

impl Closure {
    /// The same command with completion of its arguments, as [`Command::complete`].
    #[must_use]
    pub fn completing(
        mut self,
        complete: impl Fn(&[String], &str) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.complete = Some(Box::new(complete));
        self
    }
}

impl Command for Closure {
    fn words(&self) -> &str {
        &self.words
    }

    fn summary(&self) -> &str {
        &self.summary
    }

    fn usage(&self) -> String {
        self.usage.clone()
    }

    fn run(&self, cx: &mut Invocation<'_>) -> Outcome {
        (self.run)(cx)
    }

    fn complete(&self, args: &[String], partial: &str) -> Vec<String> {
        self.complete.as_ref().map_or_else(Vec::new, |complete| complete(args, partial))
    }
}
