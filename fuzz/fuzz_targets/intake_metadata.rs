//! Payloads of `/intake/`, `/api/v1/metadata` and `/api/v1/events`.
#![no_main]

mod checked_sink;

use checked_sink::{CTX, CheckedSink};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Ok(intake) = galgo_intake::host_metadata::decode(body, &CTX, &mut CheckedSink::default()) {
        assert!(intake.check_runs.iter().all(|run| !run.check.is_empty()));
        assert!(intake.agent_checks.iter().flatten().all(|check| !check.name.is_empty()));
    }
    let _ = galgo_intake::metadata::decode(body);
    let _ = galgo_intake::events::decode(body, &CTX);
});
