//! A command line as words: blanks separate, `"` quotes, `\` takes the next character as it is.

/// The most words a line may have.
pub(crate) const MAX_WORDS: usize = 64;

/// A line taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) words: Vec<String>,
    /// Where in the line the last word begins (with its quotes), or the line's end if it ends with a blank: what
    /// completion replaces.
    pub(crate) last_start: usize,
    /// The last word is still being typed: no blank follows it.
    pub(crate) open: bool,
}

impl Words {
    /// Takes `line` apart. A quote that is not closed goes to the end of the line.
    pub(crate) fn parse(line: &str) -> Self {
        let mut words = Vec::new();
        let mut word: Option<(usize, String)> = None;
        let mut quoted = false;
        let mut chars = line.char_indices();
        while let Some((position, c)) = chars.next() {
            match c {
                c if c.is_ascii_whitespace() && !quoted => words.extend(word.take()),
                _ => {
                    let (_, text) = word.get_or_insert_with(|| (position, String::new()));
                    match c {
                        '"' => quoted = !quoted,
                        '\\' => text.push(chars.next().map_or('\\', |(_, next)| next)),
                        c => text.push(c),
                    }
                }
            }
        }
        let open = word.is_some();
        words.extend(word);
        let last_start = words.last().filter(|_| open).map_or(line.len(), |(position, _)| *position);
        Words { words: words.into_iter().map(|(_, text)| text).collect(), last_start, open }
    }

    /// The words before the one that is being typed, and that one.
    pub(crate) fn partial(mut self) -> (Vec<String>, String) {
        let partial = if self.open { self.words.pop() } else { None };
        (self.words, partial.unwrap_or_default())
    }
}

/// `word` as it has to be typed to come out as it is.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| !c.is_ascii_whitespace() && c != '"' && c != '\\';
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut out = String::from("\"");
    for c in word.chars() {
        if c == '"' || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        Words::parse(line).words
    }

    #[test]
    fn blanks_quotes_and_backslashes() {
        assert_eq!(words("  core\tshow   hints "), ["core", "show", "hints"]);
        let presence = r#"presencestate change CustomPresence:alice "away,lunch,banana""#;
        assert_eq!(words(presence), ["presencestate", "change", "CustomPresence:alice", "away,lunch,banana"]);
        assert_eq!(words(r#"a "b c" d\ e "f\"g" h"i j"k"#), ["a", "b c", "d e", "f\"g", "hi jk"]);
        assert_eq!(words(r#"a "" b"#), ["a", "", "b"]);
        assert_eq!(words(r#"a "b c"#), ["a", "b c"]);
        assert_eq!(words("a\\"), ["a\\"]);
        assert_eq!(words(""), Vec::<String>::new());
    }

    #[test]
    fn the_word_being_typed() {
        let at = |line: &str| {
            let words = Words::parse(line);
            (words.last_start, words.partial())
        };
        assert_eq!(at("core sh"), (5, (vec!["core".into()], "sh".into())));
        assert_eq!(at("core show "), (10, (vec!["core".into(), "show".into()], String::new())));
        assert_eq!(at("load \"my mod"), (5, (vec!["load".into()], "my mod".into())));
    }

    proptest::proptest! {
        #[test]
        fn quoted_words_come_out_as_they_are(list in proptest::collection::vec("\\PC*", 1..8)) {
            let line = list.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            proptest::prop_assert_eq!(words(&line), list);
        }

        #[test]
        fn any_line_has_words(line in "(?s).*") {
            let parsed = Words::parse(&line);
            proptest::prop_assert!(line.is_char_boundary(parsed.last_start));
            proptest::prop_assert!(parsed.words.iter().map(String::len).sum::<usize>() <= line.len());
        }
    }
}
