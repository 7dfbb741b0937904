//! `outliers(query by {keys}, algorithm, tolerance[, pct])`: says of each group whether it behaves like the others.

use crate::algorithms::outlier::{Algorithm, Options, outliers};
use crate::error::QueryError;
use crate::evaluate::Bound;
use crate::frame::{Finding, Frame, Role};

/// Tolerance when none is given.
const DEFAULT_TOLERANCE: f64 = 3.0;
/// Largest tolerance.
const MAX_TOLERANCE: f64 = 1000.0;
/// Percentage when none is given.
const DEFAULT_PERCENT: f64 = 20.0;

pub(super) fn apply(mut input: Frame, bound: &Bound<'_>) -> Result<Frame, QueryError> {
    let options = options(bound)?;
    let series: Vec<&[f64]> = input.rows.iter().map(|row| row.values.as_slice()).collect();
    let flags = outliers(&series, &options).map_err(|error| QueryError::Limit(error.to_string()))?;
    for (row, is_outlier) in input.rows.iter_mut().zip(flags) {
        let role = if is_outlier { Role::Outlier } else { Role::Usual };
        row.finding = Some(Box::new(Finding { role, ..Finding::default() }));
    }
    input.missing = None;
    Ok(input)
}

fn options(bound: &Bound<'_>) -> Result<Options, QueryError> {
    let algorithm = bound.text(1).and_then(Algorithm::parse).ok_or_else(|| bound.fault(1, "no such algorithm"))?;
    let tolerance = bound.number(2).unwrap_or(DEFAULT_TOLERANCE);
    if !(tolerance > 0.0 && tolerance <= MAX_TOLERANCE) {
        return Err(bound.fault(2, format!("tolerance must be above 0, at most {MAX_TOLERANCE}: {tolerance}")));
    }
    let percent = bound.number(3).unwrap_or(DEFAULT_PERCENT);
    if !(0.0..100.0).contains(&percent) {
        return Err(bound.fault(3, format!("pct must be at least 0, below 100: {percent}")));
    }
    Ok(Options { algorithm, tolerance, share: percent / 100.0 })
}
