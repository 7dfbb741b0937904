//! The server under test: one that is started for the purpose from this very binary with a folder of its own, or one
//! that already runs.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use galgo_core::Clock;

use super::api::Api;
use super::process::Process;

/// Longest wait until a started server is ready, and until a stopped one has ended.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Keys of servers that are started here.
const API_KEY: &str = "0123456789abcdef0123456789abcdef";
const APP_KEY: &str = "0123456789abcdef0123456789abcdef01234567";

/// Waits without spinning; `std::thread::park_timeout` may end early, which does no harm here.
pub(super) fn wait(time: Duration) {
    std::thread::park_timeout(time);
}

/// Which server to measure.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ServerArgs {
    /// Measure a server that runs already, by its address.
    #[arg(long, requires = "pid")]
    url: Option<String>,
    /// Its process, whose CPU and memory are read.
    #[arg(long, requires = "url")]
    pid: Option<u32>,
    /// Its API key.
    #[arg(long, env = "GALGO_API_KEY", hide_env_values = true, default_value = API_KEY)]
    api_key: String,
    /// Its application key.
    #[arg(long, env = "GALGO_APP_KEY", hide_env_values = true, default_value = APP_KEY)]
    app_key: String,
    /// Its data folder, whose size is read.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Binary of the server to start [default: this one].
    #[arg(long)]
    server: Option<PathBuf>,
}

/// A server that can be measured.
pub(super) struct Server {
    pub(super) api: Api,
    pub(super) addr: SocketAddr,
    pub(super) process: Process,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) api_key: String,
    started: Option<Started>,
}

/// A server that was started here, with its folder.
struct Started {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts a server, or takes the one that runs.
    pub(super) fn open(args: &ServerArgs, clock: &dyn Clock) -> anyhow::Result<Self> {
        match (&args.url, args.pid) {
            (Some(url), Some(pid)) => Self::running(args, url, pid),
            _ => Self::start(args, clock),
        }
    }

    fn running(args: &ServerArgs, url: &str, pid: u32) -> anyhow::Result<Self> {
        let authority = url.trim_start_matches("http://").trim_end_matches('/');
        let addr = authority.to_socket_addrs().ok().and_then(|mut addrs| addrs.next());
        let addr = addr.with_context(|| format!("--url {url:?} is no http://host:port"))?;
        let api = Api::new(format!("http://{addr}"), &args.api_key, &args.app_key);
        let (process, data_dir, api_key) = (Process(pid), args.data_dir.clone(), args.api_key.clone());
        Ok(Self { api, addr, process, data_dir, api_key, started: None })
    }

    fn start(args: &ServerArgs, clock: &dyn Clock) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("galgo-bench-").tempdir().context("no folder for the data")?;
        let addr = free_address()?;
        let binary = match &args.server {
            Some(binary) => binary.clone(),
            None => std::env::current_exe().context("cannot find this binary")?,
        };
        let log = std::fs::File::create(folder.path().join("server.log"))?;
        let data_dir = folder.path().join("data");
        let child = Command::new(&binary)
            .arg("serve")
            .arg("--data-dir")
            .arg(&data_dir)
            .args(["--http-addr", &addr.to_string(), "--dogstatsd-addr", "", "--collect-host", "false"])
            .env("GALGO_API_KEY", API_KEY)
            .env("GALGO_APP_KEY", APP_KEY)
            .env("GALGO_LOG_LEVEL", "warn")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let api = Api::new(format!("http://{addr}"), API_KEY, APP_KEY);
        let (process, api_key) = (Process(child.id()), API_KEY.to_owned());
        let started = Some(Started { child, _folder: folder });
        let mut server = Self { api, addr, process, data_dir: Some(data_dir), api_key, started };
        server.wait_until_ready(clock)?;
        Ok(server)
    }

    fn wait_until_ready(&mut self, clock: &dyn Clock) -> anyhow::Result<()> {
        let deadline = clock.monotonic() + START_TIMEOUT;
        while !self.api.is_ready() {
            let ended = self.started.as_mut().and_then(|started| started.child.try_wait().ok().flatten());
            if let Some(status) = ended {
                bail!("the server ended at once ({status}): {}", self.log());
            }
            if clock.monotonic() > deadline {
                bail!("the server is not ready after {} s: {}", START_TIMEOUT.as_secs(), self.log());
            }
            wait(Duration::from_millis(50));
        }
        Ok(())
    }

    /// What a started server logged last.
    pub(super) fn log(&self) -> String {
        let path = self.started.as_ref().map(|started| started._folder.path().join("server.log"));
        let text = path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Bytes of its files, the log of the last moments (`wal`) apart: (stored, log). `None` without a folder.
    pub(super) fn disk_bytes(&self) -> Option<(u64, u64)> {
        self.data_dir.as_deref().map(|folder| size_of(folder, false))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(started) = &mut self.started {
            // The data is thrown away: no need for a graceful end.
            let _ = started.child.kill();
            let _ = started.child.wait();
        }
    }
}

/// A loopback address that nobody uses at the moment.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").context("no free port")?.local_addr()?)
}

fn size_of(folder: &Path, in_log: bool) -> (u64, u64) {
    let (mut stored, mut log) = (0, 0);
    // Files come and go while the server works: what is gone counts nothing.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let in_log = in_log || entry.file_name().to_string_lossy().contains("wal");
        if metadata.is_dir() {
            let below = size_of(&entry.path(), in_log);
            stored += below.0;
            log += below.1;
        } else if in_log {
            log += metadata.len();
        } else {
            stored += metadata.len();
        }
    }
    (stored, log)
}
