//! Digest authentication (RFC 7616) with the algorithms of RFC 8760, both sides of it.
//!
//! A server writes a [`Challenge`], reads the [`Credentials`] that come back, and compares their
//! response with the one that it computes itself. A client reads the challenge and writes
//! credentials by [`authorize`]. Every hash is computed by [`Hashes`], which counts them.
//!
//! Supported are MD5, SHA-256 and SHA-512-256 with `qop=auth`, and credentials without `qop` as in
//! RFC 2069. There is no `-sess` and no `auth-int`.
//!
//! ```
//! use sip::digest::{Algorithm, Challenge, Credentials, Hashes, authorize};
//!
//! let challenge = Challenge::new("asterisk", "abc", "0123", Algorithm::Sha256);
//! let header = challenge.to_string();
//! let parsed = Challenge::parse(header.as_bytes()).unwrap();
//!
//! let answer = authorize(&parsed, "alice", "secret", "SUBSCRIBE", "sip:1000@pbx", "f00", 1);
//! let credentials = Credentials::parse(answer.as_bytes()).unwrap();
//! let mut hashes = Hashes::default();
//! let ha1 = hashes.ha1(Algorithm::Sha256, "alice", "asterisk", "secret");
//! assert!(hashes.response(Algorithm::Sha256, &ha1, "SUBSCRIBE", &credentials).equals(&credentials.response));
//! ```

mod algorithm;
mod challenge;
mod credentials;
mod hashes;
mod params;

pub use algorithm::{Algorithm, Hex};
pub use challenge::{Challenge, authorize};
pub use credentials::{Credentials, Qop};
pub use hashes::{Hashes, MacKey};

#[cfg(test)]
mod tests;
