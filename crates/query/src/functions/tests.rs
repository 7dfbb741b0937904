//! The table itself; what functions compute is tested by scripts and the oracle.

use super::*;

#[test]
fn names_are_unique_and_described() {
    let mut names: Vec<&str> = all()
        .iter()
        .flat_map(|definition| std::iter::once(&definition.name).chain(&definition.aliases))
        .map(String::as_str)
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for definition in all() {
        assert!(!definition.summary.is_empty() && !definition.summary.ends_with('.'), "{}", definition.name);
        assert!(definition.usage().contains(&definition.name));
    }
}

#[test]
fn misspelt_names_get_a_suggestion() {
    let message = |name: &str| {
        let call = Call { name: name.into(), args: Vec::new(), span: Default::default() };
        match unknown_function(&call) {
            QueryError::Text(fault) => fault.message,
            other => other.to_string(),
        }
    };
    assert_eq!(message("derivate"), "no function is named derivate, did you mean derivative");
    assert_eq!(message("Abs"), "no function is named Abs, did you mean abs");
    assert_eq!(message("something_else_entirely"), "no function is named something_else_entirely");
}

#[test]
fn the_reference_is_covered() {
    for name in [
        "abs",
        "log2",
        "log10",
        "cumsum",
        "integral",
        "fill",
        "default_zero",
        "timeshift",
        "hour_before",
        "day_before",
        "week_before",
        "month_before",
        "calendar_shift",
        "per_second",
        "per_minute",
        "per_hour",
        "dt",
        "diff",
        "monotonic_diff",
        "derivative",
        "throughput",
        "rate",
        "autosmooth",
        "ewma_3",
        "ewma_5",
        "ewma_7",
        "ewma_10",
        "ewma_20",
        "median_3",
        "median_5",
        "median_7",
        "median_9",
        "weighted",
        "rollingavg_5",
        "rollingavg_13",
        "rollingavg_21",
        "rollingavg_29",
        "rollup",
        "moving_rollup",
        "top",
        "top_offset",
        "top5",
        "top10",
        "top15",
        "top20",
        "top10_mean",
        "top5_max",
        "bottom20_l2norm",
        "bottom5",
        "count_nonzero",
        "count_nonzero_finite",
        "count_not_null",
        "robust_trend",
        "trend_line",
        "piecewise_constant",
        "anomalies",
        "outliers",
        "forecast",
        "exclude_null",
        "clamp_min",
        "clamp_max",
        "cutoff_min",
        "cutoff_max",
        "avg",
        "sum",
        "min",
        "max",
        "stddev",
        "percentile",
        "reduce",
        "minimum",
        "maximum",
        "is_greater",
        "is_less",
        "is_between",
        "as_count",
        "as_rate",
    ] {
        assert!(find(name).is_some(), "{name}");
    }
}

/// Everything after the heading of the table in the documentation is written by this test: run it with `UPDATE_EXPECT=1`
/// after a change of the table.
#[test]
fn the_documentation_lists_every_function() {
    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/query-language.md");
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let text = document.split("\n| Function |").next().unwrap().trim_end();
    expect_test::expect_file![DOCUMENT].assert_eq(&format!("{text}\n\n{}", markdown()));
}
