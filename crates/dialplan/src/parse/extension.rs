//! The lines `exten` and `same`.

use std::sync::Arc;

use conf::{Entry, Pos, Severity};

use super::{Previous, Reader};
use crate::context::{Extension, Priority};
use crate::definition::{HintDefinition, Origin};
use crate::pattern::Pattern;

/// Longest name of an extension, in bytes.
const NAME: usize = 79;

/// The number of the priority that holds a hint.
const HINT: i32 = -1;

/// Why a line is skipped.
struct Skip(Severity, String);

impl Skip {
    fn warning(message: impl Into<String>) -> Self {
        Self(Severity::Warning, message.into())
    }
}

impl Reader {
    pub(super) fn exten(&mut self, context: usize, entry: &Entry, previous: &mut Previous) {
        let (name, line) = split_at_comma(&entry.value);
        let name: Arc<str> = without_blanks(name).into();
        let name = self.expand(&name, &entry.pos, None);
        // After a line without a usable name `same` has nothing to go on with.
        previous.extension = None;
        let result = split_caller_id(&name).and_then(|extension| {
            previous.extension = Some(extension);
            self.priority(context, line, &entry.pos, previous)
        });
        self.skipped(result, &entry.pos);
    }

    pub(super) fn same(&mut self, context: usize, entry: &Entry, previous: &mut Previous) {
        let result = match &previous.extension {
            Some(_) => self.priority(context, Some(&entry.value), &entry.pos, previous),
            None => {
                let message = format!("'{}' without an extension before it", entry.name);
                Err(Skip(Severity::Error, message))
            }
        };
        self.skipped(result, &entry.pos);
    }

    fn skipped(&mut self, result: Result<(), Skip>, pos: &Pos) {
        if let Err(Skip(severity, message)) = result {
            self.report(severity, pos, message + "; line skipped");
        }
    }

    /// `priority[(label)][+n],app(args)`
    fn priority(
        &mut self,
        context: usize,
        line: Option<&str>,
        pos: &Pos,
        previous: &mut Previous,
    ) -> Result<(), Skip> {
        let Some((name, caller_id)) = previous.extension.clone() else {
            return Ok(());
        };
        let Some(line) = line else {
            return Err(Skip::warning(format!("extension '{name}' has no priority")));
        };
        let (word, text) = line.split_once(',').unwrap_or((line, ""));
        let word = PriorityWord::parse(word)?;
        let caller_id = caller_id.as_deref();
        let extension = self.extension(context, &name, caller_id).map(|extension| &*extension);
        let number = word.number(previous.priority, extension)?;
        let after_hint = previous.priority == Some(HINT);
        previous.priority = Some(number);
        if number == 0 && after_hint {
            let message = format!("'{}' after a hint counts on from nothing: write 1", word.base);
            return Err(Skip::warning(message));
        }
        let taken = |e: &Extension| match number {
            HINT => e.hint.is_some(),
            _ => e.priorities().iter().any(|p| p.number == number),
        };
        if extension.is_some_and(taken) {
            let message = format!("priority {number} of '{name}' is already in use");
            return Err(Skip::warning(message.replace("priority -1", "the hint")));
        }
        let text = text.trim();
        if text.is_empty() && number != HINT {
            let message = format!("priority {number} of '{name}' has no application");
            return Err(Skip::warning(message));
        }
        if number == HINT {
            let hint = self.hint(context, text, &name, caller_id, pos);
            self.extension_of(context, &name, caller_id, pos)?.hint = Some(Arc::new(hint));
            return Ok(());
        }
        let (app, data) = self.application(text, pos);
        let priority = Priority { number, label: word.label, app, data, pos: pos.clone() };
        self.extension_of(context, &name, caller_id, pos)?.add(priority);
        Ok(())
    }

    /// Devices and display name of a hint, with variables expanded unless it is a pattern's.
    fn hint(
        &mut self,
        context: usize,
        text: &str,
        name: &Arc<str>,
        caller_id: Option<&str>,
        pos: &Pos,
    ) -> HintDefinition {
        if caller_id.is_some_and(|caller_id| !caller_id.is_empty()) {
            let message = format!("the hint of '{name}' is for one caller: nobody finds it");
            self.report(Severity::Warning, pos, message);
        }
        if text.is_empty() {
            let message = format!("the hint of '{name}' names no device: it shows Unavailable for ever");
            self.report(Severity::Warning, pos, message);
        }
        let (app, data) = match text.find('(') {
            Some(open) if !text[..open].contains("${") && !text[..open].contains("$[") => {
                self.application(text, pos)
            }
            _ => (text.into(), Arc::default()),
        };
        let context = self.contexts.get(context).map(|c| c.name.clone());
        let place = Some((&**name, context.as_deref().unwrap_or_default()));
        let expanded = (self.expand(&app, pos, place), self.expand(&data, pos, place));
        // A pattern's hint is expanded for each extension, but what is wrong with it is known now.
        let (text, name) = if name.starts_with('_') { (app, data) } else { expanded };
        HintDefinition::new(&text, &name, pos.clone(), Origin::Line)
    }

    /// `App(args)`, up to the last `)`.
    fn application(&mut self, text: &str, pos: &Pos) -> (Arc<str>, Arc<str>) {
        let Some((app, data)) = text.split_once('(') else {
            return (text.into(), Arc::default());
        };
        let data = match data.rsplit_once(')') {
            Some((data, _)) => data,
            None => {
                let message = format!("no ')' after '{app}('");
                self.report(Severity::Warning, pos, message);
                data
            }
        };
        (app.trim_end().into(), data.into())
    }

    fn extension(&mut self, context: usize, name: &str, caller_id: Option<&str>) -> Option<&mut Extension> {
        let index = self.extensions.find(&self.contexts, context, name, caller_id)?;
        self.contexts.get_mut(context)?.extensions.get_mut(index)
    }

    /// The extension of a name and caller id, a new one if there is none.
    fn extension_of(
        &mut self,
        context: usize,
        name: &str,
        caller_id: Option<&str>,
        pos: &Pos,
    ) -> Result<&mut Extension, Skip> {
        if self.extension(context, name, caller_id).is_none() {
            let pattern = match name.strip_prefix('_').map(Pattern::parse) {
                None => None,
                Some(Some(pattern)) => Some(pattern),
                Some(None) => return Err(Skip::warning(format!("pattern '{name}' misses a ']'"))),
            };
            if pattern.as_ref().is_some_and(Pattern::matches_everything) {
                let message = format!("pattern '{name}' matches special extensions too: better '_X.'");
                self.report(Severity::Notice, pos, message);
            }
            if let Some(context) = self.contexts.get_mut(context) {
                context.extensions.push(Extension::new(name, caller_id, pattern));
            }
            self.extensions.insert_last(&self.contexts, context);
        }
        let extension = self.extension(context, name, caller_id);
        extension.ok_or_else(|| Skip::warning(format!("there is no place for '{name}'")))
    }
}

/// `n(label)+2`
struct PriorityWord {
    base: String,
    label: Option<Arc<str>>,
    offset: i32,
}

impl PriorityWord {
    fn parse(text: &str) -> Result<Self, Skip> {
        let (base, label) = match text.split_once('(') {
            None => (text.to_owned(), None),
            Some((before, rest)) => {
                let Some((label, after)) = rest.split_once(')') else {
                    return Err(Skip::warning(format!("no ')' after the label '{rest}'")));
                };
                let label = label.trim();
                let label = (!label.is_empty()).then(|| Arc::from(label));
                (format!("{before}{after}"), label)
            }
        };
        let (base, offset) = base.split_once('+').unwrap_or((&base, "0"));
        let Ok(offset) = offset.trim().parse() else {
            return Err(Skip::warning(format!("invalid offset '+{offset}'")));
        };
        Ok(Self { base: base.trim().to_owned(), label, offset })
    }

    fn number(&self, previous: Option<i32>, extension: Option<&Extension>) -> Result<i32, Skip> {
        let base = &*self.base;
        let is = |words: [&str; 2]| words.iter().any(|word| base.eq_ignore_ascii_case(word));
        let next = is(["n", "next"]);
        if base == "hint" {
            return Ok(HINT);
        }
        let number = if next || is(["s", "same"]) {
            let Some(previous) = previous else {
                let message = format!("'{base}' without a priority before it");
                return Err(Skip::warning(message));
            };
            previous.checked_add(i32::from(next))
        } else if base.starts_with(|c: char| c.is_ascii_digit()) {
            base.parse().ok().filter(|number| *number > 0)
        } else {
            let priorities = extension.map(Extension::priorities).unwrap_or_default();
            let labelled = priorities.iter().find(|p| p.label.as_deref() == Some(base));
            labelled.map(|p| p.number)
        };
        let number = number.and_then(|number| number.checked_add(self.offset));
        number
            .filter(|number| *number >= 0 || *number == HINT)
            .ok_or_else(|| Skip::warning(format!("invalid priority or label '{base}'")))
    }
}

/// Splits at the first comma outside of brackets.
fn split_at_comma(text: &str) -> (&str, Option<&str>) {
    match outside_brackets(text, ',') {
        Some(comma) => (&text[..comma], Some(&text[comma + 1..])),
        None => (text, None),
    }
}

type NameAndCallerId = (Arc<str>, Option<Arc<str>>);

fn split_caller_id(text: &str) -> Result<NameAndCallerId, Skip> {
    let (name, caller_id) = match outside_brackets(text, '/') {
        Some(slash) => (&text[..slash], Some(Arc::from(&text[slash + 1..]))),
        None => (text, None),
    };
    match name.len() {
        0 => Err(Skip::warning("an extension without a name")),
        1..=NAME if name != "_" => Ok((name.into(), caller_id)),
        1 => Err(Skip::warning("a pattern without characters")),
        _ => {
            let message = format!("extension '{name}' is longer than {NAME} characters");
            Err(Skip::warning(message))
        }
    }
}

/// Where an ASCII separator first stands outside of brackets.
fn outside_brackets(text: &str, separator: char) -> Option<usize> {
    let mut inside = false;
    let mut characters = text.char_indices();
    let found = characters.find(|(_, character)| {
        match character {
            '[' => inside = true,
            ']' => inside = false,
            _ => {}
        }
        !inside && *character == separator
    });
    // A bracket that is never closed encloses nothing.
    found.map(|(index, _)| index).or_else(|| inside.then(|| text.find(separator)).flatten())
}

fn without_blanks(text: &str) -> String {
    let mut inside = false;
    let keep = |character: &char| {
        match character {
            '[' => inside = true,
            ']' => inside = false,
            _ => {}
        }
        inside || !character.is_whitespace()
    };
    text.chars().filter(keep).collect()
}
