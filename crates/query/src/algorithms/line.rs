//! Straight lines through points, some of which count for more than others.

use super::statistics::MEDIAN_TO_DEVIATION;

/// Residuals beyond so many deviations weigh less (Huber's constant, 95 % efficient on normal noise).
const HUBER: f64 = 1.345;
/// Most rounds of reweighting.
const MAX_ROUNDS: usize = 50;

/// A straight line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Line {
    /// Its value at 0.
    pub(crate) start: f64,
    /// Its rise for 1.
    pub(crate) slope: f64,
}

impl Line {
    pub(crate) fn at(self, x: f64) -> f64 {
        self.start + self.slope * x
    }

    /// Weighted least squares.
    pub(crate) fn fitted(points: &[(f64, f64)], weight: impl Fn(usize) -> f64) -> Self {
        let (mut total, mut x_mean, mut y_mean) = (0.0, 0.0, 0.0);
        for (index, (x, y)) in points.iter().enumerate() {
            let weight = weight(index);
            total += weight;
            x_mean += weight * x;
            y_mean += weight * y;
        }
        x_mean /= total;
        y_mean /= total;
        let (mut covariance, mut variance) = (0.0, 0.0);
        for (index, (x, y)) in points.iter().enumerate() {
            covariance += weight(index) * (x - x_mean) * (y - y_mean);
            variance += weight(index) * (x - x_mean).powi(2);
        }
        let slope = if variance > 0.0 { covariance / variance } else { 0.0 };
        Self { start: y_mean - slope * x_mean, slope }
    }

    /// The line with the least Huber loss, which outliers hardly move: least squares, reweighted until it stays.
    pub(crate) fn robust(points: &[(f64, f64)], weight: impl Fn(usize) -> f64) -> Self {
        let mut line = Self::fitted(points, &weight);
        for _ in 0..MAX_ROUNDS {
            let residuals: Vec<f64> = points.iter().map(|(x, y)| (y - line.at(*x)).abs()).collect();
            let scale = MEDIAN_TO_DEVIATION * weighted_median(&residuals, &weight);
            if scale <= f64::EPSILON * line.start.abs().max(line.slope.abs()) {
                break;
            }
            let limit = HUBER * scale;
            let trusted = |index: usize| if residuals[index] <= limit { 1.0 } else { limit / residuals[index] };
            let next = Self::fitted(points, |index| weight(index) * trusted(index));
            let moved = (next.start - line.start).abs() + (next.slope - line.slope).abs();
            line = next;
            if moved <= 1e-9 * scale {
                break;
            }
        }
        line
    }
}

/// The value below which half of the weight lies; between two values their mean. NaN of nothing.
pub(crate) fn weighted_median(values: &[f64], weight: impl Fn(usize) -> f64) -> f64 {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&left, &right| values[left].total_cmp(&values[right]));
    let half = (0..values.len()).map(&weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    for (place, &index) in order.iter().enumerate() {
        below += weight(index);
        if below > half {
            return values[index];
        }
        if below == half {
            let next = order.get(place + 1).map_or(values[index], |&next| values[next]);
            return values[index].midpoint(next);
        }
    }
    order.last().map_or(f64::NAN, |&last| values[last])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_the_weight() {
        assert!(weighted_median(&[], |_| 1.0).is_nan());
        assert_eq!(weighted_median(&[3.0, 1.0, 2.0], |_| 1.0), 2.0);
        assert_eq!(weighted_median(&[4.0, 1.0, 2.0, 3.0], |_| 1.0), 2.5);
        assert_eq!(weighted_median(&[4.0, 1.0, 2.0], |index| if index == 0 { 3.0 } else { 1.0 }), 4.0);
    }

    #[test]
    fn an_outlier_hardly_moves_a_robust_line() {
        let mut points: Vec<(f64, f64)> =
            (0..20).map(|x| (f64::from(x), 1.0 + 2.0 * f64::from(x) + f64::from(x % 3) * 0.1)).collect();
        points[10].1 = 1000.0;
        let line = Line::robust(&points, |_| 1.0);
        assert!((line.slope - 2.0).abs() < 0.05, "{line:?}");
        assert!((Line::fitted(&points, |_| 1.0).start - 1.0).abs() > 10.0);
    }
}
