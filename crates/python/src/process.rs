//! One Python process: how it is started, and the handle through which it is asked for things.
//!
//! The two sides talk over a socket that the process finds as its standard input. Its standard output is a pipe that
//! nobody writes to: it breaks when the agent dies, which ends the process whatever it is doing. All that is printed
//! comes over the pipe of standard error.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use galgo_agent::check::{CheckContext, CheckError, Instance, Samples};
use parking_lot::Mutex;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command as System};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::capture::Capture;
use crate::config::{MAX_RUNS_AT_A_TIME, MAX_SAMPLES_PER_RUN, PythonConfig, PythonError};
use crate::frame::{self, FrameError};
use crate::ledger::Ledger;
use crate::message::{Frame, Kind, Request, Status};
use crate::state::{Counters, count};
use crate::watch::Watch;

/// Longest time until a new process is ready. The real base class takes a few seconds to import on a small machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Messages of the runner that wait for the watch; its reader stops reading meanwhile.
const WAITING_FRAMES: usize = 4;

/// Requests that wait to be written. A process that does not read so many is broken.
const WAITING_REQUESTS: usize = 1024;

/// What every process of one loader has in common.
#[derive(Debug)]
pub struct Setup {
    /// The interpreter.
    pub interpreter: PathBuf,
    /// Folder with the runner's code.
    pub code: PathBuf,
    /// The settings.
    pub config: Arc<PythonConfig>,
    /// The agent around it.
    pub context: CheckContext,
    /// Who misbehaved.
    pub ledger: Arc<Ledger>,
    /// What happened.
    pub counters: Arc<Counters>,
}

/// What a process says of itself when it is ready.
#[derive(Debug, Clone, Default)]
pub struct Hello {
    /// Version of Python.
    pub version: String,
    /// Which base class serves the checks.
    pub base: String,
    /// Why the real one does not although it is installed.
    pub base_note: String,
}

/// What the handle asks of the watch.
#[derive(Debug)]
pub enum Command {
    /// A load or a run.
    Call(Call),
    /// An instance is no longer scheduled.
    Unload(String),
    /// Changed modules are to be loaded anew.
    Reload,
    /// End; the sender is dropped when it is done.
    Stop(oneshot::Sender<()>),
}

/// A load or a run.
#[derive(Debug)]
pub struct Call {
    /// The instance.
    pub instance: Arc<Instance>,
    /// Whether the check is only to be made.
    pub load: bool,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Answer>,
}

/// What becomes of a call.
#[derive(Debug)]
pub enum Answer {
    /// It ended.
    Finished(Box<Finished>),
    /// The process is not available any more; the call never began.
    Gone,
    /// The instance's last run has not ended.
    Busy(Duration),
    /// The process ended before the call did.
    Ended(Role, CheckError),
}

/// A call that ended.
#[derive(Debug, Default)]
pub struct Finished {
    /// How.
    pub status: Status,
    /// Why it failed.
    pub error: Option<CheckError>,
    /// Version of the check's module.
    pub version: String,
    /// What it submitted.
    pub samples: Samples,
}

/// What a call had to do with the end of its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It was its fault.
    Culprit,
    /// It may have been its fault.
    Suspect,
    /// It was not.
    Bystander,
    /// The process was told to stop.
    Stopped,
}

/// What handle and watch both know.
#[derive(Debug, Default)]
pub struct Shared {
    /// Resident memory in bytes.
    pub memory: AtomicU64,
    /// Instances whose check is made.
    pub loaded: Mutex<HashSet<String>>,
    /// No further calls are taken.
    pub closed: AtomicBool,
    /// Calls that ended.
    pub completed: AtomicU64,
    /// Why the process ended by itself or had to be ended.
    pub end: Mutex<Option<String>>,
}

/// The handle of a process.
#[derive(Debug)]
pub struct Process {
    /// Its number in the system.
    pub pid: u32,
    /// What it says of itself.
    pub hello: Hello,
    /// What its watch knows.
    pub shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    permits: Semaphore,
}

impl Process {
    /// Starts a process and waits until it is ready; `name` says in logs whose it is.
    pub async fn start(setup: &Setup, name: &str) -> Result<Self, PythonError> {
        count(&setup.counters.starts, 1);
        let failed = |source| PythonError::Spawn { interpreter: setup.interpreter.clone(), source };
        let (stream, mut child) = spawn(setup).map_err(failed)?;
        let pid = child.id().unwrap_or_default();
        let capture = Arc::new(Capture::new(Arc::clone(&setup.counters)));
        if let Some(errors) = child.stderr.take() {
            tokio::spawn(Arc::clone(&capture).follow(errors));
        }
        let (mut reads, mut writes) = stream.into_split();
        let greeting = tokio::time::timeout(START_TIMEOUT, greet(setup, &mut reads, &mut writes)).await;
        let hello = match greeting {
            Ok(Ok(hello)) => hello,
            outcome => {
                let reason = match outcome {
                    Ok(Err(error)) => error.to_string(),
                    _ => format!("not ready within {} s", START_TIMEOUT.as_secs()),
                };
                return Err(not_ready(setup, child, &capture, reason).await);
            }
        };
        let (commands, commands_rx) = mpsc::channel(WAITING_REQUESTS);
        let (requests, requests_rx) = mpsc::channel(WAITING_REQUESTS);
        let (frames_tx, frames) = mpsc::channel(WAITING_FRAMES);
        tokio::spawn(read_all(reads, frames_tx));
        tokio::spawn(write_all(writes, requests_rx));
        let shared = Arc::new(Shared::default());
        let watch = Watch::new(setup, name, child, capture, Arc::clone(&shared));
        tokio::spawn(watch.run(commands_rx, frames, requests));
        tracing::info!(process = name, pid, python = %hello.version, base = %hello.base, "Python process ready");
        if !hello.base_note.is_empty() {
            tracing::warn!(note = %hello.base_note, "Datadog's base class is not used");
        }
        Ok(Self { pid, hello, shared, commands, permits: Semaphore::new(MAX_RUNS_AT_A_TIME) })
    }

    /// Whether it takes calls.
    pub fn is_open(&self) -> bool {
        !self.shared.closed.load(Ordering::Acquire)
    }

    /// Whether the check of an instance is made.
    pub fn has(&self, id: &str) -> bool {
        self.shared.loaded.lock().contains(id)
    }

    /// Loads or runs the check of an instance.
    pub async fn call(&self, instance: &Arc<Instance>, load: bool) -> Answer {
        let Ok(_permit) = self.permits.acquire().await else { return Answer::Gone };
        if !self.is_open() {
            return Answer::Gone;
        }
        let (reply, answer) = oneshot::channel();
        let call = Call { instance: Arc::clone(instance), load, reply };
        if self.commands.send(Command::Call(call)).await.is_err() {
            return Answer::Gone;
        }
        answer.await.unwrap_or(Answer::Gone)
    }

    /// Lets go of the check of an instance.
    pub fn unload(&self, id: &str) {
        // A full queue means that the process is broken and will be ended; there is nothing left to unload then.
        let _ = self.commands.try_send(Command::Unload(id.to_owned()));
    }

    /// Has changed modules loaded anew before their next run.
    pub fn reload(&self) {
        let _ = self.commands.try_send(Command::Reload);
    }

    /// Ends the process and returns once it has ended.
    pub async fn stop(&self) {
        let (done, ended) = oneshot::channel();
        if self.commands.send(Command::Stop(done)).await.is_ok() {
            let _ = ended.await;
        }
    }
}

fn spawn(setup: &Setup) -> std::io::Result<(UnixStream, Child)> {
    let (ours, theirs) = StdUnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let mut system = System::new(&setup.interpreter);
    system.args(["-X", "utf8"]).arg(&setup.code);
    system.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: what a check has started ends with it, and a terminal's Ctrl-C reaches the agent alone.
    system.process_group(0).kill_on_drop(true);
    let child = system.spawn()?;
    Ok((UnixStream::from_std(ours)?, child))
}

async fn greet(setup: &Setup, reads: &mut OwnedReadHalf, writes: &mut OwnedWriteHalf) -> Result<Hello, FrameError> {
    let config = &setup.config;
    let start = Request::Start {
        settings: &setup.context.settings,
        host: &setup.context.host,
        host_tags: &config.host_tags,
        version: galgo_agent::VERSION,
        check_dirs: &config.check_dirs,
        cache_dir: &config.run_dir.join("python-cache"),
        log_level: &config.log_level,
        max_samples: MAX_SAMPLES_PER_RUN,
        data_limit: data_limit(config.memory_limit_bytes),
        threads: MAX_RUNS_AT_A_TIME,
    };
    tokio::io::AsyncWriteExt::write_all(writes, &frame::encode(&start)?).await?;
    let mut buffer = Vec::new();
    loop {
        match frame::read::<Frame>(reads, &mut buffer).await? {
            Some(frame) if frame.k == Kind::Hello => {
                return Ok(Hello { version: frame.version, base: frame.base, base_note: frame.text });
            }
            Some(_) => {}
            None => return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()),
        }
    }
}

/// What the kernel grants is more than what the watch allows, which looks once a second: it stops a check that fills
/// the memory faster than that, with an error of the check alone.
fn data_limit(memory_limit: u64) -> u64 {
    if memory_limit == 0 { 0 } else { memory_limit.saturating_mul(2).saturating_add(256 << 20) }
}

async fn not_ready(setup: &Setup, mut child: Child, capture: &Capture, reason: String) -> PythonError {
    let _ = child.start_kill();
    let ended = match tokio::time::timeout(Duration::from_secs(2), child.wait()).await {
        Ok(Ok(status)) if status.code().is_some() => format!(" ({status})"),
        _ => String::new(),
    };
    // Its last words may still be on their way through the pipe.
    tokio::task::yield_now().await;
    let words = capture.last_lines();
    let last = words.lines().last().map(|line| format!(": {line}")).unwrap_or_default();
    PythonError::NotReady { interpreter: setup.interpreter.clone(), reason: format!("{reason}{ended}{last}") }
}

async fn read_all(mut stream: OwnedReadHalf, frames: mpsc::Sender<Result<Frame, FrameError>>) {
    let mut buffer = Vec::new();
    loop {
        let frame = match frame::read(&mut stream, &mut buffer).await {
            Ok(Some(frame)) => Ok(frame),
            Ok(None) | Err(FrameError::Io(_)) => return,
            Err(error) => Err(error),
        };
        let broken = frame.is_err();
        if frames.send(frame).await.is_err() || broken {
            return;
        }
    }
}

async fn write_all(mut stream: OwnedWriteHalf, mut requests: mpsc::Receiver<Vec<u8>>) {
    while let Some(request) = requests.recv().await {
        if tokio::io::AsyncWriteExt::write_all(&mut stream, &request).await.is_err() {
            return;
        }
    }
}
