//! Outliers among groups.

use galgo_query::algorithms::outlier::{Algorithm, Options, outliers};
use proptest::prelude::*;

use super::synthetic::*;

const ALGORITHMS: [Algorithm; 4] = [Algorithm::Dbscan, Algorithm::ScaledDbscan, Algorithm::Mad, Algorithm::ScaledMad];

fn flags(series: &[Vec<f64>], algorithm: Algorithm, tolerance: f64) -> Vec<bool> {
    let series: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
    outliers(&series, &Options { algorithm, tolerance, share: 0.2 }).unwrap()
}

#[test]
fn one_host_of_twelve_is_different() {
    let axis = axis(300, 144);
    for seed in 1..6 {
        let mut noise = Noise::new(seed);
        let mut hosts: Vec<Vec<f64>> =
            (0..12).map(|_| series(&axis, |second| day(second) + 3.0 * noise.next())).collect();
        for algorithm in ALGORITHMS {
            assert!(!flags(&hosts, algorithm, 3.0).contains(&true), "{algorithm:?}");
        }
        hosts[4] = series(&axis, |_| 300.0 + 3.0 * noise.next());
        for algorithm in ALGORITHMS {
            let found = flags(&hosts, algorithm, 3.0);
            assert!((0..12).all(|host| found[host] == (host == 4)), "{algorithm:?}: {found:?}");
        }
    }
}

fn hosts() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let value = prop_oneof![9 => -100.0..100.0f64, 1 => Just(f64::NAN)];
    let host = (proptest::collection::vec(value, 12), prop_oneof![3 => Just(0.0), 1 => Just(500.0)]);
    proptest::collection::vec(
        host.prop_map(|(values, level)| values.iter().map(|value| value + level).collect()),
        0..10,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_groups_means_nothing(hosts in hosts(), turn in 0..10usize, tolerance in 0.3..4.0f64) {
        let mut turned: Vec<(usize, Vec<f64>)> = hosts.iter().cloned().enumerate().collect();
        turned.rotate_left(turn % hosts.len().max(1));
        turned.reverse();
        let values: Vec<Vec<f64>> = turned.iter().map(|(_, values)| values.clone()).collect();
        for algorithm in ALGORITHMS {
            let plain = flags(&hosts, algorithm, tolerance);
            let found = flags(&values, algorithm, tolerance);
            for (place, (host, _)) in turned.iter().enumerate() {
                prop_assert_eq!(found[place], plain[*host], "{:?}", algorithm);
            }
        }
    }

    #[test]
    fn outliers_stay_when_everything_scales_or_moves(hosts in hosts(), scale in 0.01..100.0f64, offset in -1e3..1e3f64) {
        for algorithm in ALGORITHMS {
            // The scaled ones look at the size of the values.
            let offset = if matches!(algorithm, Algorithm::Dbscan | Algorithm::Mad) { offset } else { 0.0 };
            let changed: Vec<Vec<f64>> =
                hosts.iter().map(|values| values.iter().map(|value| value * scale + offset).collect()).collect();
            prop_assert_eq!(flags(&changed, algorithm, 3.0), flags(&hosts, algorithm, 3.0), "{:?}", algorithm);
        }
    }
}
