//! What a configuration file says: sections of entries.

use std::path::Path;
use std::sync::Arc;

use crate::{Diagnostic, Fingerprint, Pos};

/// One `name = value` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What stands before the `=`, without blanks around it.
    pub name: Arc<str>,
    /// What stands behind the first `=`, without blanks around it; may be empty.
    pub value: Arc<str>,
    /// Whether it was written with `=>`.
    pub object: bool,
    /// Where the name stands: for an inherited entry in the section it comes from, after `+=` in
    /// the last line that added to it.
    pub pos: Pos,
    /// Whether it was copied from a section that this one inherits from.
    pub inherited: bool,
}

/// A section: `[name]` and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The name, at most 79 characters.
    pub name: Arc<str>,
    /// Whether it is only there to be inherited from: `(!)`.
    pub template: bool,
    /// Where its first header begins.
    pub pos: Pos,
    /// All entries in order, inherited ones and later ones of `(+)` included.
    pub entries: Vec<Entry>,
}

impl Section {
    /// The last entry of a name, in any letter case: what overrides an inherited one.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().rfind(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// The value of the last entry of a name, in any letter case.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(|entry| &*entry.value)
    }

    /// All entries of a name, in any letter case, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.name.eq_ignore_ascii_case(name))
    }
}

/// A configuration file with everything it includes.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// All sections in reading order, templates too. Several may have the same name.
    pub sections: Vec<Section>,
    /// Every file that was read, includes too, in reading order.
    pub files: Vec<Arc<Path>>,
    /// What did not stop the load, in reading order: warnings, and errors of `#exec` commands.
    pub diagnostics: Vec<Diagnostic>,
    pub(crate) fingerprint: Fingerprint,
}

impl Config {
    /// All sections but the templates.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| !section.template)
    }

    /// The first section of a name, in any letter case. Templates are not found.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.named(name).next()
    }

    /// All sections of a name, in any letter case, in order, without templates.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Section> {
        self.sections().filter(move |section| section.name.eq_ignore_ascii_case(name))
    }

    /// What the files looked like when they were read, so that a reload can ask whether
    /// [anything changed](Fingerprint::unchanged) before it reads them again.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}

/// The truth of a word: `yes true y t 1 on` or `no false n f 0 off` in any letter case; any other
/// word has none.
pub fn parse_bool(word: &str) -> Option<bool> {
    let is_one_of = |words: &[&str]| words.iter().any(|w| word.eq_ignore_ascii_case(w));
    if is_one_of(&["yes", "true", "y", "t", "1", "on"]) {
        Some(true)
    } else if is_one_of(&["no", "false", "n", "f", "0", "off"]) {
        Some(false)
    } else {
        None
    }
}
