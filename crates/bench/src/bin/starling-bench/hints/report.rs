//! The results as a section of Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use bench::Spread;

use super::{Results, Round, Size};

/// What one figure is, and what it must not exceed with the larger number of hints.
struct Row {
    name: &'static str,
    target: Option<f64>,
    of: fn(&Size, &Round) -> f64,
}

const ROWS: [Row; 9] = [
    row("load, ms", Some(1500.0), |_, round| ms(round.load.time)),
    row("load, ms of the server's CPU", None, |_, round| ms(round.load.cpu)),
    row("reload, nothing changed, ms", None, |_, round| ms(round.reload.time)),
    row("reload, nothing changed, ms of CPU", None, |_, round| ms(round.reload.cpu)),
    row("reload, one hint changed, ms", Some(1000.0), |_, round| ms(round.reload_changed.time)),
    row("reload, one hint changed, ms of CPU", None, |_, round| ms(round.reload_changed.cpu)),
    row("change of one device, µs", None, |_, round| ms(round.change) * 1000.0),
    row("memory beyond its strings, bytes a hint", Some(600.0), |size, round| size.beyond(round.booted)),
    row("the same after two reloads", None, |size, round| size.beyond(round.reloaded)),
];

const fn row(name: &'static str, target: Option<f64>, of: fn(&Size, &Round) -> f64) -> Row {
    Row { name, target, of }
}

/// The section; every number with its unit.
pub(crate) fn markdown(results: &Results) -> String {
    let Results { plan, machine, version, empty_boots, sizes: [small, large], .. } = results;
    let mut page = format!("# {} hints\n\n", large.hints);
    // Writing to a String cannot fail.
    let _ = writeln!(page, "- Machine: {machine}; server and benchmark share it");
    let _ = writeln!(page, "- Versions: {version}; starling-bench {}", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(page, "- {} rounds; a hint is `{}`", plan.rounds, super::office(1).extensions[0].1);
    if let Some(boot) = Spread::of(empty_boots.iter().map(|boot| ms(*boot))) {
        let _ = writeln!(page, "- Start without extensions: {:.0} ms, which load is beyond", boot.median);
    }
    let _ = write!(page, "\n| median (min to max) | {} hints | {} hints |", small.hints, large.hints);
    page.push_str(" growth | target |\n| --- | ---: | ---: | ---: | ---: |\n");
    for row in ROWS {
        if let (Some(before), Some(after)) = (row.spread(small), row.spread(large)) {
            let (growth, target) = (after.median / before.median, row.verdict(after.median));
            let (before, after) = (Row::text(before), Row::text(after));
            let _ = writeln!(page, "| {} | {before} | {after} | {growth:.1} | {target} |", row.name);
        }
    }
    page
}

impl Row {
    fn spread(&self, size: &Size) -> Option<Spread> {
        Spread::of(size.rounds.iter().map(|round| (self.of)(size, round)))
    }

    fn text(Spread { median, min, max }: Spread) -> String {
        format!("{median:.0} ({min:.0} to {max:.0})")
    }

    fn verdict(&self, value: f64) -> String {
        match self.target {
            None => String::new(),
            Some(target) if value <= target => format!("{target:.0}"),
            Some(target) => format!("{target:.0}, missed"),
        }
    }
}

impl Size {
    /// Bytes for each hint without the bytes of its strings.
    fn beyond(&self, memory: u64) -> f64 {
        (memory as f64 - self.strings as f64) / self.hints as f64
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use bench::Machine;

    use super::super::{Cost, Plan};
    use super::*;

    #[test]
    fn numbers_are_what_was_measured() {
        let cost = |ms| Cost { time: Duration::from_millis(ms), cpu: Duration::from_millis(ms / 2) };
        let size = |hints: usize, factor: u64| Size {
            hints,
            strings: 40 * hints,
            rounds: [1, 3, 2]
                .map(|round| Round {
                    load: cost(100 * factor * round),
                    reload: cost(60 * factor),
                    reload_changed: cost(70 * factor),
                    change: Duration::from_micros(90),
                    booted: 640 * hints as u64,
                    reloaded: 941 * hints as u64,
                })
                .to_vec(),
        };
        let page = markdown(&Results {
            plan: Plan { sizes: [10, 100], rounds: 3 },
            machine: Machine { cores: 2, cpu: "Some CPU".into(), kernel: "6.1".into() },
            version: "Starling 0.1.0".into(),
            empty_boots: vec![Duration::from_millis(20)],
            sizes: [size(10, 1), size(100, 10)],
            faults: Vec::new(),
        });
        for line in [
            "- Start without extensions: 20 ms, which load is beyond",
            "| median (min to max) | 10 hints | 100 hints | growth | target |",
            "| load, ms | 200 (100 to 300) | 2000 (1000 to 3000) | 10.0 | 1500, missed |",
            "| load, ms of the server's CPU | 100 (50 to 150) | 1000 (500 to 1500) | 10.0 |  |",
            "| reload, nothing changed, ms | 60 (60 to 60) | 600 (600 to 600) | 10.0 |  |",
            "| reload, one hint changed, ms | 70 (70 to 70) | 700 (700 to 700) | 10.0 | 1000 |",
            "| change of one device, µs | 90 (90 to 90) | 90 (90 to 90) | 1.0 |  |",
            "| memory beyond its strings, bytes a hint | 600 (600 to 600) | 600 (600 to 600) | 1.0 | 600 |",
            "| the same after two reloads | 901 (901 to 901) | 901 (901 to 901) | 1.0 |  |",
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
    }
}
