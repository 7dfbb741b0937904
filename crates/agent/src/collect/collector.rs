//! What most checks of the host are: a [`Collector`] that reads a few of the kernel's files in one go. [`Collected`]
//! makes a check of it that reads in a blocking task, and [`tagged`] adds the tags of the instance.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;

use super::kernel::CollectError;
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};

/// Longest that a run waits for its files. A collector that takes longer is left out of later runs until it returns.
const RUN_LIMIT: Duration = Duration::from_secs(10);

/// Measures one aspect of the host. It may block for as long as a file read takes.
pub(super) trait Collector: Send {
    /// Measures once. What was submitted before an error is kept.
    fn collect(&mut self, context: &CheckContext, out: &mut Samples) -> Result<(), CollectError>;
}

/// A collector as a check, with the instance's tags on everything.
pub(super) fn collected(
    instance: &Instance,
    context: &CheckContext,
    collector: impl Collector + 'static,
) -> Box<dyn Check> {
    tagged(instance, Collected::new(context.clone(), Box::new(collector)))
}

/// A check with the instance's `tags` on everything that it submits.
pub(super) fn tagged(instance: &Instance, check: impl Check + 'static) -> Box<dyn Check> {
    let tags = instance.tags();
    if tags.is_empty() { Box::new(check) } else { Box::new(Tagged { check, tags }) }
}

/// The collector travels into a blocking task and back.
struct Done {
    collector: Box<dyn Collector>,
    samples: Samples,
    outcome: Result<(), CollectError>,
}

enum State {
    Idle(Box<dyn Collector>),
    Running(JoinHandle<Done>),
    /// The collector was lost with a task that was cut off.
    Lost,
}

struct Collected {
    context: Arc<CheckContext>,
    state: State,
    limit: Duration,
}

impl Collected {
    fn new(context: CheckContext, collector: Box<dyn Collector>) -> Self {
        Self { context: Arc::new(context), state: State::Idle(collector), limit: RUN_LIMIT }
    }

    fn start(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Lost) {
            State::Idle(mut collector) => {
                let context = Arc::clone(&self.context);
                State::Running(tokio::task::spawn_blocking(move || {
                    let mut samples = Samples::default();
                    let outcome = collector.collect(&context, &mut samples);
                    Done { collector, samples, outcome }
                }))
            }
            busy => busy,
        };
    }
}

#[async_trait]
impl Check for Collected {
    fn version(&self) -> String {
        crate::VERSION.to_owned()
    }

    /// A run that was given up before and ends now delivers its old values.
    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        self.start();
        let State::Running(task) = &mut self.state else {
            return Err(CheckError::new("the measuring task was cut off"));
        };
        match tokio::time::timeout(self.limit, task).await {
            Ok(Ok(done)) => {
                self.state = State::Idle(done.collector);
                out.values.extend(done.samples.values);
                out.checks.extend(done.samples.checks);
                out.warnings.extend(done.samples.warnings);
                Ok(done.outcome?)
            }
            Ok(Err(error)) => {
                self.state = State::Lost;
                match error.try_into_panic() {
                    // The scheduler notes it and makes the check anew.
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(error) => Err(CheckError::new(format!("the measuring task was cut off: {error}"))),
                }
            }
            Err(_still_running) => {
                let limit = self.limit.as_secs_f64();
                Err(CheckError::new(format!("reading hangs for more than {limit} s; left out until it returns")))
            }
        }
    }
}

struct Tagged<C> {
    check: C,
    tags: Vec<String>,
}

#[async_trait]
impl<C: Check> Check for Tagged<C> {
    fn version(&self) -> String {
        self.check.version()
    }

    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        let (values, checks) = (out.values.len(), out.checks.len());
        let outcome = self.check.run(out).await;
        out.values[values..].iter_mut().for_each(|sample| sample.tags.extend_from_slice(&self.tags));
        out.checks[checks..].iter_mut().for_each(|check| check.tags.extend_from_slice(&self.tags));
        outcome
    }

    async fn cancel(&mut self) {
        self.check.cancel().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::Roots;
    use galgo_core::SystemClock;
    use serde_json::json;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    struct Scripted<F>(F);

    impl<F: FnMut() -> Result<(), CollectError> + Send> Collector for Scripted<F> {
        fn collect(&mut self, _: &CheckContext, out: &mut Samples) -> Result<(), CollectError> {
            out.gauge("m", 1.0, &[]);
            (self.0)()
        }
    }

    fn check(behaviour: impl FnMut() -> Result<(), CollectError> + Send + 'static) -> Collected {
        let context = CheckContext {
            clock: Arc::new(SystemClock::new()),
            host: "h".into(),
            roots: Roots::machine(),
            settings: Arc::new(json!({})),
        };
        Collected::new(context, Box::new(Scripted(behaviour)))
    }

    #[tokio::test]
    async fn what_was_submitted_before_an_error_is_kept() {
        let mut check = check(|| Err(CollectError::Parse { path: "f".into(), reason: "bad".into() }));
        for runs in 1..=2 {
            let mut samples = Samples::default();
            let error = check.run(&mut samples).await.unwrap_err();
            assert_eq!((error.message.as_str(), samples.values.len()), ("cannot understand f: bad", 1), "run {runs}");
        }
    }

    #[tokio::test]
    async fn a_panic_goes_on_to_the_scheduler() {
        let run = tokio::spawn(async { check(|| panic!("on purpose")).run(&mut Samples::default()).await });
        assert!(run.await.unwrap_err().is_panic());
    }

    #[tokio::test]
    async fn a_collector_that_hangs_is_left_out_until_it_returns() {
        let (released, runs) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (gate, counted) = (Arc::clone(&released), Arc::clone(&runs));
        let mut check = check(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            while !gate.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            Ok(())
        });
        check.limit = Duration::from_millis(50);
        for _ in 0..2 {
            let mut samples = Samples::default();
            let error = check.run(&mut samples).await.unwrap_err();
            assert_eq!(error.message, "reading hangs for more than 0.05 s; left out until it returns");
            assert_eq!(samples.values, []);
        }
        released.store(true, Ordering::SeqCst);
        check.limit = RUN_LIMIT;
        let mut samples = Samples::default();
        check.run(&mut samples).await.unwrap();
        assert_eq!(samples.values.len(), 1);
        assert_eq!(runs.load(Ordering::SeqCst), 1, "the hanging run was not started twice");
    }
}
