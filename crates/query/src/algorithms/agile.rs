//! `agile`: the last seasons, each moved to the level of the last hour. "An hour ago it was 3 above what it was last week
//! at that time, so now it should be 3 above what it was last week at this time": a seasonal model of differences, made of
//! medians. A new level is followed as soon as it fills half of the last hour.

use std::collections::VecDeque;

use super::anomaly::{Band, Options};
use super::basic::MIN_POINTS;
use super::season::{MIN_SEASONS, SEASONS};
use super::shape::{NEIGHBOURS, around, distances, middle, smoothed};
use super::statistics::{MEDIAN_TO_DEVIATION, SortedWindow, deviation_of, median, quantile};
use super::timeline::Timeline;

/// Seasons that are used, the newest ones.
const USED: usize = 4;
/// The immediate past in seconds.
const RECENT_SECONDS: i64 = 3600;
/// Fewest and most points of the immediate past.
const RECENT_POINTS: (usize, usize) = (12, 60);
/// Most points of it when a long alert window asks for more.
const MAX_RECENT: usize = 500;
/// Points that a level needs; with fewer the seasons are taken as they are.
const MIN_RECENT: usize = 5;
/// Errors that are remembered, in lengths of the immediate past: those of a new level stay a minority.
const REMEMBERED: usize = 2;
/// Part of the expected value that the band always allows: small changes of large values are none.
const ALLOWED_PART: f64 = 0.005;

/// Points of the immediate past among buckets of `step` seconds. An anomaly that fills the alert window must not yet be
/// the new level at its end.
pub(crate) fn recent_points(step: i64, alert_window: i64) -> usize {
    let usual = (RECENT_SECONDS / step.max(1)).clamp(RECENT_POINTS.0 as i64, RECENT_POINTS.1 as i64) as usize;
    usual.max(2 * (alert_window / step.max(1)) as usize + 1).min(MAX_RECENT)
}

/// Points before a window after which its band no longer depends on where it begins.
pub(crate) fn warm_up_points(step: i64, alert_window: i64) -> usize {
    (1 + REMEMBERED) * recent_points(step, alert_window)
}

/// What the newest seasons make of one bucket.
struct Expectation {
    center: f64,
    width: f64,
}

struct Agile<'a> {
    past: &'a [Vec<f64>],
    values: &'a [f64],
    reach: usize,
    recent: VecDeque<usize>,
    scratch: Vec<f64>,
}

/// The band over the targets of a timeline; none where fewer than [`MIN_SEASONS`] seasons have a value.
pub(super) fn band(timeline: &Timeline, values: &[f64], options: &Options) -> Band {
    let past = timeline.past(values);
    let values = &values[timeline.targets()];
    let recent_points = recent_points(timeline.axis().interval(), options.alert_window);
    let reach = timeline.reach();
    let mut agile = Agile { past: &past, values, reach, recent: VecDeque::new(), scratch: Vec::new() };
    let mut errors: VecDeque<f64> = VecDeque::new();
    let mut sorted_errors = SortedWindow::default();
    let mut band = Band::empty(values.len());
    for (bucket, value) in values.iter().enumerate() {
        let expectation = agile.expectation(bucket);
        if let Some(Expectation { center, width }) = &expectation {
            let lately = if errors.len() < MIN_POINTS {
                0.0
            } else {
                MEDIAN_TO_DEVIATION * quantile(sorted_errors.sorted(), 0.5)
            };
            let reach = options.bounds * width.max(lately).hypot(ALLOWED_PART * center);
            (band.lower[bucket], band.upper[bucket]) = (center - reach, center + reach);
        }
        if !value.is_finite() {
            continue;
        }
        agile.remember(bucket, recent_points);
        if let Some(Expectation { center, .. }) = expectation {
            let error = (value - center).abs();
            errors.push_back(error);
            sorted_errors.insert(error);
            if errors.len() > REMEMBERED * recent_points
                && let Some(oldest) = errors.pop_front()
            {
                sorted_errors.remove(oldest);
            }
        }
    }
    band
}

impl Agile<'_> {
    fn remember(&mut self, bucket: usize, count: usize) {
        self.recent.push_back(bucket);
        if self.recent.len() > count {
            self.recent.pop_front();
        }
    }

    fn expectation(&mut self, bucket: usize) -> Option<Expectation> {
        let known: Vec<usize> = (0..SEASONS).filter(|&lag| !self.past[lag][bucket].is_nan()).collect();
        if known.len() < MIN_SEASONS {
            return None;
        }
        let moved: Vec<(usize, f64)> = known.into_iter().take(USED).map(|lag| (lag, self.rise_since(lag))).collect();
        let len = self.values.len();
        let near = around(bucket, NEIGHBOURS.min(self.reach), len);
        let (first, mut centers) = (near.start, Vec::with_capacity(near.len()));
        let mut spread = Vec::with_capacity(near.len() * USED);
        for at in near {
            let expected = |&(lag, rise): &(usize, f64)| self.past[lag][at] + rise;
            let (center, _) = middle(moved.iter().map(expected), &mut self.scratch);
            spread.extend(distances(&mut self.scratch));
            centers.push(center);
        }
        let width = deviation_of(&mut spread);
        let center = smoothed(|at| centers[at - first], bucket, width, self.reach, len);
        Some(Expectation { center, width })
    }

    /// How much higher the immediate past is than the same time some seasons ago.
    fn rise_since(&mut self, lag: usize) -> f64 {
        let past = &self.past[lag];
        self.scratch.clear();
        let rises = self.recent.iter().map(|&at| self.values[at] - past[at]);
        self.scratch.extend(rises.filter(|rise| rise.is_finite()));
        if self.scratch.len() < MIN_RECENT { 0.0 } else { median(&mut self.scratch) }
    }
}
