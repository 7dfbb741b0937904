//! A large real-looking file, the environment, and the text of every error.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
    folder
}

fn load_with(text: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = folder(text);
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let place = format!("{}/", folder.path().display());
    Settings::load(folder.path(), environment)
        .map(|settings| {
            let warnings = settings.warnings.iter().map(|warning| warning.replace(&place, "")).collect();
            Settings { warnings, ..settings }
        })
        .map_err(|error| error.to_string().replace(&place, ""))
}

fn load(text: &str) -> Settings {
    load_with(&format!("api_key: {KEY}\n{text}"), &[]).unwrap()
}

fn errors(text: &str, expected: Expect) {
    expected.assert_eq(&load_with(text, &[]).unwrap_err());
}

fn warnings(text: &str, expected: Expect) {
    expected.assert_eq(&load_with(text, &[]).unwrap().warnings.join("\n"));
}

/// Settings with what matters of them, without keys.
fn digest(settings: &Settings) -> String {
    let dir = settings.dir.display().to_string();
    let shown = format!(
        "endpoints {:#?}\nhostname {:?}\ntags {:?} env {:?}\nlog {:?}\nconfd {:?} checksd {:?}\nproxy {:?}\n\
         forwarder {:#?}\nlogs {:#?}\nlocal {:?}\nmetadata {:?}\ndogstatsd {:#?}\nwarnings {:#?}",
        settings.endpoints,
        settings.hostname,
        settings.tags,
        settings.env,
        settings.log,
        settings.confd_paths,
        settings.checksd_paths,
        settings.proxy,
        settings.forwarder,
        settings.logs,
        settings.local,
        settings.metadata,
        settings.dogstatsd,
        settings.warnings,
    );
    shown.replace(&dir, "DIR")
}

#[test]
fn a_large_file_is_read() {
    let settings = load_with(include_str!("full.yaml"), &[]).unwrap();
    expect![[r#"
        endpoints [
            Endpoint {
                url: "https://galgo.example:8443",
                api_keys: [
                    "***bcdef",
                ],
            },
            Endpoint {
                url: "https://app.datadoghq.eu",
                api_keys: [
                    "***43210",
                    "***00001",
                ],
            },
        ]
        hostname HostNameRules { configured: Some("web-1.example"), file: None, fqdn: false }
        tags ["team:infra", "<TAG_KEY>:<TAG_VALUE>", "rack:12", "role:web", "region:france"] env "prod"
        log AgentLog { level: "warn", file: Some("/var/log/datadog/agent.log"), json: true, to_console: true }
        confd ["/etc/galgo/conf.d"] checksd ["DIR/checks"]
        proxy Proxy { http: Some("http://user:********@proxy.example:3128"), https: Some("http://proxy.example:3128"), no_proxy: ["169.254.169.254", "internal.example"], nonexact_match: true }
        forwarder Forwarder {
            timeout: 30s,
            max_concurrent_requests: 10,
            memory_queue_bytes: 20000000,
            backoff_factor: 2.0,
            backoff_base: 2s,
            backoff_max: 128s,
            key_check_interval: 3600s,
            connection_reset_interval: 0ns,
            disk_queue_bytes: 50000000,
            disk_queue_path: "/var/lib/run/transactions_to_retry",
            disk_queue_age: 864000s,
            max_disk_ratio: 0.8,
            compressor: "zlib",
            zstd_level: 1,
            max_payload_bytes: 2621440,
            max_uncompressed_bytes: 4194304,
            max_series_payload_bytes: 512000,
            max_series_uncompressed_bytes: 5242880,
            max_series_points: 10000,
            series_v2: true,
            payloads: Payloads {
                events: false,
                series: true,
                service_checks: true,
                sketches: true,
                metadata: true,
            },
        }
        logs Logs {
            enabled: true,
            endpoints: [
                LogEndpoint {
                    url: "https://galgo.example:8443",
                    api_key: "***bcdef",
                    reliable: true,
                },
            ],
            compression: "gzip",
            compression_level: 4,
            batch_wait: 2s,
            batch_max_lines: 1000,
            batch_max_bytes: 5000000,
            batch_max_concurrent_send: 0,
            max_message_bytes: 900000,
            container_collect_all: false,
            processing_rules: [
                Object {
                    "type": String("mask_sequences"),
                    "name": String("mask_cards"),
                    "replace_placeholder": String("[card]"),
                    "pattern": String("(?:\\d{4}[- ]?){3}\\d{4}"),
                },
            ],
            open_files_limit: 200,
            frame_size: 9000,
            close_timeout: 60s,
            file_scan_period: 1s,
            auditor_ttl: 82800s,
            auto_multi_line_detection: false,
            use_v2_api: true,
            http_timeout: 10s,
            backoff_factor: 2.0,
            backoff_base: 1s,
            backoff_max: 120s,
        }
        local Local { cmd_host: "localhost", cmd_port: 5011, gui_port: Some(5002), expvar_port: 5000, health_port: 5555, server_timeout: 15s }
        metadata Metadata { enabled: true, inventories: true, min_interval: 300s, max_interval: 1200s, with_configuration: true, with_check_configuration: true }
        dogstatsd DogStatsd {
            enabled: true,
            port: 8126,
            bind: 0.0.0.0,
            socket: Some(
                "/run/galgo/dsd.socket",
            ),
            stream_socket: None,
            receive_buffer_bytes: 0,
            tags: [
                "source:dogstatsd",
            ],
            buffer_size: 8192,
            queue_size: 1024,
            eol_required: [],
            expiry: 300s,
            context_expiry: 20s,
            no_aggregation: true,
            mapper: Some(
                Mapper {
                    mappings: 1,
                    max_cached: 1000,
                },
            ),
            forward: None,
            namespace: "shop.",
            namespace_exceptions: None,
            blocklist: [
                "shop.noise",
            ],
            blocklist_is_prefix: false,
            aggregates: [
                Max,
                Median,
                Avg,
                Count,
                Sum,
            ],
            percentiles: [
                95,
                99,
            ],
            copy_to_distribution: true,
            copy_to_distribution_prefix: "",
            metric_stats: false,
            origin_detection: false,
        }
        warnings []"#]].assert_eq(&digest(&settings));
}

#[test]
fn the_exercise_is_read() {
    let settings = load("# edited\ntags: env:test, host:ubuntu, name:xenial, region:france\n");
    assert_eq!(settings.tags, ["env:test", "host:ubuntu", "name:xenial", "region:france"]);
    assert_eq!(settings.setting("tags"), Some(&json!(["env:test", "host:ubuntu", "name:xenial", "region:france"])));
    assert_eq!(settings.dd_url, "https://app.datadoghq.com");
    assert!(!settings.logs.enabled && settings.warnings.is_empty());
    assert_eq!(settings.confd_paths, [settings.dir.join("conf.d")]);
    assert_eq!(settings.checksd_paths, [settings.dir.join("checks.d")]);
}

#[test]
fn the_folder_the_file_or_the_environment_will_do() {
    let folder = folder(&format!("api_key: {KEY}\n"));
    let file = folder.path().join(FILE_NAME);
    let from = |path: &Path| Settings::load(path, []).unwrap();
    assert_eq!((from(folder.path()).dir, from(&file).dir), (folder.path().to_owned(), folder.path().to_owned()));
    std::fs::remove_file(&file).unwrap();
    let missing = Settings::load(folder.path(), []).unwrap_err().to_string();
    assert_eq!(missing, format!("{} does not exist and DD_API_KEY is not set", file.display()));
    let key = [("DD_API_KEY".to_owned(), format!(" {KEY}\n"))];
    assert_eq!(Settings::load(folder.path(), key).unwrap().api_key, KEY);
    std::fs::create_dir(&file).unwrap();
    assert!(Settings::load(folder.path(), []).unwrap_err().to_string().starts_with("cannot read "));
}

#[test]
fn the_environment_wins() {
    let value = |name: &str, text: &str, key: &str| {
        let settings = load_with("tags: [a:1]\nproxy: {http: 'http://file'}\nextra: {some: 1}\n", &[(name, text)]);
        settings.unwrap().setting(key).cloned().unwrap_or_default()
    };
    for (name, text, key, expected) in [
        ("DD_SITE", "datadoghq.eu", "dd_url", json!("https://app.datadoghq.eu")),
        ("DD_URL", "galgo.example:8080/", "dd_url", json!("https://galgo.example:8080")),
        ("DD_DD_URL", "http://galgo.example", "dd_url", json!("http://galgo.example")),
        ("DD_TAGS", "x:1 y:2", "tags", json!(["x:1", "y:2"])),
        ("DD_TAGS", "x:1,y:2", "tags", json!(["x:1", "y:2"])),
        ("DD_TAGS", r#"["x:1", "y z:2"]"#, "tags", json!(["x:1", "y z:2"])),
        ("DD_TAGS", "  ", "tags", json!(["a:1"])),
        ("DD_EXTRA_TAGS", "b:2 a:1", "tags", json!(["a:1", "b:2"])),
        ("DD_ENV", "prod", "env", json!("prod")),
        ("DD_DOGSTATSD_PORT", "9125", "dogstatsd_port", json!(9125)),
        ("DD_LOGS_ENABLED", "yes", "logs_enabled", json!(true)),
        ("DD_LOGS_ENABLED", "1", "logs_enabled", json!(true)),
        ("DD_LOGS_CONFIG_LOGS_DD_URL", "h:1", "logs_config.logs_dd_url", json!("h:1")),
        (
            "DD_LOGS_CONFIG_PROCESSING_RULES",
            r#"[{"type":"exclude_at_match"}]"#,
            "logs_config.processing_rules",
            json!([{ "type": "exclude_at_match" }]),
        ),
        ("DD_HISTOGRAM_PERCENTILES", "0.5 0.9", "histogram_percentiles", json!(["0.5", "0.9"])),
        ("DD_HISTOGRAM_AGGREGATES", "max,min", "histogram_aggregates", json!(["max", "min"])),
        ("DD_APM_ENABLED", "false", "apm_config.enabled", json!(false)),
        ("DD_APM_TARGET_TPS", "5", "apm_config.target_traces_per_second", json!(5.0)),
        ("DD_APM_CONFIG_ENV", "x", "apm_config.env", json!("x")),
        ("DD_APM_DD_URL", "https://t", "apm_config.apm_dd_url", json!("https://t")),
        ("DD_APM_FILTER_TAGS_REQUIRE", "a:1 b:2", "apm_config.filter_tags.require", json!(["a:1", "b:2"])),
        (
            "DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_HTTP_ENDPOINT",
            "0.0.0.0:4318",
            "otlp_config.receiver.protocols.http.endpoint",
            json!("0.0.0.0:4318"),
        ),
        ("DD_PROCESS_AGENT_URL", "https://p", "process_config.process_dd_url", json!("https://p")),
        ("DD_PROCESS_AGENT_MAX_PER_MESSAGE", "7", "process_config.max_per_message", json!(7)),
        ("DD_PROXY_HTTP", "http://env", "proxy.http", json!("http://env")),
        ("HTTP_PROXY", "http://env", "proxy.http", json!("http://env")),
        ("https_proxy", "http://env", "proxy.https", json!("http://env")),
        ("NO_PROXY", "a.example,10.0.0.1", "proxy.no_proxy", json!(["a.example", "10.0.0.1"])),
        ("DD_PROXY_NO_PROXY", "a.example b.example", "proxy.no_proxy", json!(["a.example", "b.example"])),
        ("GALGO_PYTHON", "/usr/bin/python3", "python_interpreter", json!("/usr/bin/python3")),
        ("DD_GUI_PORT", "5002", "GUI_port", json!(5002)),
        ("DD_SERVER_TIMEOUT", "1m", "server_timeout", json!(60)),
        ("DD_EXTRA_SOME", "2", "extra.some", json!(2)),
        ("DD_INVENTORIES_MAX_INTERVAL", "900", "inventories_max_interval", json!(900)),
    ] {
        assert_eq!(value(name, text, key), expected, "{name}={text}");
    }
}

#[test]
fn variables_with_names_of_their_own_come_second() {
    let settings = load_with("", &[("DD_URL", "http://second"), ("DD_DD_URL", "http://first")]).unwrap();
    assert_eq!(settings.dd_url, "http://first");
    let settings = load_with("", &[("HTTPS_PROXY", "http://second"), ("DD_PROXY_HTTPS", "http://first")]).unwrap();
    assert_eq!(settings.proxy.https.as_deref(), Some("http://first"));
}

#[test]
fn servers_and_keys_come_in_many_forms() {
    let other = "fedcba9876543210fedcba9876543210";
    let servers = |text: &str| {
        let settings = load_with(text, &[]).unwrap();
        let line = |endpoint: &Endpoint| format!("{} {}", endpoint.url, endpoint.api_keys.join("+"));
        let lines: Vec<String> = settings.endpoints.iter().map(line).collect();
        lines.join("\n").replace(KEY, "A").replace(other, "B")
    };
    for (text, expected) in [
        (format!("api_key: ' {KEY} '\nsite: us5.datadoghq.com"), "https://app.us5.datadoghq.com A"),
        (format!("api_key: \"{KEY}, {other}\"\ndd_url: galgo.example"), "https://galgo.example A+B"),
        (format!("api_key: {KEY},{other}\ndd_url: http://a, http://b/"), "http://a A\nhttp://b B"),
        (format!("api_key: {KEY}\ndd_url: http://a,http://b"), "http://a A\nhttp://b A"),
        (
            format!("api_key: {KEY}\nadditional_endpoints:\n  https://app.datadoghq.eu/:\n  - {other}\n"),
            "https://app.datadoghq.com A\nhttps://app.datadoghq.eu B",
        ),
        (
            format!("api_key: {KEY}\nadditional_endpoints: {{\"https://app.datadoghq.com\": \"{KEY}, {other}\"}}\n"),
            "https://app.datadoghq.com A+B",
        ),
        (
            "api_key: 12345678901234567890123456789012".into(),
            "https://app.datadoghq.com 12345678901234567890123456789012",
        ),
        (
            "api_key: 0123456789012345678901234567890e".into(),
            "https://app.datadoghq.com 0123456789012345678901234567890e",
        ),
    ] {
        assert_eq!(servers(&text), expected, "{text}");
    }
}

#[test]
fn logs_go_to_the_server_that_takes_the_rest() {
    let urls = |text: &str| {
        let endpoints = load(text).logs.endpoints;
        let line = |e: &crate::config::LogEndpoint| format!("{} {} {}", e.url, e.reliable, e.api_key.replace(KEY, "A"));
        endpoints.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    for (text, expected) in [
        ("", "https://agent-http-intake.logs.datadoghq.com true A"),
        ("site: datadoghq.eu", "https://agent-http-intake.logs.datadoghq.eu true A"),
        ("dd_url: https://app.datadoghq.eu\nsite: datadoghq.eu", "https://agent-http-intake.logs.datadoghq.eu true A"),
        ("dd_url: http://galgo.example:8080/sub", "http://galgo.example:8080 true A"),
        (
            "dd_url: https://g\nlogs_config: {logs_dd_url: 'h.example:443', api_key: own}",
            "https://h.example:443 true own",
        ),
        ("logs_config: {logs_dd_url: 'h.example:80', logs_no_ssl: true}", "http://h.example:80 true A"),
        ("logs_config: {logs_dd_url: 'https://h.example/api/v2/logs'}", "https://h.example true A"),
        (
            "logs_config:\n  logs_dd_url: a:1\n  additional_endpoints:\n  - api_key: B\n    Host: b.example\n    Port: 443\n    is_reliable: false\n",
            "https://a:1 true A\nhttps://b.example:443 false B",
        ),
        (
            "logs_config:\n  logs_dd_url: a:1\n  additional_endpoints: [{host: 'http://c.example:81'}]\n",
            "https://a:1 true A\nhttp://c.example:81 true A",
        ),
    ] {
        assert_eq!(urls(text), expected, "{text}");
    }
}

#[test]
fn errors_name_place_value_and_what_was_expected() {
    errors(
        "# first\nlog_level: loud\ndogstatsd_port: \"abc\"\nlogs_enabled: maybe\ntags: {a: [1]}\nforwarder_timeout: soon\n\
         bind_host: [1]\nproxy:\n  http: 'http://me:secret@'\napi_key: [x]\nadditional_endpoints: no\nserializer_compressor_kind: lz4\n\
         logs_config:\n  processing_rules: x\n  compression_kind: lz4\n  logs_dd_url: 'a b'\n  additional_endpoints: [{api_key: x}]\n\
         dd_url: ftp://x\nforwarder_storage_max_disk_ratio: 2\nhistogram_copy_to_distribution: 7\n",
        expect![[r#"
            datadog.yaml:2: log_level must be trace, debug, info, warn, error, critical or off, not "loud"
            datadog.yaml:3: dogstatsd_port must be a number from 0 to 65535, not "abc"
            datadog.yaml:4: logs_enabled must be true or false, not "maybe"
            datadog.yaml:5: tags must be a list of texts, not a map
            datadog.yaml:6: forwarder_timeout must be a number of seconds (or a duration such as 30s or 5m), not "soon"
            datadog.yaml:7: bind_host must be a text, not a list
            datadog.yaml:9: proxy.http must be an address such as http://user:password@proxy.example:3128
            datadog.yaml:10: api_key must be a text
            datadog.yaml:11: additional_endpoints must be a map of addresses, each with a list of keys
            datadog.yaml:12: serializer_compressor_kind must be zstd, zlib, gzip or none, not "lz4"
            datadog.yaml:14: logs_config.processing_rules must be a list of maps, not "x"
            datadog.yaml:15: logs_config.compression_kind must be zstd, gzip or none, not "lz4"
            datadog.yaml:16: logs_config.logs_dd_url must be host:port or an address, not "a b"
            datadog.yaml:17: logs_config.additional_endpoints needs Host (and Port) in entry 1
            datadog.yaml:18: dd_url must be an address such as https://galgo.example, not "ftp://x"
            datadog.yaml:19: forwarder_storage_max_disk_ratio must be a number from 0 to 1, not 2
            datadog.yaml:20: histogram_copy_to_distribution must be true or false, not 7"#]],
    );
    errors(
        "a: 1\nb: [\n",
        expect!["datadog.yaml:2: not valid YAML: a value was expected here (is a [ or { before it not closed?)"],
    );
    errors("just text\n", expect![[r#"datadog.yaml:1: must be a map of keys and values, not "just text""#]]);
    errors("- a\n- b\n", expect!["datadog.yaml:1: must be a map of keys and values, not a list"]);
    let variables = [
        ("DD_DOGSTATSD_PORT", "abc"),
        ("DD_ADDITIONAL_ENDPOINTS", "{not json: [[[secret"),
        ("DD_LOGS_CONFIG_PROCESSING_RULES", "plain"),
        ("DD_USE_DOGSTATSD", "perhaps"),
    ];
    expect![[r#"
        DD_ADDITIONAL_ENDPOINTS must be a map in JSON
        DD_LOGS_CONFIG_PROCESSING_RULES must be a list of maps in JSON
        DD_USE_DOGSTATSD must be true or false, not "perhaps"
        DD_DOGSTATSD_PORT must be a number from 0 to 65535, not "abc""#]]
    .assert_eq(&load_with("", &variables).unwrap_err());
    let folder = folder("");
    std::fs::write(folder.path().join(FILE_NAME), b"a: 1\nb: \xff\n").unwrap();
    let error = Settings::load(folder.path(), []).unwrap_err().to_string();
    assert!(error.ends_with(": line 2 is not valid UTF-8"), "{error}");
}

#[test]
fn oddities_are_warned_of() {
    warnings(
        "api_key: short\nhost_name: x\ndogstatd_port: 1\nlogs_config: {batch_wiat: 5}\ninstances: [{}]\nlogs: []\n\
         histogram_percentiles: [0.5, 2]\nhistogram_aggregates: [max, mode]\napm_config: {analyzed_spans: {}}\ntags: [a]\ntags: [b]\n\
         my_own_key: 1\nlogs_config.use_tcp: true\nadditional_endpoints: {'https://x': []}\n",
        expect![[r#"
            datadog.yaml:11: tags stands twice, this value counts
            datadog.yaml:2: host_name is not known, did you mean hostname?
            datadog.yaml:3: dogstatd_port is not known, did you mean dogstatsd_port?
            datadog.yaml:4: logs_config.batch_wiat is not known, did you mean logs_config.batch_wait?
            datadog.yaml:5: instances belongs in a file of conf.d, here it does nothing
            datadog.yaml:6: logs belongs in a file of conf.d, here it does nothing
            datadog.yaml:1: api_key should be 32 hexadecimal digits, it has 5 characters (***)
            datadog.yaml:14: additional_endpoints has no key for https://x, which is left out
            datadog.yaml:8: histogram_aggregates takes max, min, median, avg, sum and count; "mode" is left out
            datadog.yaml:7: histogram_percentiles takes numbers above 0 and below 1; "2" is left out
            datadog.yaml:13: logs_config.use_tcp is not supported: logs are sent by HTTP"#]],
    );
    warnings("site: datadoghq.eu\n", expect!["api_key is not set: no server will accept what this agent sends"]);
    warnings(
        &format!("api_key: {}\n", "x".repeat(32)),
        expect!["datadog.yaml:1: api_key should be 32 hexadecimal digits, it has other characters (***xxxxx)"],
    );
}

#[test]
fn spellings_make_no_difference() {
    let settings = load(
        "gui_port: 5002\nLogs_Config: {Batch_Wait: 2.5}\nlog_enabled: on\nuse_dogstatsd: 'no'\nlogs_config.frame_size: 100\n",
    );
    assert_eq!(settings.local.gui_port, Some(5002));
    assert_eq!(settings.logs.batch_wait, std::time::Duration::from_millis(2500));
    assert_eq!((settings.logs.enabled, settings.logs.frame_size), (true, 100));
    assert!(settings.dogstatsd.server("h").is_none());
}

#[test]
fn dogstatsd_listens_where_it_is_told() {
    let server = |text: &str| {
        let server = load(text).dogstatsd.server("web-1").unwrap();
        let shown = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        (server.udp.map(|udp| udp.to_string()), shown(&server.unix_datagram), shown(&server.unix_stream))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(server("dogstatsd_socket: ''").0, some("127.0.0.1:8125"));
    assert_eq!(server("dogstatsd_non_local_traffic: true\ndogstatsd_port: 9000").0, some("0.0.0.0:9000"));
    assert_eq!(server("bind_host: '::1'").0, some("[::1]:8125"));
    assert_eq!(
        server("dogstatsd_port: 0\ndogstatsd_socket: unix:///run/d.sock\ndogstatsd_stream_socket: /run/s.sock"),
        (None, some("/run/d.sock"), some("/run/s.sock"))
    );
    let aggregator = load("statsd_metric_namespace: app\ndogstatsd_tags: [a:1]\n").dogstatsd.aggregator("web-1");
    assert_eq!((aggregator.namespace.as_str(), aggregator.host.as_str()), ("app.", "web-1"));
    assert_eq!(aggregator.namespace_exceptions.len(), 6);
}

#[test]
fn nothing_prints_a_key() {
    let settings = load("proxy: {https: 'http://me:hunter2@p:1'}\nlogs_config: {api_key: hunter2hunter2}\n");
    let printed = format!("{settings:?} {:?} {:?} {:?}", settings.logs, settings.proxy, settings.secrets);
    assert!(!printed.contains(KEY) && !printed.contains("hunter2@") && !printed.contains("hunter2h"), "{printed}");
}
