//! `galgo agent run`: starts the parts, reads the configuration anew on SIGHUP, stops in the order in which nothing that
//! was gathered is lost.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use galgo_agent::check::{Board, Instance, Scheduler};
use galgo_agent::config::Settings;
use galgo_agent::dogstatsd::{Server as DogStatsd, ServerConfig};
use galgo_agent::host::HostName;
use galgo_agent::logs::LogOutput;
use galgo_agent::{Output, StopHandle, stop_signal};
use galgo_core::{Clock, SystemClock};
use galgo_forward::Forwarder;
use galgo_tail::{Tail, WatchedLine};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{RwLock, broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::parts::{self, Configured, Parts};
use super::status::Status;
use super::{local_api, metadata};
use crate::logging;

/// File that keeps a second agent out of a run folder.
const LOCK_FILE: &str = "agent.lock";

/// How long what is gathered may take to be sent once the agent stops; the rest goes to disk.
const SEND_GRACE: Duration = Duration::from_secs(5);

/// Threads: the agent is to leave the machine to others.
const WORKERS: usize = 2;

/// Threads for what blocks, such as files of the kernel.
const BLOCKING_THREADS: usize = 16;

/// Answers a request for a new reading of the configuration.
type ReloadAnswer = oneshot::Sender<Result<String, String>>;

/// What is known of a running agent, for its local API and its descriptions.
pub struct Running {
    pub(super) clock: Arc<dyn Clock>,
    started_ms: i64,
    folder: PathBuf,
    pub(super) host: HostName,
    pub(super) loaded: Mutex<Loaded>,
    pub(super) board: Arc<Board>,
    pub(super) parts: Parts,
    pub(super) forwarder: Arc<Forwarder>,
    dogstatsd: Option<Arc<DogStatsd>>,
    /// Taken out when it is shut down.
    tail: RwLock<Option<Tail>>,
    reloads: mpsc::Sender<ReloadAnswer>,
}

/// What the last reading of the configuration gave.
pub(super) struct Loaded {
    pub(super) settings: Arc<Settings>,
    pub(super) instances: Vec<Instance>,
    problems: Vec<String>,
}

/// Runs the agent until SIGTERM or SIGINT.
pub fn main(folder: &Path) -> anyhow::Result<ExitCode> {
    let settings = super::load(folder)?;
    logging::start_agent(&settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()?;
    runtime.block_on(run(folder, settings))?;
    // A file of the kernel that hangs must not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(ExitCode::SUCCESS)
}

async fn run(folder: &Path, settings: Settings) -> anyhow::Result<()> {
    settings.warnings.iter().for_each(|warning| tracing::warn!(warning, "configuration"));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let parts = Parts::new(&settings, clock.clone())?;
    let _lock = lock(&settings.run_path)?;
    let host = parts::host_name(&settings);
    let forwarder =
        Forwarder::start(parts::forwarder_config(&settings, &host.name), clock.clone()).context("forwarder")?;
    let forwarder = Arc::new(forwarder);
    let dogstatsd = start_dogstatsd(settings.dogstatsd.server(&host.name), &clock, &forwarder);
    let tail = start_tail(&settings, &host.name, &clock, &forwarder);
    let logs = tail.as_ref().map(Tail::sender);
    let output = forwarder.clone() as Arc<dyn Output>;
    let mut scheduler = Scheduler::new(parts.scheduler.clone(), clock.clone(), parts.loaders.clone(), output, logs);
    let (reloads, mut asked) = mpsc::channel(4);
    let running = Arc::new(Running {
        started_ms: clock.now_ms(),
        folder: folder.to_path_buf(),
        host,
        loaded: Mutex::new(Loaded { settings: Arc::new(settings), instances: Vec::new(), problems: Vec::new() }),
        board: scheduler.board(),
        parts,
        forwarder,
        dogstatsd,
        tail: RwLock::new(tail),
        reloads,
        clock,
    });
    running.take_up(&mut scheduler, &running.settings()).await;
    let services = Services::start(&running).await?;
    let settings = running.settings();
    let servers: Vec<&str> = settings.endpoints.iter().map(|endpoint| endpoint.url.as_str()).collect();
    tracing::info!(host = %running.host.name, ?servers, version = env!("CARGO_PKG_VERSION"), "the agent runs");
    let stopped = until_stopped(&running, &mut scheduler, &mut asked).await;
    tracing::info!("stopping: what is gathered is sent or kept");
    services.stop().await;
    scheduler.stop().await;
    running.stop().await;
    stopped
}

async fn until_stopped(
    running: &Running,
    scheduler: &mut Scheduler,
    asked: &mut mpsc::Receiver<ReloadAnswer>,
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        let answer = tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hangup.recv() => None,
            Some(answer) = asked.recv() => Some(answer),
            () = poll(running.settings().confd_poll) => None,
        };
        let outcome = running.read_anew(scheduler).await;
        match &outcome {
            Ok(summary) => tracing::info!(summary, "configuration read anew"),
            Err(error) => tracing::error!(error, "the new configuration is not taken, the old one stays"),
        }
        if let Some(answer) = answer {
            let _ = answer.send(outcome);
        }
    }
}

async fn poll(interval: Option<Duration>) {
    match interval {
        Some(interval) => tokio::time::sleep(interval).await,
        None => std::future::pending().await,
    }
}

fn lock(run_path: &Path) -> anyhow::Result<File> {
    let path = run_path.join(LOCK_FILE);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("run_path: {} is not writable", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("run_path: another agent runs in {}", run_path.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Starts DogStatsD; a socket that cannot be opened is given up, the rest goes on.
fn start_dogstatsd(
    config: Option<ServerConfig>,
    clock: &Arc<dyn Clock>,
    forwarder: &Arc<Forwarder>,
) -> Option<Arc<DogStatsd>> {
    let mut config = config?;
    loop {
        let output = forwarder.clone() as Arc<dyn Output>;
        match DogStatsd::start(config.clone(), clock.clone(), output) {
            Ok(server) => return Some(Arc::new(server)),
            Err(error) => tracing::error!(%error, "DogStatsD: a socket is given up"),
        }
        // The error names the socket, yet not which of the three it is: the rarest are given up first.
        let given_up = config.unix_stream.take().is_some() || config.unix_datagram.take().is_some();
        if !given_up && config.udp.take().is_none() {
            return None;
        }
        if config.udp.is_none() && config.unix_datagram.is_none() && config.unix_stream.is_none() {
            return None;
        }
    }
}

fn start_tail(settings: &Settings, host: &str, clock: &Arc<dyn Clock>, forwarder: &Arc<Forwarder>) -> Option<Tail> {
    if !settings.logs.enabled {
        return None;
    }
    let output = forwarder.clone() as Arc<dyn LogOutput>;
    let config = match parts::tail_config(settings, host) {
        Ok(config) => config,
        Err(error) => {
            tracing::error!(%error, "logs are not collected");
            return None;
        }
    };
    Some(Tail::start(config, clock.clone(), output))
}

impl Running {
    /// The settings of the last reading.
    pub fn settings(&self) -> Arc<Settings> {
        self.loaded.lock().settings.clone()
    }

    /// When the agent started, in milliseconds since the UNIX epoch.
    pub(super) fn started_ms(&self) -> i64 {
        self.started_ms
    }

    /// Reads conf.d and runs what it asks for.
    async fn take_up(&self, scheduler: &mut Scheduler, settings: &Arc<Settings>) {
        let reading = settings.clone();
        let configured = tokio::task::spawn_blocking(move || parts::configured(&reading)).await;
        let Ok(Configured { instances, logs, problems, .. }) = configured else {
            return tracing::error!("conf.d could not be read");
        };
        problems.iter().for_each(|problem| tracing::error!(problem, "configuration"));
        scheduler.apply(instances.clone()).await;
        if let Some(tail) = &*self.tail.read().await {
            tail.apply(parts::tail_sources(&logs)).await;
        }
        *self.loaded.lock() = Loaded { settings: settings.clone(), instances, problems };
    }

    /// Reads everything anew. Servers, sockets and ports stay as they were at the start.
    async fn read_anew(&self, scheduler: &mut Scheduler) -> Result<String, String> {
        let folder = self.folder.clone();
        let read = tokio::task::spawn_blocking(move || super::load(&folder)).await;
        let settings = match read {
            Ok(Ok(settings)) => Arc::new(settings),
            Ok(Err(error)) => return Err(format!("{error:#}")),
            Err(error) => return Err(error.to_string()),
        };
        if settings.endpoints != self.settings().endpoints {
            tracing::warn!("other servers or keys are taken up at the next start of the agent");
        }
        self.parts.python.reload().await;
        self.take_up(scheduler, &settings).await;
        let loaded = self.loaded.lock();
        Ok(format!("{} check instances, {} mistakes", loaded.instances.len(), loaded.problems.len()))
    }

    /// Asks for a new reading and waits for it.
    pub async fn reload(&self) -> Result<String, String> {
        let (answer, answered) = oneshot::channel();
        self.reloads.send(answer).await.map_err(|_| "the agent stops".to_owned())?;
        answered.await.map_err(|_| "the agent stops".to_owned())?
    }

    /// What `status` shows.
    pub async fn status(&self) -> Status {
        let (settings, problems) = {
            let loaded = self.loaded.lock();
            (loaded.settings.clone(), loaded.problems.clone())
        };
        Status {
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            now: self.clock.now_s(),
            started: self.started_ms / 1000,
            config: self.folder.display().to_string(),
            log_level: settings.log.level.clone(),
            hostname: self.host.name.clone(),
            hostname_source: self.host.source.name().to_owned(),
            tags: parts::host_tags(&settings),
            warnings: settings.warnings.clone(),
            problems,
            checks: self.board.states(),
            python: value(&self.parts.python.state()),
            forwarder: value(&self.forwarder.stats()),
            dogstatsd: self.dogstatsd.as_ref().map_or(Value::Null, |server| dogstatsd_counters(server)),
            logs: self.tail.read().await.as_ref().map_or(Value::Null, |tail| value(&tail.status())),
        }
    }

    /// What DogStatsD received by metric, when that is counted.
    pub fn dogstatsd_stats(&self) -> Option<Value> {
        self.dogstatsd.as_ref()?.metric_stats().map(|stats| value(&stats))
    }

    /// Log lines as they are sent from now on.
    pub async fn watch_logs(&self) -> Option<broadcast::Receiver<Arc<WatchedLine>>> {
        self.tail.read().await.as_ref().map(Tail::watch)
    }

    /// Log sources with their counters, for the description of this host.
    pub(super) async fn log_sources(&self) -> Value {
        self.tail
            .read()
            .await
            .as_ref()
            .map_or(Value::Null, |tail| tail.status().sources.iter().map(metadata::log_source).collect())
    }

    /// What is gathered goes out, or to disk.
    async fn stop(&self) {
        if let Some(server) = &self.dogstatsd {
            server.shutdown().await;
        }
        if let Some(tail) = self.tail.write().await.take() {
            tail.shutdown().await;
        }
        self.parts.shutdown().await;
        self.forwarder.shutdown(SEND_GRACE).await;
    }
}

fn value(of: &impl serde::Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

fn dogstatsd_counters(server: &DogStatsd) -> Value {
    let counters = server.stats().counters();
    counters.iter().map(|(name, number)| ((*name).to_owned(), json!(number))).collect::<serde_json::Map<_, _>>().into()
}

/// What serves others: the local API, the liveness probe, the descriptions of this host.
struct Services {
    stop: watch::Sender<bool>,
    handle: StopHandle,
    tasks: Vec<JoinHandle<()>>,
}

impl Services {
    async fn start(running: &Arc<Running>) -> anyhow::Result<Self> {
        let settings = running.settings();
        let (stop, stopped) = watch::channel(false);
        let (handle, ended) = stop_signal();
        let token = local_api::token(&settings.run_path)?;
        let mut tasks = vec![tokio::spawn(metadata::describe(running.clone(), ended))];
        let local = &settings.local;
        let doors = [
            (local.cmd_host.as_str(), local.cmd_port, local_api::router(running.clone(), &token)),
            // Probes come from outside the host's loopback, as in a container.
            ("0.0.0.0", local.health_port, local_api::health()),
        ];
        for (host, port, router) in doors.into_iter().filter(|(_, port, _)| *port > 0) {
            match TcpListener::bind((host, port)).await {
                Ok(listener) => {
                    let config = galgo_api::ServerConfig { max_connections: 32, ..Default::default() };
                    tasks.push(tokio::spawn(galgo_api::serve(listener, router, config, stopped.clone())));
                }
                Err(error) => tracing::error!(%error, host, port, "port is not free: commands get no answer"),
            }
        }
        Ok(Self { stop, handle, tasks })
    }

    async fn stop(self) {
        let _ = self.stop.send(true);
        self.handle.stop();
        for task in self.tasks {
            let _ = tokio::time::timeout(SEND_GRACE, task).await;
        }
    }
}
