//! Payloads that claim far more than they hold must cost no more than they hold.

use galgo_intake::{
    Context, check_run, distribution_points, events, host_metadata, metadata, series_v1, series_v3, sketches,
};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::encode::{Column, Message, push_varint, zigzag};
use crate::sink::Recorder;

const CTX: Context = Context { now_s: 1_700_000_000, from_agent: false };

fn v3_payload(columns: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let data = columns.iter().fold(Message::default(), |data, (field, bytes)| data.bytes(*field, bytes));
    Message::default().message(3, data).0
}

/// Columns of `count` series that all refer to tag set `set`.
fn series_of_tag_set(count: usize, set: i64) -> Vec<(u32, Vec<u8>)> {
    let mut references = Column::default();
    (0..count).for_each(|_| references.push_delta(set));
    let zeros = || vec![0; count];
    let mut names = vec![0; count];
    names[0] = 2;
    vec![
        (1, b"\x01m".to_vec()),
        (10, vec![3; count]),
        (11, names),
        (12, references.bytes),
        (13, zeros()),
        (14, zeros()),
        (15, vec![1; count]),
        (16, vec![2; count]),
        (23, zeros()),
        (24, zeros()),
    ]
}

#[test]
fn tag_sets_that_double_are_not_expanded() {
    // Set 1 is one tag, each further set twice the one before: set 30 would hold half a billion tags.
    let mut sets = Column::default();
    [1, 1].into_iter().for_each(|number| sets.push_signed(number));
    for set in 1..30 {
        [2, -set, 0].into_iter().for_each(|number| sets.push_signed(number));
    }
    let mut columns = series_of_tag_set(1000, 30);
    columns.extend([(2, b"\x01t".to_vec()), (3, sets.bytes)]);
    let report = series_v3::decode(&v3_payload(&columns), &CTX, &mut Recorder::default()).unwrap();
    assert_eq!((report.accepted_series, report.dropped_series), (0, 1000));
    assert!(report.dropped[0].reason.starts_with("tag set has more than"), "{:?}", report.dropped);
}

#[test]
fn tag_sets_that_nest_deeply_are_refused() {
    let mut sets = Column::default();
    sets.push_signed(0);
    for set in 1..100_000 {
        [1, -set].into_iter().for_each(|number| sets.push_signed(number));
    }
    let mut columns = series_of_tag_set(1, 99_999);
    columns.push((3, sets.bytes));
    let refused = series_v3::decode(&v3_payload(&columns), &CTX, &mut Recorder::default());
    assert!(refused.unwrap_err().to_string().ends_with("tag sets include each other too deeply"));
}

#[test]
fn counts_that_lie_end_with_their_column() {
    let huge = u64::MAX;
    let mut columns = series_of_tag_set(1, 0);
    for (field, bytes) in &mut columns {
        if *field == 15 || *field == 10 {
            bytes.clear();
            push_varint(bytes, if *field == 15 { huge } else { 0x34 });
        }
    }
    // A sketch with 2^64 - 1 bins of which two are there.
    let mut bins = Vec::new();
    push_varint(&mut bins, huge);
    columns.extend([(20, bins), (21, vec![zigzag(5) as u8, 2]), (22, vec![1, 1]), (17, vec![4]), (19, vec![0; 24])]);
    let report = series_v3::decode(&v3_payload(&columns), &CTX, &mut Recorder::default()).unwrap();
    assert_eq!(report.dropped_series, 1);

    let many_bins: Vec<u8> = (0..200_000).map(|_| 2).collect();
    let sketch = Message::default().varint(2, 200_000).bytes(7, &many_bins).bytes(8, &many_bins);
    let body = Message::default().message(1, Message::default().bytes(1, "m").message(7, sketch));
    let mut sink = Recorder::default();
    sketches::decode(&body.0, &CTX, &mut sink).unwrap();
    assert_eq!(sink.series[0].sketches[0].sketch.bins().len(), 1);
}

/// JSON made of the keys that decoders look for, with values of any kind behind them.
fn confused_json() -> impl Strategy<Value = Value> {
    const KEYS: [&str; 24] = [
        "series",
        "metric",
        "points",
        "tags",
        "type",
        "host",
        "interval",
        "resources",
        "name",
        "timestamp",
        "value",
        "check",
        "status",
        "metrics",
        "events",
        "service_checks",
        "meta",
        "host-tags",
        "gohai",
        "agent_checks",
        "external_host_tags",
        "internalHostname",
        "title",
        "text",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(&KEYS[..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let member = (prop::sample::select(&KEYS[..]).prop_map(String::from), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            prop::collection::vec(member, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn confused_json_never_panics(value in confused_json()) {
        let body = value.to_string();
        let mut sink = Recorder::default();
        let _ = series_v1::decode(body.as_bytes(), &CTX, &mut sink);
        let _ = distribution_points::decode(body.as_bytes(), &CTX, &mut sink);
        let _ = check_run::decode(body.as_bytes(), &CTX);
        let _ = events::decode(body.as_bytes(), &CTX);
        let _ = metadata::decode(body.as_bytes());
        let _ = host_metadata::decode(body.as_bytes(), &CTX, &mut sink);
    }
}
