//! Random data and random queries: the real evaluator must agree with the naive one.

use std::collections::BTreeMap;
use std::fmt::Write;

use galgo_core::MetricKind;
use galgo_query::evaluate_text;
use galgo_query::request::{Context, TextRequest};
use galgo_query::variables::Variables;
use proptest::prelude::*;

use super::data::{Data, RawSeries};
use super::naive::{Condition, Expression, Function, Query, Table, Window, table};
use super::source::BUDGET;

const METRICS: [(&str, MetricKind); 4] = [
    ("gauge", MetricKind::Gauge),
    ("count", MetricKind::Count),
    ("rate", MetricKind::Rate),
    ("dist", MetricKind::Distribution),
];
const END: i64 = 2400;

fn series() -> impl Strategy<Value = RawSeries> {
    let tags = (0..3_usize, 0..4_usize, any::<bool>());
    let times = (5..60_i64, 0..400_i64, prop::collection::vec(prop::option::weighted(0.7, -50..50_i32), 10..200));
    (0..METRICS.len(), tags, times, prop::sample::select(vec![10_u32, 20, 60])).prop_map(
        |(metric, (env, host, db), (every, from, values), interval)| {
            let (metric, kind) = METRICS[metric];
            let mut tags = vec![format!("env:{}", ["prod", "dev", "pre"][env])];
            if db {
                tags.push("db:main".into());
            }
            let host = if host == 0 { String::new() } else { format!("web-{host}") };
            let points = values.into_iter().enumerate();
            let points = points.filter_map(|(at, value)| Some((from + every * at as i64, f64::from(value?) / 4.0)));
            RawSeries { metric: metric.into(), host, tags, kind, interval, points: points.collect() }
        },
    )
}

fn data() -> impl Strategy<Value = Data> {
    prop::collection::vec(series(), 4..24).prop_map(|mut series| {
        // A series is told apart by its metric, host and tags.
        series.sort_by(|a, b| (&a.metric, &a.host, &a.tags).cmp(&(&b.metric, &b.host, &b.tags)));
        series.dedup_by(|a, b| (&a.metric, &a.host, &a.tags) == (&b.metric, &b.host, &b.tags));
        Data {
            series,
            host_tags: vec![("web-1".into(), vec!["region:eu".into()]), ("web-2".into(), vec!["region:us".into()])],
        }
    })
}

fn conditions() -> impl Strategy<Value = Vec<Condition>> {
    let one = prop_oneof![
        Just(Condition::Tag("env", "prod")),
        Just(Condition::Tag("host", "web-1")),
        Just(Condition::Tag("region", "eu")),
        Just(Condition::Prefix("host", "web-")),
        Just(Condition::Prefix("env", "pr")),
        Just(Condition::Present("db")),
    ];
    let negated = one.clone().prop_map(|condition| Condition::Not(Box::new(condition)));
    let any = prop::collection::vec(one.clone(), 2..4).prop_map(Condition::Any);
    prop::collection::vec(prop_oneof![3 => one, 2 => negated, 3 => any], 0..2)
}

fn queries(by: Vec<&'static str>) -> impl Strategy<Value = Query> {
    let fill = (prop::sample::select(vec!["linear", "last", "zero", "null"]), prop::sample::select(vec![0, 60, 300]));
    let rollup = (
        prop::option::of(prop::sample::select(vec!["avg", "sum", "min", "max", "count", "last"])),
        prop::sample::select(vec![10_i64, 20, 50, 60, 300]),
    );
    let modifier = prop::sample::select(vec!["", "as_count", "as_rate"]);
    let space = prop::sample::select(vec!["avg", "sum", "min", "max"]);
    let diff = prop::option::weighted(0.15, prop::sample::select(vec!["diff", "monotonic_diff"]));
    let metric = prop::sample::select(METRICS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let switches = (modifier, prop::option::weighted(0.3, fill), prop::bool::weighted(0.15), diff);
    (space, metric, conditions(), prop::option::weighted(0.6, rollup), switches).prop_map(
        move |(space, metric, scope, rollup, (modifier, fill, weighted, diff))| {
            let diff = if metric == "dist" { None } else { diff };
            Query { space, metric, scope, by: by.clone(), modifier, rollup, fill, weighted, diff }
        },
    )
}

fn leaves() -> impl Strategy<Value = Expression> {
    prop::sample::select(vec![vec![], vec!["host"], vec!["env"], vec!["env", "host"], vec!["host", "env"]])
        .prop_flat_map(queries)
        .prop_map(Expression::Leaf)
}

fn functions() -> impl Strategy<Value = Function> {
    let statistic = || prop::sample::select(vec!["avg", "sum", "min", "max", "count"]);
    prop_oneof![
        Just(Function::Abs),
        Just(Function::Cumsum),
        Just(Function::Derivative),
        Just(Function::Ewma5),
        Just(Function::Median3),
        Just(Function::ClampMin(1.5)),
        Just(Function::CutoffMax(3.0)),
        Just(Function::CountNotNull),
        (
            1..4_usize,
            prop::sample::select(vec!["mean", "max", "min", "sum", "last"]),
            prop::sample::select(vec!["desc", "asc"])
        )
            .prop_map(|(count, by, order)| Function::Top(count, by, order)),
        (prop::sample::select(vec![30, 60, 200, 600]), statistic())
            .prop_map(|(seconds, name)| Function::MovingRollup(seconds, name)),
        prop::sample::select(vec![60, 300, 77, 600]).prop_map(Function::Timeshift),
        statistic()
            .prop_filter("aggregates groups", |name| *name != "count")
            .prop_map(|name| Function::Regroup(name, vec![])),
        statistic().prop_map(|name| Function::Nested(name, 600)),
    ]
}

fn expressions() -> impl Strategy<Value = Expression> {
    let called =
        (functions(), leaves()).prop_map(|(function, leaf)| Expression::Function(function, Box::new(leaf))).boxed();
    let number = (-8..8_i32).prop_map(|number| Expression::Number(f64::from(number) / 2.0));
    let operand = prop_oneof![4 => leaves(), 1 => number, 1 => called.clone()];
    let operator = prop::sample::select(vec!['+', '-', '*', '/']);
    let binary = (operator, operand.clone(), operand)
        .prop_map(|(operator, left, right)| Expression::Binary(operator, Box::new(left), Box::new(right)))
        .boxed();
    let over_binary = (prop::sample::select(vec![0, 1]), binary.clone().prop_filter("has a query", has_query))
        .prop_map(|(which, inner)| {
            let function = if which == 0 { Function::Abs } else { Function::ClampMin(0.0) };
            Expression::Function(function, Box::new(inner))
        });
    prop_oneof![4 => leaves(), 4 => called, 4 => binary, 1 => over_binary]
}

fn has_query(expression: &Expression) -> bool {
    match expression {
        Expression::Leaf(_) => true,
        Expression::Number(_) => false,
        Expression::Binary(_, left, right) => has_query(left) || has_query(right),
        Expression::Function(_, inner) => has_query(inner),
    }
}

fn condition_text(condition: &Condition) -> String {
    match condition {
        Condition::Tag(key, value) => format!("{key}:{value}"),
        Condition::Prefix(key, start) => format!("{key}:{start}*"),
        Condition::Present(key) => format!("{key}:*"),
        Condition::Not(inner) => format!("!{}", condition_text(inner)),
        Condition::Any(parts) => {
            format!("({})", parts.iter().map(condition_text).collect::<Vec<_>>().join(" OR "))
        }
    }
}

fn query_text(query: &Query) -> String {
    let scope: Vec<String> = query.scope.iter().map(condition_text).collect();
    let scope = if scope.is_empty() {
        "*".into()
    } else {
        scope.join(if scope.len().is_multiple_of(2) { "," } else { " AND " })
    };
    let mut text = format!("{}:{}{{{scope}}}", query.space, query.metric);
    if !query.by.is_empty() {
        let _ = write!(text, " by {{{}}}", query.by.join(","));
    }
    if let Some((method, limit)) = query.fill {
        let _ = write!(text, ".fill({method}, {limit})");
    }
    if !query.modifier.is_empty() {
        let _ = write!(text, ".{}()", query.modifier);
    }
    match query.rollup {
        Some((Some(name), seconds)) => text.push_str(&format!(".rollup({name}, {seconds})")),
        Some((None, seconds)) => text.push_str(&format!(".rollup({seconds})")),
        None => {}
    }
    if query.weighted {
        text.push_str(".weighted()");
    }
    match query.diff {
        Some(name) => format!("{name}({text})"),
        None => text,
    }
}

fn text_of(expression: &Expression) -> String {
    match expression {
        Expression::Leaf(query) => query_text(query),
        Expression::Number(number) => format!("{number}"),
        Expression::Binary(operator, left, right) => format!("({} {operator} {})", text_of(left), text_of(right)),
        Expression::Function(function, inner) => {
            let inner = text_of(inner);
            match function {
                Function::Abs => format!("abs({inner})"),
                Function::Cumsum => format!("cumsum({inner})"),
                Function::Derivative => format!("derivative({inner})"),
                Function::Ewma5 => format!("ewma_5({inner})"),
                Function::Median3 => format!("median_3({inner})"),
                Function::ClampMin(limit) => format!("clamp_min({inner}, {limit})"),
                Function::CutoffMax(limit) => format!("cutoff_max({inner}, {limit})"),
                Function::CountNotNull => format!("count_not_null({inner})"),
                Function::Top(count, by, order) => format!("top({inner}, {count}, '{by}', '{order}')"),
                Function::MovingRollup(seconds, name) => format!("moving_rollup({inner}, {seconds}, '{name}')"),
                Function::Timeshift(seconds) => format!("timeshift({inner}, -{seconds})"),
                Function::Regroup(name, keys) => {
                    format!("{name}({inner}, {{{}}})", if keys.is_empty() { "*".into() } else { keys.join(",") })
                }
                Function::Nested(name, seconds) => format!("rollup({inner}, {name}, {seconds})"),
            }
        }
    }
}

type Points = BTreeMap<Vec<(String, Option<String>)>, BTreeMap<i64, f64>>;

fn expected_points(table: &Table) -> Points {
    let mut points = Points::new();
    for (tags, values) in &table.rows {
        let mut group: Vec<(String, Option<String>)> =
            table.keys.iter().map(ToString::to_string).zip(tags.iter().cloned()).collect();
        group.sort();
        let present = table.starts.iter().zip(values).filter_map(|(start, value)| Some((*start, (*value)?)));
        let present: BTreeMap<i64, f64> = present.collect();
        if !present.is_empty() {
            points.insert(group, present);
        }
    }
    points
}

fn same(left: &Points, right: &Points) -> bool {
    left.keys().eq(right.keys())
        && left.iter().all(|(group, points)| {
            let others = &right[group];
            points.keys().eq(others.keys())
                && points.iter().all(|(time, value)| (value - others[time]).abs() <= 1e-7 * value.abs().max(1.0))
        })
}

/// The one thing that a well-formed random query may be refused for.
fn has_no_common_key(error: &str) -> bool {
    error.contains("no tag key in common")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_naive_evaluator_agrees(data in data(), expression in expressions(), from in 300..900_i64, length in 200..1200_i64, step in prop::sample::select(vec![10_i64, 20, 30, 60])) {
        let text = text_of(&expression);
        let variables = Variables::default();
        let to = (from + length).min(END);
        let request = TextRequest { text: &text, from, to: to - 1, interval: Some(step), variables: &variables, context: Context::Graph };
        match evaluate_text(&data, &request, &BUDGET) {
            Err(error) => prop_assert!(has_no_common_key(&error.to_string()), "{text}: {error}"),
            Ok(answer) => {
                let mut points = Points::new();
                for series in &answer.series {
                    let mut tags = series.tags.clone();
                    tags.sort();
                    points.insert(tags, series.points().collect());
                }
                if let Ok(table) = table(&data, &expression, Window { from, to, step }) {
                    let expected = expected_points(&table);
                    prop_assert!(same(&points, &expected), "{text}\nfrom {from} to {to} step {step}\n got {points:?}\n expected {expected:?}");
                }
            }
        }
    }
}

/// Pieces of which texts are made that are nearly queries.
const PIECES: [&str; 69] = [
    "avg:",
    "sum:",
    "p95:",
    "count(v: v<=1):",
    "gauge",
    "count",
    "dist",
    "{*}",
    "{env:prod}",
    "{host:web-*,!env:dev}",
    "{env IN (prod,dev)}",
    " by {host}",
    " by {env,host}",
    ".as_count()",
    ".as_rate()",
    ".rollup(sum, 60)",
    ".rollup(max, 1)",
    ".rollup(avg, 100000)",
    ".rollup(sum, daily, 4pm, 'Europe/Paris')",
    ".rollup('p95', 300)",
    ".fill(last, 60)",
    ".fill(linear)",
    ".weighted()",
    "abs(",
    "cumsum(",
    "integral(",
    "derivative(",
    "dt(",
    "diff(",
    "monotonic_diff(",
    "throughput(",
    "ewma_20(",
    "median_9(",
    "rollingavg_29(",
    "autosmooth(",
    "default_zero(",
    "timeshift(",
    "calendar_shift(",
    "week_before(",
    "moving_rollup(",
    "top(",
    "top5_l2norm(",
    "count_not_null(",
    "robust_trend(",
    "piecewise_constant(",
    "exclude_null(",
    "percentile(",
    "reduce(",
    "min(",
    ", ",
    ", 60",
    ", -3600",
    ", 'p95'",
    ", 'mean', 'desc'",
    ", {env}",
    "anomalies(",
    "outliers(",
    "forecast(",
    ", 'basic', 2, alert_window='last_5m', interval=60",
    ", 'agile', 1, seasonality='hourly'",
    ", 'robust', 3, seasonality='hourly', timezone='Europe/Paris'",
    ", 'scaledDBSCAN', 1",
    ", 'linear', 2, history=1000",
    ", 'seasonal', 2, seasonality='hourly'",
    ", '-1mo', 'UTC'",
    ")",
    "(",
    " + ",
    " / ",
];

fn nearly_queries() -> impl Strategy<Value = String> {
    let wrapped = (0..PIECES.len(), 0..PIECES.len(), prop::collection::vec(0..PIECES.len(), 0..5));
    let well_formed = prop::collection::vec(wrapped, 1..3).prop_map(|parts| {
        let mut text = String::new();
        for (index, (function, argument, rest)) in parts.into_iter().enumerate() {
            text.push_str(if index > 0 { " - " } else { "" });
            let (function, argument) = (PIECES[function], PIECES[argument]);
            let is_call = function.ends_with('(') && function.len() > 1;
            text.push_str(if is_call { function } else { "" });
            text.push_str("sum:gauge{*}");
            let modifiers = rest
                .iter()
                .map(|&piece| PIECES[piece])
                .filter(|piece| piece.starts_with(['.', ' ']) && piece.ends_with([')', '}']));
            text.extend(modifiers);
            text.push_str(if is_call && argument.starts_with(',') && argument.len() > 2 { argument } else { "" });
            text.push_str(if is_call { ")" } else { "" });
        }
        text
    });
    let jumbled =
        prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..12).prop_map(|pieces| pieces.concat());
    prop_oneof![3 => well_formed, 1 => jumbled]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the text and the window, there is an answer or an error, and every series is complete.
    #[test]
    fn any_text_is_answered_or_refused(data in data(), text in nearly_queries(), from in 0..3000_i64, length in 1..4000_i64, interval in prop::option::of(1..600_i64)) {
        let variables = Variables::default();
        let request = TextRequest { text: &text, from, to: from + length, interval, variables: &variables, context: Context::Graph };
        match evaluate_text(&data, &request, &BUDGET) {
            Err(error) => prop_assert!(!error.to_string().is_empty()),
            Ok(answer) => {
                for series in &answer.series {
                    prop_assert_eq!(series.values.len(), series.axis.len());
                    prop_assert!(series.points().count() > 0, "{}: a series without a value", text);
                    prop_assert!(series.axis.starts.windows(2).all(|pair| pair[0] < pair[1]));
                }
            }
        }
    }
}
