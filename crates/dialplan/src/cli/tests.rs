use std::sync::Arc;

use conf::Loader;
use state::{DeviceState, PresenceState, PresenceValue};

use super::*;
use crate::{DeviceProvider, Dialplan, PresenceProvider};

pub(crate) fn load(text: &str) -> Arc<Hints> {
    let config = Loader::new(".").parse("extensions.conf", text).unwrap();
    let hints = Hints::new();
    hints.replace(Dialplan::parse(&config).0);
    hints
}

struct Unset;

impl DeviceProvider for Unset {
    fn state(&self, _: &str) -> DeviceState {
        DeviceState::Unknown
    }
}

impl PresenceProvider for Unset {
    fn presence(&self, rest: &str) -> PresenceValue {
        assert_eq!(rest, "b");
        PresenceValue { state: PresenceState::Away, ..PresenceValue::default() }
    }
}

/// The state in which Asterisk was when its answers were captured.
fn golden() -> Arc<Hints> {
    let hints = load(include_str!("../../testdata/extensions.conf"));
    for guard in [
        hints.add_provider("Custom", Arc::new(Unset)),
        hints.add_presence_provider("CustomPresence", Arc::new(Unset)),
    ] {
        std::mem::forget(guard);
    }
    hints.find("default", "2042").unwrap();
    for (key, watchers) in [("1000", 3), ("1001", 4), ("1002", 2), ("1003", 1), ("1004", 1), ("2042", 1)] {
        let hint = hints.find("default", key).unwrap();
        (0..watchers).for_each(|_| hint.add_watcher());
    }
    hints
}

#[test]
fn hints_are_shown_as_asterisk_does() {
    let hints = golden();
    let all = core_show_hints(&hints).text;
    assert_eq!(all, include_str!("../../testdata/core_show_hints.txt"));
    let one = core_show_hint(&hints, "1000").text;
    assert_eq!(one, include_str!("../../testdata/core_show_hint_1000.txt"));
    let made = core_show_hint(&hints, "2042").text;
    assert_eq!(made, include_str!("../../testdata/core_show_hint_2042.txt"));
}

#[test]
fn the_dialplan_is_shown_as_asterisk_does() {
    let hints = golden();
    let context = dialplan_show(&hints, "default");
    let expected = include_str!("../../testdata/dialplan_show_default.txt");
    assert_eq!(context.text, expected);
    let exten = dialplan_show(&hints, "1000@default");
    let expected = include_str!("../../testdata/dialplan_show_1000@default.txt");
    assert_eq!(exten.text, expected);
    assert!(!context.failed && !exten.failed);
    let none = dialplan_show(&hints, "nosuch");
    assert_eq!(none.text, include_str!("../../testdata/dialplan_show_nosuch.txt"));
    assert!(none.failed);
}

#[test]
fn hints_that_are_not_there() {
    let empty = Hints::new();
    let text = core_show_hints(&empty).text;
    assert_eq!(text, "There are no registered dialplan hints\n");
    let text = core_show_hint(&empty, "7").text;
    assert_eq!(text, "No hints matching extension 7\n");
    let hints = golden();
    let text = core_show_hint(&hints, "1000@DEFAULT").text;
    assert!(text.ends_with("1 hint matching extension 1000@DEFAULT\n"));
    let text = core_show_hint(&hints, "10").text;
    assert!(text.ends_with("5 hints matching extension 10\n"));
    // Asking for a pattern's extension does not make it.
    assert!(core_show_hint(&hints, "2043").text.starts_with("No hints"));
    assert!(core_show_hint(&hints, "_20").text.starts_with("_20XX@default "));
}

const OFFICE: &str = "\
[inner]
exten => _1XX,1,NoOp
exten => 100/555,1,Answer()
[outer]
exten => 100,1,Set(a=b)
 same => n(two),Hangup
exten => _2XX,hint,Custom:${EXTEN}
exten => 202,1,NoOp()
include => inner
include => outer
ignorepat => 9
switch => IAX2/x
autohints = yes
";

#[test]
fn every_kind_of_row_has_its_label() {
    let hints = load(OFFICE);
    assert!(hints.find("outer", "201").is_some() && hints.find("outer", "202").is_some());
    let expected = "\
[ Context 'outer' created by 'pbx_config' ]
Autohints support enabled
  '100' =>          1. Set(a=b)                                   [extensions.conf:5]
     [two]          2. Hangup()                                   [extensions.conf:6]
  '201' =>          hint: Custom:201                              [pbx_config]
  '202' =>          hint: Custom:202                              [pbx_config]
                    1. NoOp()                                     [extensions.conf:8]
  '_2XX' =>         hint: Custom:${EXTEN}                         [extensions.conf:7]
  Include =>        'inner'                                       [pbx_config]
  Include =>        'outer'                                       [pbx_config]
  Ignore pattern => '9'                                           [pbx_config]
  Alt. Switch =>    'IAX2/x'                                      [pbx_config]

-= 4 extensions (6 priorities) in 1 context. =-
";
    assert_eq!(dialplan_show(&hints, "outer").text, expected);
}

#[test]
fn an_extension_is_looked_for_in_included_contexts_too() {
    let hints = load(OFFICE);
    let expected = "\
[ Context 'outer' created by 'pbx_config' ]
Autohints support enabled
  '100' =>          1. Set(a=b)                                   [extensions.conf:5]
     [two]          2. Hangup()                                   [extensions.conf:6]

[ Included context 'inner' created by 'pbx_config' ]
  '100' (CID match '555') =>  1. Answer()                                   [extensions.conf:3]
  '_1XX' =>         1. NoOp()                                     [extensions.conf:2]

-= 3 extensions (4 priorities) in 2 contexts. =-
";
    assert_eq!(dialplan_show(&hints, "100@outer").text, expected);
    let everywhere = dialplan_show(&hints, "202@").text;
    assert!(everywhere.ends_with("-= 2 extensions (2 priorities) in 1 context. =-\n"));
    let all = dialplan_show(&hints, "").text;
    assert!(all.ends_with("-= 5 extensions (6 priorities) in 2 contexts. =-\n"));
    for (what, text) in [
        ("9@outer", "of 9@outer extension"),
        ("9@", "of '9' extension in all contexts"),
        ("100@none", "of 'none' context"),
    ] {
        let shown = dialplan_show(&hints, what);
        assert_eq!(shown.text, format!("There is no existence {text}\n"));
        assert!(shown.failed);
    }
}
