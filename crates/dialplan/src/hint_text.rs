//! The value of a hint: `PJSIP/100&Custom:DND100,CustomPresence:100`.

/// The devices of a value, as written: what stands before the first comma, split at `&`. Blanks
/// around names do not count; `,` and `&` inside of `${...}` separate nothing.
pub(crate) fn devices(text: &str) -> impl Iterator<Item = &str> {
    members(split(text).0)
}

/// The presence providers of a value, as written: what stands behind the first comma.
pub(crate) fn presence(text: &str) -> impl Iterator<Item = &str> {
    members(split(text).1)
}

fn split(text: &str) -> (&str, &str) {
    match position(text, b',') {
        Some(comma) => (&text[..comma], &text[comma + 1..]),
        None => (text, ""),
    }
}

fn members(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    let all = std::iter::from_fn(move || {
        let text = rest?;
        let end = position(text, b'&');
        rest = end.map(|end| &text[end + 1..]);
        Some(text[..end.unwrap_or(text.len())].trim())
    });
    all.filter(|member| !member.is_empty())
}

/// Where an ASCII separator first stands outside of braces.
fn position(text: &str, separator: u8) -> Option<usize> {
    let mut open = 0_usize;
    text.bytes().position(|byte| {
        match byte {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open == 0 && byte == separator
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Vec<&str>, Vec<&str>) {
        (devices(text).collect(), presence(text).collect())
    }

    #[test]
    fn devices_stand_before_the_first_comma() {
        let freepbx = parse("PJSIP/100&Custom:DND100,CustomPresence:100");
        assert_eq!(freepbx, (vec!["PJSIP/100", "Custom:DND100"], vec!["CustomPresence:100"]));
        assert_eq!(parse(",CustomPresence:al"), (vec![], vec!["CustomPresence:al"]));
        assert_eq!(parse("&a& &b &,&x&"), (vec!["a", "b"], vec!["x"]));
        assert_eq!(parse(""), (vec![], vec![]));
        assert_eq!(parse("a,b,c"), (vec!["a"], vec!["b,c"]));
    }

    #[test]
    fn a_function_is_one_device() {
        let text = "${DB(a&b,c)}&d";
        assert_eq!(parse(text), (vec!["${DB(a&b,c)}", "d"], vec![]));
        assert_eq!(parse("ä&ö,ü"), (vec!["ä", "ö"], vec!["ü"]));
        assert_eq!(parse("}&{a&b"), (vec!["}", "{a&b"], vec![]));
    }
}
