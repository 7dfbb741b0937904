//! Every payload, read back by the decoders of the intake.

use expect_test::expect;
use galgo_agent::{Series, SketchSeries};
use galgo_core::check::{CheckRun, CheckStatus};
use galgo_core::{MetricKind, MetricSink, Point, RawSeries, Rejection, Sketch, SketchPoint};
use galgo_intake::Context;
use galgo_intake::events::Event;
use proptest::prelude::*;

use super::*;
use crate::compress::decompress;

const NOW: i64 = 1_700_000_000;
const CTX: Context = Context { now_s: NOW, from_agent: true };

fn encoder(compression: Compression) -> Encoder {
    Encoder {
        host: "web-1".into(),
        compression,
        log_compression: compression,
        enabled: EnabledPayloads::default(),
        limits: PayloadLimits::default(),
    }
}

fn raw(payload: &Payload) -> Vec<u8> {
    decompress(&payload.body, payload.encoding).unwrap()
}

/// What a decoder hands over, as owned series.
#[derive(Default)]
struct Sink {
    series: Vec<Series>,
    sketches: Vec<SketchSeries>,
}

fn all_tags(series: &RawSeries<'_>) -> Vec<String> {
    let pairs = series.pairs.iter().map(|(key, value)| format!("{key}:{value}"));
    let mut tags: Vec<String> = series.tags.iter().map(|tag| (*tag).to_owned()).chain(pairs).collect();
    tags.sort();
    tags
}

impl MetricSink for Sink {
    fn series(&mut self, series: &RawSeries<'_>, points: &[Point]) -> Result<(), Rejection> {
        self.series.push(Series {
            metric: series.metric.into(),
            kind: series.kind,
            interval: series.interval,
            unit: if series.unit == "byte" { "byte" } else { "" },
            host: series.host.into(),
            tags: all_tags(series),
            points: points.to_vec(),
        });
        Ok(())
    }

    fn sketches(&mut self, series: &RawSeries<'_>, points: &[SketchPoint]) -> Result<(), Rejection> {
        self.sketches.push(SketchSeries {
            metric: series.metric.into(),
            interval: series.interval,
            host: series.host.into(),
            tags: all_tags(series),
            points: points.to_vec(),
        });
        Ok(())
    }
}

fn decode(payloads: &[Payload]) -> Sink {
    let mut sink = Sink::default();
    for payload in payloads {
        let body = raw(payload);
        let report = match payload.route {
            Route::Series => galgo_intake::series_v2::decode_proto(&body, &CTX, &mut sink).unwrap(),
            Route::Sketches => galgo_intake::sketches::decode(&body, &CTX, &mut sink).unwrap(),
            other => panic!("{other:?} is no metric"),
        };
        assert_eq!((report.dropped_series, report.dropped_points), (0, 0), "{report:?}");
    }
    sink
}

fn gauge(metric: &str, points: Vec<Point>) -> Series {
    Series {
        metric: metric.into(),
        kind: MetricKind::Gauge,
        interval: 10,
        unit: "",
        host: "web-1".into(),
        tags: vec![],
        points,
    }
}

fn points(count: usize) -> Vec<Point> {
    (0..count).map(|i| Point { time: NOW - i as i64 % 1000, value: i as f64 }).collect()
}

prop_compose! {
    fn any_series()(
        metric in "[a-z][a-z._]{0,20}",
        kind in prop_oneof![Just(MetricKind::Count), Just(MetricKind::Rate), Just(MetricKind::Gauge)],
        interval in 0..100_u32,
        unit in prop_oneof![Just(""), Just("byte")],
        host in "[a-z0-9-]{0,12}",
        tags in proptest::collection::btree_set(prop_oneof!["[a-z]{1,5}:[a-z0-9/]{1,200}", "device:[a-z0-9]{1,5}"], 0..6),
        points in proptest::collection::vec((NOW - 3000..NOW, -1e12..1e12_f64), 1..5),
    ) -> Series {
        let points = points.into_iter().map(|(time, value)| Point { time, value }).collect();
        // Tags come with a device at most once from any collector.
        let mut device = false;
        let tags = tags.into_iter().filter(|tag| !tag.starts_with("device:") || !std::mem::replace(&mut device, true));
        let mut tags: Vec<String> = tags.collect();
        tags.sort();
        Series { metric, kind, interval, unit, host, tags, points }
    }
}

proptest! {
    #[test]
    fn series_come_back(series in proptest::collection::vec(any_series(), 1..20), zstd in any::<bool>()) {
        let compression = if zstd { Compression::Zstd(1) } else { Compression::Gzip(6) };
        let report = Report { series: series.clone(), ..Report::default() };
        let payloads = encoder(compression).report(&report, 0);
        prop_assert_eq!(payloads.iter().map(|payload| payload.points as usize).sum::<usize>(), report.points());
        prop_assert_eq!(decode(&payloads).series, series);
    }

    #[test]
    fn sketches_come_back(
        values in proptest::collection::vec((-1e9..1e9_f64, 1..10_000_u64), 1..40),
        metric in "[a-z]{1,10}",
        tags in proptest::collection::btree_set("[a-z]{1,5}:[a-z0-9]{1,9}", 0..4),
    ) {
        let mut sketch = Sketch::new();
        values.iter().for_each(|(value, times)| sketch.insert(*value, *times));
        let series = SketchSeries {
            metric,
            interval: 0,
            host: "web-1".into(),
            tags: tags.into_iter().collect(),
            points: vec![SketchPoint { time: NOW, sketch }],
        };
        let report = Report { sketches: vec![series.clone()], ..Report::default() };
        prop_assert_eq!(decode(&encoder(Compression::Zstd(1)).report(&report, 0)).sketches, vec![series]);
    }
}

#[test]
fn counts_beyond_32_bits_are_sent_in_parts() {
    let mut sketch = Sketch::new();
    sketch.insert(1.0, 10_000_000_000);
    let series = SketchSeries {
        metric: "m".into(),
        interval: 0,
        host: String::new(),
        tags: vec![],
        points: vec![SketchPoint { time: NOW, sketch }],
    };
    let report = Report { sketches: vec![series.clone()], ..Report::default() };
    assert_eq!(decode(&encoder(Compression::None).report(&report, 0)).sketches, [series]);
}

#[test]
fn payloads_hold_at_most_ten_thousand_points() {
    let series = vec![gauge("a", points(25_000)), gauge("b", points(6_000)), gauge("c", points(1))];
    let report = Report { series, ..Report::default() };
    let payloads = encoder(Compression::Zstd(1)).report(&report, 0);
    let counts: Vec<u32> = payloads.iter().map(|payload| payload.points).collect();
    assert_eq!(counts, [10_000, 10_000, 5_000, 6_001]);
    assert_eq!(decode(&payloads).series.iter().map(|series| series.points.len()).sum::<usize>(), 31_001);
}

#[test]
fn payloads_stay_below_the_limits_of_their_path() {
    // Tags without any repetition do not compress.
    let noise = |seed: u64| -> Vec<String> {
        (0..20)
            .map(|i| format!("t:{:x}{:x}", xxhash_rust::xxh3::xxh3_128(&(seed * 100 + i).to_le_bytes()), seed))
            .collect()
    };
    let series: Vec<Series> = (0..2000).map(|i| Series { tags: noise(i), ..gauge("m", points(1)) }).collect();
    let report = Report { series, ..Report::default() };
    for compression in [Compression::None, Compression::Zstd(1), Compression::Deflate(6)] {
        let payloads = encoder(compression).report(&report, 0);
        assert!(payloads.iter().all(|payload| payload.body.len() <= 512_000), "{compression:?}");
        assert_eq!(payloads.iter().map(|payload| payload.points).sum::<u32>(), 2000);
        assert_eq!(decode(&payloads).series.len(), 2000);
    }
}

#[test]
fn limits_can_be_lower() {
    let report =
        Report { series: (0..50).map(|i| gauge(&format!("metric{i}"), points(4))).collect(), ..Report::default() };
    let limits = PayloadLimits { series_raw_bytes: 400, points: 10, ..PayloadLimits::default() };
    let payloads = Encoder { limits, ..encoder(Compression::None) }.report(&report, 0);
    assert!(payloads.iter().all(|payload| payload.body.len() <= 410 && payload.points <= 10));
    assert_eq!(decode(&payloads).series, report.series);
    let limits = PayloadLimits { series_bytes: 0, series_raw_bytes: 0, points: 0, other_bytes: 0, other_raw_bytes: 0 };
    let payloads = Encoder { limits, ..encoder(Compression::None) }.report(&report, 0);
    assert_eq!(payloads.iter().map(|payload| payload.points).collect::<Vec<_>>(), [1; 200]);
}

#[test]
fn what_no_server_takes_is_not_sent() {
    let broken = [f64::NAN, f64::INFINITY, 1.0].map(|value| Point { time: NOW, value });
    let report = Report {
        series: vec![gauge("a", broken.to_vec()), gauge("b", broken[..2].to_vec()), gauge("c", vec![])],
        sketches: vec![SketchSeries {
            metric: "s".into(),
            interval: 10,
            host: String::new(),
            tags: vec![],
            points: vec![SketchPoint { time: NOW, sketch: Sketch::new() }],
        }],
        ..Report::default()
    };
    let payloads = encoder(Compression::Zstd(1)).report(&report, 0);
    assert_eq!(decode(&payloads).series, [gauge("a", vec![Point { time: NOW, value: 1.0 }])]);
    assert_eq!(payloads.len(), 1);
}

#[test]
fn disabled_kinds_are_not_sent() {
    let enabled = EnabledPayloads { series: false, ..EnabledPayloads::default() };
    let report = Report { series: vec![gauge("a", points(1))], ..Report::default() };
    assert!(Encoder { enabled, ..encoder(Compression::None) }.report(&report, 0).is_empty());
}

fn check_run(check: &str) -> CheckRun {
    CheckRun {
        check: check.into(),
        host: "web-1".into(),
        time: NOW,
        status: CheckStatus::Critical,
        message: "timed \"out\"\n".into(),
        tags: vec!["port:3306".into()],
    }
}

#[test]
fn checks_come_back() {
    let checks: Vec<CheckRun> = (0..2500).map(|i| check_run(&format!("c{i}"))).collect();
    let report = Report { checks: checks.clone(), ..Report::default() };
    let payloads = encoder(Compression::Deflate(6)).report(&report, 0);
    assert_eq!(payloads.iter().map(|payload| payload.points).collect::<Vec<_>>(), [1000, 1000, 500]);
    let read = payloads.iter().flat_map(|payload| galgo_intake::check_run::decode(&raw(payload), &CTX).unwrap().runs);
    assert_eq!(read.collect::<Vec<_>>(), checks);
}

fn event(title: &str, source: &str) -> Event {
    Event {
        title: title.into(),
        text: "text".into(),
        time: NOW,
        priority: "low".into(),
        host: "db-1".into(),
        tags: vec!["a:b".into()],
        alert_type: "error".into(),
        aggregation_key: "key".into(),
        source_type_name: source.into(),
        ..Event::default()
    }
}

#[test]
fn events_come_back_filed_by_their_source() {
    let events = vec![event("one", ""), event("two", "docker"), event("three", "")];
    let report = Report { events, ..Report::default() };
    let payloads = encoder(Compression::None).report(&report, 0);
    assert_eq!((payloads.len(), payloads[0].route.path()), (1, "/intake/"));
    expect![[r#"{"apiKey":"","events":{"api":[{"msg_title":"one","msg_text":"text","timestamp":1700000000,"priority":"low","host":"db-1","tags":["a:b"],"alert_type":"error","aggregation_key":"key"},{"msg_title":"three","msg_text":"text","timestamp":1700000000,"priority":"low","host":"db-1","tags":["a:b"],"alert_type":"error","aggregation_key":"key"}],"docker":[{"msg_title":"two","msg_text":"text","timestamp":1700000000,"priority":"low","host":"db-1","tags":["a:b"],"alert_type":"error","aggregation_key":"key","source_type_name":"docker"}]},"internalHostname":"web-1"}"#]]
    .assert_eq(&String::from_utf8(raw(&payloads[0])).unwrap());
    let mut sink = Sink::default();
    let intake = galgo_intake::host_metadata::decode(&raw(&payloads[0]), &CTX, &mut sink).unwrap();
    assert_eq!(intake.events, [event("one", ""), event("three", ""), event("two", "docker")]);
}

#[test]
fn log_lines_are_arrays_with_all_seven_keys() {
    let line = LogLine {
        message: "hello \u{fffd}".into(),
        status: "warn".into(),
        time_ms: 1_700_000_000_123,
        host: "web-1".into(),
        service: "shop".into(),
        source: "nginx".into(),
        tags: vec!["env:prod".into(), "team:a".into()],
    };
    let payloads = encoder(Compression::Gzip(6)).logs(std::slice::from_ref(&line), 0);
    expect![[r#"[{"message":"hello �","status":"warn","timestamp":1700000000123,"hostname":"web-1","service":"shop","ddsource":"nginx","ddtags":"env:prod,team:a"}]"#]]
        .assert_eq(&String::from_utf8(raw(&payloads[0])).unwrap());
    let many = vec![LogLine { message: "x".repeat(1_500_000), ..line }; 4];
    let payloads = encoder(Compression::Zstd(1)).logs(&many, 0);
    assert_eq!(payloads.iter().map(|payload| payload.points).collect::<Vec<_>>(), [3, 1]);
    assert!(payloads.iter().all(|payload| raw(payload).len() <= 5_000_000));
}

#[test]
fn payloads_are_halved_without_a_loss() {
    let report = Report {
        series: (0..5).map(|i| gauge(&format!("m{i}"), points(2))).collect(),
        checks: (0..3).map(|i| check_run(&format!("c{i}"))).collect(),
        events: vec![event("one", "a"), event("two", "b"), event("three", "b")],
        ..Report::default()
    };
    for payload in encoder(Compression::Zstd(1)).report(&report, 7) {
        let (first, second) = halve_payload(&payload, Compression::Zstd(1)).unwrap();
        assert_eq!(first.points + second.points, payload.points);
        assert_eq!((first.halvings, first.created_ms, first.route), (1, 7, payload.route));
        let texts = [&first, &second].map(|half| String::from_utf8_lossy(&raw(half)).into_owned());
        let names: Vec<&str> = ["m0", "m4", "c0", "c2", "one", "three"]
            .into_iter()
            .filter(|name| texts.iter().any(|text| text.contains(name)))
            .collect();
        match payload.route {
            Route::Series => assert_eq!(decode(&[first, second]).series, report.series),
            Route::CheckRun => assert_eq!(names, ["c0", "c2"]),
            _ => assert_eq!(names, ["one", "three"]),
        }
    }
    let single = Report { checks: vec![check_run("one")], ..Report::default() };
    let payloads = encoder(Compression::Zstd(1)).report(&single, 0);
    assert!(halve_payload(&payloads[0], Compression::Zstd(1)).is_none());
    let host = encoder(Compression::None).document(Route::Intake, &serde_json::json!({"internalHostname": "h"}), 0);
    assert!(halve_payload(&host, Compression::None).is_none());
}
