//! All that a check can submit, through the built-in base and, where it is there, through Datadog's own.

use std::path::PathBuf;

use expect_test::expect;
use galgo_agent::check::{SampleKind, Samples};
use serde_json::json;

use crate::rig::{self, Rig, run};

pub const EVERYTHING: &str = r#"
from datadog_checks.base import AgentCheck

class Everything(AgentCheck):
    __NAMESPACE__ = "ns"

    def check(self, instance):
        tags = ["a:1", b"b:2", None]
        self.gauge("gauge", 1.5, tags=tags)
        self.rate("rate", 2, tags=["r"], hostname="other")
        self.count("count", 3)
        self.monotonic_count("mono", 4, flush_first_value=True)
        self.histogram("histogram", 5, raw=True)
        self.historate("historate", "6")
        self.increment("counter")
        self.decrement("counter", device_name="sda")
        self.gauge("none", None)
        self.gauge("nan", float("nan"))
        self.submit_histogram_bucket("bucket", 7, 0.5, float("inf"), True, "bh", ["c"], flush_first_value=True)
        self.service_check("can_connect", self.CRITICAL, tags=["s"], message="down")
        self.event({"timestamp": 1700000000.4, "event_type": "kind", "api_key": "secret", "msg_title": "Title",
                    "msg_text": "Text", "aggregation_key": "key", "alert_type": "error", "host": "eh",
                    "tags": ["e"], "priority": "low"})
        self.send_log({"message": "line", "timestamp": 1700000000.5, "status": "error"}, cursor={"at": 3})
        self.set_metadata("version", "1.2.3")
        self.set_external_tags([("vm", {"source": ["x:y"]})])
        self.event_platform_event('{"raw": 1}', "dbm-samples")
        self.database_monitoring_query_metrics('{"raw": 2}')
        self.warning("odd: %d", 8)
        self.write_persistent_cache("k", "v")
        assert self.read_persistent_cache("k") == "v" and self.read_persistent_cache("none") == ""
        assert self.get_log_cursor() == {"at": 3}, self.get_log_cursor()
"#;

/// Everything in a form that can be read.
fn told(samples: &Samples) -> String {
    let mut lines = Vec::new();
    for one in &samples.values {
        let flush = if one.flush_first { " first" } else { "" };
        lines.push(format!("{:?} {} {} {:?} {:?}{flush}", one.kind, one.metric, one.value, one.tags, one.host));
    }
    lines.extend(samples.buckets.iter().map(|bucket| format!("{bucket:?}")));
    lines.extend(samples.checks.iter().map(|check| format!("{check:?}")));
    lines.extend(samples.events.iter().map(|event| format!("{event:?}")));
    lines.extend(samples.logs.iter().map(|log| log.json.to_string()));
    lines.push(format!("{:?}", samples.metadata));
    lines.push(format!("{:?}", samples.external_tags));
    lines.push(format!("{:?}", samples.platform_events));
    lines.extend(samples.warnings.iter().map(|warning| warning.chars().take(20).collect()));
    lines.join("\n")
}

/// Both bases must say the same.
async fn check_everything(interpreter: Option<PathBuf>) {
    let rig = Rig::with(|config| config.interpreter = interpreter);
    rig.module("everything", EVERYTHING);
    let samples = rig.run_ok("everything", json!({ "tags": ["t:1"] })).await;
    expect![[r#"
        Gauge ns.gauge 1.5 ["a:1", "b:2"] ""
        Rate ns.rate 2 ["r"] "other"
        Count ns.count 3 [] ""
        MonotonicCount ns.mono 4 [] "" first
        Histogram histogram 5 [] ""
        Historate ns.historate 6 [] ""
        Counter ns.counter 1 [] ""
        Counter ns.counter -1 ["device:sda"] ""
        Bucket { metric: "ns.bucket", count: 7, lower: 0.5, upper: inf, monotonic: true, tags: ["c"], host: "bh", flush_first: true }
        CheckRun { check: "ns.can_connect", host: "", time: 0, status: Critical, message: "down", tags: ["s"] }
        Event { title: "Title", text: "Text", time: 1700000000, priority: "low", host: "eh", device: "", tags: ["e"], alert_type: "error", aggregation_key: "key", source_type_name: "ns", event_type: "kind", related_event_id: None }
        {"message":"line","timestamp":1700000000500,"status":"error","ddtags":"t:1"}
        [("version.major", "1"), ("version.minor", "2"), ("version.patch", "3"), ("version.raw", "1.2.3"), ("version.scheme", "semver")]
        [("vm", "source", ["x:y"])]
        [("dbm-samples", "{\"raw\": 1}"), ("dbm-metrics", "{\"raw\": 2}")]
        DEPRECATION NOTICE: 
        DEPRECATION NOTICE: 
        odd: 8"#]].assert_eq(&told(&samples));
    let sample = samples.values.iter().find(|sample| sample.metric == "histogram").unwrap();
    assert_eq!(sample.kind, SampleKind::Histogram);
}

#[tokio::test]
async fn everything_through_the_built_in_base() {
    check_everything(rig::interpreter()).await;
}

#[tokio::test]
async fn everything_through_the_real_base() {
    let Some(interpreter) = rig::real_base() else { return };
    check_everything(Some(interpreter)).await;
}

#[tokio::test]
async fn what_threads_submit_between_runs_belongs_to_the_next() {
    let rig = Rig::new();
    rig.body(
        "threads",
        "def later():\n    self.gauge('later', 1)\nself.thread = threading.Thread(target=later)\nif not \
         hasattr(self, 'started'):\n    self.started = True\nelse:\n    self.thread.start(); self.thread.join()\n",
    );
    let mut check = rig.load("threads", json!({})).await.unwrap();
    assert!(run(&mut *check).await.0.values.is_empty());
    assert_eq!(rig::values(&run(&mut *check).await.0), [("later", 1.0)]);
}

#[tokio::test]
async fn a_flood_is_cut_with_a_warning() {
    let rig = Rig::new();
    rig.body("flood", "for i in range(200_123):\n    self.gauge('m', i, tags=['i:%d' % i])");
    let samples = rig.run_ok("flood", json!({})).await;
    assert_eq!(samples.values.len(), 200_000);
    let expected = "123 submissions dropped: a run may submit 200000 values and 20000 other things";
    assert_eq!(samples.warnings, [expected]);
    rig.body("long", "self.service_check('c', 0, message='x' * (3 << 20))\nself.gauge('m', 1)");
    let samples = rig.run_ok("long", json!({})).await;
    assert_eq!((samples.checks.len(), samples.values.len()), (0, 1));
    assert_eq!(samples.warnings, ["1 submissions dropped: longer than 2097152 characters"]);
}

#[tokio::test]
async fn odd_values_do_not_break_the_connection() {
    let rig = Rig::new();
    rig.body(
        "odd",
        r#"self.gauge('m\ud800\x00', 1, tags=['t:\udcff', 5])
self.gauge('big', 10**400) if False else None
self.submit_histogram_bucket('b', 2**70, float('-inf'), 1, False, None, [])
import aggregator
aggregator.submit_event(self, self.check_id, {'msg_text': b'\xff', 'timestamp': float('inf'), 'x': object()})
self.service_check('c', 99, message='\ud800')
self.warning('w \ud800')
self.gauge('text', 'no number')
"#,
    );
    let samples = rig.run_ok("odd", json!({})).await;
    assert_eq!(samples.values[0].metric, "m?\0");
    assert_eq!(samples.values[0].tags, ["t:?"], "what is no text is no tag");
    assert_eq!(samples.buckets[0].count, i64::MAX);
    assert_eq!(samples.buckets[0].lower, f64::NEG_INFINITY);
    assert_eq!(samples.warnings.len(), 2, "{:?}", samples.warnings);
}
