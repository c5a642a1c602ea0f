//! `#exec`.

use conf::Loader;

use crate::{directory, remarks, shown};

#[test]
fn commands_do_not_run_unless_allowed() {
    let dir = directory(&[]);
    let text = format!("[s]\n #exec touch {}/ran\nx=1", dir.path().display());
    let result = Loader::new(dir.path()).parse("t.conf", &text);
    assert_eq!(
        remarks(&result),
        ["W t.conf:2:2: '#exec' is ignored: 'execincludes' in asterisk.conf is not 'yes'"]
    );
    assert_eq!(shown(&result.unwrap()), ["[s] x=1"]);
    assert!(!dir.path().join("ran").exists());
}

#[test]
fn what_a_command_prints_is_read() {
    let text = "[s]\n#exec \"for i in 1 2\\; do echo x=$i\\; done\\; echo [t]\\; echo y=3\"\nz=4";
    let config = Loader::new("/nonexistent").exec(true).parse("t.conf", text).unwrap();
    assert_eq!(shown(&config), ["[s] x=1 x=2 z=4", "[t] y=3"]);
    assert!(!config.fingerprint().unchanged());
}

#[test]
fn errors_in_what_a_command_prints_name_the_command() {
    let text = "[s]\n#exec echo\\; echo [/a";
    let result = Loader::new("/nonexistent").exec(true).parse("t.conf", text);
    let expected = "E #exec echo; echo [/a:2:1: section header has no closing ']'";
    assert_eq!(remarks(&result), [expected]);
}

#[test]
fn what_goes_wrong_in_a_command_is_reported_and_not_fatal() {
    let text = "[s]\n#exec echo one >&2\\; echo two >&2\\; exit 3\nx=1";
    let result = Loader::new("/nonexistent").exec(true).parse("t.conf", text);
    let command = "echo one >&2; echo two >&2; exit 3";
    let expected = [
        format!("E t.conf:2:1: {command}: one"),
        format!("E t.conf:2:1: {command}: two"),
        format!("W t.conf:2:1: {command}: ended with exit status: 3"),
        format!("N t.conf:2:1: {command}: printed nothing"),
    ];
    assert_eq!(remarks(&result), expected);
    assert_eq!(shown(&result.unwrap()), ["[s] x=1"]);
}
