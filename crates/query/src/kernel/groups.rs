//! Space aggregation of scalar series: one running value for each group and bucket.

use std::ops::Range;

use crate::source::SpaceAgg;

use super::buckets::Buckets;
use super::interpolate::Interpolation;

/// Accumulators of all groups, group after group.
#[derive(Debug)]
pub(super) struct Groups {
    space: SpaceAgg,
    window: Range<usize>,
    /// Sum, smallest or largest value.
    values: Vec<f64>,
    /// Number of values; kept for means only.
    counts: Vec<f64>,
    members: Vec<Members>,
}

/// The series of a group so far.
#[derive(Debug, Default, Clone)]
enum Members {
    #[default]
    None,
    /// One series that would be interpolated if another one joined it: its values with margins, and where they lie.
    Held(Box<[f64]>, Range<usize>, Interpolation),
    /// In the accumulators.
    Some,
}

impl Groups {
    pub(super) fn new(space: SpaceAgg, window: Range<usize>) -> Self {
        Self { space, window, values: Vec::new(), counts: Vec::new(), members: Vec::new() }
    }

    /// Number of groups.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Adds a series. `values` covers all buckets and is NaN where `touched` says nothing; it is NaN everywhere after.
    pub(super) fn add(
        &mut self,
        group: usize,
        values: &mut [f64],
        touched: Range<usize>,
        interpolation: Interpolation,
        buckets: &Buckets,
    ) {
        if group >= self.members.len() {
            self.members.resize(group + 1, Members::None);
        }
        let before = std::mem::replace(&mut self.members[group], Members::Some);
        let filled = match before {
            Members::None if interpolation.only_combined() => {
                let held = values[touched.clone()].into();
                self.members[group] = Members::Held(held, touched.clone(), interpolation);
                touched
            }
            Members::None | Members::Some => {
                let filled = interpolation.apply(values, touched, buckets);
                self.combine(group, values, filled.clone());
                filled
            }
            Members::Held(held, held_range, held_interpolation) => {
                let filled = interpolation.apply(values, touched, buckets);
                self.combine(group, values, filled.clone());
                values[filled].fill(f64::NAN);
                values[held_range.clone()].copy_from_slice(&held);
                let filled = held_interpolation.apply(values, held_range, buckets);
                self.combine(group, values, filled.clone());
                filled
            }
        };
        values[filled].fill(f64::NAN);
    }

    /// Writes the values of a group over NaN.
    pub(super) fn read(&mut self, group: usize, out: &mut [f64]) {
        let Some(members) = self.members.get_mut(group) else { return };
        if let Members::Held(held, range, _) = std::mem::take(members) {
            let within = clip(&range, &self.window);
            if self.holds_scalars() && within.start < within.end {
                out[within.start - self.window.start..within.end - self.window.start]
                    .copy_from_slice(&held[within.start - range.start..within.end - range.start]);
            }
            return;
        }
        let cells = group * self.window.len()..(group + 1) * self.window.len();
        let Some(values) = self.values.get(cells.clone()) else { return };
        if self.space == SpaceAgg::Avg {
            let counts = &self.counts[cells];
            for (index, value) in out.iter_mut().enumerate() {
                // Nothing summed is NaN already, and NaN ÷ 0 stays so.
                *value = values[index] / counts[index];
            }
        } else {
            out.copy_from_slice(values);
        }
    }

    /// Scalars have no distribution of which a count, percentile or deviation could be read.
    fn holds_scalars(&self) -> bool {
        matches!(self.space, SpaceAgg::Avg | SpaceAgg::Sum | SpaceAgg::Min | SpaceAgg::Max)
    }

    fn combine(&mut self, group: usize, values: &[f64], filled: Range<usize>) {
        let within = clip(&filled, &self.window);
        if within.start >= within.end || !self.holds_scalars() {
            return;
        }
        let len = self.window.len();
        if self.values.len() < (group + 1) * len {
            self.values.resize((group + 1) * len, f64::NAN);
            if self.space == SpaceAgg::Avg {
                self.counts.resize((group + 1) * len, 0.0);
            }
        }
        let first = group * len + within.start - self.window.start;
        let cells = first..first + within.len();
        let series = &values[within];
        let totals = &mut self.values[cells.clone()];
        match self.space {
            SpaceAgg::Avg => add_counted(totals, &mut self.counts[cells], series),
            SpaceAgg::Sum => totals.iter_mut().zip(series).for_each(|(total, &value)| *total = plus(*total, value)),
            // `min` and `max` of floats prefer the operand that is no NaN.
            SpaceAgg::Min => totals.iter_mut().zip(series).for_each(|(total, &value)| *total = total.min(value)),
            _ => totals.iter_mut().zip(series).for_each(|(total, &value)| *total = total.max(value)),
        }
    }
}

/// `total + value` where NaN stands for nothing; selects instead of branches, so that the loop becomes vector code.
#[inline(always)]
fn plus(total: f64, value: f64) -> f64 {
    let sum = if total.is_nan() { value } else { total + value };
    if value.is_nan() { total } else { sum }
}

fn add_counted(totals: &mut [f64], counts: &mut [f64], series: &[f64]) {
    for ((total, count), &value) in totals.iter_mut().zip(counts).zip(series) {
        *total = plus(*total, value);
        *count += if value.is_nan() { 0.0 } else { 1.0 };
    }
}

/// The part of `range` inside `window`.
fn clip(range: &Range<usize>, window: &Range<usize>) -> Range<usize> {
    range.start.max(window.start)..range.end.min(window.end)
}
