//! `res_pjsip_authenticator_digest`: digest authentication (RFC 3261 section 22, RFC 7616, RFC 8760).
//!
//! A nonce is the time, a word that was never used before, and a keyed hash (HMAC-SHA-256) over both,
//! the realm and the source address. Any shard can check it without asking another. The key is made
//! when the module is loaded; a nonce from before is answered by `stale=true`, and the phone tries
//! again without asking its user.
//!
//! Each count of a nonce is good once, in whatever order they come and in whatever shard: a captured
//! request is worth nothing. What was used is kept in one table for all shards, without a lock, until
//! the nonce ends: at most 2,097,152 uses, 16 MiB; 65,536 requests a second for the 32 seconds of a
//! nonce. Beyond that the oldest is forgotten early. A phone of RFC 2069, which does not count, may use
//! a nonce once for each different request.
//!
//! The `uri` of the credentials is not compared with the Request-URI: proxies change that one (RFC 3261
//! section 22.4).

use std::net::IpAddr;

use sip::digest::{Challenge, Credentials, Hashes, Hex, MacKey};
use sip::{HeaderName, Millis};

use super::{AuthRequest, Authenticator, Recent, Secret, Verdict};

/// Chunks of 4,096 entries for uses of nonces.
const USED: usize = 512;
/// Authorization headers of one request that are looked at.
const MOST: usize = 4;
/// Digits of the time, of the unique word and of the hash in a nonce.
const TIME: usize = 12;
const WORD: usize = 16;
const HASH: usize = 32;

/// See the module's description.
#[derive(Debug)]
pub struct DigestAuthenticator {
    key: MacKey,
    used: Recent,
}

impl DigestAuthenticator {
    /// An authenticator with a key of its own.
    ///
    /// # Errors
    ///
    /// The system gives no random numbers.
    pub fn new() -> std::io::Result<Self> {
        let mut key = [0; 64];
        getrandom::fill(&mut key).map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self { key: MacKey::new(key), used: Recent::new(USED) })
    }

    fn mac(&self, stamp: &str, realm: &str, source: IpAddr, hashes: &mut Hashes) -> Hex {
        let source = match source.to_canonical() {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
        };
        hashes.mac(&self.key, &[stamp.as_bytes(), &source, realm.as_bytes()])
    }

    /// When the nonce was made, if it is ours and was made for this realm and address.
    fn made_at(&self, nonce: &str, realm: &str, source: IpAddr, hashes: &mut Hashes) -> Option<Millis> {
        let well_formed = nonce.len() == TIME + WORD + HASH && nonce.is_ascii();
        let (stamp, hash) = nonce.split_at_checked(TIME + WORD).unwrap_or((nonce, ""));
        // Computed in any case: how long this takes tells nothing.
        let ours = self.mac(stamp, realm, source, hashes).equals(hash.as_bytes());
        let time = stamp.get(..TIME).and_then(|time| Millis::from_str_radix(time, 16).ok());
        time.filter(|_| ours && well_formed)
    }

    /// Whether a nonce can be used, and counts the use. Only for credentials that are right.
    fn is_fresh(
        &self,
        secret: &Secret,
        credentials: &Credentials<'_>,
        made: Option<Millis>,
        now: Millis,
    ) -> bool {
        let lifetime = (secret.nonce_lifetime.as_millis() as Millis).min(Recent::LONGEST);
        let Some(end) = made.map(|made| made.saturating_add(lifetime)).filter(|end| *end > now) else {
            return false;
        };
        let nonce = &*credentials.nonce;
        let (uses, _) = match &credentials.qop {
            Some(qop) => self.used.count((nonce, qop.count), now, end),
            None => self.used.count((nonce, credentials.response.to_ascii_lowercase()), now, end),
        };
        uses == 1
    }
}

impl Authenticator for DigestAuthenticator {
    fn authenticate(&self, request: &AuthRequest<'_>, hashes: &mut Hashes) -> Verdict {
        let mut verdict = Verdict::Missing;
        for header in request.message.lines(HeaderName::Authorization).take(MOST) {
            let Ok(credentials) = Credentials::parse(header) else { continue };
            if verdict == Verdict::Missing {
                verdict = Verdict::Failed;
            }
            let fits =
                |it: &&Secret| *it.realm == *credentials.realm && it.algorithm == credentials.algorithm;
            for secret in request.secrets.iter().filter(fits) {
                let response =
                    hashes.response(credentials.algorithm, &secret.ha1, request.method, &credentials);
                let made = self.made_at(&credentials.nonce, &secret.realm, request.source, hashes);
                let right = response.equals(&credentials.response)
                    & (*secret.username == *credentials.username)
                    & request.genuine;
                match right {
                    false => {}
                    true if self.is_fresh(secret, &credentials, made, request.now) => {
                        return Verdict::Accepted;
                    }
                    true => verdict = Verdict::Stale,
                }
            }
        }
        verdict
    }

    fn challenge(
        &self,
        request: &AuthRequest<'_>,
        stale: bool,
        unique: &mut dyn FnMut() -> String,
        hashes: &mut Hashes,
    ) -> Vec<String> {
        let mut challenge = |(realm, algorithm)| {
            let word = unique();
            let (word, opaque) = word.split_at_checked(WORD).unwrap_or((&word, ""));
            let stamp = format!("{:0TIME$x}{word:0>WORD$}", request.now & ((1 << (4 * TIME)) - 1));
            let hash = self.mac(&stamp, realm, request.source, hashes);
            let nonce = stamp + hash.as_str();
            let challenge = Challenge { stale, ..Challenge::new(realm, &nonce, opaque, algorithm) };
            challenge.to_string()
        };
        request.secrets.asked().into_iter().map(&mut challenge).collect()
    }
}

/// Challenges that look like those of [`DigestAuthenticator`] and that nothing satisfies, for a server
/// without it.
pub(crate) fn unanswerable(request: &AuthRequest<'_>, unique: &mut dyn FnMut() -> String) -> Vec<String> {
    let mut challenge = |(realm, algorithm)| {
        let (nonce, opaque) = (unique() + &unique(), unique());
        let nonce = nonce.get(..TIME + WORD + HASH).unwrap_or(&nonce);
        let opaque = opaque.get(..WORD).unwrap_or(&opaque);
        Challenge::new(realm, nonce, opaque, algorithm).to_string()
    };
    request.secrets.asked().into_iter().map(&mut challenge).collect()
}
