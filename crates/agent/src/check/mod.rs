//! Checks: what an agent runs every few seconds for one instance of a configuration, whoever implements it.
//!
//! A [`Loader`] makes a [`Check`] from an [`Instance`]; the [`Scheduler`] runs it; what it submits ([`Samples`]) goes
//! through the instance's [`Sampler`], which turns counters into rates and differences by the rules of Datadog's check
//! sampler, into an [`Output`](crate::Output). Native checks, collectors and Python checks all go this way.

mod board;
mod instance;
mod loader;
mod sample;
mod sampler;
mod scheduler;

use async_trait::async_trait;

pub use board::{Board, CheckState, ExternalTags, Outcome, RunRecord};
pub use instance::{Common, Instance, InstanceError, Source, instance_id, is_affirmative};
pub use loader::{CheckContext, Factory, Loader, NativeLoader, load};
pub use sample::{Bucket, CheckLog, Sample, SampleKind, Samples};
pub use sampler::{MAX_COUNTERS, Sampler, SamplerConfig};
pub use scheduler::{CheckLogs, Scheduler, SchedulerConfig};

/// Why a run of a check failed, in words for the person who configured it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CheckError {
    /// What went wrong; names the address or file and never a password.
    pub message: String,
    /// Where in the check, such as a Python traceback; empty when it says nothing more.
    pub traceback: String,
}

impl CheckError {
    /// An error without a traceback.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), traceback: String::new() }
    }
}

/// One check with one instance of its configuration.
#[async_trait]
pub trait Check: Send {
    /// Version of the check's code, for the status; empty when it has none.
    fn version(&self) -> String {
        String::new()
    }

    /// Measures once. What was submitted before an error is kept. A check ends by itself within its own time limit:
    /// the scheduler only gives up on one after [`SchedulerConfig::run_timeout`].
    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError>;

    /// The instance is no longer scheduled; connections are closed here.
    async fn cancel(&mut self) {}
}
