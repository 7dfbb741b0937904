//! What is usual, what is not, and what comes next: the mathematics behind `anomalies`, `outliers` and `forecast`. It
//! works on series that are there already and knows neither queries nor stores; the same input always gives the same
//! answer. docs/anomalies.md says in plain words, with pictures, what each algorithm does.
//!
//! Everything is made of medians, so that a wild value or an odd season in the past changes little, and of the values that
//! are there, so that gaps need no filling.

mod agile;
pub mod anomaly;
mod basic;
pub mod forecast;
mod line;
pub mod outlier;
mod robust;
pub mod season;
mod seasonal_forecast;
mod shape;
mod statistics;
mod timeline;
pub mod verdict;

pub(crate) use agile::warm_up_points;
pub(crate) use basic::POINTS as BASIC_POINTS;
pub(crate) use line::Line;
pub(crate) use statistics::MEDIAN_TO_DEVIATION;
pub(crate) use timeline::{Timeline, margin};
