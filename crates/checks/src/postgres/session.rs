//! One kept connection to a PostgreSQL server, with a time limit on everything: the server's `statement_timeout` first,
//! then, should it not answer at all, the agent's own.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config as Target, SimpleQueryMessage};
use tracing::debug;

use super::config::Config;
use super::tls::Rustls;
use crate::custom_query::Table;

/// Time for cancelling a query.
const SHORT: Duration = Duration::from_secs(2);

/// Most queries of one run that may take too long; beyond, the rest of the run is given up.
const MAX_TIMEOUTS: u8 = 3;

/// Why a query has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum QueryError {
    /// The user may not ask this.
    #[error("{0}")]
    Denied(String),
    /// The server refused it for another reason.
    #[error("{0}")]
    Refused(String),
    /// It took too long and was cancelled.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The connection is gone.
    #[error("{0}")]
    Lost(String),
}

/// A connection that may be there.
#[derive(Debug)]
pub(super) struct Session {
    config: Arc<Config>,
    connected: Option<Connected>,
    lost: String,
    timeouts: u8,
}

#[derive(Debug)]
struct Connected {
    client: Client,
    /// Moves the bytes; it ends with the client, or is ended with it.
    driver: JoinHandle<()>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Session {
    /// A session that is not connected yet.
    pub(super) fn new(config: Arc<Config>) -> Self {
        Self { config, connected: None, lost: String::new(), timeouts: 0 }
    }

    /// Why there is no connection; `None` when there is one.
    pub(super) fn lost(&self) -> Option<&str> {
        self.connected.is_none().then_some(self.lost.as_str())
    }

    /// Starts a run: makes sure that there is a connection that answers.
    pub(super) async fn begin(&mut self) -> Result<(), String> {
        self.timeouts = 0;
        if let Some(connected) = &self.connected {
            let ping = connected.client.simple_query("");
            if matches!(timeout(self.config.query_timeout, ping).await, Ok(Ok(_))) {
                return Ok(());
            }
            self.connected = None;
        }
        self.connect().await
    }

    async fn connect(&mut self) -> Result<(), String> {
        let place = self.config.place();
        let problem = match timeout(self.config.connect_timeout, dial(&self.config)).await {
            Ok(Ok(connected)) => {
                self.connected = Some(connected);
                return Ok(());
            }
            Ok(Err(problem)) => problem,
            Err(_) => format!("no answer within {:?}", self.config.connect_timeout),
        };
        self.lose(format!("cannot connect to PostgreSQL at {place}: {problem}"))
    }

    fn lose(&mut self, reason: String) -> Result<(), String> {
        self.connected = None;
        self.lost.clone_from(&reason);
        Err(reason)
    }

    /// Asks; after a query that took too long there is a new connection, so that the next one can be asked.
    pub(super) async fn query(&mut self, sql: &str) -> Result<Table, QueryError> {
        let Some(connected) = &self.connected else { return Err(QueryError::Lost(self.lost.clone())) };
        let limit = self.config.query_timeout + Duration::from_millis(500);
        match timeout(limit, rows(&connected.client, sql)).await {
            Ok(Ok(table)) => Ok(table),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => {
                self.cancel().await;
                self.connected = None;
                let _ = self.connect().await;
                Err(self.count_timeout())
            }
        }
    }

    fn failed(&mut self, error: &tokio_postgres::Error) -> QueryError {
        let closed = self.connected.as_ref().is_none_or(|connected| connected.client.is_closed());
        match error.as_db_error() {
            Some(_) | None if closed => {
                let reason = format!("connection to PostgreSQL at {} broke: {}", self.config.place(), words(error));
                let _ = self.lose(reason.clone());
                QueryError::Lost(reason)
            }
            Some(db) if *db.code() == SqlState::QUERY_CANCELED || *db.code() == SqlState::LOCK_NOT_AVAILABLE => {
                self.count_timeout()
            }
            Some(db) if *db.code() == SqlState::INSUFFICIENT_PRIVILEGE => QueryError::Denied(db.message().to_owned()),
            _ => QueryError::Refused(words(error)),
        }
    }

    fn count_timeout(&mut self) -> QueryError {
        self.timeouts += 1;
        if self.timeouts >= MAX_TIMEOUTS {
            let _ =
                self.lose(format!("{} queries had no answer within {:?}", self.timeouts, self.config.query_timeout));
        }
        QueryError::TimedOut(self.config.query_timeout)
    }

    /// Ends what the connection does; a server that does not even answer this is left alone.
    async fn cancel(&self) {
        let (Some(connected), Ok(tls)) = (&self.connected, connector(&self.config)) else { return };
        let token = connected.client.cancel_token();
        if !matches!(timeout(SHORT, token.cancel_query(tls)).await, Ok(Ok(()))) {
            debug!("a query that took too long could not be cancelled");
        }
    }

    /// Closes the connection.
    pub(super) fn close(&mut self) {
        self.connected = None;
        "the check is no longer scheduled".clone_into(&mut self.lost);
    }
}

fn connector(config: &Config) -> Result<Rustls, String> {
    let (client, _) = config.trust.client_config().map_err(|error| error.to_string())?;
    Ok(Rustls(Arc::new(client)))
}

async fn dial(config: &Config) -> Result<Connected, String> {
    let mut target = Target::new();
    target.host(&config.host).port(config.dialled_port()).user(&config.user).dbname(&config.database);
    target.application_name(&config.application).ssl_mode(config.ssl_mode);
    if !config.password.is_empty() {
        target.password(&config.password);
    }
    let (client, connection) = target.connect(connector(config)?).await.map_err(|error| words(&error))?;
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            debug!(%error, "connection to PostgreSQL ended");
        }
    });
    let connected = Connected { client, driver };
    let limit = config.query_timeout.as_millis();
    let settings = format!("SET statement_timeout = {limit}; SET lock_timeout = {limit}; SET DateStyle = 'ISO'");
    connected.client.batch_execute(&settings).await.map_err(|error| words(&error))?;
    Ok(connected)
}

/// The rows of a query as text, within the bounds of a table.
async fn rows(client: &Client, sql: &str) -> Result<Table, tokio_postgres::Error> {
    let mut messages = pin!(client.simple_query_raw(sql).await?);
    let mut table = Table::default();
    let mut bytes = 0;
    while let Some(message) = messages.next().await {
        match message? {
            SimpleQueryMessage::RowDescription(columns) => {
                // Of several statements the last one counts.
                table = Table::default();
                bytes = 0;
                table.columns = columns.iter().map(|column| column.name().to_owned()).collect();
            }
            SimpleQueryMessage::Row(row) => {
                table.push((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect(), &mut bytes);
            }
            _ => {}
        }
    }
    Ok(table)
}

/// What an error says: the server's own words, else the innermost cause.
fn words(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return db.message().to_owned();
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
