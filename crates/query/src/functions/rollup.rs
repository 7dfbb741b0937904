//! Other buckets and kinds of values (reference: functions.md §6, metric-queries.md §6, §7, §10).

use crate::ast::{Arg, ArgValue, Call, Expr, ExprKind};
use crate::error::QueryError;
use crate::evaluate::{Bound, Evaluator};
use crate::frame::Value;
use crate::reduce::Statistic;
use crate::rollup::Rollup;
use crate::window::Window;

use super::{ArgDef, ArgKind, Body, Definition, Family, Margin, UnitEffect, moving, optional, query, required};

const ROLLUP: &[ArgDef] = &[
    query("query"),
    required("aggregator", ArgKind::Any),
    optional("interval", ArgKind::Any),
    optional("start", ArgKind::Any),
    optional("timezone", ArgKind::Any),
];
const MOVING: &[ArgDef] =
    &[query("query"), required("seconds", ArgKind::Number), optional("aggregator", ArgKind::Text)];
const QUERY: &[ArgDef] = &[query("query")];

/// Longest window of `moving_rollup` in seconds: 31 days.
const MAX_MOVING: f64 = 31.0 * 86400.0;
/// Most values that one `moving_rollup` looks at, all groups together: a few seconds of work.
const MAX_MOVING_WORK: usize = 1_000_000_000;

pub(super) fn definitions() -> Vec<Definition> {
    let of = |name: &str, args, summary: &str, body| Definition::new(name, Family::Rollup, args, summary, body);
    vec![
        of(
            "rollup",
            ROLLUP,
            "buckets of so many seconds, or `daily`, `weekly`, `monthly`, `yearly` with a start and a time zone; around a rollup, a further layer",
            Body::Own(rollup),
        )
        .modifier(),
        of(
            "moving_rollup",
            MOVING,
            "at each bucket `avg`, `sum`, `min`, `max`, `median`, `count`, `stddev` or a percentile of the last seconds",
            Body::Own(moving_rollup),
        ),
        of("as_count", QUERY, "values of counts and rates as counts of a bucket", Body::Own(push_modifier)).modifier(),
        of("as_rate", QUERY, "values of counts and rates per second", Body::Own(push_modifier))
            .modifier()
            .unit(UnitEffect::PerSecond),
    ]
}

fn rollup(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    let rollup = Rollup::of_args(&bound.call.args[1..], bound.call)?;
    evaluator.nested_rollup(bound.query(0)?, &rollup, window, bound.call.span)
}

/// `as_count(expression)` and its like: the same as the modifier after it.
pub(super) fn push_modifier(
    evaluator: &mut Evaluator<'_>,
    bound: &Bound<'_>,
    window: &Window,
) -> Result<Value, QueryError> {
    let args: Vec<Arg> = bound.call.args.get(1..).unwrap_or_default().to_vec();
    let modifier = Call { name: bound.call.name.clone(), args, span: bound.call.span };
    let inner = match &bound.call.args[0].value {
        ArgValue::Expr(inner) => Box::new(inner.clone()),
        _ => return Err(bound.fault(0, format!("{} needs a query", bound.call.name))),
    };
    let expr = Expr { kind: ExprKind::Modified { inner, modifier }, span: bound.call.span };
    evaluator.value(&expr, window)
}

fn moving_rollup(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    let seconds = bound.number(1).unwrap_or_default();
    if !(1.0..=MAX_MOVING).contains(&seconds) {
        return Err(bound.fault(1, format!("moving window must be 1 to {MAX_MOVING} seconds: {seconds}")));
    }
    let seconds = seconds as i64;
    let name = bound.text(2).unwrap_or("avg");
    let statistic = Statistic::parse(name).ok_or_else(|| {
        bound.fault(2, format!("no aggregator: {name} (avg, sum, min, max, median, count, stddev, p95)"))
    })?;
    let margin = Margin { back_seconds: seconds, ..Margin::NONE };
    let frame = evaluator.with_margin(bound.query(0)?, window, margin, |frame| {
        let ranges = moving::ranges(&frame.axis, seconds, window.from);
        let work = moving::work(&ranges, statistic).saturating_mul(frame.rows.len().max(1));
        if work > MAX_MOVING_WORK {
            let message =
                format!("{name} of {seconds} s over {} groups is too much: use longer buckets", frame.rows.len());
            return Err(QueryError::Limit(message));
        }
        Ok(frame.map_rows(|_, values| moving::roll(values, &ranges, statistic)))
    })?;
    Ok(Value::Frame(frame))
}
