//! Carries lines to the output: a few lanes, each of which delivers one batch after another.
//!
//! A source always uses the same lane, so its order holds; a lane that waits for its server does not stop the others.
//! What is under way is bounded in bytes: a reader waits until there is room, and so nothing is read that could not be
//! kept. A place moves when `deliver` has returned, never before.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use galgo_agent::logs::{LogLine, LogOutput};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::registry::{Mark, Registry};
use crate::status::Counters;

/// Number of lanes.
const LANES: usize = 4;
/// Bytes under way in one lane, so that all lanes together stay within 10 MiB.
const LANE_BYTES: usize = 5 << 19;
/// Lines that wait in one lane, besides the batch.
const LANE_LINES: usize = 2048;
/// What a line costs besides its text: its part of tags, places and queues, in bytes.
const LINE_OVERHEAD: usize = 256;
/// Processed lines that a slow watcher may lag behind before it loses some.
const WATCH_LINES: usize = 512;

/// How lines are put together for a delivery.
#[derive(Debug, Clone)]
pub struct BatchConfig {
    /// Longest time that a line waits for others (`logs_config.batch_wait`).
    pub wait: Duration,
    /// Most lines of a batch (`logs_config.batch_max_size`).
    pub max_lines: usize,
    /// Most bytes of a batch's texts (`logs_config.batch_max_content_size`).
    pub max_bytes: usize,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self { wait: Duration::from_secs(5), max_lines: 1000, max_bytes: 5_000_000 }
    }
}

/// What lines of the same origin share.
#[derive(Debug)]
pub(crate) struct Origin {
    pub check: String,
    pub place: String,
    pub service: String,
    pub source: String,
    pub tags: Vec<String>,
    pub counters: Arc<Counters>,
}

/// What is saved once a line is acknowledged.
#[derive(Debug, Clone)]
pub(crate) enum Position {
    /// Nothing: the line cannot be had again.
    None,
    /// A place in a file.
    File(Arc<Mark>, u64),
    /// A place in the journal, and the name under which it is saved.
    Journal(Arc<str>, String),
}

/// A line on its way, or with no text only the news that everything up to a position is dealt with.
#[derive(Debug)]
pub(crate) struct Item {
    pub text: Option<String>,
    pub status: &'static str,
    pub time_ms: i64,
    pub origin: Arc<Origin>,
    pub position: Position,
}

/// A line that was processed, for `stream-logs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedLine {
    /// The integration that it comes from.
    pub check: String,
    /// File, port or journal that it comes from.
    pub place: String,
    /// The line as it is sent.
    pub line: LogLine,
}

type Queued = (Item, Option<OwnedSemaphorePermit>);

/// The lanes.
#[derive(Debug)]
pub(crate) struct Pipelines {
    lanes: Vec<(mpsc::Sender<Queued>, Arc<Semaphore>)>,
    watchers: broadcast::Sender<Arc<WatchedLine>>,
    host: String,
    /// Sources in the order in which they came; their number chooses the lane.
    names: Mutex<HashMap<String, usize>>,
}

impl Pipelines {
    /// Starts the lanes; the tasks end when the pipelines are dropped and everything is delivered.
    pub fn start(
        host: String,
        batch: &BatchConfig,
        output: &Arc<dyn LogOutput>,
        registry: &Arc<Registry>,
    ) -> (Self, Vec<JoinHandle<()>>) {
        let (mut lanes, mut tasks) = (Vec::new(), Vec::new());
        for _ in 0..LANES {
            let (sender, receiver) = mpsc::channel(LANE_LINES);
            let lane = Lane {
                receiver,
                host: host.clone(),
                batch: batch.clone(),
                output: Arc::clone(output),
                registry: Arc::clone(registry),
            };
            tasks.push(tokio::spawn(lane.run()));
            lanes.push((sender, Arc::new(Semaphore::new(LANE_BYTES))));
        }
        (Self { lanes, watchers: broadcast::channel(WATCH_LINES).0, host, names: Mutex::default() }, tasks)
    }

    /// Processed lines from now on.
    pub fn watch(&self) -> broadcast::Receiver<Arc<WatchedLine>> {
        self.watchers.subscribe()
    }

    /// Bytes under way.
    pub fn in_flight(&self) -> u64 {
        self.lanes.iter().map(|(_, room)| LANE_BYTES.saturating_sub(room.available_permits()) as u64).sum()
    }

    /// The lane of a source: always the same for the same name, whatever its configuration, so that order is kept.
    pub fn lane_of(&self, name: &str) -> usize {
        let mut names = self.names.lock();
        let next = names.len();
        *names.entry(name.to_owned()).or_insert(next) % LANES
    }

    /// Hands a line to a lane, waiting for room.
    pub async fn send(&self, lane: usize, item: Item) {
        let (sender, room) = &self.lanes[lane % LANES];
        let permit = match &item.text {
            Some(text) => {
                let cost = (text.len() + LINE_OVERHEAD).min(LANE_BYTES / 2) as u32;
                Arc::clone(room).acquire_many_owned(cost).await.ok()
            }
            None => None,
        };
        let Ok(slot) = sender.reserve().await else { return };
        if self.watchers.receiver_count() > 0
            && let Some(line) = item.line(&self.host)
        {
            let watched = WatchedLine { check: item.origin.check.clone(), place: item.origin.place.clone(), line };
            let _ = self.watchers.send(Arc::new(watched));
        }
        if let Position::File(mark, offset) = &item.position {
            mark.hand(*offset);
        }
        slot.send((item, permit));
    }
}

impl Item {
    fn line(&self, host: &str) -> Option<LogLine> {
        Some(LogLine {
            message: self.text.clone()?,
            status: self.status.to_owned(),
            time_ms: self.time_ms,
            host: host.to_owned(),
            service: self.origin.service.clone(),
            source: self.origin.source.clone(),
            tags: self.origin.tags.clone(),
        })
    }
}

struct Lane {
    receiver: mpsc::Receiver<Queued>,
    host: String,
    batch: BatchConfig,
    output: Arc<dyn LogOutput>,
    registry: Arc<Registry>,
}

#[derive(Default)]
struct Batch {
    lines: Vec<LogLine>,
    bytes: usize,
    origins: Vec<Arc<Origin>>,
    positions: Vec<Position>,
    permits: Vec<OwnedSemaphorePermit>,
}

impl Batch {
    fn add(&mut self, (mut item, permit): Queued, host: &str) {
        if let Some(line) = item.line(host) {
            self.bytes += line.message.len() + LINE_OVERHEAD;
            self.lines.push(line);
            self.origins.push(Arc::clone(&item.origin));
        }
        item.text = None;
        self.permits.extend(permit);
        self.note(item.position);
    }

    /// Of the places in the same file only the last one counts, so that a batch of many lines keeps few.
    fn note(&mut self, position: Position) {
        match (self.positions.last_mut(), position) {
            (_, Position::None) => {}
            (Some(Position::File(last, offset)), Position::File(mark, further)) if Arc::ptr_eq(last, &mark) => {
                *offset = further;
            }
            (Some(Position::Journal(last, cursor)), Position::Journal(name, further)) if *last == name => {
                *cursor = further;
            }
            (_, position) => self.positions.push(position),
        }
    }
}

impl Lane {
    async fn run(mut self) {
        while let Some(first) = self.receiver.recv().await {
            let mut batch = Batch::default();
            batch.add(first, &self.host);
            self.fill(&mut batch).await;
            self.finish(batch).await;
        }
    }

    /// Waits for more lines until the batch is full, its time is up or nothing more will come.
    async fn fill(&mut self, batch: &mut Batch) {
        // Half of the lane's room, for the next batch is gathered while this one is delivered.
        let max_bytes = self.batch.max_bytes.min(LANE_BYTES / 2);
        let deadline = Instant::now() + self.batch.wait;
        while !batch.lines.is_empty() && batch.lines.len() < self.batch.max_lines && batch.bytes < max_bytes {
            match tokio::time::timeout_at(deadline, self.receiver.recv()).await {
                Ok(Some(queued)) => batch.add(queued, &self.host),
                Ok(None) | Err(_) => break,
            }
        }
    }

    async fn finish(&self, batch: Batch) {
        let Batch { lines, origins, positions, permits, .. } = batch;
        if !lines.is_empty() {
            let outcome = self.output.deliver(lines).await;
            if let Err(error) = &outcome {
                tracing::warn!(%error, lines = origins.len(), "log lines were refused");
            }
            for origin in &origins {
                match &outcome {
                    Ok(()) => Counters::add(&origin.counters.lines_sent, 1),
                    Err(error) => {
                        Counters::add(&origin.counters.lines_refused, 1);
                        origin.counters.note_error(format!("lines were refused: {error}"));
                    }
                }
            }
        }
        for position in positions {
            match position {
                Position::None => {}
                Position::File(mark, offset) => self.registry.commit(&mark, offset),
                Position::Journal(name, cursor) => self.registry.set_cursor(&name, Some(cursor)),
            }
        }
        drop(permits);
    }
}
