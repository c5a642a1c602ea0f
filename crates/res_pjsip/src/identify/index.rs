//! What requests look up by the hundred thousand: prepared once, when the configuration is loaded.

use std::collections::HashMap as StdMap;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::{Equivalent, HashMap};

use crate::authenticate::SecretsIndex;
use crate::config::matching::{HeaderMatch, MatchAddress, Pattern};
use crate::config::network::{mapped, mask};
use crate::config::{Endpoint, Network, PjsipConfig, ResourceList};

type Map<K, V> = HashMap<K, V, RandomState>;

/// Everything that is looked up for a request.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Endpoints by name.
    pub(crate) names: Names,
    /// Endpoints by source address.
    pub(crate) sources: Sources,
    /// Endpoints by header, in the order of the file.
    pub(crate) by_header: Vec<(HeaderMatch, Arc<Endpoint>)>,
    /// Endpoints by request URI, in the order of the file.
    pub(crate) by_request_uri: Vec<(Pattern, Arc<Endpoint>)>,
    /// What endpoints prove themselves by.
    pub(crate) secrets: SecretsIndex,
    /// Endpoints by the AORs that they have, in the order of names.
    pub(crate) by_aor: Map<Arc<str>, Vec<Arc<Endpoint>>>,
    /// Resource lists by name.
    pub(crate) lists: Map<Arc<str>, Arc<ResourceList>>,
}

impl Index {
    /// Prepares `config`; `hosts` are the addresses of the names that `match` options name.
    pub(crate) fn new(config: &PjsipConfig, hosts: &StdMap<Arc<str>, Vec<IpAddr>>) -> Self {
        let lists = config.resource_lists.iter();
        let mut index = Self {
            names: Names::new(config),
            secrets: SecretsIndex::new(config),
            lists: lists.map(|list| (list.id.clone(), list.clone())).collect(),
            ..Self::default()
        };
        for endpoint in config.endpoints.values() {
            for aor in &endpoint.aors {
                index.by_aor.entry(aor.clone()).or_default().push(endpoint.clone());
            }
        }
        for identify in &config.identifies {
            // A missing endpoint was warned about when the file was read.
            let Some(endpoint) = config.endpoints.get(&identify.endpoint) else {
                continue;
            };
            if let Some(header) = &identify.header {
                index.by_header.push((header.clone(), endpoint.clone()));
            }
            if let Some(pattern) = &identify.request_uri {
                index.by_request_uri.push((pattern.clone(), endpoint.clone()));
            }
            let rules = identify.matches.iter().flat_map(|rule| {
                let networks = match &rule.address {
                    MatchAddress::Network(network) => vec![*network],
                    MatchAddress::Host(host) => {
                        let addresses = hosts.get(host).into_iter().flatten();
                        addresses.map(|address| Network::new(*address, 128)).collect()
                    }
                };
                let (excluded, port) = (rule.excluded, rule.port);
                networks.into_iter().map(move |network| SourceRule { excluded, network, port })
            });
            index.sources.add(rules.collect(), endpoint);
        }
        index.sources.sort();
        index
    }
}

/// Endpoints by name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    alone: Map<Arc<str>, Arc<Endpoint>>,
    in_domain: Map<UserAt, Arc<Endpoint>>,
    aliases: Map<DomainKey, Arc<str>>,
}

impl Names {
    fn new(config: &PjsipConfig) -> Self {
        let mut names = Self::default();
        for (id, endpoint) in &config.endpoints {
            if let Some((user, domain)) = id.rsplit_once('@') {
                let key = UserAt { user: user.into(), domain: domain.into() };
                names.in_domain.insert(key, endpoint.clone());
            }
            names.alone.insert(id.clone(), endpoint.clone());
        }
        for alias in &config.domain_aliases {
            names.aliases.insert(DomainKey(alias.id.clone()), alias.domain.clone());
        }
        names
    }

    /// The endpoint named `user`.
    pub(crate) fn alone(&self, user: &str) -> Option<&Arc<Endpoint>> {
        self.alone.get(user)
    }

    /// The endpoint named `user@domain`; the domain is compared without regard to case.
    pub(crate) fn in_domain(&self, user: &str, domain: &str) -> Option<&Arc<Endpoint>> {
        if self.in_domain.is_empty() || domain.is_empty() {
            return None;
        }
        self.in_domain.get(&UserAtRef { user, domain })
    }

    /// The domain that `alias` stands for.
    pub(crate) fn real_domain(&self, alias: &str) -> Option<&str> {
        if self.aliases.is_empty() {
            return None;
        }
        self.aliases.get(&DomainRef(alias)).map(|domain| &**domain)
    }
}

/// Endpoints by source address.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    candidates: Vec<Candidate>,
    /// By length of prefix, the longest first: network to candidates, in the order of the file.
    networks: Vec<(u8, Map<u128, Vec<usize>>)>,
}

#[derive(Debug)]
struct Candidate {
    rules: Vec<SourceRule>,
    endpoint: Arc<Endpoint>,
}

/// One `match`, its host name resolved.
#[derive(Clone, Copy, Debug)]
struct SourceRule {
    excluded: bool,
    network: Network,
    port: Option<u16>,
}

impl SourceRule {
    fn contains(&self, source: SocketAddr) -> bool {
        self.port.is_none_or(|port| port == source.port()) && self.network.contains(source.ip())
    }
}

impl Sources {
    /// The endpoint that packets from `source` come from.
    pub(crate) fn find(&self, source: SocketAddr) -> Option<&Arc<Endpoint>> {
        let address = mapped(source.ip().to_canonical());
        self.networks.iter().find_map(|(prefix, networks)| {
            let candidates = networks.get(&(address & mask(*prefix)))?;
            let candidates = candidates.iter().filter_map(|at| self.candidates.get(*at));
            candidates.filter(|it| it.includes(source)).map(|it| &it.endpoint).next()
        })
    }

    fn add(&mut self, rules: Vec<SourceRule>, endpoint: &Arc<Endpoint>) {
        let at = self.candidates.len();
        for rule in rules.iter().filter(|rule| !rule.excluded) {
            let (bits, prefix) = rule.network.key();
            let place = self.networks.iter().position(|(length, _)| *length == prefix);
            let place = place.unwrap_or_else(|| {
                self.networks.push((prefix, Map::default()));
                self.networks.len() - 1
            });
            if let Some((_, networks)) = self.networks.get_mut(place) {
                networks.entry(bits).or_default().push(at);
            }
        }
        self.candidates.push(Candidate { rules, endpoint: endpoint.clone() });
    }

    fn sort(&mut self) {
        self.networks.sort_by_key(|(prefix, _)| std::cmp::Reverse(*prefix));
        // Of equal networks those that also name the port come first.
        let candidates = &self.candidates;
        for (prefix, networks) in &mut self.networks {
            for (bits, found) in networks.iter_mut() {
                let any_port = |at: &usize| {
                    candidates.get(*at).is_none_or(|candidate| {
                        !candidate
                            .rules
                            .iter()
                            .any(|rule| rule.port.is_some() && rule.network.key() == (*bits, *prefix))
                    })
                };
                found.sort_by_key(any_port);
                found.dedup();
            }
        }
    }
}

impl Candidate {
    /// Whether the last rule that contains `source` includes it.
    fn includes(&self, source: SocketAddr) -> bool {
        self.rules.iter().rev().find(|rule| rule.contains(source)).is_some_and(|rule| !rule.excluded)
    }
}

/// `user@domain` as a key; the case of the domain does not count (RFC 3261, 19.1.4).
#[derive(Debug, PartialEq, Eq)]
struct UserAt {
    user: Box<str>,
    domain: Box<str>,
}

#[derive(Debug)]
struct UserAtRef<'a> {
    user: &'a str,
    domain: &'a str,
}

impl Hash for UserAt {
    fn hash<H: Hasher>(&self, state: &mut H) {
        UserAtRef { user: &self.user, domain: &self.domain }.hash(state);
    }
}

impl Hash for UserAtRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.user.hash(state);
        DomainRef(self.domain).hash(state);
    }
}

impl Equivalent<UserAt> for UserAtRef<'_> {
    fn equivalent(&self, key: &UserAt) -> bool {
        *self.user == *key.user && self.domain.eq_ignore_ascii_case(&key.domain)
    }
}

/// A domain as a key; its case does not count.
#[derive(Debug, PartialEq, Eq)]
struct DomainKey(Arc<str>);

#[derive(Debug)]
struct DomainRef<'a>(&'a str);

impl Hash for DomainKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        DomainRef(&self.0).hash(state);
    }
}

impl Hash for DomainRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.bytes().for_each(|byte| state.write_u8(byte.to_ascii_lowercase()));
    }
}

impl Equivalent<DomainKey> for DomainRef<'_> {
    fn equivalent(&self, key: &DomainKey) -> bool {
        self.0.eq_ignore_ascii_case(&key.0)
    }
}
