//! The way in: gathers reports for a few seconds, makes payloads of them and queues them at every endpoint.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use galgo_agent::logs::{LogLine, LogOutput};
use galgo_agent::{Output, OutputError, Report, Series, Stop, StopHandle, stop_signal};
use galgo_core::{Clock, MetricKind, Point};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::config::{ForwarderConfig, key_hint};
use crate::disk::{Folders, Limits, Space};
use crate::encode::Encoder;
use crate::endpoint::{Endpoint, Role};
use crate::error::ForwarderError;
use crate::http::{Clients, Http};
use crate::payload::{Payload, Route};
use crate::plan::{Plan, claim_folders, parse_url, plan, shown};
use crate::receipt::receipts;
use crate::stats::{EndpointState, ForwarderStats};
use crate::transport::Transport;
use crate::worker::{Worker, WorkerConfig};

/// Reports are sent before their time when they hold so many points, checks and events.
const MAX_GATHERED_POINTS: usize = 10_000;
/// Reports with more points are encoded away from the async threads.
const MAX_INLINE_POINTS: usize = 2_000;
/// Most time for asking about all keys, shared between them (as Datadog's agent does).
const VALIDATION_TIMEOUT: Duration = Duration::from_secs(10);
/// A key of zeros stands for none and is not asked about.
const NO_KEY: &str = "00000000000000000000000000000000";
/// The forwarder's own metric: points that were given up.
const DROPPED_METRIC: &str = "galgo.forwarder.dropped_points";

/// Sends reports, log lines and metadata. Make one with [`Forwarder::start`], end it with [`Forwarder::shutdown`].
#[derive(Debug)]
pub struct Forwarder {
    shared: Arc<Shared>,
    tasks: Mutex<Tasks>,
}

#[derive(Debug)]
struct Tasks {
    stop: StopHandle,
    deadline: watch::Sender<Option<Instant>>,
    gathering: Vec<JoinHandle<()>>,
    workers: Vec<JoinHandle<()>>,
    /// Holds the lock of the disk queue.
    folders: Option<Folders>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    encoder: Encoder,
    endpoints: Vec<Arc<Endpoint>>,
    gathered: Mutex<Gathered>,
    /// Held while payloads are made and queued, so that they are queued in order.
    queueing: tokio::sync::Mutex<()>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Gathered {
    report: Report,
    /// Points, checks and events in it.
    points: usize,
    /// Points given up so far, as last reported.
    dropped_points: u64,
}

/// What a server says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyVerdict {
    /// It knows the key.
    Valid,
    /// It does not.
    Invalid,
    /// It could not be asked, or did not say; why.
    Unknown(String),
}

/// A server, a key (its last characters) and what the server says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCheck {
    /// The server.
    pub url: String,
    /// Last characters of the key.
    pub key: String,
    /// What the server says of it.
    pub verdict: KeyVerdict,
}

impl Forwarder {
    /// Takes up what an earlier run left on disk and starts to send. Must be called within a tokio runtime.
    pub fn start(config: ForwarderConfig, clock: Arc<dyn Clock>) -> Result<Self, ForwarderError> {
        let plans = plan(&config)?;
        let mut clients = Clients::new(&config);
        let mut transports: Vec<Arc<dyn Transport>> = Vec::new();
        for plan in &plans {
            let http = Http::new(&mut clients, plan.url.clone(), plan.timeout, Arc::clone(&clock))?;
            transports.push(Arc::new(http));
        }
        drop(clients);
        Ok(Self::start_with(config, clock, plans, transports))
    }

    /// Starts over a given transport for each endpoint in place of HTTP.
    #[cfg(test)]
    pub(crate) fn start_over(
        config: ForwarderConfig,
        clock: Arc<dyn Clock>,
        transports: Vec<Arc<dyn Transport>>,
    ) -> Result<Self, ForwarderError> {
        let plans = plan(&config)?;
        Ok(Self::start_with(config, clock, plans, transports))
    }

    fn start_with(
        config: ForwarderConfig,
        clock: Arc<dyn Clock>,
        plans: Vec<Plan>,
        transports: Vec<Arc<dyn Transport>>,
    ) -> Self {
        let (folders, mut paths) = claim_folders(config.disk.as_ref(), &plans);
        let limits = config.disk.as_ref().map(|disk| Limits {
            max_bytes: disk.max_bytes / plans.len().max(1) as u64,
            max_disk_ratio: disk.max_disk_ratio,
            outdated_after: disk.outdated_after,
            space: Space::of,
        });
        let (deadline, _) = watch::channel(None);
        let (mut endpoints, mut workers) = (Vec::new(), Vec::new());
        for (at, (plan, transport)) in plans.into_iter().zip(transports).enumerate() {
            let is_kept = !matches!(plan.role, Role::Logs { is_reliable: false, .. });
            let path = paths.get_mut(at).map(std::mem::take).filter(|_| is_kept);
            let worker_config = WorkerConfig {
                backoff: config.backoff,
                max_concurrent_requests: config.max_concurrent_requests,
                compression: if plan.role == Role::Metrics { config.compression } else { config.log_compression },
                disk: path.zip(limits),
            };
            let endpoint = Endpoint::new(plan.shown, &plan.key, plan.role, transport, config.memory_bytes);
            let endpoint = Arc::new(endpoint);
            let worker = Worker::new(Arc::clone(&endpoint), Arc::clone(&clock), worker_config);
            workers.push(tokio::spawn(worker.run(deadline.subscribe())));
            endpoints.push(endpoint);
        }
        let encoder = Encoder {
            host: config.host,
            compression: config.compression,
            log_compression: config.log_compression,
            enabled: config.enabled,
            limits: config.limits,
        };
        let shared = Arc::new(Shared {
            clock,
            encoder,
            endpoints,
            gathered: Mutex::default(),
            queueing: tokio::sync::Mutex::default(),
            arrived: Notify::new(),
        });
        let (stop, stopped) = stop_signal();
        let mut gathering = vec![tokio::spawn(gather(Arc::clone(&shared), config.batch_wait, stopped.clone()))];
        if let Some(every) = config.validate_keys_every {
            gathering.push(tokio::spawn(validate_regularly(Arc::clone(&shared), every, stopped)));
        }
        Self { shared, tasks: Mutex::new(Tasks { stop, deadline, gathering, workers, folders }) }
    }

    /// Queues a JSON document, such as host metadata ([`Route::Intake`]) or an inventory ([`Route::Metadata`]), for all
    /// servers of metrics.
    pub fn payload(&self, route: Route, document: &Value) {
        let payload = self.shared.encoder.document(route, document, self.shared.clock.now_ms());
        self.shared.queue(vec![payload]);
    }

    /// What it does and what waits.
    pub fn stats(&self) -> ForwarderStats {
        let endpoints = self.shared.endpoints.iter().map(|endpoint| endpoint.stats()).collect();
        ForwarderStats { endpoints, gathering_points: self.shared.gathered.lock().points as u64 }
    }

    /// Asks every server about its keys.
    pub async fn validate_keys(&self) -> Vec<KeyCheck> {
        self.shared.validate_keys().await
    }

    /// Replaces the keys of a server, one for one in the order of the configuration. What waits is sent with the new
    /// ones, at once.
    pub fn set_api_keys(&self, url: &str, keys: &[String]) -> Result<(), ForwarderError> {
        let url = shown(&parse_url(url)?);
        let known: Vec<_> = self.shared.endpoints.iter().filter(|endpoint| endpoint.url == url).collect();
        if known.len() != keys.len() || known.is_empty() {
            return Err(ForwarderError::KeyCount { url, known: known.len(), given: keys.len() });
        }
        known.iter().zip(keys).for_each(|(endpoint, key)| endpoint.set_key(key.trim()));
        Ok(())
    }

    /// Sends what it can until the deadline; the rest goes to disk, or is dropped and counted when there is none. A
    /// second call finds nothing to do.
    ///
    /// A `deliver` of log lines that still waits then does not return: nobody knows yet whether a server has them. Stop
    /// the senders of logs first.
    pub async fn shutdown(&self, deadline: Duration) {
        let (gathering, workers, folders) = {
            let mut tasks = self.tasks.lock();
            tasks.stop.stop();
            (std::mem::take(&mut tasks.gathering), std::mem::take(&mut tasks.workers), tasks.folders.take())
        };
        for task in gathering {
            join(task).await;
        }
        self.shared.flush().await;
        self.tasks.lock().deadline.send_replace(Some(Instant::now() + deadline));
        for worker in workers {
            join(worker).await;
        }
        drop(folders);
    }
}

async fn join(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(%error, "a task of the forwarder broke");
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut();
        tasks.gathering.iter().chain(&tasks.workers).for_each(JoinHandle::abort);
    }
}

#[async_trait]
impl Output for Forwarder {
    async fn deliver(&self, report: Report) -> Result<(), OutputError> {
        let is_full = {
            let mut gathered = self.shared.gathered.lock();
            gathered.points += report.points() + report.checks.len() + report.events.len();
            gathered.report.append(report);
            gathered.points >= MAX_GATHERED_POINTS
        };
        if is_full {
            // In a task of its own: a caller that gives up half way must not take the data with it.
            join(tokio::spawn(flush(Arc::clone(&self.shared)))).await;
        } else {
            self.shared.arrived.notify_one();
        }
        Ok(())
    }
}

#[async_trait]
impl LogOutput for Forwarder {
    async fn deliver(&self, lines: Vec<LogLine>) -> Result<(), OutputError> {
        let endpoints: Vec<_> = self.shared.log_endpoints().collect();
        let reliable = endpoints.iter().filter(|(_, is_reliable, _)| *is_reliable).count();
        if endpoints.is_empty() {
            return Err(OutputError("no server for logs is configured".to_owned()));
        }
        let payloads = self.shared.encoder.logs(&lines, self.shared.clock.now_ms());
        drop(lines);
        let mut outcomes = Vec::new();
        for payload in payloads {
            let (mut receipts, outcome) = receipts(reliable);
            for (endpoint, is_reliable, route) in &endpoints {
                let receipt = if *is_reliable { receipts.pop() } else { None };
                endpoint.push(Payload { route: *route, receipt, ..payload.copy() });
            }
            outcomes.push(outcome);
        }
        if reliable == 0 {
            return Ok(());
        }
        for outcome in outcomes {
            match outcome.await {
                Ok(Ok(())) => {}
                Ok(Err(reason)) => return Err(OutputError(reason)),
                // Nobody answers any more: the forwarder ends.
                Err(_) => std::future::pending().await,
            }
        }
        Ok(())
    }
}

impl Shared {
    fn log_endpoints(&self) -> impl Iterator<Item = (&Arc<Endpoint>, bool, Route)> {
        self.endpoints.iter().filter_map(|endpoint| match endpoint.role {
            Role::Logs { is_reliable, route } => Some((endpoint, is_reliable, route)),
            Role::Metrics => None,
        })
    }

    /// Queues payloads at all servers of metrics.
    fn queue(&self, payloads: Vec<Payload>) {
        for endpoint in self.endpoints.iter().filter(|endpoint| endpoint.role == Role::Metrics) {
            payloads.iter().for_each(|payload| endpoint.push(payload.copy()));
        }
    }

    /// Makes payloads of what was gathered and queues them.
    async fn flush(self: &Arc<Self>) {
        let _in_order = self.queueing.lock().await;
        let (mut report, points) = {
            let mut gathered = self.gathered.lock();
            (std::mem::take(&mut gathered.report), std::mem::take(&mut gathered.points))
        };
        if report.is_empty() {
            return;
        }
        report.series.extend(self.own_series());
        let created_ms = self.clock.now_ms();
        let payloads = if points <= MAX_INLINE_POINTS {
            self.encoder.report(&report, created_ms)
        } else {
            let shared = Arc::clone(self);
            let encoded = tokio::task::spawn_blocking(move || shared.encoder.report(&report, created_ms)).await;
            encoded.unwrap_or_else(|error| {
                tracing::error!(%error, points, "report could not be encoded and is lost");
                Vec::new()
            })
        };
        self.queue(payloads);
    }

    /// What was given up since the last time, so that it shows as a metric too. While no server takes anything it
    /// would only be dropped as well.
    fn own_series(&self) -> Option<Series> {
        let stats: Vec<_> = self.endpoints.iter().map(|endpoint| endpoint.stats()).collect();
        let fails = |state| matches!(state, EndpointState::Failing | EndpointState::KeyRefused);
        if stats.iter().all(|endpoint| fails(endpoint.state)) {
            return None;
        }
        let dropped: u64 = stats.iter().map(|endpoint| endpoint.dropped.points).sum();
        let new = {
            let mut gathered = self.gathered.lock();
            let new = dropped - gathered.dropped_points;
            gathered.dropped_points = dropped;
            new
        };
        (new > 0).then(|| Series {
            metric: DROPPED_METRIC.to_owned(),
            kind: MetricKind::Count,
            interval: 10,
            unit: "",
            host: self.encoder.host.clone(),
            tags: Vec::new(),
            points: vec![Point { time: self.clock.now_s(), value: new as f64 }],
        })
    }

    async fn validate_keys(&self) -> Vec<KeyCheck> {
        let timeout = VALIDATION_TIMEOUT / self.endpoints.len().max(1) as u32;
        let mut checks = Vec::new();
        for endpoint in &self.endpoints {
            let key = endpoint.key();
            let verdict = match &*key {
                NO_KEY => KeyVerdict::Unknown("a key of zeros is not asked about".to_owned()),
                key => match endpoint.transport.validate(key, timeout).await {
                    Ok(answer) => match answer.status {
                        200..=299 => KeyVerdict::Valid,
                        401 | 403 => KeyVerdict::Invalid,
                        status => KeyVerdict::Unknown(format!("HTTP {status}")),
                    },
                    Err(error) => KeyVerdict::Unknown(error.to_string()),
                },
            };
            let valid = match verdict {
                KeyVerdict::Valid => Some(true),
                KeyVerdict::Invalid => Some(false),
                KeyVerdict::Unknown(_) => None,
            };
            let was = endpoint.stats().key_valid;
            endpoint.update(|stats| stats.key_valid = valid.or(stats.key_valid));
            match valid {
                Some(false) if was != valid => {
                    tracing::error!(url = %endpoint.url, key = key_hint(&key), "server does not know the API key");
                }
                // It may have been refused until now.
                Some(true) if was == Some(false) => endpoint.attempt_now(),
                _ => {}
            }
            checks.push(KeyCheck { url: endpoint.url.clone(), key: key_hint(&key), verdict });
        }
        checks
    }
}

async fn flush(shared: Arc<Shared>) {
    shared.flush().await;
}

/// Flushes what was gathered, some time after the first of it arrived.
async fn gather(shared: Arc<Shared>, wait: Duration, mut stop: Stop) {
    loop {
        tokio::select! {
            biased;
            () = stop.raised() => return,
            () = shared.arrived.notified() => {}
        }
        tokio::select! {
            biased;
            () = stop.raised() => return,
            () = tokio::time::sleep(wait) => {}
        }
        shared.flush().await;
    }
}

async fn validate_regularly(shared: Arc<Shared>, every: Duration, mut stop: Stop) {
    let mut ticks = tokio::time::interval(every.max(Duration::from_secs(60)));
    loop {
        tokio::select! {
            biased;
            () = stop.raised() => return,
            _ = ticks.tick() => {}
        }
        tokio::select! {
            biased;
            () = stop.raised() => return,
            _ = shared.validate_keys() => {}
        }
    }
}
