//! Everything that has a goal (docs/benchmarks.md), in one table.

use std::io::Write;

use clap::Parser;
use galgo_core::Clock;

use super::body::Format;
use super::metrics::{self, Measured, MetricsArgs};

/// How much to measure.
#[derive(Debug, clap::Args)]
pub(super) struct SuiteArgs {
    /// Hosts.
    #[arg(long, default_value_t = 1000)]
    hosts: usize,
    /// Hours of the large data set, on which size, memory and queries are measured.
    #[arg(long, default_value_t = 6.0)]
    hours: f64,
    /// Minutes of data for each wire format.
    #[arg(long, default_value_t = 10.0)]
    format_minutes: f64,
    /// Times that each query is asked.
    #[arg(long, default_value_t = 9)]
    query_runs: usize,
    /// A tenth of the hosts and two hours: to see that it works.
    #[arg(long)]
    quick: bool,
}

/// One line of the table.
struct Row {
    what: String,
    measured: f64,
    goal: f64,
    unit: &'static str,
}

/// Goals of queries in milliseconds of CPU, in the order of [`super::queries::plans`].
const QUERY_GOALS_MS: [f64; 6] = [0.3, 61.0, 31.0, 30.0, 36.0, 54.0];

/// Defaults of `galgo bench metrics`, from its own command line.
#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    metrics: MetricsArgs,
}

/// Measures all and prints the table.
pub(super) fn run(args: &SuiteArgs, clock: &dyn Clock) -> anyhow::Result<()> {
    let (hosts, hours, minutes) =
        if args.quick { (args.hosts.div_ceil(10), 2.0, 2.0) } else { (args.hosts, args.hours, args.format_minutes) };
    let base = Defaults::parse_from(["bench"]).metrics;
    let with = |format: Format, points: u64, hours: f64, query_runs: usize| {
        let mut plan = base.clone();
        (plan.load.hosts, plan.load.format, plan.load.points_per_series) = (hosts, format, points);
        (plan.hours, plan.query_runs) = (hours, query_runs);
        plan
    };
    let mut rows = Vec::new();
    let short = minutes / 60.0;
    for (format, goal) in [(Format::V2Proto, 0.85), (Format::V2Json, 1.5), (Format::V1Json, 1.5)] {
        eprintln!("measuring {} with 1 point a series: {minutes} minutes of {hosts} hosts", format.name());
        let measured = metrics::measure(&with(format, 1, short, 0), clock)?;
        if format == Format::V2Proto {
            rows.push(row("memory of an idle server", measured.idle_bytes as f64 / 1_048_576.0, 60.0, "MiB"));
            rows.push(row("first sight of a series", measured.first_sight_us(), 10.0, "µs CPU"));
        }
        let what = format!("ingest {}, 1 point a series", format.name());
        rows.push(row(&what, measured.rest.cpu_s_per_million(), goal, "CPU s/M points"));
    }
    eprintln!("measuring the large data set: {hours} hours of {hosts} hosts");
    let large = metrics::measure(&with(Format::V2Proto, 12, hours, args.query_runs), clock)?;
    rows.push(row("ingest v2-proto, 12 points a series", large.rest.cpu_s_per_million(), 0.25, "CPU s/M points"));
    push_large(&large, &mut rows);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} hosts x 100 series; {} million points in the large data set", hosts, large.points() / 1_000_000)?;
    print(&rows, &mut out)?;
    Ok(())
}

fn push_large(large: &Measured, rows: &mut Vec<Row>) {
    rows.push(row("… with flushes and compaction", large.settled_cpu_s_per_million(), f64::NAN, "CPU s/M points"));
    if let Some(bytes) = large.bytes_per_point() {
        rows.push(row("size on disk with index", bytes, 1.9, "bytes a point"));
    }
    let memory = large.loaded_bytes.max(large.rest_bytes) as f64 / 1_048_576.0;
    rows.push(row("memory after the load", memory, 400.0, "MiB"));
    for ((name, cost), goal) in large.queries.iter().zip(QUERY_GOALS_MS) {
        rows.push(row(&format!("query: {name}"), cost.cpu_min.as_secs_f64() * 1000.0, goal, "ms CPU"));
    }
}

fn row(what: &str, measured: f64, goal: f64, unit: &'static str) -> Row {
    Row { what: what.to_owned(), measured, goal, unit }
}

fn print(rows: &[Row], out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "{:<38} {:>10} {:>10}  {:<15} reached", "", "measured", "goal", "")?;
    for Row { what, measured, goal, unit } in rows {
        let (goal_text, verdict) = match goal {
            goal if goal.is_nan() => ("–".to_owned(), ""),
            goal if measured <= goal => (format!("≤ {goal}"), "yes"),
            goal => (format!("≤ {goal}"), "no"),
        };
        writeln!(out, "{what:<38} {measured:>10.2} {goal_text:>10}  {unit:<15} {verdict}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_goals_and_verdicts() {
        let rows = [row("fast", 1.0, 2.0, "ms"), row("slow", 3.0, 2.0, "ms"), row("free", 3.0, f64::NAN, "ms")];
        let mut out = Vec::new();
        print(&rows, &mut out).expect("memory takes all");
        expect_test::expect![[r#"
                                                     measured       goal                  reached
            fast                                         1.00        ≤ 2  ms              yes
            slow                                         3.00        ≤ 2  ms              no
            free                                         3.00          –  ms              
        "#]]
        .assert_eq(&String::from_utf8(out).expect("text"));
    }

    #[test]
    fn every_query_has_a_goal() {
        assert_eq!(super::super::queries::plans(10).len(), QUERY_GOALS_MS.len());
    }
}
