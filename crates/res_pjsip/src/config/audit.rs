//! What `starling --check-config` says about the doors that a `pjsip.conf` leaves open, and about those
//! that a start could not open.
//!
//! A configuration with such doors is read like any other; nothing here is said when it is read.

use std::net::IpAddr;

use conf::{Config, Diagnostic, Section, Severity};

use super::{Endpoint, IdentifyMethod, PjsipConfig, Protocol};
use crate::net::TlsContext;

/// Passwords shorter than this are guessed in no time.
const SHORTEST: usize = 8;
/// Passwords of digits alone shorter than this, too.
const SHORTEST_NUMBER: usize = 12;
/// Words that are tried first, alone or with digits and signs around them.
const TRIED_FIRST: [&str; 22] = [
    "abcdefgh",
    "admin",
    "asterisk",
    "changeme",
    "default",
    "extension",
    "freepbx",
    "letmein",
    "pass",
    "passwd",
    "password",
    "phone",
    "qwerty",
    "qwertyui",
    "qwertyuiop",
    "secret",
    "secretpassword",
    "sip",
    "starling",
    "test",
    "voip",
    "welcome",
];
/// How the passwords of the sample configuration begin.
const SAMPLE: &str = "change-me";

/// Says what is open in `config`, which was read from `file`. `loaded` says whether a module will run.
pub fn audit(file: &Config, config: &PjsipConfig, loaded: impl Fn(&str) -> bool) -> Vec<Diagnostic> {
    let mut audit = Audit { file, said: Vec::new() };
    audit.missing_modules(config, &loaded);
    audit.tls(config);
    for endpoint in config.endpoints.values() {
        audit.endpoint(config, endpoint, &loaded);
    }
    for auth in config.auths.values() {
        let Some(password) = &auth.password else { continue };
        if let Some(why) = weakness(password, &[&auth.username, &auth.id]) {
            audit.say(Severity::Warning, "auth", &auth.id, "password", why);
        }
    }
    audit.said.sort_by_key(|said| said.pos.as_ref().map(|pos| (pos.file.clone(), pos.line)));
    audit.said
}

struct Audit<'a> {
    file: &'a Config,
    said: Vec<Diagnostic>,
}

impl Audit<'_> {
    /// Locks whose module is not loaded stay shut for everyone.
    fn missing_modules(&mut self, config: &PjsipConfig, loaded: &impl Fn(&str) -> bool) {
        if let Some(acl) = config.acls.first()
            && !loaded("res_pjsip_acl")
        {
            let why = "res_pjsip_acl is not loaded: everyone is denied";
            self.say(Severity::Error, "acl", &acl.id, "type", why);
        }
        let locked = config.endpoints.values().find(|endpoint| !endpoint.auth.is_empty());
        if let Some(endpoint) = locked
            && !loaded("res_pjsip_authenticator_digest")
        {
            let why = "res_pjsip_authenticator_digest is not loaded: endpoints with auth are refused";
            self.say(Severity::Error, "endpoint", &endpoint.id, "auth", why);
        }
    }

    /// Certificates with which a start would not open a transport, and options that it would not heed.
    fn tls(&mut self, config: &PjsipConfig) {
        for transport in config.transports.iter().filter(|it| it.protocol == Protocol::Tls) {
            let id = &transport.id;
            match TlsContext::new(&transport.tls) {
                Ok((_, remarks)) => remarks
                    .iter()
                    .for_each(|remark| self.say(Severity::Warning, "transport", id, "protocol", remark)),
                Err(error) => {
                    let why = format!("the transport is not opened: {error}");
                    self.say(Severity::Error, "transport", id, "protocol", &why);
                }
            }
        }
    }

    fn endpoint(&mut self, config: &PjsipConfig, endpoint: &Endpoint, loaded: &impl Fn(&str) -> bool) {
        if !endpoint.auth.is_empty() || !endpoint.acl.is_empty() {
            return;
        }
        let id = &endpoint.id;
        if id.split('@').next() == Some("anonymous") {
            let anonymous = loaded("res_pjsip_endpoint_identifier_anonymous");
            let reached = config.transports.iter().find(|transport| !is_loopback(transport.bind.ip()));
            if let (true, Some(transport)) = (anonymous, reached) {
                let why = format!(
                    "whoever reaches {} is served: the anonymous identifier is loaded and nothing (auth, permit, \
                     deny) says who may come",
                    transport.bind
                );
                self.say(Severity::Warning, "endpoint", id, "type", &why);
            }
        } else if endpoint.identify_by.contains(IdentifyMethod::Username) {
            let why = "whoever says that it is this endpoint is served: set auth, permit and deny, or \
                       identify_by=ip";
            self.say(Severity::Warning, "endpoint", id, "auth", why);
        }
    }

    /// Says `why` where `option` of an object is set, or else where its section begins.
    fn say(&mut self, severity: Severity, object_type: &str, id: &str, option: &str, why: &str) {
        let is_it = |section: &&Section| *section.name == *id && section.value("type") == Some(object_type);
        let section = self.file.sections().find(is_it);
        let pos = section.map(|section| match section.get(option).filter(|_| option != "type") {
            Some(entry) => entry.pos.clone(),
            None => section.pos.clone(),
        });
        self.said.push(Diagnostic { severity, pos, message: format!("[{id}]: {why}") });
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Why a password is no good, if it is not; `names` are what an attacker knows.
fn weakness(password: &str, names: &[&str]) -> Option<&'static str> {
    let lower = password.to_lowercase();
    let letters = lower.trim_matches(|c: char| !c.is_alphabetic());
    let reversed: String = lower.chars().rev().collect();
    let is_name = |name: &&str| {
        let name = name.to_lowercase();
        !name.is_empty() && (lower == name || reversed == name || lower == name.repeat(2))
    };
    let mut kinds: Vec<char> = lower.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    if lower.starts_with(SAMPLE) {
        Some("the password is the sample's, which everyone knows")
    } else if names.iter().any(is_name) {
        Some("the password is its user name")
    } else if password.chars().count() < SHORTEST {
        Some("the password has fewer than 8 characters")
    } else if kinds.len() < 4 {
        Some("the password has fewer than 4 different characters")
    } else if password.len() < SHORTEST_NUMBER && password.bytes().all(|byte| byte.is_ascii_digit()) {
        Some("the password is a number of fewer than 12 digits")
    } else if TRIED_FIRST.contains(&letters) {
        Some("the password is one that attackers try first")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, loaded: &[&str]) -> Vec<String> {
        let file = conf::Loader::new(".").parse("pjsip.conf", text).unwrap();
        let (config, _) = PjsipConfig::parse(&file);
        let said = audit(&file, &config, |module| loaded.contains(&module));
        said.iter().map(|it| format!("{:?} {it}", it.severity)).collect()
    }

    const DIGEST: &str = "res_pjsip_authenticator_digest";
    const ANONYMOUS: &str = "res_pjsip_endpoint_identifier_anonymous";

    #[test]
    fn tls_without_a_certificate_is_not_opened() {
        let text = "[t]\ntype=transport\nbind=127.0.0.1:5061\nprotocol=tls\n";
        let told = "Error pjsip.conf:4:1: [t]: the transport is not opened: TLS needs cert_file";
        assert_eq!(said(text, &[]), [told]);
        assert!(said(&text.replace("tls", "tcp"), &[]).is_empty());
    }

    #[test]
    fn endpoints_without_auth_are_named() {
        let text = "[phone](!)\ntype=endpoint\n[open](phone)\n[locked](phone)\nauth=a\n[a]\ntype=auth\n\
                    username=u\npassword=vk3-Gn!p0q\n[near](phone)\ndeny=0.0.0.0/0\npermit=10.0.0.0/8\n\
                    [gateway](phone)\nidentify_by=ip\n";
        let said = said(text, &[DIGEST]);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("Warning pjsip.conf:3:1: [open]: whoever says that"), "{said:?}");
    }

    #[test]
    fn anonymous_is_a_door_when_others_can_reach_it() {
        let text = |bind| format!("[u]\ntype=transport\nbind={bind}\n[anonymous]\ntype=endpoint\n");
        let public = said(&text("0.0.0.0:5060"), &[ANONYMOUS]);
        assert!(public[0].contains("[anonymous]: whoever reaches 0.0.0.0:5060 is served"), "{public:?}");
        assert_eq!(said(&text("127.0.0.1"), &[ANONYMOUS]), Vec::<String>::new());
        assert_eq!(said(&text("192.0.2.1"), &[]), Vec::<String>::new());
    }

    #[test]
    fn locks_without_their_module_are_errors() {
        let text = "[locked]\ntype=endpoint\nauth=a\n[a]\ntype=auth\nusername=u\npassword=vk3-Gn!p0q\n\
                    [lock]\ntype=acl\ndeny=0.0.0.0/0\n";
        let said = said(text, &[]);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("Error pjsip.conf:3:1: [locked]: res_pjsip_auth"), "{said:?}");
        assert!(said[1].starts_with("Error pjsip.conf:8:1: [lock]: res_pjsip_acl is not"), "{said:?}");
    }

    #[test]
    fn weak_passwords_are_named_and_never_shown() {
        for (password, weak) in [
            ("alice", true),
            ("ecilA", true),
            ("alicealice", true),
            ("seven77", true),
            ("aaaaaaaaaabb", true),
            ("20260101", true),
            ("83501927465", true),
            ("835019274650", false),
            ("Password123!", true),
            ("1secret2026", true),
            ("change-me-9b7c2e", true),
            ("correct horse battery", false),
            ("Xk2-9vQp", false),
        ] {
            let text = format!("[x]\ntype=auth\nusername=alice\npassword={password}\n");
            let said = said(&text, &[]);
            assert_eq!(!said.is_empty(), weak, "{password}: {said:?}");
            let shown = said.iter().any(|line| line.contains(password) && password != "alice");
            assert!(!shown && said.iter().all(|line| line.starts_with("Warning pjsip.conf:4:1: [x]: the")));
        }
    }
}
