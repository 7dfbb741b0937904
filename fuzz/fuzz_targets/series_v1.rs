//! Series as v1 JSON.
#![no_main]

mod checked_sink;

use checked_sink::{CTX, CheckedSink};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let mut sink = CheckedSink::default();
    let decoded = galgo_intake::series_v1::decode(body, &CTX, &mut sink);
    sink.agree_with(&decoded);
});
