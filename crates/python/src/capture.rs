//! What checks print and log, on its way into the agent's own log.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::time::Instant;

use crate::state::{Counters, count};

/// Longest line; the rest of a longer one becomes further lines.
const MAX_LINE_BYTES: usize = 8 << 10;

/// Last lines of a process that are kept, to explain its end.
const LAST_LINES: usize = 40;

/// Most lines that one process may log within [`WINDOW`]; beyond, they are counted and dropped.
const MAX_LINES: u64 = 1000;

/// See [`MAX_LINES`].
const WINDOW: Duration = Duration::from_secs(10);

/// Target of checks' lines in the agent's log, for filters.
const TARGET: &str = "galgo_python::check";

/// The log of one process.
#[derive(Debug)]
pub struct Capture {
    counters: Arc<Counters>,
    lines: Mutex<VecDeque<String>>,
    budget: Mutex<Budget>,
    running: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Budget {
    since: Instant,
    taken: u64,
    dropped: u64,
}

impl Capture {
    /// An empty log.
    pub fn new(counters: Arc<Counters>) -> Self {
        let budget = Budget { since: Instant::now(), taken: 0, dropped: 0 };
        Self { counters, lines: Mutex::default(), budget: Mutex::new(budget), running: Mutex::default() }
    }

    /// Says which checks run right now: a line that a library or a child process wrote can only be theirs.
    pub fn set_running(&self, checks: Vec<String>) {
        *self.running.lock() = checks;
    }

    /// What the process last wrote to its output.
    pub fn last_lines(&self) -> String {
        self.lines.lock().iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Logs a line of a check; `level` is Python's number.
    pub fn log(&self, check: &str, level: u32, line: &str) {
        if !self.may_log() {
            return;
        }
        match level {
            40.. => tracing::error!(target: TARGET, check, "{line}"),
            30.. => tracing::warn!(target: TARGET, check, "{line}"),
            20.. => tracing::info!(target: TARGET, check, "{line}"),
            10.. => tracing::debug!(target: TARGET, check, "{line}"),
            _ => tracing::trace!(target: TARGET, check, "{line}"),
        }
    }

    fn may_log(&self) -> bool {
        let mut budget = self.budget.lock();
        let now = Instant::now();
        if now.duration_since(budget.since) >= WINDOW {
            let dropped = std::mem::take(&mut budget.dropped);
            if dropped > 0 {
                tracing::warn!(dropped, limit = MAX_LINES, window_s = WINDOW.as_secs(), "checks log too much");
            }
            (budget.since, budget.taken) = (now, 0);
        }
        budget.taken += 1;
        let granted = budget.taken <= MAX_LINES;
        if !granted {
            budget.dropped += 1;
            count(&self.counters.dropped_log_lines, 1);
        }
        granted
    }

    /// Logs everything that comes out of a pipe until it is closed.
    pub async fn follow(self: Arc<Self>, pipe: impl AsyncRead + Unpin) {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut pipe).take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if text.is_empty() {
                continue;
            }
            let check = self.running.lock().join(", ");
            self.log(&check, 20, &text);
            let mut lines = self.lines.lock();
            if lines.len() == LAST_LINES {
                lines.pop_front();
            }
            lines.push_back(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_lines_are_kept_and_long_ones_cut() {
        let counters = Arc::new(Counters::default());
        let capture = Arc::new(Capture::new(Arc::clone(&counters)));
        let mut text: Vec<u8> = (0..1100).flat_map(|number| format!("line {number}\n").into_bytes()).collect();
        text.extend(vec![b'x'; MAX_LINE_BYTES + 5]);
        Arc::clone(&capture).follow(&*text).await;
        let lines = capture.last_lines();
        assert_eq!(lines.lines().count(), LAST_LINES);
        assert!(lines.ends_with("xxxxx") && lines.contains("line 1099\n"));
        assert_eq!(counters.snapshot().dropped_log_lines, 102);
    }
}
