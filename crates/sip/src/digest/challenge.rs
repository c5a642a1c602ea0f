//! `WWW-Authenticate: Digest …` (RFC 7616 section 3.3), and the client's answer to it.

use std::borrow::Cow;
use std::fmt;

use super::algorithm::Algorithm;
use super::credentials::{Credentials, Qop};
use super::hashes::Hashes;
use super::params::read_params;
use crate::grammar::SyntaxError;

/// What a server asks for. Displayed as the value of a header, in Asterisk's order of parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// The realm.
    pub realm: Cow<'a, str>,
    /// The server's nonce.
    pub nonce: Cow<'a, str>,
    /// What the client gives back unread.
    pub opaque: Cow<'a, str>,
    /// Whether only the nonce was wrong: the client may try again without asking its user.
    pub stale: bool,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Whether `qop=auth` is offered.
    pub qop: bool,
}

impl<'a> Challenge<'a> {
    /// A challenge with `qop=auth`.
    pub fn new(realm: &'a str, nonce: &'a str, opaque: &'a str, algorithm: Algorithm) -> Self {
        Self {
            realm: realm.into(),
            nonce: nonce.into(),
            opaque: opaque.into(),
            stale: false,
            algorithm,
            qop: true,
        }
    }

    /// Reads the value of a WWW-Authenticate header. Unknown parameters are ignored.
    ///
    /// # Errors
    ///
    /// Another scheme, a malformed parameter, no realm or nonce, an algorithm or only `qop` values
    /// that are not supported.
    pub fn parse(header: &'a [u8]) -> Result<Self, SyntaxError> {
        let (mut realm, mut nonce, mut opaque) = (None, None, Cow::Borrowed(""));
        let (mut stale, mut qop, mut algorithm) = (false, false, Algorithm::Md5);
        read_params(header, |name, value| {
            match name.to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value),
                "nonce" => nonce = Some(value),
                "opaque" => opaque = value,
                "stale" => stale = value.eq_ignore_ascii_case("true"),
                "algorithm" => {
                    algorithm = Algorithm::parse(&value).ok_or(SyntaxError("unknown algorithm"))?;
                }
                "qop" if value.split(',').any(|word| word.trim().eq_ignore_ascii_case("auth")) => qop = true,
                "qop" => return Err(SyntaxError("qop has no auth")),
                _ => {}
            }
            Ok(())
        })?;
        let (Some(realm), Some(nonce)) = (realm, nonce) else {
            return Err(SyntaxError("a parameter is missing"));
        };
        Ok(Self { realm, nonce, opaque, stale, algorithm, qop })
    }

    /// The same, to be kept.
    pub fn into_owned(self) -> Challenge<'static> {
        let owned = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        Challenge {
            realm: owned(self.realm),
            nonce: owned(self.nonce),
            opaque: owned(self.opaque),
            stale: self.stale,
            algorithm: self.algorithm,
            qop: self.qop,
        }
    }
}

impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { realm, nonce, opaque, algorithm, .. } = self;
        write!(f, "Digest realm={},nonce={},opaque={}", Quoted(realm), Quoted(nonce), Quoted(opaque))?;
        if self.stale {
            f.write_str(",stale=true")?;
        }
        write!(f, ",algorithm={algorithm}")?;
        if self.qop {
            f.write_str(",qop=\"auth\"")?;
        }
        Ok(())
    }
}

/// A client's answer to `challenge`: the value of an Authorization header for one request. `count` is
/// the number of requests made with the nonce, this one included.
pub fn authorize(
    challenge: &Challenge<'_>,
    username: &str,
    password: &str,
    method: &str,
    uri: &str,
    cnonce: &str,
    count: u32,
) -> String {
    let mut hashes = Hashes::default();
    let algorithm = challenge.algorithm;
    let ha1 = hashes.ha1(algorithm, username, &challenge.realm, password);
    let nc = format!("{count:08x}");
    let credentials = Credentials {
        username: username.into(),
        realm: challenge.realm.as_ref().into(),
        nonce: challenge.nonce.as_ref().into(),
        uri: uri.into(),
        response: Cow::Borrowed(b""),
        algorithm,
        qop: challenge.qop.then(|| Qop { cnonce: cnonce.into(), count, nc: nc.as_str().into() }),
    };
    let response = hashes.response(algorithm, &ha1, method, &credentials);
    let Credentials { username, realm, nonce, uri, .. } = &credentials;
    let mut text = format!(
        "Digest username={}, realm={}, nonce={}, uri={}, response=\"{}\", algorithm={algorithm}",
        Quoted(username),
        Quoted(realm),
        Quoted(nonce),
        Quoted(uri),
        response.as_str()
    );
    if !challenge.opaque.is_empty() {
        text += &format!(", opaque={}", Quoted(&challenge.opaque));
    }
    if challenge.qop {
        text += &format!(", cnonce={}, nc={nc}, qop=auth", Quoted(cnonce));
    }
    text
}

/// A quoted string: quotes and backslashes inside as quoted pairs.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for part in self.0.split_inclusive(['"', '\\']) {
            match part.strip_suffix(['"', '\\']) {
                Some(before) => write!(f, "{before}\\{}", &part[before.len()..])?,
                None => f.write_str(part)?,
            }
        }
        f.write_str("\"")
    }
}
