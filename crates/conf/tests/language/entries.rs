//! `name = value` lines and how they are looked up.

use conf::parse_bool;

use crate::{check, fails, parse};

#[test]
fn everything_after_the_first_equals_sign_is_the_value() {
    check("[a]\nx=1=2\ny = a => b\n z=\"q\" 'r'", &["[a] x=1=2 y=a => b z=\"q\" 'r'"], &[]);
}

#[test]
fn an_arrow_marks_an_object() {
    check("[a]\nx => 1\ny =>2\nz = > 3", &["[a] x=>1 y=>2 z=> 3"], &[]);
    let config = parse("[a]\nz = > 3").unwrap();
    assert!(!config.section("a").unwrap().get("z").unwrap().object);
}

#[test]
fn empty_values_and_repeated_names_are_kept() {
    check("[a]\nx=\nx=1\nX=2\ny=>", &["[a] x= x=1 X=2 y=>"], &[]);
    let config = parse("[a]\nx=\nx=1\nX=2\ny=>").unwrap();
    let a = config.section("a").unwrap();
    assert_eq!(a.value("x"), Some("2"));
    assert_eq!(a.value("Y"), Some(""));
    assert_eq!(a.value("z"), None);
    assert_eq!(a.all("x").map(|e| &*e.value).collect::<Vec<_>>(), ["", "1", "2"]);
    assert_eq!(a.get("y").unwrap().pos.to_string(), "t.conf:5:1");
}

#[test]
fn plus_equals_appends_to_the_last_of_exactly_that_name() {
    check("[a]\nx=0\nx=1\ny=2\nx +=  3 \nx+=4", &["[a] x=0 x=1  34 y=2"], &[]);
    check("[a]\nx=1\nX += 2", &["[a] x=1 X=2"], &[]);
    check("[a]\nx += => 2", &["[a] x==> 2"], &[]);
}

#[test]
fn plus_equals_reaches_inherited_entries_and_leaves_the_parent_alone() {
    check("[a]\nx=>1\n[b](a)\nx += ,2", &["[a] x=>1", "[b] x=>1 ,2"], &[]);
    let config = parse("[a]\nx=1\n[b](a)\n x += ,2").unwrap();
    let x = config.section("b").unwrap().get("x").unwrap();
    assert!(!x.inherited);
    assert_eq!(x.pos.to_string(), "t.conf:4:2");
}

#[test]
fn a_leading_backslash_makes_the_next_character_literal() {
    check("[a]\n\\[x=1\n\\#y=2\n\\\\z=3\n\\=v=4\n\\+=5", &["[a] [x=1 #y=2 \\z=3 =v=4 +=5"], &[]);
    fails(
        "[a]\n  \\ x=1\n\\\n\\\ty=2",
        &[
            "E t.conf:2:3: a backslash that begins a line needs a character after it",
            "E t.conf:3:1: a backslash that begins a line needs a character after it",
            "E t.conf:4:1: a backslash that begins a line needs a character after it",
        ],
    );
}

#[test]
fn an_entry_before_any_section_is_one_error() {
    fails("\n  x=1\ny=2\n[a]\nz=3", &["E t.conf:2:3: no section before this line"]);
}

#[test]
fn lines_without_equals_sign_or_name_are_warnings() {
    check(
        "[a]\n load res_pjsip.so\n = 1\n+=2\nx=3",
        &["[a] x=3"],
        &[
            "W t.conf:2:2: no '=' in 'load res_pjsip.so': line ignored",
            "W t.conf:3:2: no name before the '=': line ignored",
            "W t.conf:4:1: no name before the '=': line ignored",
        ],
    );
}

#[test]
fn words_of_truth() {
    for word in ["yes", "TRUE", "y", "T", "1", "On"] {
        assert_eq!(parse_bool(word), Some(true), "{word}");
    }
    for word in ["no", "False", "N", "f", "0", "OFF"] {
        assert_eq!(parse_bool(word), Some(false), "{word}");
    }
    for word in ["", "2", "yess", "enabled", " yes"] {
        assert_eq!(parse_bool(word), None, "{word}");
    }
}
