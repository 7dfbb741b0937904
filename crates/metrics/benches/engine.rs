//! The engine without HTTP on a seeded data set shaped like host agents: CPU per million points, bytes a point, CPU of
//! queries. `cargo bench -p galgo-metrics -- [hosts] [hours]`. The whole way over HTTP is `galgo bench metrics`.

use std::sync::Arc;
use std::time::Duration;

use galgo_core::{Clock, HostTagsCell, ManualClock, MetricKind, MetricSink, Point, RawSeries};
use galgo_metrics::{Config, Engine, Parts};
use galgo_query::source::{Budget, Grid, Leaf, MetricSource, SpaceAgg, TimeAgg};
use galgo_store::SegmentStore;
use galgo_store::testing::MemoryManifest;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

const START: i64 = 1_800_000_000;
const STEP: i64 = 10;
const SERIES_PER_HOST: usize = 100;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<i64>().ok());
    let (hosts, hours) = (numbers.next().unwrap_or(100) as usize, numbers.next().unwrap_or(6));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(run(hosts, hours));
}

async fn run(hosts: usize, hours: i64) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let clock = Arc::new(ManualClock::at_ms((START + hours * 3600) * 1000));
    let store = SegmentStore::local(&dir.path().join("segments"), clock.clone()).expect("a store");
    let manifest = Arc::new(MemoryManifest::default());
    let parts = Parts {
        wal_dir: dir.path().join("wal"),
        store,
        manifest,
        hosts: HostTagsCell::default(),
        clock: clock.clone(),
    };
    let engine = Engine::open(Config::default(), parts).await.expect("an engine");

    let mut generators = Generator::all(hosts);
    let steps = hours * 3600 / STEP;
    let (mut generating, mut ingesting) = (Duration::ZERO, Duration::ZERO);
    let mut first_sight = Duration::ZERO;
    for step in 0..steps {
        let before = cpu();
        let values: Vec<f64> = generators.iter_mut().map(|generator| generator.next(step)).collect();
        generating += cpu() - before;
        let before = cpu();
        let mut requests = Vec::with_capacity(hosts);
        for (host, of_host) in generators.chunks(SERIES_PER_HOST).enumerate() {
            let mut batch = engine.batch();
            for (index, generator) in of_host.iter().enumerate() {
                let tags: Vec<&str> = generator.tags.iter().map(String::as_str).collect();
                let raw = RawSeries {
                    metric: &generator.metric,
                    host: &generator.host,
                    tags: &tags,
                    pairs: &[],
                    kind: generator.kind,
                    interval: 10,
                    unit: "",
                };
                let point = Point { time: START + step * STEP, value: values[host * SERIES_PER_HOST + index] };
                batch.series(&raw, &[point]).expect("accepted");
            }
            let engine = engine.clone();
            requests.push(tokio::spawn(async move { engine.commit(batch).await }));
        }
        for request in requests {
            request.await.expect("no panic").expect("stored");
        }
        ingesting += cpu() - before;
        if step == 0 {
            first_sight = ingesting;
        }
    }
    let points = (hosts * SERIES_PER_HOST) as f64 * steps as f64;
    println!("points                     {points}");
    println!(
        "first sight                {:.2} us CPU a series",
        first_sight.as_secs_f64() * 1e6 / (hosts * SERIES_PER_HOST) as f64
    );
    println!("ingest with flush, merge   {:.3} s CPU a million", ingesting.as_secs_f64() * 1e6 / points);
    report_memory("after ingest");
    let before = cpu();
    engine.flush().await.expect("a flush");
    engine.compact_fully().await.expect("a merge");
    println!("last flush and full merge  {:.3} s CPU a million", (cpu() - before).as_secs_f64() * 1e6 / points);
    let stats = engine.stats();
    println!(
        "bytes a point              {:.3} in {} segments",
        stats.segment_bytes as f64 / stats.segment_points as f64,
        stats.segments
    );
    report_memory("after merge");
    queries(&engine, &clock, START + hours * 3600).await;
}

async fn queries(engine: &Arc<Engine>, clock: &Arc<ManualClock>, end: i64) {
    let grid = |hours: i64, step: i64| Grid::Uniform {
        start: (end - hours * 3600) / step * step,
        step,
        len: (hours * 3600 / step) as usize,
    };
    let one = Leaf {
        scope: galgo_query::source::Scope::Tag("host:host-0007".into()),
        ..Leaf::all("agent.metric.5", grid(1, 20))
    };
    let by_host =
        |hours, step| Leaf { group_by: vec!["host".into()], ..Leaf::all("agent.metric.5", grid(hours, step)) };
    let cases = [
        ("one series, 1 h", one),
        ("avg by host, 1 h", by_host(1, 20)),
        ("avg of all, 6 h", Leaf::all("agent.metric.5", grid(6, 60))),
        (
            "sum by service, 1 h",
            Leaf { space: SpaceAgg::Sum, group_by: vec!["service".into()], ..Leaf::all("agent.metric.5", grid(1, 20)) },
        ),
        ("rollup(max, 3600) by host, 6 h", Leaf { time: Some(TimeAgg::Max), ..by_host(6, 3600) }),
    ];
    for (name, leaf) in cases {
        let budget = Budget {
            max_series: 1 << 20,
            max_points: 1 << 40,
            max_cells: 1 << 30,
            deadline: clock.monotonic() + Duration::from_secs(60),
        };
        let mut best = Duration::MAX;
        let mut rows = 0;
        for _ in 0..7 {
            let (engine, leaf) = (engine.clone(), leaf.clone());
            let (spent, found) = tokio::task::spawn_blocking(move || {
                let before = cpu();
                let found = engine.leaf(&leaf, &budget).expect("an answer").rows.len();
                (cpu() - before, found)
            })
            .await
            .expect("no panic");
            best = best.min(spent);
            rows = found;
        }
        println!("{name:<32} {:>8.2} ms CPU, {rows} rows", best.as_secs_f64() * 1e3);
    }
}

// CPU time of the process, user and system.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn report_memory(when: &str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    println!("memory {when:<19} {}", line.trim_start_matches("VmRSS:").trim());
}

#[derive(Clone, Copy)]
enum Shape {
    Walk,
    Pages,
    Grower,
    Count,
    Rate,
    Constant,
    Float,
}

struct Generator {
    metric: String,
    host: String,
    tags: Vec<String>,
    kind: MetricKind,
    shape: Shape,
    value: f64,
    random: SmallRng,
}

impl Generator {
    fn all(hosts: usize) -> Vec<Self> {
        (0..hosts * SERIES_PER_HOST)
            .map(|number| Self::new(number / SERIES_PER_HOST, number % SERIES_PER_HOST))
            .collect()
    }

    fn new(host: usize, series: usize) -> Self {
        let shape = match series {
            0..12 => Shape::Walk,
            12..22 => Shape::Pages,
            22..35 => Shape::Grower,
            35..41 => Shape::Count,
            41..63 => Shape::Rate,
            63..85 => Shape::Constant,
            _ => Shape::Float,
        };
        let mut random = SmallRng::seed_from_u64((host * 1000 + series) as u64);
        let value = f64::from(random.random_range(0..1000_u32));
        let kind = match shape {
            Shape::Count => MetricKind::Count,
            Shape::Rate => MetricKind::Rate,
            _ => MetricKind::Gauge,
        };
        let tags = (0..8).map(|tag| match tag {
            0 => format!("service:svc-{}", host % 20),
            1 => "env:prod".to_owned(),
            _ => format!("key{tag}:value-{}", (host / (tag * 3)) % 10),
        });
        Self {
            metric: format!("agent.metric.{series}"),
            host: format!("host-{host:04}"),
            tags: tags.collect(),
            kind,
            shape,
            value,
            random,
        }
    }

    fn next(&mut self, step: i64) -> f64 {
        let random = &mut self.random;
        match self.shape {
            Shape::Walk => {
                self.value += f64::from(random.random_range(-50..=50_i32)) / 100.0;
                (self.value * 100.0).round() / 100.0
            }
            Shape::Pages => {
                self.value += f64::from(random.random_range(-20..=20_i32));
                (self.value.abs() + 100_000.0) * 4096.0
            }
            Shape::Grower => {
                self.value += f64::from(random.random_range(0..=3_u32));
                self.value
            }
            Shape::Count => f64::from(random.random_range(0..100_u32)),
            Shape::Rate => f64::from(random.random_range(0..500_u32)) / 10.0,
            Shape::Constant => self.value + if step % 3000 == 2999 { 1.0 } else { 0.0 },
            Shape::Float => self.value * (1.0 + random.random::<f64>() * 0.1),
        }
    }
}
