//! `forecast(…, 'seasonal', …)`: what the last seasons were like, moved along their trend and to the present level.

use crate::frame::Axis;
use crate::kernel::DEFAULT_FILL_LIMIT;

use super::forecast::Forecast;
use super::season::{Clock, SEASONS, Season};
use super::shape::{NEIGHBOURS, around, distances, middle, smoothed};
use super::statistics::{QUARTILES, cautious_median, deviation_of, median, quantile, shrunk};
use super::timeline::bridged;

/// Seasons that must be known.
const MIN_SEASONS: usize = 2;
/// The present level is read from this part of a season …
const LEVEL_PART: i64 = 8;
/// … at least from so many buckets.
const MIN_LEVEL: i64 = 12;
/// Values that a change or a level is made of at least.
const MIN_VALUES: usize = 5;

struct Seasons<'a> {
    axis: &'a Axis,
    known: Vec<f64>,
    stride: i64,
    clock: Clock,
}

/// See [`super::forecast::forecast`].
pub(super) fn continued(axis: &Axis, values: &[f64], season: &Season, deviations: f64) -> Option<Forecast> {
    let step = axis.interval();
    let stride = season.stride(step);
    let known = bridged(axis, values, DEFAULT_FILL_LIMIT.max(2 * step));
    let (first, last) = (axis.starts.first().copied()?, axis.starts.last().copied()?);
    let seasons = Seasons { axis, known, stride, clock: season.clock(first - (SEASONS as i64 + 1) * stride, last) };
    let mut changes = seasons.changes();
    let trend =
        shrunk(cautious_median(&mut changes.iter().map(|change| change.0).collect::<Vec<f64>>()), noise_of(&changes));
    let mut steps: Vec<f64> = changes.drain(..).map(|(change, _)| (change - trend).abs()).collect();
    let restlessness = if steps.len() < MIN_SEASONS { 0.0 } else { deviation_of(&mut steps) };
    let level = seasons.level(trend);
    let ahead: Vec<(f64, usize)> =
        (values.len()..axis.len()).map(|bucket| seasons.expected(bucket, trend, &mut Vec::new())).collect();
    if ahead.iter().all(|(_, count)| *count < MIN_SEASONS) {
        return None;
    }
    let reach = super::timeline::reach(step, season);
    let end = axis.starts[values.len() - 1];
    let points = (0..ahead.len()).map(|at| {
        if ahead[at].1 < MIN_SEASONS {
            return (f64::NAN, f64::NAN);
        }
        let mut spread = Vec::with_capacity(SEASONS * (2 * NEIGHBOURS + 1));
        for near in around(at, NEIGHBOURS.min(reach), ahead.len()) {
            let mut past: Vec<f64> = seasons.past(values.len() + near, trend).collect();
            spread.extend(distances(&mut past));
        }
        let width = deviation_of(&mut spread);
        let center = smoothed(|near| ahead[near].0, at, width, reach, ahead.len()) + level;
        let distance = (axis.starts[values.len() + at] - end) as f64 / stride as f64;
        (center, width.hypot(restlessness * distance.sqrt()))
    });
    Some(Forecast::of(points, deviations))
}

fn noise_of(changes: &[(f64, f64)]) -> f64 {
    changes.iter().map(|(_, noise)| *noise).fold(0.0, f64::max)
}

impl Seasons<'_> {
    /// The bucket some seasons before another one.
    fn before(&self, bucket: usize, lag: i64) -> Option<usize> {
        let start = self.clock.back(self.axis.starts[bucket], lag * self.stride);
        self.axis.index_of(start + self.axis.length(bucket) / 2)
    }

    /// What the newest [`SEASONS`] known seasons say of a bucket, moved along the trend.
    fn past(&self, bucket: usize, trend: f64) -> impl Iterator<Item = f64> + '_ {
        let mut first = 1;
        while self.before(bucket, first).is_some_and(|at| at >= self.known.len()) {
            first += 1;
        }
        (first..first + SEASONS as i64).filter_map(move |lag| {
            let value = self.known[self.before(bucket, lag)?];
            (!value.is_nan()).then_some(value + trend * lag as f64)
        })
    }

    /// Their median, and how many they are.
    fn expected(&self, bucket: usize, trend: f64, scratch: &mut Vec<f64>) -> (f64, usize) {
        middle(self.past(bucket, trend), scratch)
    }

    /// Change from each season to the next, newest first, and how far noise may have moved it.
    fn changes(&self) -> Vec<(f64, f64)> {
        let mut by_season: Vec<Vec<f64>> = vec![Vec::new(); SEASONS];
        let Some(end) = self.known.len().checked_sub(1).map(|last| self.axis.starts[last]) else { return Vec::new() };
        for bucket in 0..self.known.len() {
            let season = ((end - self.axis.starts[bucket]) / self.stride) as usize;
            if let Some(changes) = by_season.get_mut(season)
                && let Some(before) = self.before(bucket, 1)
            {
                let change = self.known[bucket] - self.known[before];
                changes.extend((!change.is_nan()).then_some(change));
            }
        }
        by_season.retain(|changes| changes.len() >= MIN_VALUES.min(self.known.len() / SEASONS));
        by_season.retain(|changes| !changes.is_empty());
        let summary = |mut changes: Vec<f64>| {
            changes.sort_unstable_by(f64::total_cmp);
            let spread = (quantile(&changes, 0.75) - quantile(&changes, 0.25)) / QUARTILES;
            (quantile(&changes, 0.5), spread / (changes.len() as f64).sqrt())
        };
        by_season.into_iter().map(summary).collect()
    }

    /// How much higher the end of the history is than its seasons make expect, less what may be noise.
    fn level(&self, trend: f64) -> f64 {
        let count = (self.stride / self.axis.interval() / LEVEL_PART).max(MIN_LEVEL) as usize;
        let mut scratch = Vec::with_capacity(SEASONS);
        let mut rises: Vec<f64> = (self.known.len().saturating_sub(count)..self.known.len())
            .map(|bucket| self.known[bucket] - self.expected(bucket, trend, &mut scratch).0)
            .filter(|rise| !rise.is_nan())
            .collect();
        if rises.len() < MIN_VALUES {
            return 0.0;
        }
        let rise = median(&mut rises);
        let mut distances: Vec<f64> = rises.iter().map(|other| (other - rise).abs()).collect();
        shrunk(rise, 2.0 * deviation_of(&mut distances) / (rises.len() as f64).sqrt())
    }
}
