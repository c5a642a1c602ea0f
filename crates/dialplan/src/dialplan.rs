//! The dialplan as it was read: contexts by name, and the way from a context to a hint.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use conf::{Config, Diagnostic, Pos, Severity};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::context::{Context, Extension};
use crate::definition::HintDefinition;
use crate::functions::Functions;
use crate::parse;
use crate::timing::Timing;

/// What `extensions.conf` says.
#[derive(Debug, Default)]
pub struct Dialplan {
    contexts: Vec<Context>,
    index: HashMap<Arc<str>, usize, RandomState>,
    /// For each context the contexts it includes, in order.
    includes: Vec<Vec<(usize, Option<Arc<Timing>>)>>,
    globals: ArcSwap<Globals>,
}

/// `[globals]`: names, with case, and values.
pub(crate) type Globals = HashMap<Arc<str>, Arc<str>, RandomState>;

/// A hint that was found.
#[derive(Debug, Clone, Copy)]
pub struct Found<'d> {
    /// The context it stands in, which may be an included one.
    pub context: &'d Context,
    /// The extension, which may be a pattern.
    pub extension: &'d Extension,
    /// The hint.
    pub hint: &'d Arc<HintDefinition>,
}

impl Dialplan {
    /// Reads a configuration. What is wrong with a line is reported with its place, and nothing
    /// but that line is lost.
    ///
    /// Functions in hints stay as they are written.
    pub fn parse(config: &Config) -> (Self, Vec<Diagnostic>) {
        parse::read(config, None)
    }

    /// Reads a configuration, calling functions where hints, names and globals do.
    pub fn parse_with(config: &Config, functions: &Functions) -> (Self, Vec<Diagnostic>) {
        parse::read(config, Some(functions))
    }

    pub(crate) fn new(
        mut contexts: Vec<Context>,
        globals: Globals,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        contexts.iter_mut().for_each(Context::finish);
        let names = contexts.iter().enumerate();
        let index: HashMap<_, _, _> = names.map(|(i, c)| (c.name.clone(), i)).collect();
        let mut includes = Vec::with_capacity(contexts.len());
        for context in &contexts {
            let mut found = Vec::new();
            for include in &context.includes {
                match index.get(include.context()) {
                    Some(context) => found.push((*context, include.timing.clone())),
                    None => diagnostics.push(missing(context, include.context(), &include.pos)),
                }
            }
            includes.push(found);
        }
        Self { contexts, index, includes, globals: ArcSwap::from_pointee(globals) }
    }

    /// All contexts, in the order of the file.
    pub fn contexts(&self) -> &[Context] {
        &self.contexts
    }

    /// A context, by its name with case.
    pub fn context(&self, name: &str) -> Option<&Context> {
        self.contexts.get(*self.index.get(name)?)
    }

    /// The contexts that a context includes, in order; those that do not exist are left out.
    pub fn included(&self, context: &Context) -> impl Iterator<Item = &Context> {
        let index = self.index.get(&context.name);
        let includes = index.and_then(|index| self.includes.get(*index));
        let includes = includes.into_iter().flatten();
        includes.filter_map(|(index, _)| self.contexts.get(*index))
    }

    /// The value of a global variable.
    pub fn global(&self, name: &str) -> Option<Arc<str>> {
        self.globals.load().get(name).cloned()
    }

    /// Sets a global variable, until the next reload; an empty value removes it. Hints that are
    /// there do not change, those that are made of patterns from now on read it.
    pub fn set_global(&self, name: &str, value: &str) {
        self.globals.rcu(|globals| {
            let mut globals = Globals::clone(globals);
            if value.is_empty() {
                globals.remove(name);
            } else {
                globals.insert(name.into(), value.into());
            }
            globals
        });
    }

    pub(crate) fn global_map(&self) -> Arc<Globals> {
        self.globals.load_full()
    }

    /// All global variables, by name.
    pub fn globals(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        self.globals.load().iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The hint that someone in a context means by an extension: of the context itself, else of
    /// what it includes, in order, depth first, each context once. `now`, in milliseconds since 1970,
    /// says which includes count.
    pub fn find_hint(&self, context: &str, exten: &str, now: u64) -> Option<Found<'_>> {
        self.search(context, now, |context| {
            let (extension, hint) = context.hint(exten)?;
            Some(Found { context, extension, hint })
        })
    }

    /// Whether someone in a context reaches an extension, with a hint or without: OPTIONS asks so.
    pub fn exists(&self, context: &str, exten: &str, now: u64) -> bool {
        self.search(context, now, |context| context.has(exten).then_some(())).is_some()
    }

    /// Looks into a context, then into what it includes, until something is found.
    pub(crate) fn search<'d, T>(
        &'d self,
        context: &str,
        now: u64,
        look: impl Fn(&'d Context) -> Option<T>,
    ) -> Option<T> {
        let mut visited = Vec::new();
        let mut to_visit = vec![*self.index.get(context)?];
        while let Some(index) = to_visit.pop() {
            if visited.contains(&index) {
                continue;
            }
            visited.push(index);
            if let Some(found) = look(self.contexts.get(index)?) {
                return Some(found);
            }
            let counts = |timing: &Option<Arc<Timing>>| timing.as_ref().is_none_or(|t| t.is_at(now));
            let includes = self.includes.get(index)?.iter().rev();
            to_visit.extend(includes.filter(|(_, timing)| counts(timing)).map(|(index, _)| *index));
        }
        None
    }
}

fn missing(context: &Context, name: &str, pos: &Pos) -> Diagnostic {
    Diagnostic {
        severity: Severity::Notice,
        pos: Some(pos.clone()),
        message: format!("context '{}' includes '{name}', which does not exist", context.name),
    }
}
