//! Which of the records that the DNS has, and in which order: RFC 3263 4.1 and 4.2, RFC 2782, RFC
//! 3403. Nothing but functions of records.

use std::sync::Arc;

use crate::config::Protocol;

/// A NAPTR record, as far as SIP reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Naptr {
    pub(crate) order: u16,
    pub(crate) preference: u16,
    pub(crate) flags: String,
    pub(crate) services: String,
    pub(crate) regexp_is_empty: bool,
    pub(crate) replacement: Arc<str>,
}

/// An SRV record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Srv {
    pub(crate) priority: u16,
    pub(crate) weight: u16,
    pub(crate) port: u16,
    pub(crate) target: Arc<str>,
}

/// The names whose SRV records are to be asked for, by NAPTR records: those of services that we have
/// a transport for, by order and preference. With `secure` only TLS counts.
pub(crate) fn by_naptr(records: &[Naptr], secure: bool, supported: &[Protocol]) -> Vec<(Protocol, Arc<str>)> {
    let mut usable: Vec<_> = records
        .iter()
        .filter(|record| record.flags.eq_ignore_ascii_case("s") && record.regexp_is_empty)
        .filter_map(|record| Some((service(&record.services)?, record)))
        .filter(|(protocol, _)| supported.contains(protocol) && (!secure || is_secure(*protocol)))
        .collect();
    usable.sort_by_key(|(_, record)| (record.order, record.preference));
    usable.into_iter().map(|(protocol, record)| (protocol, record.replacement.clone())).collect()
}

/// The names whose SRV records are to be asked for when there is no NAPTR record, best first.
pub(crate) fn without_naptr(
    domain: &str,
    transport: Option<Protocol>,
    secure: bool,
    supported: &[Protocol],
) -> Vec<(Protocol, Arc<str>)> {
    const ALL: [Protocol; 5] = [Protocol::Tls, Protocol::Tcp, Protocol::Udp, Protocol::Wss, Protocol::Ws];
    let wanted = |protocol: &Protocol| match transport {
        Some(transport) => *protocol == transport,
        None => supported.contains(protocol) && (!secure || is_secure(*protocol)),
    };
    ALL.into_iter().filter(wanted).map(|protocol| (protocol, srv_name(protocol, domain))).collect()
}

/// The name under which the servers of `domain` are, such as `_sip._udp.example.com`.
pub(crate) fn srv_name(protocol: Protocol, domain: &str) -> Arc<str> {
    let prefix = match protocol {
        Protocol::Udp | Protocol::Flow => "_sip._udp",
        Protocol::Tcp => "_sip._tcp",
        Protocol::Tls => "_sips._tcp",
        Protocol::Ws => "_sip._ws",
        Protocol::Wss => "_sips._ws",
    };
    format!("{prefix}.{domain}").into()
}

/// SRV records in the order in which they are tried: by priority, and within one priority by a draw
/// in which a record wins as often as its weight says (RFC 2782). `draw(n)` gives a number from 0 to
/// `n`, both included. A single record with the target `.` means that there is no such service.
pub(crate) fn order_srv(records: &[Srv], mut draw: impl FnMut(u32) -> u32) -> Vec<Srv> {
    let mut left: Vec<_> =
        records.iter().filter(|record| !matches!(&*record.target, "." | "")).cloned().collect();
    // Records without weight come first in the running sum: they nearly never win.
    left.sort_by_key(|record| (record.priority, record.weight));
    let mut ordered = Vec::with_capacity(left.len());
    while let Some(first) = left.first() {
        let priority = first.priority;
        let group = left.iter().take_while(|record| record.priority == priority);
        let sum: u32 = group.clone().map(|record| u32::from(record.weight)).sum();
        let drawn = draw(sum).min(sum);
        let running = group.scan(0, |running, record| {
            *running += u32::from(record.weight);
            Some(*running)
        });
        let winner = running.into_iter().position(|running| running >= drawn).unwrap_or_default();
        ordered.push(left.remove(winner));
    }
    ordered
}

/// The transport of a NAPTR service (RFC 3263 4.1, RFC 7118 section 7).
fn service(services: &str) -> Option<Protocol> {
    match services.to_ascii_uppercase().as_str() {
        "SIP+D2U" => Some(Protocol::Udp),
        "SIP+D2T" => Some(Protocol::Tcp),
        "SIPS+D2T" => Some(Protocol::Tls),
        "SIP+D2W" => Some(Protocol::Ws),
        "SIPS+D2W" => Some(Protocol::Wss),
        _ => None,
    }
}

fn is_secure(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Tls | Protocol::Wss)
}
