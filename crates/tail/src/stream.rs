//! Lines that come from a connection: they cannot be read again, so they have no place.

use std::sync::Arc;

use tokio::time::Instant;

use crate::assembler::{Assembler, Log};
use crate::encoding::Encoding;
use crate::file::Reading;
use crate::framer::Framer;
use crate::pipeline::{Item, Origin, Position};
use crate::rules::SharedRules;
use crate::severity;
use crate::status::Counters;

/// Turns the bytes of one sender into lines.
#[derive(Debug)]
pub(crate) struct Stream {
    framer: Framer,
    assembler: Assembler,
    rules: SharedRules,
    origin: Arc<Origin>,
    /// When bytes came last.
    pub heard_at: Instant,
}

impl Stream {
    /// A stream that has not begun.
    pub fn new(origin: Origin, reading: &Reading, now: Instant) -> Self {
        Self {
            framer: Framer::new(Encoding::Utf8, reading.max_line, 0),
            assembler: Assembler::new(reading.grouping.clone(), reading.max_line),
            rules: Arc::clone(&reading.rules),
            origin: Arc::new(origin),
            heard_at: now,
        }
    }

    /// Takes bytes; `whole` says that they end with a line, whether or not there is a line feed.
    pub fn push(&mut self, bytes: &[u8], whole: bool, now: Instant, now_ms: i64) -> Vec<Item> {
        self.heard_at = now;
        let mut frames = Vec::new();
        self.framer.push(bytes, &mut frames);
        if whole {
            frames.extend(self.framer.finish());
        }
        Counters::add(&self.origin.counters.bytes_read, bytes.len() as u64);
        Counters::add(&self.origin.counters.lines_read, frames.len() as u64);
        let mut logs = Vec::new();
        frames.into_iter().for_each(|frame| self.assembler.push(frame, &mut logs));
        self.items(logs, now_ms)
    }

    /// Whether complete lines wait for more.
    pub fn holds(&self) -> bool {
        self.assembler.holds()
    }

    /// Hands over complete lines that wait for more.
    pub fn flush(&mut self, now_ms: i64) -> Vec<Item> {
        let mut logs = Vec::new();
        self.assembler.flush(&mut logs);
        self.items(logs, now_ms)
    }

    /// Hands over everything: no more will come.
    pub fn finish(&mut self, now_ms: i64) -> Vec<Item> {
        let now = self.heard_at;
        let mut items = self.push(b"", true, now, now_ms);
        items.extend(self.flush(now_ms));
        items
    }

    fn items(&self, logs: Vec<Log>, now_ms: i64) -> Vec<Item> {
        let mut items = Vec::new();
        for log in logs.into_iter().filter(|log| !log.text.is_empty()) {
            match self.rules.apply(log.text) {
                Some(text) => items.push(Item {
                    status: severity::of_line(&text),
                    text: Some(text),
                    time_ms: now_ms,
                    origin: Arc::clone(&self.origin),
                    position: Position::None,
                }),
                None => Counters::add(&self.origin.counters.lines_dropped, 1),
            }
        }
        items
    }
}
