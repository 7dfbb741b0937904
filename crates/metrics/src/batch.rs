//! The points of one request on their way into the engine.

use std::sync::Arc;

use galgo_core::{MetricSink, Point, RawSeries, Rejection, SketchPoint};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::engine::Shared;
use crate::head::Definition;
use crate::record::{Content, Entry, SketchEntry};

/// Takes the series of one request. Nothing of it is stored before [`Engine::commit`](crate::Engine::commit), so a
/// batch of a malformed payload is just dropped.
pub struct Batch {
    shared: Arc<Shared>,
    pub(crate) content: Content,
    pub(crate) definitions: Vec<Definition>,
    oldest: i64,
    newest: i64,
    scratch: Vec<u8>,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Batch").field("points", &self.points()).finish_non_exhaustive()
    }
}

impl Batch {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let now = shared.clock.now_s();
        let oldest = (now - shared.config.retention_s).max(1);
        let newest = i64::from(u32::MAX);
        Self {
            shared,
            content: Content::default(),
            definitions: Vec::new(),
            oldest,
            newest,
            scratch: Vec::with_capacity(512),
        }
    }

    /// Points and sketches taken so far.
    pub fn points(&self) -> usize {
        self.content.times.len() + self.content.sketches.len()
    }

    /// Whether nothing was taken.
    pub fn is_empty(&self) -> bool {
        self.points() == 0
    }

    fn resolve(&mut self, series: &RawSeries<'_>) -> Result<u32, Rejection> {
        let raw_hash = self.raw_hash(series);
        let id = self.shared.head.resolve(series, raw_hash)?;
        if let Some(pending) = self.shared.head.pending(id) {
            self.definitions.push(Definition::of(pending));
        }
        Ok(id)
    }

    // A hash over all parts as sent. Copying them side by side and hashing once is faster than feeding a streaming
    // hasher with a dozen short pieces. The seed is random, so nobody can aim for collisions.
    fn raw_hash(&mut self, series: &RawSeries<'_>) -> u128 {
        let scratch = &mut self.scratch;
        scratch.clear();
        let mut part = |text: &str| {
            scratch.extend_from_slice(text.as_bytes());
            // No UTF-8 text holds this byte.
            scratch.push(0xff);
        };
        part(series.metric);
        part(series.host);
        series.tags.iter().for_each(|tag| part(tag));
        for (key, value) in series.pairs {
            part(key);
            part(value);
        }
        scratch.push(series.kind.code());
        scratch.extend_from_slice(&series.interval.to_le_bytes());
        xxh3_128_with_seed(scratch, self.shared.hash_seed)
    }

    fn check_time(&self, time: i64) -> Result<u32, Rejection> {
        if time < self.oldest || time > self.newest {
            return Err(Rejection::invalid(format!(
                "timestamp {time} is outside of {} to {}",
                self.oldest, self.newest
            )));
        }
        Ok(time as u32)
    }
}

impl MetricSink for Batch {
    fn series(&mut self, series: &RawSeries<'_>, points: &[Point]) -> Result<(), Rejection> {
        let mut rejected = None;
        let start = self.content.times.len();
        for point in points {
            match self.check_time(point.time) {
                Ok(time) => {
                    self.content.times.push(time);
                    self.content.values.push(point.value);
                }
                Err(rejection) => rejected = Some(rejection),
            }
        }
        let count = self.content.times.len() - start;
        if count > 0 {
            match self.resolve(series) {
                Ok(id) => self.content.entries.push(Entry { id, count: count as u32 }),
                Err(rejection) => {
                    self.content.times.truncate(start);
                    self.content.values.truncate(start);
                    return Err(rejection);
                }
            }
        }
        rejected.map_or(Ok(()), Err)
    }

    fn sketches(&mut self, series: &RawSeries<'_>, points: &[SketchPoint]) -> Result<(), Rejection> {
        let mut rejected = None;
        let id = self.resolve(series)?;
        for point in points {
            match self.check_time(point.time) {
                Ok(time) => self.content.sketches.push(SketchEntry { id, time, sketch: point.sketch.clone() }),
                Err(rejection) => rejected = Some(rejection),
            }
        }
        rejected.map_or(Ok(()), Err)
    }
}
