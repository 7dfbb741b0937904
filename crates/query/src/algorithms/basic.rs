//! `basic`: what the last points were like, whatever the hour. Lagging rolling quantiles: they need little history, know
//! no season and follow a new level as soon as most of the points that they look at are at it.

use std::collections::VecDeque;

use crate::frame::Axis;

use super::anomaly::Band;
use super::statistics::{SortedWindow, deviation_of, quantile};

/// Points that the quantiles are made of.
pub const POINTS: usize = 60;
/// With fewer points than this there is no band yet.
pub const MIN_POINTS: usize = 8;
/// Distance between the tenth and ninetieth percentile of normal noise in deviations.
const DECILES: f64 = 2.5631;

/// The band at each bucket that has a value: the median of the [`POINTS`] points before it ± `bounds` × their deviation,
/// which is read from their outer tenths. Points of the last `lag` seconds count for nothing.
pub(super) fn band(axis: &Axis, values: &[f64], bounds: f64, lag: i64) -> Band {
    let mut band = Band::empty(values.len());
    let mut last: VecDeque<f64> = VecDeque::with_capacity(POINTS + 1);
    let mut window = SortedWindow::default();
    let mut next = 0;
    for bucket in (0..values.len()).filter(|&bucket| !values[bucket].is_nan()) {
        while next < bucket && axis.starts[next] + lag <= axis.starts[bucket] {
            if values[next].is_finite() {
                last.push_back(values[next]);
                window.insert(values[next]);
            }
            if last.len() > POINTS
                && let Some(oldest) = last.pop_front()
            {
                window.remove(oldest);
            }
            next += 1;
        }
        if last.len() >= MIN_POINTS {
            let center = quantile(window.sorted(), 0.5);
            let reach = bounds * deviation(window.sorted(), center);
            (band.lower[bucket], band.upper[bucket]) = (center - reach, center + reach);
        }
    }
    band
}

fn deviation(sorted: &[f64], center: f64) -> f64 {
    let outer = (quantile(sorted, 0.9) - quantile(sorted, 0.1)) / DECILES;
    if outer > 0.0 {
        return outer;
    }
    let mut distances: Vec<f64> = sorted.iter().map(|value| (value - center).abs()).collect();
    deviation_of(&mut distances)
}
