//! What the agent's scheduler sees: a [`Loader`] and its [`Check`]s.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use galgo_agent::check::{Check, CheckContext, CheckError, Instance, Loader, Samples};
use tokio::time::Instant;

use crate::config::PythonConfig;
use crate::diagnose::{self, Finding};
use crate::interpreter;
use crate::message::Status;
use crate::pool::Pool;
use crate::state::{PythonState, PythonStats};

/// Makes checks from Python modules. It costs nothing until it is asked for the first one.
#[derive(Debug, Clone)]
pub struct PythonLoader {
    pool: Arc<Pool>,
}

impl PythonLoader {
    /// A loader that has not started anything.
    pub fn new(config: PythonConfig, context: CheckContext) -> Self {
        Self { pool: Arc::new(Pool::new(config, context)) }
    }

    /// Has custom modules whose files changed loaded anew before their next run. Call it when the agent's
    /// configuration is read again, before the scheduler gets the new instances.
    pub async fn reload(&self) {
        self.pool.reload().await;
    }

    /// Cancels all checks and ends all processes; runs that are under way have a few seconds. Later runs fail.
    pub async fn shutdown(&self) {
        self.pool.shutdown().await;
    }

    /// What the status page shows.
    pub fn state(&self) -> PythonState {
        let hello = self.pool.hello();
        let processes = self.pool.states();
        let last_error = processes.iter().map(|process| process.last_error.as_str()).find(|error| !error.is_empty());
        PythonState {
            interpreter: interpreter::find(self.pool.config.interpreter.as_deref()).ok(),
            version: hello.version,
            base: hello.base,
            base_note: hello.base_note,
            last_error: last_error.unwrap_or_default().to_owned(),
            processes,
            isolated: self.pool.ledger.isolated(Instant::now()),
            stats: self.stats(),
        }
    }

    /// What happened since the start.
    pub fn stats(&self) -> PythonStats {
        self.pool.counters.snapshot()
    }

    /// Tries everything that Python checks need. When no process runs, one is started for it and ended again.
    pub async fn diagnose(&self) -> Vec<Finding> {
        diagnose::diagnose(&self.pool).await
    }

    /// Whether a custom check of that name lies in one of the folders.
    fn has_file(&self, check: &str) -> bool {
        self.pool.config.check_dirs.iter().any(|folder| {
            folder.join(format!("{check}.py")).is_file() || folder.join(check).join("__init__.py").is_file()
        })
    }
}

#[async_trait]
impl Loader for PythonLoader {
    fn name(&self) -> &'static str {
        "python"
    }

    async fn load(&self, instance: &Instance) -> Option<Result<Box<dyn Check>, CheckError>> {
        let found = interpreter::find(self.pool.config.interpreter.as_deref());
        if let Err(error) = found {
            // Without Python the check is as unknown as any other, unless somebody has written it.
            return self.has_file(&instance.check).then(|| Err(CheckError::new(error.to_string())));
        }
        let instance = Arc::new(instance.clone());
        match self.pool.call(&instance, true).await {
            Ok(finished) => match (finished.status, finished.error) {
                (Status::Missing, _) => None,
                (Status::Ok, _) => {
                    let pool = Arc::clone(&self.pool);
                    Some(Ok(Box::new(PythonCheck { pool, instance, version: finished.version, cancelled: false })))
                }
                (Status::Error, error) => Some(Err(error.unwrap_or_else(|| CheckError::new("it cannot be loaded")))),
            },
            Err(error) => Some(Err(error)),
        }
    }
}

/// One instance of a check that is written in Python.
#[derive(Debug)]
pub struct PythonCheck {
    pool: Arc<Pool>,
    instance: Arc<Instance>,
    version: String,
    cancelled: bool,
}

impl PythonCheck {
    /// Longest time that a run takes before it is given up.
    pub fn run_timeout(&self) -> Duration {
        self.pool.config.run_timeout
    }
}

#[async_trait]
impl Check for PythonCheck {
    fn version(&self) -> String {
        self.version.clone()
    }

    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        let finished = self.pool.call(&self.instance, false).await?;
        *out = finished.samples;
        match finished.status {
            Status::Ok => Ok(()),
            Status::Missing => Err(CheckError::new(format!("no Python module for {} any more", self.instance.check))),
            Status::Error => Err(finished.error.unwrap_or_else(|| CheckError::new("it failed without saying why"))),
        }
    }

    async fn cancel(&mut self) {
        self.cancelled = true;
        self.pool.unload(&self.instance.id, true);
    }
}

impl Drop for PythonCheck {
    /// The scheduler drops a check without cancelling it when it is stopped in the middle of a run.
    fn drop(&mut self) {
        if !self.cancelled {
            self.pool.unload(&self.instance.id, false);
        }
    }
}
