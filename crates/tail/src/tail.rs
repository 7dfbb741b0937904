//! The collection as a whole: starts and ends the sources, keeps their places.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use galgo_agent::check::CheckLogs;
use galgo_agent::logs::LogOutput;
use galgo_agent::{Stop, StopHandle, stop_signal};
use galgo_core::Clock;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::task::JoinHandle;

use crate::assembler::Grouping;
use crate::check_logs::{CheckLines, QUEUE, Registration, Registrations};
use crate::config::TailConfig;
use crate::encoding::Encoding;
use crate::file::{FileTimes, OpenFiles, Reading, run_file};
use crate::openings::Openings;
use crate::pipeline::{Pipelines, WatchedLine};
use crate::registry::Registry;
use crate::shared::{Shared, SourceContext};
use crate::source::{SourceKind, TailSource};
use crate::status::{Counters, SourceState, SourceStatus, TailStatus};
use crate::{journal, listen};

/// Time between two savings of the places.
const SAVE_PERIOD: Duration = Duration::from_secs(1);
/// Time between two looks for places of files that are gone.
const FORGET_EVERY: u32 = 60;
/// Rounds of reading at a time.
const DISK_READERS: usize = 2;

/// The log collection of an agent. Dropping it without [`Tail::shutdown`] ends it as a crash would: what was not
/// acknowledged is read again at the next start.
#[derive(Debug)]
pub struct Tail {
    config: TailConfig,
    shared: Arc<Shared>,
    registrations: Registrations,
    sender: CheckLogs,
    running: Mutex<Vec<Running>>,
    /// One change of the sources at a time.
    applying: tokio::sync::Mutex<()>,
    next_owner: AtomicU64,
    lanes: Mutex<Vec<JoinHandle<()>>>,
    check_lines: Mutex<Option<(StopHandle, JoinHandle<()>)>>,
    saver: JoinHandle<()>,
}

#[derive(Debug)]
struct Running {
    source: TailSource,
    counters: Arc<Counters>,
    stop: StopHandle,
    task: Option<JoinHandle<()>>,
}

impl Tail {
    /// Starts the collection, without sources. Must be called within a tokio runtime.
    pub fn start(config: TailConfig, clock: Arc<dyn Clock>, output: Arc<dyn LogOutput>) -> Self {
        let ttl_ms = i64::try_from(config.auditor_ttl.as_millis()).unwrap_or(i64::MAX);
        let registry = Registry::open(&config.run_dir, Arc::clone(&clock), ttl_ms);
        let (pipelines, lanes) = Pipelines::start(config.host.clone(), &config.batch, &output, &registry);
        let saver = tokio::spawn(save_now_and_then(Arc::clone(&registry)));
        let open = OpenFiles::new(config.open_files_limit);
        let shared = Arc::new(Shared { clock, registry, pipelines, open, disk: Semaphore::new(DISK_READERS) });
        let registrations = Registrations::default();
        let (sender, receiver) = mpsc::channel(QUEUE);
        let lines = CheckLines {
            shared: Arc::clone(&shared),
            registrations: Arc::clone(&registrations),
            global_rules: Arc::clone(&config.processing_rules),
            receiver,
        };
        let (handle, stop) = stop_signal();
        let check_lines = tokio::spawn(lines.run(stop));
        Self {
            config,
            shared,
            registrations,
            sender,
            running: Mutex::default(),
            applying: tokio::sync::Mutex::default(),
            next_owner: AtomicU64::new(0),
            lanes: Mutex::new(lanes),
            check_lines: Mutex::new(Some((handle, check_lines))),
            saver,
        }
    }

    /// Collects exactly these sources from now on: those that are no longer there end, new ones begin, those whose
    /// configuration is the same go on undisturbed.
    pub async fn apply(&self, sources: Vec<TailSource>) {
        let _one_at_a_time = self.applying.lock().await;
        let mut old = std::mem::take(&mut *self.running.lock());
        let mut slots: Vec<Result<Running, TailSource>> = Vec::with_capacity(sources.len());
        for source in sources {
            match old.iter().position(|running| running.source == source) {
                Some(index) => slots.push(Ok(old.swap_remove(index))),
                None => slots.push(Err(source)),
            }
        }
        end_all(&mut old).await;
        let running: Vec<Running> =
            slots.into_iter().map(|slot| slot.unwrap_or_else(|source| self.begin(source))).collect();
        let registered = running.iter().filter(|running| running.source.kind == SourceKind::Integration);
        *self.registrations.write() = registered
            .map(|running| {
                let source = running.source.clone();
                let rules = Arc::new(source.rules.after(&self.config.processing_rules));
                (source.check.clone(), Registration { source, rules, counters: Arc::clone(&running.counters) })
            })
            .collect::<HashMap<_, _>>();
        *self.running.lock() = running;
    }

    /// Where checks send their lines: a sender waits when too many are under way.
    pub fn sender(&self) -> CheckLogs {
        self.sender.clone()
    }

    /// Lines of all sources from now on, as they are sent. A receiver that is slow loses the oldest ones.
    pub fn watch(&self) -> broadcast::Receiver<Arc<WatchedLine>> {
        self.shared.pipelines.watch()
    }

    /// What each source does.
    pub fn status(&self) -> TailStatus {
        let running = self.running.lock();
        TailStatus {
            sources: running.iter().map(Running::status).collect(),
            bytes_in_flight: self.shared.pipelines.in_flight(),
            registry_error: self.shared.registry.error(),
        }
    }

    /// Ends all sources, delivers what was read as far as that is possible in time, and saves the places.
    pub async fn shutdown(self) {
        let mut running = std::mem::take(&mut *self.running.lock());
        let check_lines = self.check_lines.lock().take();
        let lanes = std::mem::take(&mut *self.lanes.lock());
        let registry = Arc::clone(&self.shared.registry);
        let aborts: Vec<_> = lanes.iter().map(JoinHandle::abort_handle).collect();
        let timeout = self.config.shutdown_timeout;
        let ending = async {
            end_all(&mut running).await;
            if let Some((stop, task)) = check_lines {
                stop.stop();
                let _ = task.await;
            }
            // The lanes end when nothing can come any more: this was the last holder of their senders.
            let saver = self.saver.abort_handle();
            drop(self);
            for lane in lanes {
                let _ = lane.await;
            }
            saver.abort();
        };
        if tokio::time::timeout(timeout, ending).await.is_err() {
            tracing::warn!("log lines were not delivered in time; those from files are read again at the next start");
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
        registry.touch();
        let _ = tokio::task::spawn_blocking(move || registry.save()).await;
    }

    fn begin(&self, source: TailSource) -> Running {
        let counters = Arc::new(Counters::default());
        let (handle, stop) = stop_signal();
        for warning in &source.warnings {
            tracing::warn!(source = %source.where_from, warning, "log source");
        }
        let task = self.spawn(&source, &counters, stop);
        Running { source, counters, stop: handle, task }
    }

    fn spawn(&self, source: &TailSource, counters: &Arc<Counters>, stop: Stop) -> Option<JoinHandle<()>> {
        let reading = self.reading(source);
        let context = SourceContext::new(Arc::clone(&self.shared), source.clone(), Arc::clone(counters), reading);
        match source.kind.clone() {
            SourceKind::File(file) => {
                let owner = self.next_owner.fetch_add(1, Ordering::Relaxed);
                let times =
                    FileTimes { scan_period: self.config.file_scan_period, close_timeout: self.config.close_timeout };
                Some(tokio::spawn(run_file(context, file, owner, times, stop)))
            }
            SourceKind::Tcp { port, idle_timeout } => {
                Some(tokio::spawn(listen::run_tcp(context, port, idle_timeout, stop)))
            }
            SourceKind::Udp { port, frame_size } => {
                let frame_size = frame_size.unwrap_or(self.config.frame_size);
                Some(tokio::spawn(listen::run_udp(context, port, frame_size, stop)))
            }
            SourceKind::Journald(journal) => {
                Some(tokio::spawn(journal::run(context, journal, self.config.journalctl.clone(), stop)))
            }
            SourceKind::Integration => {
                counters.set_state(SourceState::Ok);
                None
            }
        }
    }

    fn reading(&self, source: &TailSource) -> Reading {
        let rules = source.rules.after(&self.config.processing_rules);
        let encoding = match &source.kind {
            SourceKind::File(file) => file.encoding,
            _ => Encoding::Utf8,
        };
        let openings = Openings {
            timestamps: source.auto_multi_line.unwrap_or(self.config.auto_multi_line),
            mysql: source.auto_multi_line != Some(false) && Openings::knows(&source.source),
            extra: source.extra_starts.clone(),
        };
        let grouping = if !rules.starts().is_empty() {
            Grouping::Rule(rules.starts().to_vec())
        } else if openings.timestamps || openings.mysql {
            Grouping::Openings(openings)
        } else {
            Grouping::Lines
        };
        Reading { encoding, grouping, rules: Arc::new(rules), max_line: self.config.max_message_bytes }
    }
}

impl Running {
    fn status(&self) -> SourceStatus {
        let source = &self.source;
        let mut status = SourceStatus {
            check: source.check.clone(),
            where_from: source.where_from.clone(),
            kind: source.type_name().to_owned(),
            name: source.name(),
            service: source.service.clone(),
            source: source.source.clone(),
            state: SourceState::Starting,
            files: Vec::new(),
            bytes_read: 0,
            lines_read: 0,
            lines_dropped: 0,
            lines_sent: 0,
            lines_refused: 0,
            last_error: None,
            warnings: source.warnings.clone(),
        };
        self.counters.fill(&mut status);
        status
    }
}

impl Drop for Running {
    /// Nothing goes on behind the back of a collection that is gone.
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.saver.abort();
        if let Some((_, task)) = self.check_lines.lock().take() {
            task.abort();
        }
        self.lanes.lock().drain(..).for_each(|lane| lane.abort());
    }
}

async fn end_all(running: &mut Vec<Running>) {
    running.iter().for_each(|running| running.stop.stop());
    for mut ended in running.drain(..) {
        if let Some(task) = ended.task.take() {
            let _ = task.await;
        }
    }
}

async fn save_now_and_then(registry: Arc<Registry>) {
    let mut ticks = tokio::time::interval(SAVE_PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut count = 0_u32;
    loop {
        ticks.tick().await;
        count = count.wrapping_add(1);
        let registry = Arc::clone(&registry);
        let forget = count.is_multiple_of(FORGET_EVERY);
        let saving = tokio::task::spawn_blocking(move || {
            if forget {
                registry.forget_gone();
            }
            registry.save();
        });
        let _ = saving.await;
    }
}
