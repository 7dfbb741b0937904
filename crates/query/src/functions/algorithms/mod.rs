//! Models of what is usual (reference: functions.md §10): `anomalies`, `outliers`, `forecast`. Here their arguments are
//! read and the series that they need are fetched; [`crate::algorithms`] does the mathematics.

mod anomalies;
mod forecast;
mod history;
mod outliers;

use crate::ast::{ArgValue, Call, Expr, ExprKind};
use crate::calendar;
use crate::error::QueryError;
use crate::evaluate::{Bound, BoundArg, Evaluator};
use crate::rollup::{number, word};

use super::{ArgDef, ArgKind, Body, Definition, Family, frame, optional, query, required};

const SEASONALITIES: &[&str] = &["hourly", "daily", "weekly"];
const ANOMALIES: &[ArgDef] = &[
    query("query"),
    required("algorithm", ArgKind::Choice(&["basic", "agile", "robust", "adaptive"])),
    optional("bounds", ArgKind::Number),
    optional("direction", ArgKind::Choice(&["both", "above", "below"])),
    optional("alert_window", ArgKind::Any),
    optional("interval", ArgKind::Any),
    optional("count_default_zero", ArgKind::Choice(&["true", "false"])),
    optional("seasonality", ArgKind::Choice(SEASONALITIES)),
    optional("timezone", ArgKind::Text),
];

const OUTLIERS: &[ArgDef] = &[
    query("query"),
    required("algorithm", ArgKind::Choice(&["DBSCAN", "scaledDBSCAN", "MAD", "scaledMAD"])),
    optional("tolerance", ArgKind::Number),
    optional("pct", ArgKind::Number),
];

const FORECAST: &[ArgDef] = &[
    query("query"),
    required("algorithm", ArgKind::Choice(&["linear", "seasonal"])),
    optional("deviations", ArgKind::Number),
    optional("interval", ArgKind::Any),
    optional("history", ArgKind::Any),
    optional("model", ArgKind::Choice(&["default", "simple", "reactive"])),
    optional("seasonality", ArgKind::Choice(SEASONALITIES)),
];

pub(super) fn definitions() -> Vec<Definition> {
    let of =
        |name: &str, args, summary: &str, run| Definition::new(name, Family::Algorithms, args, summary, Body::Own(run));
    vec![
        of(
            "anomalies",
            ANOMALIES,
            "band of values that are usual, `bounds` (2) deviations to either side: `basic` goes by the points just \
             before and follows anything quickly, `agile` by the same time of the last hours, days or weeks (`seasonality`, \
             weekly) moved to the present level, `robust` by them and their slow trend alone, for series that are steady \
             from season to season; `agile` and `robust` need three seasons",
            anomalies::run,
        ),
        Definition::new(
            "outliers",
            Family::Algorithms,
            OUTLIERS,
            "groups that behave unlike the others: `DBSCAN` compares shapes, `MAD` counts the points far from the middle of \
             all (an outlier has more than `pct` (20) per cent of them); `tolerance` (3) is how far is far, and the scaled \
             variants forgive what is small beside the values; at least three groups",
            frame(outliers::apply),
        ),
        of(
            "forecast",
            FORECAST,
            "continuation beyond the newest value with a band of so many `deviations` (1): `linear` along the trend of the \
             `history` (a week) by `model` (`default` the latest trend, `simple` all of it, `reactive` the last moments), \
             `seasonal` like the last six hours, days or weeks (`seasonality`, weekly), two at least",
            forecast::run,
        ),
    ]
}

/// Functions that may not stand inside another one, because they depend on the edges of the window or give no series
/// that could be continued.
fn refuse_inside(evaluator: &Evaluator<'_>, expr: &Expr, outer: &str, refused: &[&str]) -> Result<(), QueryError> {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Query(_) => Ok(()),
        ExprKind::Name(name) => match evaluator.named(name, expr.span) {
            Ok(named) => {
                refuse_inside(evaluator, &named.expr, outer, refused).map_err(|error| error.in_text(named.text))
            }
            // A word such as `mean` among the arguments of a function.
            Err(_) => Ok(()),
        },
        ExprKind::Negate(inner) | ExprKind::Modified { inner, .. } => refuse_inside(evaluator, inner, outer, refused),
        ExprKind::Binary { left, right, .. } => {
            refuse_inside(evaluator, left, outer, refused)?;
            refuse_inside(evaluator, right, outer, refused)
        }
        ExprKind::Call(call) => {
            if refused.contains(&call.name.as_str()) {
                return Err(QueryError::at(call.span, format!("{} cannot stand inside {outer}", call.name)));
            }
            for arg in &call.args {
                if let ArgValue::Expr(inner) = &arg.value {
                    refuse_inside(evaluator, inner, outer, refused)?;
                }
            }
            Ok(())
        }
    }
}

/// A length of time at a place: seconds, or `15m`, `last_4h`, `1w`.
fn seconds(bound: &Bound<'_>, at: usize) -> Result<Option<i64>, QueryError> {
    let seconds = match bound.arg(at) {
        None => return Ok(None),
        Some(BoundArg::Number(seconds)) => (seconds.is_finite() && seconds >= 1.0).then_some(seconds as i64),
        Some(BoundArg::Text(text)) => calendar::duration(text.strip_prefix("last_").unwrap_or(text)),
        Some(BoundArg::Query(_) | BoundArg::Keys(_)) => None,
    };
    match seconds.filter(|seconds| (1..=MAX_SECONDS).contains(seconds)) {
        Some(seconds) => Ok(Some(seconds)),
        None => Err(bound.fault(at, "must be a length of time from 1 second to a year, such as 900, 15m, 4h, 1d, 2w")),
    }
}

/// The length of the buckets that a call asks for by itself.
pub(crate) fn own_interval(call: &Call) -> Option<i64> {
    let args = match call.name.as_str() {
        "anomalies" => ANOMALIES,
        "forecast" => FORECAST,
        _ => return None,
    };
    let place = args.iter().position(|arg| arg.name == "interval")?;
    let by_name = call.args.iter().find(|arg| arg.name.as_deref() == Some("interval"));
    let arg = by_name.or_else(|| call.args.get(place).filter(|arg| arg.name.is_none()))?;
    number(arg).map(|seconds| seconds as i64).or_else(|| word(arg).and_then(calendar::duration))
}

/// Longest length of time among arguments.
const MAX_SECONDS: i64 = 366 * 86_400;
