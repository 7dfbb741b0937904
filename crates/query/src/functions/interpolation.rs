//! Values where there are none (reference: functions.md §2). `.fill()` of a metric query acts before series are
//! combined and belongs to the store; around anything else it acts on the finished series.

use crate::ast::{Expr, ExprKind};
use crate::error::QueryError;
use crate::evaluate::{Bound, Evaluator};
use crate::frame::{Axis, Frame, Group, Value};
use crate::kernel::DEFAULT_FILL_LIMIT;
use crate::plan::Modifiers;
use crate::rollup::fill_of;
use crate::source::Fill;
use crate::window::Window;

use super::{ArgDef, ArgKind, Body, Definition, Family, Margin, QUERY, optional, query, required};

const METHODS: &[&str] = &["linear", "last", "zero", "null"];
const FILL: &[ArgDef] =
    &[query("query"), required("method", ArgKind::Choice(METHODS)), optional("limit", ArgKind::Number)];

pub(super) fn definitions() -> Vec<Definition> {
    vec![
        Definition::new(
            "fill",
            Family::Interpolation,
            FILL,
            "fills gaps by `linear`, `last` or `zero`, `limit` seconds (300) after a real point at most, or not at all (`null`)",
            Body::Own(fill),
        )
        .modifier(),
        Definition::new(
            "default_zero",
            Family::Interpolation,
            QUERY,
            "0 in empty buckets; gauges first stay for 300 seconds",
            Body::Own(default_zero),
        ),
    ]
}

fn fill(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    let fill = fill_of(&bound.call.args[1..], bound.call)?;
    fill_expression(evaluator, bound.query(0)?, fill, window).map(Value::Frame)
}

/// `.fill()` around an expression that is no plain metric query.
pub(crate) fn fill_expression(
    evaluator: &mut Evaluator<'_>,
    expr: &Expr,
    fill: Fill,
    window: &Window,
) -> Result<Frame, QueryError> {
    let reach = match fill {
        Fill::Linear { limit } | Fill::Last { limit } | Fill::Zero { limit } => limit,
        Fill::ByKind | Fill::Null => return evaluator.frame(expr, window),
    };
    let margin = Margin { back_seconds: reach, back_buckets: 1, ..Margin::NONE };
    evaluator.with_margin(expr, window, margin, |frame| {
        Ok(frame.map_rows(|axis, values| match fill {
            Fill::Linear { limit } => linear(axis, values, limit),
            Fill::Zero { limit } => hold(axis, values, limit, |_| 0.0),
            _ => hold(axis, values, reach, |last| last),
        }))
    })
}

fn default_zero(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    let expr = bound.query(0)?;
    let interpolated = interpolates(&evaluator.inlined(expr), evaluator);
    let margin = if interpolated {
        Margin { back_seconds: DEFAULT_FILL_LIMIT, back_buckets: 1, ..Margin::NONE }
    } else {
        Margin::NONE
    };
    let mut frame = evaluator.with_margin(expr, window, margin, |frame| {
        Ok(frame.map_rows(|axis, values| {
            if interpolated {
                linear(axis, values, DEFAULT_FILL_LIMIT);
                hold(axis, values, DEFAULT_FILL_LIMIT, |last| last);
            }
        }))
    })?;
    if frame.keys.is_empty() && frame.rows.is_empty() {
        frame.rows.push(Group::new(Vec::new(), vec![f64::NAN; frame.axis.len()]));
    }
    let mut frame = frame.map(|value| if value.is_nan() { 0.0 } else { value });
    frame.missing = Some(0.0);
    Ok(Value::Frame(frame))
}

/// Whether an expression is made of gauges whose interpolation is on, and of arithmetic.
fn interpolates(expr: &Expr, evaluator: &Evaluator<'_>) -> bool {
    match &expr.kind {
        ExprKind::Query(query) => {
            let stored = crate::plan::stored_modifiers(&query.modifiers);
            let by_kind = Modifiers::of(&query.modifiers[..stored]).is_ok_and(|modifiers| {
                matches!(modifiers.fill, Fill::ByKind | Fill::Linear { .. }) && !modifiers.weighted
            });
            by_kind && evaluator.kind_of(&query.metric) == Some(galgo_core::MetricKind::Gauge)
        }
        ExprKind::Negate(inner) => interpolates(inner, evaluator),
        ExprKind::Binary { left, right, .. } => match (&left.kind, &right.kind) {
            (ExprKind::Number(_), _) => interpolates(right, evaluator),
            (_, ExprKind::Number(_)) => interpolates(left, evaluator),
            _ => interpolates(left, evaluator) && interpolates(right, evaluator),
        },
        ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Call(_) | ExprKind::Modified { .. } => false,
    }
}

/// Draws lines between values, `limit` seconds after the earlier one at most.
fn linear(axis: &Axis, values: &mut [f64], limit: i64) {
    let mut before: Option<usize> = None;
    for bucket in 0..values.len() {
        if values[bucket].is_nan() {
            continue;
        }
        if let Some(left) = before {
            let (from, to) = (axis.starts[left], axis.starts[bucket]);
            let (low, high) = (values[left], values[bucket]);
            for (offset, value) in values[left + 1..bucket].iter_mut().enumerate() {
                let elapsed = axis.starts[left + 1 + offset] - from;
                if elapsed <= limit {
                    *value = low + (high - low) * (elapsed as f64 / (to - from) as f64);
                }
            }
        }
        before = Some(bucket);
    }
}

/// Fills gaps with something made of the value before, `limit` seconds after it at most.
fn hold(axis: &Axis, values: &mut [f64], limit: i64, filler: impl Fn(f64) -> f64) {
    let (mut last, mut until) = (f64::NAN, i64::MIN);
    for (bucket, value) in values.iter_mut().enumerate() {
        if !value.is_nan() {
            (last, until) = (*value, axis.starts[bucket] + limit);
        } else if axis.starts[bucket] <= until {
            *value = filler(last);
        }
    }
}
