//! The frames of `devstate list` and `presencestate list`, as Asterisk prints them.

use std::fmt::Write;

use crate::{DeviceState, PresenceState};

const WIDTH: usize = 69;

/// What `devstate list` prints: one block for each custom device, its name with `Custom:`.
pub fn devstate_list<'a>(devices: impl IntoIterator<Item = (&'a str, DeviceState)>) -> String {
    let mut text = head("Custom Device States");
    for (name, state) in devices {
        let _ = writeln!(text, "--- Name: '{name}'  State: '{state}'\n---");
    }
    text + &foot()
}

/// One row of `presencestate list`: the texts as they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresenceRow<'a> {
    /// The name with `CustomPresence:`.
    pub name: &'a str,
    /// The state.
    pub state: PresenceState,
    /// The subtype as stored.
    pub subtype: &'a str,
    /// The message as stored.
    pub message: &'a str,
    /// Whether both texts are stored base64 encoded (option `e`).
    pub base64: bool,
}

/// What `presencestate list` prints.
pub fn presencestate_list<'a>(rows: impl IntoIterator<Item = PresenceRow<'a>>) -> String {
    let mut text = head("Custom Presence States");
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return text + "No custom presence states defined\n";
    }
    for row in rows {
        let base64 = if row.base64 { "Yes" } else { "No" };
        let _ = write!(
            text,
            "--- Name: '{}'\n    --- State: '{}'\n    --- Subtype: '{}'\n    --- Message: '{}'\n    \
             --- Base64 Encoded: '{base64}'\n---\n",
            row.name, row.state, row.subtype, row.message,
        );
    }
    text + &foot()
}

fn head(title: &str) -> String {
    let line = "-".repeat(WIDTH);
    let title = format!("--- {title} ");
    format!("\n{line}\n{title:-<WIDTH$}\n{line}\n---\n")
}

fn foot() -> String {
    let line = "-".repeat(WIDTH);
    format!("{line}\n{line}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_listed_as_asterisk_does() {
        let text = devstate_list([("Custom:a", DeviceState::NotInUse)]);
        assert_eq!(text, include_str!("../testdata/devstate_list.txt"));
    }

    #[test]
    fn presence_is_listed_as_asterisk_does() {
        let text = presencestate_list([PresenceRow {
            name: "CustomPresence:b",
            state: PresenceState::Away,
            subtype: "c3Vi",
            message: "bXNn",
            base64: true,
        }]);
        assert_eq!(text, include_str!("../testdata/presencestate_list.txt"));
    }

    #[test]
    fn without_any_there_is_still_a_frame() {
        assert_eq!(devstate_list([]).lines().count(), 8);
        assert!(presencestate_list([]).ends_with("---\nNo custom presence states defined\n"));
    }
}
