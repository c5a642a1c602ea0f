//! The hints that look at one device: attached to it, so that a change finds them with the device.

use std::sync::Arc;

use state::Attachment;

use crate::hint::Hint;

/// The hints that look at one device; nearly all devices have one.
#[derive(Debug, Default)]
pub(super) enum Watching {
    #[default]
    Nobody,
    One(Arc<Hint>),
    #[expect(clippy::box_collection, reason = "keeps the size of the usual case at two words")]
    Several(Box<Vec<Arc<Hint>>>),
}

impl Watching {
    /// Adds a hint. Hints come one after the other: if this one is in, it is the last.
    pub(super) fn add(&mut self, hint: &Arc<Hint>) {
        if self.as_slice().last().is_some_and(|last| Arc::ptr_eq(last, hint)) {
            return;
        }
        *self = match std::mem::take(self) {
            Self::Nobody => Self::One(hint.clone()),
            Self::One(one) => Self::Several(Box::new(vec![one, hint.clone()])),
            Self::Several(mut hints) => {
                hints.push(hint.clone());
                Self::Several(hints)
            }
        };
    }

    /// Leaves only some of them; true if none is left of those there were.
    pub(super) fn retain(&mut self, stays: impl Fn(&Arc<Hint>) -> bool) -> bool {
        match self {
            Self::Nobody => return false,
            Self::One(one) if stays(one) => return false,
            Self::One(_) => {}
            Self::Several(hints) => {
                hints.retain(stays);
                if !hints.is_empty() {
                    return false;
                }
            }
        }
        *self = Self::Nobody;
        true
    }

    pub(super) fn as_slice(&self) -> &[Arc<Hint>] {
        match self {
            Self::Nobody => &[],
            Self::One(hint) => std::slice::from_ref(hint),
            Self::Several(hints) => hints,
        }
    }
}

impl Attachment for Watching {
    fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_two_words() {
        assert_eq!(size_of::<Watching>(), 16);
    }
}
