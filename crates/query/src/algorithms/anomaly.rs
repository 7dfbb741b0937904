//! `anomalies`: a band of values that are usual for the time, and which values lie outside of it.

use crate::frame::Axis;

use super::season::Season;
use super::timeline::Timeline;
use super::{agile, basic, robust};

/// How the band is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// From the points just before, whatever the hour.
    Basic,
    /// From the same hours of the last seasons, moved to the level of the last hour.
    Agile,
    /// From the same hours of the last seasons alone.
    Robust,
}

impl Algorithm {
    /// The algorithm with this name. `adaptive` is the old name of `agile`.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "basic" => Self::Basic,
            "agile" | "adaptive" => Self::Agile,
            "robust" => Self::Robust,
            _ => return None,
        })
    }
}

/// Which side of the band counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Values above it.
    Above,
    /// Values below it.
    Below,
    /// Both.
    #[default]
    Both,
}

impl Direction {
    /// The direction with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "above" => Self::Above,
            "below" => Self::Below,
            "both" => Self::Both,
            _ => return None,
        })
    }
}

/// What `anomalies` is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How the band is found.
    pub algorithm: Algorithm,
    /// Width of the band to either side, in deviations.
    pub bounds: f64,
    /// Which side counts.
    pub direction: Direction,
    /// What a monitor judges at once, in seconds: an anomaly of this length does not widen or move the band under itself.
    pub alert_window: i64,
    /// What repeats itself.
    pub season: Season,
}

/// Edges of the usual values at each bucket, NaN where nothing is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// Lower edge.
    pub lower: Vec<f64>,
    /// Upper edge.
    pub upper: Vec<f64>,
}

/// Part of a value or edge that may be rounding.
const ROUNDING: f64 = 1e-9;

impl Band {
    pub(super) fn empty(len: usize) -> Self {
        Self { lower: vec![f64::NAN; len], upper: vec![f64::NAN; len] }
    }

    /// Whether a value lies outside of the band at a bucket; `None` when there is no band or no value.
    pub fn is_outside(&self, bucket: usize, value: f64, direction: Direction) -> Option<bool> {
        let (lower, upper) = (self.lower[bucket], self.upper[bucket]);
        if value.is_nan() || lower.is_nan() || upper.is_nan() {
            return None;
        }
        let slack = ROUNDING * lower.abs().max(upper.abs());
        let (is_above, is_below) = (value > upper + slack, value < lower - slack);
        Some(match direction {
            Direction::Above => is_above,
            Direction::Below => is_below,
            Direction::Both => is_above || is_below,
        })
    }
}

/// The band of a series that has all of its history with it.
///
/// ```
/// use galgo_query::algorithms::anomaly::{Algorithm, Direction, Options, detect};
/// use galgo_query::algorithms::season::Season;
/// use galgo_query::frame::Axis;
/// use galgo_query::source::Grid;
///
/// let axis = Axis::of(&Grid::Uniform { start: 0, step: 60, len: 31 });
/// let mut values: Vec<f64> = (0..31).map(|minute| f64::from(minute % 3)).collect();
/// values[30] = 50.0;
/// let options = Options {
///     algorithm: Algorithm::Basic,
///     bounds: 3.0,
///     direction: Direction::Both,
///     alert_window: 0,
///     season: Season::weekly(),
/// };
/// let band = detect(&axis, &values, &options);
/// assert_eq!(band.is_outside(29, values[29], Direction::Both), Some(false));
/// assert_eq!(band.is_outside(30, values[30], Direction::Both), Some(true));
/// ```
pub fn detect(axis: &Axis, values: &[f64], options: &Options) -> Band {
    if options.algorithm == Algorithm::Basic {
        return basic::band(axis, values, options.bounds, options.alert_window);
    }
    let timeline = Timeline::whole(axis, &options.season);
    let mut padded = values.to_vec();
    padded.resize(timeline.axis().len(), f64::NAN);
    let mut band = seasonal_band(&timeline, &padded, options);
    band.lower.truncate(values.len());
    band.upper.truncate(values.len());
    band
}

/// The band of one series over the targets of a timeline, in their order; `values` are those of all of its buckets.
pub(crate) fn seasonal_band(timeline: &Timeline, values: &[f64], options: &Options) -> Band {
    match options.algorithm {
        Algorithm::Agile => agile::band(timeline, values, options),
        Algorithm::Basic | Algorithm::Robust => robust::band(timeline, values, options.bounds),
    }
}
