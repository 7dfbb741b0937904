//! Service checks as JSON.
#![no_main]

use galgo_intake::Context;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let ctx = Context { now_s: 1_800_000_000, from_agent: true };
    if let Ok(checks) = galgo_intake::check_run::decode(body, &ctx) {
        assert_eq!(checks.report.accepted_series, checks.runs.len() as u64);
        assert!(checks.runs.iter().all(|run| !run.check.is_empty() && run.time > 0));
    }
});
