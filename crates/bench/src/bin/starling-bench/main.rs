//! Measures how fast a change of one extension reaches everybody who watches it, and what a hundred
//! thousand hints cost.
//!
//! Starts the built server from beside this program. For the first section (`--only notify`) it
//! subscribes simulated phones over the loopback interface, changes the extension's state again and
//! again, and measures in the same run what the machine can do without SIP. For the second (`--only
//! hints`) it loads, reloads and changes dialplans of two sizes. For the third (`--only digest`) phones
//! renew subscriptions with and without passwords; for the fourth (`--only register`) they register and
//! are asked whether they are there. For the fifth (`--only modules`) it calls a module's code; for the
//! sixth (`--only peers`) phones with passwords register and subscribe, at Kamailio too if it is
//! installed. `docs/performance.md` explains the numbers.

mod digest;
mod hints;
mod measure;
mod modules;
mod peers;
mod register;
mod report;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bench::Interrupt;
use clap::{Parser, ValueEnum};

use crate::measure::{Plan, measure};

/// Measure how fast a change of one extension reaches everybody who watches it, and what hints and
/// registrations cost.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// The only section to measure; all if not given
    #[arg(long, value_enum)]
    only: Option<Section>,
    /// Phones that watch the extension
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    watchers: u32,
    /// Changes of the extension's state
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
    /// Times that dialplans are loaded
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    loads: u32,
    /// Just look whether it works: 500 watchers, 4 rounds; 1,000 and 10,000 hints, 1 load;
    /// 500 registrations
    #[arg(long, conflicts_with_all = ["watchers", "rounds", "loads"])]
    quick: bool,
    /// Threads of the phones; half of the cores if not given
    #[arg(long)]
    threads: Option<usize>,
    /// File for the results [default: ../bench/results.md beside this program]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A section of the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// One change, many watchers
    Notify,
    /// Many hints: load, reload, memory
    Hints,
    /// Subscriptions with passwords
    Digest,
    /// Many phones: REGISTER, and OPTIONS to their contacts
    Register,
    /// A call into a module's file
    Modules,
    /// REGISTER and SUBSCRIBE with passwords, beside Kamailio
    Peers,
}

impl Args {
    fn includes(&self, section: Section) -> bool {
        self.only.is_none_or(|only| only == section)
    }

    fn hints_plan(&self) -> hints::Plan {
        match self.quick {
            true => hints::Plan { sizes: [1_000, 10_000], rounds: 1 },
            false => hints::Plan { sizes: [10_000, 100_000], rounds: self.loads },
        }
    }

    fn digest_plan(&self) -> digest::Plan {
        let Plan { watchers, rounds, threads } = self.plan();
        digest::Plan { phones: watchers, rounds: rounds.min(5), threads }
    }

    fn register_plan(&self) -> register::Plan {
        match self.quick {
            true => register::Plan { phones: 500, frequency: 4 },
            false => register::Plan { phones: 25_000, frequency: 60 },
        }
    }

    fn peers_plan(&self) -> peers::Plan {
        let Plan { watchers, threads, .. } = self.plan();
        let rounds = if self.quick { 1 } else { 3 };
        peers::Plan { phones: watchers, rounds, refreshes: 3, threads }
    }

    fn plan(&self) -> Plan {
        let (watchers, rounds) = if self.quick { (500, 4) } else { (self.watchers, self.rounds) };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Plan { watchers: watchers as usize, rounds, threads: self.threads.unwrap_or(cores / 2).max(1) }
    }

    /// `target/bench/results.md` for a program in `target/release`.
    fn output(&self) -> std::io::Result<PathBuf> {
        if let Some(path) = &self.output {
            return Ok(path.clone());
        }
        let program = std::env::current_exe()?;
        let target = program.parent().and_then(|directory| directory.parent());
        Ok(target.unwrap_or(&program).join("bench/results.md"))
    }
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("starling-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Gives whether every lamp, and every hint, was right.
fn run(args: &Args) -> Result<bool, Box<dyn std::error::Error>> {
    let interrupt = Interrupt::listen()?;
    let output = args.output()?;
    let (mut sections, mut faults) = (Vec::new(), Vec::new());
    if args.includes(Section::Notify) {
        let results = measure(args.plan(), &interrupt)?;
        sections.push(report::markdown(&results));
        faults.extend(results.faults());
    }
    if args.includes(Section::Hints) {
        let results = hints::measure(args.hints_plan(), &interrupt)?;
        sections.push(hints::markdown(&results));
        faults.extend(results.faults);
    }
    if args.includes(Section::Digest) {
        let results = digest::measure(args.digest_plan(), &interrupt)?;
        sections.push(digest::markdown(&results));
        faults.extend(results.faults());
    }
    if args.includes(Section::Register) {
        let results = register::measure(args.register_plan(), &interrupt)?;
        sections.push(register::markdown(&results));
        faults.extend(results.faults);
    }
    if args.includes(Section::Modules) {
        sections.push(modules::markdown(&modules::measure(if args.quick { 3 } else { 101 })?));
    }
    if args.includes(Section::Peers) {
        let results = peers::measure(args.peers_plan(), &interrupt)?;
        sections.push(peers::markdown(&results));
        faults.extend(results.faults);
    }
    let text = sections.join("\n");
    std::io::stdout().write_all(text.as_bytes())?;
    if let Some(directory) = output.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(&output, &text)?;
    println!("\nWritten to {}.", output.display());
    for fault in &faults {
        eprintln!("starling-bench: {fault}");
    }
    Ok(faults.is_empty())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn quick_is_small() {
        let args = Args::try_parse_from(["starling-bench", "--quick"]).unwrap();
        assert_eq!(args.plan().watchers, 500);
        assert_eq!(args.hints_plan().sizes, [1_000, 10_000]);
        assert!(Args::try_parse_from(["starling-bench", "--watchers", "0"]).is_err());
    }
    #[test]
    fn one_section_can_be_had_alone() {
        let args = Args::try_parse_from(["starling-bench", "--only", "hints"]).unwrap();
        assert!(args.includes(Section::Hints) && !args.includes(Section::Notify));
    }
}
