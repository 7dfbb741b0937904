//! A folder with logs, an output that can be held up, and a collection that can be killed.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use galgo_agent::OutputError;
use galgo_agent::logs::{LogLine, LogOutput};
use galgo_core::SystemClock;
use galgo_tail::{Tail, TailConfig, TailSource};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

/// Keeps what it is given; can be made to wait or to refuse.
#[derive(Debug)]
pub struct Recorder {
    lines: Mutex<Vec<LogLine>>,
    batches: Mutex<Vec<usize>>,
    open: watch::Sender<bool>,
    /// Lines with this text are refused, with their batch.
    refused: Mutex<HashSet<String>>,
    /// Only batches with lines of this service wait; empty for all.
    held_service: Mutex<String>,
}

#[async_trait]
impl LogOutput for Recorder {
    async fn deliver(&self, lines: Vec<LogLine>) -> Result<(), OutputError> {
        let held = self.held_service.lock().clone();
        if held.is_empty() || lines.iter().any(|line| line.service == held) {
            let _ = self.open.subscribe().wait_for(|open| *open).await;
        }
        if lines.iter().any(|line| self.refused.lock().contains(&line.message)) {
            return Err(OutputError("403 forbidden".into()));
        }
        self.batches.lock().push(lines.len());
        self.lines.lock().extend(lines);
        Ok(())
    }
}

/// Everything that a test needs.
pub struct Bench {
    pub folder: TempDir,
    pub output: Arc<Recorder>,
    pub config: TailConfig,
    tail: Option<Tail>,
    sources: Vec<TailSource>,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = TailConfig::new(folder.path().join("run"), "web-1");
        config.batch.wait = Duration::from_millis(100);
        let output = Arc::new(Recorder {
            lines: Mutex::default(),
            batches: Mutex::default(),
            open: watch::channel(true).0,
            refused: Mutex::default(),
            held_service: Mutex::default(),
        });
        Self { folder, output, config, tail: None, sources: Vec::new() }
    }

    /// Absolute path of a name in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A source of type `file` with further keys.
    pub fn file(&self, path: &str, more: Value) -> Value {
        let mut config = json!({ "type": "file", "path": self.path(path), "service": "shop", "source": "app" });
        let keys = more.as_object().cloned().unwrap_or_default();
        config.as_object_mut().unwrap().extend(keys);
        config
    }

    /// Collects exactly these sources from now on.
    pub async fn apply(&mut self, configs: &[Value]) {
        let parse = |(index, config)| TailSource::parse(config, &format!("x.yaml, logs {}", index + 1)).unwrap();
        self.sources = configs.iter().enumerate().map(parse).map(|source| source.for_check("app")).collect();
        self.start().await;
    }

    /// Starts the collection, unless it runs, with the sources that there were.
    pub async fn start(&mut self) {
        let tail = self.tail.get_or_insert_with(|| {
            let output: Arc<Recorder> = Arc::clone(&self.output);
            Tail::start(self.config.clone(), Arc::new(SystemClock::new()), output)
        });
        tail.apply(self.sources.clone()).await;
    }

    pub fn tail(&self) -> &Tail {
        self.tail.as_ref().unwrap()
    }

    pub fn is_running(&self) -> bool {
        self.tail.is_some()
    }

    /// Ends the collection as a crash would.
    pub async fn kill(&mut self) {
        drop(self.tail.take());
        // What runs on a thread for blocking work cannot be aborted; simulated time stands still until it is done.
        settle(0.001).await;
    }

    /// Ends the collection in good order.
    pub async fn shutdown(&mut self) {
        self.tail.take().unwrap().shutdown().await;
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn append(&self, name: &str, content: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(content.as_ref()).unwrap();
    }

    pub fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Copies a file and cuts the original off, as `copytruncate` does.
    pub fn copy_and_truncate(&self, from: &str, to: &str) {
        std::fs::copy(self.path(from), self.path(to)).unwrap();
        OpenOptions::new().write(true).open(self.path(from)).unwrap().set_len(0).unwrap();
    }

    /// Whether deliveries return.
    pub fn let_through(&self, open: bool) {
        self.output.open.send_replace(open);
    }

    /// Only deliveries of a service wait when they are not let through.
    pub fn hold_only(&self, service: &str) {
        *self.output.held_service.lock() = service.to_owned();
    }

    pub fn refuse(&self, text: &str) {
        self.output.refused.lock().insert(text.to_owned());
    }

    /// Texts that were delivered since the last call.
    pub fn texts(&self) -> Vec<String> {
        self.lines().into_iter().map(|line| line.message).collect()
    }

    /// Lines that were delivered since the last call.
    pub fn lines(&self) -> Vec<LogLine> {
        std::mem::take(&mut *self.output.lines.lock())
    }

    /// Sizes of the batches so far.
    pub fn batches(&self) -> Vec<usize> {
        self.output.batches.lock().clone()
    }

    /// Waits in real time until so many lines have come.
    pub async fn wait_for_lines(&self, number: usize) -> Vec<LogLine> {
        for _ in 0..500 {
            if self.output.lines.lock().len() >= number {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.lines()
    }
}

/// Lets simulated time pass.
pub async fn settle(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}
