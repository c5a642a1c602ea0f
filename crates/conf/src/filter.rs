//! `(+filter)`: which section of a name to append to.
//!
//! A filter is `name=value` pairs joined with `&`; both sides are regular expressions, and a
//! section matches a pair if any of its entries does. `TEMPLATES=include` admits templates,
//! `TEMPLATES=restrict` admits nothing else. Example: `[alice](+type=^aor$)`.

use regex_lite::Regex;

use crate::Section;

pub(crate) struct Filter {
    templates: Templates,
    pairs: Vec<(Regex, Regex)>,
}

#[derive(Clone, Copy)]
enum Templates {
    Exclude,
    Include,
    Restrict,
}

impl Filter {
    /// Matches every section, templates too.
    pub(crate) const ANY: Self = Self { templates: Templates::Include, pairs: Vec::new() };

    /// What follows the `+`, perhaps nothing. The error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut filter = Self { templates: Templates::Exclude, pairs: Vec::new() };
        for pair in text.split('&').filter(|_| !text.is_empty()) {
            let (name, value) =
                pair.split_once('=').ok_or_else(|| format!("filter '{pair}' is not name=regex"))?;
            if name.eq_ignore_ascii_case("TEMPLATES") {
                filter.templates = match value {
                    "include" => Templates::Include,
                    "restrict" => Templates::Restrict,
                    _ => {
                        return Err(format!("TEMPLATES is 'include' or 'restrict', not '{value}'"));
                    }
                };
            } else {
                filter.pairs.push((regex(name)?, regex(value)?));
            }
        }
        Ok(filter)
    }

    pub(crate) fn matches(&self, section: &Section) -> bool {
        let admitted = match self.templates {
            Templates::Exclude => !section.template,
            Templates::Include => true,
            Templates::Restrict => section.template,
        };
        admitted
            && self.pairs.iter().all(|(name, value)| {
                let mut entries = section.entries.iter();
                entries.any(|entry| name.is_match(&entry.name) && value.is_match(&entry.value))
            })
    }
}

fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| format!("bad regular expression '{text}': {error}"))
}
