//! The objects of `pjsip.conf`.
//!
//! Every section is one object, of the type its `type=` names. Each type has one static table of its
//! options ([`table::ObjectType`]); the file is read once, at load, into typed objects
//! ([`Endpoint`], [`Aor`], [`Transport`], …), and each object keeps its [`Options`] for listings.
//!
//! A mistake costs as little as it can. An option that no table has is warned about and left out. A
//! value that its option refuses costs its object, and so does the second section of one name and
//! type; all other objects live. Where losing an object would open a door (`type=acl`, a list of
//! `acl.conf`) it denies everyone instead. Every remark names file, line, section and option.
//!
//! ```
//! use res_pjsip::config::PjsipConfig;
//!
//! # let dir = tempfile::tempdir()?;
//! std::fs::write(dir.path().join("pjsip.conf"), "\
//! [alice]
//! type=endpoint
//! aors=alice
//! allow_subscribe=yse
//! [alice]
//! type=aor
//! max_contacts=1
//! ")?;
//! let file = conf::Loader::new(dir.path()).load("pjsip.conf")?;
//! let (config, remarks) = PjsipConfig::parse(&file);
//!
//! assert_eq!(config.aors["alice"].max_contacts, 1);
//! assert!(!config.endpoints["alice"].allow_subscribe);
//! assert_eq!(remarks.len(), 1, "`yse` is neither yes nor no");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod acl;
pub mod aor;
mod audit;
pub mod auth;
pub mod caller_id;
pub mod changes;
mod codecs;
mod draft;
pub mod endpoint;
mod endpoint_options;
pub mod global;
pub mod identify_section;
mod load;
pub mod matching;
pub mod network;
pub mod options;
pub mod other;
mod report;
pub mod resource_list;
pub mod system;
pub mod table;
pub mod transport;
mod uri;
pub mod value;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use conf::{Config, Diagnostic};

pub use acl::{Acl, NamedAcls};
pub use aor::Aor;
pub use audit::audit;
pub use auth::{Algorithm, Auth};
pub use caller_id::CallerId;
pub use changes::{Changes, ObjectId};
pub use endpoint::{Endpoint, IdentifyBy, IdentifyMethod};
pub use global::{Global, OverloadTrigger};
pub use identify_section::Identify;
pub use load::object_types;
pub use network::Network;
pub use options::Options;
pub use other::{AclSection, DomainAlias, InboundPublication, PlainObject};
pub use resource_list::ResourceList;
pub use system::{ConnectionLimits, System};
pub use transport::{Protocol, Tls, Transport};

use crate::identify::index::Index;
use matching::MatchAddress;

/// What a load needs besides `pjsip.conf`.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The user agent when `user_agent` is not set: this software's name and version.
    pub product: &'a str,
    /// The lists of `acl.conf`.
    pub acls: &'a NamedAcls,
}

/// Everything that `pjsip.conf` says.
#[derive(Clone, Debug)]
pub struct PjsipConfig {
    /// `type=global`.
    pub global: Arc<Global>,
    /// `type=system`.
    pub system: Arc<System>,
    /// `type=transport`, in the order written.
    pub transports: Vec<Arc<Transport>>,
    /// `type=endpoint`, by name.
    pub endpoints: BTreeMap<Arc<str>, Arc<Endpoint>>,
    /// `type=aor`, by name.
    pub aors: BTreeMap<Arc<str>, Arc<Aor>>,
    /// `type=auth`, by name.
    pub auths: BTreeMap<Arc<str>, Arc<Auth>>,
    /// `type=identify`, in the order written.
    pub identifies: Vec<Arc<Identify>>,
    /// `type=domain_alias`, in the order written.
    pub domain_aliases: Vec<Arc<DomainAlias>>,
    /// `type=acl`, in the order written; a request must pass all.
    pub acls: Vec<Arc<AclSection>>,
    /// `type=resource_list`, in the order written.
    pub resource_lists: Vec<Arc<ResourceList>>,
    /// `type=inbound-publication`, in the order written.
    pub inbound_publications: Vec<Arc<InboundPublication>>,
    /// `type=outbound-publish`, in the order written.
    pub outbound_publishes: Vec<Arc<PlainObject>>,
    /// `type=asterisk-publication`, in the order written.
    pub asterisk_publications: Vec<Arc<PlainObject>>,
    /// `type=registration`, in the order written.
    pub registrations: Vec<Arc<PlainObject>>,
    /// `type=phoneprov`, in the order written.
    pub phoneprovs: Vec<Arc<PlainObject>>,
    /// What is looked up by a request, hashed.
    pub(crate) index: Arc<Index>,
}

impl PjsipConfig {
    /// Reads `pjsip.conf` without any `acl.conf`. What is to be said about it comes in the order of
    /// reading.
    pub fn parse(file: &Config) -> (Self, Vec<Diagnostic>) {
        let product = concat!("Starling ", env!("CARGO_PKG_VERSION"));
        Self::parse_with(file, &Context { product, acls: &NamedAcls::default() })
    }

    /// Reads `pjsip.conf`. What is to be said about it comes in the order of reading.
    pub fn parse_with(file: &Config, context: &Context<'_>) -> (Self, Vec<Diagnostic>) {
        load::load(file, context)
    }

    /// The configuration without any object; `product` is the user agent.
    pub fn empty(product: &str) -> Self {
        let mut config = Self {
            global: Arc::new(Global::with_product(product)),
            system: Arc::default(),
            transports: Vec::new(),
            endpoints: BTreeMap::new(),
            aors: BTreeMap::new(),
            auths: BTreeMap::new(),
            identifies: Vec::new(),
            domain_aliases: Vec::new(),
            acls: Vec::new(),
            resource_lists: Vec::new(),
            inbound_publications: Vec::new(),
            outbound_publishes: Vec::new(),
            asterisk_publications: Vec::new(),
            registrations: Vec::new(),
            phoneprovs: Vec::new(),
            index: Arc::default(),
        };
        config.index();
        config
    }

    /// The transport of this name.
    pub fn transport(&self, id: &str) -> Option<&Arc<Transport>> {
        self.transports.iter().find(|transport| *transport.id == *id)
    }

    /// The resource list of this name and event package (RFC 4662).
    pub fn resource_list(&self, id: &str, event: &str) -> Option<&Arc<ResourceList>> {
        self.index.lists.get(id).filter(|list| *list.event == *event)
    }

    /// The endpoints that have this AOR.
    pub fn endpoints_of(&self, aor: &str) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.index.by_aor.get(aor).into_iter().flatten()
    }

    /// Whether every `type=acl` lets `source` in.
    pub fn allows_source(&self, source: IpAddr) -> bool {
        self.acls.iter().all(|acl| acl.source.allows(source))
    }

    /// Whether every `type=acl` lets a contact at `host` in.
    pub fn allows_contact(&self, host: IpAddr) -> bool {
        self.acls.iter().all(|acl| acl.contact.allows(host))
    }

    /// Whether strangers are not all challenged alike, because endpoints are not. Then the server needs a
    /// secret that outlives it: [`Access::decoy_seed`](crate::Access::decoy_seed).
    pub fn challenges_differ(&self) -> bool {
        self.index.secrets.decoys_differ()
    }

    /// The host names that `match` options name, each once: what [`PjsipConfig::with_hosts`] wants
    /// the addresses of. The flag says whether services (RFC 3263) are looked up too.
    pub fn host_names(&self) -> BTreeMap<Arc<str>, bool> {
        let mut names = BTreeMap::new();
        for identify in &self.identifies {
            for rule in &identify.matches {
                if let MatchAddress::Host(host) = &rule.address {
                    *names.entry(host.clone()).or_insert(false) |= identify.srv_lookups;
                }
            }
        }
        names
    }

    /// This configuration with `match` options that name hosts matching their addresses. A host that
    /// is not in `hosts` matches nothing.
    pub fn with_hosts(&self, hosts: &HashMap<Arc<str>, Vec<IpAddr>>) -> Self {
        Self { index: Arc::new(Index::new(self, hosts)), ..self.clone() }
    }

    /// Prepares what requests look up.
    pub(crate) fn index(&mut self) {
        self.index = Arc::new(Index::new(self, &HashMap::new()));
    }
}

impl Default for PjsipConfig {
    fn default() -> Self {
        Self::empty(concat!("Starling ", env!("CARGO_PKG_VERSION")))
    }
}

#[cfg(test)]
pub(crate) mod tests;
