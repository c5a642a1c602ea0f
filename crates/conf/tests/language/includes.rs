//! `#include` and `#tryinclude`.

use std::os::unix::fs::symlink;

use conf::{LoadError, Loader};

use crate::{check, directory, fails, load, remarks, shown};

#[test]
fn an_include_stays_in_the_section_and_the_includer_goes_on_in_it() {
    let dir = directory(&[
        ("t.conf", "[modules]\nautoload=no\n#include more.conf\nload=c"),
        ("more.conf", "load=a\n[other]\nload=b"),
    ]);
    assert_eq!(shown(&load(&dir).unwrap()), ["[modules] autoload=no load=a load=c", "[other] load=b"]);
}

#[test]
fn an_include_before_any_section_leaves_the_includer_outside() {
    let dir = directory(&[("t.conf", "#include a\nx=1"), ("a", "[a]\ny=2")]);
    assert_eq!(remarks(&load(&dir)), ["E t.conf:2:1: no section before this line"]);
}

#[test]
fn names_may_be_bare_quoted_or_in_angle_brackets() {
    let dir = directory(&[("a b", "x=1"), ("c", "x=2"), ("d", "x=3")]);
    let text =
        format!("[s]\n#include \"a b\"\n #INCLUDE\t<c>\n#tryinclude \"{}/d\" ; why", dir.path().display());
    let config = Loader::new(dir.path()).parse("t.conf", &text).unwrap();
    assert_eq!(shown(&config), ["[s] x=1 x=2 x=3"]);
}

#[test]
fn names_are_relative_to_the_configuration_directory() {
    let dir = directory(&[
        ("t.conf", "[s]\n#include d/a"),
        ("d/a", "#include b"),
        ("d/b", "x=wrong"),
        ("b", "x=right"),
    ]);
    let config = load(&dir).unwrap();
    assert_eq!(shown(&config), ["[s] x=right"]);
    assert_eq!(
        config
            .files
            .iter()
            .map(|f| f.strip_prefix(dir.path()).unwrap().to_str().unwrap())
            .collect::<Vec<_>>(),
        ["t.conf", "d/a", "b"]
    );
}

#[test]
fn parents_are_found_across_files() {
    let dir = directory(&[
        ("t.conf", "#include a\n[c](b)\nz=3"),
        ("a", "[a](!)\nx=1\n#include b"),
        ("b", "[b](a)\ny=2"),
    ]);
    assert_eq!(shown(&load(&dir).unwrap()), ["[a]! x=1", "[b] x=1 y=2", "[c] x=1 y=2 z=3"]);
}

#[test]
fn errors_in_included_files_are_reported_with_all_others() {
    let dir = directory(&[
        ("t.conf", "[s]\n#include d/a\n#include nosuch\n[s](+x)"),
        ("d/a", "\n [open\nx=1\n\\\n[z](nosuch)"),
    ]);
    let error = load(&dir).unwrap_err();
    let expected = "d/a:2:2: section header has no closing ']'\n\
        d/a:5:5: no section 'nosuch' before this line to inherit from\n\
        t.conf:3:1: cannot include 'nosuch': no such file\n\
        t.conf:4:5: filter 'x' is not name=regex";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn positions_have_a_short_form() {
    let dir = directory(&[("t.conf", "[s]\n#include d/a"), ("d/a", "\n x=1")]);
    let config = load(&dir).unwrap();
    let pos = &config.section("s").unwrap().get("x").unwrap().pos;
    assert_eq!((pos.to_string().as_str(), pos.short().as_str()), ("d/a:2:2", "a:2"));
}

#[test]
fn a_missing_file_fails_include_and_not_tryinclude() {
    let dir =
        directory(&[("t.conf", "[s]\n#tryinclude nosuch\n#tryinclude no*such\n#tryinclude no/such\nx=1")]);
    let result = load(&dir);
    assert!(remarks(&result).is_empty());
    assert_eq!(shown(&result.unwrap()), ["[s] x=1"]);
    let dir = directory(&[("t.conf", "[s]\n#include nosuch\n  #include no*such\n")]);
    assert_eq!(
        remarks(&load(&dir)),
        [
            "E t.conf:2:1: cannot include 'nosuch': no such file",
            "E t.conf:3:3: cannot include 'no*such': no file matches",
        ]
    );
}

#[test]
fn globs_read_what_matches_in_order() {
    let files = [
        ("d/2.conf", "x=2"),
        ("d/1.conf", "x=1"),
        ("d/.hidden.conf", "x=hidden"),
        ("d/3.txt", "x=3"),
        ("d/e/4.conf", "x=4"),
        ("f/5.conf", "x=5"),
    ];
    let dir = directory(&files);
    let included = |name: &str| {
        let text = format!("[s]\n#include {name}");
        Loader::new(dir.path()).parse("t.conf", &text).map(|config| shown(&config).concat())
    };
    assert_eq!(included("d/*.conf").unwrap(), "[s] x=1 x=2");
    assert_eq!(included("d/[13].*").unwrap(), "[s] x=1 x=3");
    assert_eq!(included("d/?.txt").unwrap(), "[s] x=3");
    assert_eq!(included("*/**.conf").unwrap(), "[s] x=1 x=2 x=5");
    assert_eq!(included("{f,d}/*.conf").unwrap(), "[s] x=5 x=1 x=2");
    assert_eq!(included("d/{e/4,nosuch,{1,2}}.conf").unwrap(), "[s] x=4 x=1 x=2");
    assert_eq!(included(&format!("{}/d/*.txt", dir.path().display())).unwrap(), "[s] x=3");
    assert!(included("d/{x,y}.conf").is_err());
    assert!(included("d/[.conf").is_err());
    assert!(included(&"{a,b}".repeat(100)).is_err());
}

#[test]
fn a_glob_in_a_directory_with_wildcards_in_its_name() {
    let dir = directory(&[("[x]*/t.conf", "[s]\n#include a*"), ("[x]*/a1", "x=1"), ("xy/a2", "x=2")]);
    let config = Loader::new(dir.path().join("[x]*")).load("t.conf").unwrap();
    assert_eq!(shown(&config), ["[s] x=1"]);
}

#[test]
fn a_directory_is_skipped_with_a_warning() {
    let dir = directory(&[("t.conf", "[s]\n#include d\n#include d/*\nx=1"), ("d/e/f", ""), ("d/g", "y=2")]);
    let result = load(&dir);
    assert_eq!(
        remarks(&result),
        [
            "W t.conf:2:1: 'd' is not a regular file: ignored",
            "W t.conf:3:1: 'd/e' is not a regular file: ignored"
        ]
    );
    assert_eq!(shown(&result.unwrap()), ["[s] y=2 x=1"]);
}

#[test]
fn a_device_is_skipped_with_a_warning() {
    check(
        "#tryinclude /dev/null\n[s]",
        &["[s]"],
        &["W t.conf:1:1: '/dev/null' is not a regular file: ignored"],
    );
}

#[test]
fn a_file_that_cannot_be_read_fails_include_and_not_tryinclude() {
    let name = format!("/{}", "x".repeat(300));
    let reason = "File name too long (os error 36)";
    check(
        &format!("#tryinclude {name}\n[s]"),
        &["[s]"],
        &[&format!("W t.conf:1:1: cannot include '{name}': {reason}")],
    );
    let error = format!("E t.conf:1:1: cannot include '{name}': {reason}");
    fails(&format!("#include {name}"), &[&error]);
}

#[test]
fn links_to_files_are_files() {
    let dir = directory(&[("t.conf", "[s]\n#include l"), ("a", "x=1")]);
    symlink(dir.path().join("a"), dir.path().join("l")).unwrap();
    assert_eq!(shown(&load(&dir).unwrap()), ["[s] x=1"]);
}

/// `t.conf` includes `1`, which includes `2`, ...
fn chain(length: usize) -> Vec<(String, String)> {
    let text = |n: usize| format!("[s{n}]\n#include {n}\n");
    let mut files = vec![("t.conf".to_owned(), text(1))];
    files.extend((1..length).map(|n| (n.to_string(), text(n + 1))));
    files.push((length.to_string(), "[end]\n".to_owned()));
    files
}

#[test]
fn ten_files_deep_and_no_deeper() {
    let nested = |length| {
        let files = chain(length);
        let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        load(&directory(&files))
    };
    assert!(nested(9).unwrap().section("end").is_some());
    assert_eq!(remarks(&nested(10)), ["E 9:2:1: '10': files are included more than 10 deep"]);
}

#[test]
fn a_file_that_includes_itself_is_an_error() {
    let dir = directory(&[("t.conf", "[s]\n#include a"), ("a", "\n#tryinclude t.*")]);
    assert_eq!(remarks(&load(&dir)), ["E a:2:1: 't.conf' includes itself"]);
    let parsed = Loader::new(dir.path()).parse("t.conf", "[s]\n#include t.conf");
    assert_eq!(remarks(&parsed), ["E t.conf:2:1: 't.conf' includes itself"]);
}

#[test]
fn directives_that_are_none() {
    check(
        "[a]\n#define x\n#include\n#exec ; ls\n#include \"\"\n#\n",
        &["[a]"],
        &[
            "W t.conf:2:1: unknown directive '#define': line ignored",
            "W t.conf:3:1: '#include' needs an argument: line ignored",
            "W t.conf:4:1: '#exec' needs an argument: line ignored",
            "W t.conf:5:1: '#include' needs an argument: line ignored",
            "W t.conf:6:1: unknown directive '#': line ignored",
        ],
    );
}

#[test]
fn a_block_comment_ends_with_its_file() {
    let dir = directory(&[("t.conf", "[s]\n#include a\nx=1"), ("a", "y=2\n;--\n")]);
    let result = load(&dir);
    assert_eq!(
        remarks(&result),
        ["W a:2:1: this block comment has no end '--;': everything after it is ignored"]
    );
    assert_eq!(shown(&result.unwrap()), ["[s] y=2 x=1"]);
}

#[test]
fn a_file_that_is_missing_or_no_file() {
    let dir = directory(&[("d/a", "")]);
    let loader = Loader::new(dir.path());
    let path = dir.path().join("nosuch.conf");
    let error = loader.load("nosuch.conf").unwrap_err();
    assert_eq!(error.to_string(), format!("{}: no such file", path.display()));
    assert_eq!(error, LoadError::Missing { path });
    let path = dir.path().join("d");
    let error = loader.load("d").unwrap_err();
    assert_eq!(error.to_string(), format!("{}: cannot be read: not a regular file", path.display()));
    assert_eq!(error, LoadError::Unreadable { path, reason: "not a regular file".into() });
}
