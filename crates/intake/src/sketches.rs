//! POST /api/beta/sketches (protobuf `SketchPayload`; reference: intake-agent.md §6.1): the agent's distributions.
//! Unlike series, no text in it may be broken UTF-8, whoever sends it.

use galgo_core::sketch::Bin;
use galgo_core::{MetricKind, MetricSink, RawSeries, Sketch, SketchPoint};

use crate::proto::{Proto, Wire, is_probe, unzigzag};
use crate::report::{Context, DecodeError, Report};
use crate::validate::Gate;

/// Decodes the protobuf body of `/api/beta/sketches`.
pub fn decode<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Report, DecodeError> {
    let mut gate = Gate::new(ctx, sink);
    if is_probe(body) {
        return Ok(gate.into_report());
    }
    let mut scratch = Scratch::default();
    let mut payload = Proto::new(body);
    while let Some((field, wire)) = payload.next()? {
        if let (1, Wire::Bytes(series)) = (field, wire) {
            decode_series(series, &mut scratch, &mut gate)?;
        }
    }
    Ok(gate.into_report())
}

/// Lists of one series, kept from series to series for their capacity.
#[derive(Default)]
struct Scratch<'a> {
    tags: Vec<&'a str>,
    points: Vec<SketchPoint>,
    keys: Vec<i64>,
    counts: Vec<u64>,
}

fn decode_series<'a, S: MetricSink + ?Sized>(
    mut series: Proto<'a>,
    scratch: &mut Scratch<'a>,
    gate: &mut Gate<'_, S>,
) -> Result<(), DecodeError> {
    scratch.tags.clear();
    scratch.points.clear();
    let (mut metric, mut host) = ("", "");
    let mut unusable = Unusable::default();
    while let Some((field, wire)) = series.next()? {
        match (field, wire) {
            (1, Wire::Bytes(text)) => metric = text.text("metric")?,
            (2, Wire::Bytes(text)) => host = text.text("host")?,
            (4, Wire::Bytes(text)) => scratch.tags.push(text.text("tags")?),
            (7, Wire::Bytes(sketch)) => match read_sketch(sketch, &mut scratch.keys, &mut scratch.counts)? {
                Ok(point) => scratch.points.push(point),
                Err(reason) => unusable.add(reason),
            },
            _ => {}
        }
    }
    unusable.report(metric, gate.report());
    let kind = MetricKind::Distribution;
    let raw = RawSeries { metric, host, tags: &scratch.tags, pairs: &[], kind, interval: 0, unit: "" };
    gate.sketches(&raw, &mut scratch.points);
    Ok(())
}

/// Why sketches of a series are unusable, kept until its name is known. Allocates only in trouble.
#[derive(Debug, Default)]
pub(crate) struct Unusable(Vec<(&'static str, u64)>);

impl Unusable {
    pub(crate) fn add(&mut self, reason: &'static str) {
        match self.0.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.0.push((reason, 1)),
        }
    }

    pub(crate) fn report(self, metric: &str, report: &mut Report) {
        for (reason, count) in self.0 {
            report.drop_points(metric, count, reason);
        }
    }
}

/// Reads one `Dogsketch`; the inner error says why this one sketch is unusable.
fn read_sketch(
    mut message: Proto<'_>,
    keys: &mut Vec<i64>,
    counts: &mut Vec<u64>,
) -> Result<Result<SketchPoint, &'static str>, DecodeError> {
    keys.clear();
    counts.clear();
    let (mut time, mut count, mut min, mut max, mut sum) = (0, 0, 0.0, 0.0, 0.0);
    while let Some((field, wire)) = message.next()? {
        match (field, wire) {
            (1, Wire::Varint(seconds)) => time = seconds as i64,
            (2, Wire::Varint(values)) => count = values as i64,
            (3, Wire::Fixed64(bits)) => min = f64::from_bits(bits),
            (4, Wire::Fixed64(bits)) => max = f64::from_bits(bits),
            (6, Wire::Fixed64(bits)) => sum = f64::from_bits(bits),
            (7, Wire::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    keys.push(packed.zigzag()?);
                }
            }
            (7, Wire::Varint(key)) => keys.push(unzigzag(key)),
            (8, Wire::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    counts.push(packed.varint()?);
                }
            }
            (8, Wire::Varint(values)) => counts.push(values),
            _ => {}
        }
    }
    if keys.len() != counts.len() {
        return Ok(Err("sketch has not as many bin counts as bin keys"));
    }
    let bins = keys.iter().copied().zip(counts.iter().copied());
    Ok(sketch_of(bins, count, sum, min, max).map(|sketch| SketchPoint { time, sketch }))
}

/// A sketch from its parts on the wire, or why there is none.
pub(crate) fn sketch_of(
    bins: impl Iterator<Item = (i64, u64)> + Clone,
    count: i64,
    sum: f64,
    min: f64,
    max: f64,
) -> Result<Sketch, &'static str> {
    let count = u64::try_from(count).ok().filter(|&count| count > 0).ok_or("sketch has no values")?;
    // The smallest i16 is no key: keys are symmetric around 0.
    if bins.clone().any(|(key, _)| i16::try_from(key).map_or(true, |key| key == i16::MIN)) {
        return Err("sketch has a bin key beyond 32767");
    }
    if bins.clone().any(|(_, count)| count > u64::from(u32::MAX)) {
        return Err("sketch has a bin count beyond 4294967295");
    }
    // Quantiles are kept between the two. NaN is left to the gate.
    if min > max {
        return Err("sketch has a minimum above its maximum");
    }
    let bins = bins.map(|(key, count)| Bin { key: key as i16, count });
    Ok(Sketch::from_parts(bins, count, sum, min, max))
}
