//! Codec names and codec preferences: call options that are read, shown and otherwise ignored.

use std::sync::Arc;

/// Codecs that `allow=all` stands for.
const NAMES: &[&str] = &[
    "codec2", "g723", "ulaw", "alaw", "gsm", "g726", "g726aal2", "adpcm", "slin", "slin12", "slin16",
    "slin24", "slin32", "slin44", "slin48", "slin96", "slin192", "lpc10", "g729", "speex", "speex16",
    "speex32", "ilbc", "g722", "siren7", "siren14", "testlaw", "g719", "opus", "jpeg", "png", "h261", "h263",
    "h263p", "h264", "h265", "mpeg4", "vp8", "vp9", "av1", "red", "t140", "t38", "silk8", "silk12", "silk16",
    "silk24", "lc3", "evs", "amr", "amrwb",
];

/// What each part of a codec preference may be.
const PREFERENCES: &[(&str, &[&str])] = &[
    ("prefer", &["pending", "configured"]),
    ("operation", &["intersect", "union", "only_preferred", "only_nonpreferred"]),
    ("keep", &["all", "first"]),
    ("transcode", &["allow", "prevent"]),
];

/// Splits one `allow` or `disallow` line. Names not known are warned about and left out.
pub(crate) fn parse(text: &str, warnings: &mut Vec<String>) -> Vec<Arc<str>> {
    let mut items = super::value::items(text);
    items.retain(|item| {
        let name = item.trim_start_matches('!').trim();
        // A packet length may follow the name: ulaw:30.
        let name = name.split_once(':').map_or(name, |(name, _)| name);
        let known =
            name.eq_ignore_ascii_case("all") || NAMES.iter().any(|codec| codec.eq_ignore_ascii_case(name));
        if !known {
            warnings.push(format!("names the codec '{name}', which is not known"));
        }
        known
    });
    items
}

/// Applies one line of `allow` (or else `disallow`) to the codecs chosen so far.
pub(crate) fn edit(chosen: &mut Vec<Arc<str>>, items: &[Arc<str>], allow: bool) {
    for item in items {
        let (name, add) = match item.strip_prefix('!') {
            Some(name) => (name.trim(), !allow),
            None => (&**item, allow),
        };
        let name = name.split_once(':').map_or(name, |(name, _)| name).to_ascii_lowercase();
        let meant: &[&str] = if name == "all" { NAMES } else { &[&name] };
        chosen.retain(|codec| !meant.contains(&&**codec) || add);
        let new = meant.iter().filter(|_| add).map(|codec| Arc::from(*codec));
        for codec in new {
            if !chosen.contains(&codec) {
                chosen.push(codec);
            }
        }
    }
}

/// Reads `prefer:pending, operation:union, …` and writes it in one form.
///
/// # Errors
/// What was expected instead.
pub(crate) fn preferences(text: &str) -> Result<Arc<str>, String> {
    let mut written = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (key, value) = item.split_once(':').ok_or("parts of the form key:value")?;
        let (key, value) = (key.trim(), value.trim());
        let (_, values) = PREFERENCES
            .iter()
            .find(|(known, _)| *known == key)
            .ok_or("parts named prefer, operation, keep and transcode")?;
        if !values.contains(&value) {
            return Err(format!("'{key}:' with one of {}", values.join(", ")));
        }
        written.push(format!("{key}:{value}"));
    }
    Ok(written.join(", ").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(lines: &[(&str, bool)]) -> String {
        let mut chosen = Vec::new();
        for (line, allow) in lines {
            edit(&mut chosen, &parse(line, &mut Vec::new()), *allow);
        }
        chosen.join("|")
    }

    #[test]
    fn allow_and_disallow_edit_the_list_in_order() {
        assert_eq!(chosen(&[("all", false), ("ulaw,alaw", true)]), "ulaw|alaw");
        assert_eq!(chosen(&[("!all,G722,ulaw", true)]), "g722|ulaw");
        assert_eq!(chosen(&[("ulaw,alaw,g722", true), ("alaw", false)]), "ulaw|g722");
        assert_eq!(chosen(&[("ulaw,!ulaw", true)]), "");
        assert_eq!(chosen(&[("all", true)]).split('|').count(), NAMES.len());
    }

    #[test]
    fn an_unknown_codec_is_only_warned_about() {
        let mut warnings = Vec::new();
        assert_eq!(parse("ulaw,nosuch,alaw:30", &mut warnings).len(), 2);
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn preferences_are_checked_and_written_in_one_form() {
        assert_eq!(preferences("prefer: pending ,keep:all").as_deref(), Ok("prefer:pending, keep:all"));
        assert!(preferences("prefer:mine").is_err() && preferences("x:y").is_err());
    }
}
