//! Runs a program with bounds on its time and its output, without a runtime: settings are loaded before there is one.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a program may go on after it closed its output.
const END_GRACE: Duration = Duration::from_secs(1);

/// Bounds of a run.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest time until the output ends.
    pub timeout: Duration,
    /// Longest output, in bytes.
    pub output_bytes: usize,
}

/// Feeds `input` to a program and returns its output; an error says what went wrong, without the output.
pub fn run(program: &Path, arguments: &[String], input: Vec<u8>, limits: Limits) -> Result<Vec<u8>, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let group = child.id();
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let feeder = move || {
        // A program that does not read its input is no error by itself.
        let _ = stdin.map(|mut stdin| stdin.write_all(&input));
    };
    std::thread::Builder::new().name("secret-input".into()).spawn(feeder).map_err(|error| error.to_string())?;
    let read = in_thread("secret-output", move || stdout.map(|stdout| bounded(stdout, limits.output_bytes)))?;
    let ended = in_thread("secret-wait", move || wait(child))?;
    let output = match read.recv_timeout(limits.timeout) {
        Ok(Some(Ok(output))) => output,
        failed => {
            kill(group);
            return Err(match failed {
                Ok(Some(Err(reason))) => reason,
                Ok(_) => "has no output".into(),
                Err(_) => format!("did not answer within {} s", limits.timeout.as_secs_f64()),
            });
        }
    };
    match ended.recv_timeout(END_GRACE) {
        Ok(Ok(status)) if status.success() => Ok(output),
        Ok(Ok(status)) => Err(format!("failed: {status}")),
        Ok(Err(reason)) => Err(reason),
        Err(_) => {
            kill(group);
            Err("did not end after its answer".into())
        }
    }
}

fn in_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<mpsc::Receiver<T>, String> {
    let (sender, receiver) = mpsc::channel();
    // Nobody may be waiting any more.
    let run = move || drop(sender.send(work()));
    std::thread::Builder::new().name(name.into()).spawn(run).map_err(|error| error.to_string())?;
    Ok(receiver)
}

fn bounded(source: impl Read, limit: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    #[allow(clippy::disallowed_methods)] // bounded by `take`
    source.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > limit {
        return Err(format!("its output is longer than {limit} bytes"));
    }
    Ok(bytes)
}

fn wait(mut child: Child) -> Result<ExitStatus, String> {
    child.wait().map_err(|error| error.to_string())
}

/// Ends the program and whatever it started.
fn kill(group: u32) {
    let group = i32::try_from(group).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}
