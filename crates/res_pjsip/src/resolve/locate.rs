//! The questions to the DNS that one URI needs, and the targets that come of the answers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::select::{Naptr, Srv, by_naptr, order_srv, srv_name, without_naptr};
use super::{Question, ResolveError, Target};
use crate::config::Protocol;

/// Addresses that one answer may bring; a name with more is cut.
const MAX_TARGETS: usize = 16;

/// What answers: the DNS, or a table in tests. No record is an empty answer; an error means that it
/// is not known whether there are any.
pub(crate) trait Dns {
    /// NAPTR records.
    fn naptr(&self, name: &str) -> impl Future<Output = Result<Vec<Naptr>, String>>;
    /// SRV records.
    fn srv(&self, name: &str) -> impl Future<Output = Result<Vec<Srv>, String>>;
    /// A and AAAA records.
    fn addresses(&self, name: &str) -> impl Future<Output = Result<Vec<IpAddr>, String>>;
}

/// The targets for a question, the first to try first (RFC 3263 section 4). Never empty.
pub(crate) async fn locate(
    dns: &impl Dns,
    question: &Question,
    draw: &mut impl FnMut(u32) -> u32,
) -> Result<Vec<Target>, ResolveError> {
    let mut located = Located { dns, question, draw, targets: Vec::new(), failure: None };
    if let Some(targets) = question.without_dns() {
        return Ok(targets);
    }
    if question.port.is_none() {
        located.by_services().await;
    }
    if located.targets.is_empty() {
        let protocol = question.protocol();
        let port = question.port.unwrap_or(protocol.default_port());
        located.add_host(protocol, &question.host, port).await;
    }
    let Located { mut targets, failure, .. } = located;
    targets.truncate(MAX_TARGETS);
    match failure {
        _ if !targets.is_empty() => Ok(targets),
        Some(failure) => Err(ResolveError::Failed(question.host.clone(), failure)),
        None => Err(ResolveError::NotFound(question.host.clone())),
    }
}

/// All addresses behind a name, with those of its SIP services if `services`: the sources that
/// requests of that host may come from.
pub(crate) async fn sources(dns: &impl Dns, name: &str, services: bool) -> Result<Vec<IpAddr>, String> {
    let mut hosts: Vec<Arc<str>> = vec![name.into()];
    if services {
        for protocol in [Protocol::Udp, Protocol::Tcp, Protocol::Tls] {
            let records = dns.srv(&srv_name(protocol, name)).await?;
            hosts.extend(order_srv(&records, |_| 0).into_iter().map(|record| record.target));
        }
    }
    hosts.sort();
    hosts.dedup();
    let mut addresses = Vec::new();
    for host in hosts {
        addresses.extend(dns.addresses(&host).await?);
    }
    addresses.sort();
    addresses.dedup();
    Ok(addresses)
}

struct Located<'a, D, R> {
    dns: &'a D,
    question: &'a Question,
    draw: &'a mut R,
    targets: Vec<Target>,
    /// The first question that was not answered.
    failure: Option<String>,
}

impl<D: Dns, R: FnMut(u32) -> u32> Located<'_, D, R> {
    /// By NAPTR, else by SRV records.
    async fn by_services(&mut self) {
        let Question { host, transport, secure, supported, .. } = self.question;
        let transport = transport.map(|_| self.question.protocol());
        let mut services = Vec::new();
        if transport.is_none() {
            let answer = self.dns.naptr(host).await;
            services = by_naptr(&self.note(answer), *secure, supported);
        }
        if services.is_empty() {
            services = without_naptr(host, transport, *secure, supported);
        }
        for (protocol, name) in services {
            let answer = self.dns.srv(&name).await;
            let records = order_srv(&self.note(answer), &mut *self.draw);
            for record in records {
                self.add_host(protocol, &record.target, record.port).await;
                if self.targets.len() >= MAX_TARGETS {
                    return;
                }
            }
        }
    }

    async fn add_host(&mut self, protocol: Protocol, host: &str, port: u16) {
        let answer = self.dns.addresses(host).await;
        for ip in self.note(answer) {
            let target = self.question.target(protocol, SocketAddr::new(ip, port));
            if !self.targets.contains(&target) {
                self.targets.push(target);
            }
        }
    }

    fn note<T>(&mut self, answer: Result<Vec<T>, String>) -> Vec<T> {
        answer.unwrap_or_else(|error| {
            self.failure.get_or_insert(error);
            Vec::new()
        })
    }
}
