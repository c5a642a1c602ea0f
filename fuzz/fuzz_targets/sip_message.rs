//! One datagram: the scanner, everything that reads a message, the conversion into rsip's types.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/sip/tests/common/read.rs"]
#[allow(dead_code, reason = "each target reads in its own way")]
mod read;

fuzz_target!(|bytes: &[u8]| {
    read::read_bytes(bytes);
    read::read_value(bytes);
});
