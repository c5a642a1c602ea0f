//! Keeping a message on its line.
//!
//! Log readers (fail2ban, an operator's terminal) trust that a line begin is ours. So every control character, and
//! the characters that reorder text on a screen, are written as escapes.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with `\n`, `\r`, `\t`, `\xNN` and `\u{NNNN}` in place of what could forge or disturb a line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(disturbs) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if disturbs(c) && (c as u32) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if disturbs(c) => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// `text` as a JSON string with its quotes (RFC 8259 section 7).
pub(crate) fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Every character that disturbs is below U+10000, so four digits do.
            c if disturbs(c) => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Control characters, line and paragraph separators, and bidirectional overrides.
fn disturbs(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_leave_its_line() {
        assert_eq!(one_line("plain é"), "plain é");
        assert_eq!(
            one_line("a\r\n[x] NOTICE[1] f: b\u{1b}[2J\u{85}\u{202e}"),
            "a\\r\\n[x] NOTICE[1] f: b\\x1b[2J\\x85\\u{202e}"
        );
        assert_eq!(json_string("a\"\\\n\u{7f}"), r#""a\"\\\n\u007f""#);
    }
}
