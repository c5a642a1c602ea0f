//! `extensions.conf`: from sections of lines to a [`Dialplan`].
//!
//! | line of a context | meaning |
//! | --- | --- |
//! | `exten => name[/callerid],priority[(label)][+n],app(args)` | one priority |
//! | `exten => name,hint,DEVICES[,PRESENCE][(display name)]` | a hint |
//! | `same => priority[(label)][+n],app(args)` | the same extension as the line before |
//! | `include => context[,times,weekdays,mdays,months[,tz]]` | where to look next, always or at times |
//! | `ignorepat`, `switch`, `lswitch`, `eswitch` | kept to be shown |
//! | `autohints = yes` | hints are made of devices |

use std::sync::Arc;

use conf::{Config, Diagnostic, Entry, Pos, Section, Severity, parse_bool};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::context::{Context, Include};
use crate::dialplan::{Dialplan, Globals};
use crate::functions::Functions;
use crate::timing::Timing;
use crate::variables::{Calls, expand};
use index::Index;

mod extension;
mod index;
#[cfg(test)]
mod tests;

/// Options of `[general]` that Asterisk knows. None has a meaning for hints.
const GENERAL: [&str; 7] = [
    "static",
    "writeprotect",
    "autofallthrough",
    "extenpatternmatchnew",
    "clearglobalvars",
    "overrideswitch",
    "userscontext",
];

pub(crate) fn read(config: &Config, functions: Option<&Functions>) -> (Dialplan, Vec<Diagnostic>) {
    let mut reader = Reader { functions: functions.cloned(), ..Reader::default() };
    for entry in config.named("general").flat_map(|s| &s.entries) {
        reader.general(entry);
    }
    for entry in config.named("globals").flat_map(|s| &s.entries) {
        reader.global(entry);
    }
    for section in config.sections() {
        let name = &section.name;
        if !name.eq_ignore_ascii_case("general") && !name.eq_ignore_ascii_case("globals") {
            reader.section(section);
        }
    }
    let Reader { contexts, globals, mut diagnostics, .. } = reader;
    let dialplan = Dialplan::new(contexts, globals, &mut diagnostics);
    (dialplan, diagnostics)
}

#[derive(Default)]
struct Reader {
    /// What may be called; functions stay as they are written if it is not known.
    functions: Option<Functions>,
    contexts: Vec<Context>,
    by_name: HashMap<Arc<str>, usize, RandomState>,
    extensions: Index,
    globals: Globals,
    diagnostics: Vec<Diagnostic>,
}

/// What lines of a section look back at.
#[derive(Default)]
struct Previous {
    /// Name and caller id.
    extension: Option<(Arc<str>, Option<Arc<str>>)>,
    priority: Option<i32>,
}

impl Reader {
    fn general(&mut self, entry: &Entry) {
        if !GENERAL.iter().any(|o| entry.name.eq_ignore_ascii_case(o)) {
            let message = format!("unknown option '{}' in [general]", entry.name);
            self.report(Severity::Notice, &entry.pos, message);
        }
    }

    fn global(&mut self, entry: &Entry) {
        let value = self.expand(&entry.value, &entry.pos, None);
        self.globals.insert(entry.name.clone(), value);
    }

    fn section(&mut self, section: &Section) {
        let index = *self.by_name.entry(section.name.clone()).or_insert(self.contexts.len());
        if index == self.contexts.len() {
            let context = Context::new(section.name.clone(), section.pos.clone());
            self.contexts.push(context);
        }
        let mut previous = Previous::default();
        for entry in &section.entries {
            self.line(index, entry, &mut previous);
        }
    }

    fn line(&mut self, context: usize, entry: &Entry, previous: &mut Previous) {
        let name = &*entry.name;
        let is = |directive: &str| name.eq_ignore_ascii_case(directive);
        let begins_with_same = name.get(..4).is_some_and(|s| s.eq_ignore_ascii_case("same"));
        if is("exten") {
            return self.exten(context, entry, previous);
        }
        if begins_with_same {
            return self.same(context, entry, previous);
        }
        let value = self.expand(&entry.value, &entry.pos, None);
        let Some(context) = self.contexts.get_mut(context) else {
            return;
        };
        let warning = if is("include") {
            let timing = match value.split_once([',', '|']).map(|(_, times)| Timing::parse(times)) {
                None => Ok(None),
                Some(timing) => timing.map(|timing| Some(Arc::new(timing))),
            };
            let (timing, problem) = match timing {
                Ok(timing) => (timing, None),
                Err(problem) => (None, Some(problem)),
            };
            let include = Include { name: value, timing, pos: entry.pos.clone() };
            let known = context.includes.iter().any(|i| i.name == include.name);
            if let Some(problem) = problem {
                Some(format!("include of '{}': {problem}; line skipped", include.context()))
            } else if known {
                Some(format!("'{}' is included already", include.name))
            } else {
                context.includes.push(include);
                None
            }
        } else if is("ignorepat") {
            context.ignore_patterns.push(value);
            None
        } else if is("switch") || is("lswitch") || is("eswitch") {
            context.switches.push(value);
            Some(format!("{name} is not supported: nothing is looked up there"))
        } else if is("autohints") {
            let wanted = parse_bool(&value);
            context.autohints = wanted.unwrap_or(false);
            wanted.is_none().then(|| format!("autohints is yes or no, not '{value}'"))
        } else {
            Some(format!("unknown directive '{name}'"))
        };
        if let Some(warning) = warning {
            self.report(Severity::Warning, &entry.pos, warning);
        }
    }

    /// Expands global variables, and those of a hint's place: `(extension, context)`.
    fn expand(&mut self, text: &Arc<str>, pos: &Pos, place: Option<(&str, &str)>) -> Arc<str> {
        let globals = &self.globals;
        let calls = match (&self.functions, place) {
            (None, _) => Calls::Leave,
            // A pattern's hint calls them for each extension.
            (Some(functions), Some((exten, _))) if exten.starts_with('_') => Calls::Check(functions),
            (Some(functions), _) => Calls::Run(functions),
        };
        let (expanded, problems) = expand(text, &|name| value(globals, place, name), calls);
        let expanded = match expanded {
            std::borrow::Cow::Borrowed(_) => text.clone(),
            std::borrow::Cow::Owned(expanded) => expanded.into(),
        };
        for problem in problems {
            self.report(problem.severity(), pos, problem.to_string());
        }
        expanded
    }

    fn report(&mut self, severity: Severity, pos: &Pos, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic { severity, pos: Some(pos.clone()), message: message.into() });
    }
}

/// The value of a variable in a hint.
pub(crate) fn value<'v>(
    globals: &'v Globals,
    place: Option<(&'v str, &'v str)>,
    name: &str,
) -> Option<&'v str> {
    match (name, place) {
        ("EXTEN", Some((exten, _))) => Some(exten),
        ("CONTEXT", Some((_, context))) => Some(context),
        _ => globals.get(name).map(|value| &**value),
    }
}
