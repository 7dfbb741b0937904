//! Lines that checks send.

use std::sync::Arc;

use galgo_agent::check::{CheckLog, Instance, Source};
use serde_json::json;

use crate::harness::{Bench, settle};

#[tokio::test(start_paused = true)]
async fn a_source_of_type_integration_files_the_lines_of_its_check() {
    let mut bench = Bench::new();
    let rules = json!([{ "type": "mask_sequences", "name": "m", "pattern": "secret", "replace_placeholder": "*" }]);
    let source = json!({
        "type": "integration", "source": "orders", "service": "shop", "tags": ["a:1"], "log_processing_rules": rules
    });
    bench.apply(&[source]).await;
    let sender = bench.tail().sender();
    for check in ["app", "other"] {
        let instance = Instance::new(check, json!({ "service": "own" }), json!({}), Source::default()).unwrap();
        let json =
            json!({ "message": "a secret", "timestamp": 1_795_534_732_123_i64, "status": "Error", "ddtags": "x:1,y" });
        sender.send((Arc::new(instance), CheckLog { json })).await.unwrap();
    }
    settle(2.0).await;
    let lines = bench.lines();
    assert_eq!(lines[0].message, r#"{"message":"a *","timestamp":1795534732123,"status":"Error"}"#);
    assert_eq!((lines[0].status.as_str(), lines[0].time_ms), ("error", 1_795_534_732_123));
    assert_eq!((lines[0].service.as_str(), lines[0].source.as_str()), ("shop", "orders"));
    assert_eq!(lines[0].tags, ["a:1", "x:1", "y"]);
    // Without a source of its own a check's lines are filed under its name.
    assert_eq!((lines[1].service.as_str(), lines[1].source.as_str()), ("own", "other"));
    assert!(lines[1].message.contains("a secret"));
    assert_eq!(bench.tail().status().sources[0].lines_sent, 1);
    bench.shutdown().await;
}
