//! `outliers`: groups that behave unlike the others over the whole window.
//!
//! `DBSCAN` looks at shapes: series that are close to each other at all times form a cluster, and those outside of the
//! largest one are outliers. `MAD` looks at values: a series is an outlier when too many of its points are far from the
//! middle of all points. The scaled variants take differences that are small beside the values themselves for none.

use super::statistics::{MEDIAN_TO_DEVIATION, median};

/// Fewer groups than this have no usual behaviour.
pub const MIN_GROUPS: usize = 3;
/// Most differences between values that are looked at: about a second of work.
pub const MAX_DIFFERENCES: usize = 1_000_000_000;
/// The scaled variants take this part of the values at least for the deviation between groups.
const SCALED_PART: f64 = 0.02;
/// Part of the values that may be rounding.
const ROUNDING: f64 = 1e-9;

/// How outliers are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// By clusters of series.
    Dbscan,
    /// The same, its tolerance scaled with the values.
    ScaledDbscan,
    /// By values far from the middle.
    Mad,
    /// The same, its tolerance scaled with the values.
    ScaledMad,
}

impl Algorithm {
    /// The algorithm with this name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "dbscan" => Self::Dbscan,
            "scaleddbscan" => Self::ScaledDbscan,
            "mad" => Self::Mad,
            "scaledmad" => Self::ScaledMad,
            _ => return None,
        })
    }

    fn is_scaled(self) -> bool {
        matches!(self, Self::ScaledDbscan | Self::ScaledMad)
    }
}

/// What `outliers` is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// How they are found.
    pub algorithm: Algorithm,
    /// How much may lie between usual groups, in usual deviations.
    pub tolerance: f64,
    /// MAD only: a series is an outlier when more than this part of its points (0 to 1) is.
    pub share: f64,
}

/// More differences would have to be looked at than [`MAX_DIFFERENCES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "outliers of {groups} groups over {buckets} buckets are too much to compare: use fewer groups or longer buckets"
)]
pub struct TooMany {
    /// Groups.
    pub groups: usize,
    /// Buckets of each.
    pub buckets: usize,
}

/// Which series are outliers, by their values in common buckets (NaN where there is none).
///
/// ```
/// use galgo_query::algorithms::outlier::{Algorithm, Options, outliers};
///
/// let series: [&[f64]; 4] = [&[1.0, 2.0, 1.0], &[1.1, 2.1, 0.9], &[0.9, 2.0, 1.1], &[9.0, 8.0, 9.0]];
/// let options = Options { algorithm: Algorithm::Dbscan, tolerance: 3.0, share: 0.2 };
/// assert_eq!(outliers(&series, &options).unwrap(), [false, false, false, true]);
/// ```
pub fn outliers(series: &[&[f64]], options: &Options) -> Result<Vec<bool>, TooMany> {
    let members = series.iter().filter(|values| values.iter().any(|value| value.is_finite())).count();
    if members < MIN_GROUPS {
        return Ok(vec![false; series.len()]);
    }
    match options.algorithm {
        Algorithm::Mad | Algorithm::ScaledMad => Ok(by_values(series, options)),
        Algorithm::Dbscan | Algorithm::ScaledDbscan => by_clusters(series, options),
    }
}

fn by_values(series: &[&[f64]], options: &Options) -> Vec<bool> {
    let mut all: Vec<f64> = series.iter().flat_map(|values| finite(values)).collect();
    let center = median(&mut all);
    all.iter_mut().for_each(|value| *value = (*value - center).abs());
    let mut scale = median(&mut all);
    if options.algorithm.is_scaled() {
        scale = scale.max(SCALED_PART * center.abs());
    }
    let limit = options.tolerance * scale + ROUNDING * center.abs();
    let is_outlier = |values: &&[f64]| {
        let (mut points, mut out) = (0_usize, 0_usize);
        for value in finite(values) {
            points += 1;
            out += usize::from((value - center).abs() > limit);
        }
        out as f64 > options.share * points as f64
    };
    series.iter().map(is_outlier).collect()
}

fn finite(values: &[f64]) -> impl Iterator<Item = f64> + '_ {
    values.iter().copied().filter(|value| value.is_finite())
}

fn by_clusters(series: &[&[f64]], options: &Options) -> Result<Vec<bool>, TooMany> {
    let buckets = series.iter().map(|values| values.len()).max().unwrap_or(0);
    let middle = middle(series, buckets);
    let distances: Vec<f64> = series.iter().map(|values| distance(values, &middle)).collect();
    let mut known: Vec<f64> = distances.iter().copied().filter(|distance| !distance.is_nan()).collect();
    let magnitude = distance(&middle, &vec![0.0; buckets]);
    let mut scale = MEDIAN_TO_DEVIATION * median(&mut known);
    if options.algorithm.is_scaled() {
        scale = scale.max(SCALED_PART * magnitude);
    }
    let reach = options.tolerance * scale + ROUNDING * magnitude;
    let clusters = clusters(series, &distances, reach, MAX_DIFFERENCES)?;
    Ok(outside_of_largest(&clusters, &distances))
}

/// The median of all series at each bucket.
fn middle(series: &[&[f64]], buckets: usize) -> Vec<f64> {
    let mut scratch = Vec::with_capacity(series.len());
    (0..buckets)
        .map(|bucket| {
            scratch.clear();
            let values = series.iter().filter_map(|values| values.get(bucket).copied());
            scratch.extend(values.filter(|value| value.is_finite()));
            median(&mut scratch)
        })
        .collect()
}

/// Euclidean distance between two series for each root of their common buckets, so that a series with gaps is not nearer
/// than one without; NaN without a common bucket.
fn distance(left: &[f64], right: &[f64]) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (left, right) in left.iter().zip(right) {
        let difference = left - right;
        if difference.is_finite() {
            sum += difference * difference;
            count += 1.0;
        }
    }
    (sum / count).sqrt()
}

/// A number for each series, the same for those that are joined by a chain of steps no longer than `reach`.
fn clusters(series: &[&[f64]], distances: &[f64], reach: f64, most: usize) -> Result<Vec<usize>, TooMany> {
    let buckets = series.first().map_or(0, |values| values.len());
    let mut cluster: Vec<usize> = (0..series.len()).collect();
    // Two whole series within half the reach of the middle are within reach of each other: most need no comparison.
    let is_central = |at: usize| distances[at] <= reach / 2.0 && series[at].iter().all(|value| value.is_finite());
    let central: Vec<usize> = (0..series.len()).filter(|&at| is_central(at)).collect();
    if let Some(&first) = central.first() {
        central.iter().for_each(|&at| cluster[at] = first);
    }
    let mut looked_at = 0_usize;
    for left in 0..series.len() {
        for right in left + 1..series.len() {
            if cluster[left] == cluster[right] {
                continue;
            }
            looked_at = looked_at.saturating_add(buckets);
            if looked_at > most {
                return Err(TooMany { groups: series.len(), buckets });
            }
            if distance(series[left], series[right]) <= reach {
                let (kept, gone) = (cluster[left], cluster[right]);
                cluster.iter_mut().filter(|number| **number == gone).for_each(|number| *number = kept);
            }
        }
    }
    Ok(cluster)
}

/// Those outside of the largest cluster; of equally large ones the nearest to the middle counts. When that does not
/// decide either, neither half is more usual than the other and nothing is an outlier.
fn outside_of_largest(clusters: &[usize], distances: &[f64]) -> Vec<bool> {
    let is_member = |at: &usize| !distances[*at].is_nan();
    let mut sizes: Vec<(usize, f64)> = vec![(0, 0.0); clusters.len()];
    for at in (0..clusters.len()).filter(is_member) {
        sizes[clusters[at]].0 += 1;
        sizes[clusters[at]].1 += distances[at];
    }
    let largest = sizes.iter().map(|(size, _)| *size).max().unwrap_or(0);
    let candidates: Vec<usize> = (0..sizes.len()).filter(|&cluster| sizes[cluster].0 == largest).collect();
    let nearest = candidates.iter().map(|&cluster| sizes[cluster].1).fold(f64::INFINITY, f64::min);
    let best: Vec<usize> =
        candidates.into_iter().filter(|&cluster| sizes[cluster].1 <= nearest * (1.0 + ROUNDING)).collect();
    match best.as_slice() {
        [usual] => (0..clusters.len()).map(|at| is_member(&at) && clusters[at] != *usual).collect(),
        _ => vec![false; clusters.len()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(algorithm: &str, tolerance: f64, share: f64, series: &[&[f64]]) -> Vec<usize> {
        let options = Options { algorithm: Algorithm::parse(algorithm).unwrap(), tolerance, share };
        let flags = outliers(series, &options).unwrap();
        (0..flags.len()).filter(|&at| flags[at]).collect()
    }

    #[test]
    fn clusters_by_hand() {
        // Middles: 11.5 at each bucket. Distances to it: 1.5, 0.5, 0.5, 18.5, their median 1.0, so the reach is
        // 1.4826 × tolerance.
        let levels: [&[f64]; 4] = [&[10.0; 4], &[11.0; 4], &[12.0; 4], &[30.0; 4]];
        assert_eq!(found("dbscan", 1.0, 0.0, &levels), [3]);
        // Within 0.7413 nobody is near anybody: all clusters have one member, and the two nearest to the middle are tied.
        assert!(found("DBSCAN", 0.5, 0.0, &levels).is_empty());
        assert!(found("dbscan", 18.0 / MEDIAN_TO_DEVIATION + 1e-6, 0.0, &levels).is_empty());
        assert_eq!(found("dbscan", 18.0 / MEDIAN_TO_DEVIATION - 1e-6, 0.0, &levels), [3]);
    }

    #[test]
    fn values_by_hand() {
        // Of 1 1 1 2 2 2 3 3 3 9 9 1 the middle is 2, of the distances to it 1.
        let series: [&[f64]; 4] = [&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], &[9.0, 9.0, 1.0]];
        assert_eq!(found("mad", 3.0, 0.5, &series), [3]);
        assert!(found("MAD", 3.0, 0.67, &series).is_empty());
        assert!(found("mad", 7.0, 0.1, &series).is_empty());
        assert_eq!(found("mad", 6.9, 0.1, &series), [3]);
    }

    #[test]
    fn scaled_ones_forgive_what_is_small_beside_the_values() {
        let tight: [&[f64]; 4] = [&[1000.0, 1000.2], &[1000.1, 1000.0], &[1000.0, 1000.1], &[1005.0, 1005.0]];
        for algorithm in ["dbscan", "mad"] {
            assert_eq!(found(algorithm, 3.0, 0.2, &tight), [3], "{algorithm}");
            assert!(found(&format!("scaled{algorithm}"), 3.0, 0.2, &tight).is_empty(), "{algorithm}");
        }
        let far: [&[f64]; 4] = [&[1000.0, 1000.2], &[1000.1, 1000.0], &[1000.0, 1000.1], &[2000.0, 2000.0]];
        assert_eq!(found("scaledDBSCAN", 3.0, 0.2, &far), [3]);
        assert_eq!(found("scaledMAD", 3.0, 0.2, &far), [3]);
    }

    #[test]
    fn a_shape_of_its_own_is_an_outlier_though_its_values_are_usual() {
        let up: Vec<f64> = (0..20).map(f64::from).collect();
        let down: Vec<f64> = (0..20).rev().map(f64::from).collect();
        let above: Vec<f64> = up.iter().map(|value| value + 0.5).collect();
        let series: [&[f64]; 4] = [&up, &above, &up, &down];
        assert_eq!(found("dbscan", 3.0, 0.2, &series), [3]);
        assert!(found("mad", 3.0, 0.2, &series).is_empty());
    }

    #[test]
    fn few_groups_halves_and_equal_ones_have_no_outliers() {
        for algorithm in ["dbscan", "scaledDBSCAN", "mad", "scaledMAD"] {
            assert!(found(algorithm, 3.0, 0.2, &[]).is_empty());
            assert!(found(algorithm, 3.0, 0.2, &[&[1.0], &[9.0]]).is_empty());
            assert!(found(algorithm, 3.0, 0.2, &[&[1.0], &[9.0], &[f64::NAN]]).is_empty());
            assert!(found(algorithm, 3.0, 0.2, &[&[0.1 + 0.2], &[0.3], &[0.3]]).is_empty(), "{algorithm}");
        }
        let halves: [&[f64]; 4] = [&[1.0; 3], &[1.0; 3], &[2.0; 3], &[2.0; 3]];
        assert!(found("dbscan", 0.5, 0.2, &halves).is_empty());
        // The deviation among the others is none, so any other value is far away.
        assert_eq!(found("dbscan", 3.0, 0.2, &[&[5.0], &[5.0], &[5.0], &[5.1]]), [3]);
    }

    #[test]
    fn comparing_is_bounded_and_central_series_need_none() {
        let near: [&[f64]; 4] = [&[1.0; 10], &[1.1; 10], &[0.9; 10], &[1.0; 10]];
        assert_eq!(clusters(&near, &[0.1; 4], 0.2, 0), Ok(vec![0; 4]));
        let far: [&[f64]; 4] = [&[1.0; 10], &[2.0; 10], &[3.0; 10], &[4.0; 10]];
        assert_eq!(clusters(&far, &[1.0; 4], 0.5, 60), Ok(vec![0, 1, 2, 3]));
        let error = clusters(&far, &[1.0; 4], 0.5, 59).unwrap_err();
        assert_eq!(
            error.to_string(),
            "outliers of 4 groups over 10 buckets are too much to compare: use fewer groups or longer buckets"
        );
    }

    #[test]
    fn gaps_neither_hide_nor_make_an_outlier() {
        let nothing = f64::NAN;
        let series: [&[f64]; 5] = [
            &[1.0, 2.0, 3.0, 4.0],
            &[1.1, nothing, 3.1, 4.1],
            &[nothing, 2.1, nothing, nothing],
            &[0.9, 1.9, 2.9, 3.9],
            &[nothing, nothing, 9.0, nothing],
        ];
        assert_eq!(found("dbscan", 3.0, 0.2, &series), [4]);
        assert_eq!(found("mad", 3.0, 0.2, &series), [4]);
    }
}
