//! Series made by hand: a shape, noise, and what happens to them.

use galgo_query::frame::Axis;
use galgo_query::source::Grid;

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;
pub const WEEK: i64 = 7 * DAY;
/// A Monday, 1 January 2024.
pub const MONDAY: i64 = 1_704_067_200;

/// Normal noise, the same for the same seed.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Mean 0, deviation 1.
    pub fn next(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// Buckets from [`MONDAY`] on.
pub fn axis(step: i64, len: usize) -> Axis {
    Axis::of(&Grid::Uniform { start: MONDAY, step, len })
}

/// A value for each bucket.
pub fn series(axis: &Axis, mut value: impl FnMut(i64) -> f64) -> Vec<f64> {
    axis.starts.iter().map(|&start| value(start - MONDAY)).collect()
}

/// Busy by day, quiet at night and at weekends: 60 to 140, half of it on the last two days of a week.
pub fn working_week(second: i64) -> f64 {
    let day = 100.0 + 40.0 * ((second % DAY) as f64 / DAY as f64 * std::f64::consts::TAU).sin();
    if second.rem_euclid(WEEK) < 5 * DAY { day } else { day / 2.0 }
}

/// The same every day.
pub fn day(second: i64) -> f64 {
    100.0 + 40.0 * ((second % DAY) as f64 / DAY as f64 * std::f64::consts::TAU).sin()
}

/// The same every hour.
pub fn hour(second: i64) -> f64 {
    50.0 + 10.0 * ((second % HOUR) as f64 / HOUR as f64 * std::f64::consts::TAU).sin()
}
