//! All buckets that a seasonal algorithm looks at: those that it judges, and the same times some seasons before. Between
//! them nothing needs to be known, so that a band over an hour costs six further hours and not six weeks.

use std::ops::Range;

use crate::frame::{Axis, Lengths};
use crate::kernel::DEFAULT_FILL_LIMIT;

use super::season::{SEASONS, Season};
use super::shape::NEIGHBOURS;

/// Buckets to either side from which the trend of a bucket is taken, at most.
const MAX_REACH: usize = 60;
/// For a bucket that is not there.
const NOWHERE: u32 = u32::MAX;

/// The buckets, and for each one that is judged its predecessors.
#[derive(Debug)]
pub(crate) struct Timeline {
    axis: Axis,
    targets: Range<usize>,
    predecessors: Vec<[u32; SEASONS]>,
    reach: usize,
}

/// Buckets around one that may say something of it: never so many that they reach into the next season, which would be
/// the future of the season before.
pub(crate) fn reach(step: i64, season: &Season) -> usize {
    ((season.stride(step) / step.max(1) - 1) / 2).clamp(0, MAX_REACH as i64) as usize
}

/// Buckets to either side on which the band at a bucket depends: its neighbours and those that their trend is taken from.
pub(crate) fn margin(step: i64, season: &Season) -> usize {
    let reach = reach(step, season);
    reach + NEIGHBOURS.min(reach)
}

impl Timeline {
    /// `axis` has all buckets, ascending, perhaps with holes between them; `targets` are those to judge, without holes.
    pub(crate) fn new(axis: Axis, targets: Range<usize>, season: &Season) -> Self {
        let step = axis.interval();
        let stride = season.stride(step);
        let first = axis.starts.first().copied().unwrap_or(0);
        let clock = season.clock(first, axis.starts.last().copied().unwrap_or(0));
        let predecessor = |bucket: usize, lag: usize| {
            let start = axis.starts[bucket];
            let middle = clock.back(start, stride * lag as i64) + axis.length(bucket) / 2;
            axis.index_of(middle).map_or(NOWHERE, |at| at as u32)
        };
        let of = |bucket: usize| std::array::from_fn(|lag| predecessor(bucket, lag + 1));
        let predecessors = targets.clone().map(of).collect();
        let reach = reach(step, season);
        Self { axis, targets, predecessors, reach }
    }

    /// Every bucket is judged. Buckets beyond the end are added (even ones only), so that the last ones have neighbours
    /// in the seasons before.
    pub(crate) fn whole(axis: &Axis, season: &Season) -> Self {
        let mut axis = axis.clone();
        if let (Lengths::Same(step), Some(&last)) = (&axis.lengths, axis.starts.last()) {
            let ahead = margin(*step, season) as i64;
            axis.starts.extend((1..=ahead).map(|bucket| last + bucket * step));
        }
        let targets = 0..axis.len();
        Self::new(axis, targets, season)
    }

    pub(crate) fn axis(&self) -> &Axis {
        &self.axis
    }

    /// The buckets that are judged, as indices of the axis.
    pub(crate) fn targets(&self) -> Range<usize> {
        self.targets.clone()
    }

    /// See [`reach`].
    pub(crate) fn reach(&self) -> usize {
        self.reach
    }

    /// For each season back the values at the same times as the targets, NaN where nothing is known. Short gaps are
    /// bridged: the second of a bucket at which a sparse series has its points is another one in each season.
    pub(crate) fn past(&self, values: &[f64]) -> Vec<Vec<f64>> {
        let bridged = bridged(&self.axis, values, DEFAULT_FILL_LIMIT.max(2 * self.axis.interval()));
        let value = |at: u32| if at == NOWHERE { f64::NAN } else { bridged[at as usize] };
        (0..SEASONS).map(|lag| self.predecessors.iter().map(|lags| value(lags[lag])).collect()).collect()
    }
}

/// The finite values, with straight lines over gaps of at most `limit` seconds.
pub(super) fn bridged(axis: &Axis, values: &[f64], limit: i64) -> Vec<f64> {
    let mut bridged: Vec<f64> = values.iter().map(|&value| if value.is_finite() { value } else { f64::NAN }).collect();
    let mut before: Option<usize> = None;
    for bucket in 0..bridged.len() {
        if bridged[bucket].is_nan() {
            continue;
        }
        if let Some(left) = before {
            let (low, high) = (bridged[left], bridged[bucket]);
            let (from, seconds) = (axis.starts[left], axis.starts[bucket] - axis.starts[left]);
            for gap in (left + 1..bucket).take_while(|_| seconds <= limit) {
                bridged[gap] = low + (high - low) * ((axis.starts[gap] - from) as f64 / seconds as f64);
            }
        }
        before = Some(bucket);
    }
    bridged
}

#[cfg(test)]
mod tests {
    use super::super::season::Seasonality;
    use super::*;
    use crate::source::Grid;
    use jiff::tz::TimeZone;

    fn daily() -> Season {
        Season { seasonality: Seasonality::Daily, zone: TimeZone::UTC }
    }

    #[test]
    fn predecessors_are_whole_seasons_back() {
        let axis = Axis::of(&Grid::Uniform { start: 0, step: 21_600, len: 12 });
        let timeline = Timeline::new(axis, 8..12, &daily());
        let values: Vec<f64> = (0..12).map(f64::from).collect();
        let past = timeline.past(&values);
        assert_eq!(past[0], [4.0, 5.0, 6.0, 7.0]);
        assert_eq!(past[1], [0.0, 1.0, 2.0, 3.0]);
        assert!(past[2].iter().all(|value| value.is_nan()));
        assert_eq!(timeline.reach(), 1);
    }

    #[test]
    fn short_gaps_of_the_past_are_bridged() {
        let axis = Axis::of(&Grid::Uniform { start: 0, step: 21_600, len: 8 });
        let timeline = Timeline::new(axis, 4..8, &daily());
        let mut values: Vec<f64> = (0..8).map(f64::from).collect();
        values[1] = f64::NAN;
        values[2] = f64::INFINITY;
        assert!(timeline.past(&values)[0][1].is_nan());
        values[2] = 2.0;
        assert_eq!(timeline.past(&values)[0], [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn neighbours_never_reach_into_the_next_season() {
        for (step, expected) in [(60, 60), (7200, 5), (43_200, 0), (86_400, 0), (1, 60)] {
            assert_eq!(reach(step, &daily()), expected, "{step}");
        }
    }
}
