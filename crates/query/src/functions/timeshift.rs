//! Other times drawn as if they were now (reference: functions.md §3).

use std::sync::Arc;

use crate::ast::Expr;
use crate::calendar::{Shift, zone};
use crate::error::QueryError;
use crate::evaluate::{Bound, Evaluator};
use crate::frame::{Axis, Frame, Lengths, Value};
use crate::window::Window;

use super::{ArgDef, ArgKind, Body, Definition, Family, QUERY, optional, query, required};

const SECONDS: &[ArgDef] = &[query("query"), required("seconds", ArgKind::Number)];
const CALENDAR: &[ArgDef] = &[query("query"), required("shift", ArgKind::Text), optional("timezone", ArgKind::Text)];

/// Longest shift in seconds: a hundred years.
const MAX_SHIFT: f64 = 100.0 * 365.25 * 86400.0;
const DAY: i64 = 86400;

pub(super) fn definitions() -> Vec<Definition> {
    let of =
        |name: &str, args, summary: &str, run| Definition::new(name, Family::Timeshift, args, summary, Body::Own(run));
    vec![
        of("timeshift", SECONDS, "values of so many seconds ago (a negative number)", timeshift),
        of("hour_before", QUERY, "values of an hour ago", |evaluator, bound, window| {
            back(evaluator, bound, window, 3600)
        }),
        of("day_before", QUERY, "values of a day ago", |evaluator, bound, window| back(evaluator, bound, window, DAY)),
        of("week_before", QUERY, "values of seven days ago", |evaluator, bound, window| {
            back(evaluator, bound, window, 7 * DAY)
        }),
        of("month_before", QUERY, "values of four weeks ago", |evaluator, bound, window| {
            back(evaluator, bound, window, 28 * DAY)
        }),
        of(
            "calendar_shift",
            CALENDAR,
            "values of some calendar units ago: `-1d`, `-7d`, `-4w`, `-1mo`, in a time zone (UTC)",
            calendar_shift,
        ),
    ]
}

fn timeshift(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    let seconds = bound.number(1).unwrap_or_default();
    if seconds.abs() > MAX_SHIFT {
        return Err(bound.fault(1, format!("shift longer than {MAX_SHIFT} seconds: {seconds}")));
    }
    back(evaluator, bound, window, -seconds.round() as i64)
}

fn back(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window, seconds: i64) -> Result<Value, QueryError> {
    let frame = shifted(evaluator, bound.query(0)?, window, |time| Ok(time - seconds))?;
    Ok(Value::Frame(frame))
}

fn calendar_shift(evaluator: &mut Evaluator<'_>, bound: &Bound<'_>, window: &Window) -> Result<Value, QueryError> {
    let text = bound.text(1).unwrap_or_default();
    let shift = Shift::parse(text)
        .ok_or_else(|| bound.fault(1, format!("no calendar shift: {text} (such as -1d, -4w, -1mo)")))?;
    let zone = zone(bound.text(2).unwrap_or("UTC")).map_err(|message| bound.fault(2, message))?;
    let at = |time| shift.apply(time, &zone).map_err(|message| bound.fault(1, message));
    shifted(evaluator, bound.query(0)?, window, at).map(Value::Frame)
}

/// Each bucket takes the value of the bucket that holds the shifted start.
fn shifted(
    evaluator: &mut Evaluator<'_>,
    expr: &Expr,
    window: &Window,
    shift: impl Fn(i64) -> Result<i64, QueryError>,
) -> Result<Frame, QueryError> {
    let interval = evaluator.interval_of(expr, window)?;
    // One bucket more on either side: shifted times need not lie on bucket edges.
    let (from, to) = (shift(window.from)?, shift(window.to)?);
    let mut source = window.shifted(0).extended(interval, interval);
    (source.from, source.to) = (from - interval, to.max(from + 1) + interval);
    let frame = evaluator.frame(expr, &source)?;
    let axis = match frame.axis.lengths {
        Lengths::Same(step) => Axis::of(&window.grid(step)),
        // Uneven buckets follow their calendar, which the shifted window has too.
        Lengths::Each(_) => {
            let offset = window.from - from;
            let starts: Vec<i64> = frame.axis.starts.iter().map(|start| start + offset).collect();
            let moved = Frame { axis: Arc::new(Axis { starts, lengths: frame.axis.lengths.clone() }), ..frame };
            return Ok(crate::evaluate::cut(moved, window));
        }
    };
    let places = axis
        .starts
        .iter()
        .map(|&start| Ok(frame.axis.index_of(shift(start)?)))
        .collect::<Result<Vec<Option<usize>>, QueryError>>()?;
    Ok(frame.remap(Arc::new(axis), &places))
}
