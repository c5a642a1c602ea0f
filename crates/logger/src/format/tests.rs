//! Bytes of each formatter, compared whole.

use std::borrow::Cow;

use jiff::tz::TimeZone;

use super::*;

const CONSOLE: Place = Place::Console { colour: false, timestamp: false };

fn style() -> Style {
    Style { date: DateFormat::new("%b %e %T", TimeZone::UTC).unwrap(), host: "pbx".to_owned() }
}

fn record(level: Level, message: &str) -> Record {
    Record {
        time: "2026-11-24T06:09:11Z".parse().unwrap(),
        level,
        level_name: Cow::Borrowed(level.name()),
        verbose: 0,
        thread: 4711,
        file: Cow::Borrowed("res_pjsip/distributor.rs"),
        line: 42,
        function: "distributor",
        message: message.to_owned(),
        multiline: false,
    }
}

fn written(record: &Record, formatter: Formatter, place: Place) -> String {
    lines(record, formatter, place, &style())
}

#[test]
fn a_line_of_a_file() {
    let record = record(
        Level::NOTICE,
        "Request 'SUBSCRIBE' from '<sip:x@y>' failed for '192.0.2.7:5060' (callid: z) - No matching endpoint found",
    );
    assert_eq!(
        written(&record, Formatter::Default, Place::File),
        "[Nov 24 06:09:11] NOTICE[4711] res_pjsip/distributor.rs: Request 'SUBSCRIBE' from '<sip:x@y>' failed for \
         '192.0.2.7:5060' (callid: z) - No matching endpoint found\n"
    );
}

#[test]
fn a_line_of_a_console() {
    let record = record(Level::WARNING, "m");
    let plain = "[Nov 24 06:09:11] WARNING[4711]: res_pjsip/distributor.rs:42 distributor: m\n";
    assert_eq!(written(&record, Formatter::Default, CONSOLE), plain);
    assert_eq!(written(&record, Formatter::Plain, CONSOLE), plain);
    assert_eq!(written(&record, Formatter::Plain, Place::File), plain);
    assert_eq!(
        written(&record, Formatter::Default, Place::Console { colour: true, timestamp: false }),
        "[Nov 24 06:09:11] \x1b[31mWARNING\x1b[0m[4711]: res_pjsip/distributor.rs:42 distributor: m\n"
    );
}

#[test]
fn verbose_lines_of_a_console_show_their_depth() {
    let expected = ["m\n", " m\n", "  == m\n", "    -- m\n", "       > m\n", "        > m\n"];
    for (verbose, expected) in (0..).zip(expected) {
        let record = Record { verbose, ..record(Level::VERBOSE, "m") };
        assert_eq!(written(&record, Formatter::Default, CONSOLE), *expected);
        assert_eq!(
            written(&record, Formatter::Default, Place::Console { colour: true, timestamp: true }),
            format!("[Nov 24 06:09:11] {expected}")
        );
        assert_eq!(
            written(&record, Formatter::Default, Place::File),
            "[Nov 24 06:09:11] VERBOSE[4711] res_pjsip/distributor.rs: m\n"
        );
    }
}

#[test]
fn a_line_of_syslog() {
    assert_eq!(
        written(&record(Level::ERROR, "m"), Formatter::Default, Place::Syslog),
        "ERROR[4711]: res_pjsip/distributor.rs:42 in distributor: m\n"
    );
}

#[test]
fn a_json_object() {
    assert_eq!(
        written(&record(Level::NOTICE, "a \"b\"\nc"), Formatter::Json, Place::File),
        concat!(
            r#"{"hostname":"pbx","timestamp":"Nov 24 06:09:11","identifiers":{"lwp":4711,"callid":""},"#,
            r#""logmsg":{"location":{"filename":"res_pjsip/distributor.rs","function":"distributor","line":42},"#,
            r#""level":"NOTICE","message":"a \"b\"\nc"}}"#,
            "\n"
        )
    );
}

#[test]
fn only_a_trace_has_several_lines_and_each_has_its_prefix() {
    let mut record = record(Level::VERBOSE, "SUBSCRIBE sip:a SIP/2.0\r\nTo: b\x1b[2J\r\n");
    let file = |record: &Record| written(record, Formatter::Default, Place::File);
    assert_eq!(file(&record).matches('\n').count(), 1);
    record.multiline = true;
    let prefix = "[Nov 24 06:09:11] VERBOSE[4711] res_pjsip/distributor.rs: ";
    assert_eq!(file(&record), format!("{prefix}SUBSCRIBE sip:a SIP/2.0\n{prefix}To: b\\x1b[2J\n"));
}

proptest::proptest! {
    #[test]
    fn no_message_makes_a_second_line(message in "\\PC*|(?s).*") {
        for formatter in [Formatter::Default, Formatter::Plain, Formatter::Json] {
            for place in [Place::File, Place::Syslog, CONSOLE] {
                let text = written(&record(Level::NOTICE, &message), formatter, place);
                proptest::prop_assert_eq!(text.chars().filter(|c| c.is_control()).count(), 1);
                proptest::prop_assert!(text.ends_with('\n'));
            }
        }
    }
}
