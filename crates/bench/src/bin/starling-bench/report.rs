//! The results as a page of Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use bench::Spread;

use crate::measure::{Change, Plan, Results};

/// The page; every number with its unit.
pub(crate) fn markdown(results: &Results) -> String {
    let Results { plan: Plan { watchers, rounds, threads }, machine, version, counts, .. } = results;
    let mut page = Page(String::new());
    page.line(&format!("# One change, {watchers} watchers\n"));
    page.line(&format!("- Machine: {machine}; server, phones and benchmark share it"));
    page.line(&format!("- Versions: {version}; starling-bench {}", env!("CARGO_PKG_VERSION")));
    page.line(&format!("- UDP over loopback, {rounds} rounds, phones on {threads} thread(s)\n"));

    page.line("| | median | min | max |\n| --- | ---: | ---: | ---: |");
    page.spread("first NOTIFY to last answer, ms", results, 1, |c| ms(c.from_first));
    page.spread("command to last answer, ms", results, 1, |c| ms(c.from_command));
    page.spread("NOTIFYs answered per second", results, 0, |c| c.rate(*watchers));
    page.spread("raw limit: exchanges per second", results, 0, |c| c.raw.rate());
    page.spread("share of the raw limit, %", results, 0, |c| c.rate(*watchers) / c.raw.rate() * 100.0);

    page.line("\n| | |\n| --- | ---: |");
    let rate = *watchers as f64 / results.subscribing.as_secs_f64();
    page.value("new subscriptions per second", &format!("{rate:.0}"));
    let grown = results.subscribed.resident.saturating_sub(results.before.resident);
    page.value("server memory per subscription, bytes", &format!("{:.0}", grown as f64 / *watchers as f64));
    let subscribing = results.subscribed.cpu - results.before.cpu;
    page.value("server CPU per 1,000 subscriptions, ms", &per_thousand(subscribing, *watchers as u64));
    page.value("server CPU per 1,000 NOTIFYs, ms", &per_thousand(results.server_cpu, results.notifies()));
    page.value("phones' CPU per 1,000 NOTIFYs, ms", &per_thousand(results.phones_cpu, results.notifies()));
    let mean = |bytes: u64| (bytes / (counts.notifies + counts.repeated).max(1)).to_string();
    page.value("bytes of a NOTIFY", &mean(counts.notify_bytes));
    page.value("bytes of its answer", &mean(counts.answer_bytes));
    page.value("NOTIFYs answered", &counts.notifies.to_string());
    page.value("NOTIFYs that came again", &counts.repeated.to_string());
    page.value("SUBSCRIBEs sent again", &counts.resent.to_string());
    page.value("datagrams lost at the phones", &results.dropped.0.to_string());
    page.value("datagrams lost at the server", &results.dropped.1.to_string());
    let raw_lost: usize = results.changes.iter().map(|change| change.raw.lost).sum();
    page.value("datagrams lost in the raw exchanges", &raw_lost.to_string());
    page.value("CPU used by other programs meanwhile, %", &format!("{:.0}", results.others * 100.0));
    page.value("lamps wrong at the end", &results.wrong_at_end.to_string());
    page.0
}

impl Change {
    fn rate(&self, watchers: usize) -> f64 {
        watchers as f64 / self.from_first.as_secs_f64()
    }
}

struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn value(&mut self, name: &str, value: &str) {
        self.line(&format!("| {name} | {value} |"));
    }

    fn spread(&mut self, name: &str, results: &Results, digits: usize, of: impl Fn(&Change) -> f64) {
        if let Some(Spread { median, min, max }) = Spread::of(results.changes.iter().map(of)) {
            // Writing to a String cannot fail.
            let _ = writeln!(self.0, "| {name} | {median:.digits$} | {min:.digits$} | {max:.digits$} |");
        }
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn per_thousand(time: Duration, count: u64) -> String {
    format!("{:.2}", ms(time) * 1000.0 / count.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bench::{Counts, Machine, RawLimit, Usage};

    use super::*;

    fn results() -> Results {
        let usage = |ms, resident| Usage { cpu: Duration::from_millis(ms), resident };
        let raw = RawLimit { exchanges: 1000, elapsed: Duration::from_millis(5), lost: 0 };
        let change = |ms| Change {
            from_command: Duration::from_millis(ms + 3),
            from_first: Duration::from_millis(ms),
            wrong: 0,
            raw,
        };
        Results {
            plan: Plan { watchers: 1000, rounds: 3, threads: 1 },
            machine: Machine { cores: 2, cpu: "Some CPU".into(), kernel: "6.1".into() },
            version: "Starling 0.1.0".into(),
            subscribing: Duration::from_millis(100),
            before: usage(0, 10_000_000),
            subscribed: usage(50, 11_000_000),
            changes: vec![change(10), change(20), change(40)],
            server_cpu: Duration::from_millis(30),
            phones_cpu: Duration::from_millis(15),
            others: 0.12,
            counts: Counts { notifies: 4000, repeated: 1, notify_bytes: 4_001_000, ..Counts::default() },
            first_counts: Counts { notifies: 1000, ..Counts::default() },
            dropped: (0, 0),
            wrong_at_end: 0,
        }
    }

    #[test]
    fn numbers_are_what_was_measured() {
        let page = markdown(&results());
        for line in [
            "- Machine: 2 cores, Some CPU, Linux 6.1;",
            "| first NOTIFY to last answer, ms | 20.0 | 10.0 | 40.0 |",
            "| command to last answer, ms | 23.0 | 13.0 | 43.0 |",
            "| NOTIFYs answered per second | 50000 | 25000 | 100000 |",
            "| raw limit: exchanges per second | 200000 | 200000 | 200000 |",
            "| share of the raw limit, % | 25 | 12 | 50 |",
            "| new subscriptions per second | 10000 |",
            "| server memory per subscription, bytes | 1000 |",
            "| server CPU per 1,000 NOTIFYs, ms | 10.00 |",
            "| bytes of a NOTIFY | 1000 |",
            "| NOTIFYs that came again | 1 |",
            "| CPU used by other programs meanwhile, % | 12 |",
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
    }

    #[test]
    fn a_wrong_lamp_is_a_fault() {
        let mut results = results();
        assert!(results.faults().is_empty());
        results.wrong_at_end = 2;
        results.changes[1].wrong = 1;
        assert_eq!(results.faults(), ["round 2: 1 lamps are wrong", "2 lamps are wrong at the end"]);
    }
}
