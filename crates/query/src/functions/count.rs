//! How many groups there are at each bucket (reference: functions.md §8). A bucket in which no group has a value has no
//! count either.

use crate::frame::Frame;

use super::{Definition, Family, QUERY, UnitEffect, frame};

pub(super) fn definitions() -> Vec<Definition> {
    let of = |name: &str, summary: &str, counts: fn(f64) -> bool| {
        let body = frame(move |input, _| Ok(count(&input, counts)));
        Definition::new(name, Family::Count, QUERY, summary, body).pointwise().unit(UnitEffect::Loses)
    };
    vec![
        of("count_nonzero", "number of groups with a finite value other than 0", |value| {
            value.is_finite() && value != 0.0
        })
        .alias("count_nonzero_finite"),
        of("count_not_null", "number of groups with a value", |_| true),
    ]
}

fn count(input: &Frame, counts: fn(f64) -> bool) -> Frame {
    let mut totals = vec![f64::NAN; input.axis.len()];
    for row in &input.rows {
        for (total, &value) in totals.iter_mut().zip(&row.values) {
            if !value.is_nan() {
                let before = if total.is_nan() { 0.0 } else { *total };
                *total = before + f64::from(u8::from(counts(value)));
            }
        }
    }
    input.single(totals)
}
