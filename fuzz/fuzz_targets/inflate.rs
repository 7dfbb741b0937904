//! Compressed bodies. The first byte chooses the encoding.
#![no_main]

use galgo_intake::inflate::with_inflater;
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 1 << 20;

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else { return };
    let encoding = ["deflate", "gzip", "zstd", "gzip, zstd", "identity"][usize::from(choice % 5)];
    with_inflater(|inflater| {
        if let Ok(inflated) = inflater.inflate(Some(encoding), body, LIMIT) {
            assert!(inflated.len() <= LIMIT);
        }
    });
});
