//! Where a scrape's samples go: under a namespace, and no more series than the instance allows.

use std::collections::HashSet;

use galgo_agent::check::{Bucket, Sample, SampleKind, Samples};
use galgo_core::check::{CheckRun, CheckStatus};
use xxhash_rust::xxh3::Xxh3;

/// Series of one instance unless `max_returned_metrics` says otherwise.
pub const DEFAULT_LIMIT: usize = 2000;

/// Samples of one scrape on their way out.
#[derive(Debug)]
pub struct Sink<'a> {
    out: &'a mut Samples,
    namespace: &'a str,
    limit: usize,
    seen: HashSet<u64>,
    left_out: usize,
    /// Whether first values count as growth from zero.
    pub flush_first: bool,
}

/// Tags and host of what is submitted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Context {
    /// Tags in any order.
    pub tags: Vec<String>,
    /// Host, empty for the agent's own.
    pub host: String,
}

impl<'a> Sink<'a> {
    /// A sink for one scrape.
    pub fn new(out: &'a mut Samples, namespace: &'a str, limit: usize, flush_first: bool) -> Self {
        Self { out, namespace, limit, seen: HashSet::new(), left_out: 0, flush_first }
    }

    fn full_name(&self, name: &str) -> String {
        if self.namespace.is_empty() { name.to_owned() } else { format!("{}.{name}", self.namespace) }
    }

    /// Whether a series is among those that are allowed.
    fn admits(&mut self, name: &str, context: &Context) -> bool {
        let mut tags: Vec<&str> = context.tags.iter().map(String::as_str).collect();
        tags.sort_unstable();
        let mut hash = Xxh3::new();
        for part in [name, context.host.as_str()].into_iter().chain(tags) {
            hash.update(part.as_bytes());
            hash.update(&[0xff]);
        }
        let key = hash.digest();
        if self.seen.contains(&key) {
            return true;
        }
        if self.seen.len() >= self.limit {
            self.left_out += 1;
            return false;
        }
        self.seen.insert(key)
    }

    /// Submits a value.
    pub fn submit(&mut self, kind: SampleKind, name: &str, value: f64, context: &Context) {
        if !self.admits(name, context) {
            return;
        }
        let metric = self.full_name(name);
        let flush_first = kind == SampleKind::MonotonicCount && self.flush_first;
        let (tags, host) = (context.tags.clone(), context.host.clone());
        self.out.values.push(Sample { kind, metric, value, tags, host, flush_first });
    }

    /// Submits a bucket whose count grows from scrape to scrape.
    pub fn bucket(&mut self, name: &str, count: f64, bounds: (f64, f64), context: &Context) {
        if !self.admits(name, context) {
            return;
        }
        let metric = self.full_name(name);
        self.out.buckets.push(Bucket {
            metric,
            count: count as i64,
            lower: bounds.0,
            upper: bounds.1,
            monotonic: true,
            tags: context.tags.clone(),
            host: context.host.clone(),
            flush_first: self.flush_first,
        });
    }

    /// Submits a service check.
    pub fn service_check(&mut self, name: &str, status: CheckStatus, context: Context, message: String) {
        let check = self.full_name(name);
        self.out.checks.push(CheckRun { check, host: context.host, time: 0, status, message, tags: context.tags });
    }

    /// Notes a fact.
    pub fn metadata(&mut self, name: &str, value: &str) {
        if name == "version" {
            crate::version::note(self.out, value);
        } else {
            self.out.metadata.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Shows something odd in the status.
    pub fn warn(&mut self, warning: String) {
        self.out.warn(warning);
    }

    /// Ends the scrape; what was left out is told.
    pub fn finish(self) {
        if self.left_out > 0 {
            let (left_out, limit) = (self.left_out, self.limit);
            self.out.warn(format!(
                "{left_out} samples left out: more than {limit} series; name fewer metrics or raise max_returned_metrics"
            ));
        }
    }
}
