//! `forecast`: the continuation of a series beyond its newest value, with a band that grows with the distance.

use crate::frame::Axis;

use super::line::{Line, weighted_median};
use super::season::Season;
use super::seasonal_forecast;
use super::statistics::{MEDIAN_TO_DEVIATION, median};

/// Fewer points than this make no trend.
pub const MIN_POINTS: usize = 5;
/// Points that a line is fitted to; more are averaged in groups first.
const MAX_FITTED: usize = 2000;
/// Most that noise which sticks to its neighbours may widen the band by.
const MAX_CORRELATION: f64 = 0.95;
/// Independent points that each end of a line is made of, however few they seem.
const MIN_INDEPENDENT: f64 = 1.5;
/// Residuals count for their correlation up to so many deviations.
const CLIPPED: f64 = 3.0;

/// How much the newest part of the history counts in a linear forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Model {
    /// A point weighs half as much as one that is a fourteenth of the history newer, half a day of a week: the latest
    /// trend, not its noise.
    #[default]
    Default,
    /// All points weigh the same.
    Simple,
    /// The same with a fifty-sixth part, three hours of a week.
    Reactive,
}

impl Model {
    /// The model with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "default" => Self::Default,
            "simple" => Self::Simple,
            "reactive" => Self::Reactive,
            _ => return None,
        })
    }

    /// Weight of a point, `age` (0 to 1) of the history before its end.
    fn weight(self, age: f64) -> f64 {
        match self {
            Self::Default => (-14.0 * age).exp2(),
            Self::Simple => 1.0,
            Self::Reactive => (-56.0 * age).exp2(),
        }
    }
}

/// How a series is continued.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// Along a straight line.
    Linear(Model),
    /// As in the seasons before.
    Seasonal(Season),
}

/// What is to be expected at each bucket after the known ones, NaN where nothing can be said.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The expected value.
    pub expected: Vec<f64>,
    /// Lower edge of the band.
    pub lower: Vec<f64>,
    /// Upper edge of the band.
    pub upper: Vec<f64>,
}

impl Forecast {
    /// One of values and their deviations.
    pub(super) fn of(points: impl Iterator<Item = (f64, f64)>, deviations: f64) -> Self {
        let mut forecast = Self { expected: Vec::new(), lower: Vec::new(), upper: Vec::new() };
        for (expected, deviation) in points {
            forecast.expected.push(expected);
            forecast.lower.push(expected - deviations * deviation);
            forecast.upper.push(expected + deviations * deviation);
        }
        forecast
    }
}

/// Continues a series: `axis` has the buckets of its history and those after it, `values` those of the history. `None`
/// when the history is too short: fewer than [`MIN_POINTS`] points, or two seasons.
///
/// ```
/// use galgo_query::algorithms::forecast::{Method, Model, forecast};
/// use galgo_query::frame::Axis;
/// use galgo_query::source::Grid;
///
/// let axis = Axis::of(&Grid::Uniform { start: 0, step: 3600, len: 12 });
/// let history: Vec<f64> = (0..10).map(|hour| 50.0 + f64::from(hour)).collect();
/// let found = forecast(&axis, &history, &Method::Linear(Model::Simple), 2.0).unwrap();
/// assert!((found.expected[1] - 61.0).abs() < 1e-9);
/// ```
pub fn forecast(axis: &Axis, values: &[f64], method: &Method, deviations: f64) -> Option<Forecast> {
    match method {
        Method::Linear(model) => linear(axis, values, *model, deviations),
        Method::Seasonal(season) => seasonal_forecast::continued(axis, values, season, deviations),
    }
}

fn linear(axis: &Axis, values: &[f64], model: Model, deviations: f64) -> Option<Forecast> {
    let known: Vec<usize> = (0..values.len()).filter(|&bucket| values[bucket].is_finite()).collect();
    if known.len() < MIN_POINTS {
        return None;
    }
    let (first, last) = (axis.starts[known[0]], axis.starts[known[known.len() - 1]]);
    // Positions run from -1 at the first point to 0 at the last one.
    let position = |start: i64| (start - last) as f64 / (last - first) as f64;
    let points: Vec<(f64, f64)> = known.iter().map(|&bucket| (position(axis.starts[bucket]), values[bucket])).collect();
    let grouped = averaged(&points);
    let line = Line::robust(&grouped, |index| model.weight(-grouped[index].0));
    let spread = Spread::of(&points, line, model);
    let ahead = axis.starts[values.len()..].iter().map(|&start| {
        let x = position(start);
        (line.at(x), spread.deviation(x))
    });
    Some(Forecast::of(ahead, deviations))
}

/// At most [`MAX_FITTED`] points, each the mean of as many neighbours.
fn averaged(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let size = points.len().div_ceil(MAX_FITTED);
    let mean = |group: &[(f64, f64)]| {
        let count = group.len() as f64;
        let (x, y) = group.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (x / count, y / count)
    };
    points.chunks(size).map(mean).collect()
}

/// How far values may lie from a line: their noise, and how well the line is known.
struct Spread {
    noise: f64,
    /// How many independent points the line is made of, and where they lie.
    points: f64,
    center: f64,
    variance: f64,
}

impl Spread {
    fn of(points: &[(f64, f64)], line: Line, model: Model) -> Self {
        let weight = |index: usize| model.weight(-points[index].0);
        let residuals: Vec<f64> = points.iter().map(|(x, y)| y - line.at(*x)).collect();
        let distances: Vec<f64> = residuals.iter().map(|residual| residual.abs()).collect();
        let (mut total, mut squares, mut center) = (0.0, 0.0, 0.0);
        for (index, (x, _)) in points.iter().enumerate() {
            total += weight(index);
            squares += weight(index).powi(2);
            center += weight(index) * x;
        }
        center /= total;
        let variance = points.iter().enumerate().map(|(index, (x, _))| weight(index) * (x - center).powi(2));
        let variance = variance.sum::<f64>() / total;
        let noise = (MEDIAN_TO_DEVIATION * weighted_median(&distances, weight)).max(noise_between(points));
        let correlation = correlation(&residuals, CLIPPED * noise, weight);
        let independent = total * total / squares * (1.0 - correlation) / (1.0 + correlation);
        // A line takes two points' worth of the noise with it.
        let independent = independent.max(2.0 * MIN_INDEPENDENT);
        let noise = noise * (independent / (independent - 2.0)).sqrt();
        Self { noise, points: independent, center, variance }
    }

    fn deviation(&self, x: f64) -> f64 {
        let lever = if self.variance > 0.0 { (x - self.center).powi(2) / self.variance } else { 0.0 };
        self.noise * (1.0 + (1.0 + lever) / self.points).sqrt()
    }
}

/// The noise from one point to the next, over the whole history: a few points that happen to lie on a line are not known
/// that well.
fn noise_between(points: &[(f64, f64)]) -> f64 {
    let mut steps: Vec<f64> = points.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    let drift = median(&mut steps);
    steps.iter_mut().for_each(|step| *step = (*step - drift).abs());
    MEDIAN_TO_DEVIATION * median(&mut steps) / std::f64::consts::SQRT_2
}

/// How much a residual resembles the one before it, 0 to [`MAX_CORRELATION`].
fn correlation(residuals: &[f64], limit: f64, weight: impl Fn(usize) -> f64) -> f64 {
    // Not `clamp`, which does not take the limits of a line that is too steep for numbers.
    let clipped = |index: usize| residuals[index].max(-limit).min(limit);
    let (mut together, mut alone) = (0.0, 0.0);
    for index in 1..residuals.len() {
        together += weight(index) * clipped(index) * clipped(index - 1);
        alone += weight(index) * clipped(index).powi(2);
    }
    if alone > 0.0 { (together / alone).clamp(0.0, MAX_CORRELATION) } else { 0.0 }
}
