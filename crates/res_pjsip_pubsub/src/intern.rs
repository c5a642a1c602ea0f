//! Texts that many subscriptions have in common, kept once.

use std::collections::HashSet;
use std::sync::Arc;

/// Texts kept at most: phones of one office have few user agents, an attacker has many.
const LIMIT: usize = 1024;

/// A set of shared texts.
#[derive(Default)]
pub(crate) struct Interner {
    texts: HashSet<Arc<str>>,
}

impl Interner {
    /// The shared copy of a text.
    pub(crate) fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        if self.texts.len() >= LIMIT {
            self.texts.retain(|text| Arc::strong_count(text) > 1);
        }
        let shared: Arc<str> = text.into();
        if self.texts.len() < LIMIT {
            self.texts.insert(shared.clone());
        }
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one() {
        let mut interner = Interner::default();
        assert!(Arc::ptr_eq(&interner.intern("yealink"), &interner.intern("yealink")));
        for number in 0..5000 {
            interner.intern(&number.to_string());
        }
        assert!(interner.texts.len() <= LIMIT);
    }
}
