//! A connection to a Redis server: TCP, Unix socket or TLS, with log-in and choice of database.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use galgo_agent::check::InstanceError;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, BufStream};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::resp::{self, Reply};
use crate::http::tls_error;
use crate::options::Options;
use crate::trust::probe::{ConnectError, connect};
use crate::trust::{TrustOptions, expand_home};

/// Time for one command unless configured.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// Port unless configured.
const DEFAULT_PORT: u16 = 6379;

/// Why a server does not do what it is asked. Never shows a password.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection broke.
    #[error("{address}: {reason}")]
    Broken {
        /// The server.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// No reply came.
    #[error("{address}: no reply within {limit:?}")]
    TimedOut {
        /// The server.
        address: String,
        /// The time limit.
        limit: Duration,
    },
    /// The server says no.
    #[error("{address}: {command}: {reason}")]
    Refused {
        /// The server.
        address: String,
        /// What it was asked.
        command: String,
        /// What it says.
        reason: String,
    },
}

/// How to reach a server.
#[derive(Debug, Clone)]
enum Place {
    Tcp { host: String, port: u16 },
    Socket(PathBuf),
}

/// How to reach a server and log in.
#[derive(Clone)]
pub struct Server {
    place: Place,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    user: Option<String>,
    password: Option<String>,
    /// Database that is asked.
    pub database: u64,
    limit: Duration,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("place", &self.place).field("database", &self.database).finish_non_exhaustive()
    }
}

impl Server {
    /// Reads the options of an instance.
    pub fn read(options: &Options<'_>) -> Result<Self, InstanceError> {
        let place = match options.text("unix_socket_path")?.filter(|path| !path.is_empty()) {
            Some(path) => Place::Socket(expand_home(&path)),
            None => Place::Tcp { host: options.required("host")?, port: options.port("port")?.unwrap_or(DEFAULT_PORT) },
        };
        let tls = match &place {
            Place::Tcp { host, .. } if options.flag("ssl", false) => Some(tls(options, host)?),
            _ => None,
        };
        Ok(Self {
            place,
            tls,
            user: options.text("username")?.filter(|user| !user.is_empty()),
            password: options.text("password")?.filter(|password| !password.is_empty()),
            database: options.whole("db")?.unwrap_or(0),
            limit: options.limit("socket_timeout")?.unwrap_or(DEFAULT_TIMEOUT),
        })
    }

    /// Values of the tags `redis_host` and `redis_port`.
    pub fn tag_values(&self) -> (String, String) {
        match &self.place {
            Place::Tcp { host, port } => (host.clone(), port.to_string()),
            Place::Socket(path) => (path.display().to_string(), "unix_socket".into()),
        }
    }

    fn address(&self) -> String {
        match &self.place {
            Place::Tcp { host, port } => format!("{host}:{port}"),
            Place::Socket(path) => path.display().to_string(),
        }
    }

    /// Connects, logs in and chooses the database.
    pub async fn connect(&self) -> Result<Connection, RedisError> {
        let stream = self.stream().await?;
        let mut made = Connection { stream: BufStream::new(stream), address: self.address(), limit: self.limit };
        match (&self.user, &self.password) {
            (Some(user), Some(password)) => drop(made.command(&["AUTH", user, password]).await?),
            (None, Some(password)) => drop(made.command(&["AUTH", password]).await?),
            _ => {}
        }
        if self.database != 0 {
            made.select(self.database).await?;
        }
        Ok(made)
    }

    async fn stream(&self) -> Result<Box<dyn Stream>, RedisError> {
        let broken = |reason: String| RedisError::Broken { address: self.address(), reason };
        let timed_out = |_| RedisError::TimedOut { address: self.address(), limit: self.limit };
        let (host, port) = match &self.place {
            Place::Socket(path) => {
                let stream = timeout(self.limit, UnixStream::connect(path)).await.map_err(timed_out)?;
                return Ok(Box::new(stream.map_err(|error| broken(error.to_string()))?));
            }
            Place::Tcp { host, port } => (host, *port),
        };
        let stream = connect(host, port, self.limit).await?;
        let Some((config, name)) = &self.tls else { return Ok(Box::new(stream)) };
        let handshake = TlsConnector::from(Arc::clone(config)).connect(name.clone(), stream);
        let reason = |error: io::Error| tls_error(&error).map_or_else(|| error.to_string(), |tls| tls.to_string());
        let stream = timeout(self.limit, handshake).await.map_err(timed_out)?;
        Ok(Box::new(stream.map_err(|error| broken(reason(error)))?))
    }
}

fn tls(options: &Options<'_>, host: &str) -> Result<(Arc<ClientConfig>, ServerName<'static>), InstanceError> {
    let path = |key: &str| -> Result<Option<PathBuf>, InstanceError> {
        Ok(options.text(key)?.filter(|path| !path.is_empty()).map(|path| expand_home(&path)))
    };
    let trust = TrustOptions {
        // 0 and "none" stand for no verification.
        verify: !matches!(options.text("ssl_cert_reqs")?.as_deref(), Some("0" | "none" | "CERT_NONE")),
        validate_hostname: options.flag("ssl_check_hostname", false),
        ca: path("ssl_ca_certs")?,
        cert: path("ssl_certfile")?,
        key: path("ssl_keyfile")?,
    };
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| options.refuse("host", "a host name or an address", &Value::from(host)))?;
    let made = trust.client_config().map_err(|error| options.refuse("ssl", "usable", &Value::from(error.to_string())));
    made.map(|(config, _)| (Arc::new(config), name))
}

/// Bytes both ways.
trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// A connection that is logged in.
pub struct Connection {
    stream: BufStream<Box<dyn Stream>>,
    address: String,
    limit: Duration,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Connection {
    /// Sends a command and waits for its reply; a refusal is an error.
    pub async fn command(&mut self, parts: &[&str]) -> Result<Reply, RedisError> {
        let bytes: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        self.raw_command(&bytes).await
    }

    /// As [`Connection::command`], with keys that need not be text.
    pub async fn raw_command(&mut self, parts: &[&[u8]]) -> Result<Reply, RedisError> {
        let talk = async {
            resp::send(&mut self.stream, parts).await?;
            resp::receive(&mut self.stream).await
        };
        let reply = timeout(self.limit, talk)
            .await
            .map_err(|_| RedisError::TimedOut { address: self.address.clone(), limit: self.limit })?
            .map_err(|error| RedisError::Broken { address: self.address.clone(), reason: error.to_string() })?;
        match reply {
            Reply::Error(reason) => {
                // Only the command's name: what follows may be a password.
                let command = parts.first().map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();
                Err(RedisError::Refused { address: self.address.clone(), command, reason })
            }
            reply => Ok(reply),
        }
    }

    /// Chooses a database.
    pub async fn select(&mut self, database: u64) -> Result<(), RedisError> {
        self.command(&["SELECT", &database.to_string()]).await.map(drop)
    }
}
