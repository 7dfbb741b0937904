//! Watches over one Python process: passes calls on, collects what they submit, and ends the process when a call takes
//! too long or the memory grows too large. When the process ends, everybody who waits learns what that had to do with
//! them.

use std::collections::HashMap;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use galgo_agent::check::{CheckError, Instance, Samples};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdout};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use crate::capture::Capture;
use crate::frame::{self, FrameError};
use crate::ledger::Ledger;
use crate::message::{Frame, Kind, Request, Status};
use crate::process::{Answer, Call, Command, Finished, Role, Setup, Shared};
use crate::state::{Counters, count};
use crate::submission;

mod blame;

use blame::describe;

/// Time between two looks at the memory while something runs.
const MEMORY_LOOK_BUSY: Duration = Duration::from_secs(1);
/// Time between two looks at the memory otherwise.
const MEMORY_LOOK_IDLE: Duration = Duration::from_secs(15);
/// Looks in a row at a memory beyond the limit after which a process is ended although checks run. Before that, runs
/// may come to their end, and the process is replaced without anybody losing one.
const PATIENT_LOOKS: u32 = 5;
/// How long a call that took too long has to say where it is before its process is ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long a process has to end by itself.
const GRACE: Duration = Duration::from_secs(3);
/// How long messages of a process that has ended may take to arrive.
const DRAIN: Duration = Duration::from_millis(300);

type Frames = mpsc::Receiver<Result<Frame, FrameError>>;

/// A call that has not ended.
struct Active {
    instance: Arc<Instance>,
    load: bool,
    began: Instant,
    memory_before: u64,
    samples: Samples,
    reply: oneshot::Sender<Answer>,
}

/// Why the watch ends.
enum Cause {
    /// It was told to.
    Stopped(Option<oneshot::Sender<()>>),
    /// A call took too long; with the place where its thread was.
    Hung(u64, String),
    /// The process grew too large.
    Memory(u64),
    /// The process ended by itself.
    Exit(Option<ExitStatus>),
    /// The process sends what nobody understands, or does not listen.
    Broken(String),
}

/// The watch over one process.
pub struct Watch {
    name: String,
    child: Child,
    /// Nobody writes to it; the process notices when it is closed.
    _lifeline: Option<ChildStdout>,
    pid: Option<Pid>,
    capture: Arc<Capture>,
    shared: Arc<Shared>,
    ledger: Arc<Ledger>,
    counters: Arc<Counters>,
    run_timeout: Duration,
    memory_limit: u64,
    active: HashMap<u64, Active>,
    last_seq: u64,
    /// How much the process grew during the runs of each instance, in bytes.
    growth: HashMap<String, i64>,
    last_finished: Option<Arc<Instance>>,
    next_memory_look: Instant,
    looks_too_large: u32,
    /// The call that is asked where it is, and until when.
    last_words: Option<(u64, Instant)>,
}

impl Watch {
    /// A watch over a process that is ready.
    pub fn new(setup: &Setup, name: &str, mut child: Child, capture: Arc<Capture>, shared: Arc<Shared>) -> Self {
        Self {
            name: name.to_owned(),
            _lifeline: child.stdout.take(),
            pid: child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw),
            child,
            capture,
            shared,
            ledger: Arc::clone(&setup.ledger),
            counters: Arc::clone(&setup.counters),
            run_timeout: setup.config.run_timeout,
            memory_limit: setup.config.memory_limit_bytes,
            active: HashMap::new(),
            last_seq: 0,
            growth: HashMap::new(),
            last_finished: None,
            next_memory_look: Instant::now(),
            looks_too_large: 0,
            last_words: None,
        }
    }

    /// Watches until the process has ended.
    pub async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut frames: Frames,
        requests: mpsc::Sender<Vec<u8>>,
    ) {
        let cause = self.watch(&mut commands, &mut frames, &requests).await;
        self.shared.closed.store(true, Ordering::Release);
        commands.close();
        self.end(cause, &mut frames, requests).await;
        // Calls that were still queued never began: their senders are dropped, which says so.
    }

    async fn watch(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        frames: &mut Frames,
        requests: &mpsc::Sender<Vec<u8>>,
    ) -> Cause {
        loop {
            let wake = self.next_wake();
            let outcome = tokio::select! {
                frame = frames.recv() => match frame {
                    Some(Ok(frame)) => self.take(frame),
                    Some(Err(error)) => Err(Cause::Broken(error.to_string())),
                    None => Err(Cause::Exit(None)),
                },
                command = commands.recv() => match command {
                    Some(Command::Stop(done)) => Err(Cause::Stopped(Some(done))),
                    Some(command) => self.command(command, requests),
                    None => Err(Cause::Stopped(None)),
                },
                status = self.child.wait() => Err(Cause::Exit(status.ok())),
                () = sleep_until(wake) => self.look(requests),
            };
            if let Err(cause) = outcome {
                return cause;
            }
            if self.shared.closed.load(Ordering::Acquire) && self.active.is_empty() {
                return Cause::Stopped(None);
            }
        }
    }

    fn next_wake(&self) -> Instant {
        let deadlines = self.active.values().map(|call| call.began + self.run_timeout);
        let deadline = match self.last_words {
            Some((_, until)) => Some(until),
            None => deadlines.min(),
        };
        deadline.map_or(self.next_memory_look, |deadline| deadline.min(self.next_memory_look))
    }

    fn send(&self, requests: &mpsc::Sender<Vec<u8>>, request: &Request<'_>) -> Result<(), Cause> {
        let frame = frame::encode(request).map_err(|error| Cause::Broken(error.to_string()))?;
        requests.try_send(frame).map_err(|_| Cause::Broken("it does not read what it is sent".into()))
    }

    fn command(&mut self, command: Command, requests: &mpsc::Sender<Vec<u8>>) -> Result<(), Cause> {
        match command {
            Command::Call(call) => self.begin(call, requests),
            Command::Reload => self.send(requests, &Request::Reload),
            Command::Unload(id) => {
                self.shared.loaded.lock().remove(&id);
                self.growth.remove(&id);
                self.send(requests, &Request::Unload { id: &id })
            }
            Command::Stop(done) => Err(Cause::Stopped(Some(done))),
        }
    }

    fn begin(&mut self, call: Call, requests: &mpsc::Sender<Vec<u8>>) -> Result<(), Cause> {
        let now = Instant::now();
        if let Some(other) = self.active.values().find(|other| other.instance.id == call.instance.id) {
            let _ = call.reply.send(Answer::Busy(now - other.began));
            return Ok(());
        }
        self.last_seq += 1;
        let seq = self.last_seq;
        let (instance, id) = (&call.instance, call.instance.id.as_str());
        let request = if call.load {
            let (init_config, options) = (&instance.init_config, &instance.options);
            Request::Load { seq, id, name: &instance.check, init_config, instance: options }
        } else {
            Request::Run { seq, id }
        };
        let sent = frame::encode(&request);
        if let Err(error) = &sent {
            let error = CheckError::new(format!("the instance cannot be handed to Python: {error}"));
            let finished = Finished { status: Status::Error, error: Some(error), ..Finished::default() };
            let _ = call.reply.send(Answer::Finished(Box::new(finished)));
            return Ok(());
        }
        self.send(requests, &request)?;
        let memory_before = self.read_memory();
        let Call { instance, load, reply } = call;
        self.active
            .insert(seq, Active { instance, load, began: now, memory_before, samples: Samples::default(), reply });
        self.next_memory_look = self.next_memory_look.min(now + MEMORY_LOOK_BUSY);
        self.tell_capture();
        Ok(())
    }

    fn tell_capture(&self) {
        let mut running: Vec<String> = self.active.values().map(|call| call.instance.check.clone()).collect();
        running.sort_unstable();
        running.dedup();
        self.capture.set_running(running);
    }

    fn take(&mut self, frame: Frame) -> Result<(), Cause> {
        match frame.k {
            Kind::Hello => {}
            Kind::Log => self.capture.log(&frame.check, frame.level, &frame.text),
            Kind::Reloaded if frame.modules.is_empty() => {}
            Kind::Reloaded => tracing::info!(modules = ?frame.modules, "changed Python modules are loaded anew"),
            Kind::Part => {
                if let Some(call) = self.active.get_mut(&frame.seq) {
                    submission::add(&mut call.samples, frame.out);
                }
            }
            Kind::Stack => {
                if let Some((seq, _)) = self.last_words.filter(|(seq, _)| *seq == frame.seq) {
                    return Err(Cause::Hung(seq, frame.text));
                }
            }
            Kind::Done => self.finish(frame),
        }
        Ok(())
    }

    fn finish(&mut self, frame: Frame) {
        let Some(mut call) = self.active.remove(&frame.seq) else { return };
        if self.last_words.is_some_and(|(seq, _)| seq == frame.seq) {
            self.last_words = None;
        }
        submission::add(&mut call.samples, frame.out);
        call.samples.warnings.extend(frame.warnings);
        let failed = frame.status == Status::Error;
        let error = failed.then_some(CheckError { message: frame.text, traceback: frame.traceback });
        if call.load {
            if frame.status == Status::Ok {
                self.shared.loaded.lock().insert(call.instance.id.clone());
            }
        } else {
            count(&self.counters.runs, 1);
            count(&self.counters.failed_runs, u64::from(failed));
            count(&self.counters.samples, call.samples.metric_samples() as u64);
        }
        self.shared.completed.fetch_add(1, Ordering::Relaxed);
        let memory = self.read_memory();
        *self.growth.entry(call.instance.id.clone()).or_default() += memory as i64 - call.memory_before as i64;
        self.last_finished = Some(Arc::clone(&call.instance));
        let finished = Finished { status: frame.status, error, version: frame.version, samples: call.samples };
        let _ = call.reply.send(Answer::Finished(Box::new(finished)));
        self.tell_capture();
        self.retire_if_too_large(memory);
    }

    /// A process that is too large after a run takes no more calls and ends when the others are through: the next
    /// ones go to a new process, and nobody loses a run.
    fn retire_if_too_large(&mut self, memory: u64) {
        if self.memory_limit == 0 || memory <= self.memory_limit || self.shared.closed.load(Ordering::Acquire) {
            return;
        }
        let why = self.too_large(memory);
        if let Some(offender) = self.largest_growth(memory) {
            tracing::warn!(process = self.name, instance = offender, "{why}; it is replaced by a new one");
            // Alone in its process it harms nobody: a new process each time is all that has to follow.
            if self.shared.loaded.lock().len() > 1 {
                self.ledger.offence(&offender, &why, Instant::now());
            }
        }
        count(&self.counters.memory_kills, 1);
        *self.shared.end.lock() = Some(why);
        self.shared.closed.store(true, Ordering::Release);
    }

    fn too_large(&self, memory: u64) -> String {
        let mib = |bytes: u64| bytes >> 20;
        format!("the Python process grew to {} MiB, the limit is {} MiB", mib(memory), mib(self.memory_limit))
    }

    /// The instance during whose runs the process grew most.
    fn largest_growth(&self, memory: u64) -> Option<String> {
        let mut growth = self.growth.clone();
        for call in self.active.values() {
            *growth.entry(call.instance.id.clone()).or_default() += memory as i64 - call.memory_before as i64;
        }
        growth.into_iter().max_by_key(|(_, bytes)| *bytes).map(|(id, _)| id)
    }

    fn read_memory(&self) -> u64 {
        let Some(pid) = self.pid else { return 0 };
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", pid.as_raw_nonzero())).unwrap_or_default();
        let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
        let memory = pages * rustix::param::page_size() as u64;
        self.shared.memory.store(memory, Ordering::Relaxed);
        memory
    }

    /// At once beyond a quarter more than the limit or when nothing runs, else after some patience.
    fn memory_is_intolerable(&mut self, memory: u64) -> bool {
        let limit = self.memory_limit;
        if limit == 0 || memory <= limit {
            self.looks_too_large = 0;
            return false;
        }
        self.looks_too_large += 1;
        memory > limit + limit / 4 || self.looks_too_large > PATIENT_LOOKS || self.active.is_empty()
    }

    /// Looks at clock and memory.
    fn look(&mut self, requests: &mpsc::Sender<Vec<u8>>) -> Result<(), Cause> {
        let now = Instant::now();
        if now >= self.next_memory_look {
            let pause = if self.active.is_empty() { MEMORY_LOOK_IDLE } else { MEMORY_LOOK_BUSY };
            self.next_memory_look = now + pause;
            let memory = self.read_memory();
            if self.memory_is_intolerable(memory) {
                return Err(Cause::Memory(memory));
            }
        }
        if let Some((seq, until)) = self.last_words {
            return if now >= until { Err(Cause::Hung(seq, String::new())) } else { Ok(()) };
        }
        let late = self.active.iter().filter(|(_, call)| now >= call.began + self.run_timeout);
        if let Some(seq) = late.min_by_key(|(_, call)| call.began).map(|(seq, _)| *seq) {
            self.last_words = Some((seq, now + LAST_WORDS));
            self.send(requests, &Request::Stack { seq })?;
        }
        Ok(())
    }

    async fn end(&mut self, cause: Cause, frames: &mut Frames, requests: mpsc::Sender<Vec<u8>>) {
        match cause {
            Cause::Stopped(done) => {
                if let Ok(frame) = frame::encode(&Request::Shutdown) {
                    let _ = requests.try_send(frame);
                }
                let _ = timeout(GRACE, self.child.wait()).await;
                self.kill().await;
                for call in std::mem::take(&mut self.active).into_values() {
                    let error = CheckError::new("the Python process was stopped");
                    let _ = call.reply.send(Answer::Ended(Role::Stopped, error));
                }
                drop(done);
            }
            Cause::Hung(seq, stack) => {
                self.kill().await;
                self.blame_hung(seq, stack);
            }
            Cause::Memory(memory) => {
                self.kill().await;
                self.blame_for_memory(memory);
            }
            Cause::Exit(status) => {
                self.drain(frames).await;
                // A process whose socket is closed is about to end: its own status says more than that of a kill.
                let own = timeout(DRAIN, self.child.wait()).await.ok().and_then(Result::ok);
                let status = status.or(own).or(self.kill().await);
                self.kill().await;
                self.blame_for_exit(format!("the Python process ended ({})", describe(status)));
            }
            Cause::Broken(reason) => {
                self.kill().await;
                self.blame_for_exit(format!("the Python process was ended: {reason}"));
            }
        }
    }

    /// Calls that ended before the process did count.
    async fn drain(&mut self, frames: &mut Frames) {
        while let Ok(Some(Ok(frame))) = timeout(DRAIN, frames.recv()).await {
            if self.take(frame).is_err() {
                break;
            }
        }
    }

    /// Ends the process and all that it has started.
    async fn kill(&mut self) -> Option<ExitStatus> {
        if let Some(pid) = self.pid {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        timeout(GRACE, self.child.wait()).await.ok().and_then(Result::ok)
    }
}
