//! `robust`: what this time of the season is usually like, by the last six seasons and their slow trend. What happened
//! in the last hours changes nothing, nor does one odd season. A new level is followed after some seasons only; until
//! then the seasons disagree and the band is wide.

use super::anomaly::Band;
use super::season::{MIN_SEASONS, SEASONS};
use super::shape::{NEIGHBOURS, around, distances, middle, smoothed};
use super::statistics::{QUARTILES, SortedWindow, cautious_median, deviation_of, quantile, shrunk};
use super::timeline::Timeline;

/// The band over the targets of a timeline; none where fewer than [`MIN_SEASONS`] seasons have a value.
pub(super) fn band(timeline: &Timeline, values: &[f64], bounds: f64) -> Band {
    let past = timeline.past(values);
    let len = timeline.targets().len();
    let reach = timeline.reach();
    let trend = trend(&past, len, reach);
    // What a value of `lag` seasons ago would be now.
    let moved = |lag: usize, bucket: usize| past[lag][bucket] + trend[bucket] * (lag + 1) as f64;
    let mut scratch = Vec::with_capacity((2 * NEIGHBOURS + 1) * SEASONS);
    let mut expected = vec![f64::NAN; len];
    // How far the seasons lie from each other, those of a bucket side by side.
    let mut spread: Vec<f64> = Vec::with_capacity(len * SEASONS);
    let mut ends = Vec::with_capacity(len + 1);
    ends.push(0);
    for (bucket, expected) in expected.iter_mut().enumerate() {
        let (center, count) = middle((0..SEASONS).map(|lag| moved(lag, bucket)), &mut scratch);
        if count >= MIN_SEASONS {
            *expected = center;
            spread.extend(distances(&mut scratch));
        }
        ends.push(spread.len());
    }
    let mut band = Band::empty(len);
    for bucket in (0..len).filter(|&bucket| !expected[bucket].is_nan()) {
        let near = around(bucket, NEIGHBOURS.min(reach), len);
        scratch.clear();
        scratch.extend_from_slice(&spread[ends[near.start]..ends[near.end]]);
        let width = deviation_of(&mut scratch);
        let center = smoothed(|at| expected[at], bucket, width, reach, len);
        (band.lower[bucket], band.upper[bucket]) = (center - bounds * width, center + bounds * width);
    }
    band
}

/// Change from season to season at each target: the cautious median of the changes between neighbouring seasons, each of
/// which is the median over the buckets around, less what may be noise.
fn trend(past: &[Vec<f64>], len: usize, reach: usize) -> Vec<f64> {
    let mut changes: Vec<Vec<(f64, f64)>> = Vec::with_capacity(SEASONS - 1);
    for lag in 1..SEASONS {
        let change: Vec<f64> = past[lag - 1].iter().zip(&past[lag]).map(|(later, earlier)| later - earlier).collect();
        changes.push(rolling_change(&change, reach));
    }
    let mut known = Vec::with_capacity(SEASONS);
    (0..len)
        .map(|bucket| {
            known.clear();
            let present = || changes.iter().map(|change| change[bucket]).filter(|(change, _)| !change.is_nan());
            known.extend(present().map(|(change, _)| change));
            if known.len() + 1 < MIN_SEASONS {
                return 0.0;
            }
            let noise = present().map(|(_, noise)| noise).fold(0.0, f64::max);
            shrunk(cautious_median(&mut known), noise)
        })
        .collect()
}

/// For each bucket the median of the changes around it, and how far noise may have moved that median.
fn rolling_change(change: &[f64], reach: usize) -> Vec<(f64, f64)> {
    let mut window = SortedWindow::default();
    let mut entering = 0;
    (0..change.len())
        .map(|bucket| {
            let near = around(bucket, reach, change.len());
            while entering < near.end {
                if !change[entering].is_nan() {
                    window.insert(change[entering]);
                }
                entering += 1;
            }
            if let Some(gone) = bucket.checked_sub(reach + 1)
                && !change[gone].is_nan()
            {
                window.remove(change[gone]);
            }
            let sorted = window.sorted();
            let spread = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / QUARTILES;
            (quantile(sorted, 0.5), spread / (sorted.len() as f64).sqrt())
        })
        .collect()
}
