//! Tags and nonces: numbers that nobody can guess.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Makes 128-bit tags from SipHash with random keys over a counter: unpredictable without the keys,
/// and no system call each.
#[derive(Debug, Default)]
pub(crate) struct TagSource {
    hashers: [RandomState; 2],
    counter: u64,
}

impl TagSource {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// 32 hexadecimal digits.
    pub(crate) fn next(&mut self) -> String {
        self.counter += 1;
        let [a, b] = [0, 1].map(|i| {
            let mut hasher = self.hashers[i].build_hasher();
            hasher.write_u64(self.counter);
            hasher.finish()
        });
        format!("{a:016x}{b:016x}")
    }
}
