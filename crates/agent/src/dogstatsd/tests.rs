//! The aggregator in simulated time: packets in, golden reports out. Below: the server over real sockets, and how fast.

mod over_sockets;
mod throughput;

use std::sync::Arc;

use expect_test::{Expect, expect};
use galgo_intake::dogstatsd::{messages, text};

use super::*;
use crate::report::Report;

/// A moment that is the start of a bucket.
const T: i64 = 1_700_000_000;

fn aggregator(change: impl FnOnce(&mut AggregatorConfig)) -> Aggregator {
    let mut config = AggregatorConfig::for_host("web-1");
    change(&mut config);
    Aggregator::new(config)
}

fn add(aggregator: &mut Aggregator, second: i64, packet: &str) {
    for message in messages(packet) {
        aggregator.add(&message.unwrap_or_else(|error| panic!("{packet:?}: {error}")), T + second);
    }
}

/// One line a series, sketch, check and event, with times relative to `T`.
fn render(report: &Report) -> String {
    let mut lines = Vec::new();
    for series in &report.series {
        let points: Vec<String> =
            series.points.iter().map(|point| format!("{:+}={}", point.time - T, point.value)).collect();
        let (kind, interval) = (series.kind.as_str(), series.interval);
        lines.push(format!(
            "{} {kind}/{interval} {:?} {} | {}",
            series.metric,
            series.host,
            series.tags.join(","),
            points.join(" ")
        ));
    }
    for series in &report.sketches {
        for point in &series.points {
            let (time, sketch) = (point.time - T, &point.sketch);
            let (count, sum, min, max) = (sketch.count(), sketch.sum(), sketch.min(), sketch.max());
            lines.push(format!(
                "{} sketch {:?} {} | {time:+} n={count} sum={sum} min={min:?} max={max:?}",
                series.metric,
                series.host,
                series.tags.join(",")
            ));
        }
    }
    for check in &report.checks {
        lines.push(format!("{check:?}"));
    }
    for event in &report.events {
        lines.push(format!("{event:?}"));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn check(report: &Report, expected: Expect) {
    expected.assert_eq(&render(report));
}

#[test]
fn only_closed_buckets_are_flushed_and_points_are_stamped_with_their_start() {
    let mut aggregator = aggregator(|_| {});
    add(&mut aggregator, 3, "hits:2|c\ntemp:20|g");
    add(&mut aggregator, 9, "hits:3|c|@0.5\ntemp:21.5|g");
    add(&mut aggregator, 12, "hits:1|c\ntemp:22|g");
    check(&aggregator.flush(T + 9), expect![""]);
    check(
        &aggregator.flush(T + 15),
        expect![[r#"
        hits count/10 "web-1"  | +0=8
        temp gauge/10 "web-1"  | +0=21.5
    "#]],
    );
    check(
        &aggregator.flush(T + 20),
        expect![[r#"
        hits count/10 "web-1"  | +10=1
        temp gauge/10 "web-1"  | +10=22
    "#]],
    );
    check(&aggregator.flush(T + 21), expect![""]);
}

#[test]
fn several_closed_buckets_make_one_series() {
    let mut aggregator = aggregator(|_| {});
    add(&mut aggregator, 0, "temp:1|g");
    add(&mut aggregator, 10, "temp:2|g");
    add(&mut aggregator, 30, "temp:3|g");
    check(
        &aggregator.flush(T + 40),
        expect![[r#"
        temp gauge/10 "web-1"  | +0=1 +10=2 +30=3
    "#]],
    );
}

#[test]
fn a_silent_counter_sends_zeros_for_its_expiry() {
    let mut aggregator = aggregator(|config| config.counter_expiry_s = 40);
    add(&mut aggregator, 5, "hits:7|c\ntemp:1|g");
    check(
        &aggregator.flush(T + 35),
        expect![[r#"
        hits count/10 "web-1"  | +0=7 +10=0 +20=0
        temp gauge/10 "web-1"  | +0=1
    "#]],
    );
    check(&aggregator.flush(T + 100), expect![""]);
    assert_eq!(aggregator.contexts(), 0);
    add(&mut aggregator, 105, "hits:1|c");
    check(
        &aggregator.flush(T + 110),
        expect![[r#"
        hits count/10 "web-1"  | +100=1
    "#]],
    );
}

#[test]
fn sets_count_distinct_members() {
    let mut aggregator = aggregator(|_| {});
    add(&mut aggregator, 0, "users:a|s\nusers:b|s\nusers:a|s\nusers:abc:def|s");
    check(
        &aggregator.flush(T + 10),
        expect![[r#"
        users gauge/10 "web-1"  | +0=3
    "#]],
    );
}

#[test]
fn histograms_and_timings_become_statistics() {
    let mut aggregator = aggregator(|config| {
        config.histogram_aggregates = ["max", "min", "median", "avg", "sum", "count"]
            .map(|name| HistogramAggregate::from_name(name).unwrap())
            .to_vec();
        config.histogram_percentiles = vec![50, 99];
    });
    add(&mut aggregator, 0, "song:240:234|h|@0.5\nsong:100|h\nquery:5|ms|#db:a");
    check(
        &aggregator.flush(T + 10),
        expect![[r#"
        query.50percentile gauge/10 "web-1" db:a | +0=5
        query.99percentile gauge/10 "web-1" db:a | +0=5
        query.avg gauge/10 "web-1" db:a | +0=5
        query.count rate/10 "web-1" db:a | +0=0.1
        query.max gauge/10 "web-1" db:a | +0=5
        query.median gauge/10 "web-1" db:a | +0=5
        query.min gauge/10 "web-1" db:a | +0=5
        query.sum gauge/10 "web-1" db:a | +0=5
        song.50percentile gauge/10 "web-1"  | +0=234
        song.99percentile gauge/10 "web-1"  | +0=240
        song.avg gauge/10 "web-1"  | +0=209.6
        song.count rate/10 "web-1"  | +0=0.5
        song.max gauge/10 "web-1"  | +0=240
        song.median gauge/10 "web-1"  | +0=234
        song.min gauge/10 "web-1"  | +0=100
        song.sum gauge/10 "web-1"  | +0=1048
    "#]],
    );
}

#[test]
fn distributions_are_sketches() {
    let mut aggregator = aggregator(|_| {});
    add(&mut aggregator, 0, "p:0.9:1.2|d|@0.1|#env:x|c:ci-abc,in-123|card:high\np:-4|d|#env:x");
    check(
        &aggregator.flush(T + 10),
        expect![[r#"
        p sketch "web-1" env:x | +0 n=21 sum=17 min=Some(-4.0) max=Some(1.2)
    "#]],
    );
}

#[test]
fn histograms_can_be_distributions_too() {
    let mut aggregator = aggregator(|config| {
        config.histogram_to_distribution = true;
        config.histogram_to_distribution_prefix = "dist.".into();
        config.histogram_aggregates = vec![HistogramAggregate::Max];
        config.histogram_percentiles = vec![];
    });
    add(&mut aggregator, 0, "song:1:2|h");
    check(
        &aggregator.flush(T + 10),
        expect![[r#"
        song.max gauge/10 "web-1"  | +0=2
        dist.song sketch "web-1"  | +0 n=2 sum=3 min=Some(1.0) max=Some(2.0)
    "#]],
    );
}

#[test]
fn samples_with_a_timestamp_are_not_aggregated() {
    let mut aggregator = aggregator(|_| {});
    add(
        &mut aggregator,
        0,
        "x:1|c|T1700000001|@0.5\nx:2|c|T1700000002\ny:3|g|T1699999999\nz:4|d|T1700000003\nw:5|h|T1700000003",
    );
    check(
        &aggregator.flush(T + 1),
        expect![[r#"
        x count/10 "web-1"  | +1=1 +2=2
        y gauge/10 "web-1"  | -1=3
        z sketch "web-1"  | +3 n=1 sum=4 min=Some(4.0) max=Some(4.0)
    "#]],
    );
    assert_eq!(aggregator.stats().dropped_values, 1);
}

#[test]
fn an_agent_sends_counters_as_rates() {
    let mut aggregator = aggregator(|config| config.counters = CounterOutput::Rate);
    add(&mut aggregator, 0, "x:5|c\ny:5|c|T1700000001");
    check(
        &aggregator.flush(T + 10),
        expect![[r#"
        x rate/10 "web-1"  | +0=0.5
        y rate/10 "web-1"  | +1=0.5
    "#]],
    );
}

#[test]
fn contexts_are_names_tags_and_hosts_in_any_spelling() {
    let mut aggregator = aggregator(|config| config.tags = vec!["dc:a".into()]);
    add(&mut aggregator, 0, "m:1|c|#b:2,a:1\nm:1|c|#a:1,b:2,a:1\nm:1|c|#A:1,b:2\nm:1|c|#a:1\nm:1|c|#a:1,host:other");
    add(&mut aggregator, 0, "m:1|c|#a:1,host:\nm:1|c|#a:1,dd.internal.entity_id:x,dd.internal.card:low\n");
    check(
        &aggregator.flush(T + 10),
        expect![[r#"
        m count/10 "" a:1,dc:a | +0=1
        m count/10 "other" a:1,dc:a | +0=1
        m count/10 "web-1" a:1,b:2,dc:a | +0=3
        m count/10 "web-1" a:1,dc:a | +0=2
    "#]],
    );
}

#[test]
fn values_that_are_no_numbers_are_dropped() {
    let mut aggregator = aggregator(|_| {});
    add(&mut aggregator, 0, "a:nan|g\nb:inf|c\nc:nan|h\nd:nan:3|h\ne:-inf|d");
    let report = aggregator.flush(T + 10);
    assert!(report.series.iter().all(|series| series.metric.starts_with("d.")), "{}", render(&report));
    assert!(report.sketches.is_empty());
    assert_eq!(aggregator.stats().dropped_values, 5);
}

#[test]
fn events_and_checks_go_through() {
    let mut aggregator = aggregator(|config| config.tags = vec!["dc:a".into()]);
    add(
        &mut aggregator,
        4,
        "_e{5,4}:title|text|t:warning|#b,a,host:db-1\n_e{2,8}:ab|line1\\nl|p:low|d:1600000000|k:key|s:src|h:given",
    );
    add(&mut aggregator, 5, "_sc|redis.up|2|#env:dev|m:timed out\n_sc|redis.up|0|d:1600000000|h:db-2");
    check(
        &aggregator.flush(T + 6),
        expect![[r#"
        CheckRun { check: "redis.up", host: "web-1", time: 1700000005, status: Critical, message: "timed out", tags: ["dc:a", "env:dev"] }
        CheckRun { check: "redis.up", host: "db-2", time: 1600000000, status: Ok, message: "", tags: ["dc:a"] }
        Event { title: "title", text: "text", time: 1700000004, priority: "normal", host: "db-1", device: "", tags: ["a", "b", "dc:a"], alert_type: "warning", aggregation_key: "", source_type_name: "", event_type: "", related_event_id: None }
        Event { title: "ab", text: "line1\nl", time: 1600000000, priority: "low", host: "given", device: "", tags: ["dc:a"], alert_type: "info", aggregation_key: "key", source_type_name: "src", event_type: "", related_event_id: None }
    "#]],
    );
}

#[test]
fn names_are_prefixed_blocked_and_normalised() {
    let mut aggregator = aggregator(|config| {
        config.namespace = "app.".into();
        config.blocklist = vec!["noise".into()];
    });
    add(&mut aggregator, 0, "page views:1|c\nnoise:1|c\njvm.heap:1|g");
    check(
        &aggregator.flush(T + 10),
        expect![[r#"
        app.page_views count/10 "web-1"  | +0=1
        jvm.heap gauge/10 "web-1"  | +0=1
    "#]],
    );
    assert_eq!(aggregator.stats().dropped_names, 1);
}

#[test]
fn the_block_list_knows_names_with_and_without_their_prefix() {
    for blocked in ["noise", "app.noise"] {
        let mut aggregator = aggregator(|config| {
            config.namespace = "app.".into();
            config.blocklist = vec![blocked.into()];
        });
        add(&mut aggregator, 0, "noise:1|c");
        assert_eq!(aggregator.stats().dropped_names, 1, "{blocked}");
    }
}

#[test]
fn names_are_mapped_before_they_are_prefixed() {
    let profiles = serde_json::json!([{"name": "a", "prefix": "air.", "mappings": [
        {"match": "air.job.*.*", "name": "job.duration", "tags": {"kind": "$1", "job": "$2"}},
    ]}]);
    let mut aggregator = aggregator(|config| {
        config.namespace = "app.".into();
        config.mapper = Mapper::parse(&profiles, 10).unwrap().map(Arc::new);
        config.histogram_to_distribution = true;
        config.histogram_to_distribution_prefix = "dist.".into();
        config.histogram_aggregates = vec![HistogramAggregate::Max];
        config.histogram_percentiles = vec![];
    });
    add(&mut aggregator, 0, "air.job.batch.nightly:3|ms|#env:x\nair.other:1|g\ndist.app.job.duration:9|d");
    check(
        &aggregator.flush(T + 10),
        expect![[r#"
            app.air.other gauge/10 "web-1"  | +0=1
            app.job.duration.max gauge/10 "web-1" env:x,job:nightly,kind:batch | +0=3
            app.dist.app.job.duration sketch "web-1"  | +0 n=1 sum=9 min=Some(9.0) max=Some(9.0)
            dist.app.job.duration sketch "web-1" env:x,job:nightly,kind:batch | +0 n=1 sum=3 min=Some(3.0) max=Some(3.0)
        "#]],
    );
}

#[test]
fn without_the_pipeline_for_them_timestamps_are_ignored() {
    let mut aggregator = aggregator(|config| config.timestamps = false);
    add(&mut aggregator, 3, "x:1|c|T1600000000\nx:2|c\nh:1|s|T1600000000");
    check(
        &aggregator.flush(T + 10),
        expect![[r#"
            h gauge/10 "web-1"  | +0=1
            x count/10 "web-1"  | +0=3
        "#]],
    );
}

#[test]
fn messages_are_counted_by_metric_when_that_is_wanted() {
    assert_eq!(aggregator(|_| {}).metric_stats(), None);
    let mut aggregator = aggregator(|config| config.metric_stats = true);
    add(&mut aggregator, 0, "a:1|c|#x:1,y\na:1:2|c|#y,x:1\nb:1|g");
    aggregator.flush(T + 1000);
    add(&mut aggregator, 1001, "a:1|c|#x:1,y");
    let stats = |name: &str, tags: &str, count, second| MetricStats {
        name: name.into(),
        tags: tags.into(),
        count,
        last_seen: T + second,
    };
    assert_eq!(aggregator.metric_stats().unwrap(), [stats("a", "x:1 y", 3, 1001), stats("b", "", 1, 0)]);
}

#[test]
fn contexts_are_limited_and_expire() {
    let mut aggregator = aggregator(|config| config.max_contexts = 2);
    add(&mut aggregator, 0, "a:1|g\nb:1|g\nc:1|g\na:2|g");
    assert_eq!((aggregator.contexts(), aggregator.stats().dropped_contexts), (2, 1));
    check(
        &aggregator.flush(T + 10),
        expect![[r#"
        a gauge/10 "web-1"  | +0=2
        b gauge/10 "web-1"  | +0=1
    "#]],
    );
    aggregator.flush(T + 40);
    assert_eq!(aggregator.contexts(), 0);
    add(&mut aggregator, 41, "c:1|g\nd:2|g|T1700000000");
    check(
        &aggregator.flush(T + 50),
        expect![[r#"
        c gauge/10 "web-1"  | +40=1
        d gauge/10 "web-1"  | +0=2
    "#]],
    );
}

#[test]
fn contexts_of_timestamped_samples_alone_expire() {
    let mut aggregator = aggregator(|_| {});
    add(&mut aggregator, 0, "a:1|g|T1700000000");
    aggregator.flush(T + 1);
    assert_eq!(aggregator.contexts(), 1);
    aggregator.flush(T + 60);
    assert_eq!(aggregator.contexts(), 0);
}

#[test]
fn a_clock_that_jitters_does_not_reopen_a_flushed_bucket() {
    let mut aggregator = aggregator(|_| {});
    add(&mut aggregator, 9, "hits:1|c");
    aggregator.flush(T + 10);
    add(&mut aggregator, 8, "hits:5|c");
    check(
        &aggregator.flush(T + 20),
        expect![[r#"
        hits count/10 "web-1"  | +10=5
    "#]],
    );
}

#[test]
fn a_clock_that_is_set_back_or_forth_loses_nothing_and_takes_no_time() {
    let mut aggregator = aggregator(|_| {});
    add(&mut aggregator, 0, "hits:1|c");
    check(
        &aggregator.flush(T - 3600),
        expect![[r#"
        hits count/10 "web-1"  | +0=1
    "#]],
    );
    add(&mut aggregator, -3600, "hits:2|c");
    check(
        &aggregator.flush(T - 3590),
        expect![[r#"
        hits count/10 "web-1"  | -3600=2
    "#]],
    );
    add(&mut aggregator, -3580, "hits:3|c");
    let report = aggregator.flush(T + 1_000_000_000);
    assert_eq!(report.points(), 1, "{}", render(&report));
}

#[test]
fn the_end_flushes_open_buckets_beside_what_a_successor_will_flush() {
    let mut aggregator = aggregator(|_| {});
    add(&mut aggregator, 0, "hits:1|c");
    add(&mut aggregator, 11, "hits:2|c");
    check(
        &aggregator.flush_all(T + 13),
        expect![[r#"
        hits count/10 "web-1"  | +0=1 +13=2
    "#]],
    );
    check(&aggregator.flush_all(T + 13), expect![""]);
}

proptest::proptest! {
    #[test]
    fn nothing_that_was_counted_is_lost(steps in proptest::collection::vec((0..40i64, 1..5u32, 0..3usize), 0..60)) {
        let mut aggregator = aggregator(|_| {});
        let (mut now, mut sent, mut received) = (0, 0.0, 0.0);
        let total = |report: &Report| -> f64 {
            report.series.iter().flat_map(|series| &series.points).map(|point| point.value).sum()
        };
        for (wait, value, name) in steps {
            now += wait;
            add(&mut aggregator, now, &format!("m{name}:{value}|c"));
            sent += f64::from(value);
            if value == 1 {
                received += total(&aggregator.flush(T + now));
            }
        }
        received += total(&aggregator.flush_all(T + now));
        proptest::prop_assert_eq!(sent, received);
    }
}
