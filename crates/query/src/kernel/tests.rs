//! The kernel's rules, one table row each; the oracle in tests/ repeats them on random data.

use super::*;
use crate::source::{Fill, Grid, SpaceAgg, TimeAgg, TypeModifier};

const NAN: f64 = f64::NAN;

type Series<'a> = (MetricKind, u32, &'a [(i64, f64)]);

fn grid(step: i64, len: usize) -> Grid {
    Grid::Uniform { start: 1200, step, len }
}

fn leaf(step: i64, len: usize) -> Leaf {
    Leaf::all("m", grid(step, len))
}

/// Runs series of one group; times count from the start of the grid.
fn run(leaf: &Leaf, series: &[Series<'_>]) -> Vec<f64> {
    let mut kernel = Kernel::new(leaf);
    for (kind, interval, points) in series {
        let (times, values): (Vec<i64>, Vec<f64>) = points.iter().map(|(time, value)| (time + 1200, *value)).unzip();
        kernel.begin(0, *kind, *interval);
        kernel.points(&times, &values);
        kernel.end();
    }
    kernel.finish(vec![vec![]]).rows.pop().map_or_else(Vec::new, |row| row.values)
}

#[track_caller]
fn check(leaf: &Leaf, series: &[Series<'_>], expected: &[f64]) {
    let values = run(leaf, series);
    let same = values.len() == expected.len()
        && values.iter().zip(expected).all(|(a, b)| (a.is_nan() && b.is_nan()) || (a - b).abs() < 1e-9);
    assert!(same, "{values:?} instead of {expected:?}");
}

use MetricKind::{Count, Gauge, Rate};

#[test]
fn type_modifiers_follow_the_kind() {
    let ones = [(5, 1.0), (25, 1.0), (45, 1.0), (65, 1.0)];
    let rates = [(5, 0.05), (25, 0.05), (45, 0.05), (65, 0.05)];
    let of = |modifier| Leaf { modifier, ..leaf(20, 4) };
    check(&of(TypeModifier::AsCount), &[(Count, 20, &ones)], &[1.0; 4]);
    check(&of(TypeModifier::AsRate), &[(Count, 20, &ones)], &[0.05; 4]);
    check(&of(TypeModifier::AsCount), &[(Rate, 20, &rates)], &[1.0; 4]);
    check(&of(TypeModifier::AsRate), &[(Rate, 20, &rates)], &[0.05; 4]);
    check(&of(TypeModifier::AsRate), &[(Gauge, 20, &ones)], &[1.0; 4]);
    let wide = |modifier| Leaf { modifier, ..leaf(40, 2) };
    check(&wide(TypeModifier::AsCount), &[(Count, 20, &ones)], &[2.0; 2]);
    check(&wide(TypeModifier::AsRate), &[(Rate, 20, &rates)], &[0.05; 2]);
    check(&wide(TypeModifier::None), &[(Count, 20, &ones)], &[1.0; 2]);
}

#[test]
fn points_of_a_bucket_are_aggregated() {
    let points = [(0, 4.0), (10, 1.0), (19, 7.0)];
    for (time, expected) in [
        (TimeAgg::Avg, 4.0),
        (TimeAgg::Sum, 12.0),
        (TimeAgg::Min, 1.0),
        (TimeAgg::Max, 7.0),
        (TimeAgg::Count, 3.0),
        (TimeAgg::Last, 7.0),
    ] {
        check(&Leaf { time: Some(time), ..leaf(20, 1) }, &[(Gauge, 10, &points)], &[expected]);
    }
}

#[test]
fn one_series_is_not_interpolated_but_two_are() {
    let sparse: Series<'_> = (Gauge, 60, &[(0, 1.0), (60, 4.0)]);
    let dense: Series<'_> = (Gauge, 20, &[(0, 10.0), (20, 10.0), (40, 10.0), (60, 10.0)]);
    let sum = Leaf { space: SpaceAgg::Sum, ..leaf(20, 4) };
    check(&sum, &[sparse], &[1.0, NAN, NAN, 4.0]);
    check(&sum, &[sparse, dense], &[11.0, 12.0, 13.0, 14.0]);
    check(&sum, &[dense, sparse], &[11.0, 12.0, 13.0, 14.0]);
    check(&Leaf { fill: Fill::Null, ..sum }, &[dense, sparse], &[11.0, 10.0, 10.0, 14.0]);
}

#[test]
fn neighbours_outside_the_window_serve_interpolation() {
    let around: Series<'_> = (Gauge, 60, &[(-20, 0.0), (60, 4.0)]);
    let other: Series<'_> = (Gauge, 60, &[(0, 10.0), (20, 10.0)]);
    let sum = Leaf { space: SpaceAgg::Sum, ..leaf(20, 2) };
    check(&sum, &[around, other], &[11.0, 12.0]);
}

#[test]
fn interpolation_ends_at_its_limit() {
    let far: Series<'_> = (Gauge, 60, &[(0, 0.0), (300, 3.0)]);
    check(&Leaf { fill: Fill::Linear { limit: 120 }, ..leaf(60, 4) }, &[far], &[0.0, 0.6, 1.2, NAN]);
    check(&Leaf { fill: Fill::Last { limit: 60 }, ..leaf(60, 3) }, &[(Gauge, 60, &[(0, 3.0)])], &[3.0, 3.0, NAN]);
    check(&Leaf { fill: Fill::Zero { limit: 60 }, ..leaf(60, 3) }, &[(Gauge, 60, &[(0, 3.0)])], &[3.0, 0.0, NAN]);
    check(&Leaf { fill: Fill::Last { limit: 60 }, ..leaf(60, 2) }, &[(Gauge, 60, &[(-60, 3.0)])], &[3.0, NAN]);
}

#[test]
fn counts_are_never_interpolated_by_default() {
    let left: Series<'_> = (Count, 20, &[(0, 1.0), (40, 1.0)]);
    let right: Series<'_> = (Count, 20, &[(0, 1.0), (20, 1.0), (40, 1.0)]);
    let sum = Leaf { space: SpaceAgg::Sum, modifier: TypeModifier::AsCount, ..leaf(20, 3) };
    check(&sum, &[left, right], &[2.0, 1.0, 2.0]);
}

#[test]
fn a_weighted_bucket_averages_over_all_slots() {
    let leaf = Leaf { weighted: true, space: SpaceAgg::Sum, ..leaf(60, 1) };
    check(&leaf, &[(Gauge, 10, &[(30, 12.0)])], &[2.0]);
}

#[test]
fn differences_come_before_space_aggregation() {
    let left: Series<'_> = (Gauge, 20, &[(-20, 1.0), (0, 5.0), (20, 2.0)]);
    let right: Series<'_> = (Gauge, 20, &[(-20, 10.0), (0, 11.0), (20, 13.0)]);
    let sum = Leaf { space: SpaceAgg::Sum, ..leaf(20, 2) };
    check(&Leaf { diff: Some(SeriesDiff::Plain), ..sum.clone() }, &[left, right], &[5.0, -1.0]);
    check(&Leaf { diff: Some(SeriesDiff::Monotonic), ..sum }, &[left, right], &[5.0, 2.0]);
}

#[test]
fn statistics_stand_for_points() {
    for time in [TimeAgg::Avg, TimeAgg::Sum, TimeAgg::Min, TimeAgg::Max, TimeAgg::Count, TimeAgg::Last] {
        let leaf = Leaf { time: Some(time), ..leaf(60, 1) };
        let expected = run(&leaf, &[(Gauge, 10, &[(0, 5.0), (10, 1.0), (20, 6.0), (30, 2.0)])]);
        let mut kernel = Kernel::new(&leaf);
        kernel.begin(0, Gauge, 10);
        assert!(kernel.accepts_stats());
        kernel.points(&[1200], &[5.0]);
        kernel.stats(&ChunkStats {
            first_time: 1210,
            last_time: 1230,
            count: 3,
            sum: 9.0,
            min: 1.0,
            max: 6.0,
            last: 2.0,
        });
        kernel.end();
        assert_eq!(kernel.finish(vec![vec![]]).rows[0].values, expected, "{time:?}");
    }
}

#[test]
fn regular_points_equal_listed_ones() {
    for (start, step) in [(1100, 10), (1203, 10), (1195, 7), (1000, 45), (1200, 20), (1390, 10), (900, 13)] {
        for time in [TimeAgg::Avg, TimeAgg::Max, TimeAgg::Last, TimeAgg::Count] {
            let values: Vec<f64> = (0..60).map(|index| f64::from(index * 7 % 11)).collect();
            let times: Vec<i64> = (0..60).map(|index| start + index * step).collect();
            for grid in [grid(20, 10), grid(15, 13), Grid::Edges(vec![1200, 1230, 1300, 1310, 1420])] {
                let leaf = Leaf { time: Some(time), ..Leaf::all("m", grid) };
                let (mut listed, mut regular) = (Kernel::new(&leaf), Kernel::new(&leaf));
                listed.begin(0, Gauge, 10);
                listed.points(&times[..31], &values[..31]);
                listed.points(&times[31..], &values[31..]);
                listed.end();
                regular.begin(0, Gauge, 10);
                regular.points_regular(start, step, &values[..17]);
                regular.points_regular(start + 17 * step, step, &values[17..]);
                regular.end();
                let (listed, regular) = (listed.finish(vec![vec![]]), regular.finish(vec![vec![]]));
                assert_eq!(format!("{listed:?}"), format!("{regular:?}"), "{start} {step} {time:?}");
            }
        }
    }
}

#[test]
fn rows_are_ordered_and_empty_groups_left_out() {
    let mut kernel = Kernel::new(&Leaf { group_by: vec!["host".into()], ..leaf(20, 1) });
    for (group, value) in [(2, 1.0), (0, 2.0)] {
        kernel.begin(group, Gauge, 10);
        kernel.points(&[1200], &[value]);
        kernel.end();
    }
    let named = |name: &str| vec![Some(name.to_owned())];
    let rows = kernel.finish(vec![named("b"), named("nothing"), named("a")]).rows;
    assert_eq!(rows, [Row { group: named("a"), values: vec![1.0] }, Row { group: named("b"), values: vec![2.0] }]);
}

#[test]
fn distributions_merge_before_the_statistic_is_read() {
    let mut sketches = [Sketch::new(), Sketch::new()];
    (1..=50).for_each(|value| sketches[0].insert(f64::from(value), 1));
    (51..=100).for_each(|value| sketches[1].insert(f64::from(value), 1));
    let between =
        |low, low_inclusive, high, high_inclusive| SpaceAgg::CountBetween { low, low_inclusive, high, high_inclusive };
    let (all, none) = (f64::INFINITY, f64::NEG_INFINITY);
    for (space, expected, tolerance) in [
        (SpaceAgg::Count, 100.0, 0.0),
        (SpaceAgg::Sum, 5050.0, 0.0),
        (SpaceAgg::Avg, 50.5, 0.0),
        (SpaceAgg::Min, 1.0, 0.0),
        (SpaceAgg::Max, 100.0, 0.0),
        (SpaceAgg::Percentile(95.0), 95.0, 2.5),
        (SpaceAgg::Percentile(100.0), 100.0, 0.0),
        (SpaceAgg::Stddev, 28.866, 0.5),
        (between(none, true, 10.0, true), 10.0, 0.0),
        (between(none, true, 10.0, false), 9.0, 0.0),
        (between(10.0, false, all, true), 90.0, 0.0),
        (between(10.0, true, all, true), 91.0, 0.0),
    ] {
        let mut kernel = Kernel::new(&Leaf { space, ..leaf(60, 1) });
        for (time, sketch) in [(1205, &sketches[0]), (1215, &sketches[1]), (900, &sketches[0])] {
            kernel.begin(0, MetricKind::Distribution, 10);
            kernel.sketch(time, sketch);
            kernel.end();
        }
        let value = kernel.finish(vec![vec![]]).rows[0].values[0];
        assert!((value - expected).abs() <= tolerance, "{space:?}: {value}");
    }
}
