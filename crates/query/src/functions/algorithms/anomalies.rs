//! `anomalies(query, algorithm, …)`: fetches as much of the past as the algorithm looks at and puts the band beside the
//! values.

use std::sync::Arc;

use crate::algorithms::anomaly::{Algorithm, Band, Direction, Options, detect, seasonal_band};
use crate::algorithms::season::{Season, Seasonality};
use crate::algorithms::{BASIC_POINTS, margin, warm_up_points};
use crate::ast::Expr;
use crate::calendar::zone;
use crate::error::QueryError;
use crate::evaluate::{Bound, Evaluator, cut};
use crate::frame::{Finding, Frame, Group, Role, Value};
use crate::window::Window;

use super::history::{self, Density};
use super::{refuse_inside, seconds};

/// What makes no sense below a band: it depends on where the window begins, or is no series that was measured.
const REFUSED: [&str; 6] = ["cumsum", "integral", "outliers", "piecewise_constant", "robust_trend", "trend_line"];
/// Buckets that an alert window has at least.
const MIN_ALERT_BUCKETS: i64 = 5;
/// Widest band in deviations.
const MAX_BOUNDS: f64 = 1000.0;
/// Width when none is given.
const DEFAULT_BOUNDS: f64 = 2.0;

pub(super) fn run(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    let expr = bound.query(0)?;
    refuse_inside(evaluator, expr, "anomalies", &REFUSED)?;
    let options = options(bound)?;
    let window = with_interval(bound, window)?;
    let zeros = bound.text(6) != Some("false") && history::counts(evaluator, expr);
    let shown = evaluator.frame(expr, &window)?;
    let past = Past { density: Density::of(&shown, zeros), step: shown.axis.interval(), zeros };
    let frame = match options.algorithm {
        Algorithm::Basic => basic(evaluator, expr, &window, &options, past)?,
        Algorithm::Agile | Algorithm::Robust => seasonal(evaluator, expr, &window, &options, past)?,
    };
    Ok(Value::Frame(cut(frame, &window)))
}

/// What the window itself says of the past that has to be fetched.
#[derive(Debug, Clone, Copy)]
struct Past {
    density: Density,
    step: i64,
    zeros: bool,
}

fn basic(
    evaluator: &mut Evaluator<'_>,
    expr: &Expr,
    window: &Window,
    options: &Options,
    past: Past,
) -> Result<Frame, QueryError> {
    let points = BASIC_POINTS as i64 + options.alert_window / past.step;
    let wide = window.extended(past.density.buckets(points) * past.step, 0);
    let mut frame = evaluator.frame(expr, &wide)?;
    let axis = frame.axis.clone();
    for row in &mut frame.rows {
        if past.zeros {
            history::zeros_after_first(&axis, &mut row.values, window.to);
        }
        let band = detect(&axis, &row.values, options);
        attach(row, band, options.direction);
    }
    frame.missing = None;
    Ok(frame)
}

fn seasonal(
    evaluator: &mut Evaluator<'_>,
    expr: &Expr,
    window: &Window,
    options: &Options,
    past: Past,
) -> Result<Frame, QueryError> {
    let step = past.step;
    let warm_up = match options.algorithm {
        Algorithm::Agile => past.density.buckets(warm_up_points(step, options.alert_window) as i64),
        Algorithm::Basic | Algorithm::Robust => 0,
    };
    let margin = margin(step, &options.season) as i64;
    let judged = window.extended((warm_up + margin) * step, margin * step);
    let (timeline, mut rows, keys) = history::seasons(evaluator, expr, &judged, step, &options.season)?;
    for row in &mut rows {
        if past.zeros {
            history::zeros_after_first(timeline.axis(), &mut row.values, window.to);
        }
        let band = seasonal_band(&timeline, &row.values, options);
        row.values = row.values[timeline.targets()].to_vec();
        attach(row, band, options.direction);
    }
    let axis = timeline.axis().select(&timeline.targets().collect::<Vec<usize>>());
    Ok(Frame { axis: Arc::new(axis), keys, rows, missing: None, collapsed: false })
}

fn options(bound: &Bound<'_>) -> Result<Options, QueryError> {
    let bounds = bound.number(2).unwrap_or(DEFAULT_BOUNDS);
    if !(bounds > 0.0 && bounds <= MAX_BOUNDS) {
        return Err(bound.fault(2, format!("bounds must be above 0, at most {MAX_BOUNDS}: {bounds}")));
    }
    let algorithm = bound.text(1).and_then(Algorithm::parse);
    let zone = zone(bound.text(8).unwrap_or("UTC")).map_err(|message| bound.fault(8, message))?;
    Ok(Options {
        algorithm: algorithm.ok_or_else(|| bound.fault(1, "no such algorithm"))?,
        bounds,
        direction: bound.text(3).and_then(Direction::parse).unwrap_or_default(),
        alert_window: seconds(bound, 4)?.unwrap_or(0),
        season: Season { seasonality: bound.text(7).and_then(Seasonality::parse).unwrap_or(Seasonality::Weekly), zone },
    })
}

/// The window with the buckets that `interval` asks for; queries with a rollup of their own keep it.
fn with_interval(bound: &Bound<'_>, window: &Window) -> Result<Window, QueryError> {
    let Some(interval) = seconds(bound, 5)? else { return Ok(*window) };
    if let Some(alert_window) = seconds(bound, 4)?
        && interval * MIN_ALERT_BUCKETS > alert_window
    {
        let message =
            format!("interval must be at most a fifth of alert_window, which is {alert_window} seconds: {interval}");
        return Err(bound.fault(5, message));
    }
    Ok(window.with_step(window.allowed(interval)))
}

/// Puts a band beside the values it belongs to; where there is no value it says nothing.
fn attach(row: &mut Group, mut band: Band, direction: Direction) {
    for (bucket, value) in row.values.iter().enumerate().filter(|(_, value)| value.is_nan()) {
        (band.lower[bucket], band.upper[bucket]) = (*value, *value);
    }
    let outside: Vec<bool> = (0..row.values.len())
        .map(|bucket| band.is_outside(bucket, row.values[bucket], direction).unwrap_or(false))
        .collect();
    let outside = if outside.contains(&true) { outside } else { Vec::new() };
    let lines = vec![(Role::Lower, band.lower), (Role::Upper, band.upper)];
    row.finding = Some(Box::new(Finding { role: Role::Value, lines, outside }));
}
