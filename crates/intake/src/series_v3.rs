//! The columnar payload of series and sketches, v3 (reference: intake-agent.md §5.5): dictionaries of names, tag sets
//! and resources, and one column for each property of all series.
//!
//! Nothing is materialised: columns are read in step straight from the body ([`column`]), and a tag set, which may be
//! put together from earlier ones, is resolved when a series refers to it ([`dictionary`]). So what a payload costs is
//! bounded by its size, whatever its lengths and references claim. Failure has two levels, as at Datadog's intake: a
//! broken reference or dictionary refuses the payload; a column that ends early cuts the tail of that series.

mod column;
mod dictionary;

use galgo_core::{MetricKind, MetricSink, Point, RawSeries, SketchPoint};

use self::column::{Column, Deltas};
use self::dictionary::{Dictionaries, Metadata, Resolved};
use crate::proto::{Proto, Wire, is_probe};
use crate::report::{Context, DecodeError, Report};
use crate::sketches::{Unusable, sketch_of};
use crate::validate::Gate;

const KIND_MASK: u64 = 0x0f;
const KIND_SKETCH: u64 = 4;
const VALUE_MASK: u64 = 0xf0;
const VALUE_ZERO: u64 = 0x00;
const VALUE_SINT64: u64 = 0x10;
const VALUE_FLOAT32: u64 = 0x20;
const VALUE_FLOAT64: u64 = 0x30;
const FLAG_HAS_UNIT: u64 = 0x200;

/// Decodes a body of `/api/intake/metrics/v3/series`, `…/v3/sketches` or their v3beta forms.
pub fn decode<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Report, DecodeError> {
    let mut gate = Gate::new(ctx, sink);
    if is_probe(body) {
        return Ok(gate.into_report());
    }
    let mut metadata = Metadata::default();
    let mut data = None;
    let mut payload = Proto::new(body);
    while let Some((field, wire)) = payload.next()? {
        match (field, wire) {
            (2, Wire::Bytes(message)) => metadata.read(message)?,
            (3, Wire::Bytes(message)) => data = Some(message),
            _ => {}
        }
    }
    let data = data.ok_or_else(|| payload.malformed("no metric data"))?;
    let columns = MetricData::read(data)?;
    let dictionaries = columns.dictionaries(&metadata)?;
    columns.walk(&dictionaries, &mut gate)?;
    Ok(gate.into_report())
}

/// The fields of `MetricData` as they stand in the body, by number.
struct MetricData<'a> {
    columns: [Column<'a>; MetricData::FIELDS],
}

impl<'a> MetricData<'a> {
    /// Field numbers run from 1 to 26.
    const FIELDS: usize = 27;

    fn read(mut message: Proto<'a>) -> Result<Self, DecodeError> {
        let mut data = Self { columns: std::array::from_fn(|_| Column::default()) };
        while let Some((field, wire)) = message.next()? {
            if let Some(column) = data.columns.get_mut(field as usize) {
                column.push(wire);
            }
        }
        Ok(data)
    }

    fn column(&self, field: usize) -> Proto<'_> {
        self.columns[field].read()
    }

    fn deltas(&self, field: usize) -> Deltas<'_> {
        Deltas::new(self.column(field))
    }

    fn dictionaries<'d>(&'d self, metadata: &'d Metadata<'_>) -> Result<Dictionaries<'d>, DecodeError> {
        Ok(Dictionaries {
            names: dictionary::texts(self.column(1), "metric name")?,
            units: dictionary::texts(self.column(25), "unit")?,
            source_types: dictionary::texts(self.column(8), "source type name")?.len(),
            origins: dictionary::origins(self.column(9))?,
            tags: dictionary::TagSets::read(self.column(2), self.column(3), &metadata.tags)?,
            resources: dictionary::Resources::read(
                self.column(4),
                [self.column(5), self.column(6), self.column(7)],
                &metadata.resources,
            )?,
        })
    }

    fn walk<S: MetricSink + ?Sized>(
        &self,
        dictionaries: &Dictionaries<'_>,
        gate: &mut Gate<'_, S>,
    ) -> Result<(), DecodeError> {
        let mut types = self.column(10);
        let mut references = References {
            name: self.deltas(11),
            tags: self.deltas(12),
            resources: self.deltas(13),
            source_type: self.deltas(23),
            origin: self.deltas(24),
            unit: self.deltas(26),
        };
        let (mut intervals, mut point_counts) = (self.column(14), self.column(15));
        let mut columns = PointColumns {
            times: self.deltas(16),
            sint64: self.column(17),
            float32: self.column(18),
            float64: self.column(19),
            bin_counts_of: self.column(20),
            bin_keys: self.column(21),
            bin_counts: self.column(22),
            bins: Vec::new(),
        };
        let mut scratch = Scratch::default();
        while !types.is_empty() {
            let kind_bits = types.varint()?;
            let series = references.next(kind_bits, dictionaries)?;
            let interval = u32::try_from(intervals.varint()?).unwrap_or(u32::MAX);
            let declared_points = point_counts.varint()?;
            let unusable = columns.read(kind_bits, declared_points, &mut scratch.points, &mut scratch.sketches)?;
            let metric = dictionaries.names[series.name];
            unusable.report(metric, gate.report());
            if let Err(reason) = emit(kind_bits, &series, interval, dictionaries, &mut scratch, gate) {
                gate.report().drop_series(metric, reason);
            }
        }
        Ok(())
    }
}

/// Lists of one series, kept from series to series.
#[derive(Default)]
struct Scratch<'a> {
    points: Vec<Point>,
    sketches: Vec<SketchPoint>,
    tags: Resolved<&'a str>,
    pairs: Resolved<(&'a str, &'a str)>,
}

/// Puts a series together and passes it on; the error is for the report.
fn emit<'a, S: MetricSink + ?Sized>(
    kind_bits: u64,
    series: &SeriesReferences,
    interval: u32,
    dictionaries: &'a Dictionaries<'_>,
    scratch: &mut Scratch<'a>,
    gate: &mut Gate<'_, S>,
) -> Result<(), String> {
    let kind = match kind_bits & KIND_MASK {
        1 => MetricKind::Count,
        2 => MetricKind::Rate,
        3 => MetricKind::Gauge,
        KIND_SKETCH => MetricKind::Distribution,
        unknown => return Err(format!("unknown metric type {unknown}")),
    };
    dictionaries.tags.resolve(series.tags, &mut scratch.tags)?;
    dictionaries.resources.resolve(series.resources, &mut scratch.pairs)?;
    let raw = RawSeries {
        metric: dictionaries.names[series.name],
        host: dictionary::host_of(&scratch.pairs.list),
        tags: &scratch.tags.list,
        pairs: &dictionary::without_host(&scratch.pairs.list),
        kind,
        interval,
        unit: dictionaries.units[series.unit],
    };
    match kind {
        MetricKind::Distribution => gate.sketches(&raw, &mut scratch.sketches),
        _ => gate.series(&raw, &mut scratch.points),
    }
    Ok(())
}

/// The columns of references into dictionaries.
struct References<'a> {
    name: Deltas<'a>,
    tags: Deltas<'a>,
    resources: Deltas<'a>,
    source_type: Deltas<'a>,
    origin: Deltas<'a>,
    unit: Deltas<'a>,
}

/// Where the properties of one series stand in their dictionaries; all within bounds.
struct SeriesReferences {
    name: usize,
    tags: usize,
    resources: usize,
    unit: usize,
}

impl References<'_> {
    fn next(&mut self, kind_bits: u64, dictionaries: &Dictionaries<'_>) -> Result<SeriesReferences, DecodeError> {
        self.source_type.next_index(dictionaries.source_types, "source type reference out of range")?;
        self.origin.next_index(dictionaries.origins, "origin reference out of range")?;
        let unit = if kind_bits & FLAG_HAS_UNIT == 0 {
            0
        } else {
            self.unit.next_index(dictionaries.units.len(), "unit reference out of range")?
        };
        Ok(SeriesReferences {
            name: self.name.next_index(dictionaries.names.len(), "name reference out of range")?,
            tags: self.tags.next_index(dictionaries.tags.len(), "tag set reference out of range")?,
            resources: self.resources.next_index(dictionaries.resources.len(), "resource reference out of range")?,
            unit,
        })
    }
}

/// The columns of times and values, shared by all series in turn.
struct PointColumns<'a> {
    times: Deltas<'a>,
    sint64: Proto<'a>,
    float32: Proto<'a>,
    float64: Proto<'a>,
    bin_counts_of: Proto<'a>,
    bin_keys: Proto<'a>,
    bin_counts: Proto<'a>,
    bins: Vec<(i64, u64)>,
}

impl PointColumns<'_> {
    /// Takes the points of one series out of the columns, as far as these reach. Gives back why points were unusable.
    fn read(
        &mut self,
        kind_bits: u64,
        declared: u64,
        points: &mut Vec<Point>,
        sketches: &mut Vec<SketchPoint>,
    ) -> Result<Unusable, DecodeError> {
        points.clear();
        sketches.clear();
        let value_kind = kind_bits & VALUE_MASK;
        let mut unusable = Unusable::default();
        for _ in 0..declared {
            // Every point takes a time, so a lie about their number ends with that column.
            let Some(time) = self.times.next()? else { break };
            if kind_bits & KIND_MASK != KIND_SKETCH {
                match self.value(value_kind)? {
                    Some(value) => points.push(Point { time, value }),
                    None => break,
                }
                continue;
            }
            match self.sketch(value_kind)? {
                Some(Ok(sketch)) => sketches.push(SketchPoint { time, sketch }),
                Some(Err(reason)) => unusable.add(reason),
                None => break,
            }
        }
        Ok(unusable)
    }

    /// The next value, `None` when its column is used up.
    fn value(&mut self, value_kind: u64) -> Result<Option<f64>, DecodeError> {
        Ok(match value_kind {
            VALUE_SINT64 if !self.sint64.is_empty() => Some(self.sint64.zigzag()? as f64),
            VALUE_FLOAT32 if !self.float32.is_empty() => Some(f64::from(f32::from_le_bytes(self.float32.fixed()?))),
            VALUE_FLOAT64 if !self.float64.is_empty() => Some(f64::from_le_bytes(self.float64.fixed()?)),
            VALUE_SINT64 | VALUE_FLOAT32 | VALUE_FLOAT64 => None,
            // A zero stores nothing, nor does a kind of value that nobody knows; the latter is no number.
            VALUE_ZERO => Some(0.0),
            _ => Some(f64::NAN),
        })
    }

    /// The next sketch, `None` when a column is used up; the inner error says why this one sketch is unusable.
    fn sketch(&mut self, value_kind: u64) -> Result<Option<Result<galgo_core::Sketch, &'static str>>, DecodeError> {
        if self.bin_counts_of.is_empty() {
            return Ok(None);
        }
        let bins = self.bin_counts_of.varint()?;
        let (Some(sum), Some(min), Some(max)) =
            (self.value(value_kind)?, self.value(value_kind)?, self.value(value_kind)?)
        else {
            return Ok(None);
        };
        if self.sint64.is_empty() {
            return Ok(None);
        }
        let count = self.sint64.zigzag()?;
        self.bins.clear();
        let mut key = 0_i64;
        for _ in 0..bins {
            if self.bin_keys.is_empty() || self.bin_counts.is_empty() {
                return Ok(None);
            }
            key = key.wrapping_add(self.bin_keys.zigzag()?);
            self.bins.push((key, self.bin_counts.varint()?));
        }
        Ok(Some(sketch_of(self.bins.iter().copied(), count, sum, min, max)))
    }
}
