//! Headers, templates, inheritance, appending.

use crate::{check, fails, parse, shown};

#[test]
fn sections_of_one_name_are_all_kept() {
    check("[a]\nx=1\n[b]\n[A]\nx=2", &["[a] x=1", "[b]", "[A] x=2"], &[]);
    let config = parse("[a]\nx=1\n[b]\n[A]\nx=2").unwrap();
    assert_eq!(config.section("A").unwrap().value("x"), Some("1"));
    assert_eq!(config.named("a").map(|s| s.value("x").unwrap()).collect::<Vec<_>>(), ["1", "2"]);
}

#[test]
fn templates_are_hidden_and_still_there() {
    let config = parse("[a](!)\nx=1\n[a]\nx=2").unwrap();
    assert_eq!(shown(&config), ["[a]! x=1", "[a] x=2"]);
    assert_eq!(config.sections().count(), 1);
    assert_eq!(config.section("a").unwrap().value("x"), Some("2"));
}

#[test]
fn parents_are_copied_in_the_order_written() {
    let text = "[a](!)\nx=1\ny=1\n[b]\nx=2\n[c](!,a)\nz=3\n[d](C , b)\ny=4";
    let config = parse(text).unwrap();
    let d = config.section("d").unwrap();
    assert_eq!(shown(&config).last().unwrap(), "[d] x=1 y=1 z=3 x=2 y=4");
    assert_eq!((d.value("X"), d.value("y"), d.value("z")), (Some("2"), Some("4"), Some("3")));
    let origins: Vec<_> = d.entries.iter().map(|e| (e.inherited, e.pos.to_string())).collect();
    let origins: Vec<_> = origins.iter().map(|(inherited, pos)| (*inherited, pos.as_str())).collect();
    let expected = [
        (true, "t.conf:2:1"),
        (true, "t.conf:3:1"),
        (true, "t.conf:7:1"),
        (true, "t.conf:5:1"),
        (false, "t.conf:9:1"),
    ];
    assert_eq!(origins, expected);
}

#[test]
fn what_a_parent_gets_later_is_not_inherited() {
    check("[a]\nx=1\n[b](a)\n[a](+)\ny=2", &["[a] x=1 y=2", "[b] x=1"], &[]);
}

#[test]
fn an_unknown_parent_is_an_error_at_its_name() {
    fails(
        "[a]\n[b](!,a, nosuch)\nx=1\n[c](b)\n [d](d)",
        &[
            "E t.conf:2:10: no section 'nosuch' before this line to inherit from",
            "E t.conf:5:6: no section 'd' before this line to inherit from",
        ],
    );
}

#[test]
fn plus_appends_to_the_first_section_of_the_name() {
    check("[a](!)\nx=0\n[a]\nx=1\n[a]\nx=2\n[A](+)\ny=3", &["[a]! x=0", "[a] x=1 y=3", "[a] x=2"], &[]);
}

#[test]
fn plus_and_parents() {
    check("[b](!)\nz=4\n[a]\nx=1\n[a]\n[a](+,b)\ny=2", &["[b]! z=4", "[a] x=1 z=4 y=2", "[a]"], &[]);
}

#[test]
fn plus_does_not_find_templates_unless_told() {
    fails(
        "[a](!)\n[a](+)\nx=1",
        &["E t.conf:2:5: 'a' is a template: append to it with '[a](+TEMPLATES=include)'"],
    );
    check("[a](!)\n[a](+TEMPLATES=include)\nx=1", &["[a]! x=1"], &[]);
    check("[a]\n[a](!)\n[a](+templates=restrict)\nx=1", &["[a]", "[a]! x=1"], &[]);
    fails("[a]\n[a](+TEMPLATES=all)", &["E t.conf:2:5: TEMPLATES is 'include' or 'restrict', not 'all'"]);
}

#[test]
fn plus_without_a_section_to_append_to() {
    fails("[a](+)\nx=1\n[a](+)", &["E t.conf:1:5: no section 'a' before this line to append to"]);
}

#[test]
fn a_filter_selects_by_regular_expressions() {
    let sections = "[a]\ntype=endpoint\n[a]\ntype=aor\nmax_contacts=5\n[a](!)\ntype=aor\n";
    let append = |filter: &str| {
        let config = parse(&format!("{sections}[a](+{filter})\nhere=1")).unwrap();
        config.sections.iter().position(|s| s.value("here").is_some())
    };
    assert_eq!(append(""), Some(0));
    assert_eq!(append("type=aor"), Some(1));
    assert_eq!(append("type=^a.*r$&contacts=[0-9]"), Some(1));
    assert_eq!(append("type=aor&TEMPLATES=restrict"), Some(2));
    fails(
        &format!("{sections}[a](+type=aor&max_contacts=6)"),
        &["E t.conf:8:5: no section 'a' before this line matches 'type=aor&max_contacts=6'"],
    );
    fails(&format!("{sections}[a](+type)"), &["E t.conf:8:5: filter 'type' is not name=regex"]);
}

#[test]
fn a_filter_with_a_bad_regular_expression() {
    let error = parse("[a]\n[a](+x=*)").unwrap_err().to_string();
    assert!(error.starts_with("t.conf:2:5: bad regular expression '*': "), "{error}");
}

#[test]
fn a_header_without_its_end() {
    fails(
        "[a\nx=1\n[b]\n[c](!\ny=2\n[d](c)",
        &[
            "E t.conf:1:1: section header has no closing ']'",
            "E t.conf:4:4: section options have no closing ')'",
        ],
    );
}

#[test]
fn options_after_a_blank_are_an_error() {
    fails(
        "[a] (!)\nx=1\n[b]\t(a)",
        &[
            "E t.conf:1:5: blank between '[a]' and its options: write '[a](...'",
            "E t.conf:3:5: blank between '[b]' and its options: write '[b](...'",
        ],
    );
}

#[test]
fn other_text_after_a_header_is_ignored_with_a_warning() {
    check(
        "[a] x\n[b](!)y",
        &["[a]", "[b]!"],
        &["W t.conf:1:5: 'x' after the header is ignored", "W t.conf:2:7: 'y' after the header is ignored"],
    );
}

#[test]
fn an_empty_option_is_an_error() {
    fails(
        "[]\n[a]()\n[b](!, )",
        &[
            "W t.conf:1:2: section without a name",
            "E t.conf:2:5: empty section option",
            "E t.conf:3:7: empty section option",
        ],
    );
}

#[test]
fn a_name_is_cut_at_79_characters() {
    let name = "ü".repeat(79);
    check(
        &format!("[{name}]\n[{name}xy](!)\n[b]({name}z)"),
        &[&format!("[{name}]"), &format!("[{name}]!"), "[b]"],
        &[&format!("W t.conf:2:2: section name cut at 79 characters: '{name}'")],
    );
}

#[test]
fn blanks_around_a_name_do_not_count_and_no_name_is_a_warning() {
    check("[ a ]\n[]", &["[a]", "[]"], &["W t.conf:2:2: section without a name"]);
}

#[test]
fn sections_cannot_grow_without_bound() {
    let mut text = String::from("[a0](!)\nx=1\n");
    for level in 1..20 {
        text.push_str(&format!("[a{level}](!,a{0},a{0},a{0},a{0})\n", level - 1));
    }
    fails(
        &text,
        &[
            "E t.conf:12:12: inherits more than 262144 entries",
            "E t.conf:12:18: inherits more than 262144 entries",
        ],
    );
}
