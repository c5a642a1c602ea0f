//! Access control lists: `permit`, `deny`, `acl` and the named lists of `acl.conf`.
//!
//! Within one list the rules are read in the order written and the **last** one that contains the
//! address decides; if none does, the address is allowed. The `permit` and `deny` lines of an object
//! form one list, every name in `acl` adds another, and an address must pass all of them. A name
//! that `acl.conf` does not have denies everyone: what was meant as a lock stays shut.
//!
//! ```text
//! deny=0.0.0.0/0
//! permit=192.0.2.0/24,!192.0.2.66
//! acl=office,home
//! ```

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use conf::{Config, Diagnostic, Severity};

use super::network::Network;

/// A network as an option lists it, with or without `!` before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether `!` turned the sense of the option round.
    pub inverted: bool,
    /// The addresses meant.
    pub network: Network,
}

impl Rule {
    /// Reads `[!]network`.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (inverted, network) = match text.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text),
        };
        Ok(Self { inverted, network: Network::parse(network)? })
    }

    /// The rule as parameter listings show it.
    pub(crate) fn show(&self) -> String {
        format!("{}{}", if self.inverted { "!" } else { "" }, self.network.with_mask())
    }
}

/// One line of a list: whom it speaks of and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AclRule {
    /// Whether the addresses are let in.
    pub allow: bool,
    /// The addresses meant.
    pub network: Network,
}

/// A list of rules, or a list that failed to load and denies everyone.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AclList {
    Rules(Arc<[AclRule]>),
    DenyAll,
}

impl AclList {
    fn allows(&self, address: IpAddr) -> bool {
        match self {
            AclList::DenyAll => false,
            AclList::Rules(rules) => {
                rules.iter().rev().find(|rule| rule.network.contains(address)).is_none_or(|rule| rule.allow)
            }
        }
    }
}

/// What an object lets in: all its lists together. The default lets everyone in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl {
    lists: Vec<AclList>,
}

impl Acl {
    /// A list that lets nobody in: what a broken list becomes.
    pub fn deny_all() -> Self {
        Self { lists: vec![AclList::DenyAll] }
    }

    /// One list of these rules; none at all lets everyone in.
    pub fn new(rules: Vec<AclRule>) -> Self {
        let mut acl = Self::default();
        acl.push_rules(rules);
        acl
    }

    /// Adds a list of these rules, unless there are none.
    pub(crate) fn push_rules(&mut self, rules: Vec<AclRule>) {
        if !rules.is_empty() {
            self.lists.push(AclList::Rules(rules.into()));
        }
    }

    /// Adds all lists of `other`.
    pub(crate) fn push(&mut self, other: &Acl) {
        self.lists.extend_from_slice(&other.lists);
    }

    /// Whether every list lets `address` in.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.lists.iter().all(|list| list.allows(address))
    }

    /// Whether there is no list, so that everyone is let in.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }
}

/// The named lists of `acl.conf`.
///
/// ```text
/// [office]
/// deny=0.0.0.0/0
/// permit=192.0.2.0/24
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedAcls {
    lists: BTreeMap<Arc<str>, Acl>,
}

impl NamedAcls {
    /// Reads `acl.conf`. A list with a line that cannot be read denies everyone and is reported.
    pub fn parse(config: &Config) -> (Self, Vec<Diagnostic>) {
        let mut named = Self::default();
        let mut diagnostics = Vec::new();
        for section in config.sections() {
            let mut rules = Vec::new();
            let mut broken = false;
            for entry in &section.entries {
                let read = match entry.name.to_ascii_lowercase().as_str() {
                    "permit" => rules_of(&entry.value, true),
                    "deny" => rules_of(&entry.value, false),
                    _ => Err("permit or deny".to_owned()),
                };
                match read {
                    Ok(more) => rules.extend(more),
                    Err(expected) => {
                        broken = true;
                        diagnostics.push(Diagnostic {
                            severity: Severity::Error,
                            pos: Some(entry.pos.clone()),
                            message: format!(
                                "[{}]: option '{}' has the value '{}', expected {expected}; \
                                 this list now denies everyone",
                                section.name, entry.name, entry.value
                            ),
                        });
                    }
                }
            }
            let acl = if broken { Acl::deny_all() } else { Acl::new(rules) };
            named.lists.insert(section.name.clone(), acl);
        }
        (named, diagnostics)
    }

    /// The list of this name.
    pub fn list(&self, name: &str) -> Option<&Acl> {
        self.lists.get(name)
    }
}

fn rules_of(text: &str, permit: bool) -> Result<Vec<AclRule>, String> {
    super::value::items(text).iter().map(|item| Rule::parse(item).map(|rule| rule.for_line(permit))).collect()
}

impl Rule {
    /// What this rule says on a `permit` (or else a `deny`) line.
    pub(crate) fn for_line(self, permit: bool) -> AclRule {
        AclRule { allow: permit != self.inverted, network: self.network }
    }
}

#[cfg(test)]
#[path = "acl_tests.rs"]
mod tests;
