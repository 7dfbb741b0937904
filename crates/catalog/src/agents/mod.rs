//! What agents say of the checks that they run and of the logs that they read: the newest report of each host.
//!
//! Everything lives in the database and nothing in memory: a report comes every few minutes and is looked at now and
//! then. What a report holds is bounded on its way in ([`limits`]); which integrations run where is one grouped query.
//!
//! - [`report`]: taking a report. [`reading`]: the questions of the page.

pub mod limits;
pub mod reading;
pub mod report;

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::CatalogError;

/// How the last run of a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunStatus {
    /// Without a complaint.
    Ok,
    /// The check warned of something.
    Warning,
    /// The check failed, or could not be loaded.
    Error,
    /// It has not run yet.
    #[default]
    Pending,
}

impl RunStatus {
    /// As stored and as agents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Pending => "PENDING",
        }
    }
}

impl FromStr for RunStatus {
    type Err = CatalogError;

    fn from_str(text: &str) -> Result<Self, CatalogError> {
        match text {
            "OK" => Ok(Self::Ok),
            "WARNING" => Ok(Self::Warning),
            "ERROR" => Ok(Self::Error),
            "PENDING" => Ok(Self::Pending),
            other => Err(CatalogError::Invalid(format!("status of a check must be OK, WARNING or ERROR: {other:?}"))),
        }
    }
}

/// One instance of a check on one host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CheckInstance {
    /// Name of the check, such as `mysql`.
    pub check: String,
    /// Identity of the instance within its host, such as `mysql:5c571333f87ad9dd`.
    pub instance: String,
    /// How the last run ended.
    pub status: RunStatus,
    /// Version of the check's code, empty when unknown.
    pub version: String,
    /// When the last run ended, in seconds since the UNIX epoch; `None` when the agent does not say.
    pub last_run: Option<i64>,
    /// The rest.
    pub details: InstanceDetails,
}

/// What is only shown. Agents of Datadog say little of it: what is unknown is zero or empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InstanceDetails {
    /// Where it is configured: file and number of the instance.
    pub source: String,
    /// What loaded it: `core`, `python`, …
    pub loader: String,
    /// Seconds between runs.
    pub interval_s: f64,
    /// Runs since the agent started.
    pub runs: u64,
    /// Of those, failed.
    pub failed_runs: u64,
    /// Values of all runs.
    pub metric_samples: u64,
    /// Service checks of all runs.
    pub service_checks: u64,
    /// Events of all runs.
    pub events: u64,
    /// Milliseconds of all runs.
    pub total_ms: u64,
    /// What the last run did.
    pub last: Option<LastRun>,
    /// When a run last ended without an error, in seconds since the UNIX epoch.
    pub last_ok: Option<i64>,
    /// Why the last run failed, empty when it did not.
    pub error: String,
    /// Where in the check's code, may be empty.
    pub traceback: String,
    /// What the last run warned of.
    pub warnings: Vec<String>,
    /// Facts about what is checked, such as its version.
    pub metadata: BTreeMap<String, String>,
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LastRun {
    /// Milliseconds that it took.
    pub duration_ms: u64,
    /// Values that it submitted.
    pub metric_samples: u64,
    /// Service checks that it submitted.
    pub service_checks: u64,
    /// Events that it submitted.
    pub events: u64,
    /// Log lines that it submitted.
    pub logs: u64,
}

/// How one instance of a check is configured. Whoever hands this over has taken the secrets out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CheckConfiguration {
    /// Name of the check.
    pub check: String,
    /// Identity of the instance; the same as in [`CheckInstance::instance`].
    pub instance: String,
    /// Version of what is checked or of the check, empty when unknown.
    pub version: String,
    /// The rest.
    pub details: ConfigurationDetails,
}

/// What is only shown of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigurationDetails {
    /// Who provided it: `file`, `container`, …
    pub provider: String,
    /// From where: `file:/etc/…`.
    pub source: String,
    /// `init_config` as YAML.
    pub init_config: String,
    /// The instance as YAML.
    pub instance_config: String,
}

/// Something that an agent reads log lines from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogSource {
    /// `file`, `tcp`, `udp`, `journald`, …
    pub kind: String,
    /// How it does, in the agent's words; empty when unknown.
    pub state: String,
    /// Everything else: path, source, service, counters.
    pub details: Map<String, Value>,
}

/// What one payload says of an agent's checks. What is `None` is not spoken of and stays as it was; what is there
/// replaces all of its kind that the host reported before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentReport {
    /// Name of the host.
    pub host: String,
    /// Every instance that the agent runs or failed to load.
    pub checks: Option<Vec<CheckInstance>>,
    /// How they are configured.
    pub configurations: Option<Vec<CheckConfiguration>>,
    /// Every source of log lines.
    pub logs: Option<Vec<LogSource>>,
}
