use expect_test::expect;
use galgo_core::{Rejection, SketchPoint};
use serde_json::json;

use super::*;

const CTX: Context = Context { now_s: 1_700_000_000, from_agent: true };

/// Writes down what arrives.
#[derive(Default)]
struct Sink(Vec<String>);

impl MetricSink for Sink {
    fn series(&mut self, series: &RawSeries<'_>, points: &[Point]) -> Result<(), Rejection> {
        self.0.push(format!("{series:?} {points:?}"));
        Ok(())
    }

    fn sketches(&mut self, series: &RawSeries<'_>, points: &[SketchPoint]) -> Result<(), Rejection> {
        self.0.push(format!("{series:?} {points:?}"));
        Ok(())
    }
}

fn decode_value(payload: &Value) -> (Intake, Vec<String>) {
    let mut sink = Sink::default();
    let intake = decode(payload.to_string().as_bytes(), &CTX, &mut sink).unwrap();
    (intake, sink.0)
}

#[test]
fn host_metadata_of_agent_7() {
    let (intake, metrics) = decode_value(&json!({
        "apiKey": "k", "agentVersion": "7.60.1", "uuid": "u", "internalHostname": "web-1", "os": "linux",
        "agent-flavor": "agent", "python": "3.12.6", "systemStats": {"cpuCores": 4, "machine": "amd64"},
        "meta": {"socket-hostname": "web-1.local", "timezones": ["UTC"], "socket-fqdn": "localhost", "ec2-hostname": "",
                 "hostname": "web-1", "host_aliases": ["i-0abc", "web"], "instance-id": "i-0abc"},
        "host-tags": {"system": ["env:prod", "team:a"], "google cloud platform": []},
        "network": null, "logs": {"transport": "HTTP"}, "install-method": {"tool": "apt"},
        "resources": {"processes": {"snaps": [[1, []]]}, "meta": {"host": "web-1"}},
        "gohai": "{\"cpu\":{\"cpu_cores\":\"4\"}}",
    }));
    assert!(metrics.is_empty());
    assert_eq!(intake.hostname, "web-1");
    assert_eq!(intake.processes, Some(json!({"snaps": [[1, []]]})));
    let host = intake.host.unwrap();
    assert_eq!(host.aliases, ["i-0abc", "web", "web-1.local"]);
    assert_eq!(
        (host.agent_version.as_str(), host.agent_flavor.as_str(), host.os.as_str()),
        ("7.60.1", "agent", "linux")
    );
    assert!(host.has_tags);
    assert_eq!(
        host.tags,
        [("system".into(), vec!["env:prod".into(), "team:a".into()]), ("google cloud platform".into(), vec![])]
    );
    assert_eq!(host.gohai, Some(json!({"cpu": {"cpu_cores": "4"}})));
    assert_eq!(host.system_stats, Some(json!({"cpuCores": 4, "machine": "amd64"})));
    assert_eq!(host.other.keys().collect::<Vec<_>>(), ["network", "logs", "install-method", "python"]);
}

#[test]
fn checks_and_tags_of_other_hosts() {
    let (intake, _) = decode_value(&json!({
        "agentVersion": "7.60.1", "internalHostname": "web-1", "meta": {"hostname": "web-1"},
        "agent_checks": [["disk", "disk", "disk:1", "OK", "", ""], ["http", "http", "http:2", "WARNING", ["slow", "old"], ""],
                         ["bad", "bad", "initialization", "ERROR", "cannot load"], [], 7],
        "external_host_tags": [["vm-1", {"vsphere": ["vsphere_host:x"]}], ["", {}], ["vm-2"], 3],
    }));
    let checks = intake.agent_checks.unwrap();
    assert_eq!(checks.len(), 3);
    assert_eq!((checks[1].status.as_str(), &checks[1].messages[..]), ("WARNING", &["slow".into(), "old".into()][..]));
    assert_eq!((checks[2].id.as_str(), &checks[2].messages[..]), ("initialization", &["cannot load".into()][..]));
    assert_eq!(intake.external_host_tags, [("vm-1".into(), vec![("vsphere".into(), vec!["vsphere_host:x".into()])])]);
    assert!(!intake.host.unwrap().has_tags);
}

#[test]
fn lists_of_our_own_agent() {
    let (intake, _) = decode_value(&json!({
        "internalHostname": "web-1", "galgo_checks": [{"check": "disk"}], "galgo_logs": null,
    }));
    assert_eq!(intake.agent_checks, None);
    assert_eq!(intake.galgo_checks, Some(vec![json!({"check": "disk"})]));
    // Collecting logs was switched off: there is none any more.
    assert_eq!(intake.galgo_logs, Some(vec![]));
}

#[test]
fn events_alone() {
    let (intake, _) = decode_value(&json!({"apiKey": "", "internalHostname": "web-1", "events": {
        "docker": [{"msg_title": "t", "msg_text": "x", "timestamp": 1656581400, "host": "web-1", "tags": ["a:b"],
                    "alert_type": "error", "priority": "odd"}, 5],
        "api": [{"msg_title": "u", "msg_text": ""}],
    }}));
    assert_eq!(intake.host, None);
    assert_eq!(intake.report.accepted_series, 2);
    expect![[r#"
        [("t", "x", 1656581400, "error", "normal", "docker"), ("u", "", 1700000000, "info", "normal", "")]
    "#]]
    .assert_eq(&format!(
        "{:?}\n",
        intake
            .events
            .iter()
            .map(|event| {
                let Event { title, text, time, alert_type, priority, source_type_name, .. } = event;
                (title, text, time, alert_type, priority, source_type_name)
            })
            .collect::<Vec<_>>()
    ));
}

#[test]
fn everything_of_agent_5() {
    let (intake, metrics) = decode_value(&json!({
        "internalHostname": "old-1", "agentVersion": "5.32.8", "os": "linux",
        "metrics": [
            ["system.load.1", 1656581400, 0.5, {"type": "gauge", "hostname": "old-1", "tags": ["env:x"]}],
            ["system.io.await", 1656581400.9, "2", {"device_name": "sda", "type": "rate", "interval": 15}],
            ["bare", 0, 1],
            ["broken", 1656581400, "x", {}],
            ["odd", 1656581400, 1, {"type": "histogram"}],
        ],
        "service_checks": [{"check": "ntp.in_sync", "status": 0, "timestamp": 1656581400, "tags": []}],
    }));
    expect![[r#"
        RawSeries { metric: "system.load.1", host: "old-1", tags: ["env:x"], pairs: [], kind: Gauge, interval: 0, unit: "" } [Point { time: 1656581400, value: 0.5 }]
        RawSeries { metric: "system.io.await", host: "old-1", tags: [], pairs: [("device", "sda")], kind: Rate, interval: 15, unit: "" } [Point { time: 1656581400, value: 2.0 }]
        RawSeries { metric: "bare", host: "old-1", tags: [], pairs: [], kind: Gauge, interval: 0, unit: "" } [Point { time: 1700000000, value: 1.0 }]
    "#]]
    .assert_eq(&(metrics.join("\n") + "\n"));
    assert_eq!(intake.check_runs[0].host, "old-1");
    let report = intake.report;
    assert_eq!(
        (report.accepted_series, report.accepted_points, report.dropped_series, report.dropped_points),
        (4, 3, 2, 1)
    );
}

#[test]
fn other_shapes_are_refused() {
    for body in ["[]", "1", "{", "{\"metrics\":[1]}", "{\"metrics\":[[\"a\"]]}"] {
        assert!(decode(body.as_bytes(), &CTX, &mut Sink::default()).is_err(), "{body}");
    }
    for body in
        ["", "{}", "{\"metrics\":{},\"events\":[],\"meta\":1,\"gohai\":\"{\",\"host-tags\":[],\"agent_checks\":1}"]
    {
        assert!(decode(body.as_bytes(), &CTX, &mut Sink::default()).is_ok(), "{body}");
    }
}
