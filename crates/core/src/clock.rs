//! Where time comes from. Nothing else in the workspace may read the machine's clock (clippy refuses it), so that
//! storage, monitors and downtimes can be tested in simulated time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A source of wall-clock and monotonic time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Milliseconds since the UNIX epoch.
    fn now_ms(&self) -> i64;

    /// Time since some fixed moment; never goes back. Use it for durations.
    fn monotonic(&self) -> Duration;

    /// Seconds since the UNIX epoch, rounded down.
    fn now_s(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }
}

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[allow(clippy::disallowed_methods)] // the one place that may read it
    pub fn new() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place that may read it
    fn now_ms(&self) -> i64 {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since_epoch.map_or(0, |elapsed| elapsed.as_millis() as i64)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that moves only when told to; wall and monotonic time move together.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicI64,
    origin_ms: i64,
}

impl ManualClock {
    /// A clock that stands at `now_ms`.
    pub fn at_ms(now_ms: i64) -> Self {
        Self { now_ms: AtomicI64::new(now_ms), origin_ms: now_ms }
    }

    /// Sets the wall clock; going back is allowed, as an operator may do.
    pub fn set_ms(&self, now_ms: i64) {
        self.now_ms.store(now_ms, Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.now_ms.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis((self.now_ms() - self.origin_ms).max(0) as u64)
    }
}
