//! Runs every instance in its own rhythm. A check that fails, panics or hangs never holds up another one.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use galgo_core::Clock;
use galgo_core::check::CheckRun;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use xxhash_rust::xxh3::xxh3_64;

use super::loader::load;
use super::sampler::SamplerConfig;
use super::{Board, Check, CheckError, CheckLog, Instance, Loader, Outcome, RunRecord, Sampler, Samples};
use crate::collect::Moment;
use crate::dogstatsd::HistogramAggregate;
use crate::report::Output;
use crate::stop::{Stop, StopHandle, stop_signal};

/// First runs are spread over this long, so that a start is no storm.
const SPREAD: Duration = Duration::from_secs(2);

/// Checks that run less often than this get no early second run: they ask others, such as time servers.
const SOON: Duration = Duration::from_secs(60);

/// Settings of the scheduler.
#[derive(Debug, Clone)]
pub struct SchedulerConfig {
    /// Name under which the host reports.
    pub host: String,
    /// Longest run; a check that takes longer is given up and made anew.
    pub run_timeout: Duration,
    /// Most runs at a time.
    pub max_concurrent: usize,
    /// For checks that run by default: time between the first run and the second, so that rates come soon.
    pub second_run_after: Duration,
    /// Statistics of histograms (`histogram_aggregates`).
    pub aggregates: Vec<HistogramAggregate>,
    /// Percentiles of histograms in whole percent (`histogram_percentiles`).
    pub percentiles: Vec<u8>,
    /// Whether every run ends in `datadog.agent.check_status` (`integration_check_status_enabled`).
    pub check_status: bool,
}

impl SchedulerConfig {
    /// Datadog's defaults under a name.
    pub fn for_host(host: impl Into<String>) -> Self {
        use HistogramAggregate::{Avg, Count, Max, Median};
        Self {
            host: host.into(),
            run_timeout: Duration::from_secs(300),
            max_concurrent: 64,
            second_run_after: Duration::from_secs(3),
            aggregates: vec![Max, Median, Avg, Count],
            percentiles: vec![95],
            check_status: false,
        }
    }

    /// Settings of the sampler of an instance.
    pub fn sampler(&self, instance: &Instance) -> SamplerConfig {
        let common = &instance.common;
        SamplerConfig {
            host: if common.without_host { String::new() } else { self.host.clone() },
            tags: if common.service.is_empty() { Vec::new() } else { vec![format!("service:{}", common.service)] },
            interval: u32::try_from(common.interval.as_secs().max(1)).unwrap_or(u32::MAX),
            aggregates: self.aggregates.clone(),
            percentiles: self.percentiles.clone(),
        }
    }
}

/// Log lines of checks with the instance that sent them.
pub type CheckLogs = mpsc::Sender<(Arc<Instance>, CheckLog)>;

/// Runs instances until told to stop.
pub struct Scheduler {
    shared: Arc<Shared>,
    running: HashMap<String, (StopHandle, JoinHandle<()>)>,
}

struct Shared {
    config: SchedulerConfig,
    clock: Arc<dyn Clock>,
    loaders: Vec<Arc<dyn Loader>>,
    output: Arc<dyn Output>,
    logs: Option<CheckLogs>,
    board: Arc<Board>,
    permits: Semaphore,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler").field("running", &self.running.keys()).finish_non_exhaustive()
    }
}

impl Scheduler {
    /// A scheduler without instances. Loaders are asked in order; without `logs`, log lines of checks are dropped.
    pub fn new(
        config: SchedulerConfig,
        clock: Arc<dyn Clock>,
        loaders: Vec<Arc<dyn Loader>>,
        output: Arc<dyn Output>,
        logs: Option<CheckLogs>,
    ) -> Self {
        let permits = Semaphore::new(config.max_concurrent);
        let board = Arc::default();
        Self {
            shared: Arc::new(Shared { config, clock, loaders, output, logs, board, permits }),
            running: HashMap::new(),
        }
    }

    /// What every instance did.
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.shared.board)
    }

    /// Runs exactly these instances from now on: those that are no longer there are stopped, new ones started, those
    /// whose configuration is the same go on undisturbed.
    pub async fn apply(&mut self, instances: Vec<Instance>) {
        let gone: Vec<String> =
            self.running.keys().filter(|id| !instances.iter().any(|kept| kept.id == **id)).cloned().collect();
        let stopped: Vec<_> = gone.iter().filter_map(|id| self.running.remove(id)).collect();
        end_all(stopped).await;
        gone.iter().for_each(|id| self.shared.board.remove(id));
        for instance in instances {
            if self.running.contains_key(&instance.id) {
                continue;
            }
            self.shared.board.add(&instance);
            let (handle, stop) = stop_signal();
            let id = instance.id.clone();
            let task = InstanceTask::new(Arc::clone(&self.shared), instance);
            self.running.insert(id, (handle, tokio::spawn(task.run(stop))));
        }
    }

    /// Stops every instance; runs that are under way are cut short.
    pub async fn stop(mut self) {
        end_all(self.running.drain().map(|(_, task)| task).collect()).await;
    }
}

async fn end_all(tasks: Vec<(StopHandle, JoinHandle<()>)>) {
    tasks.iter().for_each(|(handle, _)| handle.stop());
    for (_, task) in tasks {
        let _ = task.await;
    }
}

struct InstanceTask {
    shared: Arc<Shared>,
    instance: Arc<Instance>,
    sampler: Sampler,
    check: Option<Box<dyn Check>>,
}

impl InstanceTask {
    fn new(shared: Arc<Shared>, instance: Instance) -> Self {
        let sampler = Sampler::new(shared.config.sampler(&instance));
        Self { shared, instance: Arc::new(instance), sampler, check: None }
    }

    async fn run(mut self, mut stop: Stop) {
        let interval = self.instance.common.interval;
        let spread = SPREAD.min(interval);
        let offset = spread.mul_f64((xxh3_64(self.instance.id.as_bytes()) % 1000) as f64 / 1000.0);
        let start = Instant::now() + offset;
        let mut ticks = tokio::time::interval_at(start, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let built_in = self.instance.source.path.as_os_str().is_empty();
        let mut first = true;
        loop {
            tokio::select! {
                biased;
                () = stop.raised() => break,
                _ = ticks.tick() => {}
            }
            tokio::select! {
                biased;
                () = stop.raised() => break,
                () = self.run_once() => {}
            }
            let second = self.shared.config.second_run_after;
            if std::mem::take(&mut first) && built_in && interval > second && interval <= SOON {
                ticks.reset_after(second);
            }
        }
        if let Some(mut check) = self.check.take() {
            check.cancel().await;
        }
    }

    async fn run_once(&mut self) {
        let shared = Arc::clone(&self.shared);
        let Ok(_permit) = shared.permits.acquire().await else { return };
        let began = shared.clock.monotonic();
        let mut samples = Samples::default();
        let error = self.attempt(&mut samples).await.err();
        let unsent = samples.platform_events.len();
        if unsent > 0 {
            samples.warn(format!(
                "{unsent} payloads for products that Galgo does not have, such as query samples, are not sent"
            ));
        }
        let moment = Moment::now(&*shared.clock);
        let counted = (samples.metric_samples(), samples.checks.len(), samples.events.len(), samples.logs.len());
        let mut report = self.sampler.commit(&mut samples, moment);
        let outcome = match &error {
            Some(_) => Outcome::Error,
            None if samples.warnings.is_empty() => Outcome::Ok,
            None => Outcome::Warning,
        };
        if shared.config.check_status {
            report.checks.push(self.check_status(outcome, moment.wall));
        }
        let run = RunRecord {
            at: moment.wall,
            duration_ms: moment.monotonic.saturating_sub(began).as_millis() as u64,
            metric_samples: counted.0,
            service_checks: counted.1,
            events: counted.2,
            logs: counted.3,
            outcome,
        };
        shared.board.learn_tags(&samples.external_tags);
        if shared.board.note(&self.instance.id, run, &samples, error.as_ref()) {
            self.tell(outcome, error.as_ref(), &samples);
        }
        if !report.is_empty()
            && let Err(error) = shared.output.deliver(report).await
        {
            tracing::warn!(check = %self.instance.check, %error, "what a check measured was not taken");
        }
        if let Some(logs) = &shared.logs {
            for log in samples.logs {
                // A full queue makes the check wait: log lines are not dropped.
                let _ = logs.send((Arc::clone(&self.instance), log)).await;
            }
        }
    }

    /// Makes the check if there is none and runs it within its limit.
    async fn attempt(&mut self, samples: &mut Samples) -> Result<(), CheckError> {
        let mut check = match self.check.take() {
            Some(check) => check,
            None => self.load().await?,
        };
        let limit = self.shared.config.run_timeout;
        let run = AssertUnwindSafe(check.run(samples)).catch_unwind();
        match tokio::time::timeout(limit, run).await {
            Ok(Ok(outcome)) => {
                self.check = Some(check);
                outcome
            }
            // What is left of the check is in an unknown state: the next run makes a new one.
            Ok(Err(panic)) => Err(CheckError::new(format!("check panicked: {}", panic_text(&*panic)))),
            Err(_) => Err(CheckError::new(format!("check did not end within {} s", limit.as_secs()))),
        }
    }

    async fn load(&mut self) -> Result<Box<dyn Check>, CheckError> {
        let (check, loader) = load(&self.shared.loaders, &self.instance).await?;
        self.shared.board.loaded(&self.instance.id, loader, check.version());
        Ok(check)
    }

    fn check_status(&self, outcome: Outcome, time: i64) -> CheckRun {
        CheckRun {
            check: "datadog.agent.check_status".into(),
            host: self.shared.config.host.clone(),
            time,
            status: outcome.status(),
            message: String::new(),
            tags: vec![format!("check:{}", self.instance.check)],
        }
    }

    /// Logs a change of the outcome once.
    fn tell(&self, outcome: Outcome, error: Option<&CheckError>, samples: &Samples) {
        let (check, source) = (&self.instance.check, self.instance.source.to_string());
        match (outcome, error) {
            (Outcome::Error, Some(error)) => {
                tracing::error!(%check, source, %error, traceback = %error.traceback, "check failed");
            }
            (Outcome::Warning, _) => {
                tracing::warn!(%check, source, warning = samples.warnings.first(), "check warns");
            }
            _ => tracing::info!(%check, source, "check runs"),
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown reason")
}

#[cfg(test)]
mod tests;
