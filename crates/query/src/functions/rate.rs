//! Changes over time (reference: functions.md §4). Points are buckets that have a value; a change is to the point
//! before, wherever it lies within reach.

use crate::error::QueryError;
use crate::evaluate::{Bound, Evaluator};
use crate::frame::{Axis, Frame, Value};
use crate::kernel::DEFAULT_FILL_LIMIT;
use crate::source::SeriesDiff;
use crate::window::Window;

use super::{Body, Definition, Family, Margin, QUERY, UnitEffect, each_series};

/// How far back the point before the first bucket is looked for.
const PREDECESSOR: Margin = Margin { back_buckets: 1, back_seconds: DEFAULT_FILL_LIMIT, ahead_buckets: 0 };

pub(super) fn definitions() -> Vec<Definition> {
    let of = |name: &str, summary: &str, body| Definition::new(name, Family::Rate, QUERY, summary, body);
    let per = |seconds: f64| {
        each_series(PREDECESSOR, move |axis, values| change(axis, values, |delta, elapsed| delta / elapsed * seconds))
    };
    vec![
        of("per_second", "change per second since the point before", per(1.0)).unit(UnitEffect::PerSecond),
        of("per_minute", "change per minute since the point before", per(60.0)).unit(UnitEffect::Loses),
        of("per_hour", "change per hour since the point before", per(3600.0)).unit(UnitEffect::Loses),
        of(
            "dt",
            "seconds since the point before, over all groups together",
            Body::Frame { margin: Box::new(|_| PREDECESSOR), apply: Box::new(|frame, _| Ok(dt(&frame))) },
        )
        .unit(UnitEffect::Loses),
        of("diff", "change since the bucket before, of each series before they are combined", Body::Own(diff)),
        of(
            "monotonic_diff",
            "change since the bucket before, of each series before they are combined; drops (counter resets) count for nothing",
            Body::Own(monotonic_diff),
        ),
        of("derivative", "change per second since the point before", per(1.0))
            .alias("rate")
            .unit(UnitEffect::PerSecond),
        of("throughput", "value divided by the seconds of its bucket", each_series(Margin::NONE, throughput))
            .unit(UnitEffect::PerSecond),
    ]
}

/// Replaces each value by something made of its difference to the one before and the seconds between.
fn change(axis: &Axis, values: &mut [f64], of: impl Fn(f64, f64) -> f64) {
    let mut before: Option<(i64, f64)> = None;
    for (bucket, value) in values.iter_mut().enumerate().filter(|(_, value)| !value.is_nan()) {
        let now = (axis.starts[bucket], *value);
        *value = before.map_or(f64::NAN, |(time, earlier)| of(now.1 - earlier, (now.0 - time) as f64));
        before = Some(now);
    }
}

fn throughput(axis: &Axis, values: &mut [f64]) {
    for (bucket, value) in values.iter_mut().enumerate() {
        *value /= axis.length(bucket) as f64;
    }
}

fn dt(frame: &Frame) -> Frame {
    let mut times = vec![f64::NAN; frame.axis.len()];
    for row in &frame.rows {
        for (bucket, _) in row.values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            times[bucket] = frame.axis.starts[bucket] as f64;
        }
    }
    change(&frame.axis, &mut times, |delta, _| delta);
    frame.single(times)
}

fn diff(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    difference(evaluator, bound, window, SeriesDiff::Plain)
}

fn monotonic_diff(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    difference(evaluator, bound, window, SeriesDiff::Monotonic)
}

/// Around a metric query the store takes the differences of each series; around anything else those of the groups.
fn difference(
    evaluator: &mut Evaluator<'_>,
    bound: &Bound<'_>,
    window: &Window,
    kind: SeriesDiff,
) -> Result<Value, QueryError> {
    let expr = bound.query(0)?;
    if let Some((query, span)) = evaluator.leaf_query(expr)?
        && !needs_sketches(query.space)
        && evaluator.kind_of(&query.metric) != Some(galgo_core::MetricKind::Distribution)
    {
        return evaluator.query(&query, span, window, Some(kind)).map(Value::Frame);
    }
    let drop = |delta: f64, _| if kind == SeriesDiff::Monotonic && delta < 0.0 { f64::NAN } else { delta };
    let frame = evaluator.with_margin(expr, window, PREDECESSOR, |frame| {
        Ok(frame.map_rows(|axis, values| change(axis, values, drop)))
    })?;
    Ok(Value::Frame(frame))
}

fn needs_sketches(space: Option<crate::source::SpaceAgg>) -> bool {
    use crate::source::SpaceAgg;
    matches!(space, Some(SpaceAgg::Percentile(_) | SpaceAgg::Stddev | SpaceAgg::Count | SpaceAgg::CountBetween { .. }))
}
