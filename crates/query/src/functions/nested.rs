//! Further layers over groups and time, and remaps (reference: functions.md §12, metric-queries.md §10).

use std::collections::BTreeMap;

use galgo_core::tags::normalise_tag;

use crate::error::QueryError;
use crate::evaluate::{Bound, BoundArg, Evaluator, apply};
use crate::frame::{Frame, Group, Value};
use crate::reduce::{Aggregator, Statistic};
use crate::window::Window;

use super::{ArgDef, ArgKind, Body, Definition, Family, UnitEffect, frame, optional, query, required};

const KEYS: &[ArgDef] = &[query("query"), optional("keys", ArgKind::Keys)];
const KEYS_OR_QUERY: &[ArgDef] = &[query("query"), optional("keys", ArgKind::QueryOrKeys)];
const PERCENTILE: &[ArgDef] = &[query("query"), required("percentile", ArgKind::Text), optional("keys", ArgKind::Keys)];
const REDUCE: &[ArgDef] = &[query("query"), optional("aggregator", ArgKind::Text)];
const TWO: &[ArgDef] = &[query("left"), query("right")];
const THRESHOLD: &[ArgDef] = &[query("query"), required("threshold", ArgKind::Number)];
const BETWEEN: &[ArgDef] = &[query("query"), required("low", ArgKind::Number), required("high", ArgKind::Number)];

pub(super) fn definitions() -> Vec<Definition> {
    let of =
        |name: &str, args, summary: &str, body| Definition::new(name, Family::Nested, args, summary, body).pointwise();
    let space = |statistic| frame(move |input, bound: &Bound<'_>| regroup(input, bound, 1, statistic));
    vec![
        of("avg", KEYS, "mean of the groups that agree on the keys", space(Statistic::Avg)),
        of("sum", KEYS, "sum of the groups that agree on the keys", space(Statistic::Sum)),
        of("min", KEYS_OR_QUERY, "smallest of the groups that agree on the keys, or of two queries", Body::Own(min)),
        of("max", KEYS_OR_QUERY, "largest of the groups that agree on the keys, or of two queries", Body::Own(max)),
        of("stddev", KEYS, "standard deviation of the groups that agree on the keys", space(Statistic::Stddev)),
        of(
            "percentile",
            PERCENTILE,
            "percentile (`p95`) of the groups that agree on the keys",
            frame(|input, bound| {
                let name = bound.text(1).unwrap_or_default();
                match Statistic::parse(name) {
                    Some(statistic @ Statistic::Percentile(_)) => regroup(input, bound, 2, statistic),
                    _ => Err(bound.fault(1, format!("no percentile: {name} (such as p95)"))),
                }
            }),
        ),
        Definition::new(
            "reduce",
            Family::Nested,
            REDUCE,
            "one number for the whole window: `avg`, `sum`, `min`, `max`, `last`, `l2norm`, `area`",
            frame(reduce),
        ),
        of("minimum", TWO, "the smaller of two queries at each bucket", Body::Own(minimum)),
        of("maximum", TWO, "the larger of two queries at each bucket", Body::Own(maximum)),
        of(
            "is_greater",
            THRESHOLD,
            "1 where the value is above the threshold, else 0",
            frame(|input, bound| {
                let threshold = bound.number(1).unwrap_or(f64::NAN);
                Ok(input.map(|value| flag(value, value > threshold)))
            }),
        )
        .unit(UnitEffect::Loses),
        of(
            "is_less",
            THRESHOLD,
            "1 where the value is below the threshold, else 0",
            frame(|input, bound| {
                let threshold = bound.number(1).unwrap_or(f64::NAN);
                Ok(input.map(|value| flag(value, value < threshold)))
            }),
        )
        .unit(UnitEffect::Loses),
        of(
            "is_between",
            BETWEEN,
            "1 where the value lies between the two, which do not belong to it, else 0",
            frame(|input, bound| {
                let (low, high) = (bound.number(1).unwrap_or(f64::NAN), bound.number(2).unwrap_or(f64::NAN));
                Ok(input.map(|value| flag(value, value > low && value < high)))
            }),
        )
        .unit(UnitEffect::Loses),
    ]
}

fn flag(value: f64, holds: bool) -> f64 {
    if value.is_nan() { value } else { f64::from(u8::from(holds)) }
}

/// Combines groups that agree on the keys at a place of the arguments; without keys all of them.
fn regroup(input: Frame, bound: &Bound<'_>, place: usize, statistic: Statistic) -> Result<Frame, QueryError> {
    let keys: Vec<String> = match bound.arg(place) {
        Some(BoundArg::Keys(keys)) => keys.iter().map(|key| normalise_tag(key).into_owned()).collect(),
        _ => Vec::new(),
    };
    let Some(positions) = input.positions(&keys) else {
        let lacking = keys.iter().find(|key| !input.keys.contains(key)).map_or("", String::as_str);
        return Err(bound.fault(place, format!("the query is not grouped by {lacking}")));
    };
    let mut groups: BTreeMap<Vec<Option<String>>, Vec<&Group>> = BTreeMap::new();
    for row in &input.rows {
        groups.entry(positions.iter().map(|&at| row.tags[at].clone()).collect()).or_default().push(row);
    }
    let mut scratch = Vec::new();
    let mut combined = |members: &[&Group]| {
        let bucket = |bucket: usize| {
            scratch.clear();
            scratch.extend(members.iter().map(|row| row.values[bucket]));
            statistic.of(&mut scratch)
        };
        (0..input.axis.len()).map(bucket).collect::<Vec<f64>>()
    };
    let rows = groups.into_iter().map(|(tags, members)| Group::new(tags, combined(&members))).collect();
    Ok(Frame { axis: input.axis.clone(), keys, rows, missing: None, collapsed: input.collapsed })
}

fn reduce(mut input: Frame, bound: &Bound<'_>) -> Result<Frame, QueryError> {
    let name = bound.text(1).unwrap_or("avg");
    let aggregator = Aggregator::parse(name)
        .filter(|aggregator| *aggregator != Aggregator::Percentile)
        .ok_or_else(|| bound.fault(1, format!("no aggregator: {name} (avg, sum, min, max, last, l2norm, area)")))?;
    for row in &mut input.rows {
        let number = aggregator.reduce(&row.continued(), &input.axis);
        row.values.fill(number);
        row.finding = None;
    }
    Ok(Frame { missing: None, collapsed: true, ..input })
}

fn smaller(left: f64, right: f64) -> f64 {
    if left.is_nan() || right.is_nan() { f64::NAN } else { left.min(right) }
}

fn larger(left: f64, right: f64) -> f64 {
    if left.is_nan() || right.is_nan() { f64::NAN } else { left.max(right) }
}

/// What a function of two queries does at each bucket.
pub(crate) fn elementwise(name: &str) -> Option<fn(f64, f64) -> f64> {
    match name {
        "min" | "minimum" => Some(smaller),
        "max" | "maximum" => Some(larger),
        _ => None,
    }
}

fn min(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    keys_or_query(evaluator, bound, window, Statistic::Min, smaller)
}

fn max(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    keys_or_query(evaluator, bound, window, Statistic::Max, larger)
}

fn minimum(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    two(evaluator, bound, window, smaller)
}

fn maximum(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    two(evaluator, bound, window, larger)
}

fn keys_or_query(
    evaluator: &mut Evaluator<'_>,
    bound: &Bound<'_>,
    window: &Window,
    statistic: Statistic,
    op: fn(f64, f64) -> f64,
) -> Result<Value, QueryError> {
    if let Some(BoundArg::Query(_)) = bound.arg(1) {
        return two(evaluator, bound, window, op);
    }
    let frame = evaluator.frame(bound.query(0)?, window)?;
    regroup(frame, bound, 1, statistic).map(Value::Frame)
}

fn two(
    evaluator: &mut Evaluator<'_>,
    bound: &Bound<'_>,
    window: &Window,
    op: fn(f64, f64) -> f64,
) -> Result<Value, QueryError> {
    let left = evaluator.value(bound.query(0)?, window)?;
    let right = evaluator.value(bound.query(1)?, window)?;
    apply(left, right, op, evaluator.max_cells()).map_err(|message| bound.fault(1, message))
}
