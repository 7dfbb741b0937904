//! Values one by one, and running totals over the window (reference: functions.md §1).

use crate::frame::Axis;

use super::{Definition, Family, Margin, QUERY, UnitEffect, each_series, each_value};

pub(super) fn definitions() -> Vec<Definition> {
    let of = |name: &str, summary: &str, body| Definition::new(name, Family::Arithmetic, QUERY, summary, body);
    vec![
        of("abs", "absolute value", each_value(f64::abs)).pointwise(),
        of(
            "log2",
            "logarithm to base 2; nothing for values that are not above 0",
            each_value(|value| logarithm(value, f64::log2)),
        )
        .pointwise()
        .unit(UnitEffect::Loses),
        of(
            "log10",
            "logarithm to base 10; nothing for values that are not above 0",
            each_value(|value| logarithm(value, f64::log10)),
        )
        .pointwise()
        .unit(UnitEffect::Loses),
        of(
            "cumsum",
            "running total from the left edge of the window",
            each_series(Margin::NONE, |_, values| cumsum(values)),
        ),
        of("integral", "running sum of value × seconds since the point before", each_series(Margin::NONE, integral))
            .unit(UnitEffect::Loses),
    ]
}

fn logarithm(value: f64, of: fn(f64) -> f64) -> f64 {
    if value > 0.0 { of(value) } else { f64::NAN }
}

fn cumsum(values: &mut [f64]) {
    let mut total = 0.0;
    for value in values.iter_mut().filter(|value| !value.is_nan()) {
        total += *value;
        *value = total;
    }
}

fn integral(axis: &Axis, values: &mut [f64]) {
    let (mut total, mut before) = (0.0, None);
    for (bucket, value) in values.iter_mut().enumerate().filter(|(_, value)| !value.is_nan()) {
        let time = axis.starts[bucket];
        total += *value * (time - before.unwrap_or(time)) as f64;
        before = Some(time);
        *value = total;
    }
}
