//! Batches, back-pressure, refusals, restarts, reload.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Bench, settle};

fn numbered(range: std::ops::Range<usize>, width: usize) -> String {
    range.map(|n| format!("{n:0width$}\n")).collect()
}

#[tokio::test(start_paused = true)]
async fn lines_are_batched() {
    let mut bench = Bench::new();
    bench.config.batch.wait = Duration::from_secs(5);
    bench.write("app.log", numbered(0..2500, 8));
    bench.apply(&[bench.file("app.log", json!({ "start_position": "beginning" }))]).await;
    settle(2.0).await;
    assert_eq!(bench.batches(), [1000, 1000]);
    settle(6.0).await;
    assert_eq!(bench.batches(), [1000, 1000, 500]);
    let lines = bench.texts();
    assert!(lines.is_sorted() && lines.len() == 2500);
}

#[tokio::test(start_paused = true)]
async fn reading_waits_for_the_output_and_loses_nothing() {
    let mut bench = Bench::new();
    let big = numbered(0..40_000, 500);
    bench.write("a.log", &big);
    bench.write("b.log", "");
    let sources = [
        bench.file("a.log", json!({ "start_position": "beginning", "service": "slow" })),
        bench.file("b.log", json!({ "service": "quick" })),
    ];
    bench.hold_only("slow");
    bench.let_through(false);
    bench.apply(&sources).await;
    settle(600.0).await;
    let status = bench.tail().status();
    assert!(status.bytes_in_flight <= 10 << 20, "{}", status.bytes_in_flight);
    assert!(status.sources[0].bytes_read < 5 << 20, "{}", status.sources[0].bytes_read);
    bench.append("b.log", "meanwhile\n");
    settle(3.0).await;
    assert_eq!(bench.texts(), ["meanwhile"]);
    bench.let_through(true);
    settle(30.0).await;
    let lines = bench.texts();
    assert!(lines.len() == 40_000 && lines.is_sorted());
    assert_eq!(bench.tail().status().bytes_in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_not_cut_because_the_output_is_slow() {
    let mut bench = Bench::new();
    bench.write("app.log", "");
    let rule = json!([{ "type": "multi_line", "name": "date", "pattern": "#" }]);
    bench.apply(&[bench.file("app.log", json!({ "log_processing_rules": rule }))]).await;
    settle(2.0).await;
    bench.let_through(false);
    let text: String = (0..30_000).map(|n| format!("#{n}\n{}\n", "x".repeat(300))).collect();
    bench.append("app.log", text);
    settle(100.0).await;
    bench.let_through(true);
    settle(20.0).await;
    let texts = bench.texts();
    assert_eq!(texts.len(), 30_000);
    assert!(texts.iter().all(|text| text.lines().count() == 2));
}

#[tokio::test(start_paused = true)]
async fn places_move_only_when_lines_are_acknowledged() {
    let mut bench = Bench::new();
    bench.write("app.log", "");
    bench.apply(&[bench.file("app.log", json!({}))]).await;
    settle(2.0).await;
    bench.append("app.log", "1\n");
    settle(3.0).await;
    bench.let_through(false);
    bench.append("app.log", "2\n");
    settle(3.0).await;
    bench.kill().await;
    assert_eq!(bench.texts(), ["1"]);
    bench.let_through(true);
    bench.start().await;
    settle(3.0).await;
    assert_eq!(bench.texts(), ["2"]);
    bench.shutdown().await;
    bench.start().await;
    settle(3.0).await;
    assert!(bench.texts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_delivers_what_was_read() {
    let mut bench = Bench::new();
    bench.config.batch.wait = Duration::from_secs(5);
    bench.write("app.log", "");
    let rule = json!([{ "type": "multi_line", "name": "date", "pattern": "#" }]);
    bench.apply(&[bench.file("app.log", json!({ "log_processing_rules": rule }))]).await;
    settle(2.0).await;
    bench.append("app.log", "#1\n#2\nend\nunfinished");
    settle(1.1).await;
    bench.shutdown().await;
    assert_eq!(bench.texts(), ["#1", "#2\nend"]);
    bench.append("app.log", " line\n");
    bench.start().await;
    settle(9.0).await;
    assert_eq!(bench.texts(), ["unfinished line"]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_ever() {
    let mut bench = Bench::new();
    bench.write("app.log", "");
    bench.apply(&[bench.file("app.log", json!({}))]).await;
    settle(2.0).await;
    bench.let_through(false);
    bench.append("app.log", "1\n");
    settle(3.0).await;
    let began = tokio::time::Instant::now();
    bench.shutdown().await;
    assert!(began.elapsed() <= Duration::from_secs(11));
    bench.let_through(true);
    bench.start().await;
    settle(3.0).await;
    assert_eq!(bench.texts(), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_counted_and_goes_by() {
    let mut bench = Bench::new();
    bench.write("app.log", "");
    bench.apply(&[bench.file("app.log", json!({}))]).await;
    settle(2.0).await;
    bench.refuse("bad");
    bench.append("app.log", "bad\n");
    settle(3.0).await;
    bench.append("app.log", "good\n");
    settle(3.0).await;
    assert_eq!(bench.texts(), ["good"]);
    let status = bench.tail().status().sources[0].clone();
    assert_eq!((status.lines_refused, status.lines_sent), (1, 1));
    assert_eq!(status.last_error.as_deref(), Some("lines were refused: 403 forbidden"));
}

#[tokio::test(start_paused = true)]
async fn dropped_lines_move_the_place_too() {
    let mut bench = Bench::new();
    bench.write("app.log", "");
    let rules = json!([{ "type": "exclude_at_match", "name": "no", "pattern": "^no" }]);
    bench.apply(&[bench.file("app.log", json!({ "log_processing_rules": rules }))]).await;
    settle(2.0).await;
    bench.append("app.log", "yes\nno\nno\n");
    settle(3.0).await;
    assert_eq!(bench.texts(), ["yes"]);
    let status = bench.tail().status().sources[0].clone();
    assert_eq!((status.files[0].acknowledged, status.lines_dropped), (10, 2));
}

#[tokio::test(start_paused = true)]
async fn a_reload_disturbs_nothing_that_stays() {
    let mut bench = Bench::new();
    ["a.log", "b.log", "c.log"].iter().for_each(|name| bench.write(name, ""));
    let [a, b] = [bench.file("a.log", json!({})), bench.file("b.log", json!({}))];
    bench.apply(&[a.clone(), b]).await;
    settle(2.0).await;
    bench.append("a.log", "a1\n");
    bench.append("b.log", "b1\n");
    settle(3.0).await;
    bench.let_through(false);
    bench.append("b.log", "b2\n");
    settle(3.0).await;
    let changed = bench.file("b.log", json!({ "service": "other" }));
    let sources = [bench.file("c.log", json!({ "start_position": "beginning" })), a, changed];
    bench.apply(&sources).await;
    bench.append("a.log", "a2\n");
    bench.append("b.log", "b3\n");
    bench.append("c.log", "c1\n");
    settle(3.0).await;
    bench.let_through(true);
    settle(3.0).await;
    let mut lines: Vec<_> =
        bench.lines().into_iter().map(|line| format!("{} {}", line.message, line.service)).collect();
    lines.sort();
    assert_eq!(lines, ["a1 shop", "a2 shop", "b1 shop", "b2 shop", "b3 other", "c1 shop"]);
    let status = bench.tail().status();
    let names: Vec<u64> = status.sources.iter().map(|source| source.lines_sent).collect();
    assert_eq!(names, [1, 2, 1]);
    bench.apply(&[]).await;
    bench.append("a.log", "a3\n");
    settle(3.0).await;
    assert!(bench.texts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn watchers_see_processed_lines_and_may_be_slow() {
    let mut bench = Bench::new();
    bench.write("app.log", "");
    let rules = json!([{ "type": "mask_sequences", "name": "m", "pattern": "pw=\\S+", "replace_placeholder": "pw=*" }]);
    bench.apply(&[bench.file("app.log", json!({ "log_processing_rules": rules }))]).await;
    settle(2.0).await;
    let mut watch = bench.tail().watch();
    bench.append("app.log", "pw=secret\n");
    settle(3.0).await;
    let seen = watch.recv().await.unwrap();
    assert_eq!((seen.line.message.as_str(), seen.check.as_str()), ("pw=*", "app"));
    assert!(seen.place.ends_with("/app.log"));
    bench.append("app.log", numbered(0..3000, 4));
    settle(5.0).await;
    assert_eq!(bench.texts().len(), 3001);
    assert!(matches!(watch.recv().await, Err(tokio::sync::broadcast::error::RecvError::Lagged(_))));
}
