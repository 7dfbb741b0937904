//! What is told of a few checks.

use std::collections::BTreeMap;

use expect_test::expect;

use super::*;
use crate::check::{RunRecord, Source};

fn facts() -> AgentFacts {
    AgentFacts {
        host: "web-1".into(),
        host_source: HostNameSource::Configuration,
        uuid: "u-1".into(),
        now_ms: 1_700_000_000_123,
        started_ms: 1_700_000_000_000,
    }
}

fn settings() -> Settings {
    let variables = [
        ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("DD_URL", "https://galgo.example"),
        ("DD_PROXY_HTTPS", "http://me:hunter2@proxy.example:3128"),
        ("DD_LOGS_ENABLED", "true"),
    ];
    let folder = tempfile::tempdir().unwrap();
    Settings::load(folder.path(), variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap()
}

fn instance(check: &str, options: Value, path: &str) -> Instance {
    Instance::new(check, options, Value::Null, Source { path: path.into(), index: 0 }).unwrap()
}

fn state(instance: &Instance, outcome: Option<Outcome>) -> CheckState {
    let last = outcome.map(|outcome| RunRecord {
        at: 1,
        duration_ms: 2,
        metric_samples: 3,
        service_checks: 0,
        events: 0,
        logs: 0,
        outcome,
    });
    CheckState {
        check: instance.check.clone(),
        id: instance.id.clone(),
        source: String::new(),
        loader: "core",
        version: String::new(),
        interval_s: 15.0,
        runs: 0,
        failed_runs: 0,
        metric_samples: 0,
        service_checks: 0,
        events: 0,
        total_ms: 0,
        last,
        last_ok: None,
        error: String::new(),
        traceback: String::new(),
        warnings: Vec::new(),
        metadata: BTreeMap::new(),
    }
}

#[test]
fn states_become_rows_that_the_server_reads() {
    let [fine, odd, failing, python, broken, new] =
        ["cpu", "disk", "mysql", "my_check", "nosuch", "ntp"].map(|check| instance(check, Value::Null, ""));
    let states = [
        state(&fine, Some(Outcome::Ok)),
        CheckState { warnings: vec!["slow".into(), "old".into()], ..state(&odd, Some(Outcome::Warning)) },
        CheckState { error: "no access with password=hunter2".into(), ..state(&failing, Some(Outcome::Error)) },
        CheckState { error: "boom".into(), traceback: "Traceback".into(), ..state(&python, Some(Outcome::Error)) },
        CheckState { error: "no check of that name".into(), ..state(&broken, None) },
        state(&new, None),
    ];
    let payload = check_states(&facts(), &states);
    let text = serde_json::to_string(&payload).unwrap();
    assert!(!text.contains("hunter2"));
    #[derive(Default)]
    struct Nothing;
    impl galgo_core::MetricSink for Nothing {
        fn series(
            &mut self,
            _: &galgo_core::RawSeries<'_>,
            _: &[galgo_core::Point],
        ) -> Result<(), galgo_core::Rejection> {
            Ok(())
        }
        fn sketches(
            &mut self,
            _: &galgo_core::RawSeries<'_>,
            _: &[galgo_core::SketchPoint],
        ) -> Result<(), galgo_core::Rejection> {
            Ok(())
        }
    }
    let context = galgo_intake::report::Context::new(0, None);
    let read = galgo_intake::host_metadata::decode(text.as_bytes(), &context, &mut Nothing).unwrap();
    assert_eq!((read.hostname.as_str(), read.host), ("web-1", None));
    let rows: Vec<String> = payload["agent_checks"].as_array().unwrap().iter().map(Value::to_string).collect();
    expect![[r#"
        ["cpu","cpu","cpu:04a9569930cf88ef","OK","",""]
        ["disk","disk","disk:04a9569930cf88ef","WARNING",["slow","old"],""]
        ["mysql","mysql","mysql:04a9569930cf88ef","ERROR","no access with password=********",""]
        ["my_check","my_check","my_check:04a9569930cf88ef","ERROR","[{\"message\":\"boom\",\"traceback\":\"Traceback\"}]",""]
        ["nosuch","nosuch","initialization","ERROR","no check of that name"]"#]].assert_eq(&rows.join("\n"));
}

#[test]
fn the_inventory_of_checks_has_no_secrets() {
    let mysql =
        instance("mysql", json!({ "server": "db", "pass": "hunter2", "port": 3306 }), "/etc/a/conf.d/mysql.yaml");
    let cpu = instance("cpu", Value::Null, "");
    let states = [CheckState {
        version: "1.2".into(),
        metadata: BTreeMap::from([("version.raw".into(), "10.11".into())]),
        ..state(&mysql, Some(Outcome::Ok))
    }];
    let payload = of_checks(&facts(), &settings(), &[mysql, cpu], &states);
    expect![[r#"
        {
          "hostname": "web-1",
          "uuid": "u-1",
          "timestamp": 1700000000123000000,
          "check_metadata": {
            "mysql": [
              {
                "config.hash": "mysql:d3e4c2e1d2ac8329",
                "config.provider": "file",
                "config.source": "file:/etc/a/conf.d/mysql.yaml[0]",
                "init_config": "",
                "instance_config": "server: db\npass: '********'\nport: 3306\n",
                "check.version": "1.2",
                "version.raw": "10.11"
              }
            ],
            "cpu": [
              {
                "config.hash": "cpu:04a9569930cf88ef",
                "config.provider": "built in",
                "config.source": "",
                "init_config": "",
                "instance_config": ""
              }
            ]
          }
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&payload).unwrap());
}

#[test]
fn the_inventory_of_the_agent_has_no_secrets() {
    let mut payload = of_agent(&facts(), &settings());
    let configuration = payload["agent_metadata"]["full_configuration"].take();
    let configuration = configuration.as_str().unwrap();
    assert!(configuration.contains("api_key: '***************************bcdef'"), "{configuration}");
    assert!(!configuration.contains("hunter2"), "{configuration}");
    payload["agent_metadata"]["agent_version"] = json!("VERSION");
    expect![[r#"
        {
          "hostname": "web-1",
          "uuid": "u-1",
          "timestamp": 1700000000123000000,
          "agent_metadata": {
            "agent_version": "VERSION",
            "agent_startup_time_ms": 1700000000000,
            "flavor": "galgo",
            "hostname_source": "configuration",
            "install_method_tool": "",
            "install_method_tool_version": "",
            "install_method_installer_version": "",
            "logs_transport": "HTTP",
            "config_dd_url": "https://galgo.example",
            "config_site": "datadoghq.com",
            "config_logs_dd_url": "https://galgo.example",
            "config_proxy_http": "",
            "config_proxy_https": "http://me:********@proxy.example:3128",
            "config_no_proxy": [],
            "feature_logs_enabled": true,
            "feature_dogstatsd_enabled": true,
            "feature_process_enabled": false,
            "feature_apm_enabled": false,
            "feature_cws_enabled": false,
            "feature_networks_enabled": false,
            "feature_otlp_enabled": false,
            "feature_remote_configuration_enabled": false,
            "full_configuration": null
          }
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&payload).unwrap());
}

#[test]
fn tags_of_other_hosts_are_rows() {
    let tags = ExternalTags::from([("db-1".into(), BTreeMap::from([("vsphere".into(), vec!["a:1".into()])]))]);
    assert_eq!(external_host_tags(&tags), json!([["db-1", { "vsphere": ["a:1"] }]]));
}
