//! The configuration of `galgo serve`: galgo.yaml, `GALGO_*` and flags, all with the same names. A flag beats the
//! environment, which beats the file, which beats the default.
//!
//! Flags and environment are read by clap, so its help lists both. An unknown key in the file is an error that names the
//! nearest known one: a misspelt limit that is silently ignored is worse than no start.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use figment::Figment;
use figment::providers::Serialized;
use serde::{Deserialize, Serialize};

/// Where the file is looked for when `--config` names none.
const FILES: [&str; 2] = ["galgo.yaml", "/etc/galgo/galgo.yaml"];

/// What can be set by flag or environment. Every field is optional: what is not given comes from the file.
#[derive(Debug, Clone, Default, Args, Serialize)]
pub struct Flags {
    /// Configuration file [default: ./galgo.yaml, then /etc/galgo/galgo.yaml, if there is one].
    #[arg(long, env = "GALGO_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Folder for everything that is stored [default: ./galgo-data].
    #[arg(long, env = "GALGO_DATA_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Address of the API and the page [default: 127.0.0.1:8080].
    #[arg(long, env = "GALGO_HTTP_ADDR", value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_addr: Option<String>,
    /// UDP address of DogStatsD, empty for none [default: 127.0.0.1:8125].
    #[arg(long, env = "GALGO_DOGSTATSD_ADDR", value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dogstatsd_addr: Option<String>,
    /// Unix socket of DogStatsD [default: none].
    #[arg(long, env = "GALGO_DOGSTATSD_SOCKET", value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dogstatsd_socket: Option<String>,
    /// Reserved for the trace receiver.
    #[arg(long, env = "GALGO_TRACE_ADDR", value_name = "ADDR", hide = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_addr: Option<String>,
    /// Reserved for OTLP over HTTP.
    #[arg(long, env = "GALGO_OTLP_HTTP_ADDR", value_name = "ADDR", hide = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_http_addr: Option<String>,
    /// Reserved for OTLP over gRPC.
    #[arg(long, env = "GALGO_OTLP_GRPC_ADDR", value_name = "ADDR", hide = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_grpc_addr: Option<String>,
    /// Reserved for syslog.
    #[arg(long, env = "GALGO_SYSLOG_ADDR", value_name = "ADDR", hide = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syslog_addr: Option<String>,
    /// Metadata database, sqlite: or postgres:// [default: sqlite in the data folder].
    #[arg(long, env = "GALGO_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    /// Where segments are stored, file:// [default: in the data folder].
    #[arg(long, env = "GALGO_OBJECT_STORE", value_name = "URL", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_store: Option<String>,
    /// Reserved for notifications.
    #[arg(long, env = "GALGO_SMTP_URL", value_name = "URL", hide = true, hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_url: Option<String>,
    /// Reserved for notifications.
    #[arg(long, env = "GALGO_MAIL_FROM", value_name = "ADDRESS", hide = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_from: Option<String>,
    /// Address under which people reach the page [default: http:// and the HTTP address].
    #[arg(long, env = "GALGO_PUBLIC_URL", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Whether to collect this machine's own metrics [default: true].
    #[arg(long, env = "GALGO_COLLECT_HOST", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collect_host: Option<bool>,
    /// Name of this host [default: what the system says].
    #[arg(long, env = "GALGO_HOSTNAME", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Tags of this host, comma-separated.
    #[arg(long, env = "GALGO_TAGS", value_name = "TAGS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// A fixed API key [default: made at the first start].
    #[arg(long, env = "GALGO_API_KEY", value_name = "KEY", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// A fixed application key [default: made at the first start].
    #[arg(long, env = "GALGO_APP_KEY", value_name = "KEY", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_key: Option<String>,
    /// The admin's password [default: made at the first start].
    #[arg(long, env = "GALGO_ADMIN_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_password: Option<String>,
    /// text, json, or auto: text on a terminal, JSON otherwise [default: auto].
    #[arg(long, env = "GALGO_LOG_FORMAT", value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,
    /// What is logged, such as info or galgo=debug [default: info].
    #[arg(long, env = "GALGO_LOG_LEVEL", value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    /// Days for which metrics are kept [default: 456].
    #[arg(long, env = "GALGO_RETENTION_DAYS", value_name = "DAYS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// Most active series [default: 5000000].
    #[arg(long, env = "GALGO_MAX_SERIES", value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_series: Option<usize>,
    /// Most active series of one metric [default: 1000000].
    #[arg(long, env = "GALGO_MAX_SERIES_PER_METRIC", value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_series_per_metric: Option<usize>,
    /// Points kept in memory before a flush; 12 to 18 bytes each [default: 5000000].
    #[arg(long, env = "GALGO_HEAD_POINTS", value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_points: Option<u64>,
    /// Most HTTP connections at once [default: 4096].
    #[arg(long, env = "GALGO_MAX_CONNECTIONS", value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<usize>,
    /// Longest time for one query, in seconds [default: 60].
    #[arg(long, env = "GALGO_QUERY_TIMEOUT", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_timeout: Option<u64>,
    /// Most series that one query may touch [default: 1000000].
    #[arg(long, env = "GALGO_QUERY_MAX_SERIES", value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_max_series: Option<usize>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The configuration, complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // each field is documented once, at its flag above
pub struct Config {
    pub data_dir: PathBuf,
    pub http_addr: String,
    pub dogstatsd_addr: String,
    pub dogstatsd_socket: String,
    pub trace_addr: String,
    pub otlp_http_addr: String,
    pub otlp_grpc_addr: String,
    pub syslog_addr: String,
    pub database_url: String,
    pub object_store: String,
    pub smtp_url: String,
    pub mail_from: String,
    pub public_url: String,
    pub collect_host: bool,
    pub hostname: String,
    pub tags: Tags,
    pub api_key: Option<String>,
    pub app_key: Option<String>,
    pub admin_password: Option<String>,
    pub log_format: LogFormat,
    pub log_level: String,
    pub retention_days: u32,
    pub max_series: usize,
    pub max_series_per_metric: usize,
    pub head_points: u64,
    pub max_connections: usize,
    pub query_timeout: u64,
    pub query_max_series: usize,
}

/// Host tags: one comma-separated text or a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Tags {
    /// `a:b,c:d`
    Text(String),
    /// `[a:b, c:d]`
    List(Vec<String>),
}

impl Tags {
    /// The tags one by one.
    pub fn list(&self) -> Vec<String> {
        match self {
            Self::Text(text) => {
                text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
            }
            Self::List(tags) => tags.clone(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "./galgo-data".into(),
            http_addr: "127.0.0.1:8080".into(),
            dogstatsd_addr: "127.0.0.1:8125".into(),
            dogstatsd_socket: String::new(),
            trace_addr: "127.0.0.1:8126".into(),
            otlp_http_addr: "127.0.0.1:4318".into(),
            otlp_grpc_addr: "127.0.0.1:4317".into(),
            syslog_addr: String::new(),
            database_url: String::new(),
            object_store: String::new(),
            smtp_url: String::new(),
            mail_from: "galgo@localhost".into(),
            public_url: String::new(),
            collect_host: true,
            hostname: String::new(),
            tags: Tags::List(Vec::new()),
            api_key: None,
            app_key: None,
            admin_password: None,
            log_format: LogFormat::Auto,
            log_level: "info".into(),
            retention_days: 456,
            max_series: 5_000_000,
            max_series_per_metric: 1_000_000,
            head_points: 5_000_000,
            max_connections: 4096,
            query_timeout: 60,
            query_max_series: 1_000_000,
        }
    }
}

impl Config {
    /// Reads the file that the flags name, or the first of the usual ones, and puts the flags over it.
    pub fn load(flags: &Flags) -> anyhow::Result<Self> {
        let named = flags.config.clone();
        let file = named.or_else(|| FILES.iter().map(PathBuf::from).find(|path| path.exists()));
        let from_file = file.as_deref().map(read_file).transpose()?.unwrap_or_default();
        Self::merge(from_file, flags)
    }

    fn merge(file: serde_json::Map<String, serde_json::Value>, flags: &Flags) -> anyhow::Result<Self> {
        let figment = Figment::from(Serialized::defaults(Self::default()))
            .merge(Serialized::defaults(file))
            .merge(Serialized::defaults(flags));
        let config: Self = figment.extract().context("configuration")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        let addresses = [("http_addr", &self.http_addr, false), ("dogstatsd_addr", &self.dogstatsd_addr, true)];
        for (name, address, may_be_empty) in addresses {
            if !(may_be_empty && address.is_empty()) {
                address_of(address).with_context(|| format!("{name}: {address:?}"))?;
            }
        }
        for (name, value) in [
            ("retention_days", u64::from(self.retention_days)),
            ("head_points", self.head_points),
            ("max_connections", self.max_connections as u64),
            ("query_timeout", self.query_timeout),
        ] {
            if value == 0 {
                bail!("{name} must be above 0");
            }
        }
        let keys = [("api_key", &self.api_key, 32), ("app_key", &self.app_key, 40)];
        for (name, key, length) in keys {
            // Clients check the length of keys before they send anything.
            let odd =
                key.as_ref().is_some_and(|key| key.len() < 8 || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            if odd {
                bail!("{name} must be letters and digits, {length} of them to please every client");
            }
        }
        Ok(())
    }

    /// The names of all settings.
    fn names() -> BTreeSet<String> {
        let defaults = serde_json::to_value(Self::default()).unwrap_or_default();
        defaults.as_object().into_iter().flat_map(|fields| fields.keys().cloned()).collect()
    }
}

/// An address to listen on; a bare port or `:port` means all interfaces… of nobody but us: the loopback.
pub fn address_of(text: &str) -> anyhow::Result<SocketAddr> {
    use std::net::ToSocketAddrs;
    let full = match text.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => text.to_owned(),
    };
    full.to_socket_addrs()?.next().context("the name stands for no address")
}

fn read_file(path: &Path) -> anyhow::Result<serde_json::Map<String, serde_json::Value>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("configuration file {}", path.display()))?;
    parse_file(&text).with_context(|| format!("configuration file {}", path.display()))
}

fn parse_file(text: &str) -> anyhow::Result<serde_json::Map<String, serde_json::Value>> {
    let parsed: Option<serde_json::Map<String, serde_json::Value>> = serde_norway::from_str(text)?;
    let mut fields = parsed.unwrap_or_default();
    // A key without a value is a setting that somebody left at its default.
    fields.retain(|_, value| !value.is_null());
    let names = Config::names();
    for key in fields.keys() {
        if !names.contains(key) {
            match nearest(key, &names) {
                Some(close) => bail!("unknown setting {key:?}, did you mean {close:?}?"),
                None => bail!("unknown setting {key:?}"),
            }
        }
    }
    Ok(fields)
}

/// `GALGO_*` variables that are no setting, with the nearest name; a hint and no error, as scripts have their own.
pub fn unknown_variables(variables: impl Iterator<Item = String>) -> Vec<(String, Option<String>)> {
    let names = Config::names();
    let unknown = |variable: String| {
        let name = variable.strip_prefix("GALGO_")?.to_ascii_lowercase();
        let known = names.contains(&name) || name == "config";
        (!known)
            .then(|| (variable, nearest(&name, &names).map(|close| format!("GALGO_{}", close.to_ascii_uppercase()))))
    };
    variables.filter_map(unknown).filter(|(_, close)| close.is_some()).collect()
}

/// The known name that differs least, when it differs little.
fn nearest(name: &str, known: &BTreeSet<String>) -> Option<String> {
    let name = name.replace('-', "_");
    let (distance, best) = known.iter().map(|candidate| (edits(&name, candidate), candidate)).min()?;
    (distance <= name.len().max(best.len()) / 2).then(|| best.clone())
}

/// Number of letters to insert, delete or replace to turn one word into the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, left) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_beat_the_file_and_the_file_beats_the_defaults() {
        let file =
            parse_file("http_addr: 0.0.0.0:1234\nmax_series: 7\ncollect_host: false\ntags: [a:b]\n").expect("valid");
        let flags = Flags { http_addr: Some("127.0.0.1:9999".into()), ..Flags::default() };
        let config = Config::merge(file, &flags).expect("valid");
        assert_eq!(config.http_addr, "127.0.0.1:9999");
        assert_eq!((config.max_series, config.collect_host), (7, false));
        assert_eq!(config.tags.list(), ["a:b"]);
        assert_eq!(config.dogstatsd_addr, "127.0.0.1:8125");
    }

    #[test]
    fn unknown_settings_are_refused_with_the_nearest() {
        for (text, expected) in [
            ("http_adress: x", "unknown setting \"http_adress\", did you mean \"http_addr\"?"),
            ("data-dir: x", "unknown setting \"data-dir\", did you mean \"data_dir\"?"),
            ("zzzzzzzzzzzzzz: 1", "unknown setting \"zzzzzzzzzzzzzz\""),
        ] {
            assert_eq!(parse_file(text).expect_err("unknown").to_string(), expected);
        }
        assert!(parse_file("").expect("empty").is_empty());
        assert!(parse_file("data_dir:").expect("left empty").is_empty());
        assert!(parse_file("- a\n- b").is_err());
    }

    #[test]
    fn values_are_checked() {
        for text in
            ["max_series: many", "http_addr: nowhere", "retention_days: 0", "api_key: 'a b'", "query_timeout: -1"]
        {
            assert!(parse_file(text).and_then(|file| Config::merge(file, &Flags::default())).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_of_digits_stays_text() {
        let flags = Flags { api_key: Some("12345678901234567890123456789012".into()), ..Flags::default() };
        let config = Config::merge(serde_json::Map::new(), &flags).expect("valid");
        assert_eq!(config.api_key.as_deref(), Some("12345678901234567890123456789012"));
    }

    #[test]
    fn misspelt_variables_are_noticed() {
        let variables = ["GALGO_HTTP_ADR", "GALGO_BIN", "GALGO_DATA_DIR", "PATH"];
        let found = unknown_variables(variables.into_iter().map(str::to_owned));
        assert_eq!(found, [("GALGO_HTTP_ADR".to_owned(), Some("GALGO_HTTP_ADDR".to_owned()))]);
    }
}
