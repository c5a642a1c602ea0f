//! May the sender of a request talk to us? Access control lists, identification, authentication.
//!
//! ```text
//! type=acl ─▶ endpoint? ─▶ its ACLs ─▶ its password ─▶ served
//!   403          └───────────┴────────────┴──▶ 401, the same for all of them
//! ```
//!
//! In a dialog too: whoever knows Call-ID and tags of a subscription does not have it.

use std::sync::Arc;

use sip::digest::Hashes;
use sip::{Millis, Scheme};

use crate::authenticate::{AuthRequest, Secrets, Verdict, unanswerable};
use crate::config::{Acl, Endpoint, Protocol};
use crate::core::Core;
use crate::distributor::{Incoming, printable, quotable};
use crate::identify::IdentifyRequest;
use crate::identify::by_name::user_of;
use crate::output::{Output, Peer};
use crate::security::{SecurityAddress, SecurityEvent, SecurityKind};
use crate::snapshot::Snapshot;
use crate::tag::TagSource;

/// The account of a sender who is no endpoint, as Asterisk's security events call it.
pub(crate) const UNKNOWN: &str = "<unknown>";

/// Why an access control list stops a request.
pub(crate) struct Denied {
    /// For the log.
    pub(crate) why: &'static str,
    /// The name of the list.
    pub(crate) acl: Arc<str>,
}

impl Core {
    /// Whether the sections `type=acl` let the source and every Contact of a request in.
    pub(crate) fn pass_acl(&self, incoming: &Incoming<'_>) -> Result<(), Denied> {
        let snapshot = self.snapshot();
        for section in &snapshot.config.acls {
            let why = match snapshot.access.acl {
                false => "res_pjsip_acl is not loaded, so type=acl denies everyone",
                true if !section.source.allows(incoming.peer.address.ip()) => {
                    "the address is not permitted (type=acl)"
                }
                true if !contacts_pass(incoming, &section.contact) => "a Contact is not permitted (type=acl)",
                true => continue,
            };
            return Err(Denied { why, acl: section.id.clone() });
        }
        Ok(())
    }

    /// Finds the endpoint and decides whether it may talk to us; answers 401 otherwise.
    pub(crate) fn admit(&mut self, incoming: &Incoming<'_>, out: &mut Output) -> Option<Arc<Endpoint>> {
        let endpoint = self.identify(incoming);
        let denied = endpoint.as_deref().and_then(|endpoint| denied(endpoint, incoming));
        match &endpoint {
            Some(endpoint) if denied.is_none() && needs_no_password(endpoint, incoming) => {
                return Some(endpoint.clone());
            }
            _ => {}
        }
        let judged = judge(&self.snapshot, &mut self.tags, self.now, incoming, endpoint.as_deref(), &denied);
        self.stats.hashes.add_many(judged.hashes);
        if judged.verdict == Verdict::Accepted {
            self.stats.authenticated.add();
            self.snapshot.access.strangers.forget(incoming.peer.address.ip(), self.now);
            let id = endpoint.as_ref().map_or(UNKNOWN, |endpoint| &endpoint.id);
            self.report(incoming, id, SecurityKind::SuccessfulAuth);
            return endpoint;
        }
        self.note_failure(incoming, endpoint.as_deref(), denied, judged.verdict);
        let branch = String::from_utf8_lossy(incoming.via.branch.unwrap_or_default());
        self.respond(incoming, 401, Some(&branch), out, |w| {
            for challenge in judged.challenges {
                w.header("WWW-Authenticate", challenge);
            }
        });
        None
    }

    /// Counts, logs and reports why a request is answered by a challenge.
    fn note_failure(
        &mut self,
        incoming: &Incoming<'_>,
        endpoint: Option<&Endpoint>,
        denied: Option<Denied>,
        verdict: Verdict,
    ) {
        let Some(endpoint) = endpoint else {
            self.stats.unidentified.add();
            if let Some(why) = self.stranger(incoming) {
                self.note_attack(incoming, &why);
                let user = incoming.from.uri.user_unescaped();
                self.report(incoming, &user, SecurityKind::InvalidAccountId);
            }
            return self.report(incoming, UNKNOWN, SecurityKind::ChallengeSent);
        };
        if let Some(denied) = denied {
            self.stats.denied.add();
            self.note_attack(incoming, denied.why);
            return self.report(incoming, &endpoint.id, SecurityKind::FailedAcl(&denied.acl));
        }
        if verdict != Verdict::Failed {
            self.stats.challenged.add();
            return self.report(incoming, &endpoint.id, SecurityKind::ChallengeSent);
        }
        self.stats.auth_failures.add();
        let snapshot = &self.snapshot;
        let why = match snapshot.config.index.secrets.of(&endpoint.id) {
            Some(_) if snapshot.access.authenticator.is_some() => "Failed to authenticate",
            // Its `auth` does not exist, or no module could check it.
            _ => "Error to authenticate",
        };
        self.note_attack(incoming, why);
        self.report(incoming, &endpoint.id, SecurityKind::ChallengeResponseFailed);
    }

    /// Whether a request of a stranger is worth a line, and what that says. Where `auth_username`
    /// identifies, a phone's first request is a stranger's; then only the
    /// `unidentified_request_count`th within `unidentified_request_period` and those after it are.
    fn stranger(&self, incoming: &Incoming<'_>) -> Option<String> {
        const WHY: &str = "No matching endpoint found";
        let global = &self.snapshot.config.global;
        if !global.endpoint_identifier_order.iter().any(|name| **name == *"auth_username") {
            return Some(WHY.to_owned());
        }
        let period = global.unidentified_request_period.as_millis() as Millis;
        let strangers = &self.snapshot.access.strangers;
        let repeated = strangers.count(incoming.peer.address.ip(), self.now, period);
        let (tries, since) = (repeated.count, repeated.since);
        let reached = tries >= u64::from(global.unidentified_request_count);
        reached.then(|| format!("{WHY} after {tries} tries in {since}.000 ms"))
    }

    /// The line that intrusion tools such as fail2ban look for.
    fn note_attack(&self, incoming: &Incoming<'_>, why: &str) {
        let display = incoming.from.display_name().map(|name| format!("\"{name}\" ")).unwrap_or_default();
        let from = format!("{display}<{}>", String::from_utf8_lossy(incoming.from.uri_bytes));
        let mut address = incoming.peer.address;
        address.set_ip(address.ip().to_canonical());
        tracing::info!(
            log.file = "res_pjsip/pjsip_distributor.c",
            "Request '{}' from '{}' failed for '{address}' (callid: {}) - {why}",
            quotable(incoming.method.as_bytes()),
            quotable(from.as_bytes()),
            quotable(incoming.call_id).replace(')', "]"),
        );
    }

    /// Tells whoever listens to security events.
    pub(crate) fn report(&mut self, incoming: &Incoming<'_>, account: &str, kind: SecurityKind<'_>) {
        if !self.snapshot.access.events.is_heard() {
            return;
        }
        let local = self.local_address(incoming.peer);
        let transport = self.snapshot.transports.get(usize::from(incoming.peer.transport));
        let protocol = match transport.map(|transport| transport.config.protocol) {
            None | Some(Protocol::Udp) => "UDP",
            Some(Protocol::Tcp) => "TCP",
            Some(Protocol::Tls) => "TLS",
            Some(Protocol::Ws) => "WS",
            Some(Protocol::Wss) => "WSS",
            Some(Protocol::Flow) => "FLOW",
        };
        let session = printable(incoming.call_id);
        self.snapshot.access.events.report(&SecurityEvent {
            kind,
            service: "PJSIP",
            account,
            session: &session,
            local: SecurityAddress { protocol, address: local },
            remote: SecurityAddress { protocol, address: incoming.peer.address },
        });
    }

    fn identify(&self, incoming: &Incoming<'_>) -> Option<Arc<Endpoint>> {
        let from = &incoming.from.uri;
        let user = from.user_unescaped();
        let snapshot = self.snapshot();
        snapshot.identifiers.identify(
            &snapshot.config,
            &IdentifyRequest {
                source: incoming.peer.address,
                from_scheme_is_sip: matches!(from.scheme, Scheme::Sip | Scheme::Sips),
                from_user: &user,
                from_domain: from.host,
                transport_domain: self.transport_domain(incoming.peer),
                request_uri: incoming.uri.text(),
                headers: &|name, visit| {
                    incoming.message.named(name).any(|value| visit(&String::from_utf8_lossy(value)));
                },
            },
        )
    }

    fn transport_domain(&self, peer: Peer) -> &str {
        let transport = self.snapshot().transports.get(usize::from(peer.transport));
        transport.and_then(|t| t.config.domain.as_deref()).unwrap_or_default()
    }
}

/// What came of a request's credentials.
struct Judged {
    verdict: Verdict,
    /// What it is challenged by; nothing if it is accepted.
    challenges: Vec<String>,
    /// How many hashes that took.
    hashes: u64,
}

/// Compares a request with what its endpoint, or a decoy, must prove.
fn judge(
    snapshot: &Snapshot,
    tags: &mut TagSource,
    now: Millis,
    incoming: &Incoming<'_>,
    endpoint: Option<&Endpoint>,
    denied: &Option<Denied>,
) -> Judged {
    let index = &snapshot.config.index.secrets;
    let own = endpoint.and_then(|endpoint| index.of(&endpoint.id));
    let user = incoming.from.uri.user_unescaped();
    let decoy = || index.decoy(user_of(&snapshot.config, &user), snapshot.access.decoy_seed);
    let none = Secrets::default();
    let authenticator = snapshot.access.authenticator.as_deref();
    let request = AuthRequest {
        secrets: own.or_else(decoy).map_or(&none, |secrets| secrets),
        genuine: own.is_some() && denied.is_none(),
        method: incoming.method,
        message: incoming.message,
        source: incoming.peer.address.ip(),
        now,
    };
    let mut hashes = Hashes::default();
    let mut unique = || tags.next();
    let (verdict, challenges) = match authenticator {
        None => (Verdict::Failed, unanswerable(&request, &mut unique)),
        Some(authenticator) => match authenticator.authenticate(&request, &mut hashes) {
            Verdict::Accepted => (Verdict::Accepted, Vec::new()),
            verdict => {
                let stale = verdict == Verdict::Stale;
                (verdict, authenticator.challenge(&request, stale, &mut unique, &mut hashes))
            }
        },
    };
    Judged { verdict, challenges, hashes: hashes.computed() }
}

fn needs_no_password(endpoint: &Endpoint, incoming: &Incoming<'_>) -> bool {
    endpoint.auth.is_empty() || (incoming.method == "OPTIONS" && endpoint.allow_unauthenticated_options)
}

/// Whether the lists of an endpoint (`permit`, `deny`, `acl`, `contact_*`) stop a request.
fn denied(endpoint: &Endpoint, incoming: &Incoming<'_>) -> Option<Denied> {
    if !endpoint.acl.allows(incoming.peer.address.ip()) {
        return Some(Denied { why: "Not match Endpoint ACL", acl: "not_match_endpoint_acl".into() });
    }
    if !contacts_pass(incoming, &endpoint.contact_acl) {
        let (why, acl) = ("Not match Endpoint Contact ACL", "not_match_endpoint_contact_acl".into());
        return Some(Denied { why, acl });
    }
    None
}

/// Whether a list lets the host of every Contact in. A list cannot let a host name in: nobody waits for
/// its address to be asked for.
fn contacts_pass(incoming: &Incoming<'_>, acl: &Acl) -> bool {
    acl.is_empty()
        || incoming.message.contact_is_star()
        || incoming
            .message
            .contacts()
            .all(|contact| contact.is_ok_and(|it| it.uri.host_ip().is_some_and(|ip| acl.allows(ip))))
}
