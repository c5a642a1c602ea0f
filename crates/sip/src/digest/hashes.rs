//! The hashes of RFC 7616 section 3.4.1, counted, and a keyed one for nonces.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

use super::algorithm::{Algorithm, Hex};
use super::credentials::Credentials;

/// Computes hashes and counts them: that two requests cost the same can be shown without a clock.
#[derive(Debug, Default)]
pub struct Hashes {
    computed: u64,
}

impl Hashes {
    /// How many hashes have been computed.
    pub fn computed(&self) -> u64 {
        self.computed
    }

    /// The hash of `user:realm:password`.
    pub fn ha1(&mut self, algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Hex {
        self.hash(algorithm, &[user.as_bytes(), realm.as_bytes(), password.as_bytes()])
    }

    /// The response that `credentials` should have for a request, if `ha1` is right.
    pub fn response(
        &mut self,
        algorithm: Algorithm,
        ha1: &Hex,
        method: &str,
        credentials: &Credentials<'_>,
    ) -> Hex {
        let ha2 = self.hash(algorithm, &[method.as_bytes(), credentials.uri.as_bytes()]);
        let (ha1, nonce, ha2) = (ha1.as_bytes(), credentials.nonce.as_bytes(), ha2.as_bytes());
        match &credentials.qop {
            None => self.hash(algorithm, &[ha1, nonce, ha2]),
            Some(qop) => {
                self.hash(algorithm, &[ha1, nonce, qop.nc.as_bytes(), qop.cnonce.as_bytes(), b"auth", ha2])
            }
        }
    }

    /// HMAC-SHA-256 of `parts`, cut to 128 bits.
    pub fn mac(&mut self, key: &MacKey, parts: &[&[u8]]) -> Hex {
        self.computed += 1;
        let mut mac = key.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        Hex::of(&mac.finalize().into_bytes()[..16])
    }

    /// The hash of `parts` with colons between them.
    fn hash(&mut self, algorithm: Algorithm, parts: &[&[u8]]) -> Hex {
        self.computed += 1;
        match algorithm {
            Algorithm::Md5 => joined::<Md5>(parts),
            Algorithm::Sha256 => joined::<Sha256>(parts),
            Algorithm::Sha512_256 => joined::<Sha512_256>(parts),
        }
    }
}

/// A key of [`Hashes::mac`].
#[derive(Clone)]
pub struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// A key of random bytes, a block of SHA-256.
    pub fn new(bytes: [u8; 64]) -> Self {
        Self(Hmac::new(&bytes.into()))
    }
}

impl std::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MacKey")
    }
}

fn joined<D: Digest>(parts: &[&[u8]]) -> Hex {
    let mut hash = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    Hex::of(&hash.finalize())
}
