//! Texts of `core show uptime` and `core show version`.

use std::fmt;
use std::time::Duration;

/// What `core show version` says about a build.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// `Starling 0.1.0`.
    pub product: &'a str,
    /// Who built it.
    pub user: &'a str,
    /// Where.
    pub host: &'a str,
    /// `x86_64`.
    pub machine: &'a str,
    /// `Linux`.
    pub system: &'a str,
    /// `2026-11-23 06:20:18 UTC`.
    pub date: &'a str,
}

impl fmt::Display for Version<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Version { product, user, host, machine, system, date } = self;
        write!(f, "{product} built by {user} @ {host} on a {machine} running {system} on {date}")
    }
}

/// The answer to `core show uptime`.
pub fn uptime_text(since_start: Duration, since_reload: Duration) -> String {
    format!("System uptime: {}\nLast reload: {}\n", duration_text(since_start), duration_text(since_reload))
}

/// The answer to `core show uptime seconds`.
pub fn uptime_seconds_text(since_start: Duration, since_reload: Duration) -> String {
    format!("System uptime: {}\nLast reload: {}\n", since_start.as_secs(), since_reload.as_secs())
}

/// `1 week, 2 days, 3 seconds`: whole seconds in years (of 365 days) to seconds, without what is zero.
pub fn duration_text(duration: Duration) -> String {
    const UNITS: [(&str, u64); 6] = [
        ("year", 31_536_000),
        ("week", 604_800),
        ("day", 86_400),
        ("hour", 3600),
        ("minute", 60),
        ("second", 1),
    ];
    let mut rest = duration.as_secs();
    if rest == 0 {
        return "0 seconds".to_owned();
    }
    let mut parts = Vec::new();
    for (unit, seconds) in UNITS {
        let count = rest / seconds;
        rest %= seconds;
        if count > 0 {
            parts.push(format!("{count} {unit}{}", if count == 1 { "" } else { "s" }));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime() {
        let golden = include_str!("../testdata/core_show_uptime.txt");
        assert_eq!(uptime_text(Duration::from_secs(169), Duration::from_secs(169)), golden);
        assert_eq!(duration_text(Duration::from_millis(999)), "0 seconds");
        assert_eq!(duration_text(Duration::from_secs(3600)), "1 hour");
        let long = 2 * 31_536_000 + 604_800 + 3 * 86_400 + 60 + 1;
        assert_eq!(duration_text(Duration::from_secs(long)), "2 years, 1 week, 3 days, 1 minute, 1 second");
        assert_eq!(
            uptime_seconds_text(Duration::from_secs(308), Duration::from_secs(5)),
            "System uptime: 308\nLast reload: 5\n"
        );
    }

    #[test]
    fn version() {
        let version = Version {
            product: "Starling 0.1.0",
            user: "root",
            host: "build",
            machine: "x86_64",
            system: "Linux",
            date: "2026-11-23 06:20:18 UTC",
        };
        assert_eq!(
            version.to_string(),
            "Starling 0.1.0 built by root @ build on a x86_64 running Linux on 2026-11-23 06:20:18 UTC"
        );
    }
}
