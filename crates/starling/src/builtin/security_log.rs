//! `res_security_log`: security events as lines of level SECURITY (`security` in `logger.conf`), in the
//! form that fail2ban's filter for Asterisk reads.
//!
//! ```text
//! SecurityEvent="InvalidAccountID",EventTV="2026-11-23T06:15:38.305+0000",Severity="Error",Service="PJSIP",
//! EventVersion="1",AccountID="mallory",SessionID="a84b@192.0.2.7",LocalAddress="IPV4/UDP/192.0.2.1/5060",
//! RemoteAddress="IPV4/UDP/192.0.2.7/5060"
//! ```
//!
//! all in one line. What a stranger wrote stays inside its quotes: a quote becomes `'`, and the log makes
//! control characters visible.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use module_host::{Builtin, LoadOutcome, ModuleInfo};
use res_pjsip::security::{SecurityAddress, SecurityEvent, SecurityKind, SecurityListener};

use super::{Registrations, info};
use crate::server::Server;

pub(super) struct ResSecurityLog {
    server: Arc<Server>,
    registrations: Registrations,
}

impl ResSecurityLog {
    pub(super) fn new(server: &Arc<Server>) -> Self {
        Self { server: server.clone(), registrations: Registrations::default() }
    }
}

impl Builtin for ResSecurityLog {
    fn info(&self) -> ModuleInfo {
        info("res_security_log", "Security Event Logging", &[], 50)
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        self.registrations.add(self.server.security.listen(Arc::new(SecurityLog)));
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        self.registrations.clear();
        Ok(())
    }
}

struct SecurityLog;

impl SecurityListener for SecurityLog {
    fn event(&self, event: &SecurityEvent<'_>) {
        // Formatted only if a channel of logger.conf wants it.
        tracing::info!(security = true, log.file = "res_security_log.c", "{}", Line(event));
    }
}

/// An event as a line.
struct Line<'a>(&'a SecurityEvent<'a>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(event) = self;
        let (name, severity) = match event.kind {
            SecurityKind::ChallengeSent => ("ChallengeSent", "Informational"),
            SecurityKind::SuccessfulAuth => ("SuccessfulAuth", "Informational"),
            SecurityKind::ChallengeResponseFailed => ("ChallengeResponseFailed", "Error"),
            SecurityKind::InvalidAccountId => ("InvalidAccountID", "Error"),
            SecurityKind::FailedAcl(_) => ("FailedACL", "Error"),
            SecurityKind::RequestNotSupported(_) => ("RequestNotSupported", "Error"),
        };
        write!(
            f,
            "SecurityEvent=\"{name}\",EventTV=\"{}\",Severity=\"{severity}\",Service=\"{}\",EventVersion=\"1\",\
             AccountID=\"{}\",SessionID=\"{}\",LocalAddress=\"{}\",RemoteAddress=\"{}\"",
            now(),
            event.service,
            Inside(event.account),
            Inside(event.session),
            Address(event.local),
            Address(event.remote)
        )?;
        match event.kind {
            SecurityKind::ChallengeSent => f.write_str(",Challenge=\"\""),
            // Neither a guess nor what would have been right is anybody's business.
            SecurityKind::ChallengeResponseFailed => {
                f.write_str(",Challenge=\"\",Response=\"\",ExpectedResponse=\"\"")
            }
            SecurityKind::SuccessfulAuth => f.write_str(",UsingPassword=\"1\""),
            SecurityKind::InvalidAccountId => Ok(()),
            SecurityKind::FailedAcl(acl) => write!(f, ",ACLName=\"{}\"", Inside(acl)),
            SecurityKind::RequestNotSupported(what) => write!(f, ",RequestType=\"{}\"", Inside(what)),
        }
    }
}

/// The local time with milliseconds, as RFC 3339 without the colon in the zone.
fn now() -> impl fmt::Display {
    let now = Timestamp::now().to_zoned_datetime(TimeZone::system());
    jiff::fmt::strtime::format("%Y-%m-%dT%H:%M:%S.%3f%z", &now).unwrap_or_default()
}

/// A text inside quotes that it cannot end.
struct Inside<'a>(&'a str);

impl fmt::Display for Inside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split('"').enumerate().try_for_each(|(at, part)| {
            f.write_str(if at > 0 { "'" } else { "" })?;
            f.write_str(part)
        })
    }
}

struct Address(SecurityAddress);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SecurityAddress { protocol, address } = self.0;
        let ip = address.ip().to_canonical();
        let family = if ip.is_ipv4() { "IPV4" } else { "IPV6" };
        write!(f, "{family}/{protocol}/{ip}/{}", address.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: SecurityKind<'_>, account: &str, remote: &str) -> String {
        let address = |text: &str| SecurityAddress { protocol: "UDP", address: text.parse().unwrap() };
        let event = SecurityEvent {
            kind,
            service: "PJSIP",
            account,
            session: "call",
            local: address("192.0.2.1:5060"),
            remote: address(remote),
        };
        Line(&event).to_string()
    }

    #[test]
    fn fields_are_in_asterisks_order() {
        let text = line(SecurityKind::SuccessfulAuth, "alice", "[::ffff:192.0.2.7]:5062");
        let (before, rest) = text.split_once("EventTV=\"").unwrap();
        let (time, after) = rest.split_once('"').unwrap();
        assert_eq!(before, "SecurityEvent=\"SuccessfulAuth\",");
        let digits = |c: char| if c.is_ascii_digit() { '0' } else { c };
        let shape: String = time.chars().map(digits).map(|c| if c == '-' { '+' } else { c }).collect();
        assert_eq!(shape, "0000+00+00T00:00:00.000+0000");
        assert_eq!(
            after,
            ",Severity=\"Informational\",Service=\"PJSIP\",EventVersion=\"1\",AccountID=\"alice\",\
             SessionID=\"call\",LocalAddress=\"IPV4/UDP/192.0.2.1/5060\",\
             RemoteAddress=\"IPV4/UDP/192.0.2.7/5062\",UsingPassword=\"1\""
        );
    }

    #[test]
    fn each_event_has_its_fields() {
        for (kind, severity, more) in [
            (SecurityKind::ChallengeSent, "Informational", ",Challenge=\"\""),
            (
                SecurityKind::ChallengeResponseFailed,
                "Error",
                ",Challenge=\"\",Response=\"\",ExpectedResponse=\"\"",
            ),
            (SecurityKind::InvalidAccountId, "Error", ""),
            (SecurityKind::FailedAcl("office"), "Error", ",ACLName=\"office\""),
            (SecurityKind::RequestNotSupported("x"), "Error", ",RequestType=\"x\""),
        ] {
            let text = line(kind, "a", "[2001:db8::7]:5060");
            assert!(text.contains(&format!(",Severity=\"{severity}\",")), "{text}");
            assert!(text.ends_with(&format!(",RemoteAddress=\"IPV6/UDP/2001:db8::7/5060\"{more}")), "{text}");
        }
    }

    #[test]
    fn no_name_can_forge_a_field() {
        let name = "x\",RemoteAddress=\"IPV4/UDP/203.0.113.9/5060";
        let text = line(SecurityKind::InvalidAccountId, name, "192.0.2.7:5060");
        assert_eq!(text.matches("=\"IPV4/").count(), 2, "{text}");
        assert_eq!(text.matches('"').count(), 2 * 9, "{text}");
    }
}
