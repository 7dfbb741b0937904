//! What every handler works with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use galgo_catalog::{Catalog, CatalogError};
use galgo_core::Clock;
use galgo_metrics::Engine;
use parking_lot::RwLock;
use tokio::sync::Semaphore;

use crate::error::ApiError;
use crate::metrics::names::MetricNames;
use crate::query::pool::{QueryLimits, QueryPool};
use crate::query::queried::Queried;
use crate::stats::Stats;

/// Bounds of the HTTP side. The binary fills it from the configuration.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Most bytes of request bodies in work at once; beyond, senders get 429.
    pub body_memory_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// Bounds of queries.
    pub query: QueryLimits,
    /// How far back queries may reach, in seconds; older ends are refused.
    pub retention_s: i64,
    /// Version shown to users.
    pub version: &'static str,
    /// Whether the session cookie is for HTTPS only (`--public-url` begins with `https://`).
    pub secure_cookie: bool,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            body_memory_bytes: 256 << 20,
            body_timeout: Duration::from_secs(30),
            query: QueryLimits::default(),
            retention_s: 15 * 31 * 86_400,
            version: env!("CARGO_PKG_VERSION"),
            secure_cookie: false,
        }
    }
}

/// The shared state of all handlers.
#[derive(Debug)]
pub struct App {
    /// The metric engine.
    pub engine: Arc<Engine>,
    /// The catalogue.
    pub catalog: Catalog,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where queries run.
    pub queries: QueryPool,
    /// What people ask for.
    pub queried: Queried,
    /// Own counters.
    pub stats: Stats,
    /// Bounds.
    pub config: ApiConfig,
    /// The newest list of metrics.
    pub(crate) names: MetricNames,
    /// KiB of request bodies that may still come in.
    pub(crate) body_memory: Arc<Semaphore>,
    /// Large bodies are unpacked off the async threads, a few at a time.
    pub(crate) decoders: Arc<Semaphore>,
    stopping: AtomicBool,
    started: Duration,
    foreign: RwLock<Vec<ForeignCounters>>,
}

/// Counters of another part of the process, for `/metrics`.
struct ForeignCounters(Box<dyn Fn() -> Vec<(&'static str, u64)> + Send + Sync>);

impl std::fmt::Debug for ForeignCounters {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ForeignCounters")
    }
}

impl App {
    /// The state around an open engine and catalogue.
    pub fn new(engine: Arc<Engine>, catalog: Catalog, clock: Arc<dyn Clock>, config: ApiConfig) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Arc::new(Self {
            queries: QueryPool::new(engine.clone(), clock.clone(), config.query),
            queried: Queried::default(),
            names: MetricNames::default(),
            stats: Stats::default(),
            body_memory: Arc::new(Semaphore::new(config.body_memory_bytes / 1024)),
            decoders: Arc::new(Semaphore::new(cores)),
            stopping: AtomicBool::new(false),
            started: clock.monotonic(),
            foreign: RwLock::default(),
            engine,
            catalog,
            clock,
            config,
        })
    }

    /// From now on `/ready` fails, so that a load balancer looks elsewhere.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the server is about to end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Shows counters of another part of the process on `/metrics`.
    pub fn show_counters(&self, read: impl Fn() -> Vec<(&'static str, u64)> + Send + Sync + 'static) {
        self.foreign.write().push(ForeignCounters(Box::new(read)));
    }

    /// Those counters now.
    pub fn foreign_counters(&self) -> Vec<(&'static str, u64)> {
        self.foreign.read().iter().flat_map(|counters| counters.0()).collect()
    }

    /// How long this process has served.
    pub fn uptime(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.started)
    }
}

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Invalid(text) => Self::BadRequest(text),
            not_found @ CatalogError::NotFound { .. } => Self::NotFound(not_found.to_string()),
            CatalogError::Conflict(text) => Self::Conflict(text),
            CatalogError::Limit(text) => Self::Busy { text, retry_after_s: 60 },
            database @ CatalogError::Database(_) => {
                tracing::error!(error = %database, "catalogue failed");
                Self::Unavailable { text: "the catalogue does not answer".into(), retry_after_s: 10 }
            }
        }
    }
}
