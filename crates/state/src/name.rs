//! Names that are compared without letter case and shown as they were first spelled.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hashbrown::Equivalent;

/// The name of a device or of a provider. `PJSIP/Alice` and `pjsip/alice` are one name (ASCII
/// letters only).
#[derive(Debug, Clone)]
pub struct Name(Arc<str>);

/// A borrowed [`Name`], to look one up in a [`hashbrown::HashMap`] without allocation.
#[derive(Debug, Clone, Copy)]
pub struct NameRef<'a>(pub &'a str);

impl Name {
    /// A name in the spelling to show.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name as it was spelled.
    pub fn as_arc(&self) -> &Arc<str> {
        &self.0
    }

    /// The name as it was spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn lowercase(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.lowercase().cmp(other.lowercase())
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        NameRef(&self.0).hash(hasher);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Hash for NameRef<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // Sixteen bytes at a time: hashers are slow at single ones.
        for chunk in self.0.as_bytes().chunks(16) {
            let mut lowercase = [0; 16];
            let (text, _) = lowercase.split_at_mut(chunk.len());
            text.copy_from_slice(chunk);
            text.make_ascii_lowercase();
            hasher.write(&lowercase);
        }
        hasher.write_usize(self.0.len());
    }
}

impl Equivalent<Name> for NameRef<'_> {
    fn equivalent(&self, name: &Name) -> bool {
        self.0.eq_ignore_ascii_case(&name.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hashbrown::HashSet;

    #[test]
    fn case_does_not_count_and_spelling_is_kept() {
        let mut names = HashSet::with_hasher(foldhash::fast::RandomState::default());
        names.insert(Name::new("PJSIP/Alice-with-a-long-name"));
        assert!(!names.insert(Name::new("pjsip/alice-WITH-a-long-name")));
        let found = names.get(&NameRef("PJSIP/ALICE-with-a-long-name"));
        assert_eq!(found.unwrap().as_str(), "PJSIP/Alice-with-a-long-name");
        assert!(!names.contains(&NameRef("PJSIP/Alice-with-a-long-nam")));
    }
}
