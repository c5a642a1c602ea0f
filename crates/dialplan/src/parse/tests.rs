use conf::Loader;

use super::*;

/// Reads a file; gives the dialplan and the diagnostics as text.
fn read_text(text: &str) -> (Dialplan, Vec<String>) {
    let config = Loader::new(".").parse("extensions.conf", text).unwrap();
    let (dialplan, diagnostics) = Dialplan::parse(&config);
    let text = |d: &Diagnostic| format!("{:?} {d}", d.severity);
    (dialplan, diagnostics.iter().map(text).collect())
}

/// The lines of all extensions of a context: `name number[label] app(data)`.
fn lines(dialplan: &Dialplan, context: &str) -> Vec<String> {
    let context = dialplan.context(context).unwrap();
    let of = |e: &crate::Extension| {
        let name = match e.caller_id() {
            Some(caller_id) => format!("{}/{caller_id}", e.name),
            None => e.name.to_string(),
        };
        let line = |p: &crate::Priority| {
            let label = p.label.as_deref().unwrap_or_default();
            format!("{name} {}[{label}] {}({})", p.number, p.app, p.data)
        };
        let hint = e.hint().map(|hint| format!("{name} -1[] {}({})", hint.text(), hint.name()));
        hint.into_iter().chain(e.priorities().iter().map(line)).collect::<Vec<_>>()
    };
    context.extensions.iter().flat_map(of).collect()
}

#[test]
fn lines_of_every_form() {
    let text = "\
[d]
exten => 1 0-0 , 1 , NoOp
same => n(here),Dial(PJSIP/1,20,tT(x)) and more
same = s+3(there),Set(a=b(c))
SAMEXTEN => here+1,Answer()
exten => 100,10,Hangup()
same=>hint,PJSIP/1&PJSIP/2,CustomPresence:1(One (first))
EXTEN => 100/55,1,Busy
exten => _[1,2]X/_5X,1,Busy()
exten => _[1-3 ]X,next,Congestion
exten => 7,hint
";
    let (dialplan, diagnostics) = read_text(text);
    assert_eq!(
        diagnostics,
        ["Warning extensions.conf:11:1: the hint of '7' names no device: it shows Unavailable for ever"]
    );
    assert_eq!(
        lines(&dialplan, "d"),
        [
            "100/55 1[] Busy()",
            "10-0 -1[] PJSIP/1&PJSIP/2,CustomPresence:1(One (first))",
            "10-0 1[] NoOp()",
            "10-0 2[here] Dial(PJSIP/1,20,tT(x))",
            "10-0 3[] Answer()",
            "10-0 5[there] Set(a=b(c))",
            "10-0 10[] Hangup()",
            "7 -1[] ()",
            "_[1,2]X/_5X 1[] Busy()",
            "_[1-3 ]X 2[] Congestion()",
        ]
    );
}

#[test]
fn a_bad_line_is_named_and_nothing_else_is_lost() {
    let text = "\
[d]
same => n,NoOp()
exten => 1,n,NoOp()
exten => 1,hint,Custom:a
same => n,NoOp()
same => 1,NoOp()
same => n(x,NoOp()
same => 1,NoOp()
same => hint,Custom:b
same => nowhere,NoOp()
same => 0,NoOp()
same => n+y,NoOp()
same => 7
same => 8,Answer(
exten => 2
exten => ,1,NoOp()
same => n,NoOp()
exten => _[1,1,NoOp()
exten => _,1,NoOp()
exten => 3/5,hint,Custom:c
exten => _.,1,NoOp()
include => none
include => d,9:00-17:00,mon-fri,*,*&,UTC
lswitch => Loopback/x
autohints = perhaps
bogus => 1
exten => 9,1,NoOp()
";
    let (dialplan, diagnostics) = read_text(text);
    let mut expected: Vec<&str> = "\
Error 2:1 'same' without an extension before it; line skipped
Warning 3:1 'n' without a priority before it; line skipped
Warning 5:1 'n' after a hint counts on from nothing: write 1; line skipped
Warning 7:1 no ')' after the label 'x'; line skipped
Warning 8:1 priority 1 of '1' is already in use; line skipped
Warning 9:1 the hint of '1' is already in use; line skipped
Warning 10:1 invalid priority or label 'nowhere'; line skipped
Warning 11:1 invalid priority or label '0'; line skipped
Warning 12:1 invalid offset '+y'; line skipped
Warning 13:1 priority 7 of '1' has no application; line skipped
Warning 14:1 no ')' after 'Answer('
Warning 15:1 extension '2' has no priority; line skipped
Warning 16:1 an extension without a name; line skipped
Error 17:1 'same' without an extension before it; line skipped
Warning 18:1 pattern '_[1' misses a ']'; line skipped
Warning 19:1 a pattern without characters; line skipped
Warning 20:1 the hint of '3' is for one caller: nobody finds it
Notice 21:1 pattern '_.' matches special extensions too: better '_X.'
Warning 23:1 include of 'd': '*' is no month; line skipped
Warning 24:1 lswitch is not supported: nothing is looked up there
Warning 25:1 autohints is yes or no, not 'perhaps'
Warning 26:1 unknown directive 'bogus'
Notice 22:1 context 'd' includes 'none', which does not exist"
        .lines()
        .collect();
    let short: Vec<String> =
        diagnostics.iter().map(|d| d.replace("extensions.conf:", "").replacen(": ", " ", 1)).collect();
    expected.retain(|line| !line.is_empty());
    assert_eq!(short, expected);
    assert_eq!(
        lines(&dialplan, "d"),
        [
            "1 -1[] Custom:a()",
            "1 1[] NoOp()",
            "1 8[] Answer()",
            "3/5 -1[] Custom:c()",
            "9 1[] NoOp()",
            "_. 1[] NoOp()",
        ]
    );
    assert!(dialplan.find_hint("d", "3", 0).is_none());
}

#[test]
fn variables_are_expanded_where_they_are_read() {
    let text = "\
[globals]
TECH=PJSIP
WHO=${TECH}/boss
[office]
exten => ${TECH}1,hint,${WHO}&Custom:${CONTEXT}-${EXTEN:-1},CustomPresence:${EXTEN}
exten => 2,hint,${TECH}/2(${WHO})
exten => 3,hint,Custom:x(Of ${WHO})
exten => 4,hint,${DB(a/${EXTEN})}&Custom:${MISSING}
exten => 5,1,NoOp(${MISSING})
exten => _6X,hint,Custom:${EXTEN}${MISSING}
include => ${TECH}
[PJSIP]
";
    let (dialplan, diagnostics) = read_text(text);
    assert_eq!(
        lines(&dialplan, "office"),
        [
            "2 -1[] PJSIP/2(PJSIP/boss)()",
            "3 -1[] Custom:x(Of PJSIP/boss)",
            "4 -1[] ${DB(a/4)}&Custom:()",
            "5 1[] NoOp(${MISSING})",
            "PJSIP1 -1[] PJSIP/boss&Custom:office-1,CustomPresence:PJSIP1()",
            "_6X -1[] Custom:${EXTEN}${MISSING}()",
        ]
    );
    assert_eq!(
        diagnostics,
        [
            "Notice extensions.conf:8:1: function DB() is not evaluated here",
            "Warning extensions.conf:8:1: variable MISSING is not set",
            "Warning extensions.conf:10:1: variable MISSING is not set",
        ]
    );
    assert_eq!(dialplan.global("WHO").as_deref(), Some("PJSIP/boss"));
}

#[test]
fn sections_of_one_name_are_one_context() {
    let text = "[d]\nexten => 1,1,A()\n[empty]\n[d]\nsame => n,B()\nexten => 1,2,C()\n[t](!)\nexten => 9,1,A()\n[u](t)\n";
    let (dialplan, diagnostics) = read_text(text);
    assert_eq!(lines(&dialplan, "d"), ["1 1[] A()", "1 2[] C()"]);
    assert_eq!(lines(&dialplan, "u"), ["9 1[] A()"]);
    assert!(dialplan.context("t").is_none() && dialplan.context("D").is_none());
    assert_eq!(dialplan.contexts().len(), 3);
    assert_eq!(diagnostics.len(), 1, "each section begins anew");
}

#[test]
fn names_come_first_then_narrow_patterns() {
    let text = "[d]\nexten => _X!,1,A()\nexten => _2.,1,A()\nexten => _2XX,1,A()\nexten => 300,1,A()\nexten => 201,1,A()\nexten => _NXX,1,A()\nexten => _[2-4]XX,1,A()\n";
    let (dialplan, _) = read_text(text);
    let extensions = &dialplan.context("d").unwrap().extensions;
    let names: Vec<&str> = extensions.iter().map(|e| &*e.name).collect();
    let expected = ["201", "300", "_2XX", "_2.", "_[2-4]XX", "_NXX", "_X!"];
    assert_eq!(names, expected);
}

#[test]
fn a_hint_is_found_in_order() {
    let text = "\
[a]
include => b
include => c
exten => 10,1,NoOp()
[b]
include => a
include => deep
exten => _1X,1,NoOp()
[c]
exten => 1-0,hint,Custom:c
[deep]
exten => _1[0-4],hint,Custom:narrow
exten => _1X,hint,Custom:wide
exten => 15/1,hint,Custom:caller
";
    let (dialplan, _) = read_text(text);
    let find = |context: &str, exten: &str| {
        let found = dialplan.find_hint(context, exten, 0)?;
        Some(format!("{} {} {}", found.context.name, found.extension.name, found.hint.text()))
    };
    let found = |text: &str| Some(text.to_owned());
    assert_eq!(find("a", "10"), found("deep _1[0-4] Custom:narrow"));
    assert_eq!(find("a", "15"), found("deep _1X Custom:wide"));
    assert_eq!(find("c", "10"), found("c 1-0 Custom:c"));
    assert_eq!(find("c", "1-0-"), found("c 1-0 Custom:c"));
    assert_eq!(find("a", "20"), None);
    assert_eq!(find("A", "10"), None);
}

/// As FreePBX writes it: there is nothing to complain of but what cannot work.
#[test]
fn freepbx_is_read_without_complaint() {
    let (dialplan, diagnostics) = read_text(include_str!("../../testdata/freepbx.conf"));
    assert_eq!(
        diagnostics,
        [
            "Notice extensions.conf:20:1: function DB() is not evaluated here",
            "Notice extensions.conf:12:1: context 'from-internal' includes \
             'from-internal-custom', which does not exist",
            "Notice extensions.conf:14:1: context 'ext-local' includes 'ext-local-custom', \
             which does not exist",
        ]
    );
    let hint = dialplan.find_hint("from-internal", "100", 0).unwrap().hint;
    assert_eq!(hint.text(), "PJSIP/100&Custom:DND100,CustomPresence:100");
    let star = dialplan.find_hint("from-internal", "*76100", 0).unwrap().hint;
    assert_eq!(star.text(), "Custom:DND${EXTEN:3}");
}

#[test]
fn an_extension_exists_with_or_without_a_hint() {
    let (dialplan, _) = read_text(
        "[d]\nexten => 1,1,NoOp\nexten => _2X,1,NoOp\nexten => 3,hint,Custom:a\nexten => 4/55,1,NoOp\n\
         include => e\n[e]\nexten => 5-0,1,NoOp\ninclude => d\n[other]\n",
    );
    for exten in ["1", "27", "3", "50", "5-0"] {
        assert!(dialplan.exists("d", exten, 0) && dialplan.exists("e", exten, 0), "{exten}");
        assert!(!dialplan.exists("other", exten, 0) && !dialplan.exists("none", exten, 0));
    }
    for exten in ["", "2", "277", "_2X", "4", "6"] {
        assert!(!dialplan.exists("d", exten, 0), "{exten}");
    }
}
