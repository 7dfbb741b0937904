//! Continuations of whole series.

use galgo_query::algorithms::forecast::{Forecast, Method, Model, forecast};
use galgo_query::algorithms::season::{Season, Seasonality};
use galgo_query::frame::Axis;
use proptest::prelude::*;

use super::synthetic::*;

fn linear(model: Model) -> Method {
    Method::Linear(model)
}

fn seasonal(seasonality: Seasonality) -> Method {
    Method::Seasonal(Season { seasonality, ..Season::weekly() })
}

/// Part of the true values that the band holds.
fn held(found: &Forecast, truth: &[f64]) -> f64 {
    let inside = (0..truth.len()).filter(|&at| (found.lower[at]..=found.upper[at]).contains(&truth[at])).count();
    inside as f64 / truth.len() as f64
}

#[test]
fn a_line_goes_on_as_it_was() {
    let axis = axis(HOUR, 24);
    let values: Vec<f64> = (0..20).map(|hour| 5.0 - 0.5 * f64::from(hour)).collect();
    for model in [Model::Default, Model::Simple, Model::Reactive] {
        let found = forecast(&axis, &values, &linear(model), 3.0).unwrap();
        for (at, expected) in [(0, -5.0), (1, -5.5), (2, -6.0), (3, -6.5)] {
            assert!((found.expected[at] - expected).abs() < 1e-9, "{model:?}: {found:?}");
            assert!(found.upper[at] - found.lower[at] < 1e-9);
        }
    }
    assert_eq!(forecast(&axis, &values[..4], &linear(Model::Simple), 1.0), None);
    assert_eq!(forecast(&axis, &[f64::NAN; 20], &linear(Model::Simple), 1.0), None);
}

#[test]
fn bands_of_lines_hold_what_comes_and_grow() {
    let (known, len) = (7 * 24, 14 * 24);
    let axis = axis(HOUR, len);
    for model in [Model::Default, Model::Simple, Model::Reactive] {
        let mut total = 0.0;
        for seed in 1..21 {
            let mut noise = Noise::new(seed);
            let mut values = series(&axis, |second| 40.0 + second as f64 / DAY as f64 + 2.0 * noise.next());
            // An outage and a wild hour in the history.
            values[50..60].fill(f64::NAN);
            values[100] = 10_000.0;
            let found = forecast(&axis, &values[..known], &linear(model), 2.0).unwrap();
            total += held(&found, &values[known..]);
            let width = |at: usize| found.upper[at] - found.lower[at];
            assert!(width(0) < width(80) && width(80) < width(167));
        }
        let part = total / 20.0;
        assert!((0.85..=1.0).contains(&part), "{model:?} holds {part}");
    }
}

#[test]
fn models_differ_in_how_much_the_past_counts() {
    // Flat for six days, then up by 1 an hour for a day.
    let axis = axis(HOUR, 8 * 24);
    let mut noise = Noise::new(3);
    let values = series(&axis, |second| (second - 6 * DAY).max(0) as f64 / HOUR as f64 + 0.5 * noise.next());
    let slope = |model| {
        let found = forecast(&axis, &values[..7 * 24], &linear(model), 1.0).unwrap();
        (found.expected[23] - found.expected[0]) / 23.0
    };
    let (simple, default, reactive) = (slope(Model::Simple), slope(Model::Default), slope(Model::Reactive));
    assert!(simple < 0.2, "{simple}");
    assert!((0.2..0.9).contains(&default), "{default}");
    assert!((0.9..1.2).contains(&reactive), "{reactive}");
    // Two hours of a spike at the end: only `reactive` believes in it.
    let mut spiked = series(&axis, |_| 10.0 + 0.5 * noise.next());
    spiked[7 * 24 - 2..7 * 24].fill(20.0);
    let end = |model| forecast(&axis, &spiked[..7 * 24], &linear(model), 1.0).unwrap().expected[0];
    assert!((end(Model::Simple) - 10.0).abs() < 0.5);
    assert!((end(Model::Default) - 10.0).abs() < 1.0, "{}", end(Model::Default));
}

#[test]
fn weeks_go_on_as_weeks() {
    let (known, len) = (6 * 168, 8 * 168);
    let axis = axis(HOUR, len);
    let mut total = 0.0;
    for seed in 1..11 {
        let mut noise = Noise::new(seed);
        // 10 more each week.
        let truth = |second: i64| working_week(second) + 10.0 * second as f64 / WEEK as f64;
        let mut values = series(&axis, |second| truth(second) + 3.0 * noise.next());
        values[400..410].fill(f64::NAN);
        values[700..724].fill(0.0);
        let found = forecast(&axis, &values[..known], &seasonal(Seasonality::Weekly), 3.0).unwrap();
        total += held(&found, &values[known..]);
        let errors = (known..len).map(|at| (found.expected[at - known] - truth(at as i64 * HOUR)).abs());
        let worst = errors.fold(0.0, f64::max);
        assert!(worst < 15.0, "{worst} with seed {seed}");
    }
    assert!(total / 10.0 > 0.95, "{}", total / 10.0);
}

#[test]
fn the_present_level_counts() {
    let axis = axis(600, 9 * 144);
    let mut noise = Noise::new(3);
    let values = series(&axis, |second| {
        day(second) + 2.0 * noise.next() + if second >= 6 * DAY + 12 * HOUR { 30.0 } else { 0.0 }
    });
    let found = forecast(&axis, &values[..7 * 144], &seasonal(Seasonality::Daily), 3.0).unwrap();
    assert!(held(&found, &values[7 * 144..]) > 0.95);
}

#[test]
fn two_seasons_are_needed() {
    let axis = axis(HOUR, 96);
    let mut noise = Noise::new(3);
    let values = series(&axis, |second| day(second) + noise.next());
    let known = |hours: usize| forecast(&axis, &values[..hours], &seasonal(Seasonality::Daily), 2.0);
    assert_eq!(known(24), None);
    let found = known(48).unwrap();
    assert!(found.expected.iter().all(|value| !value.is_nan()));
    assert!(held(&found, &values[48..]) > 0.8);
    // Further ahead than one season the same seasons say it again.
    assert!((found.expected[0] - found.expected[24]).abs() < 10.0);
    assert_eq!(forecast(&axis, &[], &seasonal(Seasonality::Daily), 2.0), None);
}

#[test]
fn what_never_changes_goes_on_without_a_band() {
    let axis = axis(HOUR, 400);
    for method in [linear(Model::Default), seasonal(Seasonality::Daily)] {
        let found = forecast(&axis, &[7.0; 300], &method, 2.0).unwrap();
        for at in 0..100 {
            assert!((found.expected[at] - 7.0).abs() < 1e-9 && found.upper[at] - found.lower[at] < 1e-9);
        }
    }
}

fn known_values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![9 => -100.0..100.0f64, 1 => Just(f64::NAN)];
    proptest::collection::vec(value, 72..150)
}

fn close(left: &[f64], right: &[f64], slack: f64) -> bool {
    left.iter().zip(right).all(|(left, right)| (left.is_nan() && right.is_nan()) || (left - right).abs() <= slack)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn forecasts_scale_and_move_with_their_series(values in known_values(), scale in 0.01..100.0f64, offset in -1e3..1e3f64) {
        let axis = axis(HOUR, values.len() + 30);
        for method in [linear(Model::Default), linear(Model::Simple), linear(Model::Reactive), seasonal(Seasonality::Daily)] {
            let change = |values: &[f64]| values.iter().map(|value| value * scale + offset).collect::<Vec<f64>>();
            let plain = forecast(&axis, &values, &method, 2.0).unwrap();
            let changed = forecast(&axis, &change(&values), &method, 2.0).unwrap();
            let slack = 1e-5 * (scale * 100.0 + offset.abs());
            prop_assert!(close(&changed.expected, &change(&plain.expected), slack), "{:?}", method);
            prop_assert!(close(&changed.upper, &change(&plain.upper), slack), "{:?}", method);
            prop_assert!(close(&changed.lower, &change(&plain.lower), slack), "{:?}", method);
        }
    }

    #[test]
    fn any_history_is_taken(values in proptest::collection::vec(proptest::num::f64::ANY, 0..200)) {
        let axis: Axis = axis(HOUR, values.len() + 10);
        for method in [linear(Model::Reactive), seasonal(Seasonality::Daily)] {
            if let Some(found) = forecast(&axis, &values, &method, 2.0) {
                prop_assert_eq!((found.expected.len(), found.lower.len(), found.upper.len()), (10, 10, 10));
            }
        }
    }
}
