//! Checks on Datadog's own base class, which must be installed.

use std::sync::Arc;

use galgo_agent::check::SampleKind;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::rig::{Rig, real_base, run, values};

const EXPOSITION: &str = "# TYPE app_users gauge\napp_users{room=\"a\"} 5\n\
# TYPE app_requests_total counter\napp_requests_total 12\n\
# TYPE app_seconds histogram\napp_seconds_bucket{le=\"0.1\"} 3\napp_seconds_bucket{le=\"+Inf\"} 4\n\
app_seconds_sum 1.5\napp_seconds_count 4\n";

/// Answers every request with the same text, and returns its address.
async fn serve(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\nconnection: \
                 close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}/metrics")
}

fn rig() -> Option<Rig> {
    let interpreter = real_base()?;
    Some(Rig::with(|config| config.interpreter = Some(interpreter)))
}

#[tokio::test]
async fn it_is_found_and_named() {
    let Some(rig) = rig() else { return };
    rig.body("one", "self.gauge('one', 1)");
    rig.run_ok("one", json!({})).await;
    let state = rig.loader.state();
    assert!(state.base.starts_with("datadog-checks-base ") && state.base_note.is_empty(), "{state:?}");
}

#[tokio::test]
async fn openmetrics_checks_scrape() {
    let Some(rig) = rig() else { return };
    let url = serve(EXPOSITION).await;
    rig.module(
        "app",
        "from datadog_checks.base import OpenMetricsBaseCheckV2\n\nclass App(OpenMetricsBaseCheckV2):\n    \
         __NAMESPACE__ = 'app'\n    def get_default_config(self):\n        return {'metrics': [{'app_users': 'users', \
         'app_requests': 'requests', 'app_seconds': 'seconds'}], 'histogram_buckets_as_distributions': True}\n",
    );
    let options = json!({ "openmetrics_endpoint": url, "tags": ["t:1"] });
    let mut check = rig.load("app", options).await.unwrap();
    run(&mut *check).await.1.unwrap();
    let (samples, outcome) = run(&mut *check).await;
    outcome.unwrap();
    let mut found = values(&samples);
    found.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(&found[..1], [("app.requests.count", 12.0)]);
    assert!(found.contains(&("app.users", 5.0)), "{found:?}");
    let users = samples.values.iter().find(|sample| sample.metric == "app.users").unwrap();
    assert!(users.tags.contains(&"room:a".to_owned()) && users.tags.contains(&"t:1".to_owned()));
    let requests = samples.values.iter().find(|sample| sample.metric == "app.requests.count").unwrap();
    assert!(requests.kind == SampleKind::MonotonicCount && requests.flush_first);
    assert_eq!(samples.buckets.iter().map(|bucket| bucket.count).sum::<i64>(), 4, "{:?}", samples.buckets);
    assert_eq!(samples.checks[0].check, "app.openmetrics.health");
}

#[tokio::test]
async fn http_goes_through_its_own_client() {
    let Some(rig) = rig() else { return };
    let url = serve("hello").await;
    rig.body("fetch", "r = self.http.get(instance['url'])\nr.raise_for_status()\nself.gauge('length', len(r.text))");
    assert_eq!(values(&rig.run_ok("fetch", json!({ "url": url, "timeout": 5 })).await), [("length", 5.0)]);
}

#[tokio::test]
async fn secrets_and_options_are_treated_as_it_does() {
    let Some(rig) = rig() else { return };
    rig.body("secret", "self.register_secret('hunter2')\nraise Exception('wrong password hunter2')");
    let error = rig.run("secret", json!({})).await.1.unwrap_err();
    assert!(!error.message.contains("hunter2") && !error.traceback.contains("password hunter2"), "{error}");
    rig.module(
        "patterns",
        "from datadog_checks.base import AgentCheck\nclass P(AgentCheck):\n    DEFAULT_METRIC_LIMIT = 2\n    def \
         check(self, instance):\n        for n in range(5):\n            self.gauge('kept.%d' % n, n)\n            \
         self.gauge('dropped.%d' % n, n)\n",
    );
    let samples = rig.run_ok("patterns", json!({ "metric_patterns": { "include": ["^kept"] } })).await;
    assert_eq!(values(&samples), [("kept.0", 0.0), ("kept.1", 1.0)]);
    assert!(samples.warnings[0].contains("exceeded limit of 2"), "{:?}", samples.warnings);
}

#[tokio::test]
async fn many_checks_run_at_once() {
    let Some(rig) = rig() else { return };
    rig.body("busy", "time.sleep(0.05)\nfor n in range(200):\n    self.gauge('m', n, tags=['n:%d' % n])");
    let rig = Arc::new(rig);
    let runs: Vec<_> = (0..20)
        .map(|at| {
            let rig = Arc::clone(&rig);
            tokio::spawn(async move { rig.run_ok("busy", json!({ "at": at })).await.values.len() })
        })
        .collect();
    for run in runs {
        assert_eq!(run.await.unwrap(), 200);
    }
    assert_eq!(rig.loader.stats().starts, 1);
}
