//! Expositions of Prometheus and OpenMetrics, as any program that is scraped may send them.
#![no_main]

use galgo_checks::openmetrics::exposition::{Family, Format, MAX_FAMILY_SAMPLES, Parser};
use libfuzzer_sys::fuzz_target;

fn check(family: &Family) {
    assert!(!family.samples.is_empty() && family.samples.len() <= MAX_FAMILY_SAMPLES);
    assert!(family.samples.iter().all(|sample| sample.labels.iter().all(|(name, _)| !name.is_empty())));
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for format in [Format::Prometheus, Format::OpenMetrics] {
        let mut parser = Parser::new(format);
        let mut whole = true;
        for line in text.split('\n') {
            match parser.line(line) {
                Ok(family) => family.iter().for_each(check),
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    whole = false;
                    break;
                }
            }
        }
        if whole && let Ok(Some(family)) = parser.finish() {
            check(&family);
        }
    }
});
