//! The console in the server's own process (`-c`), and what it shares with the remote console.
//!
//! At the prompt: TAB completes, arrows walk through the history (`~/.starling_history`), `!command` runs a
//! shell command. Log lines appear above the prompt.

mod input;
mod terminal;

pub(crate) use input::{Backend, End, Input, Printer, interact};
pub use terminal::Terminal;

use std::sync::Arc;

use logger::Logger;

use crate::command::{Output, Session};
use crate::registry::Cli;

/// Why a console in the foreground has ended. The server goes on either way, until told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There is no more input: it was a file or `/dev/null`, or the terminal is gone.
    InputGone,
    /// Ctrl-C at the prompt; as a signal would, it asks the server to stop.
    Interrupted,
}

/// Runs the console until there is no more input. Blocks: give it a thread of its own.
///
/// Hold a [`Terminal`] outside of that thread: the process may end while the console waits for a key.
pub fn local(cli: Arc<Cli>, logger: &Logger, host: &str) -> Ended {
    let completing = cli.clone();
    let mut input = Input::open(Box::new(move |line| completing.complete(line)));
    let printer = input.printer();
    let for_log = printer.clone();
    logger.set_sink(Some(Box::new(move |text| for_log.print(text))));
    let mut backend = Local { cli, session: Session::new(logger.root_console()), printer };
    let end = interact(&mut input, &prompt(host), true, &mut backend);
    logger.set_sink(None);
    match end {
        End::Interrupted => Ended::Interrupted,
        // `Local` never lets `quit` end the console.
        End::Quit | End::InputGone => Ended::InputGone,
    }
}

/// `HOST*CLI> `.
pub(crate) fn prompt(host: &str) -> String {
    format!("{host}*CLI> ")
}

/// Commands run here.
struct Local {
    cli: Arc<Cli>,
    session: Session,
    printer: Printer,
}

impl Backend for Local {
    fn run(&mut self, line: &str) {
        self.cli.run_to(line, &self.session, &mut self.printer);
    }

    fn quit(&mut self) -> bool {
        self.printer.print("This console is the server's own. 'core stop now' stops the server.\n");
        false
    }
}

impl Output for Printer {
    fn print(&mut self, text: &str) {
        Printer::print(self, text);
    }
}
