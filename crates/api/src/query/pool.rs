//! Where queries run: a bounded number of blocking threads, and a bounded queue before them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use galgo_core::Clock;
use galgo_query::source::{Budget, MetricSource};
use tokio::sync::Semaphore;

use crate::error::{ApiError, ApiResult};

/// Bounds of queries.
#[derive(Debug, Clone, Copy)]
pub struct QueryLimits {
    /// Most queries that run at once.
    pub running: usize,
    /// Most queries that wait; beyond, callers get 429.
    pub waiting: usize,
    /// Longest time that one query may take, waiting included.
    pub timeout: Duration,
    /// Most series that one leaf may touch.
    pub max_series: usize,
    /// Most points that one leaf may decode.
    pub max_points: u64,
    /// Most groups × buckets of one leaf.
    pub max_cells: usize,
}

impl Default for QueryLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            running: cores.max(2),
            waiting: 256,
            timeout: Duration::from_secs(60),
            max_series: 1_000_000,
            max_points: 500_000_000,
            max_cells: 5_000_000,
        }
    }
}

/// Runs queries against a metric source.
#[derive(Clone)]
pub struct QueryPool {
    source: Arc<dyn MetricSource>,
    clock: Arc<dyn Clock>,
    limits: QueryLimits,
    slots: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl std::fmt::Debug for QueryPool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("QueryPool").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl QueryPool {
    /// A pool over a source.
    pub fn new(source: Arc<dyn MetricSource>, clock: Arc<dyn Clock>, limits: QueryLimits) -> Self {
        let slots = Arc::new(Semaphore::new(limits.running));
        Self { source, clock, limits, slots, waiting: Arc::default() }
    }

    /// Runs `work` on a blocking thread as soon as one is free. The budget's deadline counts from now, so a query that
    /// waited long has less time left.
    pub async fn run<T, F>(&self, work: F) -> ApiResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&dyn MetricSource, &Budget) -> T + Send + 'static,
    {
        let budget = Budget {
            max_series: self.limits.max_series,
            max_points: self.limits.max_points,
            max_cells: self.limits.max_cells,
            deadline: self.clock.monotonic() + self.limits.timeout,
        };
        let place = Place::take(&self.waiting, self.limits.waiting)?;
        let slot = tokio::time::timeout(self.limits.timeout, Arc::clone(&self.slots).acquire_owned())
            .await
            .map_err(|_| busy())?
            .map_err(|_| ApiError::Internal("query slots are closed".into()))?;
        drop(place);
        let source = self.source.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work(&*source, &budget)
        });
        task.await.map_err(|error| ApiError::Internal(format!("query stopped: {error}")))
    }
}

/// A place in the queue, given back when dropped (the caller may hang up while it waits).
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, limit: usize) -> ApiResult<Self> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::AcqRel) >= limit { Err(busy()) } else { Ok(place) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn busy() -> ApiError {
    ApiError::Busy { text: "too many queries at once".into(), retry_after_s: 2 }
}
