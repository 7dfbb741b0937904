//! `galgo serve`: opens the parts, connects them, waits for the signal to stop, closes them in the reverse order.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use galgo_agent::collect::{Roots, Runner, RunnerConfig};
use galgo_agent::dogstatsd::{AggregatorConfig, Server as DogStatsd, ServerConfig as DogStatsdConfig};
use galgo_agent::host::{HostDescription, describe, detect};
use galgo_agent::{Output, StopHandle, stop_signal};
use galgo_api::{ApiConfig, App, QueryLimits, ServerConfig};
use galgo_catalog::{Catalog, FirstStart};
use galgo_core::{Clock, SystemClock};
use galgo_metrics::{Engine, Parts, SeriesLimits};
use galgo_store::SegmentStore;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::banner;
use crate::config::{Config, address_of};
use crate::local::LocalOutput;

/// How often the server describes its own host, as an agent does.
const DESCRIBE_EVERY: Duration = Duration::from_secs(1800);

/// How often the catalogue writes what it holds in memory.
const UPKEEP_EVERY: Duration = Duration::from_secs(1);

/// Name of the file that keeps a second server out of a data folder.
const LOCK_FILE: &str = "galgo.lock";

/// Runs the server until SIGTERM or SIGINT.
pub async fn run(config: Config) -> anyhow::Result<()> {
    warn_of_reserved(&config);
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("data_dir: {} could not be made", config.data_dir.display()))?;
    let _lock = lock(&config.data_dir)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let (catalog, first_start) = open_catalog(&config, &clock).await?;
    let engine = open_engine(&config, &catalog, &clock).await?;
    let app = App::new(engine.clone(), catalog.clone(), clock.clone(), api_config(&config));

    let address = address_of(&config.http_addr).context("http_addr")?;
    let listener = TcpListener::bind(address).await.with_context(|| format!("http_addr: {address} is not free"))?;
    let url = page_url(&config, listener.local_addr().unwrap_or(address));
    let (stop, stopped) = watch::channel(false);
    let http_config = ServerConfig { max_connections: config.max_connections, ..ServerConfig::default() };
    let http = tokio::spawn(galgo_api::serve(listener, galgo_api::router(app.clone()), http_config, stopped.clone()));
    let upkeep = tokio::spawn(keep_up(app.clone(), stopped));
    let host = LocalHost::start(&config, &app, &clock)?;
    announce(first_start, &url, &config);

    wait_for_signal().await?;
    tracing::info!("stopping: requests finish, data goes to disk");
    app.stop();
    host.stop().await;
    let _ = stop.send(true);
    let _ = http.await;
    let _ = upkeep.await;
    engine.shutdown().await;
    catalog.close().await.context("catalogue")?;
    tracing::info!("stopped");
    Ok(())
}

/// Settings that belong to parts which this version does not have.
fn warn_of_reserved(config: &Config) {
    let default = Config::default();
    for (name, given, usual) in [
        ("trace_addr", &config.trace_addr, &default.trace_addr),
        ("otlp_http_addr", &config.otlp_http_addr, &default.otlp_http_addr),
        ("otlp_grpc_addr", &config.otlp_grpc_addr, &default.otlp_grpc_addr),
        ("syslog_addr", &config.syslog_addr, &default.syslog_addr),
        ("smtp_url", &config.smtp_url, &default.smtp_url),
    ] {
        if !given.is_empty() && given != usual {
            tracing::warn!(setting = name, "this version has no such part, the setting does nothing");
        }
    }
    for (variable, close) in crate::config::unknown_variables(std::env::vars().map(|(name, _)| name)) {
        tracing::warn!(variable, nearest = close.unwrap_or_default(), "unknown environment variable");
    }
}

fn lock(data_dir: &Path) -> anyhow::Result<File> {
    let path = data_dir.join(LOCK_FILE);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("data_dir: {} is not writable", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("data_dir: another galgo runs in {}", data_dir.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("data_dir: {}", path.display())),
    }
}

async fn open_catalog(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<(Catalog, Option<FirstStart>)> {
    let database_url = if config.database_url.is_empty() {
        format!("sqlite:{}", config.data_dir.join("galgo.db").display())
    } else {
        config.database_url.clone()
    };
    let catalog = galgo_catalog::Config {
        database_url,
        api_key: config.api_key.clone(),
        app_key: config.app_key.clone(),
        admin_password: config.admin_password.clone(),
    };
    Catalog::open(&catalog, clock.clone()).await.context("catalogue")
}

async fn open_engine(config: &Config, catalog: &Catalog, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<Engine>> {
    let engine = galgo_metrics::Config {
        head_points: config.head_points,
        series: SeriesLimits { total: config.max_series, per_metric: config.max_series_per_metric },
        retention_s: i64::from(config.retention_days) * 86_400,
        ..galgo_metrics::Config::default()
    };
    let parts = Parts {
        wal_dir: config.data_dir.join("wal").join("metrics"),
        store: SegmentStore::local(&segment_dir(config)?, clock.clone()).context("object_store")?,
        manifest: catalog.manifest(),
        hosts: catalog.host_tags_cell(),
        clock: clock.clone(),
    };
    Engine::open(engine, parts).await.context("metric engine")
}

fn segment_dir(config: &Config) -> anyhow::Result<PathBuf> {
    match config.object_store.split_once("://") {
        None if config.object_store.is_empty() => Ok(config.data_dir.join("segments")),
        Some(("file", path)) => Ok(path.into()),
        _ => bail!("object_store: only file:// is supported by this version: {}", config.object_store),
    }
}

fn api_config(config: &Config) -> ApiConfig {
    let query = QueryLimits {
        timeout: Duration::from_secs(config.query_timeout),
        max_series: config.query_max_series,
        ..QueryLimits::default()
    };
    ApiConfig {
        query,
        retention_s: i64::from(config.retention_days) * 86_400,
        secure_cookie: config.public_url.starts_with("https://"),
        ..ApiConfig::default()
    }
}

fn page_url(config: &Config, bound: SocketAddr) -> String {
    if config.public_url.is_empty() { format!("http://{bound}") } else { config.public_url.clone() }
}

fn announce(first_start: Option<FirstStart>, url: &str, config: &Config) {
    if let Some(first) = first_start {
        // On standard output, not in the log: logs are collected, and these are secrets.
        println!("{}", banner::first_start(&first, url, &config.dogstatsd_addr));
    }
    tracing::info!(url, data_dir = %config.data_dir.display(), version = env!("CARGO_PKG_VERSION"), "galgo is ready");
}

/// Flushes the catalogue and samples the rate of points until the server stops.
async fn keep_up(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(UPKEEP_EVERY) => {}
        }
        app.stats.sample(&*app.clock);
        if let Err(error) = app.catalog.maintain().await {
            tracing::warn!(%error, "catalogue upkeep failed, it is tried again");
        }
    }
}

/// The parts that belong to this machine: DogStatsD, the collector, the description of the host.
struct LocalHost {
    dogstatsd: Option<Arc<DogStatsd>>,
    stop: StopHandle,
    tasks: Vec<JoinHandle<()>>,
}

impl LocalHost {
    fn start(config: &Config, app: &Arc<App>, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let output: Arc<dyn Output> = Arc::new(LocalOutput(app.clone()));
        let runner = RunnerConfig::for_machine("");
        let configured = Some(config.hostname.as_str()).filter(|name| !name.is_empty());
        let host = detect(configured, None, &runner.roots).name;
        let dogstatsd = start_dogstatsd(config, &host, clock, &output)?;
        if let Some(server) = &dogstatsd {
            let server = Arc::downgrade(server);
            app.show_counters(move || server.upgrade().map_or(Vec::new(), |server| server.stats().counters().to_vec()));
        }
        let (stop, stopped) = stop_signal();
        let mut tasks = Vec::new();
        if config.collect_host {
            let runner_config = RunnerConfig { host: host.clone(), ..runner };
            let description =
                HostDescription { hostname: host, tags: config.tags.list(), ..HostDescription::default() };
            let runner = Runner::new(runner_config.clone(), clock.clone(), output);
            let own = OwnHost { app: app.clone(), description, roots: runner_config.roots };
            tasks.push(tokio::spawn(own.describe(stopped.clone())));
            tasks.push(tokio::spawn(runner.run(stopped)));
        }
        Ok(Self { dogstatsd, stop, tasks })
    }

    /// Stops them; what DogStatsD has aggregated so far goes into the engine.
    async fn stop(self) {
        self.stop.stop();
        for task in self.tasks {
            let _ = task.await;
        }
        if let Some(server) = self.dogstatsd {
            server.shutdown().await;
        }
    }
}

fn start_dogstatsd(
    config: &Config,
    host: &str,
    clock: &Arc<dyn Clock>,
    output: &Arc<dyn Output>,
) -> anyhow::Result<Option<Arc<DogStatsd>>> {
    let mut server = DogStatsdConfig::new(AggregatorConfig::for_host(host));
    if !config.dogstatsd_addr.is_empty() {
        server.udp = Some(address_of(&config.dogstatsd_addr).context("dogstatsd_addr")?);
    }
    if !config.dogstatsd_socket.is_empty() {
        server.unix_datagram = Some(config.dogstatsd_socket.clone().into());
    }
    if server.udp.is_none() && server.unix_datagram.is_none() {
        return Ok(None);
    }
    let started = DogStatsd::start(server, clock.clone(), output.clone()).context("dogstatsd")?;
    Ok(Some(Arc::new(started)))
}

/// This host as an agent would describe it, through the same door.
struct OwnHost {
    app: Arc<App>,
    description: HostDescription,
    roots: Roots,
}

impl OwnHost {
    /// Tells what machine it is at the start and every half hour.
    async fn describe(self, mut stop: galgo_agent::Stop) {
        let mut machine = tokio::time::interval(DESCRIBE_EVERY);
        loop {
            tokio::select! {
                () = stop.raised() => return,
                _ = machine.tick() => self.tell_machine().await,
            }
        }
    }

    async fn tell_machine(&self) {
        let (own, roots) = (self.description.clone(), self.roots.clone());
        // It reads files, some of which may hang.
        match tokio::task::spawn_blocking(move || describe(&own, &roots)).await {
            Ok(payload) => self.take(&payload).await,
            Err(error) => tracing::warn!(%error, "this host could not be described"),
        }
    }

    async fn take(&self, payload: &Value) {
        let sender = concat!("galgo/", env!("CARGO_PKG_VERSION"));
        let taken = galgo_api::intake::reports::take_own(&self.app, payload.to_string().as_bytes(), sender).await;
        if let Err(error) = taken {
            tracing::warn!(%error, "this host's description was not stored");
        }
    }
}

async fn wait_for_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
