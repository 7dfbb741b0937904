//! Turns what the runner sent for one run into [`Samples`].

use galgo_agent::check::{Bucket, CheckLog, Sample, SampleKind, Samples};
use galgo_core::check::{CheckRun, CheckStatus};
use galgo_intake::Context;
use galgo_intake::events::agent_event;
use serde_json::{Value, json};

use crate::config::MAX_SAMPLES_PER_RUN;
use crate::message::Submitted;

/// Most events, service checks, log lines and the like of one run, each. The runner keeps to it as well.
const MAX_OTHERS_PER_RUN: usize = 20_000;

/// Submission types in the numbering of Datadog's `aggregator` module (reference: python-checks.md §4).
const KINDS: [SampleKind; 7] = [
    SampleKind::Gauge,
    SampleKind::Rate,
    SampleKind::Count,
    SampleKind::MonotonicCount,
    SampleKind::Counter,
    SampleKind::Histogram,
    SampleKind::Historate,
];

/// Adds a part of a run's submissions. What goes beyond the limits is left out: the runner has said so in a warning.
pub fn add(samples: &mut Samples, submitted: Submitted) {
    let room = MAX_SAMPLES_PER_RUN.saturating_sub(samples.metric_samples());
    let values = submitted.m.into_iter().filter_map(|(kind, metric, value, tags, host, flush_first)| {
        Some(Sample { kind: *KINDS.get(usize::from(kind))?, metric, value, tags, host, flush_first })
    });
    samples.values.extend(values.take(room));
    let room = MAX_SAMPLES_PER_RUN.saturating_sub(samples.metric_samples());
    let buckets = submitted.b.into_iter().map(|(metric, count, lower, upper, monotonic, tags, host, flush_first)| {
        let (lower, upper) = (lower.unwrap_or(f64::NEG_INFINITY), upper.unwrap_or(f64::INFINITY));
        Bucket { metric, count, lower, upper, monotonic, tags, host, flush_first }
    });
    samples.buckets.extend(buckets.take(room));
    let checks = submitted.c.into_iter().map(|(check, status, tags, host, message)| CheckRun {
        check,
        host,
        time: 0,
        status: status_of(status),
        message,
        tags,
    });
    extend(&mut samples.checks, checks);
    // Time 0 stands for the moment of the commit, which the sampler knows.
    let context = Context { now_s: 0, from_agent: true };
    extend(&mut samples.events, submitted.e.iter().map(|event| agent_event("", event, &context)));
    extend(&mut samples.logs, submitted.l.iter().map(|line| CheckLog { json: log_of(line) }));
    extend(&mut samples.metadata, submitted.d.into_iter());
    extend(&mut samples.external_tags, submitted.x.into_iter());
    extend(&mut samples.platform_events, submitted.p.into_iter());
}

fn extend<T>(list: &mut Vec<T>, more: impl Iterator<Item = T>) {
    let room = MAX_OTHERS_PER_RUN.saturating_sub(list.len());
    list.extend(more.take(room));
}

fn status_of(code: i64) -> CheckStatus {
    u8::try_from(code).ok().and_then(|code| CheckStatus::try_from(code).ok()).unwrap_or(CheckStatus::Unknown)
}

fn log_of(line: &str) -> Value {
    match serde_json::from_str(line) {
        Ok(Value::Object(map)) => Value::Object(map),
        _ => json!({ "message": line }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(json: &str) -> Samples {
        let mut samples = Samples::default();
        add(&mut samples, serde_json::from_str(json).unwrap());
        samples
    }

    #[test]
    fn every_kind_has_its_number() {
        let rows: Vec<String> = (0..8).map(|kind| format!(r#"[{kind},"m",1.0,[],"",false]"#)).collect();
        let samples = added(&format!(r#"{{"m":[{}]}}"#, rows.join(",")));
        let kinds: Vec<SampleKind> = samples.values.iter().map(|sample| sample.kind).collect();
        assert_eq!(kinds, KINDS);
    }

    #[test]
    fn open_buckets_have_infinite_bounds() {
        let bucket = added(r#"{"b":[["h",3,null,null,true,["a"],"x",true]]}"#).buckets.remove(0);
        assert_eq!((bucket.lower, bucket.upper, bucket.count), (f64::NEG_INFINITY, f64::INFINITY, 3));
        assert_eq!((bucket.monotonic, bucket.flush_first, bucket.host.as_str()), (true, true, "x"));
    }

    #[test]
    fn events_keep_what_the_check_says_of_them() {
        let samples = added(
            r#"{"e":[{"msg_title":"T","msg_text":"B","timestamp":1700000000.7,"alert_type":"error","tags":["a:b"],
            "aggregation_key":"k","source_type_name":"s","event_type":"e","priority":"low","host":"h","api_key":"x"}]}"#,
        );
        let event = &samples.events[0];
        assert_eq!((event.title.as_str(), event.text.as_str(), event.time), ("T", "B", 1_700_000_000));
        assert_eq!((event.alert_type.as_str(), event.priority.as_str(), event.host.as_str()), ("error", "low", "h"));
        assert!(!format!("{event:?}").contains("\"x\""), "an event must not carry the key");
    }

    #[test]
    fn an_unknown_status_is_unknown_and_a_plain_log_line_a_message() {
        let samples = added(r#"{"c":[["c",7,[],"",""],["c",2,[],"",""]],"l":["plain","{\"message\":\"m\"}"]}"#);
        assert_eq!(samples.checks[0].status, CheckStatus::Unknown);
        assert_eq!(samples.checks[1].status, CheckStatus::Critical);
        assert_eq!(samples.logs[0].json, json!({ "message": "plain" }));
        assert_eq!(samples.logs[1].json, json!({ "message": "m" }));
    }
}
