//! Series and sketches as protobuf (`MetricPayload` and `SketchPayload`; reference: intake-agent.md §5.2, §6.1).

use galgo_agent::{Series, SketchSeries};
use galgo_core::{MetricKind, Point, SketchPoint};

use super::{Closing, Raw};
use crate::wire;

/// Most sketches of one series in one payload; one takes up to 30 KiB.
const MAX_SKETCHES_PER_ITEM: usize = 32;
/// Tags that are sent as resources (an agent's series never carry them as tags).
const DEVICE_TAG: &str = "device:";
const RESOURCE_TAG: &str = "dd.internal.resource:";

/// Fields of `MetricSeries`.
mod series_field {
    pub const RESOURCES: u8 = 1;
    pub const METRIC: u8 = 2;
    pub const TAGS: u8 = 3;
    pub const POINTS: u8 = 4;
    pub const KIND: u8 = 5;
    pub const UNIT: u8 = 6;
    pub const SOURCE_TYPE_NAME: u8 = 7;
    pub const INTERVAL: u8 = 8;
}

/// The field of items in both payloads.
const ITEM: u8 = 1;

/// Collects items into payloads.
struct Payloads {
    closing: Closing,
    open: Vec<u8>,
    points: usize,
    closed: Vec<Raw>,
}

impl Payloads {
    fn new(closing: Closing) -> Self {
        Self { closing, open: Vec::new(), points: 0, closed: Vec::new() }
    }

    fn add(&mut self, item: &[u8], points: usize) {
        let full = self.points + points > self.closing.points || self.open.len() + item.len() > self.closing.raw_bytes;
        if full {
            self.close();
        }
        wire::bytes_field(&mut self.open, ITEM, item);
        self.points += points;
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.closed.push(Raw { body: std::mem::take(&mut self.open), points: std::mem::take(&mut self.points) });
        }
    }

    fn finish(mut self) -> Vec<Raw> {
        self.close();
        self.closed
    }
}

/// The payloads of series. Values that are no finite numbers are left out: no server takes them.
pub(super) fn series(all: &[Series], closing: Closing) -> Vec<Raw> {
    let mut payloads = Payloads::new(closing);
    let mut item = Vec::new();
    for series in all {
        let Some(kind) = kind_code(series.kind) else { continue };
        for points in series.points.chunks(closing.points) {
            let finite = points.iter().filter(|point| point.value.is_finite()).count();
            if finite > 0 {
                item.clear();
                write_series(&mut item, series, kind, points);
                payloads.add(&item, finite);
            }
        }
    }
    payloads.finish()
}

fn kind_code(kind: MetricKind) -> Option<u64> {
    match kind {
        MetricKind::Count => Some(1),
        MetricKind::Rate => Some(2),
        MetricKind::Gauge => Some(3),
        MetricKind::Distribution => None,
    }
}

fn write_series(out: &mut Vec<u8>, series: &Series, kind: u64, points: &[Point]) {
    if !series.host.is_empty() {
        write_resource(out, "host", &series.host);
    }
    for tag in &series.tags {
        if let Some(device) = tag.strip_prefix(DEVICE_TAG) {
            write_resource(out, "device", device);
        } else if let Some((kind, name)) = tag.strip_prefix(RESOURCE_TAG).and_then(|resource| resource.split_once(':'))
        {
            write_resource(out, kind, name);
        }
    }
    wire::text_field(out, series_field::METRIC, &series.metric);
    for tag in series.tags.iter().filter(|tag| !is_resource(tag)) {
        wire::text_field(out, series_field::TAGS, tag);
    }
    for point in points.iter().filter(|point| point.value.is_finite()) {
        wire::message_field(out, series_field::POINTS, |out| {
            wire::double_field(out, 1, point.value);
            wire::number_field(out, 2, point.time as u64);
        });
    }
    wire::number_field(out, series_field::KIND, kind);
    wire::text_field(out, series_field::UNIT, series.unit);
    wire::text_field(out, series_field::SOURCE_TYPE_NAME, source_type(&series.metric));
    wire::number_field(out, series_field::INTERVAL, u64::from(series.interval));
}

fn write_resource(out: &mut Vec<u8>, kind: &str, name: &str) {
    wire::message_field(out, series_field::RESOURCES, |out| {
        wire::text_field(out, 1, kind);
        wire::text_field(out, 2, name);
    });
}

fn is_resource(tag: &str) -> bool {
    tag.starts_with(DEVICE_TAG) || tag.strip_prefix(RESOURCE_TAG).is_some_and(|resource| resource.contains(':'))
}

/// Datadog's agent files the host's own metrics under `System`.
fn source_type(metric: &str) -> &'static str {
    if metric.starts_with("system.") { "System" } else { "" }
}

/// The payloads of sketches.
pub(super) fn sketches(all: &[SketchSeries], closing: Closing) -> Vec<Raw> {
    let mut payloads = Payloads::new(closing);
    let mut item = Vec::new();
    for series in all {
        for points in series.points.chunks(MAX_SKETCHES_PER_ITEM.min(closing.points)) {
            let filled = points.iter().filter(|point| point.sketch.count() > 0).count();
            if filled > 0 {
                item.clear();
                write_sketches(&mut item, series, points);
                payloads.add(&item, filled);
            }
        }
    }
    payloads.finish()
}

fn write_sketches(out: &mut Vec<u8>, series: &SketchSeries, points: &[SketchPoint]) {
    wire::text_field(out, 1, &series.metric);
    wire::text_field(out, 2, &series.host);
    for tag in &series.tags {
        wire::text_field(out, 4, tag);
    }
    for point in points.iter().filter(|point| point.sketch.count() > 0) {
        wire::message_field(out, 7, |out| write_sketch(out, point));
    }
}

fn write_sketch(out: &mut Vec<u8>, point: &SketchPoint) {
    let sketch = &point.sketch;
    wire::number_field(out, 1, point.time as u64);
    wire::number_field(out, 2, sketch.count());
    wire::double_field(out, 3, sketch.min().unwrap_or(0.0));
    wire::double_field(out, 4, sketch.max().unwrap_or(0.0));
    wire::double_field(out, 5, sketch.avg().unwrap_or(0.0));
    wire::double_field(out, 6, sketch.sum());
    let (mut keys, mut counts) = (Vec::new(), Vec::new());
    for bin in sketch.bins() {
        // A count on the wire has 32 bits; a key may come twice.
        let mut left = bin.count;
        while left > 0 {
            let count = left.min(u64::from(u32::MAX));
            wire::zigzag(&mut keys, i64::from(bin.key));
            wire::varint(&mut counts, count);
            left -= count;
        }
    }
    wire::bytes_field(out, 7, &keys);
    wire::bytes_field(out, 8, &counts);
}
