//! What stands around the values of an answer: names, units, limits, bounds, and how often a store is asked.

use std::sync::atomic::{AtomicUsize, Ordering};

use galgo_core::MetricKind;
use galgo_query::parse::{MAX_NESTING, MAX_NODES};
use galgo_query::reduce::Aggregator;
use galgo_query::request::{
    About, Answer, Context, Formula, FormulaRequest, Limit, NamedQuery, TextRequest, UnitSource,
};
use galgo_query::source::{Budget, Leaf, Matrix, MetricInfo, MetricSource, SourceError};
use galgo_query::variables::{Variable, Variables};
use galgo_query::{QueryError, evaluate_scalar, evaluate_series, evaluate_text};

use super::data::{Data, RawSeries};
use super::source::BUDGET;

fn data() -> Data {
    let series = |host: &str, value: f64| RawSeries {
        metric: "requests".into(),
        host: host.into(),
        tags: vec!["env:prod".into()],
        kind: MetricKind::Count,
        interval: 10,
        points: (0..10).map(|at| (at * 10, value)).collect(),
    };
    Data { series: vec![series("a", 1.0), series("b", 2.0), series("c", 3.0)], ..Data::default() }
}

fn text(query: &str) -> Result<Answer, QueryError> {
    evaluate_text(&data(), &TextRequest::new(query, 0, 99, &Variables::default()), &BUDGET)
}

fn about(query: &str) -> About {
    text(query).unwrap().series.remove(0).about
}

#[test]
fn series_are_named() {
    for (query, metric, expression, scope, aggr) in [
        ("requests{*}", "requests", "requests{*}", "*", None),
        ("sum:requests{*} by {host}", "requests", "sum:requests{host:a}", "host:a", Some("sum")),
        (
            "sum:requests{env:prod} by {host}.as_count()",
            "requests",
            "sum:requests{env:prod,host:a}.as_count()",
            "env:prod,host:a",
            Some("sum"),
        ),
        ("abs(max:requests{*})", "abs(requests)", "abs(max:requests{*})", "*", Some("max")),
        (
            "(sum:requests{*} + avg:requests{*}) / 2",
            "(requests + requests) / 2",
            "(sum:requests{*} + avg:requests{*}) / 2",
            "*",
            None,
        ),
        ("top5(sum:requests{*} by {host})", "requests", "sum:requests{host:c}", "host:c", Some("sum")),
        (
            "sum(sum:requests{*} by {host,env}, {env})",
            "sum(requests, {env})",
            "sum(sum:requests{*} by {host,env}, {env})",
            "env:prod",
            Some("sum"),
        ),
    ] {
        let about = about(query);
        assert_eq!((about.metric.as_str(), about.expression.as_str()), (metric, expression), "{query}");
        assert_eq!((about.scope.as_str(), about.aggr.as_deref()), (scope, aggr), "{query}");
        assert_eq!(about.kind, Some(MetricKind::Count), "{query}");
    }
}

#[test]
fn units_follow_the_arithmetic() {
    let plain = || Some(UnitSource { metric: "requests".into(), per_second: false });
    let per_second = || Some(UnitSource { metric: "requests".into(), per_second: true });
    for (query, expected) in [
        ("sum:requests{*}", plain()),
        ("sum:requests{*} * 100", plain()),
        ("2 * sum:requests{*} / 3", plain()),
        ("sum:requests{*} + max:requests{*}", plain()),
        ("sum:requests{*} / max:requests{*}", None),
        ("100 / sum:requests{*}", None),
        ("sum:requests{*}.as_rate()", per_second()),
        ("as_rate(sum:requests{*})", per_second()),
        ("sum:requests{*} + sum:requests{*}.as_rate()", None),
        ("derivative(cumsum(sum:requests{*}))", per_second()),
        ("default_zero(ewma_3(abs(sum:requests{*})))", plain()),
        ("count_not_null(sum:requests{*} by {host})", None),
        ("log2(sum:requests{*} * 4)", None),
        ("sum:requests{*}.rollup(count)", None),
        ("5", None),
    ] {
        assert_eq!(about(query).unit, expected, "{query}");
    }
}

#[test]
fn the_table_has_the_times_of_any_series() {
    let mut data = data();
    data.series[0].points = vec![(0, 1.0), (40, 2.0)];
    data.series[1].points = vec![(40, 5.0), (60, 6.0)];
    data.series[2].points.clear();
    let variables = Variables::default();
    let request =
        TextRequest { interval: Some(20), ..TextRequest::new("sum:requests{*} by {host}", 0, 99, &variables) };
    let (times, rows) = evaluate_text(&data, &request, &BUDGET).unwrap().table();
    assert_eq!(times, [0, 40, 60]);
    assert_eq!(rows, [[Some(1.0), Some(2.0), None], [None, Some(5.0), Some(6.0)]]);
    assert_eq!(Answer::default().table(), (vec![], vec![]));
}

/// Counts how often it is asked.
struct Counting(Data, AtomicUsize);

impl MetricSource for Counting {
    fn describe(&self, metric: &str) -> Option<MetricInfo> {
        self.0.describe(metric)
    }

    fn leaf(&self, leaf: &Leaf, budget: &Budget) -> Result<Matrix, SourceError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.leaf(leaf, budget)
    }
}

#[test]
fn a_leaf_that_occurs_twice_is_fetched_once() {
    let source = Counting(data(), AtomicUsize::new(0));
    let query =
        "sum:requests{*} + abs(sum:requests{*}) * sum:requests{*} / default_zero(sum:requests{*}), sum:requests{*}";
    evaluate_text(&source, &TextRequest::new(query, 0, 99, &Variables::default()), &BUDGET).unwrap();
    assert_eq!(source.1.load(Ordering::Relaxed), 1);
}

fn named(name: &str, text: &str, aggregator: Aggregator) -> NamedQuery {
    NamedQuery { name: name.into(), text: text.into(), aggregator }
}

fn request<'a>(queries: &'a [NamedQuery], formulas: &'a [Formula], variables: &'a Variables) -> FormulaRequest<'a> {
    FormulaRequest { queries, formulas, from: 0, to: 100, interval: Some(20), variables, context: Context::Graph }
}

#[test]
fn without_formulas_every_query_is_answered() {
    let variables =
        Variables::new([Variable { name: "h".into(), prefix: Some("host".into()), values: vec!["b".into()] }]);
    let queries = [
        named("x", "sum:requests{$h} by {host}.as_count()", Aggregator::Sum),
        named("y", "sum:requests{*}.as_count()", Aggregator::Max),
    ];
    let answer = evaluate_series(&data(), &request(&queries, &[], &variables), &BUDGET).unwrap();
    let rows: Vec<(usize, Vec<String>, f64)> =
        answer.series.iter().map(|series| (series.query_index, series.tag_set(), series.values[0])).collect();
    assert_eq!(rows, [(0, vec!["host:b".to_owned()], 4.0), (1, vec![], 12.0)]);
    let scalars = evaluate_scalar(&data(), &request(&queries, &[], &variables), &BUDGET).unwrap();
    assert_eq!(scalars.keys, ["host"]);
    assert_eq!(scalars.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["x", "y"]);
    let rows: Vec<(Option<&str>, &[Option<f64>])> =
        scalars.rows.iter().map(|row| (row.tags[0].as_deref(), row.values.as_slice())).collect();
    assert_eq!(rows, [(Some("b"), &[Some(20.0), None][..]), (None, &[None, Some(12.0)][..])]);
}

#[test]
fn limits_keep_the_best_groups() {
    let variables = Variables::default();
    let queries = [named("x", "sum:requests{*} by {host}", Aggregator::Sum)];
    for (descending, expected) in [(true, ["c", "b"]), (false, ["a", "b"])] {
        let formulas = [Formula { text: "x * 2".into(), limit: Some(Limit { count: 2, descending }) }];
        let request = request(&queries, &formulas, &variables);
        let series = evaluate_series(&data(), &request, &BUDGET).unwrap().series;
        assert_eq!(series.iter().map(|series| series.tags[0].1.as_deref().unwrap()).collect::<Vec<_>>(), expected);
        let rows = evaluate_scalar(&data(), &request, &BUDGET).unwrap().rows;
        assert_eq!(rows.iter().map(|row| row.tags[0].as_deref().unwrap()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn bad_requests_are_refused() {
    let variables = Variables::default();
    let refuse = |queries: &[NamedQuery], formulas: &[Formula]| {
        evaluate_series(&data(), &request(queries, formulas, &variables), &BUDGET).unwrap_err().to_string()
    };
    let good = || named("a", "sum:requests{*}", Aggregator::Avg);
    let formula = |text: &str| [Formula { text: text.into(), limit: None }];
    assert_eq!(refuse(&[], &[]), "a request has 1 to 64 queries, not 0");
    assert_eq!(refuse(&[good(), good()], &[]), "two queries are named a");
    // The fault of a query is shown in the query, that of a formula in the formula.
    assert_eq!(
        refuse(&[named("a", "sum:requests{*}.rollup(often)", Aggregator::Avg)], &formula("1 + a")),
        "no rollup: often (avg, sum, min, max, count, last, seconds, or daily, weekly, monthly, yearly) at character 24 (near `often)`)"
    );
    assert_eq!(refuse(&[good()], &formula("a + b")), "no query is named b at character 5 (near `b`)");
    assert_eq!(
        refuse(&[good()], &formula("abs(a")),
        "expected `,` or `)` after an argument at character 6 (end of the query)"
    );
}

#[test]
fn bounds_are_named() {
    let small = Budget { max_cells: 10, ..BUDGET };
    let variables = Variables::default();
    let request =
        TextRequest { interval: Some(10), ..TextRequest::new("sum:requests{*} by {host}", 0, 99, &variables) };
    assert!(matches!(evaluate_text(&data(), &request, &small), Err(QueryError::Limit(_))));
    let long = "moving_rollup(sum:requests{*}.rollup(1), 2600000, 'max')";
    let error = text(long).unwrap_err();
    assert!(matches!(&error, QueryError::Limit(message) if message.contains("more than 100000 buckets")), "{error}");
    // Without a rollup of its own the default bucket gives way.
    assert_eq!(text("moving_rollup(sum:requests{*}.as_count(), 2600000, 'sum')").unwrap().series.len(), 1);
    assert_eq!(text("rollup(abs(sum:requests{*}.as_count()), 'sum', 10000000)").unwrap().series[0].values, [60.0]);
}

#[test]
fn the_largest_expressions_fit_a_small_stack() {
    let chain = vec!["sum:requests{*}"; MAX_NODES / 2].join("+");
    let calls = format!("{}sum:requests{{*}}{}", "cumsum(".repeat(MAX_NESTING), ")".repeat(MAX_NESTING));
    let parentheses = format!("{}sum:requests{{*}}{}", "-(".repeat(MAX_NESTING / 2), ")".repeat(MAX_NESTING / 2));
    let modifiers = format!("(sum:requests{{*}} + 1){}", ".rollup(avg, 20)".repeat(60));
    for query in [chain, calls, parentheses, modifiers] {
        let run = move || text(&query).map(|answer| answer.series.len());
        let thread = std::thread::Builder::new().stack_size(1024 * 1024).spawn(run).unwrap();
        assert_eq!(thread.join().unwrap(), Ok(1));
    }
}
