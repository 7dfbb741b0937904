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
    let check = Collected { context: Arc::new(context.clone()), state: State::Idle(Box::new(collector)) };
    tagged(instance, check)
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
}

impl Collected {
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
        match tokio::time::timeout(RUN_LIMIT, task).await {
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
                let limit = RUN_LIMIT.as_secs();
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
