//! Less noise (reference: functions.md §5).

use crate::frame::{Axis, Frame};
use crate::reduce::{deviation, mean, percentile};

use super::{ArgDef, Body, Definition, Family, Margin, QUERY, each_series, frame, query};

/// Buckets before the window in which N points are looked for, for each point: series may be sparser than buckets.
const SPARSITY: i64 = 3;
/// After so many spans older points weigh less than e⁻⁸ in an exponential average.
const EWMA_SPANS: i64 = 4;

const WEIGHTED: &[ArgDef] = &[query("query")];

pub(super) fn definitions() -> Vec<Definition> {
    let mut definitions = vec![
        Definition::new(
            "autosmooth",
            Family::Smoothing,
            QUERY,
            "moving average over the span that leaves least roughness and keeps what sticks out",
            frame(|input, _| Ok(autosmooth(input))),
        )
        .not_in_monitors(),
    ];
    for span in [3, 5, 7, 10, 20] {
        let margin = Margin { back_buckets: EWMA_SPANS * span, ..Margin::NONE };
        definitions.push(Definition::new(
            format!("ewma_{span}"),
            Family::Smoothing,
            QUERY,
            format!("exponential average; each point weighs 2 ÷ {}", span + 1),
            each_series(margin, move |_, values| ewma(values, span)),
        ));
    }
    for count in [3, 5, 7, 9] {
        let margin = Margin { back_buckets: SPARSITY * count, ..Margin::NONE };
        definitions.push(Definition::new(
            format!("median_{count}"),
            Family::Smoothing,
            QUERY,
            format!("median of the last {count} points"),
            each_series(margin, move |_, values| rolling_median(values, count as usize)),
        ));
    }
    for count in [5, 13, 21, 29] {
        let half = count / 2;
        let margin = Margin { back_buckets: half, ahead_buckets: half, ..Margin::NONE };
        definitions.push(Definition::new(
            format!("rollingavg_{count}"),
            Family::Smoothing,
            QUERY,
            format!("mean of the {count} buckets around each point"),
            each_series(margin, move |_, values| centred_mean(values, half as usize)),
        ));
    }
    definitions.push(
        Definition::new(
            "weighted",
            Family::Smoothing,
            WEIGHTED,
            "for sums of gauges whose tags come and go: each point weighs as much of its bucket as its submission interval",
            Body::Own(super::rollup::push_modifier),
        )
        .modifier(),
    );
    definitions
}

fn ewma(values: &mut [f64], span: i64) {
    let weight = 2.0 / (span + 1) as f64;
    let mut average = f64::NAN;
    for value in values.iter_mut().filter(|value| !value.is_nan()) {
        average = if average.is_nan() { *value } else { average + weight * (*value - average) };
        *value = average;
    }
}

fn rolling_median(values: &mut [f64], count: usize) {
    let mut last = std::collections::VecDeque::with_capacity(count);
    let mut scratch = Vec::with_capacity(count);
    for value in values.iter_mut().filter(|value| !value.is_nan()) {
        if last.len() == count {
            last.pop_front();
        }
        last.push_back(*value);
        scratch.clear();
        scratch.extend(last.iter().copied());
        *value = percentile(&mut scratch, 50.0);
    }
}

/// The mean of the values that are there, `half` buckets to either side; nothing where nothing was.
fn centred_mean(values: &mut [f64], half: usize) {
    let smooth = |bucket: usize| {
        if values[bucket].is_nan() {
            return f64::NAN;
        }
        let around = &values[bucket.saturating_sub(half)..(bucket + half + 1).min(values.len())];
        mean(around.iter().copied().filter(|value| !value.is_nan()))
    };
    let smoothed: Vec<f64> = (0..values.len()).map(smooth).collect();
    values.copy_from_slice(&smoothed);
}

/// Widest span of automatic smoothing: this part of the window.
const WIDEST_PART: usize = 10;

/// Picks one span for all groups, after the idea of ASAP (Rong and Bailis, 2017): the one that leaves least roughness
/// (deviation of the steps) of those whose kurtosis is not below that of the original, so that what sticks out stays.
fn autosmooth(input: Frame) -> Frame {
    let scaled: Vec<Vec<f64>> = input.rows.iter().filter_map(|row| standardised(&row.values)).collect();
    let widest = input.axis.len() / WIDEST_PART;
    let original = mean(scaled.iter().map(|values| kurtosis(values)));
    let mut best = (f64::INFINITY, 0);
    for half in 1..=widest / 2 {
        let smooth: Vec<Vec<f64>> = scaled.iter().map(|values| running_mean(values, half)).collect();
        let roughness = mean(smooth.iter().map(|values| roughness(values)));
        if mean(smooth.iter().map(|values| kurtosis(values))) >= original && roughness < best.0 {
            best = (roughness, half);
        }
    }
    let half = best.1;
    input.map_rows(|_: &Axis, values| centred_mean(values, half))
}

/// [`centred_mean`] of values that are all there, in one pass.
fn running_mean(values: &[f64], half: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(values.len() + 1);
    sums.push(0.0);
    for value in values {
        sums.push(sums[sums.len() - 1] + value);
    }
    let around = |at: usize| (at.saturating_sub(half), (at + half + 1).min(values.len()));
    let mean = |(first, after): (usize, usize)| (sums[after] - sums[first]) / (after - first) as f64;
    (0..values.len()).map(|at| mean(around(at))).collect()
}

/// Values with mean 0 and deviation 1; `None` when they do not vary.
fn standardised(values: &[f64]) -> Option<Vec<f64>> {
    let present: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let (center, spread) = (mean(present.iter().copied()), deviation(&present));
    (spread > 0.0).then(|| present.iter().map(|value| (value - center) / spread).collect())
}

fn roughness(values: &[f64]) -> f64 {
    let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    deviation(&steps)
}

fn kurtosis(values: &[f64]) -> f64 {
    let center = mean(values.iter().copied());
    let moment = |power: i32| mean(values.iter().map(|value| (value - center).powi(power)));
    moment(4) / moment(2).powi(2)
}
