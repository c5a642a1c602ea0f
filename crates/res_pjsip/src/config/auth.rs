//! `type=auth`: credentials for digest authentication (RFC 7616, RFC 8760).
//!
//! ```text
//! [alice]
//! type=auth
//! auth_type=digest
//! username=alice
//! password_digest=SHA-256:6f0b…
//! supported_algorithms_uas=SHA-256
//! supported_algorithms_uac=SHA-256
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use sip::digest::Algorithm;

use super::draft::Draft;
use super::global::Global;
use super::options::Options;
use super::table::{Kind, ObjectType, OptionSpec, Shown, TEXT, UINT, opt, word};
use super::value::Value;

/// The table of `type=auth`.
pub static AUTH: ObjectType = ObjectType::new("auth", OPTIONS);

const ALGORITHMS: Kind = Kind::Algorithms { lenient: false };

const OPTIONS: &[OptionSpec] = &[
    opt("auth_type", word(&["userpass", "md5", "digest", "google_oauth"]), "userpass"),
    opt("md5_cred", TEXT, ""),
    opt("nonce_lifetime", UINT, "32"),
    opt("oauth_clientid", TEXT, ""),
    opt("oauth_secret", TEXT, ""),
    opt("password", TEXT, ""),
    opt("password_digest", Kind::Digests, "").accumulating().listed(Shown::WhenSet),
    opt("realm", TEXT, ""),
    opt("refresh_token", TEXT, ""),
    opt("supported_algorithms_uac", ALGORITHMS, ""),
    opt("supported_algorithms_uas", ALGORITHMS, ""),
    opt("username", TEXT, ""),
];

/// What proves who someone is.
#[derive(Clone, PartialEq)]
pub struct Auth {
    /// The section's name.
    pub id: Arc<str>,
    /// The user name, compared with regard to case.
    pub username: Arc<str>,
    /// The password, if it is kept in the clear.
    pub password: Option<Arc<str>>,
    /// Hashes of `user:realm:password`, lower-case hexadecimal, at most one an algorithm.
    pub digests: Vec<(Algorithm, Arc<str>)>,
    /// The realm; `None` for the default one. Outbound, `*` and `None` fit any realm.
    pub realm: Option<Arc<str>>,
    /// How long a nonce is good.
    pub nonce_lifetime: Duration,
    /// The algorithms a challenge offers, in this order. Each has a password or a digest.
    pub algorithms_uas: Vec<Algorithm>,
    /// The algorithms a challenge to us is answered with. Each has a password or a digest.
    pub algorithms_uac: Vec<Algorithm>,
    /// Every option, for listings.
    pub options: Options,
}

impl Auth {
    /// The credentials of a section.
    pub(crate) fn build(draft: &mut Draft<'_>, global: &Global) -> Self {
        draft.require("username");
        for (option, default) in [
            ("supported_algorithms_uas", &global.default_auth_algorithms_uas),
            ("supported_algorithms_uac", &global.default_auth_algorithms_uac),
        ] {
            if draft.options.list(option).is_empty() {
                let names = default.iter().map(|algorithm| algorithm.name().into()).collect();
                draft.options.replace(option, Value::List(names));
            }
        }
        let auth = Self::from_options(draft.id(), draft.options.clone());
        if *draft.options.text("auth_type") != *"google_oauth" && !draft.is_refused() {
            auth.check_secrets(draft);
        }
        auth
    }

    /// The hash of `user:realm:password` for `algorithm`, if one is kept.
    pub fn digest(&self, algorithm: Algorithm) -> Option<&str> {
        self.digests.iter().find(|(of, _)| *of == algorithm).map(|(_, hex)| &**hex)
    }

    fn from_options(id: Arc<str>, options: Options) -> Self {
        let mut digests: Vec<(Algorithm, Arc<str>)> = Vec::new();
        for pair in options.list("password_digest") {
            let Some((name, hex)) = pair.split_once(':') else {
                continue;
            };
            let Some(algorithm) = Algorithm::parse(name) else {
                continue;
            };
            digests.retain(|(of, _)| *of != algorithm);
            digests.push((algorithm, hex.into()));
        }
        if let Some(hex) = options.some_text("md5_cred")
            && !digests.iter().any(|(of, _)| *of == Algorithm::Md5)
        {
            digests.push((Algorithm::Md5, hex.to_ascii_lowercase().into()));
        }
        Self {
            id,
            username: options.text("username"),
            password: options.some_text("password"),
            digests,
            realm: options.some_text("realm"),
            nonce_lifetime: Duration::from_secs(options.number("nonce_lifetime").into()),
            algorithms_uas: algorithms(&options, "supported_algorithms_uas"),
            algorithms_uac: algorithms(&options, "supported_algorithms_uac"),
            options,
        }
    }

    /// Refuses credentials that could not answer for an algorithm they offer.
    fn check_secrets(&self, draft: &mut Draft<'_>) {
        if self
            .digest(Algorithm::Md5)
            .is_some_and(|hex| hex.len() != 32 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            draft.refuse("md5_cred", "must be 32 hexadecimal digits");
        }
        for (option, algorithms) in [
            ("supported_algorithms_uas", &self.algorithms_uas),
            ("supported_algorithms_uac", &self.algorithms_uac),
        ] {
            let without = |of: &&Algorithm| self.password.is_none() && self.digest(**of).is_none();
            if let Some(algorithm) = algorithms.iter().find(without) {
                let what = format!("has {algorithm}, but there is no password and no password_digest for it");
                return draft.refuse(option, &what);
            }
        }
    }
}

/// The algorithms that `option` names.
pub(super) fn algorithms(options: &Options, option: &str) -> Vec<Algorithm> {
    options.list(option).iter().filter_map(|name| Algorithm::parse(name)).collect()
}

/// Without the secrets, so that they reach no log.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("id", &self.id)
            .field("username", &self.username)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}
