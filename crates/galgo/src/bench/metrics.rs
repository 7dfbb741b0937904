//! One measurement: send a data set, let the server settle, look at its size, ask the queries.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use galgo_core::Clock;

use super::data::{STEP_S, host_name, host_tags, series_plans};
use super::load::{Load, LoadArgs, Sent, blocks_before};
use super::process::Process;
use super::queries::{self, QueryCost};
use super::server::{Server, ServerArgs, wait};

/// A server is at rest when it used less than this share of a core over [`REST_PERIOD`].
const REST_SHARE: f64 = 0.02;
const REST_PERIOD: Duration = Duration::from_secs(3);
/// Longest wait for that.
const REST_TIMEOUT: Duration = Duration::from_secs(300);

/// What to send, to whom, and what to ask.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct MetricsArgs {
    #[command(flatten)]
    pub(super) load: LoadArgs,
    /// Hours of data.
    #[arg(long, default_value_t = 6.0)]
    pub(super) hours: f64,
    /// Times that each query is asked; 0 for no queries.
    #[arg(long, default_value_t = 9)]
    pub(super) query_runs: usize,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// What was measured.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    /// Memory of the server before anything was sent.
    pub(super) idle_bytes: u64,
    /// The first points of every series.
    pub(super) first: Phase,
    /// All points after them.
    pub(super) rest: Phase,
    /// CPU of the server from the last answer until it was at rest.
    pub(super) settle_cpu: Duration,
    /// Memory of the server when all was sent, and at rest.
    pub(super) loaded_bytes: u64,
    pub(super) rest_bytes: u64,
    /// Bytes and points of the segments at rest, as the server counts them.
    pub(super) segments: Option<(f64, f64)>,
    /// Bytes on disk at rest: stored, and in the log.
    pub(super) disk_bytes: Option<(u64, u64)>,
    pub(super) series: u64,
    pub(super) queries: Vec<(String, QueryCost)>,
}

/// One stretch of sending.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Phase {
    pub(super) sent: Sent,
    pub(super) server_cpu: Duration,
    pub(super) client_cpu: Duration,
    pub(super) wall: Duration,
}

impl Phase {
    /// CPU seconds of the server for a million points.
    pub(super) fn cpu_s_per_million(&self) -> f64 {
        self.server_cpu.as_secs_f64() / self.sent.points.max(1) as f64 * 1e6
    }
}

impl Measured {
    pub(super) fn points(&self) -> u64 {
        self.first.sent.points + self.rest.sent.points
    }

    /// CPU seconds for a million points with what the server did afterwards.
    pub(super) fn settled_cpu_s_per_million(&self) -> f64 {
        let cpu = self.first.server_cpu + self.rest.server_cpu + self.settle_cpu;
        cpu.as_secs_f64() / self.points().max(1) as f64 * 1e6
    }

    /// CPU that the first sight of a series cost beyond that of its point, in microseconds.
    pub(super) fn first_sight_us(&self) -> f64 {
        let points_cpu = self.rest.cpu_s_per_million() * self.first.sent.points as f64 / 1e6;
        (self.first.server_cpu.as_secs_f64() - points_cpu).max(0.0) / self.series.max(1) as f64 * 1e6
    }

    /// Bytes of the segments, indexes included, for each of their points. A server that does not count them is measured
    /// by its files, the log apart.
    pub(super) fn bytes_per_point(&self) -> Option<f64> {
        let by_files = || self.disk_bytes.map(|(stored, _)| stored as f64 / self.points().max(1) as f64);
        self.segments.map(|(bytes, points)| bytes / points).or_else(by_files)
    }
}

/// Measures and prints.
pub(super) fn run(args: &MetricsArgs, clock: &dyn Clock) -> anyhow::Result<()> {
    let measured = measure(args, clock)?;
    let mut out = std::io::stdout().lock();
    print(&measured, args, &mut out)?;
    Ok(())
}

/// Measures.
pub(super) fn measure(args: &MetricsArgs, clock: &dyn Clock) -> anyhow::Result<Measured> {
    let server = Server::open(&args.server, clock)?;
    measure_server(&server, args, clock).map_err(|error| match server.log() {
        log if log.is_empty() => error,
        log => error.context(format!("the server logged:\n{log}")),
    })
}

fn measure_server(server: &Server, args: &MetricsArgs, clock: &dyn Clock) -> anyhow::Result<Measured> {
    let idle_bytes = server.process.resident_bytes()?;
    let plans = series_plans(args.load.series_per_host);
    for host in 0..args.load.hosts {
        server.api.describe_host(&host_name(host), &host_tags(host, args.load.seed))?;
    }
    let mut load = Load::new(&args.load, &plans, server.addr, &server.api_key)?;
    let (start, blocks) = blocks_before(clock.now_s(), args.hours, args.load.block_s())?;
    let total = args.load.series() * args.load.points_per_series * blocks as u64;
    let first = phase(server, &mut load, start, 1, total, clock)?;
    let rest = phase(server, &mut load, start + args.load.block_s(), blocks - 1, total, clock)?;
    drop(load);
    let loaded_bytes = server.process.resident_bytes()?;
    let before_rest = server.process.cpu()?;
    note("waiting until the server is at rest");
    server.api.compact()?;
    wait_for_rest(server, clock)?;
    let settle_cpu = server.process.cpu()? - before_rest;
    let (rest_bytes, disk_bytes) = (server.process.resident_bytes()?, server.disk_bytes());
    let segment = |what: &str| server.api.own_metric(&format!("galgo_segment_{what}"));
    let segments = segment("bytes").zip(segment("points")).filter(|&(_, points)| points > 0.0);
    let last = start + blocks * args.load.block_s() - STEP_S;
    let mut costs = Vec::new();
    if args.query_runs > 0 {
        for plan in queries::plans(args.load.hosts) {
            note(&format!("query: {}", plan.text));
            costs.push((plan.name.to_owned(), queries::measure(server, &plan, last, args.query_runs, clock)?));
        }
    }
    note("");
    let series = args.load.series();
    Ok(Measured {
        idle_bytes,
        first,
        rest,
        settle_cpu,
        loaded_bytes,
        rest_bytes,
        segments,
        disk_bytes,
        series,
        queries: costs,
    })
}

fn phase(
    server: &Server,
    load: &mut Load,
    start: i64,
    blocks: i64,
    total: u64,
    clock: &dyn Clock,
) -> anyhow::Result<Phase> {
    let (server_cpu, client_cpu, started) = (server.process.cpu()?, Process::current().cpu()?, clock.monotonic());
    let show = |sent: u64| note(&format!("sent {:.1} of {:.1} million points", sent as f64 / 1e6, total as f64 / 1e6));
    let sent = load.send(start, blocks, show)?;
    Ok(Phase {
        sent,
        server_cpu: server.process.cpu()? - server_cpu,
        client_cpu: Process::current().cpu()? - client_cpu,
        wall: clock.monotonic() - started,
    })
}

fn wait_for_rest(server: &Server, clock: &dyn Clock) -> anyhow::Result<()> {
    let deadline = clock.monotonic() + REST_TIMEOUT;
    loop {
        let (cpu, started) = (server.process.cpu()?, clock.monotonic());
        while clock.monotonic() < started + REST_PERIOD {
            wait(Duration::from_millis(200));
        }
        let share = (server.process.cpu()? - cpu).as_secs_f64() / (clock.monotonic() - started).as_secs_f64();
        if share < REST_SHARE || clock.monotonic() > deadline {
            return Ok(());
        }
    }
}

/// Shows what goes on, on a terminal; each note replaces the one before.
pub(super) fn note(text: &str) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(err, "\r\u{1b}[2K{text}");
        let _ = err.flush();
    }
}

fn print(measured: &Measured, args: &MetricsArgs, out: &mut impl Write) -> std::io::Result<()> {
    let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
    let rest = &measured.rest;
    let points_per_second = rest.sent.points as f64 / rest.wall.as_secs_f64().max(1e-9);
    let load = &args.load;
    writeln!(
        out,
        "{} hosts x {} series, {} h, {}, {} points a series, {} series a request, {} connections, seed {}",
        load.hosts,
        load.series_per_host,
        args.hours,
        load.format.name(),
        load.points_per_series,
        load.series_per_request,
        load.connections,
        load.seed
    )?;
    writeln!(out, "  acknowledged points           {:>12}", measured.points())?;
    writeln!(
        out,
        "  requests / sent again         {:>12} / {}",
        measured.first.sent.requests + rest.sent.requests,
        measured.first.sent.retries + rest.sent.retries
    )?;
    writeln!(out, "  points a second               {points_per_second:>12.0}")?;
    writeln!(
        out,
        "  CPU s a million points        {:>12.3}  (client {:.3})",
        rest.cpu_s_per_million(),
        rest.client_cpu.as_secs_f64() / rest.sent.points.max(1) as f64 * 1e6
    )?;
    writeln!(out, "  … with all background work    {:>12.3}", measured.settled_cpu_s_per_million())?;
    writeln!(out, "  first sight of a series, µs   {:>12.1}", measured.first_sight_us())?;
    writeln!(
        out,
        "  memory MiB idle/loaded/rest   {:>12.0} / {:.0} / {:.0}",
        mib(measured.idle_bytes),
        mib(measured.loaded_bytes),
        mib(measured.rest_bytes)
    )?;
    if let Some(bytes) = measured.bytes_per_point() {
        writeln!(out, "  bytes a point on disk         {bytes:>12.3}")?;
    }
    if let Some((stored, log)) = measured.disk_bytes {
        writeln!(out, "  files MiB stored/log          {:>12.1} / {:.1}", mib(stored), mib(log))?;
    }
    for (name, cost) in &measured.queries {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        writeln!(
            out,
            "  {name:<29} {:>12.1}  ms CPU at best, {:.1} median, {:.1} wall; {} series, {} points",
            ms(cost.cpu_min),
            ms(cost.cpu_median),
            ms(cost.wall_median),
            cost.series,
            cost.points
        )?;
    }
    Ok(())
}
