//! POST /api/v2/series (reference: intake-agent.md §5.2), as JSON and as protobuf `MetricPayload`. The protobuf form is
//! what agents send by default, so its decoder is the hottest code of the intake.

use std::borrow::Cow;

use galgo_core::{MetricKind, MetricSink, Point, RawSeries};

use crate::proto::{Proto, Wire, is_probe};
use crate::repair::repair;
use crate::report::{Context, DecodeError, Report};
use crate::series_json;
use crate::validate::Gate;

/// Decodes the JSON body of `/api/v2/series`.
pub fn decode_json<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Report, DecodeError> {
    series_json::decode(body, ctx, sink)
}

/// Decodes the protobuf body of `/api/v2/series`.
pub fn decode_proto<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Report, DecodeError> {
    let mut gate = Gate::new(ctx, sink);
    if is_probe(body) {
        return Ok(gate.into_report());
    }
    let mut scratch = Scratch::default();
    let mut payload = Proto::new(body);
    while let Some((field, wire)) = payload.next()? {
        if let (1, Wire::Bytes(series)) = (field, wire) {
            decode_series(series, ctx, &mut scratch, &mut gate)?;
        }
    }
    Ok(gate.into_report())
}

/// Number of the field of tags in a series.
const TAGS: u32 = 3;

/// Lists of one series, kept from series to series for their capacity.
#[derive(Default)]
struct Scratch<'a> {
    tags: Vec<&'a str>,
    pairs: Vec<(&'a str, &'a str)>,
    points: Vec<Point>,
}

#[derive(Default)]
struct Fields<'a> {
    metric: &'a str,
    host: &'a str,
    kind: u64,
    interval: u32,
    unit: &'a str,
    has_broken_tag: bool,
}

fn decode_series<'a, S: MetricSink + ?Sized>(
    series: Proto<'a>,
    ctx: &Context,
    scratch: &mut Scratch<'a>,
    gate: &mut Gate<'_, S>,
) -> Result<(), DecodeError> {
    let fields = read_fields(series, scratch)?;
    let kind = match fields.kind {
        0 | 3 => MetricKind::Gauge,
        1 => MetricKind::Count,
        2 => MetricKind::Rate,
        unknown => {
            gate.report().drop_series(fields.metric, format!("unknown metric type {unknown}"));
            return Ok(());
        }
    };
    let mut emit = |tags: &[&str]| {
        let (metric, host, interval, unit) = (fields.metric, fields.host, fields.interval, fields.unit);
        gate.series(
            &RawSeries { metric, host, tags, pairs: &scratch.pairs, kind, interval, unit },
            &mut scratch.points,
        );
    };
    if !fields.has_broken_tag {
        emit(&scratch.tags);
        return Ok(());
    }
    if !ctx.from_agent {
        return Err(DecodeError::NotUtf8 { field: "tags" });
    }
    let repaired = repaired_tags(series)?;
    let tags: Vec<&str> = repaired.iter().map(AsRef::as_ref).collect();
    emit(&tags);
    Ok(())
}

fn read_fields<'a>(mut series: Proto<'a>, scratch: &mut Scratch<'a>) -> Result<Fields<'a>, DecodeError> {
    scratch.tags.clear();
    scratch.pairs.clear();
    scratch.points.clear();
    let mut fields = Fields::default();
    loop {
        // Most of a series are short texts, tags above all; numbers and whatever else take the general way.
        while let Some((field, text)) = series.next_short() {
            read_text(&mut fields, scratch, field, text)?;
            if field == TAGS {
                series.take_short_texts(TAGS as u8, &mut scratch.tags);
            }
        }
        match series.next()? {
            Some((field, Wire::Bytes(text))) => read_text(&mut fields, scratch, field, text)?,
            Some((5, Wire::Varint(kind))) => fields.kind = kind,
            Some((8, Wire::Varint(seconds))) => fields.interval = interval_of(seconds as i64),
            Some(_) => {}
            None => return Ok(fields),
        }
    }
}

#[inline]
fn read_text<'a>(
    fields: &mut Fields<'a>,
    scratch: &mut Scratch<'a>,
    field: u32,
    text: Proto<'a>,
) -> Result<(), DecodeError> {
    match field {
        1 => {
            let (kind, name) = read_resource(text)?;
            if kind != "host" {
                scratch.pairs.push((kind, name));
            } else if fields.host.is_empty() {
                fields.host = name;
            }
        }
        2 => fields.metric = text.text("metric")?,
        TAGS => match text.text("tags") {
            Ok(tag) => scratch.tags.push(tag),
            Err(_) => fields.has_broken_tag = true,
        },
        4 => scratch.points.push(read_point(text)?),
        6 => fields.unit = text.text("unit")?,
        // Not kept, but text all the same: broken bytes refuse the payload.
        7 => drop(text.text("source_type_name")?),
        _ => {}
    }
    Ok(())
}

fn read_resource(mut resource: Proto<'_>) -> Result<(&str, &str), DecodeError> {
    let (mut kind, mut name) = ("", "");
    loop {
        let (field, text) = match resource.next_short() {
            Some(short) => short,
            None => match resource.next()? {
                Some((field, Wire::Bytes(text))) => (field, text),
                Some(_) => continue,
                None => return Ok((kind, name)),
            },
        };
        match field {
            1 if text.bytes() == b"host" => kind = "host",
            1 => kind = text.text("resource type")?,
            2 => name = text.text("resource name")?,
            _ => {}
        }
    }
}

#[inline]
fn read_point(mut point: Proto<'_>) -> Result<Point, DecodeError> {
    let mut read = Point { time: 0, value: 0.0 };
    while let Some((field, wire)) = point.next()? {
        match (field, wire) {
            (1, Wire::Fixed64(bits)) => read.value = f64::from_bits(bits),
            (2, Wire::Varint(seconds)) => read.time = seconds as i64,
            _ => {}
        }
    }
    Ok(read)
}

fn repaired_tags(mut series: Proto<'_>) -> Result<Vec<Cow<'_, str>>, DecodeError> {
    let mut tags = Vec::new();
    while let Some((field, wire)) = series.next()? {
        if let (TAGS, Wire::Bytes(tag)) = (field, wire) {
            tags.push(repair(tag.bytes()));
        }
    }
    Ok(tags)
}

/// An interval as it is kept: negative ones are unknown.
pub(crate) fn interval_of(seconds: i64) -> u32 {
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}
