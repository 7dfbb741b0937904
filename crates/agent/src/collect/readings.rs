//! What a collector writes its measurements into: gauges go through, rates and monotonic counts are turned into
//! differences between this run and the one before (the rules of Datadog's check sampler).

use std::collections::HashMap;
use std::time::Duration;

use galgo_core::{Clock, MetricKind, Point};

use super::units::unit_of;
use crate::report::Series;

/// Counters that were not seen for this long are forgotten: a device is gone.
const FORGET_AFTER: Duration = Duration::from_secs(600);

/// When a run takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since the UNIX epoch: the time of the points.
    pub wall: i64,
    /// Monotonic time: what rates divide by, so that a corrected clock does not bend them.
    pub monotonic: Duration,
}

impl Moment {
    /// This moment.
    pub fn now(clock: &dyn Clock) -> Self {
        Self { wall: clock.now_s(), monotonic: clock.monotonic() }
    }
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    value: f64,
    at: Duration,
}

/// Last values of every counter of one collector.
#[derive(Debug, Default)]
pub struct Counters {
    last: HashMap<(&'static str, Vec<String>), Counter>,
}

impl Counters {
    /// Stores the new value and returns the old one.
    fn replace(&mut self, metric: &'static str, tags: &[String], value: f64, at: Duration) -> Option<Counter> {
        self.last.insert((metric, tags.to_vec()), Counter { value, at })
    }

    fn forget_stale(&mut self, now: Duration) {
        self.last.retain(|_, counter| now.saturating_sub(counter.at) < FORGET_AFTER);
    }
}

/// Takes the measurements of one run of one collector.
#[derive(Debug)]
pub struct Readings<'a> {
    counters: &'a mut Counters,
    moment: Moment,
    host: &'a str,
    interval: u32,
    series: Vec<Series>,
}

impl<'a> Readings<'a> {
    /// An empty set of measurements at a moment. `interval` is the time between runs in seconds.
    pub fn new(counters: &'a mut Counters, moment: Moment, host: &'a str, interval: u32) -> Self {
        counters.forget_stale(moment.monotonic);
        Self { counters, moment, host, interval, series: Vec::new() }
    }

    /// When this run takes place.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// A value of this moment. NaN and infinities are left out: they stand for a division by nothing.
    pub fn gauge(&mut self, metric: &'static str, value: f64, tags: &[String]) {
        self.push(metric, MetricKind::Gauge, value, tags);
    }

    /// A counter whose growth per second is wanted. Nothing on the first run and when the counter went back.
    pub fn rate(&mut self, metric: &'static str, counter: f64, tags: &[String]) {
        let Some(last) = self.counters.replace(metric, tags, counter, self.moment.monotonic) else { return };
        let elapsed = self.moment.monotonic.saturating_sub(last.at).as_secs_f64();
        let growth = counter - last.value;
        if elapsed > 0.0 && growth >= 0.0 {
            self.push(metric, MetricKind::Gauge, growth / elapsed, tags);
        }
    }

    /// A counter whose growth since the last run is wanted. Nothing on the first run, 0 when the counter went back.
    pub fn monotonic_count(&mut self, metric: &'static str, counter: f64, tags: &[String]) {
        let Some(last) = self.counters.replace(metric, tags, counter, self.moment.monotonic) else { return };
        self.push(metric, MetricKind::Count, (counter - last.value).max(0.0), tags);
    }

    /// The measurements, each tag list sorted.
    pub fn finish(self) -> Vec<Series> {
        self.series
    }

    fn push(&mut self, metric: &'static str, kind: MetricKind, value: f64, tags: &[String]) {
        if !value.is_finite() {
            return;
        }
        let mut tags = tags.to_vec();
        tags.sort();
        tags.dedup();
        self.series.push(Series {
            metric: metric.to_owned(),
            kind,
            interval: self.interval,
            unit: unit_of(metric),
            host: self.host.to_owned(),
            tags,
            points: vec![Point { time: self.moment.wall, value }],
        });
    }
}

/// Growth of a kernel counter that is 32 or 64 bits wide and may have started again from 0.
pub fn growth_with_wrap(now: u64, before: u64) -> u64 {
    if now >= before {
        return now - before;
    }
    // A 32-bit counter cannot have stood above 2^32; one that did must be 64 bits wide.
    if before <= u64::from(u32::MAX) { now + (u64::from(u32::MAX) - before) + 1 } else { now.wrapping_sub(before) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(counters: &mut Counters, second: u64, write: impl FnOnce(&mut Readings<'_>)) -> Vec<(MetricKind, f64)> {
        let moment = Moment { wall: 1000 + second as i64, monotonic: Duration::from_secs(second) };
        let mut readings = Readings::new(counters, moment, "h", 15);
        write(&mut readings);
        readings.finish().iter().map(|series| (series.kind, series.points[0].value)).collect()
    }

    #[test]
    fn a_rate_needs_two_runs_and_a_growing_counter() {
        let mut counters = Counters::default();
        let mut rate = |second, value| run(&mut counters, second, |readings| readings.rate("m", value, &[]));
        assert_eq!(rate(0, 100.0), []);
        assert_eq!(rate(10, 150.0), [(MetricKind::Gauge, 5.0)]);
        assert_eq!(rate(20, 10.0), []);
        assert_eq!(rate(30, 30.0), [(MetricKind::Gauge, 2.0)]);
        assert_eq!(rate(30, 40.0), [], "no time has passed");
    }

    #[test]
    fn a_monotonic_count_is_zero_after_a_reset() {
        let mut counters = Counters::default();
        let mut count =
            |second, value| run(&mut counters, second, |readings| readings.monotonic_count("m", value, &[]));
        assert_eq!(count(0, 100.0), []);
        assert_eq!(count(10, 150.0), [(MetricKind::Count, 50.0)]);
        assert_eq!(count(20, 10.0), [(MetricKind::Count, 0.0)]);
    }

    #[test]
    fn counters_of_gone_devices_are_forgotten() {
        let mut counters = Counters::default();
        run(&mut counters, 0, |readings| readings.rate("m", 1.0, &["device:a".into()]));
        assert_eq!(run(&mut counters, 700, |readings| readings.rate("m", 2.0, &["device:a".into()])), []);
    }

    #[test]
    fn gauges_without_a_meaning_are_left_out() {
        let mut counters = Counters::default();
        let values = run(&mut counters, 0, |readings| {
            readings.gauge("m", f64::NAN, &[]);
            readings.gauge("m", f64::INFINITY, &[]);
            readings.gauge("m", 1.0, &[]);
        });
        assert_eq!(values, [(MetricKind::Gauge, 1.0)]);
    }

    #[test]
    fn kernel_counters_wrap() {
        assert_eq!(growth_with_wrap(10, 4), 6);
        assert_eq!(growth_with_wrap(5, u64::from(u32::MAX) - 4), 10);
        assert_eq!(growth_with_wrap(5, u64::MAX - 4), 10);
    }
}
