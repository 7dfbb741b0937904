//! Any text is a query or a fault with a place; a query's canonical text is the same query, and it has an answer.
#![no_main]

use std::time::Duration;

use galgo_core::MetricKind;
use galgo_query::kernel::Kernel;
use galgo_query::parse::{parse_expression, parse_request};
use galgo_query::print::print;
use galgo_query::request::TextRequest;
use galgo_query::source::{Budget, Leaf, Matrix, MetricInfo, MetricSource, SourceError};
use galgo_query::variables::Variables;
use libfuzzer_sys::fuzz_target;

/// Two gauges, whatever is asked for.
struct TwoGauges;

impl MetricSource for TwoGauges {
    fn describe(&self, _metric: &str) -> Option<MetricInfo> {
        Some(MetricInfo { kind: MetricKind::Gauge, interval: 10 })
    }

    fn leaf(&self, leaf: &Leaf, _budget: &Budget) -> Result<Matrix, SourceError> {
        let mut kernel = Kernel::new(leaf);
        let (from, _) = leaf.scan_range();
        for group in 0..2 {
            kernel.begin(group, MetricKind::Gauge, 10);
            kernel.points(&[from, from + 7, from + 1000], &[1.0, -2.5, f64::INFINITY]);
            kernel.end();
        }
        let tags = |group: usize| leaf.group_by.iter().map(|_| (group > 0).then(|| "x".to_owned())).collect();
        Ok(kernel.finish((0..2).map(tags).collect()))
    }
}

const BUDGET: Budget =
    Budget { max_series: 100, max_points: 10_000, max_cells: 100_000, deadline: Duration::MAX };

fuzz_target!(|text: &str| {
    match parse_request(text) {
        Err(fault) => {
            assert!(fault.offset <= text.len());
            let _ = (fault.caret(), fault.to_string());
        }
        Ok(queries) => {
            for query in &queries {
                let canonical = print(query);
                assert_eq!(parse_expression(&canonical).as_ref(), Ok(query), "{canonical}");
            }
            let variables = Variables::default();
            let request = TextRequest::new(text, 1_700_000_000, 1_700_003_600, &variables);
            if let Err(error) = galgo_query::evaluate_text(&TwoGauges, &request, &BUDGET) {
                let _ = error.to_string();
            }
        }
    }
});
