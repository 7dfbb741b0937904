//! Lines through points (reference: functions.md §9). Lines span the whole window; what is fitted are its points.

use crate::algorithms::{Line, MEDIAN_TO_DEVIATION};
use crate::error::QueryError;
use crate::frame::Axis;
use crate::reduce::percentile;

use super::{Definition, Family, Margin, QUERY, each_series, frame};

/// Shortest segment of `piecewise_constant` in points.
const MIN_SEGMENT: usize = 3;
/// Most buckets of `piecewise_constant`, whose work may grow with their square.
const MAX_STEPPED: usize = 5000;

pub(super) fn definitions() -> Vec<Definition> {
    let of = |name: &str, summary: &str, fit: fn(&Axis, &mut [f64])| {
        Definition::new(name, Family::Regression, QUERY, summary, each_series(Margin::NONE, fit))
    };
    vec![
        of("robust_trend", "straight line fitted with Huber loss, which outliers hardly move", robust_trend),
        of("trend_line", "straight line fitted by least squares", trend_line),
        Definition::new(
            "piecewise_constant",
            Family::Regression,
            QUERY,
            "steps: the mean between points of change",
            frame(|input, _| {
                if input.axis.len() > MAX_STEPPED {
                    let message = format!("piecewise_constant takes at most {MAX_STEPPED} buckets: use longer ones");
                    return Err(QueryError::Limit(message));
                }
                Ok(input.map_rows(piecewise_constant))
            }),
        ),
    ]
}

/// Points as (time since the first bucket, value), with times scaled to about 1.
fn points(axis: &Axis, values: &[f64]) -> Vec<(f64, f64)> {
    let present = values.iter().enumerate().filter(|(_, value)| value.is_finite());
    present.map(|(bucket, &value)| (position(axis, bucket), value)).collect()
}

fn position(axis: &Axis, bucket: usize) -> f64 {
    let span = axis.starts[axis.len() - 1] - axis.starts[0];
    (axis.starts[bucket] - axis.starts[0]) as f64 / span.max(1) as f64
}

fn draw(axis: &Axis, values: &mut [f64], line: Line) {
    for (bucket, value) in values.iter_mut().enumerate() {
        *value = line.at(position(axis, bucket));
    }
}

fn trend_line(axis: &Axis, values: &mut [f64]) {
    let points = points(axis, values);
    if !points.is_empty() {
        draw(axis, values, Line::fitted(&points, |_| 1.0));
    }
}

fn robust_trend(axis: &Axis, values: &mut [f64]) {
    let points = points(axis, values);
    if !points.is_empty() {
        draw(axis, values, Line::robust(&points, |_| 1.0));
    }
}

fn piecewise_constant(_axis: &Axis, values: &mut [f64]) {
    let present: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if present.is_empty() {
        return;
    }
    let bounds = change_points(&present);
    let mean = |pair: &[usize]| crate::reduce::mean(present[pair[0]..pair[1]].iter().copied());
    let means: Vec<f64> = bounds.windows(2).map(mean).collect();
    for (point, value) in values.iter_mut().filter(|value| value.is_finite()).enumerate() {
        *value = means[bounds.partition_point(|&bound| bound <= point) - 1];
    }
}

/// Bounds of the segments that cost least: squared distance to their mean, plus a penalty for each (Bayesian
/// information criterion with the noise estimated from neighbouring differences). Exact dynamic programme with pruning
/// (PELT): starts that can never become best again are forgotten.
fn change_points(values: &[f64]) -> Vec<usize> {
    let count = values.len();
    let penalty = penalty_of(values);
    let (mut sums, mut squares) = (vec![0.0; count + 1], vec![0.0; count + 1]);
    // Around the mean, so that squares of large values do not swamp their differences.
    let center = crate::reduce::mean(values.iter().copied());
    for (index, value) in values.iter().enumerate() {
        sums[index + 1] = sums[index] + (value - center);
        squares[index + 1] = squares[index] + (value - center).powi(2);
    }
    let cost = |from: usize, to: usize| {
        let sum: f64 = sums[to] - sums[from];
        (squares[to] - squares[from] - sum * sum / (to - from) as f64).max(0.0)
    };
    let mut best = vec![f64::INFINITY; count + 1];
    best[0] = -penalty;
    let mut before = vec![0; count + 1];
    let mut starts: Vec<usize> = vec![0];
    for end in MIN_SEGMENT.min(count)..=count {
        for &start in &starts {
            let total = best[start] + cost(start, end) + penalty;
            if total < best[end] {
                best[end] = total;
                before[end] = start;
            }
        }
        starts.retain(|&start| best[start] + cost(start, end) <= best[end]);
        let next = end + 1 - MIN_SEGMENT.min(end);
        if next > 0 && best[next].is_finite() {
            starts.push(next);
        }
    }
    let mut bounds = vec![count];
    while let Some(&last) = bounds.last().filter(|&&last| last > 0) {
        bounds.push(before[last]);
    }
    bounds.reverse();
    bounds
}

/// What a further segment must save: 2 σ² ln n, where σ² is the variance of the noise.
fn penalty_of(values: &[f64]) -> f64 {
    let mut steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    let noise = MEDIAN_TO_DEVIATION * percentile(&mut steps, 50.0) / std::f64::consts::SQRT_2;
    let noise = if noise.is_finite() { noise } else { 0.0 };
    let spread = crate::reduce::deviation(values);
    // Without noise any change counts, save for rounding.
    let floor = (spread * 1e-6).max(f64::MIN_POSITIVE);
    2.0 * noise.max(floor).powi(2) * (values.len() as f64).ln().max(1.0) * 2.0
}
