//! The aggregator: messages go in one by one with the time of their arrival, reports of closed buckets come out
//! (reference: dogstatsd.md §4). It is pure: it reads no clock and no socket, so tests run it in simulated time.

use std::collections::VecDeque;

use galgo_core::check::CheckRun;
use galgo_core::{MetricKind, Sketch};
use galgo_intake::dogstatsd::{Check, Event, Message, Metric, Values};
use galgo_intake::events::Event as StoredEvent;
use hashbrown::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64;

use super::config::{AggregatorConfig, BUCKET_S, CounterOutput};
use super::context::{Class, Context, ContextId, Contexts, Naming, NoContext, host_and_tags};
use super::flush::{Closed, States, Unaggregated};
use super::histogram::Histogram;
use super::metric_stats::{MetricStats, MetricTable};
use crate::report::Report;

/// Most histogram values and set members that are held one by one in open buckets (16 bytes each).
const MAX_HELD_VALUES: usize = 4_000_000;
/// Most samples with their own timestamp, events, and checks that wait for a flush.
const MAX_WAITING: usize = 100_000;
/// Most buckets that wait for a flush: ten minutes of an output that does not take reports.
const MAX_BUCKETS: usize = 60;
/// Largest number of values that one sampled value may stand for, so that a tiny rate cannot overflow a sum.
const MAX_WEIGHT: f64 = 1e9;
/// A clock that goes back by more than this many seconds was corrected; by less, it jitters.
const CLOCK_STEP_S: i64 = 60;

/// What happened so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AggregatorStats {
    /// Metric messages taken.
    pub metrics: u64,
    /// Event messages taken.
    pub events: u64,
    /// Service check messages taken.
    pub checks: u64,
    /// Messages dropped because there were too many contexts.
    pub dropped_contexts: u64,
    /// Messages dropped because of their name: on the block list, or without a letter.
    pub dropped_names: u64,
    /// Values dropped because they are no finite number, or of a type that takes no timestamp.
    pub dropped_values: u64,
    /// Contexts of a bucket, set members, timestamped samples, events and checks dropped because too many waited for a
    /// flush.
    pub dropped_full: u64,
}

/// The values of a context in a bucket.
#[derive(Debug)]
pub(super) enum State {
    Counter(f64),
    Gauge(f64),
    Set(HashSet<u64>),
    Histogram(Box<Histogram>),
    Distribution(Box<Sketch>),
}

impl State {
    fn new(class: Class) -> Self {
        match class {
            Class::Counter => Self::Counter(0.0),
            Class::Gauge => Self::Gauge(0.0),
            Class::Set => Self::Set(HashSet::new()),
            Class::Histogram => Self::Histogram(Box::default()),
            Class::Distribution => Self::Distribution(Box::default()),
        }
    }

    /// How many values it holds one by one.
    fn held(&self) -> usize {
        match self {
            Self::Set(members) => members.len(),
            Self::Histogram(histogram) => histogram.held(),
            _ => 0,
        }
    }
}

#[derive(Debug)]
struct Bucket {
    start: i64,
    states: HashMap<ContextId, State>,
}

/// Aggregates messages in buckets of 10 s.
#[derive(Debug)]
pub struct Aggregator {
    config: AggregatorConfig,
    contexts: Contexts,
    /// When each live counter was last sampled, in seconds.
    counters: HashMap<ContextId, i64>,
    /// In order of time.
    buckets: VecDeque<Bucket>,
    /// Start of the first bucket that was not flushed yet; `None` before the first message.
    unflushed: Option<i64>,
    /// Up to where contexts have expired.
    expired: Option<i64>,
    waiting: Vec<Unaggregated>,
    events: Vec<StoredEvent>,
    checks: Vec<CheckRun>,
    budget: usize,
    stats: AggregatorStats,
    /// Numbers of each metric, if they are wanted.
    metrics: Option<MetricTable>,
}

impl Aggregator {
    /// An empty aggregator.
    pub fn new(config: AggregatorConfig) -> Self {
        let metrics = config.metric_stats.then(MetricTable::default);
        Self {
            config,
            contexts: Contexts::default(),
            counters: HashMap::new(),
            buckets: VecDeque::new(),
            unflushed: None,
            expired: None,
            waiting: Vec::new(),
            events: Vec::new(),
            checks: Vec::new(),
            budget: MAX_HELD_VALUES,
            stats: AggregatorStats::default(),
            metrics,
        }
    }

    /// What happened so far.
    pub fn stats(&self) -> AggregatorStats {
        self.stats
    }

    /// What came in by metric, most frequent first; `None` when that is not counted.
    pub fn metric_stats(&self) -> Option<Vec<MetricStats>> {
        self.metrics.as_ref().map(MetricTable::list)
    }

    /// Number of live contexts.
    pub fn contexts(&self) -> usize {
        self.contexts.len()
    }

    /// Takes a message that arrived at `now` (seconds).
    pub fn add(&mut self, message: &Message<'_>, now: i64) {
        match message {
            Message::Metric(metric) => self.add_metric(metric, now),
            Message::Event(event) => self.add_event(event, now),
            Message::Check(check) => self.add_check(check, now),
        }
    }

    fn add_metric(&mut self, metric: &Metric<'_>, now: i64) {
        self.stats.metrics += 1;
        let class = Class::of(metric.kind);
        let Some(id) = self.context(class, Naming::Own, metric, now) else { return };
        if let (Some(metrics), Some(context)) = (&mut self.metrics, self.contexts.get(id)) {
            metrics.count(&context.key, now);
        }
        let timestamp = metric.timestamp.filter(|_| self.config.timestamps);
        match timestamp {
            Some(time) => self.add_timestamped(id, class, metric, time),
            None => self.add_sampled(id, class, metric, now),
        }
        if class == Class::Histogram
            && self.config.histogram_to_distribution
            && timestamp.is_none()
            && let Some(id) = self.context(Class::Distribution, Naming::Copy, metric, now)
        {
            self.add_sampled(id, Class::Distribution, metric, now);
        }
    }

    fn context(&mut self, class: Class, naming: Naming, metric: &Metric<'_>, now: i64) -> Option<ContextId> {
        match self.contexts.resolve((class, naming), metric.name, metric.tags, now, &self.config) {
            Ok(id) => Some(id),
            Err(NoContext::Full) => {
                self.stats.dropped_contexts += 1;
                None
            }
            Err(NoContext::BadName | NoContext::Blocked) => {
                self.stats.dropped_names += 1;
                None
            }
        }
    }

    fn add_sampled(&mut self, id: ContextId, class: Class, metric: &Metric<'_>, now: i64) {
        let Self { buckets, unflushed, budget, stats, .. } = self;
        let usable = match metric.values {
            Values::Member(_) => true,
            Values::Numbers(numbers) => {
                let broken = numbers.iter().filter(|value| !value.is_finite()).count();
                stats.dropped_values += broken as u64;
                numbers.iter().any(f64::is_finite)
            }
        };
        if !usable {
            return;
        }
        let bucket = open_bucket(buckets, unflushed, now, stats);
        let state = bucket.states.entry(id).or_insert_with(|| State::new(class));
        match metric.values {
            Values::Member(member) => add_member(state, member, budget, stats),
            Values::Numbers(numbers) => {
                let weight = (1.0 / metric.sample_rate).min(MAX_WEIGHT);
                let finite = numbers.iter().filter(|value| value.is_finite());
                finite.for_each(|value| add_value(state, value, weight, budget));
            }
        }
        if class == Class::Counter {
            self.counters.insert(id, now);
        }
    }

    fn add_timestamped(&mut self, id: ContextId, class: Class, metric: &Metric<'_>, time: i64) {
        let Values::Numbers(numbers) = metric.values else {
            self.stats.dropped_values += 1;
            return;
        };
        if !matches!(class, Class::Counter | Class::Gauge | Class::Distribution) {
            self.stats.dropped_values += 1;
            return;
        }
        let Some(context) = self.contexts.get(id) else { return };
        for value in numbers.iter() {
            if !value.is_finite() {
                self.stats.dropped_values += 1;
            } else if self.waiting.len() >= MAX_WAITING {
                self.stats.dropped_full += 1;
            } else {
                self.waiting.push(Unaggregated { key: context.key.clone(), time, value });
            }
        }
    }

    fn add_event(&mut self, event: &Event<'_>, now: i64) {
        self.stats.events += 1;
        if self.events.len() >= MAX_WAITING {
            self.stats.dropped_full += 1;
            return;
        }
        let (host, tags) = host_and_tags(event.tags, event.host, &self.config);
        self.events.push(StoredEvent {
            title: event.title.clone().into_owned(),
            text: event.text.clone().into_owned(),
            time: event.timestamp.unwrap_or(now),
            priority: event.priority.to_owned(),
            host,
            device: String::new(),
            tags: sorted(tags),
            alert_type: event.alert_type.to_owned(),
            aggregation_key: event.aggregation_key.unwrap_or_default().to_owned(),
            source_type_name: event.source_type.unwrap_or_default().to_owned(),
            event_type: String::new(),
            related_event_id: None,
        });
    }

    fn add_check(&mut self, check: &Check<'_>, now: i64) {
        self.stats.checks += 1;
        if self.checks.len() >= MAX_WAITING {
            self.stats.dropped_full += 1;
            return;
        }
        let (host, tags) = host_and_tags(check.tags, check.host, &self.config);
        self.checks.push(CheckRun {
            check: check.name.to_owned(),
            host,
            time: check.timestamp.unwrap_or(now),
            status: check.status,
            message: check.message.to_owned(),
            tags: sorted(tags),
        });
    }

    /// Everything of the buckets that are closed at `now` (seconds), and all that waits for no bucket.
    pub fn flush(&mut self, now: i64) -> Report {
        self.close(now).into_report(&self.config)
    }

    /// Everything, open buckets included: for the end at `now` (seconds). Points of the open bucket are stamped with
    /// `now` instead of its start: a server that starts again within the bucket must not replace them.
    pub fn flush_all(&mut self, now: i64) -> Report {
        let mut closed = self.close_all();
        for (start, _) in &mut closed.buckets {
            let is_open = (*start..*start + BUCKET_S).contains(&now);
            *start += if is_open { (now - *start).max(1) } else { 0 };
        }
        closed.into_report(&self.config)
    }

    /// Settings.
    pub(super) fn config(&self) -> &AggregatorConfig {
        &self.config
    }

    /// The quick half of [`Self::flush`]: takes the closed buckets out. The slow half, [`Closed::into_report`], needs
    /// no aggregator, so that messages go on arriving meanwhile.
    pub(super) fn close(&mut self, now: i64) -> Closed {
        let cutoff = bucket_start(now);
        if self.unflushed.is_some_and(|first| first > cutoff + CLOCK_STEP_S) {
            // The clock was set back: what stands in buckets of the future is as good as closed.
            return self.close_all();
        }
        self.close_before(cutoff)
    }

    pub(super) fn close_all(&mut self) -> Closed {
        let end = self.buckets.back().map(|bucket| bucket.start + BUCKET_S);
        let closed = self.close_before(end.or(self.unflushed).unwrap_or(i64::MIN));
        self.unflushed = None;
        closed
    }

    fn close_before(&mut self, cutoff: i64) -> Closed {
        let mut closed = Closed {
            waiting: std::mem::take(&mut self.waiting),
            events: std::mem::take(&mut self.events),
            checks: std::mem::take(&mut self.checks),
            ..Closed::default()
        };
        for start in self.closed_starts(cutoff) {
            let holds = self.buckets.front().is_some_and(|bucket| bucket.start == start);
            let states = if holds { self.buckets.pop_front().map(|bucket| bucket.states) } else { None };
            let mut states = states.unwrap_or_default();
            self.budget += states.values().map(State::held).sum::<usize>();
            self.add_zeros(start, &mut states);
            closed.buckets.push((start, self.with_keys(states)));
        }
        self.unflushed = self.unflushed.map(|first| first.max(cutoff));
        self.expire(cutoff);
        closed
    }

    /// Starts of the buckets to flush, in order: those that hold values, and those of the recent past that hold none
    /// but may owe zeros. A machine that slept, or whose clock jumped, does not owe zeros for all that time.
    fn closed_starts(&self, cutoff: i64) -> Vec<i64> {
        let mut starts: Vec<i64> =
            self.buckets.iter().map(|bucket| bucket.start).take_while(|&start| start < cutoff).collect();
        if let Some(first) = self.unflushed {
            let mut start = first.max(cutoff.saturating_sub(self.config.counter_expiry_s) / BUCKET_S * BUCKET_S);
            while start < cutoff {
                starts.push(start);
                start += BUCKET_S;
            }
        }
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    /// Silent counters send zeros for a while, so that their graphs and monitors see 0 instead of nothing.
    fn add_zeros(&self, start: i64, states: &mut HashMap<ContextId, State>) {
        for (&id, &sampled) in &self.counters {
            if sampled < start && start < sampled + self.config.counter_expiry_s {
                states.entry(id).or_insert(State::Counter(0.0));
            }
        }
    }

    fn with_keys(&self, states: HashMap<ContextId, State>) -> States {
        states.into_iter().filter_map(|(id, state)| Some((self.contexts.get(id)?.key.clone(), state))).collect()
    }

    fn expire(&mut self, cutoff: i64) {
        if self.expired == Some(cutoff) {
            return;
        }
        self.expired = Some(cutoff);
        let (counter_expiry, context_expiry) =
            (self.config.counter_expiry_s, self.config.context_expiry_s.max(BUCKET_S));
        self.counters.retain(|_, sampled| *sampled + counter_expiry > cutoff);
        let buckets = &self.buckets;
        let keep = |id: ContextId, context: &Context| {
            let expiry = if context.key.class == Class::Counter { counter_expiry } else { context_expiry };
            let recent = context.last_seen + expiry.max(context_expiry) > cutoff;
            recent || buckets.iter().any(|bucket| bucket.states.contains_key(&id))
        };
        self.contexts.retain(keep);
        debug_assert!(self.counters.keys().all(|&id| self.contexts.get(id).is_some()));
    }
}

fn bucket_start(now: i64) -> i64 {
    now.div_euclid(BUCKET_S) * BUCKET_S
}

/// The bucket of `now`. A clock that goes back a little does not reopen a bucket that was flushed: its points would
/// replace those of the flush.
fn open_bucket<'a>(
    buckets: &'a mut VecDeque<Bucket>,
    unflushed: &mut Option<i64>,
    now: i64,
    stats: &mut AggregatorStats,
) -> &'a mut Bucket {
    let start = bucket_start(now);
    let start = start.max(*unflushed.get_or_insert(start));
    let before = buckets.iter().rposition(|bucket| bucket.start <= start);
    let at = match before {
        Some(at) if buckets[at].start == start => at,
        _ => {
            if buckets.len() >= MAX_BUCKETS {
                stats.dropped_full += buckets.pop_front().map_or(0, |oldest| oldest.states.len() as u64);
            }
            let at = buckets.iter().rposition(|bucket| bucket.start < start).map_or(0, |at| at + 1);
            buckets.insert(at, Bucket { start, states: HashMap::new() });
            at
        }
    };
    &mut buckets[at]
}

fn add_value(state: &mut State, value: f64, weight: f64, budget: &mut usize) {
    match state {
        State::Counter(sum) => *sum += value * weight,
        State::Gauge(last) => *last = value,
        State::Histogram(histogram) => histogram.add(value, (weight as u64).max(1), budget),
        State::Distribution(sketch) => sketch.insert(value, (weight as u64).max(1)),
        State::Set(_) => {}
    }
}

fn add_member(state: &mut State, member: &str, budget: &mut usize, stats: &mut AggregatorStats) {
    let State::Set(members) = state else { return };
    let hash = xxh3_64(member.as_bytes());
    if members.contains(&hash) {
        return;
    }
    if *budget == 0 {
        stats.dropped_full += 1;
        return;
    }
    *budget -= 1;
    members.insert(hash);
}

fn sorted(mut tags: Vec<&str>) -> Vec<String> {
    tags.sort_unstable();
    tags.dedup();
    tags.into_iter().map(str::to_owned).collect()
}

/// Kind of the series of a class that comes out with one value a bucket.
pub(super) fn plain_kind(class: Class, counters: CounterOutput) -> MetricKind {
    match (class, counters) {
        (Class::Counter, CounterOutput::Count) => MetricKind::Count,
        (Class::Counter, CounterOutput::Rate) => MetricKind::Rate,
        _ => MetricKind::Gauge,
    }
}
