//! Where each extension is while lines are read: by context, name and caller id.

use std::borrow::Cow;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::context::{Context, Extension};

/// Places of extensions; their names are looked up where they are.
#[derive(Default)]
pub(super) struct Index {
    /// Context and extension, by number.
    places: HashTable<(u32, u32)>,
    hasher: RandomState,
}

impl Index {
    /// The number, within its context, of the extension with this name and caller id.
    pub(super) fn find(
        &self,
        contexts: &[Context],
        context: usize,
        name: &str,
        caller_id: Option<&str>,
    ) -> Option<usize> {
        let wanted = (context, canonical(name), caller_id);
        let same = |place: &(u32, u32)| {
            extension_at(contexts, *place)
                .is_some_and(|e| wanted == (place.0 as usize, canonical(&e.name), e.caller_id()))
        };
        let (_, extension) = self.places.find(self.hasher.hash_one(&wanted), same)?;
        Some(*extension as usize)
    }

    /// Adds the newest extension of a context.
    pub(super) fn insert_last(&mut self, contexts: &[Context], context: usize) {
        let Some(last) = contexts.get(context).and_then(|context| context.extensions.len().checked_sub(1))
        else {
            return;
        };
        let (Ok(context), Ok(last)) = (u32::try_from(context), u32::try_from(last)) else { return };
        let hasher = &self.hasher;
        let hash = |place: &(u32, u32)| {
            let extension = extension_at(contexts, *place);
            let key = extension.map(|e| (place.0 as usize, canonical(&e.name), e.caller_id()));
            key.map_or(0, |key| hasher.hash_one(&key))
        };
        self.places.insert_unique(hash(&(context, last)), (context, last), hash);
    }
}

fn extension_at(contexts: &[Context], (context, extension): (u32, u32)) -> Option<&Extension> {
    contexts.get(context as usize)?.extensions.get(extension as usize)
}

/// What makes two names the same extension: dashes do not count. In a set of a pattern they are
/// ranges, so patterns are compared as they are written.
fn canonical(name: &str) -> Cow<'_, str> {
    match name.contains('-') && !name.starts_with('_') {
        true => name.replace('-', "").into(),
        false => name.into(),
    }
}
