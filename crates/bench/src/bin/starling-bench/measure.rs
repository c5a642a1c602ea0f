//! One change, N watchers.

use std::time::{Duration, Instant};

use bench::{
    Counts, DeviceState, Fleet, Interrupt, Lamp, Machine, Office, Package, RawLimit, Server, Usage, Watch,
    busy_time, dropped_datagrams, raw_limit,
};

/// How long all lamps may take to show a change; more than four repetitions of a NOTIFY.
const PATIENCE: Duration = Duration::from_secs(20);
/// Listening after the last round: what was sent again before its answer came is counted.
const QUIET: Duration = Duration::from_secs(1);
/// Exchanges of a raw measurement at least: fewer are over before they can be timed.
const RAW: usize = 10_000;
/// Sockets of the phones.
const SOCKETS: usize = 16;
const EXTENSION: &str = "1001";
const DEVICE: &str = "Custom:lamp1";

/// What is to be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) watchers: usize,
    pub(crate) rounds: u32,
    pub(crate) threads: usize,
}

/// One change of the state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    /// From the command, a new process, to the last answer.
    pub(crate) from_command: Duration,
    /// From the first NOTIFY to the last answer.
    pub(crate) from_first: Duration,
    /// Lamps that did not show it in time.
    pub(crate) wrong: usize,
    /// Exchanges without SIP, as many, right before.
    pub(crate) raw: RawLimit,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) plan: Plan,
    pub(crate) machine: Machine,
    /// Of the server, as it says itself.
    pub(crate) version: String,
    /// Time until all were subscribed and told.
    pub(crate) subscribing: Duration,
    /// The server before the first and after the last subscription.
    pub(crate) before: Usage,
    pub(crate) subscribed: Usage,
    pub(crate) changes: Vec<Change>,
    /// CPU time of the server and of the phones during the changes.
    pub(crate) server_cpu: Duration,
    pub(crate) phones_cpu: Duration,
    /// Share of the machine that other programs used meanwhile.
    pub(crate) others: f64,
    /// What the phones counted in all, and until all were subscribed.
    pub(crate) counts: Counts,
    pub(crate) first_counts: Counts,
    /// Datagrams that found a receive buffer full: the phones', the server's.
    pub(crate) dropped: (u64, u64),
    /// Lamps that were wrong when everything was over.
    pub(crate) wrong_at_end: usize,
}

impl Results {
    /// What must not be.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (round, change) in self.changes.iter().enumerate() {
            if change.wrong > 0 {
                faults.push(format!("round {}: {} lamps are wrong", round + 1, change.wrong));
            }
        }
        for (count, what) in [
            (self.wrong_at_end as u64, "lamps are wrong at the end"),
            (self.counts.unanswered, "SUBSCRIBEs were never answered"),
            (self.counts.strangers, "NOTIFYs belong to no subscription"),
            (self.counts.garbage, "datagrams are no SIP message"),
        ] {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        }
        faults
    }

    /// NOTIFYs of the changes, repetitions included.
    pub(crate) fn notifies(&self) -> u64 {
        let sum = |counts: Counts| counts.notifies + counts.repeated;
        sum(self.counts) - sum(self.first_counts)
    }
}

/// Runs it all.
pub(crate) fn measure(plan: Plan, interrupt: &Interrupt) -> Result<Results, Box<dyn std::error::Error>> {
    let Plan { watchers, rounds, threads } = plan;
    let endpoints: Vec<String> = (0..watchers).map(|i| format!("phone{i}")).collect();
    let office = Office {
        extensions: vec![(EXTENSION.into(), DEVICE.into())],
        endpoints: endpoints.clone(),
        login: None,
        register: None,
    };
    eprintln!("Starting the server with {watchers} endpoints ...");
    let server = Server::start(&office)?;
    let version = server.version()?;
    server.command(&set(DeviceState::NotInUse))?;

    eprintln!("Subscribing {watchers} phones ...");
    let watch =
        |user| Watch { user, extension: EXTENSION.into(), package: Package::Presence, password: None };
    let watches = endpoints.into_iter().map(watch).collect();
    let sockets = SOCKETS.div_ceil(threads);
    let fleet = Fleet::new(server.address(), watches, threads, sockets, Lamp::scan)?;
    let before = Usage::of(server.pid())?;
    let subscribing = fleet.subscribe(PATIENCE + Duration::from_micros(500) * u32::try_from(watchers)?)?;
    let (unsettled, status) = fleet.unsettled()?;
    if unsettled > 0 {
        let why = status.map_or("no answer".to_owned(), |status| format!("status {status}"));
        return Err(format!("{unsettled} of {watchers} phones could not subscribe: {why}").into());
    }
    let (subscribed, first_counts) = (Usage::of(server.pid())?, fleet.counts()?);

    let question = usize::try_from(first_counts.notify_bytes)? / watchers;
    let answer = usize::try_from(first_counts.answer_bytes)? / watchers;
    eprintln!("Measuring {rounds} rounds ...");
    let cpu = || Ok::<_, std::io::Error>((Usage::of(server.pid())?.cpu, Usage::of(std::process::id())?.cpu));
    let others = Others::begin(cpu()?)?;
    let mut changes = Vec::new();
    let (mut server_cpu, mut phones_cpu) = (Duration::ZERO, Duration::ZERO);
    for round in 0..rounds {
        if interrupt.is_set() {
            return Err("interrupted".into());
        }
        let raw = raw_limit(question, answer, watchers.max(RAW), threads, sockets)?;
        let state = if round % 2 == 0 { DeviceState::InUse } else { DeviceState::NotInUse };
        let cpu =
            || Ok::<_, std::io::Error>((Usage::of(server.pid())?.cpu, Usage::of(std::process::id())?.cpu));
        let (server_before, phones_before) = cpu()?;
        let start = Instant::now();
        let command = || server.send(&set(state));
        let (told, command) = fleet.until(state.lamp(Package::Presence), PATIENCE, command)?;
        command?.wait()?;
        let (server_after, phones_after) = cpu()?;
        server_cpu += server_after - server_before;
        phones_cpu += phones_after - phones_before;
        changes.push(Change {
            from_command: told.last - start,
            from_first: told.last - told.first.unwrap_or(start),
            wrong: told.wrong,
            raw,
        });
        if told.wrong > 0 {
            break;
        }
    }
    let others = others.share(cpu()?)?;
    fleet.listen(QUIET)?;
    let last = if changes.len() % 2 == 1 { DeviceState::InUse } else { DeviceState::NotInUse };
    let results = Results {
        plan,
        machine: Machine::this(),
        version,
        subscribing,
        before,
        subscribed,
        changes,
        server_cpu,
        phones_cpu,
        others,
        counts: fleet.counts()?,
        first_counts,
        dropped: (dropped_datagrams(&fleet.ports()?)?, dropped_datagrams(&[server.address().port()])?),
        wrong_at_end: fleet.wrong(last.lamp(Package::Presence))?,
    };
    server.stop()?;
    Ok(results)
}

/// What the machine did beside the measurement.
struct Others {
    start: Instant,
    busy: Duration,
    own: Duration,
}

impl Others {
    /// `own` is the CPU time of the server and of this program.
    fn begin(own: (Duration, Duration)) -> std::io::Result<Self> {
        Ok(Self { start: Instant::now(), busy: busy_time()?, own: own.0 + own.1 })
    }

    fn share(&self, own: (Duration, Duration)) -> std::io::Result<f64> {
        let others = (busy_time()? - self.busy).saturating_sub(own.0 + own.1 - self.own);
        let cores = Machine::this().cores as f64;
        Ok(others.as_secs_f64() / (self.start.elapsed().as_secs_f64() * cores))
    }
}

fn set(state: DeviceState) -> String {
    format!("devstate change {DEVICE} {}", state.word())
}
