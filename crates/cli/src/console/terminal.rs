//! Leaving the terminal as it was.

use std::io::stdin;

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

/// The terminal's settings, set again when this is dropped: a process that ends while a console waits for a key would
/// leave the terminal without echo.
#[derive(Debug)]
pub struct Terminal {
    settings: Termios,
}

impl Terminal {
    /// The settings of standard input now; `None` if it is not a terminal.
    pub fn save() -> Option<Self> {
        tcgetattr(stdin()).ok().map(|settings| Terminal { settings })
    }

    /// Sets them again.
    pub fn restore(&self) {
        // A terminal that is gone needs no settings.
        let _ = tcsetattr(stdin(), SetArg::TCSANOW, &self.settings);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}
