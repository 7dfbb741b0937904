//! Further layers: rollups of what is rolled up already, and moving to other buckets (reference: metric-queries.md §10).

use std::sync::Arc;

use crate::ast::{Expr, Span};
use crate::error::QueryError;
use crate::frame::{Axis, Frame, Group, Value};
use crate::plan;
use crate::reduce::Statistic;
use crate::rollup::Rollup;
use crate::window::{Window, length_within};

use super::Evaluator;

/// Buckets of the inner layer in one of the outer, when the inner layer does not say its own.
const INNER_BUCKETS: i64 = 10;

impl Evaluator<'_> {
    pub(crate) fn nested_rollup(
        &mut self,
        inner: &Expr,
        rollup: &Rollup,
        window: &Window,
        span: Span,
    ) -> Result<Value, QueryError> {
        let grid = plan::grid_of(rollup, window, span)?;
        let interval = plan::interval_of(rollup, window);
        let step = window.step.min(length_within(interval / INNER_BUCKETS));
        let wide = window.inner(grid.time(0), grid.time(grid.len())).with_step(step).bounded();
        let inner_interval = self.interval_of(inner, &wide)?;
        if inner_interval > interval {
            let message = format!("a rollup of {interval} s cannot stand around one of {inner_interval} s");
            return Err(QueryError::at(span, message));
        }
        let statistic = rollup.statistic.unwrap_or(Statistic::Avg);
        Ok(match self.value(inner, &wide)? {
            Value::Number(value) => Value::Number(value),
            Value::Frame(frame) => Value::Frame(rebucket(&frame, Arc::new(Axis::of(&grid)), statistic)),
        })
    }
}

/// Combines the values of all buckets that start in a longer one.
fn rebucket(frame: &Frame, axis: Arc<Axis>, statistic: Statistic) -> Frame {
    let ranges: Vec<(usize, usize)> = (0..axis.len())
        .map(|bucket| {
            let (from, to) = (axis.starts[bucket], axis.starts[bucket] + axis.length(bucket));
            let first = frame.axis.starts.partition_point(|&start| start < from);
            (first, frame.axis.starts.partition_point(|&start| start < to))
        })
        .collect();
    let mut scratch = Vec::new();
    let mut combined = |values: &[f64]| {
        let bucket = |&(low, high): &(usize, usize)| {
            scratch.clear();
            scratch.extend_from_slice(&values[low..high]);
            statistic.of(&mut scratch)
        };
        ranges.iter().map(bucket).collect::<Vec<f64>>()
    };
    let rows = frame.rows.iter().map(|row| Group::new(row.tags.clone(), combined(&row.values))).collect();
    Frame { axis, keys: frame.keys.clone(), rows, missing: frame.missing, collapsed: frame.collapsed }
}
