//! Does a sender who says that it is an endpoint know its password?
//!
//! The distributor asks the [`Authenticator`], if a module has brought one, about every request of an
//! endpoint that has an `auth`, in a dialog or not, and about every request that nobody can be found
//! for. The latter is compared with the credentials of a decoy ([`Secrets`]), which nothing satisfies:
//! what is answered and what is computed do not tell whether a name exists.

mod digest;
mod recent;
mod secrets;
mod strangers;

use std::fmt;
use std::net::IpAddr;

use sip::digest::Hashes;
use sip::{Millis, RawMessage};

pub use digest::DigestAuthenticator;
pub(crate) use digest::unanswerable;
pub(crate) use recent::Recent;
pub(crate) use secrets::SecretsIndex;
pub use secrets::{Secret, Secrets};
pub use strangers::{Repeated, Strangers};

/// A request whose sender must prove who it is.
pub struct AuthRequest<'a> {
    /// What it must prove.
    pub secrets: &'a Secrets,
    /// Whether the right password lets it in; otherwise nothing does.
    pub genuine: bool,
    /// Its method.
    pub method: &'a str,
    /// The message, for its Authorization headers.
    pub message: RawMessage<'a>,
    /// Where it came from.
    pub source: IpAddr,
    /// The time of the shard; all shards count from the same moment.
    pub now: Millis,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has proved who it is.
    Accepted,
    /// It has no credentials that could be read.
    Missing,
    /// It has the right password, but the nonce is too old, not ours, or its count was used before.
    Stale,
    /// It has the wrong user name, realm or password.
    Failed,
}

/// One way to check passwords; a module brings it.
pub trait Authenticator: Send + Sync {
    /// Judges the credentials of a request. What it computes depends on the request and on the shape
    /// of its [`Secrets`], never on whether they are genuine or right.
    fn authenticate(&self, request: &AuthRequest<'_>, hashes: &mut Hashes) -> Verdict;

    /// Challenges for it: values of WWW-Authenticate headers. `unique` makes a word that was never
    /// used before.
    fn challenge(
        &self,
        request: &AuthRequest<'_>,
        stale: bool,
        unique: &mut dyn FnMut() -> String,
        hashes: &mut Hashes,
    ) -> Vec<String>;
}

impl fmt::Debug for dyn Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator")
    }
}
