//! The engine from batch to answer: durability, last write wins, flush, compaction, damage, limits.

#![allow(clippy::unwrap_used)] // a failed step is a failed test

mod support;

use galgo_core::{MetricKind, Point};
use galgo_query::source::{MetricSource, Scope, TimeAgg};
use support::{Rig, T0, leaf};

#[tokio::test(flavor = "multi_thread")]
async fn points_are_seen_before_and_after_flush_compaction_and_restart() {
    let mut rig = Rig::new().await;
    for round in 0..3 {
        let points: Vec<Point> = (0..100)
            .map(|index| Point { time: T0 + round * 1000 + index * 10, value: (round * 100 + index) as f64 })
            .collect();
        rig.send("m", "h", &["env:prod"], MetricKind::Gauge, &points).await;
        assert_eq!(rig.sum_of_points("m").await, (0..(round + 1) * 100).sum::<i64>() as f64, "in the head");
        rig.engine.flush().await.unwrap();
        assert_eq!(rig.sum_of_points("m").await, (0..(round + 1) * 100).sum::<i64>() as f64, "in a segment");
    }
    assert_eq!(rig.engine.stats().segments, 3);
    rig.engine.compact_fully().await.unwrap();
    assert_eq!(rig.engine.stats().segments, 1);
    assert_eq!(rig.sum_of_points("m").await, (0..300).sum::<i64>() as f64, "in a merged segment");
    rig.restart().await;
    assert_eq!(rig.sum_of_points("m").await, (0..300).sum::<i64>() as f64, "after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acked_is_there_after_a_crash() {
    let mut rig = Rig::new().await;
    rig.send("a", "h", &[], MetricKind::Gauge, &[Point { time: T0, value: 1.0 }]).await;
    rig.engine.flush().await.unwrap();
    // The series is known and defined only in the log's definitions of the new generation.
    rig.send("a", "h", &[], MetricKind::Gauge, &[Point { time: T0 + 10, value: 2.0 }]).await;
    rig.send("b", "h", &["x:y"], MetricKind::Count, &[Point { time: T0 + 10, value: 4.0 }]).await;
    rig.crash().await;
    assert_eq!(rig.sum_of_points("a").await, 3.0);
    assert_eq!(rig.sum_of_points("b").await, 4.0);
    assert_eq!(rig.engine.describe("b").map(|info| info.kind), Some(MetricKind::Count));
    // Replayed points survive a second crash, with more on top.
    rig.send("b", "h", &["x:y"], MetricKind::Count, &[Point { time: T0 + 20, value: 8.0 }]).await;
    rig.crash().await;
    assert_eq!(rig.sum_of_points("b").await, 12.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_write_of_a_second_wins_wherever_it_lies() {
    let mut rig = Rig::new().await;
    let one = |value: f64| [Point { time: T0, value }];
    rig.send("m", "", &[], MetricKind::Gauge, &one(1.0)).await;
    rig.send("m", "", &[], MetricKind::Gauge, &one(2.0)).await;
    assert_eq!(rig.sum_of_points("m").await, 2.0, "both in the head");
    rig.engine.flush().await.unwrap();
    rig.send("m", "", &[], MetricKind::Gauge, &one(3.0)).await;
    assert_eq!(rig.sum_of_points("m").await, 3.0, "segment and head");
    rig.engine.flush().await.unwrap();
    assert_eq!(rig.sum_of_points("m").await, 3.0, "two segments");
    rig.engine.compact_fully().await.unwrap();
    assert_eq!(rig.sum_of_points("m").await, 3.0, "merged");
    rig.restart().await;
    assert_eq!(rig.sum_of_points("m").await, 3.0, "after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn late_points_are_kept_and_old_ones_refused() {
    let rig = Rig::new().await;
    let year = 365 * 86_400;
    rig.send("m", "", &[], MetricKind::Gauge, &[Point { time: T0 - year, value: 5.0 }, Point { time: T0, value: 1.0 }])
        .await;
    rig.engine.flush().await.unwrap();
    let mut kinds = rig.segment_kinds().await;
    kinds.sort();
    assert_eq!(kinds, ["late", "raw"]);
    let answer = rig.leaf(&leaf("m", T0 - year - 100, 200, 1, TimeAgg::Sum)).await;
    assert_eq!(answer.rows[0].values, [5.0]);
    let refused = rig.try_send("m", &[Point { time: T0 - 2 * year, value: 1.0 }]).await.unwrap_err();
    assert!(refused.contains("timestamp"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn host_tags_select_and_group_without_being_copied() {
    let rig = Rig::new().await;
    for (host, value) in [("a", 1.0), ("b", 2.0), ("c", 4.0)] {
        rig.send("m", host, &[], MetricKind::Gauge, &[Point { time: T0, value }]).await;
    }
    rig.engine.flush().await.unwrap();
    rig.set_host_tags(&[("a", &["env:x", "host:ubuntu"]), ("b", &["env:x"]), ("c", &["env:y"])]);
    let sum = |scope: Scope| {
        let rig = &rig;
        async move {
            let mut wanted = leaf("m", T0 - 100, 200, 1, TimeAgg::Sum);
            wanted.scope = scope;
            rig.leaf(&wanted).await.rows.first().map_or(0.0, |row| row.values[0])
        }
    };
    assert_eq!(sum(Scope::Tag("env:x".into())).await, 3.0);
    assert_eq!(sum(Scope::Tag("host:ubuntu".into())).await, 1.0);
    assert_eq!(sum(Scope::Tag("host:a".into())).await, 1.0);
    assert_eq!(sum(Scope::Not(Box::new(Scope::Tag("env:x".into())))).await, 4.0);
    assert_eq!(sum(Scope::Like("env:*".into())).await, 7.0);
    assert_eq!(sum(Scope::Like("host:ub*".into())).await, 1.0);
    let mut grouped = leaf("m", T0 - 100, 200, 1, TimeAgg::Sum);
    grouped.group_by = vec!["env".into()];
    let answer = rig.leaf(&grouped).await;
    let groups: Vec<_> = answer.rows.iter().map(|row| (row.group[0].clone().unwrap(), row.values[0])).collect();
    assert_eq!(groups, [("x".to_owned(), 3.0), ("y".to_owned(), 4.0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_named_and_the_rest_stays_readable() {
    let mut rig = Rig::new().await;
    for metric in ["a", "b"] {
        let points: Vec<Point> =
            (0..500).map(|index| Point { time: T0 + index * 10, value: (index as f64).sin() }).collect();
        rig.send(metric, "h", &[], MetricKind::Gauge, &points).await;
    }
    rig.engine.flush().await.unwrap();
    let files = rig.segment_files();
    let whole = rig.count_of_points("a").await + rig.count_of_points("b").await;
    assert_eq!(whole, 1000.0);
    let mut damaged_answers = 0;
    for path in files {
        let original = std::fs::read(&path).unwrap();
        for position in (0..original.len()).step_by(original.len() / 60 + 1) {
            let mut flipped = original.clone();
            flipped[position] ^= 0x40;
            std::fs::write(&path, &flipped).unwrap();
            rig.reopen_from_manifest().await;
            let (a, b) = (rig.count_of_points("a").await, rig.count_of_points("b").await);
            assert!([0.0, 500.0].contains(&a) && [0.0, 500.0].contains(&b), "{path:?} at {position}: {a}, {b}");
            assert!(a + b >= 500.0 || rig.engine.stats().damaged > 0);
            damaged_answers += usize::from(a + b < 1000.0);
            std::fs::write(&path, &original).unwrap();
        }
        std::fs::write(&path, &original[..original.len() / 2]).unwrap();
        rig.reopen_from_manifest().await;
        let _ = rig.count_of_points("a").await;
        std::fs::write(&path, &original).unwrap();
    }
    assert!(damaged_answers > 0, "some flips must hit a chunk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_has_a_series_limit_that_is_named() {
    let rig = Rig::with(|config| config.series.per_metric = 2).await;
    let at = [Point { time: T0, value: 1.0 }];
    rig.send("m", "a", &[], MetricKind::Gauge, &at).await;
    rig.send("m", "b", &[], MetricKind::Gauge, &at).await;
    let refused = rig.try_send_from("m", "c", &at).await.unwrap_err();
    assert_eq!(refused, "metric m has reached its limit of 2 active series");
    rig.send("other", "c", &[], MetricKind::Gauge, &at).await;
    assert_eq!(rig.engine.stats().refused_series, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_series_leave_the_head_and_come_back() {
    let rig = Rig::new().await;
    rig.send("m", "a", &[], MetricKind::Gauge, &[Point { time: T0, value: 1.0 }]).await;
    rig.engine.flush().await.unwrap();
    assert_eq!(rig.engine.stats().series, 1);
    rig.advance_s(5 * 3600);
    rig.send("other", "b", &[], MetricKind::Gauge, &[Point { time: T0 + 5 * 3600, value: 1.0 }]).await;
    rig.engine.flush().await.unwrap();
    assert_eq!(rig.engine.stats().series, 1, "only the other is active");
    assert_eq!(rig.sum_of_points("m").await, 1.0, "its points are in a segment");
    rig.send("m", "a", &[], MetricKind::Gauge, &[Point { time: T0 + 5 * 3600, value: 2.0 }]).await;
    assert_eq!(rig.sum_of_points("m").await, 3.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn distributions_merge_and_survive() {
    let mut rig = Rig::new().await;
    for (host, values) in [("a", 1..=50), ("b", 51..=100)] {
        rig.send_sketch("d", host, T0, values.map(f64::from)).await;
    }
    for stage in ["head", "segment", "restart"] {
        let mut wanted = leaf("d", T0 - 100, 200, 1, TimeAgg::Sum);
        wanted.time = None;
        wanted.space = galgo_query::source::SpaceAgg::Percentile(50.0);
        let median = rig.leaf(&wanted).await.rows[0].values[0];
        assert!((median - 50.0).abs() < 1.5, "{stage}: {median}");
        wanted.space = galgo_query::source::SpaceAgg::Count;
        assert_eq!(rig.leaf(&wanted).await.rows[0].values[0], 100.0, "{stage}");
        match stage {
            "head" => rig.engine.flush().await.unwrap(),
            _ => rig.restart().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_agree_with_what_was_sent_while_flushes_and_merges_run() {
    let rig = std::sync::Arc::new(Rig::new().await);
    let writer = {
        let rig = rig.clone();
        tokio::spawn(async move {
            for index in 0..300 {
                rig.send("m", "h", &[], MetricKind::Gauge, &[Point { time: T0 + index, value: 1.0 }]).await;
                if index % 20 == 19 {
                    rig.engine.flush().await.unwrap();
                }
                if index % 100 == 99 {
                    rig.engine.compact_fully().await.unwrap();
                }
            }
        })
    };
    let mut before = 0.0;
    while !writer.is_finished() {
        let now = rig.count_of_points("m").await;
        assert!(now >= before, "points vanished: {before}, then {now}");
        before = now;
    }
    writer.await.unwrap();
    assert_eq!(rig.count_of_points("m").await, 300.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_cover_head_and_segments() {
    let rig = Rig::new().await;
    rig.set_host_tags(&[("a", &["env:x"])]);
    rig.send("one", "a", &["k:1"], MetricKind::Count, &[Point { time: T0, value: 1.0 }]).await;
    rig.engine.flush().await.unwrap();
    rig.send("one", "b", &["k:2"], MetricKind::Count, &[Point { time: T0 + 5, value: 1.0 }]).await;
    rig.send("two", "b", &[], MetricKind::Gauge, &[Point { time: T0, value: 1.0 }]).await;
    let names = |from, host: Option<&str>, scope| {
        rig.engine
            .metrics(from, host, &scope)
            .into_iter()
            .map(|metric| (metric.name, metric.series, metric.hosts))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(T0 - 10, None, Scope::All), [("one".to_owned(), 2, 2), ("two".to_owned(), 1, 1)]);
    assert_eq!(names(T0 + 1, None, Scope::All), [("one".to_owned(), 1, 1)]);
    assert_eq!(names(T0 - 10, Some("b"), Scope::All).len(), 2);
    assert_eq!(names(T0 - 10, None, Scope::Tag("env:x".into())), [("one".to_owned(), 1, 1)]);
    let keys: Vec<_> = rig.engine.tag_keys("one", T0 - 10).into_iter().map(|key| (key.key, key.values.len())).collect();
    assert_eq!(keys, [("env".to_owned(), 1), ("host".to_owned(), 2), ("k".to_owned(), 2)]);
    assert_eq!(rig.engine.senders("one", T0 - 10).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_days_answer_the_same_from_rollups() {
    let rig = Rig::new().await;
    let day = 86_400;
    let start = T0 / day * day - day;
    for host in ["a", "b"] {
        let points: Vec<Point> = (0..8640)
            .map(|index| Point { time: start + index * 10, value: ((index * 37) % 101) as f64 - 20.0 })
            .collect();
        rig.send("m", host, &[], MetricKind::Gauge, &points).await;
    }
    let aggregations = [TimeAgg::Avg, TimeAgg::Sum, TimeAgg::Min, TimeAgg::Max, TimeAgg::Count, TimeAgg::Last];
    let ask = async |step: i64| {
        let mut answers = Vec::new();
        for time in aggregations {
            answers.push(rig.leaf(&leaf("m", start, step, (day / step) as usize, time)).await);
        }
        answers
    };
    let before = (ask(60).await, ask(300).await, ask(3600).await, ask(20).await);
    rig.advance_s(2 * 86_400);
    rig.engine.flush().await.unwrap();
    rig.engine.compact().await.unwrap();
    let mut kinds = rig.segment_kinds().await;
    kinds.sort();
    assert_eq!(kinds, ["late"], "points that come a day late are not summarised");

    // The same points in time: flushed within their day.
    let rig = Rig::with(|_| ()).await;
    rig.set_time(start + day);
    for host in ["a", "b"] {
        let points: Vec<Point> = (0..8640)
            .map(|index| Point { time: start + index * 10, value: ((index * 37) % 101) as f64 - 20.0 })
            .collect();
        rig.send("m", host, &[], MetricKind::Gauge, &points).await;
    }
    rig.engine.flush().await.unwrap();
    rig.advance_s(3600);
    rig.engine.compact().await.unwrap();
    let mut kinds = rig.segment_kinds().await;
    kinds.sort();
    assert_eq!(kinds, ["raw", "rollup3600", "rollup60"]);
    let ask = async |step: i64| {
        let mut answers = Vec::new();
        for time in aggregations {
            answers.push(rig.leaf(&leaf("m", start, step, (day / step) as usize, time)).await);
        }
        answers
    };
    for (step, expected) in [(60, before.0), (300, before.1), (3600, before.2), (20, before.3)] {
        for (answer, expected) in ask(step).await.iter().zip(&expected) {
            assert_eq!(answer.rows[0].values.len(), expected.rows[0].values.len());
            for (value, expected) in answer.rows[0].values.iter().zip(&expected.rows[0].values) {
                assert!((value - expected).abs() < 1e-6, "step {step}: {value} for {expected}");
            }
        }
    }
    // A point written to the day later is seen at once, and wins over the one before it.
    rig.send("m", "a", &[], MetricKind::Gauge, &[Point { time: start, value: 1000.0 }]).await;
    assert_eq!(rig.leaf(&leaf("m", start, 3600, 1, TimeAgg::Max)).await.rows[0].values[0], 1000.0 + 80.0);
    rig.engine.flush().await.unwrap();
    assert_eq!(rig.leaf(&leaf("m", start, 3600, 1, TimeAgg::Max)).await.rows[0].values[0], 1000.0 + 80.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_that_fails_half_way_loses_nothing() {
    let mut rig = Rig::new().await;
    rig.send("m", "h", &[], MetricKind::Gauge, &[Point { time: T0, value: 1.0 }]).await;
    rig.refuse_publishes(true);
    rig.engine.flush().await.unwrap_err();
    // Written to the newer generation, whose definitions the failed flush has logged or will log.
    rig.send("m", "h", &[], MetricKind::Gauge, &[Point { time: T0 + 10, value: 2.0 }]).await;
    assert_eq!(rig.sum_of_points("m").await, 3.0);
    rig.engine.flush().await.unwrap_err();
    rig.crash().await;
    assert_eq!(rig.sum_of_points("m").await, 3.0, "after a crash between two attempts");
    rig.refuse_publishes(false);
    rig.engine.flush().await.unwrap();
    rig.send("m", "h", &[], MetricKind::Gauge, &[Point { time: T0 + 20, value: 4.0 }]).await;
    rig.crash().await;
    assert_eq!(rig.sum_of_points("m").await, 7.0);
}
