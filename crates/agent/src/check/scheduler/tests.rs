use super::*;
use crate::check::Source;
use crate::report::{OutputError, Report};
use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::json;

/// A clock that follows tokio's paused time.
#[derive(Debug)]
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now_ms(&self) -> i64 {
        1_000_000 + self.monotonic().as_millis() as i64
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

#[derive(Debug, Default)]
struct Kept(Mutex<Vec<Report>>);

#[async_trait]
impl Output for Kept {
    async fn deliver(&self, report: Report) -> Result<(), OutputError> {
        self.0.lock().push(report);
        Ok(())
    }
}

impl Kept {
    fn seconds_of(&self, metric: &str) -> Vec<i64> {
        let reports = self.0.lock();
        let series = reports.iter().flat_map(|report| &report.series).filter(|series| series.metric == metric);
        series.map(|series| series.points[0].time - 1000).collect()
    }
}

struct Scripted(&'static str);

#[async_trait]
impl Check for Scripted {
    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        out.gauge(self.0, 1.0, &[]);
        match self.0 {
            "fails" => Err(CheckError::new("on purpose")),
            "panics" => panic!("on purpose"),
            "hangs" => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

struct ScriptedLoader;

#[async_trait]
impl Loader for ScriptedLoader {
    fn name(&self) -> &'static str {
        "core"
    }

    async fn load(&self, instance: &Instance) -> Option<Result<Box<dyn Check>, CheckError>> {
        let name = ["fails", "panics", "hangs", "works"].into_iter().find(|name| *name == instance.check)?;
        Some(Ok(Box::new(Scripted(name))))
    }
}

fn instance(check: &str, interval: u64) -> Instance {
    let source = Source { path: "conf.d/x.yaml".into(), index: 0 };
    Instance::new(check, json!({ "min_collection_interval": interval }), json!({}), source).unwrap()
}

fn scheduler() -> (Scheduler, Arc<Kept>) {
    let output = Arc::new(Kept::default());
    let config = SchedulerConfig { run_timeout: Duration::from_secs(20), ..SchedulerConfig::for_host("h") };
    let clock = Arc::new(PausedClock(Instant::now()));
    let loaders: Vec<Arc<dyn Loader>> = vec![Arc::new(ScriptedLoader)];
    (Scheduler::new(config, clock, loaders, Arc::clone(&output) as Arc<dyn Output>, None), output)
}

#[tokio::test(start_paused = true)]
async fn each_instance_runs_in_its_own_rhythm() {
    let (mut scheduler, output) = scheduler();
    scheduler.apply(vec![instance("works", 45)]).await;
    tokio::time::sleep(Duration::from_secs(140)).await;
    let seconds = output.seconds_of("works");
    assert_eq!(seconds.len(), 4);
    assert!(seconds.windows(2).all(|pair| pair[1] - pair[0] == 45), "{seconds:?}");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_fails_panics_or_hangs_does_not_stop_the_others() {
    let (mut scheduler, output) = scheduler();
    let all = ["fails", "panics", "hangs", "works", "missing"].map(|name| instance(name, 15));
    scheduler.apply(all.to_vec()).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(output.seconds_of("works").len() >= 4);
    assert!(output.seconds_of("fails").len() >= 4, "what was submitted before the error is kept");
    let errors: Vec<(String, String)> =
        scheduler.board().states().into_iter().map(|state| (state.check, state.error)).collect();
    let error = |name: &str| errors.iter().find(|(check, _)| check == name).unwrap().1.clone();
    assert_eq!(error("fails"), "on purpose");
    assert_eq!(error("panics"), "check panicked: on purpose");
    assert_eq!(error("hangs"), "check did not end within 20 s");
    assert!(error("missing").starts_with("no check named missing"));
    assert_eq!(error("works"), "");
}

#[tokio::test(start_paused = true)]
async fn a_new_configuration_replaces_what_changed_and_nothing_else() {
    let (mut scheduler, output) = scheduler();
    scheduler.apply(vec![instance("works", 15), instance("fails", 15)]).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    scheduler.apply(vec![instance("works", 15)]).await;
    let (before, failed) = (output.seconds_of("works"), output.seconds_of("fails").len());
    tokio::time::sleep(Duration::from_secs(30)).await;
    let after = output.seconds_of("works");
    assert!(after.windows(2).all(|pair| pair[1] - pair[0] == 15), "{after:?}");
    assert!(after.len() > before.len());
    assert_eq!(output.seconds_of("fails").len(), failed);
    assert_eq!(scheduler.board().states().len(), 1);
    scheduler.stop().await;
}
