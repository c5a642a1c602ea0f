//! Section headers: `[name]`, `[name](options)`.

use super::{Cursor, Parser, Place, trim};
use crate::filter::Filter;
use crate::{Entry, Section};

/// Longest section name in characters.
const MAX_NAME: usize = 79;

/// Most entries that one header may inherit. Sections that inherit from each other several times
/// grow exponentially; nobody means that.
const MAX_INHERITED: usize = 1 << 18;

impl Parser<'_> {
    pub(super) fn header(&mut self, at: &Cursor<'_>, text: &str) {
        let inside = text.strip_prefix('[').unwrap_or(text);
        let Some((name, rest)) = inside.split_once(']') else {
            self.place = Place::Lost;
            return self.error(at.pos(text), "section header has no closing ']'".into());
        };
        let name = self.section_name(at, trim(name));
        let (options, trailing) = match rest.strip_prefix('(') {
            None => (None, rest),
            Some(list) => match list.split_once(')') {
                Some((options, trailing)) => (Some(options), trailing),
                None => {
                    self.error(at.pos(rest), "section options have no closing ')'".into());
                    (None, "")
                }
            },
        };
        let trailing = trim(trailing);
        if options.is_none() && trailing.starts_with('(') {
            let message = format!("blank between '[{name}]' and its options: write '[{name}](...'");
            self.error(at.pos(trailing), message);
        } else if !trailing.is_empty() {
            self.warn(at.pos(trailing), format!("'{trailing}' after the header is ignored"));
        }

        let mut header = Header { name, template: false, inherited: Vec::new(), target: None };
        for option in options.into_iter().flat_map(|options| options.split(',')) {
            self.option(at, trim(option), &mut header);
        }
        self.open(at, text, header);
    }

    fn option(&mut self, at: &Cursor<'_>, option: &str, header: &mut Header<'_>) {
        if option == "!" {
            header.template = true;
        } else if option.is_empty() {
            self.error(at.pos(option), "empty section option".into());
        } else if let Some(filter) = option.strip_prefix('+') {
            match self.target(header.name, filter) {
                Ok(target) => header.target = Some(target),
                Err(message) => self.error(at.pos(option), message),
            }
        } else if let Some(parent) = self.find(short_name(option), &Filter::ANY) {
            let entries = self.config.sections.get(parent).map_or(&[][..], |s| &s.entries);
            if header.inherited.len() + entries.len() > MAX_INHERITED {
                let message = format!("inherits more than {MAX_INHERITED} entries");
                // Nor may others inherit so much from this one.
                header.inherited.clear();
                return self.error(at.pos(option), message);
            }
            let copies = entries.iter().map(|e| Entry { inherited: true, ..e.clone() });
            header.inherited.extend(copies);
        } else {
            let message = format!("no section '{option}' before this line to inherit from");
            self.error(at.pos(option), message);
        }
    }

    /// The section that `+filter` appends to.
    fn target(&self, name: &str, filter: &str) -> Result<usize, String> {
        let parsed = Filter::parse(filter)?;
        self.find(name, &parsed).ok_or_else(|| match self.find(name, &Filter::ANY) {
            None => format!("no section '{name}' before this line to append to"),
            Some(_) if filter.is_empty() => {
                format!("'{name}' is a template: append to it with '[{name}](+TEMPLATES=include)'")
            }
            Some(_) => format!("no section '{name}' before this line matches '{filter}'"),
        })
    }

    /// Makes the section of a header the one that entries go to.
    fn open(&mut self, at: &Cursor<'_>, text: &str, header: Header<'_>) {
        let index = header.target.unwrap_or(self.config.sections.len());
        match self.config.sections.get_mut(index) {
            Some(section) => {
                section.template |= header.template;
                section.entries.extend(header.inherited);
            }
            None => {
                self.config.sections.push(Section {
                    name: header.name.into(),
                    template: header.template,
                    pos: at.pos(text),
                    entries: header.inherited,
                });
                self.index.entry(header.name.to_ascii_lowercase()).or_default().push(index);
            }
        }
        self.place = Place::Section(index);
    }

    /// The name without what is too long.
    fn section_name<'a>(&mut self, at: &Cursor<'_>, name: &'a str) -> &'a str {
        let short = short_name(name);
        if short.len() < name.len() {
            self.warn(at.pos(name), format!("section name cut at {MAX_NAME} characters: '{short}'"));
        }
        if name.is_empty() {
            self.warn(at.pos(name), "section without a name".into());
        }
        short
    }
}

/// What a header asks for.
struct Header<'a> {
    name: &'a str,
    template: bool,
    inherited: Vec<Entry>,
    /// The section to append to.
    target: Option<usize>,
}

fn short_name(name: &str) -> &str {
    match name.char_indices().nth(MAX_NAME) {
        Some((end, _)) => name.get(..end).unwrap_or(name),
        None => name,
    }
}
