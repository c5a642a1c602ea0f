//! `dialplan show [[exten@]context]`

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use super::Output;
use crate::context::{Context, Extension, exact_key};
use crate::definition::Origin;
use crate::dialplan::Dialplan;
use crate::hint::Hint;
use crate::hints::Hints;

/// What stands for the place of something that has none.
const REGISTRAR: &str = "pbx_config";

/// `dialplan show [[exten@]context]`: all contexts, one, or what an extension means in one of them
/// (and in what it includes) or in all.
pub fn dialplan_show(hints: &Hints, what: &str) -> Output {
    let (exten, context) = match what.split_once('@') {
        Some((exten, context)) => (Some(exten).filter(|e| !e.is_empty()), context),
        None => (None, what),
    };
    let table = hints.table();
    let mut show = Show {
        dialplan: table.dialplan(),
        instances: BTreeMap::new(),
        exten,
        text: String::new(),
        visited: Vec::new(),
        contexts: 0,
        extensions: 0,
        priorities: 0,
    };
    for hint in table.instances() {
        let names = show.instances.entry(hint.context().into()).or_default();
        names.insert(exact_key(hint.exten()), hint.clone());
    }
    if context.is_empty() {
        for context in show.dialplan.contexts() {
            show.context(context, false);
        }
    } else if let Some(context) = show.dialplan.context(context) {
        show.context(context, false);
        show.included(context);
    } else {
        return Output::failed(format!("There is no existence of '{context}' context\n"));
    }
    match exten {
        Some(exten) if show.extensions == 0 && context.is_empty() => {
            Output::failed(format!("There is no existence of '{exten}' extension in all contexts\n"))
        }
        Some(exten) if show.extensions == 0 => {
            Output::failed(format!("There is no existence of {exten}@{context} extension\n"))
        }
        _ => Output::done(show.finish()),
    }
}

struct Show<'h> {
    dialplan: &'h Dialplan,
    /// Hints that were made of patterns: by context, then by name without dashes.
    instances: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Arc<Hint>>>,
    exten: Option<&'h str>,
    text: String,
    visited: Vec<Arc<str>>,
    contexts: usize,
    extensions: usize,
    priorities: usize,
}

/// One line of an extension: label, text, place.
struct Line(Option<Arc<str>>, String, String);

/// An extension to be listed: its label and its lines.
type Entry = (String, Vec<Line>);

impl<'h> Show<'h> {
    fn context(&mut self, context: &'h Context, included: bool) {
        self.visited.push(context.name.clone());
        let entries = self.entries(context);
        if self.exten.is_some() && entries.is_empty() {
            return;
        }
        self.contexts += 1;
        let kind = if included { "Included context" } else { "Context" };
        let _ = writeln!(self.text, "[ {kind} '{}' created by '{REGISTRAR}' ]", context.name);
        if context.autohints {
            self.text.push_str("Autohints support enabled\n");
        }
        for (label, lines) in entries {
            self.extension(&label, &lines);
        }
        if self.exten.is_none() {
            self.others(context);
        }
        self.text.push('\n');
    }

    /// What an extension means in included contexts, each once.
    fn included(&mut self, context: &'h Context) {
        if self.exten.is_none() {
            return;
        }
        let mut next: Vec<_> = self.dialplan.included(context).collect();
        next.reverse();
        while let Some(context) = next.pop() {
            if !self.visited.contains(&context.name) {
                self.context(context, true);
                let included: Vec<_> = self.dialplan.included(context).collect();
                next.extend(included.into_iter().rev());
            }
        }
    }

    fn extension(&mut self, label: &str, lines: &[Line]) {
        self.extensions += 1;
        self.priorities += lines.len();
        for (index, Line(name, text, place)) in lines.iter().enumerate() {
            match name {
                _ if index == 0 => self.row(label, text, place),
                Some(name) => self.row(&format!("   [{name}]"), text, place),
                None => self.row("", text, place),
            }
        }
    }

    fn others(&mut self, context: &Context) {
        for include in &context.includes {
            self.row("Include =>", &format!("'{}'", include.name), REGISTRAR);
        }
        for pattern in &context.ignore_patterns {
            self.row("Ignore pattern =>", &format!("'{pattern}'"), REGISTRAR);
        }
        for switch in &context.switches {
            self.row("Alt. Switch =>", &format!("'{switch}'"), REGISTRAR);
        }
    }

    fn row(&mut self, label: &str, text: &str, place: &str) {
        let _ = writeln!(self.text, "  {label:<17} {text:<45} [{place}]");
    }

    /// The extensions of a context in their order, with the hints that were made of patterns among
    /// those with a name.
    fn entries(&self, context: &Context) -> Vec<Entry> {
        let mut instances = self.instances.get(&context.name).cloned().unwrap_or_default();
        let (patterns, named): (Vec<_>, Vec<_>) = context.extensions.iter().partition(|e| e.is_pattern());
        let mut entries: BTreeMap<(Arc<str>, bool, usize), Entry> = BTreeMap::new();
        for (index, extension) in named.into_iter().enumerate() {
            let name = exact_key(&extension.name);
            let without_caller_id = extension.caller_id().is_none();
            let hint = match without_caller_id && extension.hint().is_none() {
                true => instances.remove(&name),
                false => None,
            };
            if self.exten.is_none_or(|exten| extension.matches(exten)) {
                let entry = entry(extension, hint.as_deref());
                entries.insert((name, without_caller_id, index), entry);
            }
        }
        for (name, hint) in instances {
            if self.exten.is_none_or(|exten| exact_key(exten) == name) {
                let entry = (label(hint.exten(), None), vec![instance(&hint)]);
                entries.insert((name, true, usize::MAX), entry);
            }
        }
        let wanted = |e: &&Extension| self.exten.is_none_or(|exten| e.matches(exten));
        let patterns = patterns.into_iter().filter(wanted).map(|e| entry(e, None));
        entries.into_values().chain(patterns).collect()
    }

    fn finish(self) -> String {
        let plural = |n, one, many| if n == 1 { one } else { many };
        let (extensions, priorities, contexts) = (self.extensions, self.priorities, self.contexts);
        format!(
            "{}-= {extensions} {} ({priorities} {}) in {contexts} {}. =-\n",
            self.text,
            plural(extensions, "extension", "extensions"),
            plural(priorities, "priority", "priorities"),
            plural(contexts, "context", "contexts"),
        )
    }
}

fn label(name: &str, caller_id: Option<&str>) -> String {
    match caller_id {
        Some(caller_id) => format!("'{name}' (CID match '{caller_id}') => "),
        None => format!("'{name}' =>"),
    }
}

fn entry(extension: &Extension, hint: Option<&Hint>) -> Entry {
    let own = extension.hint().map(|hint| Line(None, format!("hint: {}", hint.text()), hint.pos.short()));
    let lines = extension.priorities().iter().map(|priority| {
        let text = format!("{}. {}({})", priority.number, priority.app, priority.data);
        Line(priority.label.clone(), text, priority.pos.short())
    });
    let lines = hint.map(instance).into_iter().chain(own).chain(lines).collect();
    let label = label(&extension.name, extension.caller_id());
    (label, lines)
}

/// The line of a hint that was made of a pattern.
fn instance(hint: &Hint) -> Line {
    let text = format!("hint: {}", hint.definition().text());
    let registrar = if hint.definition().origin == Origin::Auto { "autohints" } else { REGISTRAR };
    Line(None, text, registrar.to_owned())
}
