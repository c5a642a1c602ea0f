//! The value of a hint: `PJSIP/100&Custom:DND100,CustomPresence:100`.

use std::sync::Arc;

/// What a hint looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HintText {
    /// Names of devices, as written: what stands before the first comma, split at `&`.
    pub devices: Vec<Arc<str>>,
    /// Names of presence providers, as written: what stands behind the first comma.
    pub presence: Vec<Arc<str>>,
}

impl HintText {
    /// Reads a value without its display name. Blanks around names do not count; `,` and `&` inside of `${...}` separate nothing.
    pub fn parse(text: &str) -> Self {
        let (devices, presence) = match positions(text, ',').next() {
            Some(comma) => (&text[..comma], &text[comma + 1..]),
            None => (text, ""),
        };
        Self { devices: members(devices), presence: members(presence) }
    }
}

fn members(text: &str) -> Vec<Arc<str>> {
    let mut members = Vec::with_capacity(positions(text, '&').count() + 1);
    let mut start = 0;
    for end in positions(text, '&').chain([text.len()]) {
        let member = text[start..end].trim();
        if !member.is_empty() {
            members.push(Arc::from(member));
        }
        start = end + 1;
    }
    members
}

/// Where an ASCII separator stands outside of braces.
fn positions(text: &str, separator: char) -> impl Iterator<Item = usize> {
    let mut open = 0_usize;
    text.char_indices().filter_map(move |(index, character)| {
        match character {
            '{' => open += 1,
            '}' => open = open.saturating_sub(1),
            _ => {}
        }
        (open == 0 && character == separator).then_some(index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Vec<String>, Vec<String>) {
        let hint = HintText::parse(text);
        let strings = |names: Vec<Arc<str>>| names.iter().map(ToString::to_string).collect();
        (strings(hint.devices), strings(hint.presence))
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn devices_stand_before_the_first_comma() {
        let freepbx = parse("PJSIP/100&Custom:DND100,CustomPresence:100");
        let expected = names(&["PJSIP/100", "Custom:DND100"]);
        assert_eq!(freepbx, (expected, names(&["CustomPresence:100"])));
        assert_eq!(parse(",CustomPresence:al"), (vec![], names(&["CustomPresence:al"])));
        assert_eq!(parse("&a& &b &,&x&"), (names(&["a", "b"]), names(&["x"])));
        assert_eq!(parse(""), (vec![], vec![]));
        assert_eq!(parse("a,b,c"), (names(&["a"]), names(&["b,c"])));
    }

    #[test]
    fn a_function_is_one_device() {
        let text = "${DB(a&b,c)}&d";
        assert_eq!(parse(text), (names(&["${DB(a&b,c)}", "d"]), vec![]));
        assert_eq!(parse("ä&ö,ü"), (names(&["ä", "ö"]), names(&["ü"])));
        assert_eq!(parse("}&{a&b"), (names(&["}", "{a&b"]), vec![]));
    }
}
