//! `galgo query`: asks a server (Galgo, or anything that answers `/api/v1/query`) and prints a table and a graph.

mod answer;
mod caret;
mod graph;
mod quantity;
mod table;
mod times;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use galgo_core::Clock;

use answer::Answer;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Largest answer that is read.
const MAX_ANSWER_BYTES: u64 = 512 * 1024 * 1024;

/// What to ask and how to print it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  galgo query 'avg:system.load.1{*} by {host}'
  galgo query 'sum:http.requests{env:prod}.as_count()' --from -1d --to -1h
  galgo query 'avg:system.mem.used{*}' --from 2026-01-31T08:00 --csv > memory.csv")]
pub struct QueryArgs {
    /// The query, in Datadog's metric query language.
    pub query: String,
    /// Start: -15m, -1h, -2d, now-1w, 14:30, 2026-01-31, 2026-01-31T08:00, or seconds since 1970.
    #[arg(long, default_value = "-1h", allow_hyphen_values = true, value_name = "TIME")]
    pub from: String,
    /// End, written as the start.
    #[arg(long, default_value = "now", allow_hyphen_values = true, value_name = "TIME")]
    pub to: String,
    /// The server.
    #[arg(long, env = "GALGO_URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// API key; DD_API_KEY is read too.
    #[arg(long, env = "GALGO_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub api_key: Option<String>,
    /// Application key; DD_APP_KEY and DD_APPLICATION_KEY are read too.
    #[arg(long, env = "GALGO_APP_KEY", hide_env_values = true, value_name = "KEY")]
    pub app_key: Option<String>,
    /// Print the server's answer as it is.
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print one line a moment and one column a series.
    #[arg(long)]
    pub csv: bool,
    /// Print the table alone.
    #[arg(long)]
    pub no_graph: bool,
}

/// Runs the command. The exit code is 0 with an answer (also an empty one) and 1 without; why is printed.
pub fn run(args: &QueryArgs, clock: &dyn Clock) -> ExitCode {
    answer(args, clock).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn answer(args: &QueryArgs, clock: &dyn Clock) -> anyhow::Result<ExitCode> {
    let now = clock.now_s();
    let zone = jiff::tz::TimeZone::system();
    let from = times::parse(&args.from, now, &zone).with_context(|| format!("--from {:?}", args.from))?;
    let to = times::parse(&args.to, now, &zone).with_context(|| format!("--to {:?}", args.to))?;
    if from >= to {
        bail!("--from {:?} is not before --to {:?}", args.from, args.to);
    }
    let reply = ask(args, from, to)?;
    if reply.status != 200 {
        print_refusal(&reply, args);
        return Ok(ExitCode::FAILURE);
    }
    let mut out = std::io::stdout().lock();
    let printed = print_answer(&mut out, &reply, args, (from, to), &zone);
    match printed {
        // `| head` closed the pipe: enough was read.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn print_answer(
    out: &mut impl Write,
    reply: &Reply,
    args: &QueryArgs,
    range: (i64, i64),
    zone: &jiff::tz::TimeZone,
) -> anyhow::Result<()> {
    let value: serde_json::Value = serde_json::from_slice(&reply.body).context("the answer is no JSON")?;
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&value)?)?;
        return Ok(());
    }
    let answer = Answer::read(&value).context("the answer is no time series answer")?;
    if args.csv {
        return Ok(table::write_csv(out, &answer)?);
    }
    if answer.series.is_empty() {
        let (from, to) = (times::render(range.0, zone), times::render(range.1, zone));
        writeln!(out, "no data for {} between {from} and {to}", args.query)?;
        return Ok(());
    }
    let style = if std::io::stdout().is_terminal() { Style::terminal() } else { Style::plain() };
    table::write_table(out, &answer, &style)?;
    if !args.no_graph {
        writeln!(out)?;
        graph::write(out, &answer, range, zone, &style)?;
    }
    Ok(())
}

/// How output is dressed.
#[derive(Debug, Clone, Copy)]
struct Style {
    colours: bool,
    /// Width in characters.
    width: usize,
}

impl Style {
    const DEFAULT_WIDTH: usize = 80;

    fn plain() -> Self {
        Self { colours: false, width: Self::DEFAULT_WIDTH }
    }

    fn terminal() -> Self {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col));
        let width = size.filter(|&columns| columns > 0).unwrap_or(Self::DEFAULT_WIDTH).clamp(40, 240);
        // The convention of no-color.org.
        let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { colours, width }
    }
}

/// A status and a body.
struct Reply {
    status: u16,
    body: Vec<u8>,
}

fn ask(args: &QueryArgs, from: i64, to: i64) -> anyhow::Result<Reply> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).build();
    let agent = ureq::Agent::new_with_config(config);
    let url = format!("{}/api/v1/query", args.url.trim_end_matches('/'));
    let mut request = agent.get(&url).query("from", from.to_string()).query("to", to.to_string());
    request = request.query("query", &args.query);
    let key = |given: &Option<String>, others: &[&str]| {
        let other = || others.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        given.clone().filter(|value| !value.is_empty()).or_else(other)
    };
    if let Some(key) = key(&args.api_key, &["DD_API_KEY"]) {
        request = request.header("DD-API-KEY", key);
    }
    if let Some(key) = key(&args.app_key, &["DD_APP_KEY", "DD_APPLICATION_KEY"]) {
        request = request.header("DD-APPLICATION-KEY", key);
    }
    let mut response = request.call().with_context(|| format!("cannot reach {}", args.url))?;
    let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
    Ok(Reply { status: response.status().as_u16(), body: body.context("the answer broke off")? })
}

fn print_refusal(reply: &Reply, args: &QueryArgs) {
    let errors = answer::errors(&reply.body);
    if errors.is_empty() {
        eprintln!("error: the server answered {} without a reason", reply.status);
    }
    for error in errors {
        eprintln!("error: {error}");
        if let Some(pointer) = caret::point(&args.query, &error) {
            eprintln!("{pointer}");
        }
    }
    if matches!(reply.status, 401 | 403) {
        eprintln!(
            "hint: give --api-key and --app-key, or set GALGO_API_KEY and GALGO_APP_KEY; galgo serve prints them at its first start"
        );
    }
}
