//! Logs of several lines, as the exercise's MySQL writes them and as applications do.

use std::sync::Arc;

use expect_test::expect;
use galgo_tail::RuleSet;
use serde_json::{Value, json};

use crate::harness::{Bench, settle};

const SLOW_LOG: &str = "# Time: 2026-11-24T15:38:52.123456Z
# User@Host: shop[shop] @ localhost []  Id:     8
# Query_time: 3.000361  Lock_time: 0.000000 Rows_sent: 1  Rows_examined: 1
SET timestamp=1795534732;
SELECT SLEEP(3);
# Time: 2026-11-24T15:38:59.000000Z
# User@Host: shop[shop] @ localhost []  Id:     8
# Query_time: 2.1  Lock_time: 0.000000 Rows_sent: 1  Rows_examined: 1
SET timestamp=1795534739;
SELECT 1
  FROM orders;
";

async fn collect(more: Value, global: bool, text: &str) -> Vec<String> {
    let mut bench = Bench::new();
    bench.config.auto_multi_line = global;
    bench.write("x.log", "");
    bench.apply(&[bench.file("x.log", more)]).await;
    settle(2.0).await;
    bench.append("x.log", text);
    settle(5.0).await;
    bench.texts()
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_the_slow_log_is_one_log() {
    let rule = json!([{ "type": "multi_line", "name": "entry", "pattern": "^# Time" }]);
    let by_rule = collect(json!({ "log_processing_rules": rule }), false, SLOW_LOG).await;
    expect![[r##"
        [
            "# Time: 2026-11-24T15:38:52.123456Z\n# User@Host: shop[shop] @ localhost []  Id:     8\n# Query_time: 3.000361  Lock_time: 0.000000 Rows_sent: 1  Rows_examined: 1\nSET timestamp=1795534732;\nSELECT SLEEP(3);",
            "# Time: 2026-11-24T15:38:59.000000Z\n# User@Host: shop[shop] @ localhost []  Id:     8\n# Query_time: 2.1  Lock_time: 0.000000 Rows_sent: 1  Rows_examined: 1\nSET timestamp=1795534739;\nSELECT 1\n  FROM orders;",
        ]
    "##]]
    .assert_debug_eq(&by_rule);
    // The exercise's configuration has no rule.
    assert_eq!(collect(json!({ "source": "mysql" }), false, SLOW_LOG).await, by_rule);
    assert_eq!(collect(json!({ "auto_multi_line_detection": true }), false, SLOW_LOG).await, by_rule);
    assert_eq!(collect(json!({}), true, SLOW_LOG).await, by_rule);
    assert_eq!(collect(json!({ "auto_multi_line_detection": false }), true, SLOW_LOG).await.len(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_log_is_complete_after_a_second_without_a_line() {
    let mut bench = Bench::new();
    bench.write("x.log", "");
    let rule = json!([{ "type": "multi_line", "name": "date", "pattern": "\\d{4}-" }]);
    bench.apply(&[bench.file("x.log", json!({ "log_processing_rules": rule }))]).await;
    settle(2.0).await;
    bench.append("x.log", "2026-11-24 boom\n");
    settle(0.7).await;
    bench.append("x.log", "  at a\n");
    settle(1.0).await;
    assert!(bench.texts().is_empty());
    settle(3.0).await;
    assert_eq!(bench.texts(), ["2026-11-24 boom\n  at a"]);
    bench.append("x.log", "  at b\n");
    settle(4.0).await;
    assert_eq!(bench.texts(), ["at b"]);
}

#[tokio::test(start_paused = true)]
async fn global_rules_come_before_those_of_a_source() {
    let mut bench = Bench::new();
    let global = json!([
        { "type": "mask_sequences", "name": "card", "pattern": "\\d{16}", "replace_placeholder": "[card]" },
        { "type": "multi_line", "name": "hash", "pattern": "#" },
    ]);
    bench.config.processing_rules = Arc::new(RuleSet::parse(Some(&global), "logs_config.processing_rules").unwrap());
    bench.write("x.log", "");
    let own = json!([{ "type": "exclude_at_match", "name": "drop", "pattern": "\\d{16}" }]);
    bench.apply(&[bench.file("x.log", json!({ "log_processing_rules": own }))]).await;
    settle(2.0).await;
    bench.append("x.log", "#4111111111111111\nmore\n#\n");
    settle(5.0).await;
    assert_eq!(bench.texts(), ["#[card]\nmore", "#"]);
}
