//! Values and groups left out (reference: functions.md §11).

use crate::evaluate::Bound;

use super::{ArgDef, ArgKind, Body, Definition, Family, QUERY, frame, query, required};

const LIMIT: &[ArgDef] = &[query("query"), required("limit", ArgKind::Number)];

pub(super) fn definitions() -> Vec<Definition> {
    let of = |name: &str, summary: &str, change: fn(f64, f64) -> f64| {
        let body: Body = frame(move |input, bound: &Bound<'_>| {
            let limit = bound.number(1).unwrap_or(f64::NAN);
            Ok(input.map(|value| change(value, limit)))
        });
        Definition::new(name, Family::Exclusion, LIMIT, summary, body).pointwise()
    };
    vec![
        Definition::new(
            "exclude_null",
            Family::Exclusion,
            QUERY,
            "without groups that lack one of the tags (`N/A`)",
            frame(|mut input, _| {
                input.rows.retain(|row| row.tags.iter().all(Option::is_some));
                Ok(input)
            }),
        )
        .pointwise(),
        of(
            "clamp_min",
            "values below the limit become the limit",
            |value, limit| if value < limit { limit } else { value },
        ),
        of(
            "clamp_max",
            "values above the limit become the limit",
            |value, limit| if value > limit { limit } else { value },
        ),
        of("cutoff_min", "without values below the limit", |value, limit| if value < limit { f64::NAN } else { value }),
        of("cutoff_max", "without values above the limit", |value, limit| if value > limit { f64::NAN } else { value }),
    ]
}
