//! The whole check against a small server.

use expect_test::{Expect, expect};
use parking_lot::Mutex;
use serde_json::json;

use super::*;
use crate::http::tests::{NOW, answer, closed_port, context, described, instance, run, serve};

const PLAIN: &str = "text/plain; version=0.0.4";

/// Scrapes each text once with one check; `ENDPOINT` in the options stands for the server.
async fn scrape(options: Value, texts: &[&str]) -> (Samples, Result<(), CheckError>, String) {
    let mut texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    texts.reverse();
    let runs = texts.len();
    let texts = Mutex::new(texts);
    let address = serve(move |_| {
        let text = texts.lock().pop().unwrap_or_default();
        let kind = if text.ends_with("# EOF\n") { "application/openmetrics-text; version=1.0.0" } else { PLAIN };
        answer("200 OK", kind, &text)
    })
    .await;
    let endpoint = format!("http://{address}/metrics");
    let options: Value = serde_json::from_str(&options.to_string().replace("ENDPOINT", &endpoint)).unwrap();
    let mut check = factory(&instance("openmetrics", options), &context(json!({}))).unwrap();
    let mut last = (Samples::default(), Ok(()));
    for _ in 0..runs {
        last = run(&mut *check).await;
    }
    (last.0, last.1, endpoint)
}

async fn check(options: Value, texts: &[&str], wanted: Expect) {
    let (samples, outcome, endpoint) = scrape(options, texts).await;
    outcome.unwrap();
    wanted.assert_eq(&described(&samples).replace(&endpoint, "ENDPOINT"));
}

const TEXT: &str = "\
# TYPE jobs_total counter
jobs_total{queue=\"a\",node=\"n1\"} 5
# TYPE temp gauge
temp{room=\"x\"} 21.5
temp{room=\"y\"} NaN
# TYPE lat histogram
lat_bucket{le=\"0.00001\"} 1
lat_bucket{le=\"0\"} 0
lat_bucket{le=\"1\"} 3
lat_bucket{le=\"+Inf\"} 4
lat_sum 2.5
lat_count 4
# TYPE rpc summary
rpc{quantile=\"0.50\"} 0.2
rpc_sum 7
rpc_count 3
untyped_thing 1
# TYPE other gauge
other 1
";

#[tokio::test]
async fn every_type_becomes_what_the_original_makes_of_it() {
    let options = json!({
        "openmetrics_endpoint": "ENDPOINT",
        "namespace": "app",
        "metrics": ["jobs", { "temp": "temperature" }, "^(lat|rpc)$", "untyped_thing"],
        "tags": ["team:core"],
    });
    check(
        options,
        &[TEXT, TEXT],
        expect![[r#"
            Gauge app.rpc.quantile 0.2 [endpoint:ENDPOINT quantile:0.5 team:core]
            Gauge app.temperature 21.5 [endpoint:ENDPOINT room:x team:core]
            MonotonicCount app.jobs.count 5 [endpoint:ENDPOINT node:n1 queue:a team:core] flush
            MonotonicCount app.lat.bucket 0 [endpoint:ENDPOINT team:core upper_bound:0] flush
            MonotonicCount app.lat.bucket 1 [endpoint:ENDPOINT team:core upper_bound:1e-05] flush
            MonotonicCount app.lat.bucket 3 [endpoint:ENDPOINT team:core upper_bound:1.0] flush
            MonotonicCount app.lat.count 4 [endpoint:ENDPOINT team:core] flush
            MonotonicCount app.lat.sum 2.5 [endpoint:ENDPOINT team:core] flush
            MonotonicCount app.rpc.count 3 [endpoint:ENDPOINT team:core] flush
            MonotonicCount app.rpc.sum 7 [endpoint:ENDPOINT team:core] flush
            check app.openmetrics.health Ok [endpoint:ENDPOINT team:core] 
        "#]],
    )
    .await;
}

#[tokio::test]
async fn buckets_become_distributions() {
    let options = json!({
        "openmetrics_endpoint": "ENDPOINT",
        "metrics": ["lat"],
        "tag_by_endpoint": false,
        "enable_health_service_check": false,
        "collect_counters_with_distributions": true,
    });
    check(
        options,
        &[TEXT],
        expect![[r#"
            Bucket lat 0 (0, 0] [upper_bound:0 lower_bound:0]
            Bucket lat 1 (0, 0.00001] [upper_bound:1e-05 lower_bound:0]
            Bucket lat 1 (1, inf] [upper_bound:inf lower_bound:1.0]
            Bucket lat 2 (0.00001, 1] [upper_bound:1.0 lower_bound:1e-05]
            MonotonicCount lat.count 4 []
            MonotonicCount lat.sum 2.5 []
        "#]],
    )
    .await;
    let options = json!({
        "openmetrics_endpoint": "ENDPOINT",
        "metrics": ["lat"],
        "tag_by_endpoint": false,
        "enable_health_service_check": false,
        "non_cumulative_histogram_buckets": true,
    });
    check(
        options,
        &[TEXT],
        expect![[r#"
            MonotonicCount lat.bucket 0 [lower_bound:0 upper_bound:0]
            MonotonicCount lat.bucket 1 [lower_bound:0 upper_bound:1e-05]
            MonotonicCount lat.bucket 2 [lower_bound:1e-05 upper_bound:1.0]
            MonotonicCount lat.count 4 []
            MonotonicCount lat.sum 2.5 []
        "#]],
    )
    .await;
}

#[tokio::test]
async fn labels_are_left_out_renamed_and_lent() {
    let text = "\
# TYPE usage gauge
usage{pod=\"p1\",uid=\"1\"} 1
usage{pod=\"p2\",uid=\"2\"} 2
usage{pod=\"p3\",uid=\"3\",phase=\"gone\"} 3
# TYPE pod_info gauge
pod_info{pod=\"p1\",node=\"n1\",ip=\"10.0.0.1\"} 1
pod_info{pod=\"p2\",node=\"n2\"} 0
# TYPE target_info gauge
target_info{env=\"prod\"} 1
";
    let options = json!({
        "openmetrics_endpoint": "ENDPOINT",
        "metrics": ["usage"],
        "tag_by_endpoint": false,
        "enable_health_service_check": false,
        "share_labels": { "pod_info": { "match": ["pod"], "labels": ["node"], "values": [1] } },
        "target_info": true,
        "exclude_labels": ["uid"],
        "rename_labels": { "pod": "pod_name" },
        "exclude_metrics_by_labels": { "phase": ["^gone$"] },
        "hostname_label": "node",
        "hostname_format": "<HOSTNAME>.cluster",
        "ignore_tags": ["^secret"],
        "tags": ["secret:1", "open:1"],
    });
    check(
        options,
        &[text],
        expect![[r#"
            Gauge usage 1 [env:prod node:n1 open:1 pod_name:p1] host=n1.cluster
            Gauge usage 2 [env:prod open:1 pod_name:p2]
        "#]],
    )
    .await;
}

#[tokio::test]
async fn types_can_be_chosen() {
    let text = format!(
        "# TYPE my_started gauge\nmy_started {}\n# TYPE my_up gauge\nmy_up 1\nmy_up{{a=\"b\"}} 7\n\
         # TYPE my_pause_total counter\nmy_pause_total 3000\n# TYPE my_build info\nmy_build_info{{v=\"1.2.3\"}} 1\nraw 4\n\
         # TYPE both counter\nboth_total 9\n# EOF\n",
        NOW - 60
    );
    let options = json!({
        "openmetrics_endpoint": "ENDPOINT",
        "raw_metric_prefix": "my_",
        "tag_by_endpoint": false,
        "enable_health_service_check": false,
        "tags": ["t:1"],
        "metrics": [
            { "started": { "name": "age", "type": "time_elapsed" } },
            { "up": { "type": "service_check", "status_map": { "1": "OK", "0": "CRITICAL" } } },
            { "pause": { "type": "temporal_percent", "scale": "millisecond" } },
            { "build": { "name": "version", "type": "metadata", "label": "v" } },
        ],
        "extra_metrics": [{ "raw": { "type": "rate" }, "both": { "type": "counter_gauge" } }],
    });
    check(
        options,
        &[&text],
        expect![[r#"
            Gauge age 60 [t:1]
            Gauge both.total 9 [t:1]
            MonotonicCount both.count 9 [t:1]
            Rate pause 300 [t:1]
            Rate raw 4 [t:1]
            check up Ok [t:1] 
            check up Unknown [t:1] 
            metadata version.raw 1.2.3
            metadata version.scheme semver
            metadata version.major 1
            metadata version.minor 2
            metadata version.patch 3
        "#]],
    )
    .await;
}

#[tokio::test]
async fn metrics_and_lines_can_be_left_out() {
    let options = json!({
        "openmetrics_endpoint": "ENDPOINT",
        "metrics": [".+"],
        "exclude_metrics": ["temp", "^(lat|rp.)$"],
        "raw_line_filters": ["^other"],
        "tag_by_endpoint": false,
        "enable_health_service_check": false,
    });
    check(
        options,
        &[TEXT],
        expect![[r#"
        MonotonicCount jobs.count 5 [node:n1 queue:a]
    "#]],
    )
    .await;
}

#[tokio::test]
async fn the_number_of_series_is_bounded() {
    let text: String = (0..10).map(|n| format!("# TYPE g{n} gauge\ng{n} 1\n")).collect();
    let options = json!({
        "openmetrics_endpoint": "ENDPOINT",
        "metrics": ["^g"],
        "max_returned_metrics": 2,
        "tag_by_endpoint": false,
        "enable_health_service_check": false,
    });
    check(
        options,
        &[&text],
        expect![[r#"
        Gauge g0 1 []
        Gauge g1 1 []
        warning 8 samples left out: more than 2 series; name fewer metrics or raise max_returned_metrics
    "#]],
    )
    .await;
}

#[tokio::test]
async fn first_values_count_when_the_process_is_younger_than_the_agent() {
    let options = |asked: bool| {
        json!({ "openmetrics_endpoint": "ENDPOINT", "metrics": ["c"], "use_process_start_time": asked,
            "tag_by_endpoint": false, "enable_health_service_check": false })
    };
    let text = |start: i64| {
        format!(
            "# TYPE c_total counter\nc_total 1\n# TYPE process_start_time_seconds gauge\n\
                 process_start_time_seconds {start}\n"
        )
    };
    for (asked, start, wanted) in [(true, NOW + 1, true), (true, NOW - 1, false), (false, NOW + 1, false)] {
        let (samples, _, _) = scrape(options(asked), &[&text(start)]).await;
        assert_eq!(samples.values.iter().map(|sample| sample.flush_first).collect::<Vec<_>>(), [wanted]);
    }
}

#[tokio::test]
async fn what_is_no_exposition_is_an_error_and_what_came_before_stays() {
    let options = json!({ "openmetrics_endpoint": "ENDPOINT", "metrics": [".*"] });
    let (samples, outcome, endpoint) =
        scrape(options, &["# TYPE a gauge\na 1\n# TYPE b gauge\nb 2\n<html>oops</html>\n"]).await;
    let wanted = format!("{endpoint}: line 5: no number as value: <html>oops</html>");
    assert_eq!(outcome.unwrap_err().message, wanted);
    assert_eq!(samples.values.iter().map(|sample| sample.metric.as_str()).collect::<Vec<_>>(), ["a"]);
    let options = json!({ "openmetrics_endpoint": "ENDPOINT", "metrics": [".*"] });
    let long = "a".repeat(2 * 1024 * 1024);
    let (_, outcome, endpoint) = scrape(options, &[&long]).await;
    assert_eq!(outcome.unwrap_err().message, format!("{endpoint}: a line longer than 1048576 bytes"));
}

#[tokio::test]
async fn an_endpoint_that_is_away_or_says_no_is_critical() {
    let address = closed_port().await;
    let url = format!("http://{address}/metrics");
    let made = |options: Value| factory(&instance("openmetrics", options), &context(json!({}))).unwrap();
    let mut check = made(json!({ "openmetrics_endpoint": url, "namespace": "n", "metrics": ["a"] }));
    let (samples, outcome) = run(&mut *check).await;
    let refused = format!("{url}: Connection refused (os error 111)");
    assert_eq!(outcome.unwrap_err().message, refused);
    assert_eq!(described(&samples), format!("check n.openmetrics.health Critical [endpoint:{url}] {refused}\n"));
    let mut check = made(json!({ "openmetrics_endpoint": url, "metrics": ["a"], "ignore_connection_errors": true }));
    assert!(run(&mut *check).await.1.is_ok());
    let address = serve(|_| answer("503 Service Unavailable", PLAIN, "a 1\n")).await;
    let url = format!("http://{address}/metrics");
    let mut check = made(json!({ "prometheus_url": url, "namespace": "n", "metrics": ["a"] }));
    let (samples, outcome) = run(&mut *check).await;
    assert_eq!(outcome.unwrap_err().message, format!("{url}: status 503 Service Unavailable"));
    assert!(described(&samples).starts_with("check n.prometheus.health Critical "));
}

#[tokio::test]
async fn the_first_generation_keeps_its_ways() {
    let options = json!({
        "prometheus_url": "ENDPOINT",
        "namespace": "old",
        "metrics": ["jobs_total", { "temp": "t" }, "l*", "rpc", "untyped*"],
        "labels_mapper": { "queue": "q" },
        "label_to_hostname": "node",
        "label_to_hostname_suffix": "-c",
        "type_overrides": { "untyped_thing": "gauge" },
    });
    check(
        options,
        &[TEXT],
        expect![[r#"
            Gauge old.lat.count 0 [upper_bound:0.0]
            Gauge old.lat.count 1 [upper_bound:1e-05]
            Gauge old.lat.count 3 [upper_bound:1.0]
            Gauge old.lat.count 4 [upper_bound:none]
            Gauge old.lat.sum 2.5 []
            Gauge old.rpc.count 3 []
            Gauge old.rpc.quantile 0.2 [quantile:0.5]
            Gauge old.rpc.sum 7 []
            Gauge old.t 21.5 [room:x]
            Gauge old.untyped_thing 1 []
            MonotonicCount old.jobs_total 5 [node:n1 q:a] host=n1-c
            check old.prometheus.health Ok [endpoint:ENDPOINT] 
        "#]],
    )
    .await;
    let options = json!({
        "prometheus_url": "ENDPOINT",
        "namespace": "old",
        "metrics": ["lat", "jobs_total"],
        "send_distribution_buckets": true,
        "send_monotonic_counter": false,
        "send_monotonic_with_gauge": true,
        "health_service_check": false,
        "ignore_metrics_by_labels": { "le": ["1"] },
    });
    check(
        options,
        &[TEXT],
        expect![[r#"
            Bucket old.lat 0 (-inf, 0] [upper_bound:0.0 lower_bound:-inf]
            Bucket old.lat 1 (0, 0.00001] [upper_bound:1e-05 lower_bound:0.0]
            Bucket old.lat 1 (1, inf] [upper_bound:inf lower_bound:1.0]
            Gauge old.jobs_total 5 [node:n1 queue:a]
            MonotonicCount old.jobs_total.total 5 [node:n1 queue:a]
        "#]],
    )
    .await;
}

#[tokio::test]
async fn the_first_generation_takes_buckets_apart_and_joins_labels() {
    let text = "\
# TYPE info gauge
info{pod=\"p\",node=\"n\"} 1
# TYPE lat histogram
lat_bucket{pod=\"p\",le=\"1\"} 3
lat_bucket{pod=\"p\",le=\"+Inf\"} 4
";
    let options = json!({
        "prometheus_url": "ENDPOINT",
        "metrics": ["lat"],
        "non_cumulative_buckets": true,
        "send_distribution_counts_as_monotonic": true,
        "health_service_check": false,
        "label_joins": { "info": { "labels_to_match": ["pod"], "labels_to_get": ["node"] } },
    });
    check(
        options,
        &[text],
        expect![[r#"
            MonotonicCount lat.count 1 [lower_bound:1.0 node:n pod:p upper_bound:inf]
            MonotonicCount lat.count 3 [lower_bound:0 node:n pod:p upper_bound:1.0]
        "#]],
    )
    .await;
}

#[test]
fn wrong_configurations_are_named() {
    let refused = |options: Value| {
        let made = factory(&instance("openmetrics", options), &context(json!({})));
        made.map(drop).unwrap_err().message
    };
    assert_eq!(refused(json!({})), "openmetrics (built in): openmetrics_endpoint is required");
    let endpoint = "http://localhost:1";
    let wanted = "openmetrics (built in): metrics must be a list of names, patterns or maps, not []";
    assert_eq!(refused(json!({ "openmetrics_endpoint": endpoint })), wanted);
    let wrong = refused(json!({ "openmetrics_endpoint": endpoint, "metrics": ["a"], "hostname_label": "n",
        "hostname_format": "x" }));
    assert_eq!(wrong, "openmetrics (built in): hostname_format must be a text with <HOSTNAME> in it, not \"x\"");
    let missing = refused(json!({ "openmetrics_endpoint": endpoint, "metrics": ["a"], "tls_ca_cert": "/no/such" }));
    assert_eq!(missing, "openmetrics (built in): tls_ca_cert /no/such: No such file or directory (os error 2)");
}
