//! What the tasks of all sources share, and what each has of its own.

use std::sync::Arc;
use std::time::Duration;

use galgo_agent::Stop;
use galgo_core::Clock;
use tokio::sync::Semaphore;

use crate::file::{OpenFiles, Reading};
use crate::pipeline::{Item, Pipelines};
use crate::registry::Registry;
use crate::source::TailSource;
use crate::status::Counters;

/// How long a source that ends tries to hand over what it holds.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What all sources share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub clock: Arc<dyn Clock>,
    pub registry: Arc<Registry>,
    pub pipelines: Pipelines,
    pub open: Arc<OpenFiles>,
    /// Rounds of reading at a time: enough to keep a disk busy, few enough to need few threads.
    pub disk: Semaphore,
}

/// What one source has.
#[derive(Debug)]
pub(crate) struct SourceContext {
    pub shared: Arc<Shared>,
    pub source: TailSource,
    pub counters: Arc<Counters>,
    pub reading: Reading,
    lane: usize,
}

impl SourceContext {
    /// A source and its counters.
    pub fn new(shared: Arc<Shared>, source: TailSource, counters: Arc<Counters>, reading: Reading) -> Self {
        let lane = shared.pipelines.lane_of(&source.name());
        Self { shared, source, counters, reading, lane }
    }

    /// Hands over lines, waiting for room; returns `false` when the source is to stop and the rest is left.
    pub async fn send(&self, items: Vec<Item>, stop: &mut Stop) -> bool {
        for item in items {
            tokio::select! {
                biased;
                () = self.shared.pipelines.send(self.lane, item) => {}
                () = stop.raised() => return false,
            }
        }
        true
    }

    /// Hands over the last lines of a source, as far as there is room.
    pub async fn send_last(&self, items: Vec<Item>) {
        let sending = async {
            for item in items {
                self.shared.pipelines.send(self.lane, item).await;
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS, sending).await;
    }

    /// Shows an error in the status and logs it once.
    pub fn complain(&self, error: String) {
        if self.counters.fail(error.clone()) {
            tracing::warn!(source = %self.source.where_from, error, "log source");
        }
    }
}
