//! An office to look at: twenty extensions, forty phones that watch them, and a table of every lamp.
//!
//! Starts the built server from beside this program and changes the extensions' states at random
//! through its control socket. In a terminal the table is live until `q`; otherwise the office runs
//! for some seconds, and the exit code says whether every lamp was right at the end.

mod office;
mod screen;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bench::Interrupt;
use clap::Parser;

use crate::office::DemoOffice;
use crate::screen::{Screen, table};

/// How long the last change may take to reach every lamp.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at the keyboard.
const LOOK: Duration = Duration::from_millis(20);

/// The server, forty phones and a live table of their lamps; q quits.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Seconds to run when the output is not a terminal
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Changes of state per second
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=50))]
    rate: u64,
    /// Which changes are made; a random number if not given
    #[arg(long)]
    seed: Option<u64>,
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(wrong) => {
            eprintln!("starling-demo: {wrong} lamps are wrong");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("starling-demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Gives the number of lamps that were wrong at the end.
fn run(args: &Args) -> Result<usize> {
    let interrupt = Interrupt::listen()?;
    let seed = args.seed.unwrap_or_else(office::any_seed);
    let mut office = DemoOffice::open(seed, Duration::from_micros(1_000_000 / args.rate))?;
    if std::io::stdout().is_terminal() {
        watch(&mut office, &interrupt)?;
    } else {
        let end = Instant::now() + Duration::from_secs(args.seconds);
        while Instant::now() < end && !interrupt.is_set() {
            office.turn(LOOK)?;
        }
    }
    let wrong = office.settle(PATIENCE)?;
    print!("{}", table(&office));
    office.close()?;
    Ok(wrong)
}

/// Shows the table until somebody quits.
fn watch(office: &mut DemoOffice, interrupt: &Interrupt) -> Result<()> {
    let mut screen = Screen::open()?;
    while !screen.quits()? && !interrupt.is_set() {
        office.turn(LOOK)?;
        screen.show(office)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }
}
