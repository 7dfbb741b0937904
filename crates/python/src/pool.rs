//! Which process an instance runs in. A process is started when it is first needed; a call whose process ends through
//! no fault of its own is repeated in the next one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use galgo_agent::check::{CheckContext, CheckError, Instance};
use parking_lot::Mutex;
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64;

use crate::config::{MAX_OWN_PROCESSES, PythonConfig, PythonError};
use crate::ledger::{Ledger, Placement};
use crate::message::Status;
use crate::process::{Answer, Finished, Hello, Process, Role, Setup};
use crate::state::{Counters, ProcessState};
use crate::{files, interpreter};

/// How often a call is begun anew because its process ended.
const MAX_ATTEMPTS: usize = 4;

/// First wait after a process could not be started; doubles with every further failure.
const FIRST_START_WAIT: Duration = Duration::from_secs(5);

/// Longest such wait.
const LONGEST_START_WAIT: Duration = Duration::from_secs(300);

/// All processes of a loader.
#[derive(Debug)]
pub struct Pool {
    /// The settings.
    pub config: Arc<PythonConfig>,
    /// What happened.
    pub counters: Arc<Counters>,
    /// Who misbehaved.
    pub ledger: Arc<Ledger>,
    context: CheckContext,
    setup: tokio::sync::Mutex<Option<Arc<Setup>>>,
    shared: Vec<Arc<Slot>>,
    own: Mutex<HashMap<String, Arc<Slot>>>,
    hello: Mutex<Hello>,
    stopped: AtomicBool,
}

/// A place for one process.
#[derive(Debug)]
struct Slot {
    name: String,
    current: Mutex<Option<Arc<Process>>>,
    starts: Mutex<Starts>,
    starting: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Starts {
    number: u64,
    failures: u32,
    not_before: Option<Instant>,
    last_error: String,
}

impl Slot {
    fn new(name: &str) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            current: Mutex::default(),
            starts: Mutex::default(),
            starting: tokio::sync::Mutex::default(),
        })
    }

    fn open(&self) -> Option<Arc<Process>> {
        self.current.lock().clone().filter(|process| process.is_open())
    }

    fn state(&self) -> ProcessState {
        let process = self.open();
        let starts = self.starts.lock();
        ProcessState {
            name: self.name.clone(),
            pid: process.as_ref().map(|process| process.pid),
            memory_bytes: process.as_ref().map_or(0, |process| process.shared.memory.load(Ordering::Relaxed)),
            instances: process.as_ref().map_or(0, |process| process.shared.loaded.lock().len()),
            restarts: starts.number.saturating_sub(1),
            last_error: self.last_end().unwrap_or_else(|| starts.last_error.clone()),
        }
    }

    fn last_end(&self) -> Option<String> {
        self.current.lock().as_ref().and_then(|process| process.shared.end.lock().clone())
    }

    /// Takes note of a process that ended, before its place is taken by the next.
    fn bury(&self) {
        let Some(end) = self.last_end() else { return };
        let gone = self.current.lock().take();
        let mut starts = self.starts.lock();
        starts.last_error = end;
        if gone.is_some_and(|process| process.shared.completed.load(Ordering::Relaxed) == 0) {
            // It was of no use to anybody: as good as one that could not be started.
            starts.failed();
        }
    }
}

impl Starts {
    fn failed(&mut self) {
        let wait = FIRST_START_WAIT.saturating_mul(1 << self.failures.min(16)).min(LONGEST_START_WAIT);
        self.failures += 1;
        // The first time may have been bad luck.
        self.not_before = (self.failures > 1).then(|| Instant::now() + wait);
    }

    fn waiting(&self) -> Option<PythonError> {
        let left = self.not_before?.checked_duration_since(Instant::now())?;
        Some(PythonError::Waiting { seconds: left.as_secs().max(1), reason: self.last_error.clone() })
    }
}

impl Pool {
    /// A pool without a process.
    pub fn new(config: PythonConfig, context: CheckContext) -> Self {
        let number = config.processes.max(1);
        let name = |at: usize| if number == 1 { "shared".to_owned() } else { format!("shared {}", at + 1) };
        Self {
            config: Arc::new(config),
            counters: Arc::default(),
            ledger: Arc::default(),
            context,
            setup: tokio::sync::Mutex::default(),
            shared: (0..number).map(|at| Slot::new(&name(at))).collect(),
            own: Mutex::default(),
            hello: Mutex::default(),
            stopped: AtomicBool::new(false),
        }
    }

    /// What the last process that started said of itself.
    pub fn hello(&self) -> Hello {
        self.hello.lock().clone()
    }

    /// The states of all processes.
    pub fn states(&self) -> Vec<ProcessState> {
        let mut own: Vec<ProcessState> = self.own.lock().values().map(|slot| slot.state()).collect();
        own.sort_by(|a, b| a.name.cmp(&b.name));
        let shared = self.shared.iter().map(|slot| slot.state());
        shared.filter(|state| state.pid.is_some() || !state.last_error.is_empty()).chain(own).collect()
    }

    /// Loads, or loads if necessary and runs, the check of an instance.
    pub async fn call(&self, instance: &Arc<Instance>, only_load: bool) -> Result<Finished, CheckError> {
        let mut last = None;
        for _ in 0..MAX_ATTEMPTS {
            if self.stopped.load(Ordering::Acquire) {
                return Err(CheckError::new("the agent is stopping"));
            }
            match self.attempt(instance, only_load).await? {
                Ok(finished) => return Ok(finished),
                Err(end) => last = end.or(last),
            }
        }
        Err(last.unwrap_or_else(|| CheckError::new("its Python process ended again and again")))
    }

    /// One attempt; the inner error means that the process ended through no fault of this instance.
    async fn attempt(
        &self,
        instance: &Arc<Instance>,
        only_load: bool,
    ) -> Result<Result<Finished, Option<CheckError>>, CheckError> {
        let slot = self.slot_of(&instance.id)?;
        let process = self.process(&slot).await.map_err(|error| CheckError::new(error.to_string()))?;
        if only_load || !process.has(&instance.id) {
            let loaded = self.settle(instance, process.call(instance, true).await)?;
            if only_load || !matches!(&loaded, Ok(finished) if finished.status == Status::Ok) {
                return Ok(loaded);
            }
        }
        let ran = self.settle(instance, process.call(instance, false).await)?;
        let ended_well = matches!(&ran, Ok(finished) if finished.status == Status::Ok);
        if ended_well && self.ledger.good(&instance.id) {
            tracing::info!(instance = %instance.id, "check has behaved for a while and returns to the shared process");
            self.drop_own(&instance.id);
        }
        Ok(ran)
    }

    fn settle(&self, instance: &Instance, answer: Answer) -> Result<Result<Finished, Option<CheckError>>, CheckError> {
        match answer {
            Answer::Finished(finished) => Ok(Ok(*finished)),
            Answer::Gone => Ok(Err(None)),
            Answer::Busy(since) => {
                Err(CheckError::new(format!("its run that began {} s ago has not ended", since.as_secs())))
            }
            Answer::Ended(Role::Culprit | Role::Stopped, error) => Err(error),
            Answer::Ended(role @ (Role::Suspect | Role::Bystander), error) => {
                tracing::debug!(instance = %instance.id, ?role, %error, "run is repeated in another Python process");
                Ok(Err(Some(error)))
            }
        }
    }

    fn slot_of(&self, id: &str) -> Result<Arc<Slot>, CheckError> {
        match self.ledger.placement(id, Instant::now()) {
            Placement::Shared => {
                let at = xxh3_64(id.as_bytes()) % self.shared.len() as u64;
                Ok(Arc::clone(&self.shared[at as usize]))
            }
            Placement::Own => {
                let mut own = self.own.lock();
                if !own.contains_key(id) && own.len() >= MAX_OWN_PROCESSES {
                    return Err(CheckError::new(PythonError::TooManyProcesses(MAX_OWN_PROCESSES).to_string()));
                }
                Ok(Arc::clone(own.entry(id.to_owned()).or_insert_with(|| Slot::new(id))))
            }
            Placement::Wait { left, why } => {
                Err(CheckError::new(format!("{why}; it is tried again in {} s", left.as_secs().max(1))))
            }
        }
    }

    async fn process(&self, slot: &Slot) -> Result<Arc<Process>, PythonError> {
        if let Some(process) = slot.open() {
            return Ok(process);
        }
        let _starting = slot.starting.lock().await;
        if let Some(process) = slot.open() {
            return Ok(process);
        }
        slot.bury();
        if let Some(waiting) = slot.starts.lock().waiting() {
            return Err(waiting);
        }
        let started = match self.setup().await {
            Ok(setup) => Process::start(&setup, &slot.name).await,
            Err(error) => Err(error),
        };
        let mut starts = slot.starts.lock();
        match started {
            Ok(process) => {
                starts.number += 1;
                *self.hello.lock() = process.hello.clone();
                let process = Arc::new(process);
                *slot.current.lock() = Some(Arc::clone(&process));
                Ok(process)
            }
            Err(error) => {
                starts.failed();
                starts.last_error = error.to_string();
                Err(error)
            }
        }
    }

    async fn setup(&self) -> Result<Arc<Setup>, PythonError> {
        let mut setup = self.setup.lock().await;
        if let Some(setup) = &*setup {
            return Ok(Arc::clone(setup));
        }
        let interpreter = interpreter::find(self.config.interpreter.as_deref())?;
        let made = Arc::new(Setup {
            interpreter,
            code: files::write(&self.config.run_dir)?,
            config: Arc::clone(&self.config),
            context: self.context.clone(),
            ledger: Arc::clone(&self.ledger),
            counters: Arc::clone(&self.counters),
        });
        *setup = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Starts the first shared process if it does not run, and returns whether it had to be started.
    pub async fn probe(&self) -> Result<bool, PythonError> {
        let running = self.shared[0].open().is_some();
        self.process(&self.shared[0]).await?;
        Ok(!running)
    }

    /// Lets go of the check of an instance; with `forget`, of what it did as well.
    pub fn unload(&self, id: &str, forget: bool) {
        if forget {
            self.ledger.forget(id);
        }
        self.drop_own(id);
        for process in self.shared.iter().filter_map(|slot| slot.open()) {
            if process.has(id) {
                process.unload(id);
            }
        }
    }

    /// Ends the process of a single instance: its watch notices that the handle is gone.
    fn drop_own(&self, id: &str) {
        self.own.lock().remove(id);
    }

    /// Has changed modules loaded anew; interpreter and code are looked for again at the next start.
    pub async fn reload(&self) {
        *self.setup.lock().await = None;
        self.ledger.end_waits();
        for slot in self.slots() {
            slot.starts.lock().not_before = None;
            if let Some(process) = slot.open() {
                process.reload();
            }
        }
    }

    /// Ends all processes that run now, at the same time.
    pub async fn stop_all(&self) {
        let mut stopping = tokio::task::JoinSet::new();
        for slot in self.slots() {
            if let Some(process) = slot.current.lock().take() {
                stopping.spawn(async move { process.stop().await });
            }
        }
        stopping.join_all().await;
    }

    /// Ends all processes for good.
    pub async fn shutdown(&self) {
        self.stopped.store(true, Ordering::Release);
        self.stop_all().await;
        self.own.lock().clear();
    }

    fn slots(&self) -> Vec<Arc<Slot>> {
        let own: Vec<Arc<Slot>> = self.own.lock().values().cloned().collect();
        self.shared.iter().cloned().chain(own).collect()
    }
}
