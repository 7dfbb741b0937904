//! Opens a connection only to see what a server shows: its certificates and the version of TLS that it speaks.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Verifier;
use crate::http::tls_error;

/// Why a server cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Its name leads nowhere.
    #[error("unable to resolve {host}, check your DNS: {reason}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver says.
        reason: String,
    },
    /// It does not take the connection.
    #[error("{address}: {reason}")]
    Refused {
        /// The last address that was tried.
        address: SocketAddr,
        /// What the kernel says.
        reason: String,
    },
    /// It does not answer.
    #[error("{host}:{port}: no connection within {limit:?}")]
    TimedOut {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// The time limit.
        limit: Duration,
    },
}

/// Addresses of a host, in the resolver's order.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    let fail = |reason: String| ConnectError::Resolve { host: host.to_owned(), reason };
    let found: Vec<SocketAddr> = lookup_host((host, port)).await.map_err(|error| fail(error.to_string()))?.collect();
    if found.is_empty() { Err(fail("no address".into())) } else { Ok(found) }
}

/// Connects to the first address of a host that takes the connection.
pub async fn connect(host: &str, port: u16, limit: Duration) -> Result<TcpStream, ConnectError> {
    let attempt = async {
        let mut refused = None;
        for address in resolve(host, port).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => refused = Some(ConnectError::Refused { address, reason: error.to_string() }),
            }
        }
        // There was at least one address, and none took the connection.
        Err(refused.unwrap_or_else(|| ConnectError::Resolve { host: host.to_owned(), reason: "no address".into() }))
    };
    let timed_out = || ConnectError::TimedOut { host: host.to_owned(), port, limit };
    timeout(limit, attempt).await.unwrap_or_else(|_| Err(timed_out()))
}

/// What a server showed.
#[derive(Debug)]
pub struct Shown {
    /// Its certificate, followed by those it sent along.
    pub chain: Vec<CertificateDer<'static>>,
    /// The version that was agreed on.
    pub version: Option<ProtocolVersion>,
}

/// Why there was nothing to see.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The two sides cannot agree, or one broke the rules.
    #[error("{0}")]
    Tls(rustls::Error),
    /// The connection broke.
    #[error("{0}")]
    Broken(io::Error),
    /// The server fell silent.
    #[error("no TLS handshake within {0:?}")]
    TimedOut(Duration),
    /// The server showed nothing.
    #[error("the server shows no certificate")]
    NoCertificate,
}

/// Shakes hands with a server, whatever its certificate, and closes the connection.
pub async fn look(
    stream: TcpStream,
    config: &ClientConfig,
    verifier: &Verifier,
    name: &ServerName<'static>,
    limit: Duration,
) -> Result<Shown, HandshakeError> {
    let mut config = config.clone();
    config.dangerous().set_certificate_verifier(Arc::new(verifier.that_lets_pass()));
    let connector = TlsConnector::from(Arc::new(config));
    let shaken = timeout(limit, connector.connect(name.clone(), stream)).await;
    let stream = shaken.map_err(|_| HandshakeError::TimedOut(limit))?.map_err(|error| match tls_error(&error) {
        Some(tls) => HandshakeError::Tls(tls),
        None => HandshakeError::Broken(error),
    })?;
    let (_, connection) = stream.get_ref();
    let chain = connection.peer_certificates().ok_or(HandshakeError::NoCertificate)?;
    Ok(Shown { chain: chain.to_vec(), version: connection.protocol_version() })
}
