//! Bands of `anomalies` on whole series.

use galgo_query::algorithms::anomaly::{Algorithm, Band, Direction, Options, detect};
use galgo_query::algorithms::season::{Season, Seasonality};
use galgo_query::calendar::zone;
use galgo_query::frame::Axis;
use jiff::Timestamp;
use proptest::prelude::*;

use super::synthetic::*;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Basic, Algorithm::Agile, Algorithm::Robust];

fn options(algorithm: Algorithm, seasonality: Seasonality, bounds: f64) -> Options {
    let season = Season { seasonality, ..Season::weekly() };
    Options { algorithm, bounds, direction: Direction::Both, alert_window: 0, season }
}

/// Part of the judged buckets that lies outside.
fn share(band: &Band, values: &[f64], buckets: impl Iterator<Item = usize>) -> f64 {
    let judged: Vec<bool> = buckets.filter_map(|at| band.is_outside(at, values[at], Direction::Both)).collect();
    judged.iter().filter(|is_outside| **is_outside).count() as f64 / judged.len() as f64
}

fn width(band: &Band, at: usize) -> f64 {
    band.upper[at] - band.lower[at]
}

/// Shapes with their seasons: name, season, bucket, number of buckets, shape.
type Case = (&'static str, Seasonality, i64, usize, fn(i64) -> f64);

const SEASONAL: [Case; 3] = [
    ("weeks of hours", Seasonality::Weekly, HOUR, 12 * 168, working_week),
    ("days of five minutes", Seasonality::Daily, 300, 10 * 288, day),
    ("hours of 20 seconds", Seasonality::Hourly, 20, 12 * 180, hour),
];

#[test]
fn seasonal_bands_hold_the_noise_and_nothing_else() {
    for (name, seasonality, step, len, shape) in SEASONAL {
        let axis = axis(step, len);
        for algorithm in [Algorithm::Agile, Algorithm::Robust] {
            for seed in 1..4 {
                let mut noise = Noise::new(seed);
                let mut values = series(&axis, |second| shape(second) + 3.0 * noise.next());
                let options = options(algorithm, seasonality, 3.0);
                let quiet = share(&detect(&axis, &values, &options), &values, 0..len);
                assert!(quiet < 0.02, "{name} {algorithm:?}: {quiet} of the noise lies outside");
                // Eight deviations up and down, by turns.
                let spikes: Vec<usize> = (len / 2..len).step_by(len / 50).collect();
                for (turn, &at) in spikes.iter().enumerate() {
                    values[at] += if turn % 2 == 0 { 24.0 } else { -24.0 };
                }
                let band = detect(&axis, &values, &options);
                let found = share(&band, &values, spikes.iter().copied());
                assert!(found > 0.95, "{name} {algorithm:?}: only {found} of the spikes found");
                let others = (0..len).filter(|at| !spikes.contains(at));
                assert!(share(&band, &values, others) < 0.02, "{name} {algorithm:?}");
            }
        }
    }
}

#[test]
fn basic_bands_hold_the_noise_of_what_has_no_season() {
    let axis = axis(60, 3000);
    for seed in 1..6 {
        let mut noise = Noise::new(seed);
        let mut values = series(&axis, |_| 50.0 + 3.0 * noise.next());
        let options = options(Algorithm::Basic, Seasonality::Weekly, 3.0);
        assert!(share(&detect(&axis, &values, &options), &values, 0..3000) < 0.015);
        let spikes: Vec<usize> = (100..3000).step_by(100).collect();
        spikes.iter().for_each(|&at| values[at] += 24.0);
        assert!(share(&detect(&axis, &values, &options), &values, spikes.into_iter()) > 0.95);
    }
}

#[test]
fn little_history_is_enough_for_basic_and_three_seasons_for_the_others() {
    let axis = axis(HOUR, 24 * 7);
    let mut noise = Noise::new(1);
    let values = series(&axis, |second| day(second) + noise.next());
    let first = |algorithm| {
        let band = detect(&axis, &values, &options(algorithm, Seasonality::Daily, 2.0));
        let first = band.upper.iter().position(|edge| !edge.is_nan()).unwrap();
        assert!(band.upper[first..].iter().all(|edge| !edge.is_nan()), "{algorithm:?}");
        first
    };
    assert_eq!(ALGORITHMS.map(first), [8, 72, 72]);
}

/// The table of the reference: how the algorithms take a new level.
#[test]
fn new_levels() {
    let axis = axis(HOUR, 16 * 168);
    let shift = 8 * 168;
    let mut noise = Noise::new(3);
    let values =
        series(&axis, |second| working_week(second) + 3.0 * noise.next() + if second >= 8 * WEEK { 40.0 } else { 0.0 });
    let of = |algorithm| detect(&axis, &values, &options(algorithm, Seasonality::Weekly, 3.0));
    let (agile, robust) = (of(Algorithm::Agile), of(Algorithm::Robust));
    let days = |from: usize, to: usize| shift + 24 * from..shift + 24 * to;
    // Agile is surprised for half of its immediate past (12 buckets here), then it is there.
    assert_eq!(share(&agile, &values, shift..shift + 6), 1.0);
    assert!(share(&agile, &values, days(1, 56)) < 0.02);
    // Robust is surprised for the two weeks in which the seasons still agree on the old level …
    assert!(share(&robust, &values, days(0, 14)) > 0.99);
    // … then they disagree and its band is wide, …
    let usual = width(&robust, shift - 24);
    let widest = (days(14, 28)).map(|at| width(&robust, at)).fold(0.0, f64::max);
    assert!(widest > 5.0 * usual, "{widest} after {usual}");
    // … and after six weeks it is there.
    assert!(share(&robust, &values, days(42, 56)) < 0.02);
    assert!((width(&robust, shift + 24 * 50) / usual - 1.0).abs() < 0.5);

    // Basic knows no season, so it is shown on a series without one.
    let flat_axis = super::synthetic::axis(60, 600);
    let flat = series(&flat_axis, |second| 50.0 + 3.0 * noise.next() + if second >= 300 * 60 { 40.0 } else { 0.0 });
    let basic = detect(&flat_axis, &flat, &options(Algorithm::Basic, Seasonality::Weekly, 3.0));
    assert_eq!(share(&basic, &flat, 300..305), 1.0);
    assert!(share(&basic, &flat, 360..600) < 0.02);
}

/// The same table: agile takes a change that is small beside the values for none, the others see it still.
#[test]
fn only_agile_looks_at_the_size_of_the_values() {
    let axis = axis(300, 10 * 288);
    let at = 9 * 288..9 * 288 + 5;
    let changed = |offset: f64| {
        let mut noise = Noise::new(5);
        let mut values = series(&axis, |second| offset + day(second) / 10.0 + noise.next());
        values[at.clone()].iter_mut().for_each(|value| *value += 12.0);
        values
    };
    for (algorithm, small, large) in
        [(Algorithm::Agile, 1.0, 0.0), (Algorithm::Robust, 1.0, 1.0), (Algorithm::Basic, 0.8, 0.8)]
    {
        let found = |values: &[f64]| {
            let band = detect(&axis, values, &options(algorithm, Seasonality::Daily, 3.0));
            share(&band, values, at.clone())
        };
        let (beside_small, beside_large) = (found(&changed(0.0)), found(&changed(2000.0)));
        assert!(beside_small >= small, "{algorithm:?}: {beside_small}");
        assert!(if large > 0.0 { beside_large >= large } else { beside_large == 0.0 }, "{algorithm:?}: {beside_large}");
    }
}

#[test]
fn robust_follows_a_slow_trend() {
    let axis = axis(HOUR, 12 * 168);
    let mut noise = Noise::new(7);
    // 20 more every week.
    let values = series(&axis, |second| working_week(second) + 20.0 * second as f64 / WEEK as f64 + 3.0 * noise.next());
    let band = detect(&axis, &values, &options(Algorithm::Robust, Seasonality::Weekly, 3.0));
    assert!(share(&band, &values, 6 * 168..12 * 168) < 0.02);
    assert!(width(&band, 11 * 168) < 30.0);
}

#[test]
fn an_odd_season_and_an_outage_change_little() {
    let axis = axis(300, 10 * 288);
    for algorithm in [Algorithm::Agile, Algorithm::Robust] {
        let options = options(algorithm, Seasonality::Daily, 3.0);
        let mut noise = Noise::new(11);
        let mut values = series(&axis, |second| day(second) + 3.0 * noise.next());
        let untouched = detect(&axis, &values, &options);
        // Yesterday from 6 to 12 it was ten times as much; the day before nothing was measured from 18 to 22.
        values[8 * 288 + 72..8 * 288 + 144].iter_mut().for_each(|value| *value *= 10.0);
        values[7 * 288 + 216..7 * 288 + 264].fill(f64::NAN);
        let band = detect(&axis, &values, &options);
        assert!(share(&band, &values, 9 * 288..10 * 288) < 0.03, "{algorithm:?}");
        for at in 9 * 288..10 * 288 {
            assert!(!band.upper[at].is_nan());
            assert!(width(&band, at) < 2.5 * width(&untouched, at), "{algorithm:?} at {at}");
        }
    }
}

#[test]
fn an_alert_window_of_anomalies_is_not_usual_at_its_end() {
    let axis = axis(60, 6 * 1440);
    let alert = 5 * 1440 + 600..5 * 1440 + 720;
    let mut noise = Noise::new(2);
    let mut values = series(&axis, |second| day(second) + noise.next());
    values[alert.clone()].iter_mut().for_each(|value| *value += 30.0);
    for algorithm in ALGORITHMS {
        let mut options = options(algorithm, Seasonality::Daily, 3.0);
        options.alert_window = 120 * 60;
        let band = detect(&axis, &values, &options);
        // Basic lags behind a season, whose slope its band then has to hold as well.
        let least = if algorithm == Algorithm::Basic { 0.3 } else { 1.0 };
        assert!(share(&band, &values, alert.clone()) >= least, "{algorithm:?}");
    }
}

/// Work begins at 9 by the clock of Paris, also after it went forward on 31 March 2024 at 1:00 UTC.
#[test]
fn seasons_follow_the_clock_of_their_zone() {
    let start: i64 = "2024-03-21T00:00:00Z".parse::<Timestamp>().unwrap().as_second();
    let axis = Axis::of(&galgo_query::source::Grid::Uniform { start, step: 600, len: 14 * 144 });
    let paris = zone("Europe/Paris").unwrap();
    let mut noise = Noise::new(13);
    let values: Vec<f64> = axis
        .starts
        .iter()
        .map(|&start| {
            let hour = Timestamp::from_second(start).unwrap().to_zoned_datetime(paris.clone()).hour();
            noise.next() + if (9..17).contains(&hour) { 100.0 } else { 10.0 }
        })
        .collect();
    // The two days after the change.
    let after = 11 * 144..13 * 144;
    let mut options = options(Algorithm::Robust, Seasonality::Daily, 4.0);
    let universal = share(&detect(&axis, &values, &options), &values, after.clone());
    assert!(universal > 0.06, "an hour in the morning and one in the evening look odd: {universal}");
    options.season.zone = paris;
    for algorithm in [Algorithm::Agile, Algorithm::Robust] {
        options.algorithm = algorithm;
        let local = share(&detect(&axis, &values, &options), &values, after.clone());
        assert!(local < 0.01, "{algorithm:?}: {local}");
    }
}

#[test]
fn what_never_changes_has_no_band_to_leave_by_rounding() {
    let axis = axis(HOUR, 30 * 24);
    let values = series(&axis, |second| 0.1 + 0.2 + if second % (3 * HOUR) == 0 { 1e-16 } else { 0.0 });
    for algorithm in ALGORITHMS {
        let band = detect(&axis, &values, &options(algorithm, Seasonality::Daily, 2.0));
        assert_eq!(share(&band, &values, 0..values.len()), 0.0, "{algorithm:?}");
        let widest = (0..values.len()).map(|at| width(&band, at)).fold(0.0, f64::max);
        let allowed = if algorithm == Algorithm::Agile { 4.0 * 0.005 * 0.3 * 1.001 } else { 1e-12 };
        assert!(widest <= allowed, "{algorithm:?}: {widest}");
        // And what leaves it is seen.
        let mut moved = values.clone();
        moved[700] = 0.4;
        let band = detect(&axis, &moved, &options(algorithm, Seasonality::Daily, 2.0));
        assert_eq!(band.is_outside(700, 0.4, Direction::Both), Some(true), "{algorithm:?}");
    }
}

#[test]
fn directions_count_one_side() {
    let band = Band { lower: vec![1.0, f64::NAN], upper: vec![2.0, f64::NAN] };
    for (value, both, above, below) in [
        (0.5, true, false, true),
        (1.0, false, false, false),
        (2.0 + 1e-12, false, false, false),
        (3.0, true, true, false),
    ] {
        assert_eq!(band.is_outside(0, value, Direction::Both), Some(both), "{value}");
        assert_eq!(band.is_outside(0, value, Direction::Above), Some(above), "{value}");
        assert_eq!(band.is_outside(0, value, Direction::Below), Some(below), "{value}");
    }
    assert_eq!(band.is_outside(1, 3.0, Direction::Both), None);
    assert_eq!(band.is_outside(0, f64::NAN, Direction::Both), None);
    assert_eq!(band.is_outside(0, f64::INFINITY, Direction::Both), Some(true));
}

fn close(left: &[f64], right: &[f64], slack: f64) -> bool {
    left.iter().zip(right).all(|(left, right)| (left.is_nan() && right.is_nan()) || (left - right).abs() <= slack)
}

fn sparse_series() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![8 => -100.0..100.0f64, 1 => Just(f64::NAN), 1 => (0..5).prop_map(f64::from)];
    proptest::collection::vec(value, 100..260)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bands_scale_and_move_with_their_series(values in sparse_series(), scale in 0.01..100.0f64, offset in -1e3..1e3f64) {
        let axis = axis(HOUR, values.len());
        for algorithm in ALGORITHMS {
            let options = options(algorithm, Seasonality::Daily, 2.0);
            let plain = detect(&axis, &values, &options);
            prop_assert_eq!(&detect(&axis, &values, &options).upper.len(), &values.len());
            // Agile looks at the size of the values, so it only scales.
            let offset = if algorithm == Algorithm::Agile { 0.0 } else { offset };
            let change = |values: &[f64]| values.iter().map(|value| value * scale + offset).collect::<Vec<f64>>();
            let changed = detect(&axis, &change(&values), &options);
            let slack = 1e-7 * (scale + offset.abs());
            prop_assert!(close(&changed.upper, &change(&plain.upper), slack), "{:?}", algorithm);
            prop_assert!(close(&changed.lower, &change(&plain.lower), slack), "{:?}", algorithm);
        }
    }

    #[test]
    fn what_comes_later_changes_nothing(values in sparse_series(), cut in 80..100usize) {
        let (whole, part) = (axis(HOUR, values.len()), axis(HOUR, cut));
        for algorithm in ALGORITHMS {
            let options = options(algorithm, Seasonality::Daily, 2.0);
            let (of_whole, of_part) = (detect(&whole, &values, &options), detect(&part, &values[..cut], &options));
            // Short gaps are bridged once their other end is known, hence not the last hours.
            let settled = cut - 3;
            prop_assert!(close(&of_whole.upper[..settled], &of_part.upper[..settled], 1e-9), "{:?}", algorithm);
        }
    }

    #[test]
    fn any_series_has_an_ordered_band(values in proptest::collection::vec(proptest::num::f64::ANY, 0..200)) {
        let axis = axis(HOUR, values.len());
        for algorithm in ALGORITHMS {
            let band = detect(&axis, &values, &options(algorithm, Seasonality::Daily, 2.0));
            for (lower, upper) in band.lower.iter().zip(&band.upper) {
                prop_assert!(lower.is_nan() || upper.is_nan() || lower <= upper);
            }
        }
    }
}
