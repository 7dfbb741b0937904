//! Models of what is usual. Their names are known, so that texts that use them parse and the answer says what is missing.

use super::{ArgDef, ArgKind, Body, Definition, Family, query, required};

const ALGORITHM: &[ArgDef] =
    &[query("query"), required("algorithm", ArgKind::Text), required("width", ArgKind::Number)];

pub(super) fn definitions() -> Vec<Definition> {
    let of = |name: &str, summary: &str| Definition::new(name, Family::Algorithms, ALGORITHM, summary, Body::NotYet);
    vec![
        of("anomalies", "band of values that are usual for the time"),
        of("outliers", "groups that behave unlike the others"),
        of("forecast", "continuation into the future"),
    ]
}
