use super::*;

fn history() -> History {
    let history = History::new(2);
    history.set(true);
    let peer = |last: u8| Peer::new(0, ([192, 0, 2, last], 5060).into());
    let message = |line: &str, call_id: &str| format!("{line}\r\nCall-ID: {call_id}\r\n\r\n").into_bytes();
    history.record(0, false, peer(1), &message("SUBSCRIBE sip:1000@pbx SIP/2.0", "a"));
    history.record(1, true, peer(1), &message("SIP/2.0 200 OK", "a"));
    history.record(0, true, peer(2), &message("NOTIFY sip:alice@192.0.2.2 SIP/2.0", "a@(b)"));
    history.record(0, false, peer(3), b"\r\n\r\n");
    history
}

fn numbers(words: &str) -> Vec<u64> {
    let filter =
        Filter::parse(&words.split(' ').collect::<Vec<_>>()).unwrap_or_else(|e| panic!("{words}: {e}"));
    history().entries().iter().filter(|entry| filter.fits(entry)).map(|entry| entry.number).collect()
}

#[test]
fn packets_of_all_shards_are_counted_together() {
    let history = history();
    assert_eq!(history.entries().iter().map(|it| it.number).collect::<Vec<_>>(), [0, 1, 2]);
    history.set(false);
    history.record(0, false, history.entries()[0].peer, b"x");
    assert_eq!(history.entries().len(), 3, "off, nothing is added and nothing is lost");
    history.clear();
    assert!(history.entries().is_empty());
}

#[test]
fn the_oldest_packets_make_room() {
    let history = history();
    let peer = history.entries()[0].peer;
    for _ in 0..PACKETS {
        history.record(0, true, peer, b"x");
    }
    assert_eq!(history.entries().len(), PACKETS / 2 + 1, "that of the other shard stays");
    let large = vec![b'x'; 60_000];
    for _ in 0..1000 {
        history.record(0, true, peer, &large);
    }
    let kept: usize = history.entries().iter().map(|entry| entry.packet.len()).sum();
    assert!(kept <= BYTES / 2 + 100, "{kept}");
}

#[test]
fn rows_and_entries_look_as_in_asterisk() {
    let mut entries = history().entries();
    entries.iter_mut().for_each(|entry| entry.timestamp = 1_795_414_700);
    let text = show(&entries, None);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0],
        "No.   Timestamp  (Dir) Address                  SIP Message                        "
    );
    assert_eq!(lines[2], "00000 1795414700 * <== 192.0.2.1:5060           SUBSCRIBE sip:1000@pbx SIP/2.0");
    assert_eq!(lines[3], "00001 1795414700 * ==> 192.0.2.1:5060           SIP/2.0 200 OK");
    assert_eq!(lines.len(), 5);
    let one = show_entry(&entries, 1).unwrap();
    let expected = "<--- History Entry 1 Sent to 192.0.2.1:5060 at 1795414700 --->\nSIP/2.0 200 OK\r\n";
    assert!(one.starts_with(expected), "{one}");
    assert_eq!(show_entry(&entries, 9), None);
}

#[test]
fn filters_choose() {
    assert_eq!(numbers("number = 1"), [1]);
    assert_eq!(numbers("number>=1 and number<2"), [1]);
    assert_eq!(numbers("timestamp > 0"), [0, 1, 2]);
    assert_eq!(numbers("sip.msg.request.method = NOTIFY or number = 0"), [0, 2]);
    assert_eq!(numbers("sip.msg.request.method != NOTIFY"), [0], "a response has no method");
    assert_eq!(numbers("not sip.msg.request.method = NOTIFY"), [0, 1]);
    assert_eq!(numbers("addr = 192.0.2.2:5060"), [2]);
    assert_eq!(numbers("addr like ^192\\.0\\.2\\.[13]:"), [0, 1]);
    assert_eq!(numbers("(sip.msg.call-id=a@(b))"), [2]);
    assert_eq!(numbers("(sip.msg.call-id like a@[(]b[)])"), [2]);
    assert_eq!(numbers("number = 0 or number = 1 and number = 2"), [0], "`and` binds tighter");
    assert_eq!(numbers("(number = 0 or number = 1) and not (number = 0)"), [1]);
    assert_eq!(numbers("(addr like (192|193))"), [0, 1, 2]);
}

#[test]
fn mistakes_are_named() {
    let error = |words: &str| Filter::parse(&words.split(' ').collect::<Vec<_>>()).unwrap_err();
    assert_eq!(error("nubmer = 1"), FilterError::Field("nubmer".into()));
    assert_eq!(error("number is 1"), FilterError::Operator("is".into()));
    assert_eq!(error("number = one"), FilterError::Number("one".into()));
    assert_eq!(error("number ="), FilterError::End("a value"));
    assert_eq!(error("(number = 1"), FilterError::End("a closing parenthesis"));
    assert_eq!(error("number = 1 number"), FilterError::Left("number".into()));
    assert!(matches!(error("addr like ["), FilterError::Regex(..)));
    assert_eq!(error(&"(".repeat(100_000)), FilterError::Depth);
    assert_eq!(error(&"not ".repeat(100_000)), FilterError::Depth);
}
