//! DogStatsD packets.
#![no_main]

use galgo_intake::dogstatsd::{self, Message, Values};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|packet: &[u8]| {
    let text = dogstatsd::text(packet);
    let mut plain = Vec::new();
    for message in dogstatsd::messages(&text).flatten() {
        plain.clear();
        match message {
            Message::Metric(metric) => {
                assert!(!metric.name.is_empty());
                assert!(metric.sample_rate > 0.0 && metric.sample_rate.is_finite());
                assert!(metric.timestamp.is_none_or(|time| time > 0));
                if let Values::Numbers(numbers) = metric.values {
                    assert!(numbers.iter().count() >= 1);
                }
                metric.tags.split_special(&mut plain);
            }
            Message::Event(event) => {
                assert!(!event.title.is_empty());
                event.tags.split_special(&mut plain);
            }
            Message::Check(check) => {
                assert!(!check.name.is_empty());
                check.tags.split_special(&mut plain);
            }
        }
        assert!(plain.iter().all(|tag| !tag.is_empty()));
    }
});
