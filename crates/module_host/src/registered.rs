//! Whether what a module registers can be used at all: names go into SIP headers and the console.

use module_api::Registrar;

/// Says what is wrong with the first entry that is.
pub(crate) fn check(registrar: &Registrar) -> Result<(), String> {
    let generators = registrar.generators.iter().map(|entry| entry.media_type.as_str());
    let supplements = registrar.supplements.iter().map(|entry| entry.media_type.as_str());
    let defaults = registrar.packages.iter().map(|entry| entry.default_media_type.as_str());
    first(generators.chain(supplements).chain(defaults), is_media_type, "no media type in lower case")?;
    first(registrar.packages.iter().map(|entry| entry.event.as_str()), is_token, "no name of an event")?;
    first(registrar.packages.iter().map(|entry| entry.topic.as_str()), is_token, "no name of a topic")?;
    first(
        registrar.devices.iter().map(|entry| entry.label.as_str()),
        is_label,
        "no label such as Queue: or DAHDI/",
    )?;
    first(registrar.commands.iter().map(|entry| entry.words.as_str()), is_command, "no words of a command")
}

fn first<'a>(
    names: impl IntoIterator<Item = &'a str>,
    is_good: fn(&str) -> bool,
    wrong: &str,
) -> Result<(), String> {
    match names.into_iter().find(|name| !is_good(name)) {
        Some(name) => Err(format!("it registers {name:?}, which is {wrong}")),
        None => Ok(()),
    }
}

/// A token (RFC 3261 section 25.1).
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte))
}

fn is_media_type(text: &str) -> bool {
    let is_whole = text.split_once('/').is_some_and(|(main, sub)| is_token(main) && is_token(sub));
    is_whole && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_label(text: &str) -> bool {
    text.strip_suffix([':', '/']).is_some_and(is_token)
}

fn is_command(text: &str) -> bool {
    !text.is_empty() && text.split(' ').all(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_header_could_carry() {
        assert!(is_media_type("application/pidf+xml") && is_media_type("text/x-lamp"));
        for bad in ["", "text", "text/", "/plain", "text/plain; a=b", "text/x\r\nEvil: 1", "Text/plain"] {
            assert!(!is_media_type(bad), "{bad}");
        }
        assert!(is_token("presence.winfo") && is_token("x-notice"));
        assert!(!is_token("") && !is_token("a b") && !is_token("a\n") && !is_token("ä"));
        assert!(is_label("Queue:") && is_label("DAHDI/"));
        assert!(!is_label("Queue") && !is_label(":") && !is_label("a b:"));
        assert!(is_command("notice set") && !is_command("") && !is_command("a  b") && !is_command(" a"));
    }
}
