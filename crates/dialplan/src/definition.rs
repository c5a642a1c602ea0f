//! What a hint is defined as.

use conf::Pos;

use crate::hint_text;

/// What a hint is defined as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintDefinition {
    /// The value, and behind it the display name: one allocation.
    texts: Box<str>,
    /// Where the display name begins.
    name: u32,
    /// Who wrote it.
    pub origin: Origin,
    /// Where it stands; for one made of a pattern, where the pattern stands; for one of `autohints`,
    /// where its context does.
    pub pos: Pos,
}

/// Who wrote a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It stands there, for its own extension or as a pattern's.
    Line,
    /// It was made of a pattern.
    Pattern,
    /// `autohints` made it of a device.
    Auto,
}

impl HintDefinition {
    /// A definition by its value without display name, and that name.
    pub(crate) fn new(text: &str, name: &str, pos: Pos, origin: Origin) -> Self {
        // Lines have 8 KiB at most; what variables make longer is cut here.
        let end = text.floor_char_boundary(text.len().min(u32::MAX as usize));
        let text = text.get(..end).unwrap_or_default();
        Self { texts: [text, name].concat().into(), name: text.len() as u32, origin, pos }
    }

    /// The value without display name; variables are expanded, but for the line of a pattern.
    pub fn text(&self) -> &str {
        self.texts.get(..self.name as usize).unwrap_or_default()
    }

    /// The display name; may be empty.
    pub fn name(&self) -> &str {
        self.texts.get(self.name as usize..).unwrap_or_default()
    }

    /// Names of its devices, as written.
    pub fn devices(&self) -> impl Iterator<Item = &str> {
        hint_text::devices(self.text())
    }

    /// Names of its presence providers, as written.
    pub fn presence(&self) -> impl Iterator<Item = &str> {
        hint_text::presence(self.text())
    }

    /// Whether it means the same, wherever it stands.
    pub(crate) fn means(&self, other: &Self) -> bool {
        self.name == other.name && self.texts == other.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_takes_six_words_beside_its_texts() {
        assert_eq!(size_of::<HintDefinition>(), 48);
    }
}
