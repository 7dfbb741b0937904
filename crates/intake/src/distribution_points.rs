//! POST /api/v1/distribution_points (JSON; reference: intake-agent.md §5.4): raw values, put into the sketch of their
//! second.

use galgo_core::{MetricKind, MetricSink, Sketch, SketchPoint};

use crate::json::Json;
use crate::report::{Context, DecodeError, Report};
use crate::series_json::{Phase, each_series, read_time};
use crate::validate::Gate;

/// Decodes the JSON body of `/api/v1/distribution_points`.
pub fn decode<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Report, DecodeError> {
    let mut gate = Gate::new(ctx, sink);
    let mut points = Vec::new();
    let mut not_numbers = 0;
    each_series(body, |json, fields, phase| {
        match phase {
            Phase::Begin => {
                points.clear();
                not_numbers = 0;
            }
            Phase::Points => read_points(json, &mut points, &mut not_numbers)?,
            Phase::End => {
                if not_numbers > 0 {
                    gate.report().drop_points(fields.metric, not_numbers, "value is not a number");
                }
                gate.sketches(&fields.raw(MetricKind::Distribution), &mut points);
            }
        }
        Ok(())
    })?;
    Ok(gate.into_report())
}

/// `[[time, [value, …]], …]`; one bare value counts as a list of one. Values of one second share a sketch.
fn read_points(json: &mut Json<'_>, points: &mut Vec<SketchPoint>, not_numbers: &mut u64) -> Result<(), DecodeError> {
    if json.null() {
        return Ok(());
    }
    json.array(|json| {
        let (mut index, mut time) = (0, 0);
        let mut sketch = Sketch::new();
        let mut insert = |value: f64| {
            *not_numbers += u64::from(value.is_nan());
            sketch.insert(value, 1);
        };
        json.array(|json| {
            index += 1;
            match index {
                1 => time = read_time(json)?,
                2 if json.null() => {}
                2 if json.peek() != b'[' => insert(json.number()?),
                2 => json.array(|json| {
                    if !json.null() {
                        insert(json.number()?);
                    }
                    Ok(())
                })?,
                _ => return Err(json.malformed("expected a point to be a pair of time and values")),
            }
            Ok(())
        })?;
        if index != 2 {
            return Err(json.malformed("expected a point to be a pair of time and values"));
        }
        if sketch.count() == 0 {
            return Ok(());
        }
        match points.last_mut() {
            Some(last) if last.time == time => last.sketch.merge(&sketch),
            _ => points.push(SketchPoint { time, sketch }),
        }
        Ok(())
    })
}
