//! A phone's answers to challenges (RFC 3261 section 22).

use sip::digest::{Challenge, authorize};
use sip::{HeaderName, RawMessage};

/// What a phone knows of the server's challenges. It uses a nonce again, counting, until that is stale.
#[derive(Debug, Default)]
pub(crate) struct Login {
    challenge: Option<Challenge<'static>>,
    /// Requests made with the nonce.
    count: u32,
    authorization: Option<String>,
}

impl Login {
    /// Takes a challenge; false if there is nothing new to try.
    pub(crate) fn challenged(&mut self, answer: &RawMessage<'_>) -> bool {
        let challenge = answer.header(HeaderName::WwwAuthenticate);
        let challenge = challenge.and_then(|value| Challenge::parse(value).ok());
        let new = challenge.filter(|challenge| challenge.stale || self.authorization.is_none());
        self.challenge = new.map(Challenge::into_owned);
        self.count = 0;
        self.challenge.is_some()
    }

    /// Makes the Authorization of the next request, if a challenge and a password are known.
    pub(crate) fn next(&mut self, user: &str, password: Option<&str>, method: &str, uri: &str) {
        self.count += 1;
        let known = self.challenge.as_ref().zip(password);
        self.authorization = known.map(|(challenge, password)| {
            authorize(challenge, user, password, method, uri, "c0ffee", self.count)
        });
    }

    /// The Authorization of the current request.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}
