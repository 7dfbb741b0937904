//! What the server counts of itself, shown on `/metrics` as Prometheus text and on the page's status.
//!
//! Plain atomics: the hot path adds to them with relaxed ordering and nobody else is in the way.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use galgo_core::Clock;
use parking_lot::Mutex;

/// Seconds over which the rate of points is taken.
const RATE_WINDOW_S: i64 = 60;

/// Status classes that are counted apart: 2xx to 5xx.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// The counters.
#[derive(Debug, Default)]
pub struct Stats {
    points: AtomicU64,
    series: AtomicU64,
    dropped_series: AtomicU64,
    dropped_points: AtomicU64,
    received_bytes: AtomicU64,
    queries: AtomicU64,
    query_errors: AtomicU64,
    query_micros: AtomicU64,
    requests: [AtomicU64; 4],
    request_micros: AtomicU64,
    /// Pairs of second and total points, oldest first.
    samples: Mutex<VecDeque<(i64, u64)>>,
}

impl Stats {
    /// Counts what a payload brought.
    pub fn accepted(&self, series: u64, points: u64) {
        self.series.fetch_add(series, Ordering::Relaxed);
        self.points.fetch_add(points, Ordering::Relaxed);
    }

    /// Counts what was dropped of a payload.
    pub fn dropped(&self, series: u64, points: u64) {
        self.dropped_series.fetch_add(series, Ordering::Relaxed);
        self.dropped_points.fetch_add(points, Ordering::Relaxed);
    }

    /// Counts bytes of bodies as sent.
    pub fn received_bytes(&self, bytes: u64) {
        self.received_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts a query.
    pub fn query(&self, micros: u64, failed: bool) {
        self.queries.fetch_add(1, Ordering::Relaxed);
        self.query_micros.fetch_add(micros, Ordering::Relaxed);
        self.query_errors.fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    /// Counts an answer.
    pub fn answered(&self, status: u16, micros: u64) {
        let class = usize::from((status / 100).clamp(2, 5)) - 2;
        self.requests[class].fetch_add(1, Ordering::Relaxed);
        self.request_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Notes the number of points now, so that [`Self::points_per_second`] has a past. Call it about once a second.
    pub fn sample(&self, clock: &dyn Clock) {
        let mut samples = self.samples.lock();
        let now = clock.now_s();
        samples.push_back((now, self.points.load(Ordering::Relaxed)));
        while samples.front().is_some_and(|(time, _)| *time < now - RATE_WINDOW_S) {
            samples.pop_front();
        }
    }

    /// Points a second over the last minute.
    pub fn points_per_second(&self) -> f64 {
        let samples = self.samples.lock();
        match (samples.front(), samples.back()) {
            (Some((from, before)), Some((to, after))) if to > from => (after - before) as f64 / (to - from) as f64,
            _ => 0.0,
        }
    }

    /// Points accepted since the start.
    pub fn points(&self) -> u64 {
        self.points.load(Ordering::Relaxed)
    }

    /// The counters as (name, labels, help, value).
    pub fn counters(&self) -> Vec<Counter> {
        let plain = |name, help, value: &AtomicU64| Counter {
            name,
            label: "",
            help,
            value: value.load(Ordering::Relaxed) as f64,
        };
        let seconds = |name, help, micros: &AtomicU64| Counter {
            name,
            label: "",
            help,
            value: micros.load(Ordering::Relaxed) as f64 / 1e6,
        };
        let mut counters = vec![
            plain("galgo_intake_points_total", "Points accepted over HTTP.", &self.points),
            plain("galgo_intake_series_total", "Series of accepted payloads.", &self.series),
            plain("galgo_intake_dropped_series_total", "Series dropped by validation.", &self.dropped_series),
            plain("galgo_intake_dropped_points_total", "Points dropped by validation.", &self.dropped_points),
            plain("galgo_intake_bytes_total", "Bytes of intake bodies as sent.", &self.received_bytes),
            plain("galgo_queries_total", "Metric queries answered.", &self.queries),
            plain("galgo_query_errors_total", "Metric queries that failed.", &self.query_errors),
            seconds("galgo_query_seconds_total", "Time spent in metric queries.", &self.query_micros),
            seconds("galgo_http_request_seconds_total", "Time spent in HTTP requests.", &self.request_micros),
        ];
        counters.extend(CLASSES.iter().zip(&self.requests).map(|(class, count)| Counter {
            name: "galgo_http_requests_total",
            label: class,
            help: "HTTP requests by class of status.",
            value: count.load(Ordering::Relaxed) as f64,
        }));
        counters
    }
}

/// One counter as Prometheus shows it.
#[derive(Debug, Clone, Copy)]
pub struct Counter {
    /// Name.
    pub name: &'static str,
    /// Value of the label `status`, empty for none.
    pub label: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Value.
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use galgo_core::ManualClock;

    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let clock = ManualClock::at_ms(1_000_000);
        let stats = Stats::default();
        assert_eq!(stats.points_per_second(), 0.0);
        for _ in 0..100 {
            stats.sample(&clock);
            stats.accepted(1, 50);
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(stats.points_per_second(), 50.0);
    }
}
