//! Random UUIDs (RFC 9562 version 4) without a dependency and without a thread-local: they have to
//! differ, nobody has to be unable to guess them.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A sequence of UUIDs.
#[derive(Debug)]
pub struct Uuids(AtomicU64);

/// The odd number of the splitmix64 sequence: adding it visits all 2^64 states.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Uuids {
    /// A sequence that differs from those of other starts: the time, and what the operating system
    /// gave this process as its hash key.
    pub fn new(now_ms: u64) -> Self {
        Self(AtomicU64::new(RandomState::new().hash_one(now_ms)))
    }

    /// The next one, in the usual form, written into `buffer`.
    pub fn next<'a>(&self, buffer: &'a mut [u8; 36]) -> &'a str {
        let state = self.0.fetch_add(2u64.wrapping_mul(STEP), Ordering::Relaxed);
        let high = mix(state) & !0xf000 | 0x4000;
        let low = mix(state.wrapping_add(STEP)) & !(0b11 << 62) | 0b10 << 62;
        let mut digits = (0..32u32).map(|at| {
            let half = if at < 16 { high } else { low };
            let digit = half >> (60 - 4 * (at % 16)) & 0xf;
            char::from_digit(digit as u32, 16).unwrap_or('0') as u8
        });
        for (at, byte) in buffer.iter_mut().enumerate() {
            let dash = matches!(at, 8 | 13 | 18 | 23);
            *byte = if dash { b'-' } else { digits.next().unwrap_or(b'0') };
        }
        // Only ASCII was written.
        std::str::from_utf8(buffer).unwrap_or_default()
    }
}

/// The output function of splitmix64.
fn mix(state: u64) -> u64 {
    let state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ state >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_a_version_4_uuid_and_new() {
        let uuids = Uuids::new(0);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..10_000 {
            let mut buffer = [0; 36];
            let uuid = uuids.next(&mut buffer);
            let groups: Vec<_> = uuid.split('-').map(str::len).collect();
            assert_eq!(groups, [8, 4, 4, 4, 12], "{uuid}");
            assert!(uuid.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()), "{uuid}");
            assert_eq!(&uuid[14..15], "4", "{uuid}");
            assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
            assert!(seen.insert(uuid.to_owned()), "{uuid} came twice");
        }
    }

    #[test]
    fn two_starts_differ() {
        assert_ne!(Uuids::new(7).next(&mut [0; 36]), Uuids::new(7).next(&mut [0; 36]));
    }
}
