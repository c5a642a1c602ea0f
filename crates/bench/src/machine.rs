//! What the system says of itself and of processes, from `/proc`.

use std::fmt;
use std::fs::read_to_string;
use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

/// The unit of CPU times in `/proc` is 1/100 s for every program, whatever the kernel uses.
const TICK: Duration = Duration::from_millis(10);

/// The machine that a measurement was made on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// Model of the CPU.
    pub cpu: String,
    /// Version of the kernel.
    pub kernel: String,
}

impl Machine {
    /// This machine.
    pub fn this() -> Self {
        let info = read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find(|line| line.starts_with("model name"));
        let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: model.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, name)| name).to_owned(),
            kernel: kernel.trim().to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, cpu, kernel } = self;
        write!(f, "{cores} cores, {cpu}, Linux {kernel}")
    }
}

/// What a process has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of all its threads, in user and kernel mode, in steps of 10 ms.
    pub cpu: Duration,
    /// Memory in RAM now, in bytes.
    pub resident: u64,
}

impl Usage {
    /// Of the process `pid`.
    ///
    /// # Errors
    ///
    /// There is no such process.
    pub fn of(pid: u32) -> Result<Self> {
        let cpu = cpu(&read_to_string(format!("/proc/{pid}/stat"))?).ok_or(ErrorKind::InvalidData)?;
        let status = read_to_string(format!("/proc/{pid}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        Ok(Self { cpu, resident: kib.ok_or_else(|| Error::other("no VmRSS"))? * 1024 })
    }
}

/// CPU time of the process `pid` and of those that it started and that still run, in steps of 10 ms
/// for each.
///
/// # Errors
///
/// There is no such process.
pub fn family_cpu(pid: u32) -> Result<Duration> {
    let mut sum = Usage::of(pid)?.cpu;
    for entry in std::fs::read_dir("/proc")? {
        // Processes end while one looks.
        let Ok(stat) = read_to_string(entry?.path().join("stat")) else { continue };
        if parent(&stat) == Some(pid) {
            sum += cpu(&stat).unwrap_or_default();
        }
    }
    Ok(sum)
}

/// CPU time that all programs of the machine have used since it started, the kernel's included, and
/// what a hypervisor took away. Between two looks it says who else was busy during a measurement.
///
/// # Errors
///
/// `/proc` is not there.
pub fn busy_time() -> Result<Duration> {
    busy(&read_to_string("/proc/stat")?).ok_or_else(|| ErrorKind::InvalidData.into())
}

/// Datagrams that the kernel dropped because the receive buffer of a socket on one of `ports` was
/// full; sockets that are closed are forgotten.
///
/// # Errors
///
/// `/proc` is not there.
pub fn dropped_datagrams(ports: &[u16]) -> Result<u64> {
    Ok(drops(&read_to_string("/proc/net/udp")?, ports))
}

/// `utime` and `stime` of a line of `/proc/PID/stat`; the name before them may hold anything.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut ticks = fields.split(' ').skip(11).map(str::parse::<u32>);
    Some(TICK * ticks.next()?.ok()?.saturating_add(ticks.next()?.ok()?))
}

/// The process that started the one of a line of `/proc/PID/stat`.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// The first line of `/proc/stat` without the two times in which nothing was done; guests' times,
/// behind the eighth, are part of others.
fn busy(stat: &str) -> Option<Duration> {
    let ticks = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8).enumerate();
    let used = ticks.filter(|(i, _)| !matches!(i, 3 | 4)).map(|(_, ticks)| ticks.parse::<u64>().ok());
    Some(Duration::from_millis(10 * used.sum::<Option<u64>>()?))
}

fn drops(table: &str, ports: &[u16]) -> u64 {
    let drops = |line: &str| {
        let mut fields = line.split_whitespace();
        let (_, port) = fields.nth(1)?.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        if ports.contains(&port) { fields.next_back()?.parse::<u64>().ok() } else { None }
    };
    table.lines().filter_map(drops).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_may_look_like_the_rest_of_the_line() {
        let line = "7 (x) R 9) S 1 7 7 0 -1 4194560 1 0 0 0 150 25 0 0 20 0 3 0 1 1 1";
        assert_eq!(cpu(line), Some(Duration::from_millis(1750)));
        assert_eq!(parent(line), Some(1));
        assert_eq!(cpu("nonsense"), None);
    }

    #[test]
    fn idle_time_is_not_busy() {
        assert_eq!(busy("cpu  1 2 3 1000 1000 4 5 6 7 7\ncpu0 9\n"), Some(Duration::from_millis(210)));
        assert!(busy_time().unwrap() > Duration::ZERO);
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(Usage::of(std::process::id()).unwrap().resident > 100_000);
        assert!(Usage::of(0).is_err());
    }

    #[test]
    fn the_cpu_time_of_a_child_counts() {
        let mut child = std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let of_child = || Usage::of(child.id()).unwrap().cpu;
        while of_child() < Duration::from_millis(50) {
            std::thread::yield_now();
        }
        let least = Usage::of(std::process::id()).unwrap().cpu + of_child();
        let family = family_cpu(std::process::id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(family >= least, "{family:?} of {least:?}");
    }

    #[test]
    fn drops_are_those_of_the_ports() {
        let table = "  sl  local_address rem_address st ... drops\n\
            10: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 1 2 ffff 5\n\
            11: 0100007F:13C5 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 1 2 ffff 7\n";
        assert_eq!(drops(table, &[0x13c4]), 5);
        assert_eq!(drops(table, &[0x13c4, 0x13c5]), 12);
    }
}
