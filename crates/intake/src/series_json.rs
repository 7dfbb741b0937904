//! The JSON form of series, shared by v1 and v2. The two differ in how they write the type (word or number), the
//! points (`[time, value]` or `{"timestamp", "value"}`) and the host (key or resource); either is read in both, because
//! clients mix them and nothing is ambiguous.

use galgo_core::{MetricKind, MetricSink, Point, RawSeries};

use crate::json::{Escapes, Json};
use crate::proto::is_probe;
use crate::report::{Context, DecodeError, Report};
use crate::series_v2::interval_of;
use crate::validate::Gate;

/// Decodes `{"series": […]}`.
pub(crate) fn decode<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Report, DecodeError> {
    let mut gate = Gate::new(ctx, sink);
    let mut points = Vec::new();
    each_series(body, |json, fields, phase| match phase {
        Phase::Begin => {
            points.clear();
            Ok(())
        }
        Phase::Points => read_points(json, &mut points),
        Phase::End => {
            match fields.kind {
                Ok(kind) => gate.series(&fields.raw(kind), &mut points),
                Err(unknown) => {
                    let shown = &unknown[..unknown.floor_char_boundary(40)];
                    gate.report().drop_series(fields.metric, format!("unknown metric type {shown:?}"));
                }
            }
            Ok(())
        }
    })?;
    Ok(gate.into_report())
}

/// Where [`each_series`] is in a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A series begins.
    Begin,
    /// The reader stands at the value of `points`, which the visitor must read.
    Points,
    /// Every key of the series has been read.
    End,
}

/// What is known of a series beside its points.
pub(crate) struct Fields<'a> {
    pub(crate) metric: &'a str,
    host: &'a str,
    /// The type, or what stands there when it is none.
    kind: Result<MetricKind, &'a str>,
    interval: u32,
    unit: &'a str,
    tags: Vec<&'a str>,
    pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Fields<'a> {
    fn new() -> Self {
        Self {
            metric: "",
            host: "",
            kind: Ok(MetricKind::Gauge),
            interval: 0,
            unit: "",
            tags: Vec::new(),
            pairs: Vec::new(),
        }
    }

    fn clear(&mut self) {
        (self.metric, self.host, self.unit, self.interval, self.kind) = ("", "", "", 0, Ok(MetricKind::Gauge));
        self.tags.clear();
        self.pairs.clear();
    }

    pub(crate) fn raw(&self, kind: MetricKind) -> RawSeries<'_> {
        RawSeries {
            metric: self.metric,
            host: self.host,
            tags: &self.tags,
            pairs: &self.pairs,
            kind,
            interval: self.interval,
            unit: self.unit,
        }
    }

    /// Reads the value of a key; false when the key is not one of a series.
    fn read(&mut self, json: &mut Json<'a>, key: &str) -> Result<bool, DecodeError> {
        match key {
            "metric" => self.metric = json.string_or_null()?,
            "host" => {
                let host = json.string_or_null()?;
                // An empty key leaves the host to the resources, whichever comes first.
                if !host.is_empty() {
                    self.host = host;
                }
            }
            "tags" => read_tags(json, &mut self.tags)?,
            "type" => self.kind = read_kind(json)?,
            "interval" if !json.null() => self.interval = interval_of(json.number()? as i64),
            "interval" => {}
            "unit" => self.unit = json.string_or_null()?,
            "device" | "device_name" => {
                let device = json.string_or_null()?;
                if !device.is_empty() {
                    self.pairs.push(("device", device));
                }
            }
            "resources" if !json.null() => self.read_resources(json)?,
            "resources" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn read_resources(&mut self, json: &mut Json<'a>) -> Result<(), DecodeError> {
        json.array(|json| {
            let (mut kind, mut name) = ("", "");
            json.object(|json, key| {
                match key {
                    "type" => kind = json.string_or_null()?,
                    "name" => name = json.string_or_null()?,
                    _ => json.skip()?,
                }
                Ok(())
            })?;
            if kind != "host" {
                self.pairs.push((kind, name));
            } else if self.host.is_empty() {
                self.host = name;
            }
            Ok(())
        })
    }
}

/// Walks `{"series": […]}` and calls `visit` for each series as [`Phase`] says.
pub(crate) fn each_series<F>(body: &[u8], mut visit: F) -> Result<(), DecodeError>
where
    F: FnMut(&mut Json<'_>, &Fields<'_>, Phase) -> Result<(), DecodeError>,
{
    if is_probe(body) {
        return Ok(());
    }
    let body = std::str::from_utf8(body).map_err(|_| DecodeError::NotUtf8 { field: "payload" })?;
    let escapes = Escapes::scan(body)?;
    let mut json = Json::new(body, &escapes);
    let mut fields = Fields::new();
    json.object(|json, key| {
        if key != "series" {
            return json.skip();
        }
        json.array(|json| {
            fields.clear();
            visit(json, &fields, Phase::Begin)?;
            json.object(|json, key| {
                if key == "points" {
                    return visit(json, &fields, Phase::Points);
                }
                if fields.read(json, key)? { Ok(()) } else { json.skip() }
            })?;
            visit(json, &fields, Phase::End)
        })
    })?;
    json.end()
}

/// Tags: an array (numbers and booleans count as text), one string of tags between commas, or `null`.
fn read_tags<'a>(json: &mut Json<'a>, tags: &mut Vec<&'a str>) -> Result<(), DecodeError> {
    match json.peek() {
        b'[' => json.array(|json| {
            tags.extend(json.scalar_text()?);
            Ok(())
        }),
        b'"' => {
            tags.extend(json.string()?.split(',').map(str::trim).filter(|tag| !tag.is_empty()));
            Ok(())
        }
        _ if json.null() => Ok(()),
        _ => Err(json.malformed("expected an array of tags")),
    }
}

fn read_kind<'a>(json: &mut Json<'a>) -> Result<Result<MetricKind, &'a str>, DecodeError> {
    let Some(text) = json.scalar_text()? else { return Ok(Ok(MetricKind::Gauge)) };
    Ok(Ok(match text {
        "gauge" | "" | "0" | "3" => MetricKind::Gauge,
        "count" | "counter" | "1" => MetricKind::Count,
        "rate" | "2" => MetricKind::Rate,
        _ => {
            let known = [MetricKind::Gauge, MetricKind::Count, MetricKind::Rate];
            let found = known.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text));
            return Ok(found.ok_or(text));
        }
    }))
}

/// Points of either form; one bare `[time, value]` counts as a list of one. A point whose value is `null` is none.
fn read_points(json: &mut Json<'_>, points: &mut Vec<Point>) -> Result<(), DecodeError> {
    if json.null() {
        return Ok(());
    }
    // A bare pair: its first number, until its second makes it a point.
    let mut bare_time = None;
    json.array(|json| match json.peek() {
        b'[' => read_pair(json, points),
        b'{' => read_point_object(json, points),
        _ if json.null() => Ok(()),
        _ => {
            let number = json.number()?;
            match bare_time.take() {
                None => bare_time = Some(number),
                Some(time) => points.push(Point { time: time as i64, value: number }),
            }
            Ok(())
        }
    })?;
    if bare_time.is_some() { Err(json.malformed("expected points to be pairs of time and value")) } else { Ok(()) }
}

fn read_pair(json: &mut Json<'_>, points: &mut Vec<Point>) -> Result<(), DecodeError> {
    let (mut index, mut time, mut value) = (0, 0, None);
    json.array(|json| {
        match index {
            0 => time = read_time(json)?,
            1 => value = read_value(json)?,
            _ => return Err(json.malformed("expected a point to be a pair of time and value")),
        }
        index += 1;
        Ok(())
    })?;
    if index != 2 {
        return Err(json.malformed("expected a point to be a pair of time and value"));
    }
    points.extend(value.map(|value| Point { time, value }));
    Ok(())
}

fn read_point_object(json: &mut Json<'_>, points: &mut Vec<Point>) -> Result<(), DecodeError> {
    let (mut time, mut value) = (0, None);
    json.object(|json, key| {
        match key {
            "timestamp" => time = read_time(json)?,
            "value" => value = read_value(json)?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    points.extend(value.map(|value| Point { time, value }));
    Ok(())
}

/// A time in seconds, rounded down; 0 for `null`.
pub(crate) fn read_time(json: &mut Json<'_>) -> Result<i64, DecodeError> {
    if json.null() {
        return Ok(0);
    }
    Ok(json.number()? as i64)
}

/// A value, perhaps wrapped in an array (the last one counts); `None` for `null`.
fn read_value(json: &mut Json<'_>) -> Result<Option<f64>, DecodeError> {
    if json.null() {
        return Ok(None);
    }
    if json.peek() != b'[' {
        return json.number().map(Some);
    }
    let mut value = None;
    json.array(|json| {
        value = if json.null() { None } else { Some(json.number()?) };
        Ok(())
    })?;
    Ok(value)
}
