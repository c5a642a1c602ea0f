//! A new dialplan in place of the one before.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::autohints::renewed;
use super::table::{HintSet, Table};
use super::writer::{Writer, instance};
use crate::definition::{HintDefinition, Origin};
use crate::dialplan::{Dialplan, Found};
use crate::explain::Cause;
use crate::functions::Functions;
use crate::hint::{Hint, key};

/// What a new dialplan changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplaceReport {
    /// Hints that there are now.
    pub hints: usize,
    /// Hints that were not there before.
    pub added: usize,
    /// Hints that look at something else now, or have another display name.
    pub changed: usize,
    /// Hints that are gone.
    pub removed: usize,
}

/// What hints from before mean as hints of patterns now; `None` if no pattern stands for them.
#[derive(Default)]
pub(super) struct Definitions(HashMap<Box<str>, Option<Arc<HintDefinition>>, RandomState>);

impl Definitions {
    /// Adds what is missing.
    pub(super) fn complete(&mut self, old: &Table, dialplan: &Dialplan, functions: &Functions) {
        for hint in old.iter().filter(|hint| is_wanted(hint, dialplan)) {
            if !self.0.contains_key(hint.key()) {
                let found = pattern_of(&hint, dialplan);
                let definition = found.and_then(|found| instance(dialplan, functions, found, hint.exten()));
                let definition = definition.map(Arc::new);
                self.0.insert(hint.key().into(), definition);
            }
        }
    }

    pub(super) fn is_complete(&self, old: &Table, dialplan: &Dialplan) -> bool {
        old.iter().all(|hint| self.0.contains_key(hint.key()) || !is_wanted(&hint, dialplan))
    }
}

/// Whether a hint that has no line of its own any more may become one of a pattern.
fn is_wanted(hint: &Hint, dialplan: &Dialplan) -> bool {
    let context = || dialplan.context(hint.context());
    let wanted = hint.definition().origin == Origin::Pattern || hint.watchers() > 0;
    wanted && context().is_some_and(|context| context.exact_hint(hint.exten()).is_none())
}

fn pattern_of<'d>(hint: &Hint, dialplan: &'d Dialplan) -> Option<Found<'d>> {
    let context = dialplan.context(hint.context())?;
    let (extension, line) = context.pattern_hint(hint.exten())?;
    Some(Found { context, extension, hint: line })
}

/// Works out the hints of the new table.
struct Merge<'a> {
    old: &'a Table,
    new: Vec<(Arc<Hint>, Arc<HintDefinition>)>,
    report: ReplaceReport,
}

impl Writer {
    /// Gives the new table, and the hints to retire once it is in place.
    pub(super) fn replace(
        &mut self,
        old: &Table,
        dialplan: &Arc<Dialplan>,
        definitions: &Definitions,
    ) -> (Table, Vec<Arc<Hint>>, ReplaceReport) {
        let mut merge = Merge { old, new: Vec::new(), report: ReplaceReport::default() };
        let hints = merge.named(dialplan);
        let (instances, removed) = merge.kept(definitions, &hints, dialplan, self.now);
        let Merge { new, report, .. } = merge;
        let table = Table::new(dialplan.clone(), hints, instances);

        // The index is made anew; what sources report stays.
        self.states.detach_all();
        self.presentities.clear();
        for (hint, definition) in &new {
            self.watch(hint, definition);
        }
        let reload = Arc::new(Cause::Reload);
        for (hint, definition) in &new {
            self.refresh_as(hint, definition, &reload);
        }
        self.renew_autohints(dialplan);
        (table, removed, report)
    }
}

impl Merge<'_> {
    /// The hints of all extensions with a name.
    fn named(&mut self, dialplan: &Dialplan) -> HintSet {
        let mut hints = HintSet::default();
        for context in dialplan.contexts() {
            for extension in context.extensions.iter().filter(|e| !e.is_pattern()) {
                // Found as a request finds it: not if it is for one caller only.
                let Some((same, hint)) = context.exact_hint(&extension.name) else {
                    continue;
                };
                if !std::ptr::eq(same, extension) {
                    continue;
                }
                let (name, definition) = (&extension.name, hint.clone());
                let key = key(name, &context.name);
                if hints.contains(&key) {
                    continue;
                }
                hints.insert(match self.old.get(&key) {
                    Some(before) => self.redefine(before, definition),
                    None => {
                        self.report.added += 1;
                        let hint = Hint::new(name, &context.name, definition.clone());
                        self.keep(&hint, definition);
                        hint
                    }
                });
            }
        }
        hints
    }

    /// The hints from before that a pattern of their context still stands for, and those that are
    /// gone.
    fn kept(
        &mut self,
        definitions: &Definitions,
        named: &HintSet,
        dialplan: &Dialplan,
        now: u64,
    ) -> (HintSet, Vec<Arc<Hint>>) {
        let mut instances = HintSet::default();
        let mut removed = Vec::new();
        for hint in self.old.iter().filter(|hint| !named.contains(hint.key())) {
            let of_pattern = definitions.0.get(hint.key()).cloned().flatten();
            match of_pattern.or_else(|| renewed(&hint, dialplan, now).map(Arc::new)) {
                Some(definition) => {
                    let hint = self.redefine(hint, definition);
                    instances.insert(hint);
                }
                None => removed.push(hint),
            }
        }
        self.report.removed = removed.len();
        (instances, removed)
    }

    fn redefine(&mut self, hint: Arc<Hint>, definition: Arc<HintDefinition>) -> Arc<Hint> {
        if !hint.definition().means(&definition) {
            self.report.changed += 1;
        }
        self.keep(&hint, definition);
        hint
    }

    fn keep(&mut self, hint: &Arc<Hint>, definition: Arc<HintDefinition>) {
        self.report.hints += 1;
        self.new.push((hint.clone(), definition));
    }
}
