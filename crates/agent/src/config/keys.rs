//! Every key that is known, with the form of its value, its default and its environment variables (reference:
//! agent-config.md). A new key is one line of this table and the place that reads it.

/// What a key's value must look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// A boolean.
    Bool,
    /// A whole number within bounds.
    Int(i64, i64),
    /// A number within bounds.
    Float(f64, f64),
    /// A duration in seconds, or with a unit as in `100ms`, `5s`, `10m`, `1h`.
    Seconds,
    /// Text.
    Text,
    /// Text that must not be shown.
    Secret,
    /// A list of texts.
    List,
    /// A list of maps.
    Maps,
    /// A map.
    Map,
}

/// A key of `datadog.yaml`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// Dotted name.
    pub name: &'static str,
    /// Form of the value.
    pub shape: Shape,
    /// Default as JSON, empty for none.
    pub default: &'static str,
    /// Environment variables beside the one that the name gives; the name's own comes first.
    pub variables: &'static [&'static str],
}

impl Key {
    /// The environment variable that the name gives: `logs_config.batch_wait` is `DD_LOGS_CONFIG_BATCH_WAIT`.
    pub fn variable(&self) -> String {
        variable_of(self.name)
    }
}

/// `DD_` and the name in upper case, dots as underscores.
pub fn variable_of(name: &str) -> String {
    format!("DD_{}", name.replace('.', "_").to_uppercase())
}

/// The key of this name.
pub fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

use Shape::{Bool, Float, Int, List, Map, Maps, Seconds, Secret, Text};

const PORT: Shape = Int(0, 65535);
const SIZE: Shape = Int(0, i64::MAX);
const COUNT: Shape = Int(0, 1_000_000_000);

const fn row(name: &'static str, shape: Shape, default: &'static str) -> Key {
    Key { name, shape, default, variables: &[] }
}

const fn also(name: &'static str, shape: Shape, default: &'static str, variables: &'static [&'static str]) -> Key {
    Key { name, shape, default, variables }
}

/// All keys, in the order of the reference.
pub const KEYS: &[Key] = &[
    // Core
    row("api_key", Secret, ""),
    row("app_key", Secret, ""),
    row("site", Text, ""),
    also("dd_url", Text, "", &["DD_URL"]),
    row("additional_endpoints", Map, "{}"),
    row("hostname", Text, ""),
    row("hostname_file", Text, ""),
    row("hostname_fqdn", Bool, "false"),
    row("hostname_force_config_as_canonical", Bool, "false"),
    row("host_aliases", List, "[]"),
    row("tags", List, "[]"),
    row("extra_tags", List, "[]"),
    row("env", Text, ""),
    row("tag_value_split_separator", Map, "{}"),
    row("log_level", Text, "\"info\""),
    row("log_file", Text, ""),
    row("log_file_max_size", Text, ""),
    row("log_file_max_rolls", COUNT, "1"),
    row("log_format_json", Bool, "false"),
    row("log_to_console", Bool, "true"),
    row("log_to_syslog", Bool, "false"),
    row("syslog_uri", Text, ""),
    row("disable_file_logging", Bool, "false"),
    row("confd_path", List, ""),
    row("additional_checksd", List, ""),
    row("run_path", Text, ""),
    row("check_runners", COUNT, "4"),
    row("cmd_host", Text, "\"localhost\""),
    row("cmd_port", PORT, "5001"),
    row("expvar_port", PORT, "5000"),
    row("GUI_port", Int(-1, 65535), "-1"),
    row("health_port", PORT, "0"),
    row("server_timeout", Seconds, "30"),
    row("python_version", Text, "\"3\""),
    also("python_interpreter", Text, "", &["GALGO_PYTHON"]),
    row("python_check_timeout", Seconds, ""),
    row("python_memory_limit_mib", COUNT, ""),
    row("disable_unsafe_yaml", Bool, "true"),
    row("procfs_path", Text, ""),
    row("container_proc_root", Text, ""),
    row("container_cgroup_root", Text, ""),
    row("cluster_name", Text, ""),
    row("cloud_provider_metadata", List, "[\"aws\",\"gcp\",\"azure\",\"alibaba\",\"oracle\",\"ibm\"]"),
    row("enable_gohai", Bool, "true"),
    row("enable_metadata_collection", Bool, "true"),
    row("inventories_enabled", Bool, "true"),
    row("inventories_min_interval", Seconds, "300"),
    row("inventories_max_interval", Seconds, "600"),
    row("inventories_configuration_enabled", Bool, "true"),
    row("inventories_checks_configuration_enabled", Bool, "true"),
    row("metadata_providers", Maps, "[]"),
    row("integration_check_status_enabled", Bool, "false"),
    row("autoconf_template_dir", Text, "\"/datadog/check_configs\""),
    row("autoconf_config_files_poll", Bool, "false"),
    row("autoconf_config_files_poll_interval", Seconds, "60"),
    row("ad_config_poll_interval", Seconds, "10"),
    row("container_include", List, "[]"),
    row("container_exclude", List, "[]"),
    row("container_include_metrics", List, "[]"),
    row("container_exclude_metrics", List, "[]"),
    row("container_include_logs", List, "[]"),
    row("container_exclude_logs", List, "[]"),
    row("ignore_autoconf", List, "[]"),
    row("prometheus_scrape.enabled", Bool, "false"),
    row("prometheus_scrape.service_endpoints", Bool, "false"),
    row("prometheus_scrape.checks", Maps, "[]"),
    row("prometheus_scrape.version", Int(1, 2), "1"),
    row("remote_configuration.enabled", Bool, "false"),
    row("agent_telemetry.enabled", Bool, "false"),
    row("telemetry.enabled", Bool, "false"),
    row("secret_backend_command", Text, ""),
    row("secret_backend_arguments", List, "[]"),
    row("secret_backend_timeout", Seconds, "30"),
    row("secret_backend_output_max_size", SIZE, "1048576"),
    row("secret_backend_type", Text, ""),
    row("secret_backend_config", Map, "{}"),
    // Proxy and TLS
    also("proxy.http", Text, "", &["HTTP_PROXY", "http_proxy"]),
    also("proxy.https", Text, "", &["HTTPS_PROXY", "https_proxy"]),
    also("proxy.no_proxy", List, "", &["NO_PROXY", "no_proxy"]),
    row("no_proxy_nonexact_match", Bool, "false"),
    row("use_proxy_for_cloud_metadata", Bool, "false"),
    row("skip_ssl_validation", Bool, "false"),
    row("force_tls_12", Bool, "false"),
    row("min_tls_version", Text, "\"tlsv1.2\""),
    row("forwarder_http_protocol", Text, "\"auto\""),
    // Forwarder and serializer
    row("forwarder_timeout", Seconds, "20"),
    row("forwarder_num_workers", COUNT, "1"),
    row("forwarder_max_concurrent_requests", COUNT, "10"),
    row("forwarder_retry_queue_payloads_max_size", SIZE, "15728640"),
    row("forwarder_retry_queue_max_size", COUNT, ""),
    row("forwarder_backoff_factor", Float(1.0, 100.0), "2"),
    row("forwarder_backoff_base", Seconds, "2"),
    row("forwarder_backoff_max", Seconds, "64"),
    row("forwarder_apikey_validation_interval", COUNT, "60"),
    row("forwarder_connection_reset_interval", Seconds, "0"),
    row("forwarder_stop_timeout", Seconds, "2"),
    // Datadog's agent keeps nothing on disk unless told to; a server of one's own is away more often than theirs.
    row("forwarder_storage_max_size_in_bytes", SIZE, "536870912"),
    row("forwarder_storage_path", Text, ""),
    row("forwarder_outdated_file_in_days", COUNT, "10"),
    row("forwarder_storage_max_disk_ratio", Float(0.0, 1.0), "0.8"),
    row("serializer_compressor_kind", Text, "\"zstd\""),
    row("serializer_zstd_compressor_level", Int(1, 22), "1"),
    row("serializer_max_payload_size", SIZE, "2621440"),
    row("serializer_max_uncompressed_payload_size", SIZE, "4194304"),
    row("serializer_max_series_payload_size", SIZE, "512000"),
    row("serializer_max_series_uncompressed_payload_size", SIZE, "5242880"),
    row("serializer_max_series_points_per_payload", COUNT, "10000"),
    row("use_v2_api.series", Bool, "true"),
    row("enable_payloads.events", Bool, "true"),
    row("enable_payloads.series", Bool, "true"),
    row("enable_payloads.service_checks", Bool, "true"),
    row("enable_payloads.sketches", Bool, "true"),
    row("enable_payloads.json_to_v1_intake", Bool, "true"),
    row("allow_arbitrary_tags", Bool, "false"),
    // DogStatsD
    row("use_dogstatsd", Bool, "true"),
    row("dogstatsd_port", PORT, "8125"),
    row("bind_host", Text, "\"localhost\""),
    row("dogstatsd_non_local_traffic", Bool, "false"),
    row("dogstatsd_socket", Text, ""),
    row("dogstatsd_stream_socket", Text, ""),
    row("dogstatsd_so_rcvbuf", SIZE, "0"),
    row("dogstatsd_origin_detection", Bool, "false"),
    row("dogstatsd_origin_detection_client", Bool, "false"),
    row("dogstatsd_origin_optout_enabled", Bool, "true"),
    row("dogstatsd_tag_cardinality", Text, "\"low\""),
    row("checks_tag_cardinality", Text, "\"low\""),
    row("dogstatsd_tags", List, "[]"),
    row("dogstatsd_buffer_size", SIZE, "8192"),
    row("dogstatsd_packet_buffer_size", COUNT, "32"),
    row("dogstatsd_packet_buffer_flush_timeout", Seconds, "0.1"),
    row("dogstatsd_queue_size", COUNT, "1024"),
    row("dogstatsd_expiry_seconds", Seconds, "300"),
    row("dogstatsd_context_expiry_seconds", Seconds, "20"),
    row("dogstatsd_no_aggregation_pipeline", Bool, "true"),
    row("dogstatsd_no_aggregation_pipeline_batch_size", COUNT, "2048"),
    row("dogstatsd_eol_required", List, "[]"),
    row("dogstatsd_mapper_profiles", Maps, "[]"),
    row("dogstatsd_mapper_cache_size", COUNT, "1000"),
    row("statsd_forward_host", Text, ""),
    row("statsd_forward_port", PORT, "0"),
    row("statsd_metric_namespace", Text, ""),
    row("statsd_metric_namespace_blacklist", List, ""),
    row("statsd_metric_blocklist", List, "[]"),
    row("statsd_metric_blocklist_match_prefix", Bool, "false"),
    row("histogram_aggregates", List, "[\"max\",\"median\",\"avg\",\"count\"]"),
    row("histogram_percentiles", List, "[\"0.95\"]"),
    row("histogram_copy_to_distribution", Bool, "false"),
    row("histogram_copy_to_distribution_prefix", Text, ""),
    row("dogstatsd_stats_enable", Bool, "false"),
    row("dogstatsd_stats_port", PORT, "5000"),
    row("dogstatsd_metrics_stats_enable", Bool, "false"),
    // Logs
    also("logs_enabled", Bool, "false", &["DD_LOG_ENABLED"]),
    row("log_enabled", Bool, ""),
    row("logs_config.logs_dd_url", Text, ""),
    row("logs_config.dd_url", Text, ""),
    row("logs_config.api_key", Secret, ""),
    row("logs_config.logs_no_ssl", Bool, "false"),
    row("logs_config.force_use_http", Bool, "false"),
    row("logs_config.use_http", Bool, ""),
    row("logs_config.force_use_tcp", Bool, "false"),
    row("logs_config.use_tcp", Bool, ""),
    row("logs_config.use_compression", Bool, "true"),
    row("logs_config.compression_kind", Text, "\"zstd\""),
    row("logs_config.compression_level", Int(0, 22), "6"),
    row("logs_config.zstd_compression_level", Int(1, 22), "1"),
    row("logs_config.batch_wait", Seconds, "5"),
    row("logs_config.batch_max_size", COUNT, "1000"),
    row("logs_config.batch_max_content_size", SIZE, "5000000"),
    row("logs_config.batch_max_concurrent_send", COUNT, "0"),
    row("logs_config.max_message_size_bytes", SIZE, "900000"),
    row("logs_config.container_collect_all", Bool, "false"),
    row("logs_config.processing_rules", Maps, "[]"),
    row("logs_config.open_files_limit", COUNT, "500"),
    row("logs_config.frame_size", Int(1, 65535), "9000"),
    row("logs_config.close_timeout", Seconds, "60"),
    row("logs_config.file_scan_period", Seconds, "1"),
    row("logs_config.auditor_ttl", COUNT, "23"),
    row("logs_config.auto_multi_line_detection", Bool, "false"),
    row("logs_config.use_v2_api", Bool, "true"),
    row("logs_config.dd_port", PORT, "10516"),
    row("logs_config.use_port_443", Bool, "false"),
    row("logs_config.dev_mode_use_proto", Bool, "true"),
    row("logs_config.http_protocol", Text, "\"auto\""),
    row("logs_config.http_timeout", Seconds, "10"),
    row("logs_config.sender_backoff_factor", Float(1.0, 100.0), "2"),
    row("logs_config.sender_backoff_base", Seconds, "1"),
    row("logs_config.sender_backoff_max", Seconds, "120"),
    row("logs_config.additional_endpoints", Maps, "[]"),
    row("logs_config.run_path", Text, ""),
    // APM: named otherwise in the environment
    also("apm_config.enabled", Bool, "true", &["DD_APM_ENABLED"]),
    also("apm_config.env", Text, "", &["DD_APM_ENV"]),
    also("apm_config.receiver_port", PORT, "8126", &["DD_APM_RECEIVER_PORT"]),
    also("apm_config.receiver_socket", Text, "", &["DD_APM_RECEIVER_SOCKET"]),
    also("apm_config.apm_non_local_traffic", Bool, "false", &["DD_APM_NON_LOCAL_TRAFFIC"]),
    also("apm_config.apm_dd_url", Text, "", &["DD_APM_DD_URL"]),
    also("apm_config.additional_endpoints", Map, "{}", &["DD_APM_ADDITIONAL_ENDPOINTS"]),
    also("apm_config.target_traces_per_second", Float(0.0, 1e9), "10", &["DD_APM_TARGET_TPS"]),
    also("apm_config.max_traces_per_second", Float(0.0, 1e9), "", &["DD_APM_MAX_TPS"]),
    also("apm_config.errors_per_second", Float(0.0, 1e9), "10", &["DD_APM_ERROR_TPS"]),
    also("apm_config.enable_rare_sampler", Bool, "false", &["DD_APM_ENABLE_RARE_SAMPLER"]),
    also("apm_config.max_events_per_second", Float(0.0, 1e9), "200", &["DD_APM_MAX_EPS"]),
    also("apm_config.max_memory", Float(0.0, 1e18), "500000000", &["DD_APM_MAX_MEMORY"]),
    also("apm_config.max_cpu_percent", Float(0.0, 1e6), "50", &["DD_APM_MAX_CPU_PERCENT"]),
    also("apm_config.filter_tags.require", List, "[]", &["DD_APM_FILTER_TAGS_REQUIRE"]),
    also("apm_config.filter_tags.reject", List, "[]", &["DD_APM_FILTER_TAGS_REJECT"]),
    also("apm_config.filter_tags_regex.require", List, "[]", &["DD_APM_FILTER_TAGS_REGEX_REQUIRE"]),
    also("apm_config.filter_tags_regex.reject", List, "[]", &["DD_APM_FILTER_TAGS_REGEX_REJECT"]),
    also("apm_config.ignore_resources", List, "[]", &["DD_APM_IGNORE_RESOURCES", "DD_IGNORE_RESOURCE"]),
    also("apm_config.replace_tags", Maps, "[]", &["DD_APM_REPLACE_TAGS"]),
    also("apm_config.peer_tags_aggregation", Bool, "true", &["DD_APM_PEER_TAGS_AGGREGATION"]),
    also("apm_config.compute_stats_by_span_kind", Bool, "true", &["DD_APM_COMPUTE_STATS_BY_SPAN_KIND"]),
    also("apm_config.profiling_dd_url", Text, "", &["DD_APM_PROFILING_DD_URL"]),
    also("apm_config.debugger_dd_url", Text, "", &["DD_APM_DEBUGGER_DD_URL"]),
    also("apm_config.symdb_dd_url", Text, "", &["DD_APM_SYMDB_DD_URL"]),
    also("apm_config.telemetry.enabled", Bool, "true", &["DD_APM_TELEMETRY_ENABLED"]),
    also("apm_config.telemetry.dd_url", Text, "", &["DD_APM_TELEMETRY_DD_URL"]),
    also("apm_config.obfuscation", Map, "{}", &["DD_APM_OBFUSCATION"]),
    also("apm_config.instrumentation", Map, "{}", &["DD_APM_INSTRUMENTATION"]),
    row("evp_proxy_config.enabled", Bool, "true"),
    row("evp_proxy_config.dd_url", Text, ""),
    row("evp_proxy_config.api_key", Secret, ""),
    row("evp_proxy_config.additional_endpoints", Map, "{}"),
    row("evp_proxy_config.max_payload_size", SIZE, "10485760"),
    row("evp_proxy_config.receiver_timeout", Seconds, ""),
    row("ol_proxy_config", Map, "{}"),
    row("otlp_config.receiver.protocols.http.endpoint", Text, ""),
    row("otlp_config.receiver.protocols.grpc.endpoint", Text, ""),
    row("otlp_config.metrics.enabled", Bool, "true"),
    row("otlp_config.traces.enabled", Bool, "true"),
    row("otlp_config.logs.enabled", Bool, "false"),
    // Processes, network, others
    also("process_config.process_collection.enabled", Bool, "false", &["DD_PROCESS_AGENT_PROCESS_COLLECTION_ENABLED"]),
    also(
        "process_config.container_collection.enabled",
        Bool,
        "true",
        &["DD_PROCESS_AGENT_CONTAINER_COLLECTION_ENABLED"],
    ),
    also("process_config.process_discovery.enabled", Bool, "true", &["DD_PROCESS_AGENT_PROCESS_DISCOVERY_ENABLED"]),
    also(
        "process_config.process_dd_url",
        Text,
        "",
        &["DD_PROCESS_AGENT_PROCESS_DD_URL", "DD_PROCESS_AGENT_URL", "DD_PROCESS_CONFIG_URL"],
    ),
    also("process_config.scrub_args", Bool, "true", &["DD_PROCESS_AGENT_SCRUB_ARGS", "DD_SCRUB_ARGS"]),
    also(
        "process_config.strip_proc_arguments",
        Bool,
        "false",
        &["DD_PROCESS_AGENT_STRIP_PROC_ARGUMENTS", "DD_STRIP_PROCESS_ARGS"],
    ),
    also(
        "process_config.custom_sensitive_words",
        List,
        "[]",
        &["DD_PROCESS_AGENT_CUSTOM_SENSITIVE_WORDS", "DD_CUSTOM_SENSITIVE_WORDS"],
    ),
    also("process_config.additional_endpoints", Map, "{}", &["DD_PROCESS_AGENT_ADDITIONAL_ENDPOINTS"]),
    also("process_config.events_dd_url", Text, "", &["DD_PROCESS_AGENT_EVENTS_DD_URL"]),
    also("process_config.disable_realtime_checks", Bool, "false", &["DD_PROCESS_AGENT_DISABLE_REALTIME_CHECKS"]),
    also("process_config.intervals", Map, "{}", &["DD_PROCESS_AGENT_INTERVALS"]),
    also("process_config.queue_size", COUNT, "256", &["DD_PROCESS_AGENT_QUEUE_SIZE"]),
    also("process_config.rt_queue_size", COUNT, "5", &["DD_PROCESS_AGENT_RT_QUEUE_SIZE"]),
    also("process_config.process_queue_bytes", SIZE, "60000000", &["DD_PROCESS_AGENT_PROCESS_QUEUE_BYTES"]),
    also("process_config.max_per_message", COUNT, "100", &["DD_PROCESS_AGENT_MAX_PER_MESSAGE"]),
    also("process_config.max_message_bytes", SIZE, "1000000", &["DD_PROCESS_AGENT_MAX_MESSAGE_BYTES"]),
    row("process_config.run_in_core_agent.enabled", Bool, "true"),
    row("orchestrator_explorer.enabled", Bool, "true"),
    row("orchestrator_explorer.orchestrator_dd_url", Text, ""),
    row("network_config.enabled", Bool, "false"),
    row("runtime_security_config.enabled", Bool, "false"),
    row("compliance_config.enabled", Bool, "false"),
    row("sbom.enabled", Bool, "false"),
    row("container_image.enabled", Bool, "true"),
    row("container_lifecycle.enabled", Bool, "true"),
    row("database_monitoring.samples", Map, "{}"),
    row("database_monitoring.metrics", Map, "{}"),
    row("database_monitoring.activity", Map, "{}"),
    row("network_devices", Map, "{}"),
    row("snmp_listener", Map, "{}"),
    row("network_path", Map, "{}"),
    row("cluster_agent.enabled", Bool, "false"),
    row("cluster_agent.url", Text, ""),
    row("cluster_agent.auth_token", Secret, ""),
    row("cluster_agent.cmd_port", PORT, "5005"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        let mut names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
        names.sort_unstable();
        names.windows(2).for_each(|pair| assert_ne!(pair[0], pair[1], "a key stands twice"));
        for key in KEYS {
            let default = (!key.default.is_empty()).then(|| serde_json::from_str::<serde_json::Value>(key.default));
            assert!(default.is_none_or(|default| default.is_ok()), "default of {}", key.name);
            let is_parent = |other: &&Key| other.name.starts_with(&format!("{}.", key.name));
            assert!(!KEYS.iter().any(|other| is_parent(&other)), "{} has a value and keys below", key.name);
        }
    }

    #[test]
    fn variables_follow_the_name() {
        assert_eq!(key("logs_config.logs_dd_url").unwrap().variable(), "DD_LOGS_CONFIG_LOGS_DD_URL");
        assert_eq!(key("GUI_port").unwrap().variable(), "DD_GUI_PORT");
        assert_eq!(key("dd_url").unwrap().variables, ["DD_URL"]);
        assert_eq!(key("nothing"), None);
    }

    #[test]
    fn the_documented_keys_exist() {
        let text = include_str!("../../../../docs/agent-configuration.md");
        let tables = text.lines().skip_while(|line| *line != "## Where data go").filter(|line| line.starts_with("| `"));
        let names: Vec<&str> = tables
            .filter_map(|line| line.split('|').nth(1))
            .flat_map(|cell| cell.split('`').skip(1).step_by(2))
            .collect();
        assert!(names.len() > 90, "{} names", names.len());
        for name in names {
            assert!(key(name).is_some(), "{name} is documented and not known");
        }
    }
}
