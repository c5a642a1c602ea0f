//! `Authorization: Digest …` (RFC 7616 section 3.4).

use std::borrow::Cow;

use super::algorithm::Algorithm;
use super::params::read_params;
use crate::grammar::SyntaxError;

/// What a client answers a challenge with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The user name.
    pub username: Cow<'a, str>,
    /// The realm of the challenge.
    pub realm: Cow<'a, str>,
    /// The nonce of the challenge.
    pub nonce: Cow<'a, str>,
    /// The URI that the client hashed: the Request-URI, unless a proxy has changed that since.
    pub uri: Cow<'a, str>,
    /// The response, hexadecimal.
    pub response: Cow<'a, [u8]>,
    /// The algorithm; MD5 when there is none.
    pub algorithm: Algorithm,
    /// What `qop=auth` adds; `None` for a client of RFC 2069.
    pub qop: Option<Qop<'a>>,
}

/// The parameters that come with `qop=auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qop<'a> {
    /// The client's nonce.
    pub cnonce: Cow<'a, str>,
    /// How many requests the client has made with the server's nonce, this one included.
    pub count: u32,
    /// The count as written, which is what is hashed: eight hexadecimal digits.
    pub nc: Cow<'a, str>,
}

impl<'a> Credentials<'a> {
    /// Reads the value of an Authorization header. Unknown parameters are ignored.
    ///
    /// # Errors
    ///
    /// Another scheme, a parameter that is missing, malformed or there twice, an algorithm or a
    /// `qop` that is not supported.
    pub fn parse(header: &'a [u8]) -> Result<Self, SyntaxError> {
        const NAMES: [&str; 9] =
            ["username", "realm", "nonce", "uri", "response", "algorithm", "cnonce", "nc", "qop"];
        let mut values: [Option<Cow<'a, str>>; 9] = Default::default();
        read_params(header, |name, value| {
            let known = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name));
            match known.and_then(|known| values.get_mut(known)) {
                Some(Some(_)) => return Err(SyntaxError("a parameter is there twice")),
                Some(place) => *place = Some(value),
                None => {}
            }
            Ok(())
        })?;
        let [username, realm, nonce, uri, response, algorithm, cnonce, nc, qop] = values;
        let required = |value: Option<Cow<'a, str>>| value.ok_or(SyntaxError("a parameter is missing"));
        let qop = match qop {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                let (cnonce, nc) = (required(cnonce)?, required(nc)?);
                let digits = nc.len() == 8 && nc.bytes().all(|byte| byte.is_ascii_hexdigit());
                let count = u32::from_str_radix(&nc, 16).ok().filter(|count| digits && *count > 0);
                Some(Qop { cnonce, count: count.ok_or(SyntaxError("bad nonce count"))?, nc })
            }
            Some(_) => return Err(SyntaxError("qop is not auth")),
        };
        let response = match required(response)? {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        let algorithm = match algorithm {
            None => Algorithm::Md5,
            Some(name) => Algorithm::parse(&name).ok_or(SyntaxError("unknown algorithm"))?,
        };
        Ok(Self {
            username: required(username)?,
            realm: required(realm)?,
            nonce: required(nonce)?,
            uri: required(uri)?,
            response,
            algorithm,
            qop,
        })
    }
}
