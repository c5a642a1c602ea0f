//! What a load has to say, and which names it must still check.

use std::collections::HashSet;
use std::sync::Arc;

use conf::{Diagnostic, Pos, Severity};

/// A name in one object that should be the name of another.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    /// The line that names it.
    pub(crate) pos: Pos,
    /// The section the line is in.
    pub(crate) section: Arc<str>,
    /// The option that names it.
    pub(crate) option: &'static str,
    /// The type of what is named.
    pub(crate) object_type: &'static str,
    /// The name.
    pub(crate) name: Arc<str>,
}

/// Everything found so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What was said, in the order found.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Names to look up when all objects are there.
    pub(crate) references: Vec<Reference>,
    /// Warnings given: a line that many sections inherit is warned about once.
    warned: HashSet<(Pos, String)>,
}

impl Report {
    /// Says `what` about `section`. Of warnings and notices about one line only the first is kept;
    /// an error is said of every section, for each one loses its object.
    pub(crate) fn say(&mut self, severity: Severity, pos: &Pos, section: &str, what: &str) {
        if severity != Severity::Error && !self.warned.insert((pos.clone(), what.to_owned())) {
            return;
        }
        let message = format!("[{section}]: {what}");
        self.diagnostics.push(Diagnostic { severity, pos: Some(pos.clone()), message });
    }
}
