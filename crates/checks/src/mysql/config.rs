//! What an instance of the MySQL check may say, under the integration's old and new names of options.

use std::path::PathBuf;
use std::time::Duration;

use galgo_agent::check::{Instance, InstanceError, SampleKind, is_affirmative};
use serde_json::Value;

/// Time to connect unless `connect_timeout` says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for one query unless `query_timeout` says otherwise.
const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest timeout that can be set: a run must end before the scheduler gives it up.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Time between two readings of index sizes.
const INDEX_INTERVAL: Duration = Duration::from_secs(300);

/// Number of legacy `queries` that are run unless `max_custom_queries` says otherwise.
const MAX_LEGACY_QUERIES: usize = 20;

/// Where the server is and as whom to ask it.
#[derive(Clone, PartialEq, Default)]
pub(super) struct Endpoint {
    /// Host name or address; empty when only a socket is named.
    pub(super) host: String,
    /// TCP port as configured.
    pub(super) port: Option<u16>,
    /// Path of a Unix socket; goes before the host.
    pub(super) socket: Option<String>,
    /// User.
    pub(super) user: String,
    /// Password; empty for none.
    pub(super) password: String,
    /// How TLS is done; `None` for without.
    pub(super) tls: Option<Tls>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("at", &self.to_string()).field("user", &self.user).finish_non_exhaustive()
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.socket {
            Some(socket) => f.write_str(socket),
            None => write!(f, "{}:{}", self.host, self.tcp_port()),
        }
    }
}

impl Endpoint {
    /// The port that is dialled.
    pub(super) fn tcp_port(&self) -> u16 {
        self.port.unwrap_or(3306)
    }

    /// `server:` and `port:`: what everything of this instance carries.
    pub(super) fn tags(&self) -> [String; 2] {
        let server = self.socket.as_deref().unwrap_or(&self.host);
        let port = match (self.port, &self.socket) {
            (None, Some(_)) => "unix_socket".to_owned(),
            _ => self.tcp_port().to_string(),
        };
        [format!("port:{port}"), format!("server:{server}")]
    }

    /// Whether the server's process is on this machine.
    pub(super) fn is_local(&self) -> bool {
        let local = |host: &str| matches!(host, "localhost" | "0.0.0.0" | "::1" | "") || host.starts_with("127.");
        self.socket.is_some() || local(&self.host)
    }
}

/// Files of a TLS connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tls {
    /// Certificates to trust; without them the server's certificate is not verified.
    pub(super) ca: Option<PathBuf>,
    /// The client's own certificate.
    pub(super) cert: Option<PathBuf>,
    /// Key of the client's certificate.
    pub(super) key: Option<PathBuf>,
    /// Whether the certificate must name the host.
    pub(super) check_hostname: bool,
}

/// Which groups of metrics are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Groups {
    pub(super) replication: bool,
    pub(super) replication_channel: Option<String>,
    pub(super) replication_non_blocking_status: bool,
    pub(super) galera_cluster: bool,
    pub(super) extra_status: bool,
    pub(super) extra_innodb: bool,
    pub(super) disable_innodb: bool,
    pub(super) extra_performance: bool,
    pub(super) schema_size: bool,
    pub(super) table_size: bool,
    pub(super) system_table_size: bool,
    pub(super) table_rows_stats: bool,
}

/// One more status or system variable that is wanted as a metric (`additional_status`, `additional_variable`).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Additional {
    pub(super) variable: String,
    pub(super) metric: String,
    pub(super) kind: SampleKind,
}

/// A query in the old form: one field of the first row becomes one metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LegacyQuery {
    pub(super) sql: String,
    pub(super) metric: String,
    pub(super) field: String,
    pub(super) kind: SampleKind,
    pub(super) tags: Vec<String>,
    /// Column whose value becomes a tag, with the tag's key.
    pub(super) tag: Option<(String, String)>,
}

/// Everything that an instance says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Config {
    pub(super) endpoint: Endpoint,
    pub(super) defaults_file: Option<PathBuf>,
    pub(super) connect_timeout: Duration,
    pub(super) query_timeout: Duration,
    pub(super) charset: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) reported_hostname: String,
    pub(super) only_custom_queries: bool,
    pub(super) groups: Groups,
    /// Time between two readings of index metrics; `None` when they are switched off.
    pub(super) index_interval: Option<Duration>,
    /// Whether index metrics are asked for by name.
    pub(super) index_asked: bool,
    pub(super) additional: Vec<Additional>,
    pub(super) legacy: Vec<LegacyQuery>,
    /// What is odd but does not stop the check.
    pub(super) problems: Vec<String>,
}

/// Reads options of one map by key; null and the text `None`, which the shipped example shows, count as absent.
struct Reader<'a> {
    map: &'a Value,
    prefix: &'static str,
}

impl<'a> Reader<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null() && value.as_str() != Some("None"))
    }

    fn text(&self, keys: &[&str]) -> Result<Option<String>, String> {
        for key in keys {
            match self.get(key) {
                None => {}
                Some(Value::String(text)) if text.is_empty() => {}
                Some(Value::String(text)) => return Ok(Some(text.clone())),
                Some(Value::Number(number)) => return Ok(Some(number.to_string())),
                Some(Value::Bool(flag)) => return Ok(Some(flag.to_string())),
                Some(_) => return Err(format!("{}{key} must be a text", self.prefix)),
            }
        }
        Ok(None)
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).map_or(default, is_affirmative)
    }

    fn seconds(&self, keys: &[&str], default: Duration) -> Result<Duration, String> {
        let Some(text) = self.text(keys)? else { return Ok(default) };
        let parsed = text.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let limit = LONGEST_TIMEOUT.as_secs();
        parsed.filter(|time| !time.is_zero() && *time <= LONGEST_TIMEOUT).ok_or_else(|| {
            format!("{} must be a number of seconds above 0 and at most {limit}, not `{text}`", keys.join("/"))
        })
    }

    fn list(&self, key: &str) -> Result<&'a [Value], String> {
        match self.get(key) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(format!("{key} must be a list, not {other}")),
        }
    }
}

impl Config {
    /// Reads an instance; the error names the key and what was expected, never a password.
    pub(super) fn of(instance: &Instance) -> Result<Self, InstanceError> {
        Self::read(instance).map_err(|reason| instance.refuse(reason))
    }

    fn read(instance: &Instance) -> Result<Self, String> {
        let options = Reader { map: &instance.options, prefix: "" };
        let empty = Value::Null;
        let groups = Reader { map: instance.options.get("options").unwrap_or(&empty), prefix: "options." };
        let dbm = options.flag("dbm", options.flag("deep_database_monitoring", false));
        let mut config = Self {
            endpoint: endpoint(&options)?,
            defaults_file: options.text(&["defaults_file"])?.map(|path| beside(instance, path)),
            connect_timeout: options.seconds(&["connect_timeout"], CONNECT_TIMEOUT)?,
            query_timeout: options.seconds(&["query_timeout", "read_timeout"], QUERY_TIMEOUT)?,
            charset: charset(&options)?,
            tags: instance.tags(),
            reported_hostname: options.text(&["reported_hostname"])?.unwrap_or_default(),
            only_custom_queries: options.flag("only_custom_queries", false),
            groups: groups_of(&groups, dbm)?,
            index_interval: index_interval(&options)?,
            index_asked: options.get("index_metrics").is_some(),
            additional: Vec::new(),
            legacy: Vec::new(),
            problems: Vec::new(),
        };
        for key in ["additional_status", "additional_variable"] {
            for entry in options.list(key)? {
                config.additional.push(additional(entry, key)?);
            }
        }
        config.read_legacy(&options)?;
        config.check()?;
        // A channel that is monitored on its own is part of what everything is about.
        config.tags.extend(config.groups.replication_channel.iter().map(|channel| format!("channel:{channel}")));
        Ok(config)
    }

    fn read_legacy(&mut self, options: &Reader<'_>) -> Result<(), String> {
        let queries = options.list("queries")?;
        let most = match options.text(&["max_custom_queries"])? {
            None => MAX_LEGACY_QUERIES,
            Some(text) => text.parse().map_err(|_| format!("max_custom_queries must be a number, not `{text}`"))?,
        };
        if queries.len() > most {
            self.problems.push(format!("queries: only the first {most} are run (max_custom_queries)"));
        }
        for (index, query) in queries.iter().take(most).enumerate() {
            match legacy(query) {
                Ok(query) => self.legacy.push(query),
                Err(problem) => self.problems.push(format!("queries: entry {}: {problem}", index + 1)),
            }
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), String> {
        if self.defaults_file.is_some() {
            return Ok(());
        }
        if self.endpoint.host.is_empty() && self.endpoint.socket.is_none() {
            return Err("host is missing: host (or server), sock or defaults_file is needed".into());
        }
        if self.endpoint.user.is_empty() {
            return Err("username is missing: username (or user) or defaults_file is needed".into());
        }
        Ok(())
    }
}

fn endpoint(options: &Reader<'_>) -> Result<Endpoint, String> {
    let port = match options.text(&["port"])? {
        None => None,
        Some(text) => {
            let expected = || format!("port must be a number from 1 to 65535, not `{text}`");
            // 0 is how the integration says that there is none.
            Some(text.trim().parse().map_err(|_| expected())?).filter(|port| *port != 0)
        }
    };
    Ok(Endpoint {
        host: options.text(&["host", "server"])?.unwrap_or_default(),
        port,
        socket: options.text(&["sock", "socket"])?,
        user: options.text(&["username", "user"])?.unwrap_or_default(),
        password: options.text(&["password", "pass"])?.unwrap_or_default(),
        tls: tls(options.get("ssl"))?,
    })
}

fn tls(option: Option<&Value>) -> Result<Option<Tls>, String> {
    match option {
        None => Ok(None),
        Some(Value::Object(map)) if map.is_empty() => Ok(None),
        Some(map @ Value::Object(_)) => {
            let reader = Reader { map, prefix: "ssl." };
            let path = |key: &str| reader.text(&[key]).map(|path| path.map(PathBuf::from));
            let (cert, key) = (path("cert")?, path("key")?);
            if cert.is_some() != key.is_some() {
                return Err("ssl needs both cert and key, or none of them".into());
            }
            Ok(Some(Tls { ca: path("ca")?, cert, key, check_hostname: reader.flag("check_hostname", true) }))
        }
        Some(Value::Array(_)) => Err("ssl must be a map with ca, cert, key and check_hostname".into()),
        Some(flag) => Ok(is_affirmative(flag).then(Tls::default)),
    }
}

fn charset(options: &Reader<'_>) -> Result<Option<String>, String> {
    let charset = options.text(&["charset"])?;
    match &charset {
        Some(name) if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
            Err(format!("charset must be the name of a character set such as utf8mb4, not `{name}`"))
        }
        _ => Ok(charset),
    }
}

fn groups_of(options: &Reader<'_>, dbm: bool) -> Result<Groups, String> {
    if !matches!(options.map, Value::Null | Value::Object(_)) {
        return Err(format!("options must be a map, not {}", options.map));
    }
    Ok(Groups {
        replication: options.flag("replication", dbm),
        replication_channel: options.text(&["replication_channel"])?,
        replication_non_blocking_status: options.flag("replication_non_blocking_status", false),
        galera_cluster: options.flag("galera_cluster", false),
        extra_status: options.flag("extra_status_metrics", true),
        extra_innodb: options.flag("extra_innodb_metrics", dbm),
        disable_innodb: options.flag("disable_innodb_metrics", false),
        extra_performance: options.flag("extra_performance_metrics", dbm),
        schema_size: options.flag("schema_size_metrics", false),
        table_size: options.flag("table_size_metrics", false),
        system_table_size: options.flag("system_table_size_metrics", false),
        table_rows_stats: options.flag("table_rows_stats_metrics", false),
    })
}

/// Index metrics (`index_metrics`, a map with `enabled` and `collection_interval`) are read now and then by default.
fn index_interval(options: &Reader<'_>) -> Result<Option<Duration>, String> {
    match options.get("index_metrics") {
        None => Ok(Some(INDEX_INTERVAL)),
        Some(map @ Value::Object(_)) => {
            let reader = Reader { map, prefix: "index_metrics." };
            let Some(text) = reader.text(&["collection_interval"])? else {
                return Ok(reader.flag("enabled", true).then_some(INDEX_INTERVAL));
            };
            let seconds: Option<u64> = text.parse().ok().filter(|seconds| *seconds > 0);
            let expected = || format!("index_metrics.collection_interval must be a number of seconds, not `{text}`");
            let interval = Duration::from_secs(seconds.ok_or_else(expected)?);
            Ok(reader.flag("enabled", true).then_some(interval))
        }
        Some(flag) => Ok(is_affirmative(flag).then_some(INDEX_INTERVAL)),
    }
}

/// The kind of a metric by the name that configurations use.
fn kind(name: &str) -> Option<SampleKind> {
    Some(match name.to_ascii_lowercase().as_str() {
        "gauge" => SampleKind::Gauge,
        "rate" => SampleKind::Rate,
        "count" => SampleKind::Count,
        "monotonic_count" | "monotonic" => SampleKind::MonotonicCount,
        "histogram" => SampleKind::Histogram,
        _ => return None,
    })
}

fn additional(entry: &Value, key: &str) -> Result<Additional, String> {
    let text = |field: &str| {
        entry.get(field).and_then(Value::as_str).ok_or_else(|| format!("{key}: {field} is missing or not a text"))
    };
    let kind_name = text("type")?;
    let kind = kind(kind_name)
        .ok_or_else(|| format!("{key}: type must be gauge, rate, count or monotonic_count, not `{kind_name}`"))?;
    Ok(Additional { variable: text("name")?.to_owned(), metric: text("metric_name")?.to_owned(), kind })
}

fn legacy(query: &Value) -> Result<LegacyQuery, String> {
    let text = |key: &str| query.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let needed = |key: &str| text(key).map(str::to_owned).ok_or_else(|| format!("{key} is missing or not a text"));
    let tag = match (text("tag_column").or(text("tag_field")), text("tag_key")) {
        (Some(column), key) => Some((column.to_owned(), key.unwrap_or(column).to_owned())),
        (None, Some(key)) => Some((key.to_owned(), key.to_owned())),
        (None, None) => None,
    };
    let tags = match query.get("tags") {
        Some(Value::Array(tags)) => tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    Ok(LegacyQuery {
        sql: needed("query")?,
        metric: needed("metric")?,
        field: needed("field")?,
        kind: text("type").and_then(kind).unwrap_or(SampleKind::Gauge),
        tags,
        tag,
    })
}

/// A path of a configuration; a relative one is beside the file that names it.
fn beside(instance: &Instance, path: String) -> PathBuf {
    let path = PathBuf::from(path);
    match instance.source.path.parent() {
        Some(folder) if path.is_relative() => folder.join(path),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use galgo_agent::check::Source;
    use serde_json::json;

    use super::*;

    fn config(options: Value) -> Result<Config, String> {
        let instance = Instance::new("mysql", options, Value::Null, Source::default()).unwrap();
        Config::of(&instance).map_err(|error| error.reason)
    }

    #[test]
    fn old_and_new_names_are_known() {
        let old = json!({ "server": "127.0.0.1", "user": "datadog", "pass": 123, "port": "3307",
            "connect_timeout": "None", "options": { "replication": 0, "galera_cluster": 1, "extra_innodb_metrics": "yes",
            "disable_innodb_metrics": false } });
        let old = config(old).unwrap();
        assert_eq!((old.endpoint.host.as_str(), old.endpoint.user.as_str()), ("127.0.0.1", "datadog"));
        assert_eq!((old.endpoint.password.as_str(), old.endpoint.port), ("123", Some(3307)));
        assert_eq!(old.endpoint.tags(), ["port:3307", "server:127.0.0.1"]);
        assert!(!old.groups.replication && old.groups.galera_cluster && old.groups.extra_innodb);
        assert!(old.groups.extra_status && !old.groups.disable_innodb && !old.groups.extra_performance);
        assert_eq!(old.connect_timeout, CONNECT_TIMEOUT);
        let new = config(json!({ "host": "db", "username": "u", "password": "p", "query_timeout": 2.5 })).unwrap();
        assert_eq!(new.endpoint.tags(), ["port:3306", "server:db"]);
        assert_eq!(new.query_timeout, Duration::from_millis(2500));
        assert!(!format!("{:?}", config(json!({ "host": "h", "user": "u", "pass": "s3cret" }))).contains("s3cret"));
    }

    #[test]
    fn a_socket_goes_before_the_host() {
        let config = config(json!({ "sock": "/run/m.sock", "host": "h", "user": "u", "tags": ["a:b"],
            "options": { "replication_channel": "c1" } }));
        let config = config.unwrap();
        assert_eq!(config.endpoint.tags(), ["port:unix_socket", "server:/run/m.sock"]);
        assert_eq!((config.endpoint.to_string().as_str(), config.endpoint.is_local()), ("/run/m.sock", true));
        assert_eq!(config.tags, ["a:b", "channel:c1"]);
    }

    #[test]
    fn mistakes_are_named() {
        let refused = |options: Value| config(options).unwrap_err();
        let cases = [
            json!({}),
            json!({ "host": "h" }),
            json!({ "host": "h", "user": "u", "port": 70000 }),
            json!({ "host": "h", "user": "u", "query_timeout": 0 }),
            json!({ "host": ["h"], "user": "u" }),
            json!({ "host": "h", "user": "u", "ssl": { "cert": "c" } }),
            json!({ "host": "h", "user": "u", "options": [1] }),
            json!({ "host": "h", "user": "u", "charset": "utf8'; drop" }),
            json!({ "host": "h", "user": "u", "additional_status": [{ "name": "x", "metric_name": "y", "type": "z" }] }),
        ];
        expect_test::expect![[r#"
            host is missing: host (or server), sock or defaults_file is needed
            username is missing: username (or user) or defaults_file is needed
            port must be a number from 1 to 65535, not `70000`
            query_timeout/read_timeout must be a number of seconds above 0 and at most 120, not `0`
            host must be a text
            ssl needs both cert and key, or none of them
            options must be a map, not [1]
            charset must be the name of a character set such as utf8mb4, not `utf8'; drop`
            additional_status: type must be gauge, rate, count or monotonic_count, not `z`"#]]
        .assert_eq(&cases.map(refused).join("\n"));
    }
}
