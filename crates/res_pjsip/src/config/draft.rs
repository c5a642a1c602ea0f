//! One section on its way to an object: its options, and what is to be said about it.

use std::sync::Arc;

use conf::{Entry, Pos, Section, Severity};

use super::acl::{Acl, NamedAcls};
use super::options::Options;
use super::report::{Reference, Report};
use super::table::ObjectType;
use super::value::Value;

/// A section that has been read against the table of its type.
pub(crate) struct Draft<'a> {
    section: &'a Section,
    object_type: &'static ObjectType,
    /// What each line sets, in the order written.
    lines: Vec<(usize, Value, &'a Pos)>,
    refused: bool,
    references: Vec<Reference>,
    report: &'a mut Report,
    /// The options as the object will hold and show them.
    pub(crate) options: Options,
}

impl<'a> Draft<'a> {
    /// Reads every line of `section`.
    pub(crate) fn read(
        section: &'a Section,
        object_type: &'static ObjectType,
        report: &'a mut Report,
    ) -> Self {
        let mut draft = Self {
            section,
            object_type,
            lines: Vec::new(),
            refused: false,
            references: Vec::new(),
            report,
            options: Options::new(object_type),
        };
        for entry in &section.entries {
            draft.line(entry);
        }
        draft
    }

    /// The object's name.
    pub(crate) fn id(&self) -> Arc<str> {
        self.section.name.clone()
    }

    /// Whether a line was refused, so that the object must not come to be.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    /// Has the names that the object uses looked up when all objects are there.
    pub(crate) fn look_up_names(&mut self) {
        self.report.references.append(&mut self.references);
    }

    /// Where `option` was last set, or else where the section begins.
    pub(crate) fn pos(&self, option: &str) -> Pos {
        let position = self.object_type.position(option);
        let line = self.lines.iter().rev().find(|(at, _, _)| Some(*at) == position);
        line.map_or(&self.section.pos, |(_, _, pos)| pos).clone()
    }

    /// Refuses the object because of `option`: "[section]: option 'x' …".
    pub(crate) fn refuse(&mut self, option: &str, what: &str) {
        self.refused = true;
        self.complain(Severity::Error, option, what);
    }

    /// Reports something about `option` that does not refuse the object.
    pub(crate) fn complain(&mut self, severity: Severity, option: &str, what: &str) {
        let pos = self.pos(option);
        self.report.say(severity, &pos, &self.section.name, &format!("option '{option}' {what}"));
    }

    /// Refuses the object unless `option` was given a value.
    pub(crate) fn require(&mut self, option: &str) {
        if self.options.value(option).is_none_or(Value::is_empty) {
            let type_name = self.object_type.name;
            self.refuse(option, &format!("is required for type={type_name}"));
        }
    }

    /// Notes that the value of `option` names objects of `object_type`.
    pub(crate) fn refer(&mut self, option: &'static str, object_type: &'static str) {
        let names = match self.options.value(option) {
            Some(Value::List(names)) => names.clone(),
            Some(Value::Text(name)) if !name.is_empty() => vec![name.clone()],
            _ => return,
        };
        let (pos, section) = (self.pos(option), self.id());
        self.references.extend(names.into_iter().map(|name| Reference {
            pos: pos.clone(),
            section: section.clone(),
            option,
            object_type,
            name,
        }));
    }

    /// The values set for the options `names`, in the order written, each with the option it is of.
    pub(crate) fn in_order<'n>(&self, names: &'n [&'static str]) -> impl Iterator<Item = (&'n str, &Value)> {
        let positions: Vec<_> = names.iter().map(|name| (self.object_type.position(name), *name)).collect();
        self.lines.iter().filter_map(move |(at, value, _)| {
            let (_, name) = positions.iter().find(|(position, _)| *position == Some(*at))?;
            Some((*name, value))
        })
    }

    /// Builds the list of the options `permit`, `deny` and `named`, and has `named` show what it is.
    pub(crate) fn acl(&mut self, [permit, deny, named]: [&'static str; 3], named_acls: &NamedAcls) -> Acl {
        let mut rules = Vec::new();
        for (option, value) in self.in_order(&[permit, deny]) {
            if let Value::Networks(networks) = value {
                rules.extend(networks.iter().map(|rule| rule.for_line(option == permit)));
            }
        }
        let mut acl = Acl::default();
        let baseline = !rules.is_empty();
        acl.push_rules(rules);
        for name in self.options.list(named) {
            match named_acls.list(&name) {
                Some(list) => acl.push(list),
                None => {
                    acl.push(&Acl::deny_all());
                    let what = format!("names '{name}', which acl.conf does not have: everyone is denied");
                    self.complain(Severity::Error, named, &what);
                }
            }
        }
        if baseline {
            let mut shown = vec![Arc::from("deny/permit")];
            shown.extend(self.options.list(named));
            self.options.replace(named, Value::List(shown));
        }
        acl
    }

    fn line(&mut self, entry: &'a Entry) {
        // `type` chose the table; a name with '@' before it is another program's note.
        if entry.name.eq_ignore_ascii_case("type") || entry.name.starts_with('@') {
            return;
        }
        let section = &self.section.name;
        let Some(position) = self.object_type.position(&entry.name) else {
            if self.object_type.is_free(&entry.name) {
                self.options.add_free(entry.name.clone(), entry.value.clone());
            } else {
                let (type_name, name) = (self.object_type.name, &entry.name);
                let what = format!("type={type_name} has no option '{name}', ignored");
                self.report.say(Severity::Warning, &entry.pos, section, &what);
            }
            return;
        };
        let Some(spec) = self.object_type.options.get(position) else {
            return;
        };
        let written = if spec.is_secret() { "***" } else { &entry.value };
        let said = format!("option '{}' has the value '{written}'", spec.name);
        let mut warnings = Vec::new();
        match spec.kind.parse(&entry.value, &mut warnings) {
            Ok(value) => {
                self.options.add(position, value.clone());
                self.lines.push((position, value, &entry.pos));
            }
            Err(expected) => {
                self.refused = true;
                let what = format!("{said}, expected {expected}");
                self.report.say(Severity::Error, &entry.pos, section, &what);
            }
        }
        for warning in warnings {
            let what = format!("{said}, which {warning}");
            self.report.say(Severity::Warning, &entry.pos, section, &what);
        }
    }
}
