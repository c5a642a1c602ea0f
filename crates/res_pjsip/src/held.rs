//! A request that is answered later, when what it asks for is in the store.

use sip::Scanner;

use crate::distributor::{Passed, Request};

/// A [`Request`] with a packet of its own. Retransmissions meanwhile are dropped by the transaction.
pub struct HeldRequest {
    bytes: Box<[u8]>,
    passed: Passed,
}

impl HeldRequest {
    /// Keeps a request.
    pub fn new(request: &Request<'_>) -> Self {
        Self { bytes: request.message.bytes().into(), passed: request.passed() }
    }

    /// Calls `f` with the request.
    pub fn with(&self, f: impl FnOnce(&Request<'_>)) {
        let mut scanner = Scanner::new();
        // It was read once, so it can be read again.
        let message = scanner.scan(&self.bytes).ok();
        if let Some(request) = message.and_then(|message| Request::read_again(&message, self.passed.clone()))
        {
            f(&request);
        }
    }
}
