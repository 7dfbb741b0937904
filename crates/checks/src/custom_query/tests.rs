//! Custom queries: which ones count, what their rows become, what is said of mistakes.

use galgo_agent::check::Source;
use serde_json::json;

use super::*;

fn queries(options: Value, init_config: Value) -> CustomQueries {
    CustomQueries::of(&Instance::new("mysql", options, init_config, Source::default()).unwrap(), "")
}

fn shown(query: &Value, rows: &[&[Option<&str>]]) -> Vec<String> {
    let query = CustomQuery::parse(query, 1, "").unwrap();
    let rows: Vec<Vec<Option<String>>> =
        rows.iter().map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect();
    let columns = vec![String::new(); rows.first().map_or(0, Vec::len)];
    let mut out = Samples::default();
    query.submit(&Table { columns, rows, cut: false }, &["env:test".into()], &mut out);
    let value = |s: &galgo_agent::check::Sample| format!("{:?} {} {} {}", s.kind, s.metric, s.value, s.tags.join(","));
    let mut lines: Vec<String> = out.values.iter().map(value).collect();
    lines.extend(out.checks.iter().map(|run| format!("{:?} {} {}", run.status, run.check, run.tags.join(","))));
    lines.extend(out.warnings.iter().map(|warning| format!("warning {warning}")));
    lines
}

#[test]
fn rows_become_samples() {
    let query = json!({
        "query": "select", "metric_prefix": "shop", "tags": ["team:a"],
        "columns": [
            { "name": "status", "type": "tag" }, {}, { "name": "orders", "type": "gauge" },
            { "name": "seen", "type": "monotonic_gauge" },
            { "name": "busy", "type": "temporal_percent", "scale": "millisecond" },
            { "name": "up", "type": "service_check", "status_map": { "yes": "OK", "no": "CRITICAL" } },
        ],
    });
    let rows: [&[Option<&str>]; 2] = [
        &[Some("open"), Some("x"), Some("3"), Some("7"), Some("50"), Some("yes")],
        &[None, Some("x"), None, Some("many"), None, Some("perhaps")],
    ];
    assert_eq!(
        shown(&query, &rows),
        [
            "Gauge shop.orders 3 env:test,team:a,status:open",
            "Gauge shop.seen.total 7 env:test,team:a,status:open",
            "MonotonicCount shop.seen.count 7 env:test,team:a,status:open",
            "Rate shop.busy 5 env:test,team:a,status:open",
            "Ok shop.up env:test,team:a,status:open",
            "Unknown shop.up env:test,team:a,status:None",
            "warning custom query #1: column seen is not a number: `many`",
        ]
    );
}

#[test]
fn a_match_submits_another_column() {
    let items = json!({ "in": { "name": "net.in", "type": "rate" } });
    let query = json!({ "query": "select", "columns": [
        { "name": "what", "type": "match", "source": "bytes", "items": items },
        { "name": "bytes", "type": "source" },
        { "name": "tags", "type": "tag_list" },
    ] });
    let rows: [&[Option<&str>]; 2] = [&[Some("in"), Some("9"), Some("a, b")], &[Some("out"), Some("8"), None]];
    assert_eq!(shown(&query, &rows), ["Rate net.in 9 env:test,tags:a,tags:b"]);
}

#[test]
fn a_result_of_another_width_is_refused() {
    let query = json!({ "query": "select", "columns": [{ "name": "a", "type": "gauge" }] });
    let warning = "warning custom query #1: the result has 2 columns, but the configuration lists 1";
    assert_eq!(shown(&query, &[&[Some("1"), Some("2")]]), [warning]);
}

#[test]
fn global_queries_count_without_own_ones_or_in_addition() {
    let query = |name: &str| json!({ "name": name, "query": "q", "columns": [{ "name": "a", "type": "gauge" }] });
    let init = json!({ "global_custom_queries": [query("global")] });
    let names = |options: Value| -> Vec<String> {
        queries(options, init.clone()).queries.into_iter().map(|query| query.name).collect()
    };
    assert_eq!(names(json!({})), ["global"]);
    assert_eq!(names(json!({ "use_global_custom_queries": false })), Vec::<String>::new());
    assert_eq!(names(json!({ "custom_queries": [query("own")] })), ["own"]);
    let both = json!({ "custom_queries": [query("own")], "use_global_custom_queries": "extend" });
    assert_eq!(names(both), ["own", "global"]);
}

#[test]
fn one_bad_query_leaves_the_others() {
    let found = queries(
        json!({ "custom_queries": [
            { "columns": [] },
            { "query": "q", "columns": [{ "name": "a", "type": "guage" }] },
            { "query": "q", "columns": [{ "name": "a", "type": "gauge" }], "collection_interval": 0 },
            { "query": "q", "columns": [{ "name": "a", "type": "service_check" }] },
            { "query": "q", "columns": [{ "name": "a", "type": "gauge" }] },
        ] }),
        Value::Null,
    );
    assert_eq!(found.queries.len(), 1);
    expect_test::expect![[r#"
        custom query #1: query is missing or not a text
        custom query #2: column 1: type of a must be tag, tag_list, tag_not_null, gauge, count, monotonic_count, monotonic_gauge, rate, histogram, historate, temporal_percent, service_check, match or source, not `guage`
        custom query #3: collection_interval must be a number of seconds, not 0
        custom query #4: column 1: a: status_map must be a map from value to OK, WARNING, CRITICAL or UNKNOWN"#]]
    .assert_eq(&found.problems.join("\n"));
}

#[test]
fn a_query_with_its_own_interval_waits() {
    let query = json!({ "query": "q", "columns": [{ "name": "a", "type": "gauge" }], "collection_interval": 60 });
    let mut query = CustomQuery::parse(&query, 1, "").unwrap();
    let due: Vec<bool> = [0, 15, 59, 60, 75, 121].map(|at| query.due(Duration::from_secs(at))).to_vec();
    assert_eq!(due, [true, false, false, true, false, true]);
}

#[test]
fn a_huge_result_is_cut() {
    let mut table = Table::default();
    let mut bytes = 0;
    for _ in 0..9 {
        table.push(vec![Some("x".repeat(1 << 20))], &mut bytes);
    }
    assert_eq!((table.rows.len(), table.cut), (7, true));
}
