//! Nothing that arrives makes the parsers panic, whatever is done to a message on its way.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with a message")]

mod common;
#[path = "common/read.rs"]
mod read;

use proptest::prelude::*;

use crate::read::{read_bytes, read_value};

/// One change to a message.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Insert(usize, &'static [u8]),
    Remove(usize, usize),
    Copy(usize, usize, usize),
    Cut(usize),
}

fn change() -> impl Strategy<Value = Change> {
    const PIECES: &[&[u8]] = &[
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n ",
        b"\0",
        b"\"",
        b"\\",
        b"<",
        b">",
        b",",
        b";",
        b"=",
        b":",
        b"@",
        b"[",
        b"]",
        b"%",
        b"%0",
        b"?",
        b"*",
        b" ",
        b"\t",
        b"\xff",
        b"\xc3",
        b"SIP/2.0",
        b"99999999999999999999",
        b"-1",
        b"\r\n\r\n",
        b"Via: ",
        b"l: 5\r\n",
        b"sip:",
        b"tel:",
    ];
    let at = 0..2000_usize;
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at.clone(), prop::sample::select(PIECES)).prop_map(|(at, p)| Change::Insert(at, p)),
        (at.clone(), 1..60_usize).prop_map(|(at, len)| Change::Remove(at, len)),
        (at.clone(), at.clone(), 1..200_usize).prop_map(|(from, to, n)| Change::Copy(from, to, n)),
        at.prop_map(Change::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let len = bytes.len();
    let within = |at: usize| at % (len + 1);
    match *change {
        Change::Set(at, byte) => {
            if let Some(old) = bytes.get_mut(within(at)) {
                *old = byte;
            }
        }
        Change::Insert(at, piece) => {
            bytes.splice(within(at)..within(at), piece.iter().copied());
        }
        Change::Remove(at, count) => {
            bytes.drain(within(at)..len.min(within(at) + count));
        }
        Change::Copy(from, to, count) => {
            let piece = bytes[within(from)..len.min(within(from) + count)].to_vec();
            bytes.splice(within(to)..within(to), piece);
        }
        Change::Cut(at) => bytes.truncate(within(at)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn changed_messages(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec(change(), 1..8),
    ) {
        let corpus = CORPUS.with(|corpus| corpus.clone());
        let (_, bytes) = which.get(&corpus);
        let mut bytes = bytes.clone();
        for change in &changes {
            apply(&mut bytes, change);
        }
        read_bytes(&bytes);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_bytes(&bytes);
        read_value(&bytes);
    }

    #[test]
    fn any_value(value in r#"[ \t\r\n"<>;,=:@?%\\\[\]a-c0-9.*/-]{0,60}"#) {
        read_value(value.as_bytes());
    }
}

thread_local! {
    static CORPUS: std::rc::Rc<Vec<(String, Vec<u8>)>> = std::rc::Rc::new(common::corpus());
}

#[test]
fn every_prefix_of_every_message() {
    for (_, bytes) in common::corpus() {
        for len in (0..bytes.len()).step_by(7) {
            read_bytes(&bytes[..len]);
        }
    }
}

/// The largest messages of one kind of repetition each: time must stay linear, so that this test
/// is over in an instant.
#[test]
fn hostile_repetition() {
    let head = b"INVITE sip:a SIP/2.0\r\n";
    for (start, piece) in [
        (&b"Via: "[..], &b","[..]),
        (b"Contact: ", b"<"),
        (b"Contact: ", b"\""),
        (b"Contact: ", b"\\\""),
        (b"From: <sip:a>", b";a"),
        (b"To: <sip:a", b";a"),
        (b"Via: SIP/2.0/UDP h", b";a=\"\""),
        (b"Accept: ", b"a/b,"),
        (b"X: ", b"\r\n "),
        (b"Route: ", b"<sip:a>,"),
        (b"l: ", b"9"),
    ] {
        let line = [start, &piece.repeat(8000 / piece.len()), b"\r\n"].concat();
        let message = [head, &line.repeat(8)[..], b"\r\n"].concat();
        read_bytes(&message);
    }
    read_bytes(&b"\n".repeat(sip::MAX_MESSAGE));
    read_bytes(&b"a:\n".repeat(sip::MAX_MESSAGE / 3));
    read_bytes(&b"\r\n\r".repeat(sip::MAX_MESSAGE / 3));
}
