//! The settings of an agent: `datadog.yaml` under its environment variables, secrets resolved.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::dogstatsd::DogStatsd;
use super::endpoints::{self, Endpoint};
use super::error::ConfigError;
use super::hints;
use super::layers::{Environment, Layers};
use super::logs::Logs;
use super::secrets::{self, Secrets};
use super::sections::{AgentLog, Forwarder, Local, Metadata, Proxy};
use crate::check::SchedulerConfig;
use crate::collect::Roots;
use crate::host::{HostName, HostNameRules, detect_by};

/// The file's name in its folder.
pub const FILE_NAME: &str = "datadog.yaml";
/// Where the state of an agent may be kept, in the order of preference.
const RUN_PATHS: [&str; 2] = ["/opt/datadog-agent/run", "/var/lib/galgo-agent/run"];
/// Largest configuration file, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 8 << 20;

/// Everything that an agent is told.
#[derive(Clone)]
pub struct Settings {
    /// The file; it need not exist.
    pub path: PathBuf,
    /// The folder of the configuration.
    pub dir: PathBuf,
    /// All keys as one tree: defaults, file and environment, secrets resolved.
    pub tree: Arc<Value>,
    /// What is odd, for the log and the status.
    pub warnings: Vec<String>,
    /// Key of the main server, may be empty.
    pub api_key: String,
    /// Application key, may be empty.
    pub app_key: String,
    /// Such as `datadoghq.com`.
    pub site: String,
    /// Address of the main server.
    pub dd_url: String,
    /// All servers, the main one first.
    pub endpoints: Vec<Endpoint>,
    /// Where the host's name comes from.
    pub hostname: HostNameRules,
    /// Further names of the host.
    pub host_aliases: Vec<String>,
    /// Host tags: `tags` and `extra_tags`.
    pub tags: Vec<String>,
    /// `env`, empty for none.
    pub env: String,
    /// The agent's own log.
    pub log: AgentLog,
    /// Folders of check configurations.
    pub confd_paths: Vec<PathBuf>,
    /// Folders of custom Python checks.
    pub checksd_paths: Vec<PathBuf>,
    /// Folder of the agent's state.
    pub run_path: PathBuf,
    /// Most checks that run at a time, `None` for the agent's own limit (`check_runners`).
    pub check_runners: Option<usize>,
    /// Whether each run reports `datadog.agent.check_status`.
    pub check_status: bool,
    /// Names of checks whose autodiscovery templates are ignored.
    pub ignore_autoconf: Vec<String>,
    /// How often `conf.d` is read again, `None` for only on a reload.
    pub confd_poll: Option<std::time::Duration>,
    /// The Python interpreter, `None` to look for one.
    pub python_interpreter: Option<PathBuf>,
    /// Local ports.
    pub local: Local,
    /// Proxies.
    pub proxy: Proxy,
    /// Whether certificates of servers are not checked.
    pub skip_ssl_validation: bool,
    /// Lowest version of TLS: `tlsv1.2` or `tlsv1.3`.
    pub min_tls_version: String,
    /// How data are sent.
    pub forwarder: Forwarder,
    /// Descriptions of host, agent and checks.
    pub metadata: Metadata,
    /// DogStatsD.
    pub dogstatsd: DogStatsd,
    /// Log collection.
    pub logs: Logs,
    /// What resolves `ENC[…]` and `%%env_…%%` in the files of checks.
    pub secrets: Arc<Secrets>,
}

impl std::fmt::Debug for Settings {
    /// Without keys and without the tree, which holds passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("path", &self.path)
            .field("endpoints", &self.endpoints)
            .field("tags", &self.tags)
            .field("run_path", &self.run_path)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Loads the settings of a folder (or of the file itself) under the variables of `environment`. Runs
    /// `secret_backend_command` when a value asks for it, so it may block: call it off the async threads.
    pub fn load(dir: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let environment: Environment = environment.into_iter().collect();
        let (dir, path) = place(dir);
        let mut layers = match read_text(&path) {
            Ok(text) => Layers::of_file(&path, &text),
            Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => {
                if environment.get("DD_API_KEY").is_none_or(|key| key.trim().is_empty()) {
                    return Err(ConfigError::Missing(path));
                }
                Layers::of_file(&path, "")
            }
            Err(reason) => return Err(ConfigError::Unreadable { path, reason }),
        };
        if !layers.faults.is_empty() {
            return Err(ConfigError::Invalid(layers.faults));
        }
        hints::near_misses(&mut layers);
        layers.overlay(&environment);
        let secrets = Secrets::new(&mut layers, environment);
        resolve(&mut layers, &secrets);
        let settings = Self::read(&mut layers, dir, path, secrets);
        let mut faults = layers.faults;
        faults.sort_by_key(|fault| fault.line);
        if faults.is_empty() { Ok(settings) } else { Err(ConfigError::Invalid(faults)) }
    }

    fn read(layers: &mut Layers, dir: PathBuf, path: PathBuf, secrets: Secrets) -> Self {
        let destinations = endpoints::read(layers);
        let run_path = layers.some_text("run_path").map(PathBuf::from).unwrap_or_else(|| default_run_path(&dir));
        let polls = layers.flag("autoconf_config_files_poll");
        let settings = Self {
            app_key: layers.text("app_key"),
            hostname: HostNameRules {
                configured: layers.some_text("hostname"),
                file: layers.some_text("hostname_file").map(PathBuf::from),
                fqdn: layers.flag("hostname_fqdn"),
            },
            host_aliases: layers.list("host_aliases"),
            tags: host_tags(layers),
            env: layers.text("env"),
            log: AgentLog::read(layers),
            confd_paths: folders(layers, "confd_path", &dir, "conf.d"),
            checksd_paths: folders(layers, "additional_checksd", &dir, "checks.d"),
            check_runners: layers.is_set("check_runners").then(|| layers.size("check_runners")).filter(|&n| n > 0),
            check_status: layers.flag("integration_check_status_enabled"),
            ignore_autoconf: layers.list("ignore_autoconf"),
            confd_poll: polls.then(|| layers.seconds("autoconf_config_files_poll_interval")),
            python_interpreter: layers.some_text("python_interpreter").map(PathBuf::from),
            local: Local::read(layers),
            proxy: Proxy::read(layers),
            skip_ssl_validation: layers.flag("skip_ssl_validation"),
            min_tls_version: layers.text("min_tls_version").to_ascii_lowercase(),
            forwarder: Forwarder::read(layers, &run_path),
            metadata: Metadata::read(layers),
            dogstatsd: DogStatsd::read(layers),
            logs: Logs::read(layers, &destinations),
            api_key: destinations.api_key,
            site: destinations.site,
            dd_url: destinations.dd_url,
            endpoints: destinations.endpoints,
            tree: Arc::default(),
            warnings: Vec::new(),
            secrets: Arc::new(secrets),
            run_path,
            dir,
            path,
        };
        let mut tree = layers.merged();
        settings.complete(&mut tree);
        Self { tree: Arc::new(tree), warnings: std::mem::take(&mut layers.warnings), ..settings }
    }

    /// Puts what was derived into the tree, where checks look for it.
    fn complete(&self, tree: &mut Value) {
        let texts = |paths: &[PathBuf]| paths.first().map(|path| path.display().to_string()).unwrap_or_default();
        let derived: [(&str, Value); 8] = [
            ("api_key", self.api_key.clone().into()),
            ("site", self.site.clone().into()),
            ("dd_url", self.dd_url.clone().into()),
            ("tags", self.tags.clone().into()),
            ("confd_path", texts(&self.confd_paths).into()),
            ("additional_checksd", texts(&self.checksd_paths).into()),
            ("run_path", self.run_path.display().to_string().into()),
            ("log_level", self.log.level.clone().into()),
        ];
        if let Value::Object(map) = tree {
            map.extend(derived.map(|(key, value)| (key.to_owned(), value)));
        }
    }

    /// The name of this host by the configuration's rules.
    pub fn host_name(&self, roots: &Roots) -> HostName {
        detect_by(&self.hostname, roots)
    }

    /// A setting by its dotted key, unless it is null.
    pub fn setting(&self, key: &str) -> Option<&Value> {
        key.split('.').try_fold(&*self.tree, |map, part| map.get(part)).filter(|value| !value.is_null())
    }

    /// How checks of `host` are scheduled.
    pub fn scheduler(&self, host: impl Into<String>) -> SchedulerConfig {
        let base = SchedulerConfig::for_host(host);
        SchedulerConfig {
            max_concurrent: self.check_runners.unwrap_or(base.max_concurrent),
            aggregates: self.dogstatsd.aggregates.clone(),
            percentiles: self.dogstatsd.percentiles.clone(),
            check_status: self.check_status,
            ..base
        }
    }
}

fn place(given: &Path) -> (PathBuf, PathBuf) {
    let names_a_file = given.is_file() || given.extension().is_some_and(|end| end == "yaml" || end == "yml");
    if names_a_file && !given.is_dir() {
        let parent = given.parent().filter(|parent| !parent.as_os_str().is_empty());
        return (parent.unwrap_or(Path::new(".")).to_owned(), given.to_owned());
    }
    (given.to_owned(), given.join(FILE_NAME))
}

/// A file as text, within a bound.
pub(super) fn read_text(path: &Path) -> std::io::Result<String> {
    use std::io::{Error, ErrorKind, Read};
    let mut bytes = Vec::new();
    #[allow(clippy::disallowed_methods)] // bounded by `take`
    std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Error::new(ErrorKind::InvalidData, format!("larger than {MAX_FILE_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|&&b| b == b'\n').count() + 1;
        Error::new(ErrorKind::InvalidData, format!("line {line} is not valid UTF-8"))
    })
}

fn resolve(layers: &mut Layers, secrets: &Secrets) {
    let mut handles = BTreeSet::new();
    secrets::collect_handles(layers.root(), &mut handles);
    if handles.is_empty() {
        return;
    }
    let resolved = secrets.resolve(&handles);
    let mut unresolved = Vec::new();
    secrets::fill(layers.root_mut(), &resolved, |key, line, reason| {
        unresolved.push((key.to_owned(), line, format!("is a secret that cannot be resolved: {reason}")));
    });
    for (key, line, reason) in unresolved {
        let fault = layers.fault_on(&key, line, &reason);
        layers.faults.push(fault);
    }
}

fn host_tags(layers: &mut Layers) -> Vec<String> {
    let mut tags = layers.list("tags");
    for tag in layers.list("extra_tags") {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// The folders of a key; relative ones are below the folder of the configuration.
fn folders(layers: &mut Layers, name: &str, dir: &Path, default: &str) -> Vec<PathBuf> {
    let given = layers.list(name);
    if given.is_empty() {
        return vec![dir.join(default)];
    }
    given.iter().map(|path| dir.join(path)).collect()
}

fn default_run_path(dir: &Path) -> PathBuf {
    let usable = RUN_PATHS.iter().map(Path::new).find(|path| super::is_writable_folder(path));
    usable.map_or_else(|| dir.join("run"), Path::to_owned)
}

#[cfg(test)]
mod tests;
