//! Makes the agent's parts from its configuration. The running agent and the commands that look at it share this.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use galgo_agent::check::{CheckContext, Factory, Instance, Loader, NativeLoader, SchedulerConfig};
use galgo_agent::collect::{self, Roots};
use galgo_agent::config::{self, LogSource, Settings, Severity};
use galgo_agent::host::HostName;
use galgo_core::Clock;
use galgo_forward::{
    BackoffConfig, Compression, DiskConfig, EnabledPayloads, EndpointConfig, ForwarderConfig, LogEndpointConfig,
    PayloadLimits, ProxyConfig,
};
use galgo_python::{PythonConfig, PythonLoader};
use galgo_tail::{SourceError, TailConfig, TailSource};
use serde_json::Value;

/// Own setting: longest run of a Python check, in seconds.
const PYTHON_TIMEOUT: &str = "python_check_timeout";

/// Own setting: most memory of a Python process, in MiB.
const PYTHON_MEMORY: &str = "python_memory_limit_mib";

/// What runs checks.
pub struct Parts {
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Loaders in the order in which they are asked.
    pub loaders: Vec<Arc<dyn Loader>>,
    /// How checks are scheduled.
    pub scheduler: SchedulerConfig,
    /// The loader of Python checks.
    pub python: Arc<PythonLoader>,
    native: BTreeSet<&'static str>,
}

impl Parts {
    /// The parts of this configuration.
    pub fn new(settings: &Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        provide_tls();
        std::fs::create_dir_all(&settings.run_path)
            .with_context(|| format!("run_path: {} could not be made", settings.run_path.display()))?;
        let host = host_name(settings).name;
        let context = CheckContext {
            clock: clock.clone(),
            host: host.clone(),
            roots: roots(settings),
            settings: settings.tree.clone(),
        };
        let factories: Vec<(&'static str, Factory)> =
            collect::factories().into_iter().chain(galgo_checks::factories()).collect();
        let native = factories.iter().map(|(name, _)| *name).collect();
        let python = Arc::new(PythonLoader::new(python_config(settings), context.clone()));
        let loaders: Vec<Arc<dyn Loader>> = vec![Arc::new(NativeLoader::new(context, factories)), python.clone()];
        Ok(Self { clock, loaders, scheduler: settings.scheduler(host), python, native })
    }

    /// Whether a check of this name is built in.
    pub fn is_native(&self, name: &str) -> bool {
        self.native.contains(name)
    }

    /// What the Python side can do, and what is missing.
    pub async fn python_diagnosis(&self) -> Vec<galgo_python::Finding> {
        self.python.diagnose().await
    }

    /// Ends the Python processes.
    pub async fn shutdown(&self) {
        self.python.shutdown().await;
    }
}

/// Installs the TLS provider that every client of this process uses.
pub fn provide_tls() {
    // An error says that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Where the kernel's files are.
pub fn roots(settings: &Settings) -> Roots {
    let mut roots = Roots::machine();
    if let Some(proc) = settings.setting("procfs_path").and_then(Value::as_str).filter(|path| !path.is_empty()) {
        roots.proc = PathBuf::from(proc);
    }
    roots
}

/// The name under which the host reports.
pub fn host_name(settings: &Settings) -> HostName {
    settings.host_name(&roots(settings))
}

/// What conf.d asks for.
pub struct Configured {
    /// Instances, those of checks that run by default among them.
    pub instances: Vec<Instance>,
    /// Sources of logs.
    pub logs: Vec<LogSource>,
    /// What is wrong, ready to be shown.
    pub problems: Vec<String>,
    /// What was left out on purpose.
    pub notes: Vec<String>,
}

/// Checks that run without a file: the collectors, and the agent's own sign of life.
fn default_checks() -> Vec<&'static str> {
    collect::DEFAULT_CHECKS.iter().copied().chain(["agent"]).collect()
}

/// Reads conf.d.
pub fn configured(settings: &Settings) -> Configured {
    let found = config::discover(settings, &default_checks());
    let mut instances = found.instances;
    for instance in &mut instances {
        prefer_own_module(settings, instance);
    }
    let mistakes = found.problems.iter().filter(|problem| problem.severity != Severity::Note);
    let mut problems: Vec<String> = mistakes.map(ToString::to_string).collect();
    let notes =
        found.problems.iter().filter(|problem| problem.severity == Severity::Note).map(ToString::to_string).collect();
    // Packages of Datadog's agent bring default files for checks that are not here.
    let is_default = |instance: &Instance| instance.source.path.extension().is_some_and(|end| end == "default");
    instances.retain(|instance| !is_default(instance) || is_known(settings, &instance.check));
    for log in &found.logs {
        if let Err(error) = TailSource::parse(&log.config, &log.source.to_string()) {
            problems.push(error.to_string());
        }
    }
    Configured { instances, logs: found.logs, problems, notes }
}

/// Whether a check is built in or has a module in checks.d.
fn is_known(settings: &Settings, name: &str) -> bool {
    let native = collect::factories().into_iter().chain(galgo_checks::factories()).any(|(known, _)| known == name);
    native || has_own_module(settings, name)
}

fn has_own_module(settings: &Settings, name: &str) -> bool {
    let file = format!("{name}.py");
    settings.checksd_paths.iter().any(|folder| folder.join(&file).is_file())
}

/// A module in checks.d beats a built-in check of the same name: whoever put it there wants it.
fn prefer_own_module(settings: &Settings, instance: &mut Instance) {
    if instance.common.loader.is_empty() && has_own_module(settings, &instance.check) {
        instance.common.loader = "python".into();
    }
}

/// Servers and their keys, those of logs too, each once.
pub fn endpoints(settings: &Settings) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<(String, Vec<String>)> =
        settings.endpoints.iter().map(|endpoint| (endpoint.url.clone(), endpoint.api_keys.clone())).collect();
    if settings.logs.enabled {
        for log in &settings.logs.endpoints {
            if !all.iter().any(|(url, keys)| *url == log.url && keys.contains(&log.api_key)) {
                all.push((log.url.clone(), vec![log.api_key.clone()]));
            }
        }
    }
    all
}

/// The proxy on the way to a server.
pub fn proxy_for(settings: &Settings, url: &str) -> Option<String> {
    proxies(settings).for_url(url)
}

fn proxies(settings: &Settings) -> ProxyConfig {
    let proxy = &settings.proxy;
    ProxyConfig {
        http: proxy.http.clone().unwrap_or_default(),
        https: proxy.https.clone().unwrap_or_default(),
        no_proxy: proxy.no_proxy.clone(),
        no_proxy_nonexact_match: proxy.nonexact_match,
    }
}

/// The files that log sources name and that this user may not read.
pub fn unreadable_logs(settings: &Settings) -> Vec<(String, std::io::Error)> {
    let sources = configured(settings).logs;
    let paths = sources.iter().filter_map(|source| source.config.get("path").and_then(Value::as_str));
    let plain = paths.filter(|path| !path.contains(['*', '?', '[']));
    plain.filter_map(|path| File::open(path).err().map(|error| (path.to_owned(), error))).collect()
}

fn python_config(settings: &Settings) -> PythonConfig {
    let number = |key: &str| settings.setting(key).and_then(Value::as_u64);
    let mut config = PythonConfig::new(settings.run_path.join("python"));
    config.interpreter.clone_from(&settings.python_interpreter);
    config.check_dirs.clone_from(&settings.checksd_paths);
    config.host_tags = host_tags(settings);
    config.log_level.clone_from(&settings.log.level);
    if let Some(seconds) = number(PYTHON_TIMEOUT).filter(|&seconds| seconds > 0) {
        config.run_timeout = std::time::Duration::from_secs(seconds);
    }
    if let Some(mib) = number(PYTHON_MEMORY) {
        config.memory_limit_bytes = mib << 20;
    }
    config
}

/// Host tags with the environment among them.
pub fn host_tags(settings: &Settings) -> Vec<String> {
    let env = (!settings.env.is_empty()).then(|| format!("env:{}", settings.env));
    settings.tags.iter().cloned().chain(env).collect()
}

/// How data are sent.
pub fn forwarder_config(settings: &Settings, host: &str) -> ForwarderConfig {
    let given = &settings.forwarder;
    let logs = &settings.logs;
    let disk = (given.disk_queue_bytes > 0).then(|| DiskConfig {
        max_bytes: given.disk_queue_bytes,
        max_disk_ratio: given.max_disk_ratio,
        outdated_after: given.disk_queue_age,
        ..DiskConfig::at(&given.disk_queue_path)
    });
    let endpoint =
        |endpoint: &config::Endpoint| EndpointConfig { url: endpoint.url.clone(), api_keys: endpoint.api_keys.clone() };
    let log_endpoint = |endpoint: &config::LogEndpoint| LogEndpointConfig {
        url: endpoint.url.clone(),
        api_key: endpoint.api_key.clone(),
        is_reliable: endpoint.reliable,
        use_v2_api: logs.use_v2_api,
    };
    ForwarderConfig {
        endpoints: settings.endpoints.iter().map(endpoint).collect(),
        log_endpoints: if logs.enabled { logs.endpoints.iter().map(log_endpoint).collect() } else { Vec::new() },
        proxy: proxies(settings),
        skip_ssl_validation: settings.skip_ssl_validation,
        timeout: given.timeout,
        log_timeout: logs.http_timeout,
        compression: compression(&given.compressor, given.zstd_level),
        log_compression: compression(&logs.compression, logs.compression_level),
        memory_bytes: given.memory_queue_bytes,
        disk,
        backoff: BackoffConfig { factor: given.backoff_factor, base: given.backoff_base, max: given.backoff_max },
        max_concurrent_requests: given.max_concurrent_requests,
        validate_keys_every: (!given.key_check_interval.is_zero()).then_some(given.key_check_interval),
        limits: PayloadLimits {
            series_bytes: given.max_series_payload_bytes,
            series_raw_bytes: given.max_series_uncompressed_bytes,
            points: given.max_series_points,
            other_bytes: given.max_payload_bytes,
            other_raw_bytes: given.max_uncompressed_bytes,
        },
        enabled: EnabledPayloads {
            series: given.payloads.series,
            sketches: given.payloads.sketches,
            service_checks: given.payloads.service_checks,
            events: given.payloads.events,
        },
        ..ForwarderConfig::for_host(host)
    }
}

fn compression(name: &str, level: i32) -> Compression {
    match Compression::from_name(name) {
        Some(Compression::Zstd(_)) => Compression::Zstd(level.clamp(1, 22)),
        Some(Compression::Gzip(_)) => Compression::Gzip(level.clamp(0, 9) as u32),
        Some(other) => other,
        None => Compression::default(),
    }
}

/// How logs are collected; an error names the rule or key that is wrong.
pub fn tail_config(settings: &Settings, host: &str) -> Result<TailConfig, SourceError> {
    TailConfig::new(&settings.run_path, host).with_settings(&settings.tree, &settings.path.display().to_string())
}

/// Log sources that can be collected; the others are among the problems.
pub fn tail_sources(sources: &[LogSource]) -> Vec<TailSource> {
    let parse = |log: &LogSource| TailSource::parse(&log.config, &log.source.to_string()).ok();
    sources.iter().filter_map(|log| Some(parse(log)?.for_check(&log.check))).collect()
}
