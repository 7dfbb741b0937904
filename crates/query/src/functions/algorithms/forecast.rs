//! `forecast(query, algorithm, deviations, …)`: fetches the history and continues it from the newest value of the query
//! to the end of the window. A window that ends before that has nothing to continue.

use jiff::tz::TimeZone;

use crate::algorithms::forecast::{Forecast, Method, Model, forecast};
use crate::algorithms::season::{SEASONS, Season, Seasonality};
use crate::error::QueryError;
use crate::evaluate::{Bound, Evaluator, cut};
use crate::frame::{Axis, Finding, Group, Role, Value};
use crate::window::{MAX_INNER_POINTS, Window, length_for};

use super::{refuse_inside, seconds};

/// What cannot be continued.
const REFUSED: [&str; 7] =
    ["anomalies", "cumsum", "integral", "outliers", "piecewise_constant", "robust_trend", "trend_line"];
/// History of a linear forecast when none is given: a week.
const DEFAULT_HISTORY: i64 = 7 * 86_400;
/// Buckets of history when nobody says how long they are: a week of minutes.
const USUAL_BUCKETS: i64 = 10_080;
/// Most deviations.
const MAX_DEVIATIONS: f64 = 1000.0;

pub(super) fn run(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    let expr = bound.query(0)?;
    refuse_inside(evaluator, expr, "forecast", &REFUSED)?;
    let deviations = bound.number(2).unwrap_or(1.0);
    if !(1.0..=MAX_DEVIATIONS).contains(&deviations) {
        return Err(bound.fault(2, format!("deviations must be 1 to {MAX_DEVIATIONS}: {deviations}")));
    }
    let (method, history) = method(bound)?;
    let window = match seconds(bound, 3)? {
        Some(interval) => window.with_step(window.allowed(interval)),
        None => window.with_step(window.step.max(length_for(history, USUAL_BUCKETS))),
    };
    let wide = window.extended(history, 0);
    if (wide.to - wide.from) / evaluator.interval_of(expr, &wide)? > MAX_INNER_POINTS {
        let message = format!("a history of {history} s has more than {MAX_INNER_POINTS} buckets: use longer ones");
        return Err(QueryError::Limit(message));
    }
    let mut frame = evaluator.frame(expr, &wide)?;
    let axis = frame.axis.clone();
    let last_value = |row: &Group| row.values.iter().rposition(|value| value.is_finite());
    if let Some(newest) = frame.rows.iter().filter_map(last_value).max()
        && newest + 1 < axis.len()
    {
        let first = axis.starts.partition_point(|&start| start <= axis.starts[newest] - history);
        let buckets: Vec<usize> = (first..axis.len()).collect();
        let looked_at = axis.select(&buckets);
        for row in &mut frame.rows {
            let known = &row.values[first..=newest];
            row.finding = forecast(&looked_at, known, &method, deviations).map(|found| finding(&axis, found));
        }
    }
    frame.missing = None;
    Ok(Value::Frame(cut(frame, &window)))
}

/// How to continue, and how much of the past that takes in seconds. Arguments of the other algorithm count for nothing.
fn method(bound: &Bound<'_>) -> Result<(Method, i64), QueryError> {
    if bound.text(1) == Some("seasonal") {
        let seasonality = bound.text(6).and_then(Seasonality::parse).unwrap_or(Seasonality::Weekly);
        let season = Season { seasonality, zone: TimeZone::UTC };
        return Ok((Method::Seasonal(season), SEASONS as i64 * seasonality.seconds()));
    }
    let model = bound.text(5).and_then(Model::parse).unwrap_or_default();
    Ok((Method::Linear(model), seconds(bound, 4)?.unwrap_or(DEFAULT_HISTORY)))
}

/// The lines of a forecast, which is about the last buckets of an axis.
fn finding(axis: &Axis, found: Forecast) -> Box<Finding> {
    let whole = |ahead: Vec<f64>| {
        let mut line = vec![f64::NAN; axis.len() - ahead.len()];
        line.extend(ahead);
        line
    };
    let lines = [(Role::Forecast, found.expected), (Role::Lower, found.lower), (Role::Upper, found.upper)];
    let lines = lines.into_iter().map(|(role, line)| (role, whole(line))).collect();
    Box::new(Finding { role: Role::Value, lines, outside: Vec::new() })
}
