//! How long a payload takes to decode, in nanoseconds a series: `cargo bench -p galgo-intake`.
//!
//! Payloads have the shape of an agent's: 100 series of one host with eight tags and one point each. The sink takes
//! nothing, so the figures are those of decoding alone. The JSON reader is measured against sonic-rs deserialising the
//! same body into borrowed structs, which was the alternative to writing it.
#![allow(clippy::disallowed_methods)] // a benchmark reads the real clock

use std::borrow::Cow;
use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use galgo_core::{MetricSink, Point, RawSeries, Rejection, SketchPoint};
use galgo_intake::{Context, Inflater, dogstatsd, series_v1, series_v2, series_v3};
use serde::Deserialize;

const SERIES: usize = 100;
const ROUNDS: usize = 3000;
const CTX: Context = Context { now_s: 1_800_000_000, from_agent: true };

struct Nowhere;

impl MetricSink for Nowhere {
    fn series(&mut self, series: &RawSeries<'_>, points: &[Point]) -> Result<(), Rejection> {
        black_box((series, points));
        Ok(())
    }

    fn sketches(&mut self, series: &RawSeries<'_>, points: &[SketchPoint]) -> Result<(), Rejection> {
        black_box((series, points));
        Ok(())
    }
}

fn measure(name: &str, per_round: usize, mut work: impl FnMut()) {
    (0..ROUNDS / 10).for_each(|_| work());
    let best = (0..5).map(|_| {
        let start = Instant::now();
        (0..ROUNDS).for_each(|_| work());
        start.elapsed().as_nanos() as f64 / (ROUNDS * per_round) as f64
    });
    let best = best.fold(f64::INFINITY, f64::min);
    println!("{name:<44} {best:>8.1} ns each");
}

fn metric(index: usize) -> String {
    format!("system.core.metric_{index}.usage")
}

fn tags(index: usize) -> Vec<String> {
    let keys = [
        "env:production",
        "region:eu-central-1",
        "availability-zone:eu-central-1b",
        "service:checkout",
        "team:payments",
    ];
    let mut tags: Vec<String> = keys.iter().map(ToString::to_string).collect();
    tags.extend([format!("core:{index}"), format!("device_name:sd{index}"), "version:1.42.0-rc3".into()]);
    tags
}

fn value(index: usize) -> f64 {
    (index as f64 * 1234.567).sqrt()
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn field(bytes: &mut Vec<u8>, number: u8, content: &[u8]) {
    bytes.push(number << 3 | 2);
    varint(bytes, content.len() as u64);
    bytes.extend(content);
}

fn v2_proto(points: usize) -> Vec<u8> {
    let mut payload = Vec::new();
    for index in 0..SERIES {
        let mut series = Vec::new();
        let mut resource = Vec::new();
        field(&mut resource, 1, b"host");
        field(&mut resource, 2, b"web-0123.eu-central-1.example.com");
        field(&mut series, 1, &resource);
        field(&mut series, 2, metric(index).as_bytes());
        tags(index).iter().for_each(|tag| field(&mut series, 3, tag.as_bytes()));
        for step in 0..points {
            let mut point = vec![2 << 3];
            varint(&mut point, 1_700_000_000 + 10 * step as u64);
            point.push(1 << 3 | 1);
            point.extend(value(index + step).to_le_bytes());
            field(&mut series, 4, &point);
        }
        series.extend([5 << 3, 3]);
        field(&mut series, 7, b"System");
        field(&mut series, 9, &[0x0a, 4, 0x20, 10, 0x28, 10]);
        field(&mut payload, 1, &series);
    }
    payload
}

fn json(v2: bool, escape: &str) -> String {
    let mut body = String::from("{\"series\":[");
    for index in 0..SERIES {
        let (comma, metric, value) = (if index > 0 { "," } else { "" }, metric(index), value(index));
        let tags: Vec<String> = tags(index).iter().map(|tag| format!("\"{tag}{escape}\"")).collect();
        let tags = tags.join(",");
        let written = if v2 {
            write!(
                body,
                "{comma}{{\"metric\":\"{metric}\",\"type\":3,\"points\":[{{\"timestamp\":1700000000,\"value\":{value}}}],\"resources\":[{{\"type\":\"host\",\"name\":\"web-0123.eu-central-1.example.com\"}}],\"tags\":[{tags}],\"interval\":10}}"
            )
        } else {
            write!(
                body,
                "{comma}{{\"metric\":\"{metric}\",\"points\":[[1700000000,{value}]],\"tags\":[{tags}],\"host\":\"web-0123.eu-central-1.example.com\",\"type\":\"gauge\",\"interval\":0,\"source_type_name\":\"System\"}}"
            )
        };
        written.expect("a string takes any text");
    }
    body + "]}"
}

/// The alternative: serde into borrowed structs.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    series: Vec<Series<'a>>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Series<'a> {
    #[serde(borrow)]
    metric: Cow<'a, str>,
    points: Vec<(f64, f64)>,
    #[serde(borrow)]
    tags: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    host: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    interval: i64,
}

fn main() {
    let proto = v2_proto(1);
    measure("v2 protobuf, 1 point a series", SERIES, || {
        black_box(series_v2::decode_proto(&proto, &CTX, &mut Nowhere)).expect("valid");
    });
    let proto_12 = v2_proto(12);
    measure("v2 protobuf, 12 points a series", SERIES, || {
        black_box(series_v2::decode_proto(&proto_12, &CTX, &mut Nowhere)).expect("valid");
    });
    let v2 = json(true, "");
    measure("v2 JSON", SERIES, || {
        black_box(series_v2::decode_json(v2.as_bytes(), &CTX, &mut Nowhere)).expect("valid");
    });
    let v1 = json(false, "");
    measure("v1 JSON", SERIES, || {
        black_box(series_v1::decode(v1.as_bytes(), &CTX, &mut Nowhere)).expect("valid");
    });
    measure("v1 JSON, sonic-rs into borrowed structs", SERIES, || {
        black_box(sonic_rs::from_str::<Payload<'_>>(&v1).expect("valid").series.len());
    });
    let escaped = json(false, "\\u00e9");
    measure("v1 JSON, an escape in each tag", SERIES, || {
        black_box(series_v1::decode(escaped.as_bytes(), &CTX, &mut Nowhere)).expect("valid");
    });
    measure("the same, sonic-rs", SERIES, || {
        black_box(sonic_rs::from_str::<Payload<'_>>(&escaped).expect("valid").series.len());
    });
    let v3 = v3_gauges();
    measure("v3, 1 point a series", SERIES, || {
        black_box(series_v3::decode(&v3, &CTX, &mut Nowhere)).expect("valid");
    });
    inflating(&proto);
    let line = "page.views:1|c|#env:production,service:checkout,version:1.42.0,region:eu";
    measure("DogStatsD metric with 4 tags", 1, || {
        let mut tags = Vec::with_capacity(8);
        if let Ok(dogstatsd::Message::Metric(metric)) = black_box(dogstatsd::parse(black_box(line))) {
            black_box(metric.tags.split_special(&mut tags));
        }
        black_box(&tags);
    });
}

fn inflating(proto: &[u8]) {
    let mut inflater = Inflater::default();
    let zstd = zstd::bulk::compress(proto, 1).expect("memory is enough");
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, proto).expect("a vector takes any bytes");
    let zlib = encoder.finish().expect("a vector takes any bytes");
    println!("v2 protobuf body: {} bytes, zstd {}, zlib {}", proto.len(), zstd.len(), zlib.len());
    for (name, encoding, body) in
        [("inflate zstd, a series", "zstd", &zstd), ("inflate zlib, a series", "deflate", &zlib)]
    {
        measure(name, SERIES, || {
            black_box(inflater.inflate(Some(encoding), body, 1 << 22).expect("valid").len());
        });
    }
    let (tiny, tiny_zlib) = (zstd::bulk::compress(&proto[..300], 1).expect("memory is enough"), {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, &proto[..300]).expect("a vector takes any bytes");
        encoder.finish().expect("a vector takes any bytes")
    });
    for (name, encoding, body) in
        [("inflate 300 bytes of zstd", "zstd", &tiny), ("inflate 300 bytes of zlib", "deflate", &tiny_zlib)]
    {
        measure(name, 1, || {
            black_box(inflater.inflate(Some(encoding), body, 1 << 22).expect("valid").len());
        });
    }
}

/// A v3 payload of gauges that share one tag set of eight tags.
fn v3_gauges() -> Vec<u8> {
    let zigzag = |value: i64| ((value << 1) ^ (value >> 63)) as u64;
    let mut columns = vec![Vec::new(); 27];
    for index in 0..SERIES {
        field_text(&mut columns[1], &metric(index));
        columns[10].push(0x33);
        varint(&mut columns[11], zigzag(1));
        [12, 13].into_iter().for_each(|column| varint(&mut columns[column], zigzag(i64::from(index == 0))));
        [14, 23, 24].into_iter().for_each(|column| columns[column].push(0));
        columns[15].push(1);
        varint(&mut columns[16], zigzag(if index == 0 { 1_700_000_000 } else { 0 }));
        columns[19].extend(value(index).to_le_bytes());
    }
    let tags = tags(0);
    tags.iter().for_each(|tag| field_text(&mut columns[2], tag));
    varint(&mut columns[3], zigzag(tags.len() as i64));
    tags.iter().for_each(|_| varint(&mut columns[3], zigzag(1)));
    ["host", "web-0123.eu-central-1.example.com"].iter().for_each(|text| field_text(&mut columns[4], text));
    columns[5].push(1);
    columns[6].push(2);
    columns[7].push(4);
    let mut data = Vec::new();
    for (number, column) in columns.iter().enumerate().filter(|(_, column)| !column.is_empty()) {
        varint(&mut data, (number as u64) << 3 | 2);
        varint(&mut data, column.len() as u64);
        data.extend(column);
    }
    let mut payload = Vec::new();
    field(&mut payload, 3, &data);
    payload
}

fn field_text(bytes: &mut Vec<u8>, text: &str) {
    varint(bytes, text.len() as u64);
    bytes.extend(text.as_bytes());
}
