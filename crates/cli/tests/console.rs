//! Consoles on a real terminal: this test runs itself again as the console's process, on a pseudo terminal.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

mod common;

use std::env;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use cli::remote::{self, ConsoleOptions};
use common::{LONG, bench};
use nix::pty::{Winsize, openpty};
use tracing_subscriber::layer::SubscriberExt;

/// Tells this program what console to be.
const ROLE: &str = "STARLING_TEST_CONSOLE";

/// Not a test by itself: the process in which a console runs.
#[test]
fn console_process() {
    let Some(role) = env::var_os(ROLE) else {
        return;
    };
    if role == "local" {
        let _terminal = cli::console::Terminal::save();
        let bench = bench();
        let ended = cli::console::local(bench.cli.clone(), &bench.logger, "pbx");
        println!("The console ended: {ended:?}");
    } else {
        let options = ConsoleOptions {
            reconnect: env::var_os("RECONNECT").is_some(),
            verbose: 3,
            ..Default::default()
        };
        remote::console(Path::new(&role), &options).unwrap();
        println!("The console was left");
    }
}

fn console_command(role: &Path, home: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "console_process", "--nocapture"]);
    command.env(ROLE, role).env("HOME", home).env("TERM", "xterm");
    command
}

/// A console and its terminal.
struct Screen {
    child: Child,
    keys: File,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Screen {
    fn open(mut command: Command) -> Self {
        let size = Winsize { ws_row: 40, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).unwrap();
        let slave = || Stdio::from(pty.slave.try_clone().unwrap());
        let child = command.stdin(slave()).stdout(slave()).stderr(slave()).spawn().unwrap();
        let keys = File::from(pty.master);
        let mut master = keys.try_clone().unwrap();
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = master.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Screen { child, keys, output, seen: String::new() }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for text after what was waited for before.
    fn expect(&mut self, text: &str) {
        loop {
            if let Some(position) = self.seen.find(text) {
                self.seen.drain(..position + text.len());
                return;
            }
            match self.output.recv_timeout(LONG) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("no {text:?} ({error}) in {:?}", self.seen),
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_remote_console() {
    let mut bench = bench();
    let layer = bench.layer.take().unwrap();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let mut screen = Screen::open(console_command(&bench.socket, bench.socket.parent().unwrap()));
    screen.expect(&format!(
        "Connected to Starling 0.1.0 currently running on pbx (pid = {})",
        std::process::id()
    ));
    screen.expect("pbx*CLI> ");
    screen.press("core pi\t");
    screen.expect("core ping ");
    screen.press("\r");
    screen.expect("pong");
    screen.expect("pbx*CLI> ");
    screen.press("core set verbose 3\r");
    screen.expect("Console verbose is still 3.");
    screen.expect("pbx*CLI> ");
    tracing::info!(verbose = 3, "above the prompt");
    screen.expect("    -- above the prompt");
    screen.expect("pbx*CLI> ");
    screen.press("!echo from the $((1 + 1))nd shell\r");
    screen.expect("from the 2nd shell");
    screen.expect("pbx*CLI> ");
    screen.press("quit\r");
    screen.expect("The console was left");
    let history = std::fs::read_to_string(bench.socket.parent().unwrap().join(".starling_history")).unwrap();
    assert!(history.contains("core ping \ncore set verbose 3\n"), "{history}");
}

#[test]
fn a_remote_console_comes_back_with_the_server() {
    let mut bench = bench();
    let mut command = console_command(&bench.socket, bench.socket.parent().unwrap());
    command.env("RECONNECT", "1");
    let mut screen = Screen::open(command);
    screen.expect("pbx*CLI> ");
    bench.stop();
    screen.expect("Disconnected from the server");
    bench.start();
    screen.expect("Connected to Starling 0.1.0");
    screen.press("core ping\r");
    screen.expect("pong");
}

#[test]
fn without_reconnection_the_console_ends_with_the_server() {
    let mut bench = bench();
    let mut screen = Screen::open(console_command(&bench.socket, bench.socket.parent().unwrap()));
    screen.expect("pbx*CLI> ");
    bench.stop();
    screen.expect("Disconnected from the server");
    assert_eq!(screen.child.wait().unwrap().code(), Some(1));
}

#[test]
fn the_servers_own_console_does_not_stop_it() {
    let home = tempfile::tempdir().unwrap();
    let mut screen = Screen::open(console_command(Path::new("local"), home.path()));
    screen.expect("pbx*CLI> ");
    for keys in ["quit\r", "exit\r", "\u{4}"] {
        screen.press(keys);
        screen.expect("'core stop now' stops the server.");
        screen.expect("pbx*CLI> ");
    }
    screen.press("core ping\r");
    screen.expect("pong");
    screen.expect("pbx*CLI> ");
    screen.press("\u{3}");
    screen.expect("The console ended: Interrupted");
}

#[test]
fn without_a_terminal_the_console_ends_and_does_not_spin() {
    let home = tempfile::tempdir().unwrap();
    let output = console_command(Path::new("local"), home.path()).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("The console ended: InputGone"), "{text}");

    let mut command = console_command(Path::new("local"), home.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"core ping\nquit\n").unwrap();
    let text = String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).into_owned();
    assert!(text.contains("pong\nThis console is the server's own."), "{text}");
}
