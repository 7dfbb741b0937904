//! How long the algorithms take, printed: `cargo test --release -p galgo-query --test algorithms -- --ignored --nocapture`.

use std::hint::black_box;

use galgo_query::algorithms::anomaly::{Algorithm, Direction, Options, detect};
use galgo_query::algorithms::forecast::{Method, Model, forecast};
use galgo_query::algorithms::outlier::{self, outliers};
use galgo_query::algorithms::season::Season;

use super::synthetic::*;

/// CPU time of this process in milliseconds (user and system; ticks of 10 ms), as Linux tells it.
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) * 10.0
}

fn time(name: &str, rounds: u32, mut work: impl FnMut()) {
    let before = cpu_ms();
    for _ in 0..rounds {
        work();
    }
    println!("{name}: {:.1} ms", (cpu_ms() - before) / f64::from(rounds));
}

#[test]
#[ignore = "prints figures"]
fn a_year_of_hours() {
    let len = 365 * 24;
    let axis = axis(HOUR, len);
    let mut noise = Noise::new(1);
    let values = series(&axis, |second| working_week(second) + 3.0 * noise.next());
    for algorithm in [Algorithm::Basic, Algorithm::Agile, Algorithm::Robust] {
        let options =
            Options { algorithm, bounds: 2.0, direction: Direction::Both, alert_window: 0, season: Season::weekly() };
        time(&format!("anomalies {algorithm:?}"), 20, || {
            black_box(detect(&axis, &values, &options));
        });
    }
    let known = &values[..len - 2 * 168];
    for method in [Method::Linear(Model::Default), Method::Seasonal(Season::weekly())] {
        time(&format!("forecast {method:?}"), 20, || {
            black_box(forecast(&axis, known, &method, 2.0));
        });
    }
    let groups: Vec<Vec<f64>> = (0..50).map(|_| values.iter().map(|value| value + noise.next()).collect()).collect();
    let groups: Vec<&[f64]> = groups.iter().map(Vec::as_slice).collect();
    for algorithm in [outlier::Algorithm::Dbscan, outlier::Algorithm::Mad] {
        let options = outlier::Options { algorithm, tolerance: 1.0, share: 0.2 };
        time(&format!("outliers {algorithm:?} of 50 groups"), 5, || {
            black_box(outliers(&groups, &options)).unwrap();
        });
    }
}
