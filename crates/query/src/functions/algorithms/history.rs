//! The past of a query, as far as an algorithm looks at it.

use std::collections::HashMap;

use crate::algorithms::Timeline;
use crate::algorithms::season::{SEASONS, Season};
use crate::ast::{Expr, ExprKind};
use crate::error::QueryError;
use crate::evaluate::Evaluator;
use crate::frame::{Axis, Frame, Group, Lengths};
use crate::reduce::percentile;
use crate::window::Window;

/// Buckets that one point of a sparse series may stand for.
const MAX_BUCKETS_PER_POINT: i64 = 20;
/// How long after its time a count may arrive.
const LATE_SECONDS: i64 = 60;
/// Most a clock goes forward or back at once, in seconds.
const CLOCK_CHANGE: i64 = 3600;

/// How many buckets there are for each point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Density(i64);

impl Density {
    /// The usual distance between points, over all groups; far apart when there are too few to tell.
    pub(super) fn of(frame: &Frame, zeros: bool) -> Self {
        if zeros {
            return Self(1);
        }
        let mut distances = Vec::new();
        for row in &frame.rows {
            let points = (0..row.values.len()).filter(|&bucket| !row.values[bucket].is_nan());
            let points: Vec<usize> = points.collect();
            distances.extend(points.windows(2).map(|pair| (pair[1] - pair[0]) as f64));
        }
        if distances.is_empty() {
            return Self(MAX_BUCKETS_PER_POINT);
        }
        Self((percentile(&mut distances, 50.0).ceil() as i64).clamp(1, MAX_BUCKETS_PER_POINT))
    }

    /// Buckets that hold so many points.
    pub(super) fn buckets(self, points: i64) -> i64 {
        points * self.0 + self.0
    }
}

/// Whether an expression counts something: a bucket without events then holds none, instead of being unknown.
pub(super) fn counts(evaluator: &Evaluator<'_>, expr: &Expr) -> bool {
    fn counted(expr: &Expr) -> bool {
        let mut found = false;
        expr.for_each_query(&mut |query| found |= query.modifiers.iter().any(|modifier| modifier.name == "as_count"));
        found || is_modified(expr)
    }
    fn is_modified(expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Modified { inner, modifier } => modifier.name == "as_count" || is_modified(inner),
            ExprKind::Call(call) => call.name == "as_count",
            ExprKind::Negate(inner) => is_modified(inner),
            ExprKind::Binary { left, right, .. } => is_modified(left) || is_modified(right),
            ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Query(_) => false,
        }
    }
    counted(&evaluator.inlined(expr))
}

/// 0 where there is nothing before `to`, from the first value on: before it nobody counted. What is missing at the very
/// end may still be on its way.
pub(super) fn zeros_after_first(axis: &Axis, values: &mut [f64], to: i64) {
    let end = axis.starts.partition_point(|&start| start < to);
    let Some(first) = values[..end].iter().position(|value| !value.is_nan()) else { return };
    let last = values[..end].iter().rposition(|value| !value.is_nan()).unwrap_or(first);
    let is_late = to - axis.starts[last] - axis.length(last) <= LATE_SECONDS.max(axis.interval());
    let end = if is_late { last } else { end };
    values[first..end].iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = 0.0);
}

/// The buckets of a window and of the same times some seasons before, in one timeline whose targets are those of the
/// window; each group's values over all of it; and the keys of the groups.
pub(super) fn seasons(
    evaluator: &mut Evaluator<'_>,
    expr: &Expr,
    window: &Window,
    step: i64,
    season: &Season,
) -> Result<(Timeline, Vec<Group>, Vec<String>), QueryError> {
    let current = evaluator.frame(expr, window)?;
    let mut parts = Vec::new();
    for (from, to) in spans(window, step, season) {
        let part = if (from, to) == (window.from, window.to) {
            current.clone()
        } else {
            evaluator.frame(expr, &window.over(from, to))?
        };
        parts.push(part);
    }
    let axis = joined(&parts);
    let mut rows: Vec<Group> =
        current.rows.iter().map(|row| Group::new(row.tags.clone(), vec![f64::NAN; axis.len()])).collect();
    let places: HashMap<&[Option<String>], usize> =
        current.rows.iter().enumerate().map(|(at, row)| (row.tags.as_slice(), at)).collect();
    let mut offset = 0;
    for part in &parts {
        for row in &part.rows {
            if let Some(&at) = places.get(row.tags.as_slice()) {
                rows[at].values[offset..offset + row.values.len()].copy_from_slice(&row.values);
            }
        }
        offset += part.axis.len();
    }
    // Buckets before 1970 are in the window's own answer only, hence not all of its buckets.
    let targets = match (current.axis.starts.first(), current.axis.starts.last()) {
        (Some(first), Some(last)) => {
            axis.starts.partition_point(|start| start < first)..axis.starts.partition_point(|start| start <= last)
        }
        _ => 0..0,
    };
    Ok((Timeline::new(axis, targets, season), rows, current.keys))
}

/// The times to look at, ascending and apart: the window, and before it the same times of the seasons before.
fn spans(window: &Window, step: i64, season: &Season) -> Vec<(i64, i64)> {
    let stride = season.stride(step);
    let clock = season.clock((window.from - stride * (SEASONS as i64 + 1)).max(0), window.to);
    let slack = step + if clock.is_even() { 0 } else { CLOCK_CHANGE };
    let mut spans = vec![(window.from, window.to)];
    for lag in 1..=SEASONS as i64 {
        let from = clock.back(window.from, lag * stride) - slack;
        let to = clock.back(window.to, lag * stride) + slack;
        if to <= 0 {
            break;
        }
        spans.push((from.max(0), to));
    }
    spans.reverse();
    let mut apart: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
    for (from, to) in spans {
        match apart.last_mut() {
            Some(last) if from <= last.1 + step => last.1 = last.1.max(to),
            _ => apart.push((from, to)),
        }
    }
    apart
}

/// The buckets of all parts, one after the other.
fn joined(parts: &[Frame]) -> Axis {
    let starts = parts.iter().flat_map(|part| part.axis.starts.iter().copied()).collect();
    let length = parts.first().map_or(1, |part| part.axis.interval());
    let is_even = parts.iter().all(|part| part.axis.lengths == Lengths::Same(length));
    let lengths = if is_even {
        Lengths::Same(length)
    } else {
        let all = parts.iter().flat_map(|part| (0..part.axis.len()).map(|bucket| part.axis.length(bucket)));
        Lengths::Each(all.collect())
    };
    Axis { starts, lengths }
}
