//! Runs the default checks of one host with a scheduler of its own: what `galgo serve` does for the machine it runs on.

use std::sync::Arc;
use std::time::Duration;

use galgo_core::Clock;
use serde_json::json;

use super::{DEFAULT_CHECKS, Roots, factories};
use crate::check::{Board, CheckContext, Instance, NativeLoader, Scheduler, SchedulerConfig, Source};
use crate::report::Output;
use crate::stop::Stop;

/// Left out: a server does not talk to the outside unasked.
const ASKS_OUTSIDE: &str = "ntp";

/// Settings of the runner.
#[derive(Debug, Clone)]
pub struct RunnerConfig {
    /// Name under which this host reports.
    pub host: String,
    /// Time between runs.
    pub interval: Duration,
    /// Time between the first and the second run, so that rates appear while a new user is still looking.
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

/// Runs the host's checks until told to stop.
#[derive(Debug)]
pub struct Runner {
    scheduler: Scheduler,
    interval: Duration,
}

impl Runner {
    /// A runner of the default checks and of the agent's sign of life. Reports that the output refuses are logged and
    /// dropped: newer values follow.
    pub fn new(config: RunnerConfig, clock: Arc<dyn Clock>, output: Arc<dyn Output>) -> Self {
        let scheduling = SchedulerConfig {
            second_run_after: config.second_round_after,
            ..SchedulerConfig::for_host(config.host.clone())
        };
        let context = CheckContext {
            clock: Arc::clone(&clock),
            host: config.host,
            roots: config.roots,
            settings: Arc::new(json!({})),
        };
        let loader = Arc::new(NativeLoader::new(context, factories()));
        let scheduler = Scheduler::new(scheduling, clock, vec![loader], output, None);
        Self { scheduler, interval: config.interval }
    }

    /// What every check did.
    pub fn board(&self) -> Arc<Board> {
        self.scheduler.board()
    }

    /// Runs until `stop` is raised.
    pub async fn run(mut self, mut stop: Stop) {
        self.scheduler.apply(instances(self.interval)).await;
        stop.raised().await;
        self.scheduler.stop().await;
    }
}

fn instances(interval: Duration) -> Vec<Instance> {
    let options = json!({ "min_collection_interval": interval.as_secs_f64() });
    let names = DEFAULT_CHECKS.iter().copied().filter(|name| *name != ASKS_OUTSIDE).chain(["agent"]);
    names
        .map(|name| {
            let instance = Instance::new(name, options.clone(), json!({}), Source::default());
            instance.expect("two maps and an interval above 0 are an instance")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{OutputError, Report};
    use galgo_core::SystemClock;
    use parking_lot::Mutex;
    use std::collections::BTreeSet;

    #[derive(Debug, Default)]
    struct Kept(Mutex<BTreeSet<String>>);

    #[async_trait::async_trait]
    impl Output for Kept {
        async fn deliver(&self, report: Report) -> Result<(), OutputError> {
            let mut names = self.0.lock();
            names.extend(report.series.iter().map(|series| format!("{}@{}", series.metric, series.host)));
            names.extend(report.checks.iter().map(|check| format!("{}@{}", check.check, check.host)));
            Err(OutputError("refused".into()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_default_checks_of_this_machine_report_under_its_name() {
        let output = Arc::new(Kept::default());
        let (handle, stop) = crate::stop_signal();
        let to = Arc::clone(&output) as Arc<dyn Output>;
        let runner = Runner::new(RunnerConfig::for_machine("h"), Arc::new(SystemClock::new()), to);
        let board = runner.board();
        let task = tokio::spawn(runner.run(stop));
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(board.states().iter().any(|state| state.check == "load" && state.runs > 0));
        handle.stop();
        task.await.unwrap();
        let names = output.0.lock();
        for expected in ["system.load.1", "system.cpu.num_cores", "datadog.agent.running", "datadog.agent.up"] {
            assert!(names.contains(&format!("{expected}@h")), "{expected} is missing in {names:?}");
        }
        assert!(!names.iter().any(|name| name.starts_with("ntp.")), "{names:?}");
    }
}
