//! Runs the collectors: the first round at once, the second soon after so that rates and processor shares appear while
//! a new user is still looking, then one round every interval. A collector that fails or hangs (a dead network file
//! system) never holds up the others.

use std::sync::Arc;
use std::time::Duration;

use galgo_core::check::{CheckRun, CheckStatus};
use galgo_core::{Clock, MetricKind, Point};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::{CollectError, Collector, Counters, Moment, Readings, Roots, all};
use crate::report::{Output, Report, Series};
use crate::stop::Stop;

/// Longest that a round waits for its collectors. One that takes longer is left out of later rounds until it returns.
const ROUND_TIMEOUT: Duration = Duration::from_secs(5);

/// Settings of the runner.
#[derive(Debug, Clone)]
pub struct RunnerConfig {
    /// Name under which this host reports.
    pub host: String,
    /// Time between rounds.
    pub interval: Duration,
    /// Time between the first and the second round.
    pub second_round_after: Duration,
    /// Where the kernel's files are.
    pub roots: Roots,
}

impl RunnerConfig {
    /// This machine every 15 s under a name.
    pub fn for_machine(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            interval: Duration::from_secs(15),
            second_round_after: Duration::from_secs(3),
            roots: Roots::machine(),
        }
    }
}

/// One collector with its memory. It travels into a blocking task and back.
struct Job {
    collector: Box<dyn Collector>,
    counters: Counters,
}

impl Job {
    fn run(&mut self, config: &RunnerConfig, moment: Moment) -> (Vec<Series>, Result<(), CollectError>) {
        let interval = u32::try_from(config.interval.as_secs()).unwrap_or(u32::MAX);
        let mut readings = Readings::new(&mut self.counters, moment, &config.host, interval);
        let outcome = self.collector.collect(&config.roots, &mut readings);
        (readings.finish(), outcome)
    }
}

enum Slot {
    Idle(Job),
    Running(JoinHandle<Done>),
    /// The collector panicked; it is not run again.
    Broken,
}

struct Done {
    job: Job,
    series: Vec<Series>,
    outcome: Result<(), CollectError>,
}

struct NamedSlot {
    name: &'static str,
    slot: Slot,
    /// Whether the last run failed, so that a lasting failure is logged once.
    failing: bool,
}

/// Runs collectors until told to stop.
pub struct Runner {
    config: Arc<RunnerConfig>,
    clock: Arc<dyn Clock>,
    slots: Vec<NamedSlot>,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.slots.iter().map(|slot| slot.name).collect();
        f.debug_struct("Runner").field("config", &self.config).field("collectors", &names).finish()
    }
}

impl Runner {
    /// A runner of every collector.
    pub fn new(config: RunnerConfig, clock: Arc<dyn Clock>) -> Self {
        Self::with_collectors(config, clock, all())
    }

    /// A runner of the given collectors.
    pub fn with_collectors(config: RunnerConfig, clock: Arc<dyn Clock>, collectors: Vec<Box<dyn Collector>>) -> Self {
        let slot = |collector: Box<dyn Collector>| NamedSlot {
            name: collector.name(),
            slot: Slot::Idle(Job { collector, counters: Counters::default() }),
            failing: false,
        };
        Self { config: Arc::new(config), clock, slots: collectors.into_iter().map(slot).collect() }
    }

    /// Runs until `stop` is raised. Reports that the output refuses are logged and dropped: newer values follow.
    pub async fn run(mut self, output: Arc<dyn Output>, mut stop: Stop) {
        let started = Instant::now();
        self.round_into(&*output).await;
        let mut ticks = tokio::time::interval_at(started + self.config.second_round_after, self.config.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.round_into(&*output).await,
                () = stop.raised() => return,
            }
        }
    }

    async fn round_into(&mut self, output: &dyn Output) {
        let report = self.round().await;
        if let Err(error) = output.deliver(report).await {
            tracing::warn!(%error, "measurements of this host were not stored");
        }
    }

    /// Runs every collector once and returns what they measured, with the agent's own sign of life.
    pub async fn round(&mut self) -> Report {
        let moment = Moment::now(&*self.clock);
        for slot in &mut self.slots {
            slot.start(&self.config, moment);
        }
        let deadline = Instant::now() + ROUND_TIMEOUT;
        let mut report = Report::default();
        for slot in &mut self.slots {
            report.series.append(&mut slot.finish(deadline).await);
        }
        report.series.push(self.running(moment));
        report.checks.push(self.up(moment));
        report
    }

    fn running(&self, moment: Moment) -> Series {
        Series {
            metric: "datadog.agent.running".into(),
            kind: MetricKind::Gauge,
            interval: self.config.interval.as_secs() as u32,
            unit: "",
            host: self.config.host.clone(),
            tags: vec![format!("version:{}", crate::VERSION)],
            points: vec![Point { time: moment.wall, value: 1.0 }],
        }
    }

    fn up(&self, moment: Moment) -> CheckRun {
        CheckRun {
            check: "datadog.agent.up".into(),
            host: self.config.host.clone(),
            time: moment.wall,
            status: CheckStatus::Ok,
            message: String::new(),
            tags: Vec::new(),
        }
    }
}

impl NamedSlot {
    fn start(&mut self, config: &Arc<RunnerConfig>, moment: Moment) {
        self.slot = match std::mem::replace(&mut self.slot, Slot::Broken) {
            Slot::Idle(mut job) => {
                let config = Arc::clone(config);
                Slot::Running(tokio::task::spawn_blocking(move || {
                    let (series, outcome) = job.run(&config, moment);
                    Done { job, series, outcome }
                }))
            }
            busy => busy,
        };
    }

    /// Waits for the run until the deadline; a run of an earlier round that ends now delivers its old values.
    async fn finish(&mut self, deadline: Instant) -> Vec<Series> {
        let Slot::Running(task) = &mut self.slot else { return Vec::new() };
        match tokio::time::timeout_at(deadline, task).await {
            Ok(Ok(done)) => {
                self.note(done.outcome.err());
                self.slot = Slot::Idle(done.job);
                done.series
            }
            Ok(Err(panic)) => {
                tracing::error!(collector = self.name, %panic, "collector broke and is switched off");
                self.slot = Slot::Broken;
                Vec::new()
            }
            Err(_still_running) => {
                if !self.failing {
                    tracing::warn!(collector = self.name, "collector hangs and is left out until it returns");
                }
                self.failing = true;
                Vec::new()
            }
        }
    }

    fn note(&mut self, error: Option<CollectError>) {
        match &error {
            Some(error) if !self.failing => tracing::warn!(collector = self.name, %error, "collector failed"),
            None if self.failing => tracing::info!(collector = self.name, "collector works again"),
            _ => {}
        }
        self.failing = error.is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::OutputError;
    use galgo_core::ManualClock;
    use parking_lot::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    struct Scripted {
        name: &'static str,
        behaviour: Box<dyn FnMut() -> Result<(), CollectError> + Send>,
    }

    impl Collector for Scripted {
        fn name(&self) -> &'static str {
            self.name
        }

        fn collect(&mut self, _: &Roots, out: &mut Readings<'_>) -> Result<(), CollectError> {
            out.gauge(self.name, 1.0, &[]);
            (self.behaviour)()
        }
    }

    fn scripted(
        name: &'static str,
        behaviour: impl FnMut() -> Result<(), CollectError> + Send + 'static,
    ) -> Box<dyn Collector> {
        Box::new(Scripted { name, behaviour: Box::new(behaviour) })
    }

    fn runner(collectors: Vec<Box<dyn Collector>>) -> Runner {
        Runner::with_collectors(RunnerConfig::for_machine("h"), Arc::new(ManualClock::at_ms(1_000_000)), collectors)
    }

    fn metrics(report: &Report) -> Vec<&str> {
        report.series.iter().map(|series| series.metric.as_str()).collect()
    }

    #[tokio::test]
    async fn a_failing_or_panicking_collector_does_not_stop_the_others() {
        let broken = || CollectError::Parse { path: "f".into(), reason: "bad".into() };
        let mut runner = runner(vec![
            scripted("fails", move || Err(broken())),
            scripted("panics", || panic!("on purpose")),
            scripted("works", || Ok(())),
        ]);
        for _ in 0..2 {
            let report = runner.round().await;
            assert_eq!(metrics(&report), ["fails", "works", "datadog.agent.running"]);
            assert_eq!(report.checks[0].check, "datadog.agent.up");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_collector_is_left_out_until_it_returns() {
        let released = Arc::new(AtomicBool::new(false));
        let (gate, runs) = (Arc::clone(&released), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&runs);
        let mut runner = runner(vec![
            scripted("hangs", move || {
                counted.fetch_add(1, Ordering::SeqCst);
                while !gate.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                Ok(())
            }),
            scripted("works", || Ok(())),
        ]);
        runner.slots[0].start(&Arc::clone(&runner.config), Moment::now(&*runner.clock));
        let past = Instant::now();
        assert!(runner.slots[0].finish(past).await.is_empty());
        assert!(matches!(runner.slots[0].slot, Slot::Running(_)));
        released.store(true, Ordering::SeqCst);
        let report = runner.round().await;
        assert_eq!(metrics(&report), ["hangs", "works", "datadog.agent.running"]);
        assert_eq!(runs.load(Ordering::SeqCst), 1, "the hanging run was not started twice");
    }

    #[derive(Debug, Default)]
    struct Times {
        rounds: Mutex<Vec<Instant>>,
    }

    #[async_trait::async_trait]
    impl Output for Times {
        async fn deliver(&self, _: Report) -> Result<(), OutputError> {
            self.rounds.lock().push(Instant::now());
            Err(OutputError("refused".into()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_round_comes_soon_and_refused_reports_do_not_stop_the_loop() {
        let output = Arc::new(Times::default());
        let (handle, stop) = crate::stop_signal();
        let started = Instant::now();
        let task = tokio::spawn(runner(vec![]).run(Arc::clone(&output) as Arc<dyn Output>, stop));
        tokio::time::sleep(Duration::from_secs(34)).await;
        handle.stop();
        task.await.unwrap();
        let seconds: Vec<u64> =
            output.rounds.lock().iter().map(|round| round.duration_since(started).as_secs()).collect();
        assert_eq!(seconds, [0, 3, 18, 33]);
    }
}
