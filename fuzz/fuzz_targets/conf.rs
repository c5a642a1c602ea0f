//! A configuration file: whatever is in it, what is wrong has a place in it.

#![no_main]

use conf::{LoadError, Loader};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let text = String::from_utf8_lossy(bytes);
    // Other files have no part in this.
    let lower = text.to_ascii_lowercase();
    if lower.contains("#include") || lower.contains("#tryinclude") {
        return Corpus::Reject;
    }
    let diagnostics = match Loader::new("/nonexistent").parse("fuzz.conf", &text) {
        Ok(config) => {
            for section in &config.sections {
                assert!(section.name.chars().count() <= 79);
                let lines = section.entries.iter().filter(|entry| !entry.inherited);
                lines.for_each(|entry| assert!(has_line(&text, entry.pos.line), "{}", entry.pos));
            }
            config.diagnostics
        }
        Err(LoadError::Invalid { diagnostics }) => diagnostics,
        Err(error) => panic!("{error}"),
    };
    for pos in diagnostics.iter().filter_map(|diagnostic| diagnostic.pos.as_ref()) {
        assert!(has_line(&text, pos.line) && pos.column > 0, "{pos}");
    }
    Corpus::Keep
});

fn has_line(text: &str, line: u32) -> bool {
    (1..=text.split('\n').count()).contains(&(line as usize))
}
