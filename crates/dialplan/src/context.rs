//! Contexts and their extensions, in the order in which they are tried.

use std::cmp::Ordering;
use std::hash::BuildHasher;
use std::sync::Arc;

use conf::Pos;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::definition::HintDefinition;
use crate::pattern::Pattern;
use crate::timing::Timing;

/// One line of an extension: `1,NoOp(text)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priority {
    /// From 1.
    pub number: i32,
    /// Its label, if it has one.
    pub label: Option<Arc<str>>,
    /// The application.
    pub app: Arc<str>,
    /// The application's arguments.
    pub data: Arc<str>,
    /// Where it stands.
    pub pos: Pos,
}

/// An extension: a name or a pattern, and its priorities.
#[derive(Debug, Clone)]
pub struct Extension {
    /// The name as written, without blanks: `1000`, `_20XX`.
    pub name: Box<str>,
    pub(crate) hint: Option<Arc<HintDefinition>>,
    /// What an extension with nothing but a name and a hint does not have. Nearly all that have hints
    /// are like that, and there may be very many.
    rest: Option<Box<Rest>>,
}

#[derive(Debug, Clone, Default)]
struct Rest {
    caller_id: Option<Box<str>>,
    priorities: Vec<Priority>,
    pattern: Option<Pattern>,
}

impl Extension {
    /// One without lines.
    pub(crate) fn new(name: &str, caller_id: Option<&str>, pattern: Option<Pattern>) -> Self {
        let caller_id = caller_id.map(Box::from);
        let is_plain = caller_id.is_none() && pattern.is_none();
        let rest = (!is_plain).then(|| Box::new(Rest { caller_id, priorities: Vec::new(), pattern }));
        Self { name: name.into(), hint: None, rest }
    }

    /// The caller id that it is for, if it is not for all.
    pub fn caller_id(&self) -> Option<&str> {
        self.rest.as_ref()?.caller_id.as_deref()
    }

    /// Its lines, by number.
    pub fn priorities(&self) -> &[Priority] {
        self.rest.as_ref().map_or(&[], |rest| &rest.priorities)
    }

    /// Adds a line of a number that it has none of yet.
    pub(crate) fn add(&mut self, line: Priority) {
        let priorities = &mut self.rest.get_or_insert_default().priorities;
        let at = priorities.partition_point(|other| other.number < line.number);
        priorities.insert(at, line);
    }

    fn pattern(&self) -> Option<&Pattern> {
        self.rest.as_ref()?.pattern.as_ref()
    }

    /// Whether its name is a pattern.
    pub fn is_pattern(&self) -> bool {
        self.pattern().is_some()
    }

    /// Its hint, if it has one.
    pub fn hint(&self) -> Option<&Arc<HintDefinition>> {
        self.hint.as_ref()
    }

    /// Whether it is the extension of a name, whoever calls. Dashes do not count. A name that is a
    /// pattern is the same pattern.
    pub fn matches(&self, name: &str) -> bool {
        match (self.pattern(), name.strip_prefix('_')) {
            (Some(pattern), None) => pattern.matches(name),
            (Some(pattern), Some(other)) => Pattern::parse(other).is_some_and(|other| other == *pattern),
            (None, _) => without_dashes(&self.name).eq(without_dashes(name)),
        }
    }

    /// Whether a caller without an id may be meant: hints are looked up so.
    fn is_for_anyone(&self) -> bool {
        self.caller_id().is_none_or(str::is_empty)
    }

    /// The order in which extensions are tried: names, then patterns, narrow ones first; with a
    /// caller id before without.
    fn order(&self, other: &Self) -> Ordering {
        let names = || without_dashes(&self.name).cmp(without_dashes(&other.name));
        let caller_ids = || {
            let (one, two) = (self.caller_id(), other.caller_id());
            one.is_none().cmp(&two.is_none()).then(one.cmp(&two))
        };
        let patterns = self.pattern().cmp(&other.pattern());
        patterns.then_with(names).then_with(caller_ids)
    }
}

/// An included context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// Its name, and what limits it in time, as written.
    pub name: Arc<str>,
    /// When it counts, if not always.
    pub(crate) timing: Option<Arc<Timing>>,
    /// Where it stands.
    pub pos: Pos,
}

impl Include {
    /// The name of the context alone.
    pub fn context(&self) -> &str {
        self.name.split([',', '|']).next().unwrap_or_default().trim()
    }
}

/// A context of the dialplan.
#[derive(Debug, Clone)]
pub struct Context {
    /// Its name.
    pub name: Arc<str>,
    /// Where its section begins.
    pub pos: Pos,
    /// Its extensions, in the order in which they are tried.
    pub extensions: Vec<Extension>,
    /// Contexts to look into next, in order.
    pub includes: Vec<Include>,
    /// Patterns after which analogue devices keep their dial tone.
    pub ignore_patterns: Vec<Arc<str>>,
    /// Dialplans elsewhere, `type/data`: kept to be shown, never asked.
    pub switches: Vec<Arc<str>>,
    /// Whether hints are to be made of devices by their names.
    pub autohints: bool,
    /// Where the patterns begin in `extensions`.
    patterns: usize,
    /// Where the extensions with hints are, by their names without dashes.
    hints: HashTable<u32>,
    hasher: RandomState,
}

impl Context {
    pub(crate) fn new(name: Arc<str>, pos: Pos) -> Self {
        Self {
            name,
            pos,
            extensions: Vec::new(),
            includes: Vec::new(),
            ignore_patterns: Vec::new(),
            switches: Vec::new(),
            autohints: false,
            patterns: 0,
            hints: HashTable::new(),
            hasher: RandomState::default(),
        }
    }

    /// Puts the extensions into their order, once all are there.
    pub(crate) fn finish(&mut self) {
        self.extensions.shrink_to_fit();
        self.extensions.sort_by(Extension::order);
        self.patterns = self.extensions.partition_point(|e| !e.is_pattern());
        let (extensions, hasher) = (&self.extensions, &self.hasher);
        let name = |index: &u32| extensions.get(*index as usize).map_or("", |extension| &extension.name);
        for (index, extension) in (0..).zip(extensions) {
            if !extension.is_pattern() && extension.is_for_anyone() && extension.hint().is_some() {
                let entry = self.hints.entry(
                    hash(hasher, &extension.name),
                    |other| without_dashes(name(other)).eq(without_dashes(&extension.name)),
                    |other| hash(hasher, name(other)),
                );
                // Of two for anyone the later one is meant.
                entry.and_modify(|other| *other = index).or_insert(index);
            }
        }
    }

    /// The hint of an extension in this context alone: that of the name, else of the first pattern
    /// that matches and has one.
    pub fn hint(&self, exten: &str) -> Option<(&Extension, &Arc<HintDefinition>)> {
        self.exact_hint(exten).or_else(|| self.pattern_hint(exten))
    }

    /// Whether this context alone has the extension, with a hint or without, by name or by pattern.
    pub fn has(&self, exten: &str) -> bool {
        // A name that looks like a pattern stands for nobody.
        if exten.is_empty() || exten.starts_with('_') {
            return false;
        }
        let (names, patterns) = self.extensions.split_at(self.patterns.min(self.extensions.len()));
        let first = names.partition_point(|e| without_dashes(&e.name).lt(without_dashes(exten)));
        let same = names.iter().skip(first).take_while(|e| e.matches(exten));
        let mut meant = same.chain(patterns.iter().filter(|e| e.matches(exten)));
        meant.any(Extension::is_for_anyone)
    }

    /// The hint of an extension of exactly this name.
    pub(crate) fn exact_hint(&self, exten: &str) -> Option<(&Extension, &Arc<HintDefinition>)> {
        let extension = |index: &u32| self.extensions.get(*index as usize);
        let index = self.hints.find(hash(&self.hasher, exten), |index| {
            extension(index).is_some_and(|e| without_dashes(&e.name).eq(without_dashes(exten)))
        });
        let extension = extension(index?)?;
        Some((extension, extension.hint()?))
    }

    /// The hint of the first pattern that matches and has one.
    pub(crate) fn pattern_hint(&self, exten: &str) -> Option<(&Extension, &Arc<HintDefinition>)> {
        if exten.starts_with('_') {
            return None;
        }
        let patterns = self.extensions.get(self.patterns..)?.iter();
        let mut hints = patterns
            .filter(|extension| extension.is_for_anyone())
            .filter_map(|extension| Some((extension, extension.hint()?)));
        hints.find(|(extension, _)| extension.matches(exten))
    }
}

/// What a name is looked up by: dashes do not count.
pub(crate) fn exact_key(name: &str) -> Arc<str> {
    match name.contains('-') {
        true => name.replace('-', "").into(),
        false => name.into(),
    }
}

fn without_dashes(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.bytes().filter(|byte| *byte != b'-')
}

/// The hash of a name whose dashes do not count.
fn hash(hasher: &RandomState, name: &str) -> u64 {
    if !name.contains('-') {
        return hasher.hash_one(name.as_bytes());
    }
    hasher.hash_one(without_dashes(name).collect::<Vec<_>>().as_slice())
}
