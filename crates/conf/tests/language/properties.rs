//! Nothing panics, and what is printed reads the same.

use conf::Loader;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{directory, load, parse, shown, write};

/// Text in which all marks of the language are frequent.
fn marks() -> impl Strategy<Value = String> {
    let mark = prop::sample::select(vec![
        "[",
        "]",
        "(",
        ")",
        "!",
        "+",
        ",",
        "=",
        "=>",
        "+=",
        ";",
        "\\",
        ";--",
        "--;",
        "-",
        "\n",
        "\n",
        " ",
        "\t",
        "\r",
        "#include t.conf",
        "#tryinclude *",
        "#exec x",
        "a",
        "b",
        "ü",
        "\u{feff}",
        "\0",
        "[a]",
        "[b](!)",
        "[a](+)",
        "TEMPLATES=",
        "&",
        "{",
        "}",
        "\"",
        "<",
        ">",
    ]);
    vec(mark, 0..60).prop_map(|marks| marks.concat())
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_.*/-]{1,20}"
}

/// Anything a line can hold, without blanks at its ends; no backslash, which escapes.
fn value() -> impl Strategy<Value = String> {
    r"[^\x00-\x20\\>]([^\x00-\x1f\\]{0,20}[^\x00-\x20\\])?|"
}

/// Name, value, whether an object.
type Entry = (String, String, bool);

fn sections() -> impl Strategy<Value = Vec<(String, Vec<Entry>)>> {
    vec((name(), vec((name(), value(), any::<bool>()), 0..8)), 0..8)
}

proptest! {
    #[test]
    fn text_never_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn marks_never_panic_and_every_position_is_in_the_text(text in marks()) {
        let diagnostics = match parse(&text) {
            Ok(config) => config.diagnostics,
            Err(conf::LoadError::Invalid { diagnostics }) => diagnostics,
            Err(error) => panic!("{error}"),
        };
        for diagnostic in diagnostics {
            let pos = diagnostic.pos.clone().unwrap();
            let line = text.split('\n').nth(pos.line as usize - 1);
            let length = line.map(|line| line.chars().count());
            prop_assert!(length.is_some_and(|length| pos.column as usize <= length + 1), "{diagnostic}");
        }
    }

    #[test]
    fn bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        let dir = directory(&[]);
        write(dir.path(), "t.conf", &bytes);
        let _ = load(&dir);
    }

    #[test]
    fn printed_and_read_again_is_the_same(sections in sections()) {
        let mut text = String::new();
        let mut expected = Vec::new();
        for (name, entries) in &sections {
            text.push_str(&format!("[{name}]\n"));
            let mut line = format!("[{name}]");
            for (name, value, object) in entries {
                let equals = if *object { "=>" } else { "=" };
                text.push_str(&format!("{name} {equals} {}\n", value.replace(';', "\\;")));
                line.push_str(&format!(" {name}{equals}{value}"));
            }
            expected.push(line);
        }
        let config = Loader::new("/nonexistent").parse("t.conf", &text).unwrap();
        prop_assert!(config.diagnostics.is_empty(), "{:?}", config.diagnostics);
        prop_assert_eq!(shown(&config), expected);
    }
}
