//! Who answers: the DNS, or the system's own functions.

use std::cell::Cell;
use std::fs;
use std::net::IpAddr;
use std::rc::Rc;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::system_conf::{parse_resolv_conf, read_system_conf};
use hickory_resolver::{Hosts, Resolver, TokioResolver};

use super::locate::Dns;
use super::select::{Naptr, Srv};
use super::settings::{Backend, Settings};

/// How long the absence of a name counts at least: a phone with a wrong name must not load the DNS.
const NEGATIVE: Duration = Duration::from_secs(5);
/// How long an answer of the system counts, which does not say.
const SYSTEM: Duration = Duration::from_secs(60);
/// Names that are remembered.
const CACHE: u64 = 16_384;
/// Queries that may wait at one name server.
const ACTIVE: usize = 256;

/// A backend whose files have been read.
pub(crate) enum Prepared {
    System,
    Dns(Box<(ResolverConfig, ResolverOpts, Option<Hosts>)>),
}

/// A backend at work. Only for the thread of the resolver.
#[derive(Clone)]
pub(crate) enum Lookup {
    System,
    Dns(Rc<TokioResolver>),
}

/// One use of a backend; knows how long all that it has said counts.
pub(crate) struct Asking<'a> {
    lookup: &'a Lookup,
    until: Cell<Option<Instant>>,
}

impl Prepared {
    /// Reads the files of a backend.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, by name; no name server at all.
    pub(crate) fn new(backend: &Backend) -> Result<Self, String> {
        let Backend::Dns(settings) = backend else { return Ok(Self::System) };
        let (mut config, mut options) = resolv(settings)?;
        if !settings.nameservers.is_empty() {
            let (domain, search, _) = config.into_parts();
            let servers = settings.nameservers.iter().map(|address| {
                let mut server = NameServerConfig::udp_and_tcp(address.ip());
                for connection in &mut server.connections {
                    connection.port = address.port();
                }
                server
            });
            config = ResolverConfig::from_parts(domain, search, servers.collect());
        }
        if config.name_servers().is_empty() {
            return Err("there is no name server, neither by option 'nameserver' nor in resolv.conf".into());
        }
        options.cache_size = CACHE;
        options.negative_min_ttl = Some(NEGATIVE);
        options.max_active_requests = ACTIVE;
        options.use_hosts_file = ResolveHosts::Always;
        let hosts = settings.hosts.as_ref().map(|path| {
            let read = fs::File::open(path).and_then(|file| {
                let mut hosts = Hosts::default();
                hosts.read_hosts_conf(file).map(|()| hosts)
            });
            read.map_err(|error| format!("{}: {error}", path.display()))
        });
        Ok(Self::Dns(Box::new((config, options, hosts.transpose()?))))
    }

    /// Puts it to work.
    pub(crate) fn start(self) -> Result<Lookup, String> {
        let Self::Dns(parts) = self else { return Ok(Lookup::System) };
        let (config, options, hosts) = *parts;
        let builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
        let mut resolver = builder.with_options(options).build().map_err(|error| error.to_string())?;
        if let Some(hosts) = hosts {
            resolver.set_hosts(Arc::new(hosts));
        }
        Ok(Lookup::Dns(Rc::new(resolver)))
    }
}

fn resolv(settings: &Settings) -> Result<(ResolverConfig, ResolverOpts), String> {
    match &settings.resolv {
        Some(path) => fs::read(path)
            .map_err(|error| error.to_string())
            .and_then(|text| parse_resolv_conf(text).map_err(|error| error.to_string()))
            .map_err(|error| format!("{}: {error}", path.display())),
        // With name servers of its own the server needs no resolv.conf.
        None => match read_system_conf() {
            Ok(system) => Ok(system),
            Err(_) if !settings.nameservers.is_empty() => Ok(Default::default()),
            Err(error) => Err(format!("/etc/resolv.conf: {error}")),
        },
    }
}

impl<'a> Asking<'a> {
    pub(crate) fn new(lookup: &'a Lookup) -> Self {
        Self { lookup, until: Cell::new(None) }
    }

    /// How long the answers count: as long as the one that ages first.
    pub(crate) fn until(&self) -> Instant {
        self.until.get().unwrap_or_else(Instant::now)
    }

    fn counts_until(&self, until: Instant) {
        self.until.set(Some(self.until.get().map_or(until, |earlier| earlier.min(until))));
    }

    /// The records of one type. Names are complete: no search list.
    async fn records(&self, name: &str, record_type: RecordType) -> Result<Vec<RData>, String> {
        let Lookup::Dns(resolver) = self.lookup else { return Ok(Vec::new()) };
        let Ok(mut name) = Name::from_str(name) else { return Ok(Vec::new()) };
        name.set_fqdn(true);
        match resolver.lookup(name, record_type).await {
            Ok(lookup) => {
                self.counts_until(lookup.valid_until());
                // A CNAME on the way is an answer too.
                let ours = lookup.answers().iter().filter(|record| record.record_type() == record_type);
                Ok(ours.map(|record| record.data.clone()).collect())
            }
            Err(error) if is_no_record(&error) => {
                self.counts_until(Instant::now() + NEGATIVE);
                Ok(Vec::new())
            }
            Err(error) => {
                self.counts_until(Instant::now() + NEGATIVE);
                Err(error.to_string())
            }
        }
    }
}

fn is_no_record(error: &NetError) -> bool {
    error.is_no_records_found() || error.is_nx_domain()
}

impl Dns for Asking<'_> {
    async fn naptr(&self, name: &str) -> Result<Vec<Naptr>, String> {
        let records = self.records(name, RecordType::NAPTR).await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let naptr = records.into_iter().filter_map(|data| match data {
            RData::NAPTR(naptr) => Some(Naptr {
                order: naptr.order,
                preference: naptr.preference,
                flags: text(&naptr.flags),
                services: text(&naptr.services),
                regexp_is_empty: naptr.regexp.is_empty(),
                replacement: host(&naptr.replacement),
            }),
            _ => None,
        });
        Ok(naptr.collect())
    }

    async fn srv(&self, name: &str) -> Result<Vec<Srv>, String> {
        let records = self.records(name, RecordType::SRV).await?;
        let srv = records.into_iter().filter_map(|data| match data {
            RData::SRV(srv) => Some(Srv {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                target: host(&srv.target),
            }),
            _ => None,
        });
        Ok(srv.collect())
    }

    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        if let Ok(ip) = name.parse() {
            return Ok(vec![ip]);
        }
        if matches!(self.lookup, Lookup::System) {
            self.counts_until(Instant::now() + SYSTEM);
            let found = tokio::net::lookup_host((name, 0)).await.map_err(|error| error.to_string())?;
            let mut addresses: Vec<_> = found.map(|address| address.ip()).collect();
            addresses.dedup();
            return Ok(addresses);
        }
        let (v4, v6) = (self.records(name, RecordType::A).await, self.records(name, RecordType::AAAA).await);
        let failure = v4.as_ref().err().or(v6.as_ref().err()).cloned();
        let records = v4.into_iter().chain(v6).flatten();
        let addresses: Vec<_> = records.filter_map(|data| data.ip_addr()).collect();
        match failure {
            // One family is enough.
            Some(failure) if addresses.is_empty() => Err(failure),
            _ => Ok(addresses),
        }
    }
}

/// A name without the dot at its end.
fn host(name: &Name) -> Arc<str> {
    let text = name.to_ascii();
    if text == "." { text.into() } else { text.trim_end_matches('.').to_ascii_lowercase().into() }
}
