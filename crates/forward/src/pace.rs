//! When the next request may go: a pure state machine over the times that its caller passes in.
//!
//! - After a failure it waits, longer from time to time, a random while of it: a thousand agents whose server went away
//!   at one moment do not come back at one moment.
//! - After an outage it starts slowly and gains speed as long as all goes well; a server that says "too fast" halves it.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::BackoffConfig;

/// A failure of this length is an outage: what comes back after it comes back slowly, and what waits goes to disk.
pub(crate) const OUTAGE: Duration = Duration::from_secs(10);
/// Requests a second with which catching up starts, and at most.
const MIN_RATE: f64 = 1.0;
const MAX_RATE: f64 = 10.0;
/// How much the rate grows in a second without trouble.
const RATE_GROWTH: f64 = 0.5;
/// Time between attempts with a key that the server refuses, at first and at most.
const KEY_BASE: Duration = Duration::from_secs(30);
const KEY_MAX: Duration = Duration::from_secs(300);
/// Longest `Retry-After` that is believed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);
/// Share of a `Retry-After` that is added at random.
const RETRY_AFTER_JITTER: f64 = 0.25;

/// When the next request may go.
#[derive(Debug)]
pub(crate) struct Pace {
    backoff: BackoffConfig,
    failures: u32,
    failing_since: Option<Instant>,
    not_before: Option<Instant>,
    catch_up: Option<CatchUp>,
}

#[derive(Debug, Clone, Copy)]
struct CatchUp {
    since: Instant,
    rate: f64,
    changed: Instant,
}

impl Pace {
    pub(crate) fn new(backoff: BackoffConfig) -> Self {
        Self { backoff, failures: 0, failing_since: None, not_before: None, catch_up: None }
    }

    /// Earliest moment of the next request; `None` for now.
    pub(crate) fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    pub(crate) fn may_send(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|moment| moment <= now)
    }

    /// Whether the last request failed: the next one goes alone.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// Whether it has been failing for so long that it counts as an outage.
    pub(crate) fn is_out(&self, now: Instant) -> bool {
        self.failing_since.is_some_and(|since| now.duration_since(since) >= OUTAGE)
    }

    /// For how long it has been catching up.
    pub(crate) fn catching_up_for(&self, now: Instant) -> Option<Duration> {
        self.catch_up.map(|catch_up| now.duration_since(catch_up.since))
    }

    /// There is an old backlog, such as after a restart.
    pub(crate) fn start_catching_up(&mut self, now: Instant) {
        self.catch_up.get_or_insert(CatchUp { since: now, rate: MIN_RATE, changed: now });
    }

    /// Nothing is left of the backlog.
    pub(crate) fn caught_up(&mut self) {
        if self.catch_up.take().is_some() && !self.is_failing() {
            self.not_before = None;
        }
    }

    /// What kept it from sending may be gone, such as a refused key.
    pub(crate) fn try_now(&mut self) {
        self.not_before = None;
    }

    /// A request goes; `random` from 0 to 1.
    pub(crate) fn sent(&mut self, now: Instant, random: f64) {
        if let Some(catch_up) = &mut self.catch_up {
            let gained = now.duration_since(catch_up.changed).as_secs_f64() * RATE_GROWTH;
            catch_up.rate = (catch_up.rate + gained).min(MAX_RATE);
            catch_up.changed = now;
            self.not_before = Some(now + Duration::from_secs_f64((0.5 + random) / catch_up.rate));
        }
    }

    /// A request was answered by a server that is well.
    pub(crate) fn succeeded(&mut self, now: Instant) {
        if self.is_out(now) {
            self.catch_up = Some(CatchUp { since: now, rate: MIN_RATE, changed: now });
        }
        if self.is_failing() {
            self.not_before = None;
        }
        self.failures = 0;
        self.failing_since = None;
    }

    /// A request failed; `retry_after` is what the server asked for, `random` from 0 to 1.
    pub(crate) fn failed(&mut self, now: Instant, retry_after: Option<Duration>, too_fast: bool, random: f64) {
        self.failing_since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        if let Some(catch_up) = &mut self.catch_up {
            catch_up.rate = if too_fast { (catch_up.rate / 2.0).max(MIN_RATE) } else { MIN_RATE };
            catch_up.changed = now;
        }
        let wait = match retry_after {
            Some(asked) => asked.min(MAX_RETRY_AFTER).mul_f64(1.0 + RETRY_AFTER_JITTER * random),
            None => half_random(self.backoff_after(self.failures), random),
        };
        self.not_before = Some(now + wait);
    }

    /// The server refused the key.
    pub(crate) fn key_refused(&mut self, now: Instant, random: f64) {
        self.failing_since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        let wait = KEY_BASE.saturating_mul(1 << (self.failures - 1).min(4)).min(KEY_MAX);
        self.not_before = Some(now + half_random(wait, random));
    }

    fn backoff_after(&self, failures: u32) -> Duration {
        let BackoffConfig { factor, base, max } = self.backoff;
        let growth = factor.max(1.0).powi(failures.saturating_sub(1).min(64) as i32);
        let seconds = (base.as_secs_f64() * growth).min(max.as_secs_f64());
        Duration::from_secs_f64(seconds.max(0.05))
    }
}

fn half_random(wait: Duration, random: f64) -> Duration {
    wait.mul_f64(0.5 + 0.5 * random)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(pace: &Pace, now: Instant) -> f64 {
        pace.not_before().map_or(0.0, |moment| moment.duration_since(now).as_secs_f64())
    }

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_a_minute_and_the_second_half_is_random() {
        let now = Instant::now();
        let mut pace = Pace::new(BackoffConfig::default());
        let mut waits = Vec::new();
        for _ in 0..7 {
            pace.failed(now, None, false, 1.0);
            waits.push(seconds(&pace, now));
        }
        assert_eq!(waits, [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 64.0]);
        pace.failed(now, None, false, 0.0);
        assert_eq!(seconds(&pace, now), 32.0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_may_say_when() {
        let now = Instant::now();
        let mut pace = Pace::new(BackoffConfig::default());
        pace.failed(now, Some(Duration::from_secs(120)), true, 0.0);
        assert_eq!(seconds(&pace, now), 120.0);
        pace.failed(now, Some(Duration::from_secs(100_000)), true, 1.0);
        assert_eq!(seconds(&pace, now), 750.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_key_is_tried_seldom_and_at_once_when_it_was_replaced() {
        let now = Instant::now();
        let mut pace = Pace::new(BackoffConfig::default());
        let waits = [30.0, 60.0, 120.0, 240.0, 300.0, 300.0].map(|_| {
            pace.key_refused(now, 1.0);
            seconds(&pace, now)
        });
        assert_eq!(waits, [30.0, 60.0, 120.0, 240.0, 300.0, 300.0]);
        pace.try_now();
        assert!(pace.may_send(now));
    }

    /// Sends as soon as it may and counts the requests of each second.
    fn requests_a_second(pace: &mut Pace, start: Instant, seconds: usize) -> Vec<usize> {
        let mut now = start;
        let mut counts = vec![0; seconds];
        loop {
            now = pace.not_before().unwrap_or(now).max(now);
            let second = now.duration_since(start).as_secs() as usize;
            let Some(count) = counts.get_mut(second) else { return counts };
            *count += 1;
            pace.sent(now, 0.5);
            pace.succeeded(now);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn catching_up_starts_slowly_and_gains_speed() {
        let start = Instant::now();
        let mut pace = Pace::new(BackoffConfig::default());
        pace.failed(start, None, false, 1.0);
        let back = start + Duration::from_secs(3600);
        assert!(pace.is_out(back));
        pace.succeeded(back);
        let counts = requests_a_second(&mut pace, back, 30);
        assert!(counts[0] <= 2 && counts[5] <= 5 && counts.iter().all(|&count| count <= 10), "{counts:?}");
        assert!(counts[25..].iter().all(|&count| count >= 9), "{counts:?}");
        // "Too fast" halves it.
        let now = back + Duration::from_secs(30);
        pace.failed(now, Some(Duration::from_secs(1)), true, 0.0);
        let counts = requests_a_second(&mut pace, now + Duration::from_secs(1), 2);
        assert!(counts[0] <= 7, "{counts:?}");
        pace.caught_up();
        assert_eq!((pace.not_before(), pace.catching_up_for(now)), (None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hiccup_is_no_outage() {
        let now = Instant::now();
        let mut pace = Pace::new(BackoffConfig::default());
        pace.failed(now, None, false, 1.0);
        pace.succeeded(now + Duration::from_secs(2));
        pace.sent(now, 0.5);
        assert!(pace.may_send(now));
    }
}
