//! Many hints: what loading, reloading and changing one of them costs, and how that grows.
//!
//! Each hint has two `Custom:` devices of its own. A round starts a server without extensions and
//! one with all of them: the difference is the hints'.

use std::time::{Duration, Instant};

use bench::{DeviceState, Interrupt, Machine, Office, Server, ServerError, Usage};

mod report;

pub(crate) use report::markdown;

/// Changes of devices in a round; the median of them is its result.
const CHANGES: usize = 200;
/// What the last hint is changed to.
const CHANGED: &str = "Custom:changed";

/// What is to be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Numbers of hints, the smallest first.
    pub(crate) sizes: [usize; 2],
    pub(crate) rounds: u32,
}

/// One round with one number of hints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// From the start until fully booted, less the same without extensions.
    pub(crate) load: Cost,
    /// `dialplan reload` of an unchanged file, and after one hint was changed in it.
    pub(crate) reload: Cost,
    pub(crate) reload_changed: Cost,
    /// `devstate change` of one device, the median of [`CHANGES`].
    pub(crate) change: Duration,
    /// Memory beyond that of a server without extensions, in bytes: booted; after both reloads.
    pub(crate) booted: u64,
    pub(crate) reloaded: u64,
}

/// What something took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    /// CPU time of the server, in steps of 10 ms: on a busy machine it says more than the time.
    pub(crate) cpu: Duration,
}

/// All rounds with one number of hints.
#[derive(Debug)]
pub(crate) struct Size {
    pub(crate) hints: usize,
    /// Bytes of the extensions and the values of the hints, as they are written.
    pub(crate) strings: usize,
    pub(crate) rounds: Vec<Round>,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) plan: Plan,
    pub(crate) machine: Machine,
    /// Of the server, as it says itself.
    pub(crate) version: String,
    /// The start of a server without extensions.
    pub(crate) empty_boots: Vec<Duration>,
    pub(crate) sizes: [Size; 2],
    /// What the server showed and must not.
    pub(crate) faults: Vec<String>,
}

/// Runs it all.
pub(crate) fn measure(plan: Plan, interrupt: &Interrupt) -> Result<Results, Box<dyn std::error::Error>> {
    let offices = plan.sizes.map(office);
    let mut results = Results {
        machine: Machine::this(),
        version: String::new(),
        empty_boots: Vec::new(),
        sizes: [0, 1].map(|index| Size {
            hints: plan.sizes[index],
            strings: offices[index].extensions.iter().map(|(name, value)| name.len() + value.len()).sum(),
            rounds: Vec::new(),
        }),
        faults: Vec::new(),
        plan,
    };
    for round in 0..results.plan.rounds {
        for (size, office) in results.sizes.iter_mut().zip(&offices) {
            if interrupt.is_set() {
                return Err("interrupted".into());
            }
            eprintln!("Round {} of {}: {} hints ...", round + 1, results.plan.rounds, size.hints);
            let empty = Server::start(&Office::default())?;
            results.version = empty.version()?;
            let (boot, without) = (empty.boot(), settled(&empty)?);
            empty.stop()?;
            results.empty_boots.push(boot);
            size.rounds.push(run(office, boot, without, &mut results.faults)?);
        }
    }
    Ok(results)
}

/// One round with a server of its own.
fn run(
    office: &Office,
    empty_boot: Duration,
    without: Usage,
    faults: &mut Vec<String>,
) -> Result<Round, Box<dyn std::error::Error>> {
    let server = Server::start(office)?;
    let usage = || Usage::of(server.pid());
    let grown = |now: Usage| now.resident.saturating_sub(without.resident);
    let cpu = usage()?.cpu.saturating_sub(without.cpu);
    let load = Cost { time: server.boot().saturating_sub(empty_boot), cpu };
    let before = settled(&server)?;
    let booted = grown(before);
    let reload = Cost { time: timed(&server, "dialplan reload")?, cpu: usage()?.cpu - before.cpu };

    let mut other = office.clone();
    if let Some((_, hint)) = other.extensions.last_mut() {
        *hint = CHANGED.into();
    }
    server.rewrite_extensions(&other)?;
    let before = usage()?;
    let time = timed(&server, "dialplan reload")?;
    let reload_changed = Cost { time, cpu: usage()?.cpu - before.cpu };
    let reloaded = grown(settled(&server)?);

    let hints = office.extensions.len();
    let devices = (0..CHANGES).map(|index| index * 2 * (hints - 1) / CHANGES);
    let changes = devices.clone().map(|index| timed(&server, &set(&device(index))));
    let mut changes = changes.collect::<Result<Vec<_>, _>>()?;
    changes.sort();
    server.command(&set(CHANGED))?;
    // What was done must show.
    let done = devices.map(|index| (index / 2, device(index))).next_back();
    for (index, device) in done.into_iter().chain([(hints - 1, CHANGED.into())]) {
        let shown = server.command(&format!("core show hint {}@default", extension(index)))?;
        if !(shown.contains(&device) && shown.contains("State:InUse")) {
            faults.push(format!("{hints} hints: {device} is in use, but the server shows: {}", shown.trim()));
        }
    }
    server.stop()?;
    Ok(Round { load, reload, reload_changed, change: changes[CHANGES / 2], booted, reloaded })
}

/// What the server uses once it has given back what it needed only for a while, as it does within a
/// second or two. (The system tells nobody when memory is given back.)
fn settled(server: &Server) -> std::io::Result<Usage> {
    let mut lowest = Usage::of(server.pid())?;
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_secs(3) {
        std::thread::sleep(Duration::from_millis(100));
        let now = Usage::of(server.pid())?;
        if now.resident < lowest.resident {
            (lowest, since) = (now, Instant::now());
        }
    }
    Ok(lowest)
}

fn timed(server: &Server, command: &str) -> Result<Duration, ServerError> {
    let start = Instant::now();
    server.command(command)?;
    Ok(start.elapsed())
}

fn set(device: &str) -> String {
    format!("devstate change {device} {}", DeviceState::InUse.word())
}

fn office(hints: usize) -> Office {
    let hint = |index| (extension(index), format!("{}&{}", device(2 * index), device(2 * index + 1)));
    Office { extensions: (0..hints).map(hint).collect(), ..Office::default() }
}

fn extension(index: usize) -> String {
    format!("{}", 1_000_000 + index)
}

fn device(index: usize) -> String {
    format!("Custom:lamp{}", 1_000_000 + index)
}
