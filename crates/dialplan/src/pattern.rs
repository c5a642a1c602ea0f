//! Patterns of extension names: `_NXX`, `_[1-3]X.`, `_20X!`.
//!
//! | in a pattern | matches |
//! | --- | --- |
//! | `X` `Z` `N` | one digit: 0-9, 1-9, 2-9 (either letter case) |
//! | `[a-c7]` | one character of a set |
//! | `.` | the rest, at least one character |
//! | `!` | the rest, also none |
//! | `-` | nothing; it is there for people |
//! | anything else | itself, with case |
//!
//! Patterns are ordered as they are tried: position by position the one that matches fewer
//! characters first, then `.`, then `!`, then the end of the pattern.

use std::cmp::Ordering;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Element>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    /// One character of a set, with the weight that orders it.
    One(u32, ByteSet),
    /// `.`
    Some,
    /// `!`
    Any,
}

/// Weight of the end of a pattern: it is tried last.
const END: u32 = 0x3_0000;

impl Pattern {
    /// Compiles what stands behind the `_`; `None` if a `]` is missing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut elements = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            match byte {
                b'-' => {}
                b'X' | b'x' => elements.push(Element::One(0xA00, ByteSet::range(b'0', b'9'))),
                b'Z' | b'z' => elements.push(Element::One(0x900, ByteSet::range(b'1', b'9'))),
                b'N' | b'n' => elements.push(Element::One(0x800, ByteSet::range(b'2', b'9'))),
                b'.' => elements.push(Element::Some),
                b'!' => elements.push(Element::Any),
                b'[' => {
                    let end = rest.iter().position(|byte| *byte == b']')?;
                    let (set, tail) = rest.split_at(end);
                    rest = tail.get(1..).unwrap_or_default();
                    elements.extend(ByteSet::parse(set).element());
                }
                literal => elements.extend(ByteSet::range(literal, literal).element()),
            }
        }
        Some(Self(elements))
    }

    /// Whether a name, which is no pattern itself, matches. Its dashes do not count.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let mut name = name.bytes().filter(|byte| *byte != b'-');
        for element in &self.0 {
            match element {
                Element::One(_, set) => match name.next() {
                    Some(byte) if set.contains(byte) => {}
                    _ => return false,
                },
                Element::Some => return name.next().is_some(),
                Element::Any => return true,
            }
        }
        name.next().is_none()
    }

    /// Whether it is `_.` or `_!`, which match every name, the special ones too.
    pub(crate) fn matches_everything(&self) -> bool {
        matches!(self.0.first(), Some(Element::Some | Element::Any))
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |pattern: &Self, index| match pattern.0.get(index) {
            Some(Element::One(weight, set)) => (*weight, *set),
            Some(Element::Some) => (0x1_8000, ByteSet::default()),
            Some(Element::Any) => (0x2_8000, ByteSet::default()),
            None => (END, ByteSet::default()),
        };
        let longest = self.0.len().max(other.0.len());
        (0..longest)
            .map(|index| key(self, index).cmp(&key(other, index)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// A set of bytes, one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct ByteSet {
    low: u128,
    high: u128,
}

impl ByteSet {
    fn range(first: u8, last: u8) -> Self {
        let mut set = Self::default();
        (first..=last).for_each(|byte| set.insert(byte));
        set
    }

    /// The inside of brackets: characters and ranges such as `a-z`.
    fn parse(text: &[u8]) -> Self {
        let mut set = Self::default();
        let mut rest = text;
        loop {
            rest = match rest {
                [first, b'-', last, tail @ ..] => {
                    (*first..=*last).for_each(|byte| set.insert(byte));
                    tail
                }
                [byte, tail @ ..] => {
                    set.insert(*byte);
                    tail
                }
                [] => return set,
            }
        }
    }

    fn insert(&mut self, byte: u8) {
        if byte < 128 {
            self.low |= 1 << byte;
        } else {
            self.high |= 1 << (byte - 128);
        }
    }

    fn contains(&self, byte: u8) -> bool {
        let half = if byte < 128 { self.low } else { self.high };
        half >> (byte % 128) & 1 == 1
    }

    /// What matches one of the set; an empty set is left out.
    fn element(self) -> Option<Element> {
        let lowest = match (self.low, self.high) {
            (0, 0) => return None,
            (0, high) => 128 + high.trailing_zeros(),
            (low, _) => low.trailing_zeros(),
        };
        let count = self.low.count_ones() + self.high.count_ones();
        Some(Element::One(count * 256 + lowest, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(name)
    }

    #[test]
    fn classes_match_their_characters() {
        assert!(matches("NXZ", "201") && matches("nxz", "999"));
        assert!(!matches("NXZ", "101") && !matches("NXZ", "200"));
        assert!(!matches("NXZ", "20") && !matches("NXZ", "2011"));
        assert!(matches("[a-c7]1", "b1") && matches("[a-c7]1", "71"));
        assert!(!matches("[a-c7]1", "d1") && !matches("[a-c7]1", "B1"));
        assert!(matches("*76X.", "*76100") && !matches("*76X.", "*761"));
        assert!(matches("20!", "20") && matches("20!", "20/x") && !matches("20!", "2"));
        assert!(matches("5-00", "500") && matches("5XX", "5-0-0"));
        assert!(matches("ä", "ä") && !matches("ä", "ö"));
        // Whatever follows the rest is not looked at; an empty set is not there.
        assert!(matches("1.99", "12") && matches("1[]2", "12"));
        assert!(Pattern::parse("1[23").is_none());
    }

    #[test]
    fn the_narrower_pattern_comes_first() {
        let order = [
            "12", "1[23]", "1N", "1[2-9]", "1Z", "1X", "1[0-9]", "1.", "1!", "1", "2X", "[12]X", "N1", "Z1",
            "X1", "XX", "X.", "X!", ".", "!",
        ];
        let parse = |text: &str| Pattern::parse(text).unwrap();
        for pair in order.windows(2) {
            assert!(parse(pair[0]) < parse(pair[1]), "{pair:?}");
        }
    }
}
