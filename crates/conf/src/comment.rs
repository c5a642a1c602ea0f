//! Takes comments out of lines and remembers which column each rest came from.
//!
//! `;` begins a comment, `\;` is a semicolon, `;--` (without a third dash) begins a block comment
//! that ends at its `--;`. What stands before and after a block comment in one line is one line.

use std::borrow::Cow;

/// Block comments may be nested this deep.
pub(crate) const MAX_NESTED: usize = 128;

/// A line without its comments.
pub(crate) struct Line<'a> {
    raw: &'a str,
    text: Cow<'a, str>,
    /// For each piece of `text`: its offset there and in `raw`.
    pieces: Vec<(usize, usize)>,
}

impl<'a> Line<'a> {
    fn whole(raw: &'a str) -> Self {
        Self { raw, text: Cow::Borrowed(raw), pieces: Vec::new() }
    }

    fn keep(&mut self, from: usize, to: usize) {
        self.pieces.push((self.text.len(), from));
        self.text.to_mut().push_str(self.raw.get(from..to).unwrap_or_default());
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The column, from 1, at which a part of [`Line::text`] begins in the file.
    pub(crate) fn column(&self, part: &str) -> u32 {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let raw_offset = match self.pieces.iter().rfind(|(start, _)| *start <= offset) {
            Some((start, raw_start)) => raw_start + (offset - start),
            None => offset,
        };
        column(self.raw, raw_offset)
    }
}

/// The column, from 1, of a byte of a line.
pub(crate) fn column(line: &str, offset: usize) -> u32 {
    let characters = line.char_indices().take_while(|(at, _)| *at < offset).count();
    u32::try_from(characters + 1).unwrap_or(u32::MAX)
}

/// The block comments that are open in a file.
#[derive(Default)]
pub(crate) struct Comments {
    /// Line and column of each opening mark.
    open: Vec<(u32, u32)>,
}

impl Comments {
    /// Takes the comments out of the next line of the file. An opening mark below [`MAX_NESTED`]
    /// is not counted, and its column is returned.
    pub(crate) fn strip<'a>(&mut self, raw: &'a str, number: u32) -> (Line<'a>, Option<u32>) {
        let mut line = Line::whole(raw);
        let mut too_deep = None;
        if self.open.is_empty() && !raw.contains(';') {
            return (line, too_deep);
        }
        line.text = Cow::Owned(String::new());
        // Where the text begins that is not yet kept, and where what is not yet looked at. Both
        // lie beside a `;` or a `-`, so on a boundary of characters.
        let mut start = 0;
        let mut from = 0;
        for (at, _) in raw.match_indices(';') {
            let before = raw.get(from..at).unwrap_or_default();
            let after = raw.get(at + 1..).unwrap_or_default();
            if before.ends_with('\\') {
                if self.open.is_empty() {
                    line.keep(start, at - 1);
                    start = at;
                }
                from = at + 1;
            } else if after.starts_with("--") && !after.starts_with("---") {
                if self.open.is_empty() {
                    line.keep(start, at);
                }
                if self.open.len() < MAX_NESTED {
                    self.open.push((number, column(raw, at)));
                } else {
                    too_deep = Some(column(raw, at));
                }
                from = at + 3;
            } else if self.open.is_empty() {
                line.keep(start, at);
                return (line, too_deep);
            } else {
                if before.ends_with("--") {
                    self.open.pop();
                    start = at + 1;
                }
                from = at + 1;
            }
        }
        if self.open.is_empty() {
            line.keep(start, raw.len());
        }
        (line, too_deep)
    }

    /// Line and column of the outermost block comment that is still open.
    pub(crate) fn unterminated(&self) -> Option<(u32, u32)> {
        self.open.first().copied()
    }
}
