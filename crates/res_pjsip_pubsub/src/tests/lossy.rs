//! A network that loses, doubles and delays packets: at the end every lamp is right.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::office::*;

/// What a phone has seen.
#[derive(Default)]
struct Lamp {
    cseq: u32,
    state: i32,
    version: i64,
    /// Packets lost in a row. More than four and the notifier may rightly give up after 32 s.
    losses: u8,
}

fn seen(notify: &str) -> (String, u32, i32, i64) {
    let number = |name: &str| {
        let text = body(notify).split(' ').find_map(|part| part.strip_prefix(name)).unwrap();
        text.parse::<i64>().unwrap()
    };
    let cseq = header(notify, "CSeq").split(' ').next().unwrap().parse().unwrap();
    (header(notify, "Call-ID").to_owned(), cseq, number("state=") as i32, number("version="))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each step sets a state or lets time pass; each packet is lost, doubled or delivered as
    /// `fates` says. CSeq and version never go back, and after quiet time without loss every lamp
    /// shows its extension's state.
    #[test]
    fn after_quiet_time_every_lamp_is_right(
        steps in proptest::collection::vec((0usize..2, 0i32..16, 0u64..1500), 1..60),
        fates in proptest::collection::vec(0u8..10, 64..128),
    ) {
        let mut office = Office::new();
        let mut lamps: BTreeMap<String, Lamp> = BTreeMap::new();
        let extens = ["1000", "1001"];
        for (index, name) in ["alice", "bob", "carol"].into_iter().enumerate() {
            let mut phone = Phone { port: 6000 + index as u16, ..Phone::new(name, extens[index % 2]) };
            let (_, notify) = phone.establish(&mut office, "");
            let (call_id, cseq, state, version) = seen(&notify);
            lamps.insert(call_id, Lamp { cseq, state, version, losses: 0 });
        }
        let mut states = [0, 0];
        let mut fate = fates.iter().cycle();
        let mut deliver = |office: &mut Office, lossy: bool| {
            for (port, notify) in office.sent() {
                let (call_id, cseq, state, version) = seen(&notify);
                let lamp = lamps.get_mut(&call_id).unwrap();
                // 0 to 2: the NOTIFY is lost; 3, 4: its answer is lost; 5: its answer comes twice.
                let fate = if lossy && lamp.losses < 4 { *fate.next().unwrap() } else { 9 };
                lamp.losses = if fate < 5 { lamp.losses + 1 } else { 0 };
                if fate < 3 {
                    continue;
                }
                prop_assert!(cseq >= lamp.cseq, "CSeq went back");
                prop_assert!(version >= lamp.version, "version went back");
                prop_assert!(cseq > lamp.cseq || state == lamp.state, "one CSeq, two states");
                *lamp = Lamp { cseq, state, version, ..*lamp };
                for _ in 0..match fate { 3 | 4 => 0, 5 => 2, _ => 1 } {
                    office.feed(port, &reply(&notify, "200 OK", ""));
                }
            }
            Ok(())
        };
        for (which, state, pause) in steps {
            states[which] = state;
            office.set(extens[which], state);
            deliver(&mut office, true)?;
            office.pass(pause);
            deliver(&mut office, true)?;
        }
        for _ in 0..40 {
            deliver(&mut office, false)?;
            office.pass(500);
        }
        prop_assert_eq!(office.active(), 3);
        for (index, name) in ["alice", "bob", "carol"].into_iter().enumerate() {
            let lamp = &lamps[&format!("{name}-{}", extens[index % 2])];
            prop_assert_eq!(lamp.state, states[index % 2]);
        }
    }
}
