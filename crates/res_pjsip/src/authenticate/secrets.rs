//! What endpoints must prove, prepared once when the configuration is loaded, and what strangers are
//! compared with.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use sip::digest::{Algorithm, Hashes, Hex};

use crate::config::{Auth, Endpoint, Global, IdentifyMethod, PjsipConfig};

/// How long the nonce of a challenge to nobody would be good: the default of `nonce_lifetime`.
const DECOY_LIFETIME: Duration = Duration::from_secs(32);

/// One user name and password in one realm, for one algorithm.
#[derive(Debug, Clone)]
pub struct Secret {
    /// The realm.
    pub realm: Arc<str>,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The user name.
    pub username: Arc<str>,
    /// The hash of user name, realm and password.
    pub ha1: Hex,
    /// How long a nonce is good.
    pub nonce_lifetime: Duration,
}

/// What an endpoint must prove: one of these. It is challenged in their order.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Secret> {
        self.0.iter()
    }

    /// What challenges ask for: each realm and algorithm once.
    pub fn asked(&self) -> Vec<(&str, Algorithm)> {
        let mut asked = Vec::new();
        for secret in &self.0 {
            let one = (&*secret.realm, secret.algorithm);
            if !asked.contains(&one) {
                asked.push(one);
            }
        }
        asked
    }

    /// What a challenger sees of them.
    fn form(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.0.iter().map(|secret| (&*secret.realm, secret.algorithm.name()))
    }

    /// The secrets of an endpoint. An `auth` that there is not adds none.
    fn of(endpoint: &Endpoint, config: &PjsipConfig) -> Self {
        let auths = endpoint.auth.iter().filter_map(|name| config.auths.get(name));
        Self(auths.flat_map(|auth| Self::of_auth(auth, &config.global)).collect())
    }

    fn of_auth<'a>(auth: &'a Auth, global: &'a Global) -> impl Iterator<Item = Secret> + 'a {
        let realm = auth.realm.as_ref().unwrap_or(&global.default_realm);
        auth.algorithms_uas.iter().filter_map(move |algorithm| {
            let kept = auth.digest(*algorithm).and_then(|hex| Hex::parse(*algorithm, hex));
            let ha1 = kept.or_else(|| {
                let password = auth.password.as_ref()?;
                Some(Hashes::default().ha1(*algorithm, &auth.username, realm, password))
            })?;
            Some(Secret {
                realm: realm.clone(),
                algorithm: *algorithm,
                username: auth.username.clone(),
                ha1,
                nonce_lifetime: auth.nonce_lifetime,
            })
        })
    }

    /// What an endpoint would have that sets nothing of its own. Nothing satisfies it.
    fn of_nobody(global: &Global) -> Self {
        let secret = |algorithm: &Algorithm| Secret {
            realm: global.default_realm.clone(),
            algorithm: *algorithm,
            username: "".into(),
            ha1: Hashes::default().ha1(*algorithm, "", "", ""),
            nonce_lifetime: DECOY_LIFETIME,
        };
        Self(global.default_auth_algorithms_uas.iter().map(secret).collect())
    }
}

/// The secrets of all endpoints that have an `auth`, and the decoys of all that there are not.
///
/// A stranger gets the challenge that some endpoint gets, always the same one for the same name: where
/// half of the endpoints ask for SHA-256, half of the strangers' names seem to. Which one it is depends
/// on the name and on a secret of the server. Equal challenges lie side by side, so one endpoint more or
/// less changes those of few strangers.
#[derive(Debug, Default)]
pub(crate) struct SecretsIndex {
    by_endpoint: HashMap<Arc<str>, Arc<Secrets>, RandomState>,
    /// Ordered by what they ask for.
    decoys: Vec<Arc<Secrets>>,
}

impl SecretsIndex {
    pub(crate) fn new(config: &PjsipConfig) -> Self {
        let mut index = Self::default();
        for (id, endpoint) in &config.endpoints {
            let secrets = Secrets::of(endpoint, config);
            if !secrets.0.is_empty() {
                index.by_endpoint.insert(id.clone(), Arc::new(secrets));
            }
        }
        // A phone known by its Authorization is a stranger at first; it must be able to answer.
        let by_authorization =
            |endpoint: &Arc<Endpoint>| endpoint.identify_by.contains(IdentifyMethod::AuthUsername);
        if index.by_endpoint.is_empty() || config.endpoints.values().any(by_authorization) {
            index.decoys.push(Arc::new(Secrets::of_nobody(&config.global)));
        } else {
            index.decoys.extend(index.by_endpoint.values().cloned());
            index.decoys.sort_by(|one, other| one.form().cmp(other.form()));
        }
        index
    }

    /// What an endpoint must prove; none if it names no `auth` that there is.
    pub(crate) fn of(&self, endpoint: &str) -> Option<&Arc<Secrets>> {
        self.by_endpoint.get(endpoint)
    }

    /// What somebody who is no endpoint is compared with.
    pub(crate) fn decoy(&self, name: &str, seed: u64) -> Option<&Arc<Secrets>> {
        let mut hasher = DefaultHasher::new();
        (seed, name).hash(&mut hasher);
        let place = (u128::from(hasher.finish()) * self.decoys.len() as u128) >> 64;
        self.decoys.get(place as usize)
    }

    /// Whether strangers are not all challenged alike.
    pub(crate) fn decoys_differ(&self) -> bool {
        // They are in order.
        self.decoys.first().zip(self.decoys.last()).is_some_and(|(one, other)| !one.form().eq(other.form()))
    }
}
