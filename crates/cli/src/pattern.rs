//! The words of a command as it registers them: `core show hint`, `pjsip set logger {on|off|host}`, `module show [like]`.

/// One place in a command.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Element {
    /// This word.
    Word(String),
    /// `{a|b}`: one of these.
    OneOf(Vec<String>),
    /// `[a|b]`: one of these or nothing.
    Optional(Vec<String>),
}

/// The words that make a line this command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    elements: Vec<Element>,
}

/// How a line fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Words of the line that belong to the command; the longest fit wins.
    pub(crate) used: usize,
    /// Where the arguments begin: at the first alternative, else after the command's words.
    pub(crate) args: usize,
}

/// What can come next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Next {
    /// Words of the command.
    pub(crate) words: Vec<String>,
    /// All words of the command are there: its arguments follow.
    pub(crate) arguments: bool,
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Self {
        let alternatives = |list: &str| list.split('|').map(|word| word.trim().to_owned()).collect();
        let element = |word: &str| match word.as_bytes() {
            [b'{', .., b'}'] => Element::OneOf(alternatives(word.trim_matches(['{', '}']))),
            [b'[', .., b']'] => Element::Optional(alternatives(word.trim_matches(['[', ']']))),
            _ => Element::Word(word.to_owned()),
        };
        let elements = text.split_whitespace().map(element).collect();
        Pattern { text: text.split_whitespace().collect::<Vec<_>>().join(" "), elements }
    }

    /// As it was registered.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The number of words before the first alternative.
    pub(crate) fn fixed(&self) -> usize {
        self.elements.iter().take_while(|element| matches!(element, Element::Word(_))).count()
    }

    /// Whether `words` begins with this command.
    pub(crate) fn fit(&self, words: &[String]) -> Option<Fit> {
        let mut rest = words;
        for element in &self.elements {
            rest = match (element.accepts(rest.first()), element) {
                (true, _) => rest.get(1..).unwrap_or_default(),
                (false, Element::Optional(_)) => rest,
                (false, _) => return None,
            };
        }
        Some(Fit { used: words.len() - rest.len(), args: self.fixed() })
    }

    /// Whether `words` is this command up to its first alternative, one of which must follow.
    pub(crate) fn lacks_choice(&self, words: &[String]) -> bool {
        matches!(self.elements.get(words.len()), Some(Element::OneOf(_)))
            && self.fixed() == words.len()
            && self.next(words).is_some()
    }

    /// Whether this command could go on after `words`, and what with.
    pub(crate) fn next(&self, words: &[String]) -> Option<Next> {
        next(&self.elements, words)
    }
}

impl Element {
    fn choices(&self) -> &[String] {
        match self {
            Element::Word(word) => std::slice::from_ref(word),
            Element::OneOf(words) | Element::Optional(words) => words,
        }
    }

    fn accepts(&self, word: Option<&String>) -> bool {
        word.is_some_and(|word| self.choices().iter().any(|choice| choice.eq_ignore_ascii_case(word)))
    }
}

fn next(elements: &[Element], words: &[String]) -> Option<Next> {
    let Some((element, later)) = elements.split_first() else {
        return Some(Next { words: Vec::new(), arguments: true });
    };
    if let Some((word, rest)) = words.split_first() {
        if element.accepts(Some(word)) {
            return next(later, rest);
        }
        return if let Element::Optional(_) = element { next(later, words) } else { None };
    }
    let mut found = match element {
        Element::Optional(_) => next(later, words)?,
        _ => Next::default(),
    };
    found.words.extend_from_slice(element.choices());
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Words;

    fn fit(pattern: &str, line: &str) -> Option<(usize, usize)> {
        Pattern::parse(pattern).fit(&Words::parse(line).words).map(|fit| (fit.used, fit.args))
    }

    #[test]
    fn words_are_whole_and_in_any_case() {
        assert_eq!(fit("core show hint", "CORE Show hint 1000"), Some((3, 3)));
        assert_eq!(fit("core show hint", "core sh hint"), None);
        assert_eq!(fit("core show hint", "core show"), None);
    }

    #[test]
    fn arguments_begin_at_the_first_alternative() {
        assert_eq!(fit("pjsip set logger {on|off|host}", "pjsip set logger host 192.0.2.1"), Some((4, 3)));
        assert_eq!(fit("pjsip set logger {on|off|host}", "pjsip set logger"), None);
        assert_eq!(fit("core show uptime [seconds]", "core show uptime"), Some((3, 3)));
        assert_eq!(fit("core show uptime [seconds]", "core show uptime seconds"), Some((4, 3)));
    }

    #[test]
    fn what_can_come_next() {
        let next = |pattern: &str, line: &str| Pattern::parse(pattern).next(&Words::parse(line).words);
        let words = |list: &[&str], arguments| {
            Some(Next { words: list.iter().map(|word| (*word).to_owned()).collect(), arguments })
        };
        assert_eq!(next("core show {a|b}", "core"), words(&["show"], false));
        assert_eq!(next("core show {a|b}", "core show"), words(&["a", "b"], false));
        assert_eq!(next("module show [like]", "module show"), words(&["like"], true));
        assert_eq!(next("module show [like]", "module show like"), words(&[], true));
        assert_eq!(next("module show [like]", "core"), None);
    }
}
