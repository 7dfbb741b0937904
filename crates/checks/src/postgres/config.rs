//! What an instance of the PostgreSQL check may say.

use std::path::PathBuf;
use std::time::Duration;

use galgo_agent::check::{Instance, InstanceError};
use serde_json::Value;
use tokio_postgres::config::SslMode;

use super::relations::Relations;
use crate::options::Options;
use crate::trust::TrustOptions;

/// Time to connect unless `connect_timeout` says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for one query unless `query_timeout`, in milliseconds, says otherwise.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time for one query: a run must end before the scheduler gives it up.
const LONGEST_QUERY: Duration = Duration::from_secs(120);

/// Most tables that are looked at unless `max_relations` says otherwise.
const MAX_RELATIONS: u64 = 300;

/// Databases that nobody looks after.
const IGNORED: [&str; 4] = ["template%", "rdsadmin", "azure_maintenance", "cloudsqladmin"];

/// Everything that an instance says.
#[derive(Clone)]
pub(super) struct Config {
    /// Host name or address, or a folder with the server's socket.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) database: String,
    pub(super) application: String,
    pub(super) ssl_mode: SslMode,
    pub(super) trust: TrustOptions,
    pub(super) connect_timeout: Duration,
    pub(super) query_timeout: Duration,
    pub(super) tags: Vec<String>,
    pub(super) reported_hostname: String,
    /// Only the database that the check connects to (`dbstrict`).
    pub(super) strict: bool,
    /// Patterns of databases that are left out.
    pub(super) ignored: Vec<String>,
    pub(super) relations: Relations,
    pub(super) max_relations: u64,
    pub(super) counts: bool,
    pub(super) sizes: bool,
    pub(super) activity: bool,
    pub(super) functions: bool,
    /// `None` when nothing is said: then a missing privilege is no warning.
    pub(super) wal: Option<bool>,
    pub(super) role_tag: bool,
    pub(super) only_custom_queries: bool,
    /// What is odd but does not stop the check.
    pub(super) problems: Vec<String>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").field("at", &self.place()).field("database", &self.database).finish_non_exhaustive()
    }
}

impl Config {
    /// Reads an instance; the error names the key and what was expected, never a password.
    pub(super) fn of(instance: &Instance) -> Result<Self, InstanceError> {
        let options = Options::of(instance);
        let text = |key: &str, default: &str| {
            Ok::<_, InstanceError>(options.text(key)?.filter(|text| !text.is_empty()).unwrap_or_else(|| default.into()))
        };
        let (ssl_mode, verify, validate_hostname) = ssl_mode(&options)?;
        let path = |key: &str| Ok::<_, InstanceError>(options.text(key)?.filter(|p| !p.is_empty()).map(PathBuf::from));
        let limit = LONGEST_QUERY.as_millis() as u64;
        let query_timeout = match options.whole("query_timeout")? {
            None => QUERY_TIMEOUT,
            Some(time) if (1..=limit).contains(&time) => Duration::from_millis(time),
            Some(time) => {
                let expected = format!("milliseconds from 1 to {limit}");
                return Err(options.refuse("query_timeout", &expected, &Value::from(time)));
            }
        };
        let mut problems = Vec::new();
        for key in ["collect_bloat_metrics", "custom_metrics", "database_autodiscovery"] {
            if options.get(key).is_some_and(|value| *value != false && value["enabled"] != false) {
                problems.push(format!("{key} is not known to this check and is passed over"));
            }
        }
        let relations = Relations::of(options.get("relations")).map_err(|reason| instance.refuse(reason))?;
        Ok(Self {
            host: options.required("host")?,
            port: options.port("port")?,
            user: options.required("username")?,
            password: text("password", "")?,
            database: text("dbname", "postgres")?,
            application: text("application_name", "galgo-agent")?,
            ssl_mode,
            trust: TrustOptions {
                verify,
                validate_hostname,
                ca: path("ssl_root_cert")?,
                cert: path("ssl_cert")?,
                key: path("ssl_key")?,
            },
            connect_timeout: options.limit("connect_timeout")?.unwrap_or(CONNECT_TIMEOUT),
            query_timeout,
            tags: instance.tags(),
            reported_hostname: text("reported_hostname", "")?,
            strict: options.flag("dbstrict", false),
            ignored: ignored(&options)?,
            relations,
            max_relations: options.whole("max_relations")?.unwrap_or(MAX_RELATIONS),
            counts: options.flag("collect_count_metrics", true),
            sizes: options.flag("collect_database_size_metrics", true),
            activity: options.flag("collect_activity_metrics", false),
            functions: options.flag("collect_function_metrics", false),
            wal: options.get("collect_wal_metrics").map(|_| options.flag("collect_wal_metrics", false)),
            role_tag: options.flag("tag_replication_role", true),
            only_custom_queries: options.flag("only_custom_queries", false),
            problems,
        })
    }

    /// The port that is dialled, or that names the socket.
    pub(super) fn dialled_port(&self) -> u16 {
        self.port.unwrap_or(5432)
    }

    /// Where the server is, for messages.
    pub(super) fn place(&self) -> String {
        match self.is_socket() {
            true => format!("{}/.s.PGSQL.{}", self.host, self.dialled_port()),
            false => format!("{}:{}", self.host, self.dialled_port()),
        }
    }

    fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// Tags of everything, without a database.
    pub(super) fn server_tags(&self) -> Vec<String> {
        let port = match (self.port, self.is_socket()) {
            (None, true) => "socket".to_owned(),
            _ => self.dialled_port().to_string(),
        };
        let mut tags = self.tags.clone();
        tags.extend([format!("port:{port}"), format!("server:{}", self.host)]);
        tags
    }

    /// Condition on a column with a database's name.
    pub(super) fn database_condition(&self, column: &str) -> String {
        if self.strict {
            return format!("{column} = {}", literal(&self.database));
        }
        let conditions: Vec<String> =
            self.ignored.iter().map(|pattern| format!("{column} NOT ILIKE {}", literal(pattern))).collect();
        if conditions.is_empty() { format!("{column} IS NOT NULL") } else { conditions.join(" AND ") }
    }
}

/// A text as a literal of SQL.
pub(super) fn literal(text: &str) -> String {
    // The escape form means the same whatever the server's setting for backslashes is.
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn ssl_mode(options: &Options<'_>) -> Result<(SslMode, bool, bool), InstanceError> {
    let Some(value) = options.get("ssl") else { return Ok((SslMode::Prefer, false, false)) };
    let mode = match value {
        Value::Bool(true) => "require",
        Value::Bool(false) => "disable",
        Value::String(mode) => mode.as_str(),
        _ => "",
    };
    match mode.to_ascii_lowercase().as_str() {
        "disable" | "false" => Ok((SslMode::Disable, false, false)),
        // Both come down to TLS where the server has it.
        "allow" | "prefer" => Ok((SslMode::Prefer, false, false)),
        "require" | "true" => Ok((SslMode::Require, false, false)),
        "verify-ca" => Ok((SslMode::Require, true, false)),
        "verify-full" => Ok((SslMode::Require, true, true)),
        _ => Err(options.refuse("ssl", "disable, allow, prefer, require, verify-ca or verify-full", value)),
    }
}

fn ignored(options: &Options<'_>) -> Result<Vec<String>, InstanceError> {
    let mut ignored = match options.get("ignore_databases") {
        None => IGNORED.map(str::to_owned).to_vec(),
        Some(_) => options.texts("ignore_databases")?,
    };
    if !options.flag("collect_default_database", true) {
        ignored.push("postgres".into());
    }
    Ok(ignored)
}

#[cfg(test)]
mod tests {
    use galgo_agent::check::Source;
    use serde_json::json;

    use super::*;

    fn config(options: Value) -> Result<Config, String> {
        let instance = Instance::new("postgres", options, Value::Null, Source::default()).unwrap();
        Config::of(&instance).map_err(|error| error.reason)
    }

    #[test]
    fn places_tags_and_databases_follow_the_options() {
        let tcp = config(json!({ "host": "db", "port": "5433", "username": "u", "tags": ["a:b"] })).unwrap();
        assert_eq!((tcp.place().as_str(), tcp.ssl_mode), ("db:5433", SslMode::Prefer));
        assert_eq!(tcp.server_tags(), ["a:b", "port:5433", "server:db"]);
        let condition = tcp.database_condition("d");
        assert!(condition.starts_with("d NOT ILIKE E'template%' AND d NOT ILIKE E'rdsadmin'"), "{condition}");
        let socket =
            config(json!({ "host": "/run/pg", "username": "u", "dbstrict": "true", "dbname": "it's" })).unwrap();
        assert_eq!(socket.server_tags(), ["port:socket", "server:/run/pg"]);
        assert_eq!(socket.place(), "/run/pg/.s.PGSQL.5432");
        assert_eq!(socket.database_condition("d"), "d = E'it''s'");
        let own = json!({ "host": "h", "username": "u", "ignore_databases": ["x"], "collect_default_database": false });
        assert_eq!(config(own).unwrap().ignored, ["x", "postgres"]);
        let secret = json!({ "host": "h", "username": "u", "password": "s3cret" });
        assert!(!format!("{:?}", config(secret)).contains("s3cret"));
    }

    #[test]
    fn mistakes_are_named() {
        let refused = |options: Value| config(options).unwrap_err();
        assert!(refused(json!({ "username": "u" })).contains("host"));
        assert!(refused(json!({ "host": "h" })).contains("username"));
        let ssl = refused(json!({ "host": "h", "username": "u", "ssl": "on" }));
        assert!(ssl.contains("verify-full") && ssl.contains("on"), "{ssl}");
        let time = refused(json!({ "host": "h", "username": "u", "query_timeout": 0 }));
        assert!(time.contains("query_timeout") && time.contains("milliseconds from 1 to 120000"), "{time}");
    }
}
