//! Subscriptions with passwords: what digest authentication costs.
//!
//! Every phone subscribes, and then renews its subscription in each round. With a password the first
//! SUBSCRIBE is challenged; the renewals bring their Authorization at once, counting the nonce. The same
//! without passwords is what it is compared with.

use std::fmt::Write as _;
use std::time::Duration;

use bench::{
    Counts, Fleet, Interrupt, Lamp, Machine, Office, Package, Server, Spread, Usage, Watch, password,
};
use sip::digest::Algorithm;

/// How long a subscription may take.
const PATIENCE: Duration = Duration::from_secs(20);
const SOCKETS: usize = 16;
const EXTENSION: &str = "1001";

/// What is to be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) phones: usize,
    pub(crate) rounds: u32,
    pub(crate) threads: usize,
}

/// What phones with one kind of password did.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) login: Option<Algorithm>,
    /// Until every phone had its first state: time and CPU time of the server.
    pub(crate) first: (Duration, Duration),
    /// Of each round of renewals, until every phone had its answer.
    pub(crate) rounds: Vec<(Duration, Duration)>,
    pub(crate) counts: Counts,
    /// Phones without a subscription in the end.
    pub(crate) unsettled: usize,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Results {
    plan: Plan,
    machine: Machine,
    version: String,
    kinds: Vec<Kind>,
}

impl Results {
    /// What must not be.
    pub(crate) fn faults(&self) -> Vec<String> {
        let phones = self.plan.phones as u64;
        let mut faults = Vec::new();
        for kind in &self.kinds {
            let name = name(kind.login);
            for (count, what) in [
                (kind.unsettled as u64, "phones have no subscription"),
                (kind.counts.unanswered, "SUBSCRIBEs were never answered"),
            ] {
                if count > 0 {
                    faults.push(format!("{name}: {count} {what}"));
                }
            }
            if kind.login.is_some() && kind.counts.challenged < phones {
                faults.push(format!("{name}: only {} of {phones} were challenged", kind.counts.challenged));
            }
        }
        faults
    }
}

/// Runs it all.
pub(crate) fn measure(plan: Plan, interrupt: &Interrupt) -> Result<Results, Box<dyn std::error::Error>> {
    let mut results = Results { plan, machine: Machine::this(), version: String::new(), kinds: Vec::new() };
    for login in [None, Some(Algorithm::Md5), Some(Algorithm::Sha256)] {
        if interrupt.is_set() {
            return Err("interrupted".into());
        }
        eprintln!("Subscribing {} phones, {} ...", plan.phones, name(login));
        let (kind, version) = measure_kind(plan, login)?;
        results.version = version;
        results.kinds.push(kind);
    }
    Ok(results)
}

fn measure_kind(plan: Plan, login: Option<Algorithm>) -> Result<(Kind, String), Box<dyn std::error::Error>> {
    let endpoints: Vec<String> = (0..plan.phones).map(|number| format!("phone{number}")).collect();
    let extensions = vec![(EXTENSION.into(), "Custom:lamp1".into())];
    let server =
        Server::start(&Office { extensions, endpoints: endpoints.clone(), login, ..Office::default() })?;
    let watch = |user: String| Watch {
        extension: EXTENSION.into(),
        package: Package::Presence,
        password: login.map(|_| password(&user)),
        user,
    };
    let watches = endpoints.into_iter().map(watch).collect();
    let fleet = Fleet::new(server.address(), watches, plan.threads, SOCKETS, Lamp::scan)?;
    let round = || {
        let before = Usage::of(server.pid())?.cpu;
        let time = fleet.subscribe(PATIENCE + Duration::from_micros(500) * plan.phones as u32)?;
        Ok::<_, Box<dyn std::error::Error>>((time, Usage::of(server.pid())?.cpu - before))
    };
    let first = round()?;
    let rounds = (0..plan.rounds).map(|_| round()).collect::<Result<_, _>>()?;
    let (unsettled, counts) = (fleet.unsettled()?.0, fleet.counts()?);
    let version = server.version()?;
    server.stop()?;
    Ok((Kind { login, first, rounds, counts, unsettled }, version))
}

/// The page; every number with its unit.
pub(crate) fn markdown(results: &Results) -> String {
    let Results { plan: Plan { phones, rounds, threads }, machine, version, kinds } = results;
    let mut page = format!(
        "# Subscriptions of {phones} phones with passwords\n\n\
         - Machine: {machine}; server, phones and benchmark share it\n\
         - Versions: {version}; starling-bench {}\n\
         - UDP over loopback, {rounds} rounds of renewals, phones on {threads} thread(s)\n\n\
         | | {} |\n| --- |{}\n",
        env!("CARGO_PKG_VERSION"),
        kinds.iter().map(|kind| name(kind.login)).collect::<Vec<_>>().join(" | "),
        " ---: |".repeat(kinds.len()),
    );
    let mut row = |title: &str, of: &dyn Fn(&Kind) -> f64, digits: usize| {
        let values = kinds.iter().map(|kind| format!(" {:.digits$} |", of(kind)));
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| {title} |{}", values.collect::<String>());
    };
    let count = *phones as f64;
    let median = |kind: &Kind, of: &dyn Fn(&(Duration, Duration)) -> f64| {
        Spread::of(kind.rounds.iter().map(of)).map_or(f64::NAN, |spread| spread.median)
    };
    row("first subscriptions per second", &|kind| count / kind.first.0.as_secs_f64(), 0);
    row("renewals per second, median", &|kind| median(kind, &|round| count / round.0.as_secs_f64()), 0);
    row("server CPU per 1,000 first subscriptions, ms", &|kind| kind.first.1.as_secs_f64() * 1e6 / count, 1);
    row(
        "server CPU per 1,000 renewals, ms, median",
        &|kind| median(kind, &|round| round.1.as_secs_f64() * 1e6 / count),
        1,
    );
    row("SUBSCRIBEs challenged", &|kind| kind.counts.challenged as f64, 0);
    row("SUBSCRIBEs sent again", &|kind| kind.counts.resent as f64, 0);
    page
}

fn name(login: Option<Algorithm>) -> &'static str {
    login.map_or("no password", Algorithm::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_was_measured() {
        let ms = Duration::from_millis;
        let kind = |login, challenged| Kind {
            login,
            first: (ms(100), ms(40)),
            rounds: vec![(ms(50), ms(20)), (ms(25), ms(30)), (ms(20), ms(40))],
            counts: Counts { challenged, ..Counts::default() },
            unsettled: 0,
        };
        let mut results = Results {
            plan: Plan { phones: 1000, rounds: 3, threads: 1 },
            machine: Machine { cores: 2, cpu: "Some CPU".into(), kernel: "6.1".into() },
            version: "Starling 0.1.0".into(),
            kinds: vec![kind(None, 0), kind(Some(Algorithm::Md5), 1000)],
        };
        let page = markdown(&results);
        for line in [
            "| | no password | MD5 |",
            "| first subscriptions per second | 10000 | 10000 |",
            "| renewals per second, median | 40000 | 40000 |",
            "| server CPU per 1,000 first subscriptions, ms | 40.0 | 40.0 |",
            "| server CPU per 1,000 renewals, ms, median | 30.0 | 30.0 |",
            "| SUBSCRIBEs challenged | 0 | 1000 |",
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
        assert!(results.faults().is_empty());
        results.kinds[1].counts.challenged = 999;
        results.kinds[0].unsettled = 2;
        assert_eq!(
            results.faults(),
            ["no password: 2 phones have no subscription", "MD5: only 999 of 1000 were challenged"]
        );
    }
}
