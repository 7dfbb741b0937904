//! The HTTP/1.1 server: accepts connections up to a bound, times out those that do not speak, and lets the ones that
//! are being answered finish when it stops.
//!
//! It drives hyper itself instead of `axum::serve` because that has no bound on connections, no header timeout and no
//! `TCP_NODELAY`. `Date` comes from hyper: agents measure their clock by it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::EXPECT;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::drain::Drained;

/// How the server treats its connections.
#[derive(Debug, Clone, Copy)]
pub struct ServerConfig {
    /// Most connections at once; more wait in the kernel's queue.
    pub max_connections: usize,
    /// A connection that sends no complete header within this time is closed; also bounds idle keep-alive.
    pub header_timeout: Duration,
    /// How long requests may go on once the server stops.
    pub grace: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        // Agents flush each 15 s over one kept connection, so an idle one must live well beyond that.
        Self { max_connections: 4096, header_timeout: Duration::from_secs(75), grace: Duration::from_secs(10) }
    }
}

/// Largest request head; the default of hyper (400 KiB) would let idle connections hold much memory.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Pause after `accept` failed (out of file descriptors), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The peer of a connection, as an extension of each request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Serves `router` until `stop` turns true, then lets requests finish for at most the grace time.
pub async fn serve(listener: TcpListener, router: Router, config: ServerConfig, mut stop: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(config.max_connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        if let Some((stream, peer, slot)) = accepted {
            connections.spawn(connection(stream, peer, slot, router.clone(), config, stop.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(config.grace, drained).await.is_err() {
        tracing::warn!(open = connections.len(), "connections closed while requests were still running");
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, slot)),
        Err(error) => {
            tracing::warn!(%error, "connection not accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    _slot: OwnedSemaphorePermit,
    router: Router,
    config: ServerConfig,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are small and complete: waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY not set");
    }
    let service = router.map_request(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let waits = request.headers().contains_key(EXPECT);
        request.map(|body| if waits { Body::new(body) } else { Body::new(Drained::new(body)) })
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(config.header_timeout).max_buf_size(MAX_HEAD_BYTES);
    let serving = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(serving);
    let mut stopping = false;
    loop {
        tokio::select! {
            result = serving.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, %peer, "connection ended early");
                }
                return;
            }
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}
