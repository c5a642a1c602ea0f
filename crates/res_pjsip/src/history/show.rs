//! The text of `pjsip show history`.

use std::fmt::Write;

use super::{Entry, Filter};

const HEAD: &str = "No.   Timestamp  (Dir) Address                  SIP Message                        ";

/// `pjsip show history [where …]`: a row for each packet that fits.
pub fn show(entries: &[Entry], filter: Option<&Filter>) -> String {
    let rule = |width: usize| "-".repeat(width);
    let mut text = format!("{HEAD}\n{} {} {} {}\n", rule(5), rule(10), rule(30), rule(35));
    for entry in entries.iter().filter(|entry| filter.is_none_or(|filter| filter.fits(entry))) {
        let direction = if entry.sent { "==>" } else { "<==" };
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "{:05} {:<10} * {direction} {:<24} {}",
            entry.number,
            entry.timestamp,
            entry.peer.address.to_string(),
            first_line(&entry.packet)
        );
    }
    text
}

/// `pjsip show history entry N`: one packet as it was; none if it is not kept.
pub fn show_entry(entries: &[Entry], number: u64) -> Option<String> {
    let entry = entries.iter().find(|entry| entry.number == number)?;
    let how = if entry.sent { "Sent to" } else { "Received from" };
    Some(format!(
        "<--- History Entry {number} {how} {} at {} --->\n{}\n",
        entry.peer.address,
        entry.timestamp,
        String::from_utf8_lossy(&entry.packet)
    ))
}

/// The start line, without characters that a terminal would obey.
fn first_line(packet: &[u8]) -> String {
    let packet = packet.trim_ascii_start();
    let end = packet.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(packet.len());
    let line = String::from_utf8_lossy(&packet[..end]);
    line.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
