//! Random series, encoded in every form and decoded again.

use galgo_core::{MetricKind, Point, Sketch, SketchPoint};
use galgo_intake::{Context, distribution_points, series_v1, series_v2, series_v3, sketches};
use proptest::prelude::*;

use crate::encode;
use crate::sink::{Recorder, Series};

const CTX: Context = Context { now_s: 1_700_000_000, from_agent: false };

fn text() -> impl Strategy<Value = String> {
    // Quotes, escapes, control characters and characters of every UTF-8 length among plain ones.
    prop::collection::vec(
        prop_oneof![8 => "[a-z0-9:_.]", 1 => "[\"\\\\\n\t\u{1}/é漢😀]", 1 => any::<char>().prop_map(String::from)],
        0..12,
    )
    .prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        (-1000_i64..1000).prop_map(|value| value as f64),
        (-1e6_f64..1e6).prop_map(|value| (value * 100.0).round() / 100.0),
        any::<f32>().prop_filter("finite", |value| value.is_finite()).prop_map(f64::from),
        any::<f64>().prop_filter("finite", |value| value.is_finite()),
    ]
}

fn time() -> impl Strategy<Value = i64> {
    1_i64..=CTX.now_s + 600
}

fn series() -> impl Strategy<Value = Series> {
    let kind = prop_oneof![Just(MetricKind::Count), Just(MetricKind::Rate), Just(MetricKind::Gauge)];
    let points = prop::collection::vec((time(), value()).prop_map(|(time, value)| Point { time, value }), 1..5);
    let pair = (text().prop_filter("not the host", |kind| kind != "host"), text());
    (
        text(),
        text(),
        prop::collection::vec(text(), 0..5),
        prop::collection::vec(pair, 0..3),
        kind,
        any::<u32>(),
        text(),
        points,
    )
        .prop_map(|(metric, host, tags, pairs, kind, interval, unit, points)| {
            let metric = format!("m{metric}");
            Series { metric, host, tags, pairs, kind, interval, unit, points, sketches: Vec::new() }
        })
}

fn sketch_series() -> impl Strategy<Value = Series> {
    let sketch = prop::collection::vec((value(), prop_oneof![1_u64..5, Just(100_000)]), 1..20).prop_map(|values| {
        let mut sketch = Sketch::new();
        values.into_iter().for_each(|(value, times)| sketch.insert(value % 1e12, times));
        sketch
    });
    let points = prop::collection::vec((time(), sketch).prop_map(|(time, sketch)| SketchPoint { time, sketch }), 1..4);
    (series(), points).prop_map(|(series, sketches)| Series {
        kind: MetricKind::Distribution,
        interval: 0,
        unit: String::new(),
        pairs: Vec::new(),
        points: Vec::new(),
        sketches,
        ..series
    })
}

proptest! {
    #[test]
    fn series_come_back(sent in prop::collection::vec(series(), 0..6)) {
        let mut sink = Recorder::default();
        let report = series_v2::decode_proto(&encode::v2_proto(&sent), &CTX, &mut sink).unwrap();
        prop_assert_eq!(&sink.series, &sent);
        prop_assert_eq!(report.accepted_series, sent.len() as u64);
        prop_assert!(!report.has_drops());

        let mut sink = Recorder::default();
        series_v2::decode_json(encode::v2_json(&sent).as_bytes(), &CTX, &mut sink).unwrap();
        prop_assert_eq!(&sink.series, &sent);

        let mut sink = Recorder::default();
        series_v3::decode(&encode::v3(&sent), &CTX, &mut sink).unwrap();
        prop_assert_eq!(&sink.series, &sent);

        let mut sink = Recorder::default();
        series_v1::decode(encode::v1_json(&sent).as_bytes(), &CTX, &mut sink).unwrap();
        let without_unit: Vec<Series> = sent.iter().map(|series| Series { unit: String::new(), ..series.clone() }).collect();
        prop_assert_eq!(&sink.series, &without_unit);
    }

    #[test]
    fn sketches_come_back(sent in prop::collection::vec(sketch_series(), 0..4)) {
        let mut sink = Recorder::default();
        sketches::decode(&encode::sketches(&sent), &CTX, &mut sink).unwrap();
        prop_assert_eq!(&sink.series, &sent);

        let mut sink = Recorder::default();
        series_v3::decode(&encode::v3(&sent), &CTX, &mut sink).unwrap();
        prop_assert_eq!(&sink.series, &sent);
    }

    #[test]
    fn cut_payloads_never_panic(sent in prop::collection::vec(series(), 1..4), sketched in prop::collection::vec(sketch_series(), 1..3), cut in any::<prop::sample::Index>(), flip in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let all = [sent.as_slice(), &sketched].concat();
        for mut body in [encode::v2_proto(&sent), encode::v2_json(&sent).into(), encode::v1_json(&sent).into(), encode::v3(&all), encode::sketches(&sketched)] {
            let at = flip.index(body.len());
            body[at] ^= 1 << bit;
            for body in [&body[..], &body[..cut.index(body.len())]] {
                let mut sink = Recorder::default();
                let _ = series_v1::decode(body, &CTX, &mut sink);
                let _ = series_v2::decode_proto(body, &CTX, &mut sink);
                let _ = series_v3::decode(body, &CTX, &mut sink);
                let _ = sketches::decode(body, &CTX, &mut sink);
                let _ = distribution_points::decode(body, &CTX, &mut sink);
            }
        }
    }
}
