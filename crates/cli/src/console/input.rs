//! Lines from an operator: from a terminal with editing, history and completion, or from a pipe or a file.

use std::env;
use std::io::{self, BufRead, IsTerminal, Write, stdin, stdout};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, ExternalPrinter, Helper};

use crate::words::{Words, quoted};

/// How many lines the history keeps.
const HISTORY: usize = 1000;

/// What the lines are for.
pub(crate) trait Backend {
    /// Runs a command line and shows what it prints.
    fn run(&mut self, line: &str);

    /// `quit`, `exit` or the end of the input: whether the console ends.
    fn quit(&mut self) -> bool;
}

/// Why the lines have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Quit,
    InputGone,
    Interrupted,
}

/// Reads lines and does what they say until they end.
pub(crate) fn interact(input: &mut Input, prompt: &str, shell: bool, backend: &mut dyn Backend) -> End {
    loop {
        let line = match input.read(prompt) {
            Read::Line(line) => line,
            // On a terminal that is gone, every further read would say so at once.
            Read::Eof if input.is_gone() => return End::InputGone,
            Read::Eof if backend.quit() => return End::Quit,
            Read::Eof => continue,
            Read::Interrupted => return End::Interrupted,
            Read::Failed => return End::InputGone,
        };
        let line = line.trim();
        if let Some(command) = line.strip_prefix('!') {
            if shell {
                run_shell(command.trim());
            } else {
                input.printer().print("Shell commands are switched off.\n");
            }
        } else if ["quit", "exit"].iter().any(|word| line.eq_ignore_ascii_case(word)) {
            if backend.quit() {
                return End::Quit;
            }
        } else if !line.is_empty() {
            backend.run(line);
        }
    }
}

/// `!command`, or `!` alone for a shell.
fn run_shell(command: &str) {
    let mut shell = if command.is_empty() {
        Command::new(env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into()))
    } else {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(command);
        shell
    };
    if let Err(error) = shell.status() {
        eprintln!("The shell cannot be run: {error}");
    }
}

/// Gives what the last word of a line can become.
pub(crate) type Complete = Box<dyn Fn(&str) -> Vec<String> + Send>;

/// Where lines come from.
pub(crate) enum Input {
    Terminal { editor: Box<Editor<LineHelper, FileHistory>>, history: Option<PathBuf>, printer: Printer },
    Plain { printer: Printer },
}

enum Read {
    Line(String),
    Eof,
    Interrupted,
    Failed,
}

impl Input {
    /// An editor if this is a terminal, else plain lines.
    pub(crate) fn open(complete: Complete) -> Self {
        let plain = || Input::Plain { printer: Printer::new(print_directly) };
        if !stdin().is_terminal() || !stdout().is_terminal() {
            return plain();
        }
        Self::terminal(complete).unwrap_or_else(|error| {
            eprintln!("There is no line editing on this terminal: {error}");
            plain()
        })
    }

    fn terminal(complete: Complete) -> Result<Self, ReadlineError> {
        let config = Config::builder()
            .max_history_size(HISTORY)?
            .history_ignore_dups(true)?
            .completion_type(CompletionType::List)
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(LineHelper { complete }));
        let history = env::var_os("HOME").map(|home| PathBuf::from(home).join(".starling_history"));
        if let Some(path) = &history {
            // Missing the first time.
            let _ = editor.load_history(path);
        }
        let mut external = editor.create_external_printer()?;
        // Fails only with the terminal, which the next read notices.
        let printer = Printer::new(move |text| drop(external.print(text.to_owned())));
        Ok(Input::Terminal { editor: Box::new(editor), history, printer })
    }

    /// Prints above the prompt, from any thread.
    pub(crate) fn printer(&self) -> Printer {
        let (Input::Terminal { printer, .. } | Input::Plain { printer }) = self;
        printer.clone()
    }

    fn read(&mut self, prompt: &str) -> Read {
        match self {
            Input::Terminal { editor, history, .. } => match editor.readline(prompt) {
                Ok(line) => {
                    if editor.add_history_entry(line.as_str()).unwrap_or(false)
                        && let Some(path) = history
                    {
                        // A home that cannot be written to only costs the history.
                        let _ = editor.append_history(path);
                    }
                    Read::Line(line)
                }
                Err(ReadlineError::Eof) => Read::Eof,
                Err(ReadlineError::Interrupted) => Read::Interrupted,
                Err(_) => Read::Failed,
            },
            Input::Plain { .. } => {
                let mut bytes = Vec::new();
                match stdin().lock().read_until(b'\n', &mut bytes) {
                    Ok(1..) => Read::Line(String::from_utf8_lossy(&bytes).into_owned()),
                    Ok(0) => Read::Eof,
                    Err(_) => Read::Failed,
                }
            }
        }
    }

    /// Whether an end of the input is for good.
    fn is_gone(&self) -> bool {
        matches!(self, Input::Plain { .. }) || !stdin().is_terminal()
    }
}

type Print = dyn FnMut(&str) + Send;

/// Shows text, above the prompt if there is one.
#[derive(Clone)]
pub(crate) struct Printer {
    print: Arc<Mutex<Print>>,
}

impl Printer {
    fn new(print: impl FnMut(&str) + Send + 'static) -> Self {
        Printer { print: Arc::new(Mutex::new(print)) }
    }

    pub(crate) fn print(&self, text: &str) {
        if !text.is_empty() {
            (self.print.lock().unwrap_or_else(PoisonError::into_inner))(text);
        }
    }
}

fn print_directly(text: &str) {
    let mut out = stdout().lock();
    // An output that is closed is no reason to stop.
    let _: io::Result<()> = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Completion for the editor.
pub(crate) struct LineHelper {
    complete: Complete,
}

impl Completer for LineHelper {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let line = line.get(..position).unwrap_or(line);
        let mut found: Vec<_> = (self.complete)(line).iter().map(|word| quoted(word)).collect();
        if let [only] = &mut found[..] {
            only.push(' ');
        }
        Ok((Words::parse(line).last_start, found))
    }
}

impl Hinter for LineHelper {
    type Hint = String;
}

impl Highlighter for LineHelper {}
impl Validator for LineHelper {}
impl Helper for LineHelper {}
