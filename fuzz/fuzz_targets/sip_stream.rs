//! A byte stream: it brings the same messages in whatever pieces it comes.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/sip/tests/common/read.rs"]
#[allow(dead_code, reason = "each target reads in its own way")]
mod read;

fuzz_target!(|bytes: &[u8]| {
    // The last byte says how large the pieces are.
    if let Some((size, bytes)) = bytes.split_last() {
        let pieces = read::read_stream(bytes, usize::from(*size));
        assert_eq!(pieces, read::read_stream(bytes, bytes.len()));
    }
});
