//! `galgo agent check NAME`: runs a check here and now and shows what it gives, in the shape that Datadog's agent uses.
//! Nothing is sent.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use galgo_agent::Report;
use galgo_agent::check::{CheckError, Instance, Sampler, Samples, Source, load};
use galgo_agent::collect::Moment;
use galgo_core::{Clock, MetricKind, SystemClock};
use serde_json::{Value, json};

use super::parts::{self, Parts};

/// What to run and how to show it.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Name of the check.
    name: String,
    /// Number of runs.
    #[arg(short = 't', long, visible_alias = "check-times", default_value_t = 1, value_name = "N")]
    times: u32,
    /// Two runs, so that rates have a value.
    #[arg(short = 'r', long, visible_alias = "rate")]
    check_rate: bool,
    /// Pause between two runs, in milliseconds.
    #[arg(long, default_value_t = 1000, value_name = "MS")]
    pause: u64,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// One line a series instead of JSON.
    #[arg(long)]
    table: bool,
    /// Level of the log on standard error.
    #[arg(short = 'l', long, default_value = "warn", value_name = "LEVEL")]
    log_level: String,
}

/// What the runs of one instance gave.
struct Given {
    instance: Instance,
    loader: &'static str,
    version: String,
    report: Report,
    samples: Samples,
    metric_samples: usize,
    error: Option<CheckError>,
    runs: u32,
    took: Duration,
}

/// Runs the command; fails when a run of the check does.
pub fn main(folder: &Path, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    crate::logging::start(crate::config::LogFormat::Text, &args.log_level)?;
    let settings = super::load(folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let parts = Parts::new(&settings, clock)?;
        let instances = instances(&settings, &parts, &args.name)?;
        let mut given = Vec::new();
        for instance in instances {
            given.push(run(&parts, instance, args).await);
        }
        parts.shutdown().await;
        show(&given, args)?;
        let failed = given.iter().any(|given| given.error.is_some());
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    })
}

/// The configured instances of a check; a check without a file is run with an empty instance.
fn instances(settings: &galgo_agent::config::Settings, parts: &Parts, name: &str) -> anyhow::Result<Vec<Instance>> {
    let configured = parts::configured(settings);
    for problem in configured.problems.iter().filter(|problem| problem.contains(name)) {
        eprintln!("galgo agent: {problem}");
    }
    let own: Vec<Instance> = configured.instances.into_iter().filter(|instance| instance.check == name).collect();
    if !own.is_empty() {
        return Ok(own);
    }
    if !parts.is_native(name) {
        bail!("no instance of {name} is configured (conf.d/{name}.yaml or conf.d/{name}.d/conf.yaml)");
    }
    let empty = Instance::new(name, Value::Null, Value::Null, Source::default()).context("an empty instance")?;
    Ok(vec![empty])
}

async fn run(parts: &Parts, instance: Instance, args: &CheckArgs) -> Given {
    let runs = if args.check_rate { args.times.max(2) } else { args.times.max(1) };
    let mut sampler = Sampler::new(parts.scheduler.sampler(&instance));
    let began = parts.clock.monotonic();
    let mut given = Given {
        loader: "",
        version: String::new(),
        report: Report::default(),
        samples: Samples::default(),
        metric_samples: 0,
        error: None,
        runs,
        took: Duration::ZERO,
        instance,
    };
    let mut check = match load(&parts.loaders, &given.instance).await {
        Ok((check, loader)) => {
            (given.loader, given.version) = (loader, check.version());
            check
        }
        Err(error) => {
            given.error = Some(error);
            return given;
        }
    };
    for number in 0..runs {
        if number > 0 {
            tokio::time::sleep(Duration::from_millis(args.pause)).await;
        }
        let mut samples = Samples::default();
        given.error = check.run(&mut samples).await.err();
        given.metric_samples = samples.metric_samples();
        given.report.append(sampler.commit(&mut samples, Moment::now(&*parts.clock)));
        given.samples.warnings.append(&mut samples.warnings);
        given.samples.metadata.append(&mut samples.metadata);
        given.samples.logs.append(&mut samples.logs);
    }
    check.cancel().await;
    given.took = parts.clock.monotonic().saturating_sub(began);
    given
}

fn show(given: &[Given], args: &CheckArgs) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        let all: Vec<Value> = given.iter().map(as_json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    for given in given {
        if args.table {
            table(&mut out, given)?
        } else {
            text(&mut out, given)?
        }
        summary(&mut out, given)?;
    }
    Ok(())
}

fn type_word(kind: MetricKind) -> &'static str {
    kind.as_str()
}

fn series(report: &Report) -> Vec<Value> {
    let series = report.series.iter().map(|series| {
        let points: Vec<Value> = series.points.iter().map(|point| json!([point.time, point.value])).collect();
        json!({
            "metric": series.metric, "points": points, "tags": series.tags, "host": series.host,
            "type": type_word(series.kind), "interval": series.interval, "source_type_name": "System",
        })
    });
    series.collect()
}

fn sketches(report: &Report) -> Vec<Value> {
    let sketches = report.sketches.iter().map(|series| {
        let points: Vec<Value> = series
            .points
            .iter()
            .map(|point| {
                let sketch = &point.sketch;
                json!({ "ts": point.time, "count": sketch.count(), "sum": sketch.sum(), "min": sketch.min(), "max": sketch.max() })
            })
            .collect();
        json!({ "metric": series.metric, "tags": series.tags, "host": series.host, "points": points })
    });
    sketches.collect()
}

fn service_checks(report: &Report) -> Vec<Value> {
    let checks = report.checks.iter().map(|check| {
        json!({
            "check": check.check, "host_name": check.host, "timestamp": check.time, "status": check.status as u8,
            "message": check.message, "tags": check.tags,
        })
    });
    checks.collect()
}

fn events(report: &Report) -> Vec<Value> {
    let events = report.events.iter().map(|event| {
        json!({
            "msg_title": event.title, "msg_text": event.text, "timestamp": event.time, "priority": event.priority,
            "host": event.host, "tags": event.tags, "alert_type": event.alert_type,
            "aggregation_key": event.aggregation_key, "source_type_name": event.source_type_name,
            "event_type": event.event_type,
        })
    });
    events.collect()
}

fn logs(samples: &Samples) -> Vec<&Value> {
    samples.logs.iter().map(|log| &log.json).collect()
}

fn as_json(given: &Given) -> Value {
    let metadata: serde_json::Map<String, Value> =
        given.samples.metadata.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    json!({
        "aggregator": {
            "metrics": series(&given.report),
            "sketches": sketches(&given.report),
            "service_checks": service_checks(&given.report),
            "events": events(&given.report),
            "logs": logs(&given.samples),
        },
        "inventories": metadata,
        "runner": {
            "CheckName": given.instance.check,
            "CheckID": given.instance.id,
            "CheckConfigSource": given.instance.source.to_string(),
            "CheckLoader": given.loader,
            "CheckVersion": given.version,
            "TotalRuns": given.runs,
            "TotalErrors": u8::from(given.error.is_some()),
            "TotalWarnings": given.samples.warnings.len(),
            "MetricSamples": given.metric_samples,
            "ServiceChecks": given.report.checks.len(),
            "Events": given.report.events.len(),
            "AverageExecutionTime": given.took.as_millis() as u64 / u64::from(given.runs.max(1)),
            "LastError": given.error.as_ref().map_or("", |error| &error.message),
            "Traceback": given.error.as_ref().map_or("", |error| &error.traceback),
            "LastWarnings": given.samples.warnings,
        },
    })
}

fn text(out: &mut impl Write, given: &Given) -> anyhow::Result<()> {
    let parts = [
        ("Series", series(&given.report)),
        ("Sketches", sketches(&given.report)),
        ("Service Checks", service_checks(&given.report)),
        ("Events", events(&given.report)),
        ("Logs", logs(&given.samples).into_iter().cloned().collect()),
    ];
    for (name, items) in parts.iter().filter(|(_, items)| !items.is_empty()) {
        writeln!(out, "=== {name} ===\n{}", serde_json::to_string_pretty(items)?)?;
    }
    Ok(())
}

fn table(out: &mut impl Write, given: &Given) -> anyhow::Result<()> {
    writeln!(out, "=== Series ===")?;
    for series in &given.report.series {
        let value = series.points.last().map_or(f64::NAN, |point| point.value);
        let tags = series.tags.join(", ");
        writeln!(out, "  {:<50} {:<8} {:>20}  {tags}", series.metric, type_word(series.kind), value)?;
    }
    writeln!(out, "=== Service Checks ===")?;
    for check in &given.report.checks {
        writeln!(out, "  {:<50} {:?} {}  {}", check.check, check.status, check.message, check.tags.join(", "))?;
    }
    Ok(())
}

fn summary(out: &mut impl Write, given: &Given) -> anyhow::Result<()> {
    let state = match &given.error {
        Some(_) => "ERROR",
        None if given.samples.warnings.is_empty() => "OK",
        None => "WARNING",
    };
    writeln!(out, "=========\nCollector\n=========\n\n  Running Checks\n  ==============\n")?;
    let name = &given.instance.check;
    writeln!(out, "    {name}\n    {}", "-".repeat(name.chars().count()))?;
    writeln!(out, "      Instance ID: {} [{state}]", given.instance.id)?;
    writeln!(out, "      Configuration Source: {}", given.instance.source)?;
    writeln!(out, "      Loader: {}", if given.loader.is_empty() { "none" } else { given.loader })?;
    writeln!(out, "      Total Runs: {}", given.runs)?;
    writeln!(out, "      Metric Samples: Last Run: {}, Series: {}", given.metric_samples, given.report.series.len())?;
    writeln!(out, "      Service Checks: {}", given.report.checks.len())?;
    writeln!(out, "      Events: {}", given.report.events.len())?;
    writeln!(out, "      Average Execution Time: {} ms", given.took.as_millis() as u64 / u64::from(given.runs.max(1)))?;
    for (key, value) in &given.samples.metadata {
        writeln!(out, "      {key}: {value}")?;
    }
    for warning in &given.samples.warnings {
        writeln!(out, "      Warning: {warning}")?;
    }
    if let Some(error) = &given.error {
        writeln!(out, "      Error: {}", error.message)?;
        for line in error.traceback.lines() {
            writeln!(out, "        {line}")?;
        }
    }
    if given.error.is_none() && given.runs == 1 {
        writeln!(out, "\n  One run gives no rates: --check-rate runs the check twice.")?;
    }
    Ok(())
}
