use super::*;

fn sampler() -> Sampler {
    Sampler::new(SamplerConfig {
        host: "h".into(),
        tags: vec!["service:shop".into()],
        interval: 15,
        aggregates: vec![HistogramAggregate::Max, HistogramAggregate::Median, HistogramAggregate::Count],
        percentiles: vec![95],
    })
}

fn at(second: u64) -> Moment {
    Moment { wall: 1000 + second as i64, monotonic: Duration::from_secs(second) }
}

fn run(sampler: &mut Sampler, second: u64, submit: impl FnOnce(&mut Samples)) -> Vec<(String, MetricKind, f64)> {
    let mut samples = Samples::default();
    submit(&mut samples);
    let report = sampler.commit(&mut samples, at(second));
    report.series.into_iter().map(|series| (series.metric, series.kind, series.points[0].value)).collect()
}

#[test]
fn the_last_gauge_counts_and_counts_are_summed() {
    let out = run(&mut sampler(), 0, |samples| {
        samples.gauge("g", 1.0, &[]);
        samples.gauge("g", 2.0, &[]);
        samples.gauge("g", f64::NAN, &[]);
        samples.count("c", 3.0, &[]);
        samples.count("c", 4.0, &[]);
        samples.submit(SampleKind::Counter, "i", 1.0, &[]);
        samples.submit(SampleKind::Counter, "i", -3.0, &[]);
    });
    assert_eq!(
        out,
        [
            ("c".to_owned(), MetricKind::Count, 7.0),
            ("g".to_owned(), MetricKind::Gauge, 2.0),
            ("i".to_owned(), MetricKind::Rate, -2.0)
        ]
    );
}

#[test]
fn a_rate_needs_two_runs_and_a_growing_counter() {
    let mut sampler = sampler();
    let mut rate = |second, value| {
        run(&mut sampler, second, |samples| samples.rate("r", value, &[])).first().map(|(_, _, value)| *value)
    };
    assert_eq!(rate(0, 100.0), None);
    assert_eq!(rate(10, 150.0), Some(5.0));
    assert_eq!(rate(20, 10.0), None);
    assert_eq!(rate(30, 30.0), Some(2.0));
    assert_eq!(rate(30, 40.0), None);
}

#[test]
fn a_monotonic_count_is_the_growth() {
    let mut sampler = sampler();
    let mut count = |second, value, first| {
        let out = run(&mut sampler, second, |samples| {
            samples.monotonic_count("m", value, &[]);
            samples.values[0].flush_first = first;
        });
        out.first().map(|(_, _, value)| *value)
    };
    assert_eq!(count(0, 100.0, false), None);
    assert_eq!(count(15, 130.0, false), Some(30.0));
    assert_eq!(count(30, 130.0, false), Some(0.0));
    assert_eq!(count(45, 7.0, false), Some(0.0));
    assert_eq!(count(60, 3.0, true), Some(3.0));
    assert_eq!(count(60 + 26 * 3600, 10.0, false), None, "forgotten after 25 hours");
}

#[test]
fn a_histogram_comes_out_as_aggregates() {
    let out = run(&mut sampler(), 0, |samples| {
        for value in 1..=20 {
            samples.histogram("h", f64::from(value), &[]);
        }
    });
    assert_eq!(
        out,
        [
            ("h.95percentile".to_owned(), MetricKind::Gauge, 19.0),
            ("h.count".to_owned(), MetricKind::Rate, 20.0),
            ("h.max".to_owned(), MetricKind::Gauge, 20.0),
            ("h.median".to_owned(), MetricKind::Gauge, 10.0)
        ]
    );
}

#[test]
fn tags_are_sorted_and_the_instances_own_are_added() {
    let mut samples = Samples::default();
    samples.gauge("g", 1.0, &["z:1".into(), "a:1".into(), "a:1".into()]);
    samples.service_check("up", galgo_core::check::CheckStatus::Ok, &[], "");
    let report = sampler().commit(&mut samples, at(5));
    assert_eq!(report.series[0].tags, ["a:1", "service:shop", "z:1"]);
    assert_eq!(report.series[0].host, "h");
    let check = &report.checks[0];
    assert_eq!((check.host.as_str(), check.time, check.tags.as_slice()), ("h", 1005, &["service:shop".to_owned()][..]));
}

#[test]
fn buckets_become_a_sketch_of_their_growth() {
    let mut sampler = sampler();
    let mut run = |second, count, flush_first| {
        let mut samples = Samples::default();
        samples.buckets.push(Bucket {
            metric: "b".into(),
            count,
            lower: 0.0,
            upper: 10.0,
            monotonic: true,
            tags: vec![],
            host: String::new(),
            flush_first,
        });
        let report = sampler.commit(&mut samples, at(second));
        report.sketches.first().map(|series| series.points[0].sketch.count())
    };
    assert_eq!(run(0, 100, false), None);
    assert_eq!(run(15, 150, false), Some(50));
    assert_eq!(run(30, 20, true), Some(20));
}
