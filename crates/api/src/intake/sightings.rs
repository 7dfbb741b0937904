//! A sink around a sink that notes which hosts a payload speaks of, and whether the store refused series.

use galgo_core::{MetricSink, Point, RawSeries, Rejection, RejectionCause, SketchPoint};

/// Most hosts noted of one payload. An agent speaks of one host, a forwarder of some thousands.
const MAX_HOSTS: usize = 20_000;

/// Passes everything on to `inner`.
#[derive(Debug)]
pub struct Sightings<'a, S> {
    inner: &'a mut S,
    hosts: Vec<String>,
    refused: u64,
}

impl<'a, S: MetricSink> Sightings<'a, S> {
    /// Around `inner`.
    pub fn new(inner: &'a mut S) -> Self {
        Self { inner, hosts: Vec::new(), refused: 0 }
    }

    /// The hosts seen (each once) and the number of series refused because of a limit.
    pub fn finish(self) -> (Vec<String>, u64) {
        let mut hosts = self.hosts;
        hosts.sort_unstable();
        hosts.dedup();
        (hosts, self.refused)
    }

    fn note(&mut self, host: &str) {
        // Payloads come host by host: comparing with the last one keeps this free for agents.
        if host.is_empty() || self.hosts.last().is_some_and(|last| last == host) || self.hosts.len() >= MAX_HOSTS {
            return;
        }
        self.hosts.push(host.to_owned());
    }

    fn outcome(&mut self, host: &str, result: Result<(), Rejection>) -> Result<(), Rejection> {
        match &result {
            Ok(()) => self.note(host),
            Err(rejection) => self.refused += u64::from(rejection.cause == RejectionCause::Limit),
        }
        result
    }
}

impl<S: MetricSink> MetricSink for Sightings<'_, S> {
    fn series(&mut self, series: &RawSeries<'_>, points: &[Point]) -> Result<(), Rejection> {
        let result = self.inner.series(series, points);
        self.outcome(series.host, result)
    }

    fn sketches(&mut self, series: &RawSeries<'_>, points: &[SketchPoint]) -> Result<(), Rejection> {
        let result = self.inner.sketches(series, points);
        self.outcome(series.host, result)
    }
}

#[cfg(test)]
mod tests {
    use galgo_core::MetricKind;

    use super::*;

    struct Picky;

    impl MetricSink for Picky {
        fn series(&mut self, series: &RawSeries<'_>, _: &[Point]) -> Result<(), Rejection> {
            if series.metric == "bad" { Err(Rejection::limit("no room")) } else { Ok(()) }
        }

        fn sketches(&mut self, _: &RawSeries<'_>, _: &[SketchPoint]) -> Result<(), Rejection> {
            Ok(())
        }
    }

    #[test]
    fn hosts_are_noted_once_and_refusals_counted() {
        let mut inner = Picky;
        let mut sink = Sightings::new(&mut inner);
        let series = |metric, host| RawSeries {
            metric,
            host,
            tags: &[],
            pairs: &[],
            kind: MetricKind::Gauge,
            interval: 0,
            unit: "",
        };
        for (metric, host) in [("a", "b"), ("a", ""), ("a", "a"), ("b", "b"), ("bad", "never")] {
            let _ = sink.series(&series(metric, host), &[]);
        }
        assert_eq!(sink.finish(), (vec!["a".to_owned(), "b".to_owned()], 1));
    }
}
