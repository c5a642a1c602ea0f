//! How listings are set: labels, columns, headers and parameter tables.

use std::fmt::Write;

/// The width of a page.
const WIDTH: usize = 90;

/// The columns that a label takes up, its colon not counted: nine, and two more a level.
pub(super) fn label_width(level: usize) -> usize {
    9 + 2 * level
}

/// `name` at the right of its columns, with a colon.
pub(super) fn label(level: usize, name: &str) -> String {
    format!("{name:>width$}:", width = label_width(level))
}

/// `text` in exactly `width` columns.
pub(super) fn fit(text: &str, width: usize) -> String {
    format!("{text:<width$.width$}")
}

/// The head of a column: `<Name......>`, in `width` columns.
pub(super) fn head(name: &str, width: usize) -> String {
    format!("<{name:.<fill$}>", fill = width.saturating_sub(2))
}

/// The head of a column that takes up the rest of the page behind `line`.
pub(super) fn head_to_end(line: &str, name: &str) -> String {
    head(name, WIDTH.saturating_sub(line.len()))
}

/// The rule under the heads of a page.
pub(super) fn rule() -> String {
    "=".repeat(WIDTH)
}

/// What a list says when it is empty.
pub(super) const NOTHING: &str = "No objects found.\n\n";

/// A list: `heads`, a rule, `rows`, and how many objects there are.
pub(super) fn page(heads: &str, rows: &str, count: usize) -> String {
    if count == 0 {
        return NOTHING.to_owned();
    }
    format!("\n{heads}{}\n\n{rows}\nObjects found: {count}\n\n", rule())
}

/// One object: `heads`, a rule, its `rows` and its parameters.
pub(super) fn single(heads: &str, rows: &str, parameters: &[(&str, String)]) -> String {
    format!("\n{heads}{}\n\n{rows}\n{}\n", rule(), table(parameters))
}

/// Names and values, one a line, under a head and a rule as long as the longest of them.
pub(super) fn table(parameters: &[(&str, String)]) -> String {
    const HEAD: (&str, &str) = ("ParameterName", "ParameterValue");
    let pairs = || parameters.iter().map(|(name, value)| (*name, &**value)).chain([HEAD]);
    let longest_name = pairs().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let longest_value = pairs().map(|(_, value)| value.chars().count()).max().unwrap_or_default();
    let mut text = format!(" {:<longest_name$} : {}\n", HEAD.0, HEAD.1);
    let _ = writeln!(text, " {}", "=".repeat(longest_name + longest_value + 3));
    for (name, value) in parameters {
        let _ = writeln!(text, " {name:<longest_name$} : {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_filled_by_characters() {
        assert_eq!(fit("äöü", 2), "äö");
        assert_eq!(fit("äöü", 5), "äöü  ");
        assert_eq!(fit("x", 0), "");
        assert_eq!(head("Hash", 10), "<Hash....>");
    }
}
