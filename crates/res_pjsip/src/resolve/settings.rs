//! `resolver_unbound.conf`: whom to ask.
//!
//! ```text
//! [general]
//! nameserver=192.0.2.53
//! nameserver=127.0.0.1@5300
//! resolv=system
//! hosts=system
//! ```

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use conf::{Config, Diagnostic, Severity};

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// What names are looked up by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// The system's own functions: addresses only, no services.
    System,
    /// The DNS, with NAPTR and SRV records.
    Dns(Settings),
}

/// Whom to ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Name servers; none for those of `resolv`.
    pub nameservers: Vec<SocketAddr>,
    /// A file in the format of `/etc/resolv.conf`; none for the system's.
    pub resolv: Option<PathBuf>,
    /// A file in the format of `/etc/hosts`; none for the system's.
    pub hosts: Option<PathBuf>,
}

impl Settings {
    /// Reads `resolver_unbound.conf`: `nameserver` (an address, with `@port` or `:port` if it is not
    /// 53; may be repeated), `resolv` and `hosts` (`system` or a file).
    pub fn parse(file: &Config) -> (Self, Vec<Diagnostic>) {
        let (mut settings, mut remarks) = (Self::default(), Vec::new());
        let general = file.sections().filter(|section| &*section.name == "general");
        for entry in general.flat_map(|section| &section.entries) {
            let mut say = |severity, what: String| {
                let message = format!("[general]: {what}");
                remarks.push(Diagnostic { severity, pos: Some(entry.pos.clone()), message });
            };
            let value = &*entry.value;
            match entry.name.to_ascii_lowercase().as_str() {
                "nameserver" => match nameserver(value) {
                    Some(address) => settings.nameservers.push(address),
                    None => say(
                        Severity::Error,
                        format!("option 'nameserver': '{value}' is neither an address nor address@port"),
                    ),
                },
                "resolv" => settings.resolv = path(value),
                "hosts" => settings.hosts = path(value),
                "debug" => {}
                "ta_file" => {
                    say(Severity::Warning, "option 'ta_file': answers are not validated here".into())
                }
                name => say(Severity::Warning, format!("there is no option '{name}'")),
            }
        }
        (settings, remarks)
    }
}

fn path(value: &str) -> Option<PathBuf> {
    (!value.is_empty() && value != "system").then(|| Path::new(value).to_owned())
}

fn nameserver(value: &str) -> Option<SocketAddr> {
    if let Ok(ip) = value.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, DNS_PORT));
    }
    if let Some((ip, port)) = value.split_once('@') {
        return Some(SocketAddr::new(ip.trim().parse().ok()?, port.trim().parse().ok()?));
    }
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_whom_to_ask() {
        let text = "[general]\nnameserver=192.0.2.53\nnameserver = ::1@5300\nnameserver=127.0.0.1:5300\n\
                    hosts=system\nresolv=/tmp/resolv.conf\nta_file=x\nnameserver=dns.example.com\nother=1\n";
        let file = conf::Loader::new(".").parse("resolver_unbound.conf", text).unwrap();
        let (settings, remarks) = Settings::parse(&file);
        let nameservers = ["192.0.2.53:53", "[::1]:5300", "127.0.0.1:5300"].map(|it| it.parse().unwrap());
        assert_eq!(settings.nameservers, nameservers);
        assert_eq!((settings.hosts, settings.resolv), (None, Some("/tmp/resolv.conf".into())));
        let severities: Vec<_> = remarks.iter().map(|remark| remark.severity).collect();
        assert_eq!(severities, [Severity::Warning, Severity::Error, Severity::Warning]);
        assert!(remarks[1].to_string().starts_with("resolver_unbound.conf:8:"), "{}", remarks[1]);
    }
}
