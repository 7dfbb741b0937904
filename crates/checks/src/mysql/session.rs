//! One kept connection to a MySQL or MariaDB server, with a time limit on everything.
//!
//! A query that takes too long is killed on the server through a second connection: closing a socket would leave it
//! waiting there, and a user that may open five connections would soon be locked out.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{ClientIdentity, Conn, Error, Opts, OptsBuilder, SslOpts, Value};
use tokio::time::timeout;
use tracing::debug;

use super::config::{Endpoint, Tls};
use crate::custom_query::Table;

/// Largest packet that is accepted from the server, in bytes.
const MAX_PACKET: usize = 16 << 20;

/// Time for killing a query and for saying goodbye.
const SHORT: Duration = Duration::from_secs(2);

/// Most queries of one run that may take too long; beyond, the rest of the run is given up.
const MAX_TIMEOUTS: u8 = 3;

/// Why a query has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum QueryError {
    /// The server refused it; the connection is fine.
    #[error("{message} (error {code})")]
    Refused {
        /// The server's error number.
        code: u16,
        /// The server's words.
        message: String,
    },
    /// It took too long and was killed.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The connection is gone.
    #[error("{0}")]
    Lost(String),
}

impl QueryError {
    /// Whether the user lacks a privilege.
    pub(super) fn is_denied(&self) -> bool {
        // Access denied to a database, command, column, routine; a privilege is missing.
        matches!(self, Self::Refused { code: 1044 | 1142 | 1143 | 1227 | 1370, .. })
    }
}

/// Settings of a session that stay the same over reconnects.
#[derive(Debug, Clone)]
pub(super) struct SessionConfig {
    pub(super) connect_timeout: Duration,
    pub(super) query_timeout: Duration,
    pub(super) charset: Option<String>,
}

/// A connection that may be there.
#[derive(Debug)]
pub(super) struct Session {
    config: SessionConfig,
    endpoint: Endpoint,
    conn: Option<Conn>,
    lost: String,
    timeouts: u8,
}

impl Session {
    /// A session that is not connected yet.
    pub(super) fn new(config: SessionConfig, endpoint: Endpoint) -> Self {
        Self { config, endpoint, conn: None, lost: String::new(), timeouts: 0 }
    }

    /// Why there is no connection; `None` when there is one.
    pub(super) fn lost(&self) -> Option<&str> {
        self.conn.is_none().then_some(self.lost.as_str())
    }

    /// Where the session connects to.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Starts a run: makes sure that there is a connection that answers. A kept one that the server closed in the
    /// meantime is replaced without a word.
    pub(super) async fn begin(&mut self, read_endpoint: impl Fn() -> Result<Endpoint, String>) -> Result<(), String> {
        self.timeouts = 0;
        if let Some(conn) = &mut self.conn {
            if matches!(timeout(self.config.query_timeout, conn.ping()).await, Ok(Ok(()))) {
                return Ok(());
            }
            self.conn = None;
        }
        match read_endpoint() {
            Ok(endpoint) => self.endpoint = endpoint,
            Err(reason) => {
                self.lost.clone_from(&reason);
                return Err(reason);
            }
        }
        self.connect().await
    }

    async fn connect(&mut self) -> Result<(), String> {
        match timeout(self.config.connect_timeout, self.dial()).await {
            Ok(Ok(conn)) => {
                self.conn = Some(conn);
                Ok(())
            }
            Ok(Err(error)) => self.lose(format!("cannot connect to MySQL at {}: {}", self.endpoint, words(&error))),
            Err(_) => {
                let limit = self.config.connect_timeout;
                self.lose(format!("cannot connect to MySQL at {}: no answer within {limit:?}", self.endpoint))
            }
        }
    }

    fn lose(&mut self, reason: String) -> Result<(), String> {
        self.conn = None;
        self.lost.clone_from(&reason);
        Err(reason)
    }

    async fn dial(&self) -> mysql_async::Result<Conn> {
        let mut conn = Conn::new(options(&self.endpoint)).await?;
        let mut settings = Vec::new();
        if let Some(charset) = &self.config.charset {
            settings.push(format!("SET NAMES {charset}"));
        }
        // The server's own limits, where it has them: they end a query even if the agent is gone.
        let limit = self.config.query_timeout;
        settings.push(format!("SET SESSION lock_wait_timeout = {}", limit.as_secs().max(1)));
        // MariaDB knows the first, MySQL the second.
        settings.push(format!("SET SESSION max_statement_time = {}", limit.as_secs_f64()));
        settings.push(format!("SET SESSION max_execution_time = {}", limit.as_millis()));
        for setting in settings {
            match conn.query_drop(&setting).await {
                Ok(()) => {}
                Err(Error::Server(error)) => debug!(%error, setting, "server does not know a session setting"),
                Err(error) => return Err(error),
            }
        }
        Ok(conn)
    }

    /// Asks; after a query that took too long there is a new connection, so that the next one can be asked.
    pub(super) async fn query(&mut self, sql: &str) -> Result<Table, QueryError> {
        let Some(conn) = &mut self.conn else { return Err(QueryError::Lost(self.lost.clone())) };
        let id = conn.id();
        // The server's own limit comes first, with an error that leaves the connection alone.
        let limit = self.config.query_timeout + Duration::from_millis(500);
        match timeout(limit, rows(conn, sql)).await {
            Ok(Ok(table)) => Ok(table),
            Ok(Err(Error::Server(error))) => match error.code {
                // Interrupted, or waited too long for a lock.
                1205 | 1317 | 1969 | 3024 => Err(self.count_timeout()),
                code => Err(QueryError::Refused { code, message: error.message }),
            },
            Ok(Err(error)) => {
                let reason = format!("connection to MySQL at {} broke: {}", self.endpoint, words(&error));
                let _ = self.lose(reason.clone());
                Err(QueryError::Lost(reason))
            }
            Err(_) => {
                self.conn = None;
                self.kill(id).await;
                let _ = self.connect().await;
                Err(self.count_timeout())
            }
        }
    }

    fn count_timeout(&mut self) -> QueryError {
        self.timeouts += 1;
        if self.timeouts >= MAX_TIMEOUTS {
            let reason = format!("{} queries had no answer within {:?}", self.timeouts, self.config.query_timeout);
            let _ = self.lose(reason);
        }
        QueryError::TimedOut(self.config.query_timeout)
    }

    /// Ends what another connection does; a server that does not even answer this is left alone.
    async fn kill(&self, connection: u32) {
        let kill = async {
            let mut conn = Conn::new(options(&self.endpoint)).await?;
            conn.query_drop(format!("KILL {connection}")).await?;
            conn.disconnect().await
        };
        match timeout(SHORT, kill).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, "a query that took too long could not be killed"),
            Err(_) => debug!("a query that took too long could not be killed in time"),
        }
    }

    /// Closes the connection.
    pub(super) async fn close(&mut self) {
        if let Some(conn) = self.conn.take() {
            let _ = timeout(SHORT, conn.disconnect()).await;
        }
        "the check is no longer scheduled".clone_into(&mut self.lost);
    }
}

/// The first result of a query as text.
async fn rows(conn: &mut Conn, sql: &str) -> mysql_async::Result<Table> {
    let mut result = conn.query_iter(sql).await?;
    let columns = result.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
    let mut table = Table { columns, ..Table::default() };
    let mut bytes = 0;
    while let Some(row) = result.next().await? {
        // The driver's word for taking the values out of a row; it panics only on one that was taken apart before.
        table.push(row.unwrap().into_iter().map(cell).collect(), &mut bytes);
    }
    result.drop_result().await?;
    Ok(table)
}

/// The text protocol has only text and NULL; the other arms are what a driver might make of numbers.
fn cell(value: Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        ),
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Double(number) => Some(number.to_string()),
        other => Some(other.as_sql(true)),
    }
}

fn options(endpoint: &Endpoint) -> Opts {
    let mut builder = OptsBuilder::default()
        .user(Some(endpoint.user.as_str()))
        .pass((!endpoint.password.is_empty()).then_some(endpoint.password.as_str()))
        .prefer_socket(false)
        .tcp_keepalive(Some(Duration::from_secs(60)))
        .stmt_cache_size(0)
        // Said here so that the driver does not ask the server on each connection.
        .max_allowed_packet(Some(MAX_PACKET))
        .wait_timeout(Some(28_800));
    if let Some(socket) = &endpoint.socket {
        builder = builder.socket(Some(socket));
    } else {
        builder = builder.ip_or_hostname(&endpoint.host).tcp_port(endpoint.tcp_port());
        builder = builder.ssl_opts(endpoint.tls.as_ref().map(ssl));
    }
    builder.into()
}

fn ssl(tls: &Tls) -> SslOpts {
    let mut options = SslOpts::default();
    match &tls.ca {
        Some(ca) => {
            options = options.with_root_certs(vec![ca.clone().into()]).with_disable_built_in_roots(true);
            options = options.with_danger_skip_domain_validation(!tls.check_hostname);
        }
        None => options = options.with_danger_accept_invalid_certs(true),
    }
    if let (Some(cert), Some(key)) = (&tls.cert, &tls.key) {
        options = options.with_client_identity(Some(ClientIdentity::new(cert.clone().into(), key.clone().into())));
    }
    options
}

/// What a driver's error says, without the driver's frame around it.
fn words(error: &Error) -> String {
    match error {
        Error::Server(error) => format!("{} (error {})", error.message, error.code),
        Error::Io(error) => {
            let mut innermost: &dyn std::error::Error = error;
            while let Some(source) = innermost.source() {
                innermost = source;
            }
            innermost.to_string()
        }
        other => other.to_string(),
    }
}
