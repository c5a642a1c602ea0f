//! What a hint is defined as.

use std::sync::Arc;

use conf::Pos;

use crate::hint_text;

/// What a hint is defined as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintDefinition {
    /// The value without display name; variables are expanded, but for the line of a pattern.
    pub text: Arc<str>,
    /// The display name; may be empty.
    pub name: Arc<str>,
    /// Where it stands; for one made of a pattern, where the pattern stands.
    pub pos: Pos,
    /// Whether it was made of a pattern.
    pub from_pattern: bool,
    /// Whether `autohints` made it of a device; then it stands where its context does.
    pub auto: bool,
}

impl HintDefinition {
    /// Names of its devices, as written.
    pub fn devices(&self) -> impl Iterator<Item = &str> {
        hint_text::devices(&self.text)
    }

    /// Names of its presence providers, as written.
    pub fn presence(&self) -> impl Iterator<Item = &str> {
        hint_text::presence(&self.text)
    }

    /// Whether it means the same, wherever it stands.
    pub(crate) fn means(&self, other: &Self) -> bool {
        self.text == other.text && self.name == other.name
    }
}
