//! What queries with algorithms answer, from the text to the series.

use std::fmt::Write;

use expect_test::{Expect, expect};
use galgo_core::MetricKind;
use galgo_query::algorithms::anomaly::{Algorithm, Direction, Options, detect};
use galgo_query::algorithms::season::{Season, Seasonality};
use galgo_query::algorithms::verdict::{self, Edge};
use galgo_query::frame::Axis;
use galgo_query::reduce::Aggregator;
use galgo_query::request::{Answer, Context, FormulaRequest, NamedQuery, Role, TextRequest};
use galgo_query::source::{Grid, Leaf, Matrix, MetricInfo, MetricSource, SourceError};
use galgo_query::variables::Variables;
use galgo_query::{QueryError, evaluate_scalar, evaluate_text};

use super::data::{Data, RawSeries};
use super::source::BUDGET;
use super::synthetic::*;

/// One series of host `name` with a value each `step` seconds from [`MONDAY`] on.
fn raw(name: &str, kind: MetricKind, step: i64, values: &[f64]) -> RawSeries {
    let points = values.iter().enumerate().filter(|(_, value)| !value.is_nan());
    RawSeries {
        metric: "m".into(),
        host: name.into(),
        tags: Vec::new(),
        kind,
        interval: step as u32,
        points: points.map(|(at, &value)| (MONDAY + at as i64 * step, value)).collect(),
    }
}

fn one(step: i64, values: &[f64]) -> Data {
    Data { series: vec![raw("a", MetricKind::Gauge, step, values)], ..Data::default() }
}

/// Evaluates over `from <= time < to` seconds after [`MONDAY`].
fn try_answer(source: &dyn MetricSource, text: &str, from: i64, to: i64) -> Result<Answer, QueryError> {
    let variables = Variables::default();
    let request = TextRequest::new(text, MONDAY + from, MONDAY + to - 1, &variables);
    evaluate_text(source, &request, &BUDGET)
}

fn answer(source: &dyn MetricSource, text: &str, from: i64, to: i64) -> Answer {
    try_answer(source, text, from, to).unwrap()
}

fn check(answer: &Answer, expected: Expect) {
    let mut text = String::new();
    for series in &answer.series {
        let values: Vec<String> =
            series.points().map(|(time, value)| format!("{}:{:.2}", time - MONDAY, value)).collect();
        let about = &series.about;
        let _ = writeln!(text, "{} {} [{}] {}", series.role.as_str(), about.expression, about.scope, about.metric);
        let _ = writeln!(text, "  {}", values.join(" "));
        if !series.outside.is_empty() {
            let times: Vec<i64> = series.outside.iter().map(|&bucket| series.axis.starts[bucket] - MONDAY).collect();
            let _ = writeln!(text, "  outside: {times:?}");
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn values_come_first_then_their_bands() {
    let mut values: Vec<f64> = (0..30).map(|minute| f64::from(minute % 4)).collect();
    values[28] = 9.0;
    let mut data = one(60, &values);
    data.series.push(raw("b", MetricKind::Gauge, 60, &[7.0; 30]));
    check(
        &answer(&data, "anomalies(avg:m{*} by {host}.rollup(60), 'basic', 2)", 26 * 60, 30 * 60),
        expect![[r#"
            value anomalies(avg:m{host:a}.rollup(60), 'basic', 2) [host:a] anomalies(m, 'basic', 2)
              1560:2.00 1620:3.00 1680:9.00 1740:1.00
              outside: [1680]
            value anomalies(avg:m{host:b}.rollup(60), 'basic', 2) [host:b] anomalies(m, 'basic', 2)
              1560:7.00 1620:7.00 1680:7.00 1740:7.00
            lower lower(anomalies(avg:m{host:a}.rollup(60), 'basic', 2)) [host:a] lower(anomalies(m, 'basic', 2))
              1560:-1.34 1620:-1.34 1680:-0.84 1740:-0.34
            upper upper(anomalies(avg:m{host:a}.rollup(60), 'basic', 2)) [host:a] upper(anomalies(m, 'basic', 2))
              1560:3.34 1620:3.34 1680:3.84 1740:4.34
            lower lower(anomalies(avg:m{host:b}.rollup(60), 'basic', 2)) [host:b] lower(anomalies(m, 'basic', 2))
              1560:7.00 1620:7.00 1680:7.00 1740:7.00
            upper upper(anomalies(avg:m{host:b}.rollup(60), 'basic', 2)) [host:b] upper(anomalies(m, 'basic', 2))
              1560:7.00 1620:7.00 1680:7.00 1740:7.00
        "#]],
    );
}

#[test]
fn outliers_are_told_from_the_others() {
    let mut data = Data::default();
    for (name, level) in [("a", 1.0), ("b", 1.5), ("c", 1.2), ("d", 8.0)] {
        data.series.push(raw(name, MetricKind::Gauge, 60, &[level; 5]));
    }
    let found = answer(&data, "outliers(avg:m{*} by {host}.rollup(60), 'dbscan')", 0, 120);
    check(
        &found,
        expect![[r#"
            usual outliers(avg:m{host:a}.rollup(60), 'dbscan') [host:a] outliers(m, 'dbscan')
              0:1.00 60:1.00
            usual outliers(avg:m{host:b}.rollup(60), 'dbscan') [host:b] outliers(m, 'dbscan')
              0:1.50 60:1.50
            usual outliers(avg:m{host:c}.rollup(60), 'dbscan') [host:c] outliers(m, 'dbscan')
              0:1.20 60:1.20
            outlier outliers(avg:m{host:d}.rollup(60), 'dbscan') [host:d] outliers(m, 'dbscan')
              0:8.00 60:8.00
        "#]],
    );
    let flags: Vec<bool> = verdict::outlying(&found).into_iter().map(|(_, is_outlier)| is_outlier).collect();
    assert_eq!(flags, [false, false, false, true]);
    assert_eq!(verdict::outlying(&found)[3].0, [("host".to_owned(), Some("d".to_owned()))]);
}

#[test]
fn forecasts_go_on_after_the_newest_value() {
    let data = one(3600, &[10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
    let found = answer(&data, "forecast(avg:m{*}, 'linear', 2, interval='60m', history='1w')", 4 * HOUR, 9 * HOUR);
    check(
        &found,
        expect![[r#"
            value forecast(avg:m{*}, 'linear', 2, interval='60m', history='1w') [*] forecast(m, 'linear', 2, interval='60m', history='1w')
              14400:14.00 18000:15.00
            forecast forecast(forecast(avg:m{*}, 'linear', 2, interval='60m', history='1w')) [*] forecast(forecast(m, 'linear', 2, interval='60m', history='1w'))
              21600:16.00 25200:17.00 28800:18.00
            lower lower(forecast(avg:m{*}, 'linear', 2, interval='60m', history='1w')) [*] lower(forecast(m, 'linear', 2, interval='60m', history='1w'))
              21600:16.00 25200:17.00 28800:18.00
            upper upper(forecast(avg:m{*}, 'linear', 2, interval='60m', history='1w')) [*] upper(forecast(m, 'linear', 2, interval='60m', history='1w'))
              21600:16.00 25200:17.00 28800:18.00
        "#]],
    );
    let reached = verdict::reached(&found, Edge::Upper, 17.0);
    assert_eq!(reached.len(), 1);
    assert_eq!(reached[0].first, Some(MONDAY + 25_200));
    assert!((reached[0].furthest - 18.0).abs() < 1e-9);
    assert_eq!(verdict::reached(&found, Edge::Upper, 18.5)[0].first, None);
    assert_eq!(verdict::reached(&found, Edge::Lower, 17.0)[0].first, Some(MONDAY + 21_600));
    // A window of the future alone, as monitors have it, and one of the past alone, which has nothing to continue.
    let next = answer(&data, "forecast(avg:m{*}, 'linear', 1, interval=3600)", 6 * HOUR, 12 * HOUR);
    assert_eq!(
        next.series.iter().map(|series| series.role).collect::<Vec<_>>(),
        [Role::Forecast, Role::Lower, Role::Upper]
    );
    let past = answer(&data, "forecast(avg:m{*}, 'linear', 1, interval=3600)", 0, 6 * HOUR);
    assert_eq!(past.series.iter().map(|series| series.role).collect::<Vec<_>>(), [Role::Value]);
}

#[test]
fn what_changes_values_drops_their_band_and_what_chooses_keeps_it() {
    let values: Vec<f64> = (0..30).map(|minute| f64::from(minute % 4)).collect();
    let data = one(60, &values);
    let roles = |text: &str| {
        let found = answer(&data, text, 20 * 60, 30 * 60);
        found.series.iter().map(|series| series.role.as_str()).collect::<Vec<_>>().join(" ")
    };
    let banded = "anomalies(avg:m{*} by {host}, 'basic', 2, interval=60)";
    for (text, expected) in [
        (banded.to_owned(), "value lower upper"),
        (format!("top({banded}, 5)"), "value lower upper"),
        (format!("exclude_null({banded})"), "value lower upper"),
        (format!("timeshift({banded}, -60)"), "value lower upper"),
        (format!("{banded} * 2"), "value"),
        (format!("-{banded}"), "value"),
        (format!("{banded} + {banded}"), "value"),
        (format!("abs({banded})"), "value"),
        (format!("reduce({banded}, 'last')"), "value"),
        (format!("ewma_3({banded})"), "value"),
    ] {
        assert_eq!(roles(&text), expected, "{text}");
    }
}

/// A band does not depend on where the window begins and ends: what is fetched around it is all that it is made of.
#[test]
fn a_window_has_the_band_of_the_whole_series() {
    let step = 300;
    let axis = axis(step, 9 * 288);
    let mut noise = Noise::new(4);
    let values = series(&axis, |second| day(second) + 3.0 * noise.next());
    let data = one(step, &values);
    for (name, algorithm) in [("basic", Algorithm::Basic), ("agile", Algorithm::Agile), ("robust", Algorithm::Robust)] {
        let options = Options {
            algorithm,
            bounds: 2.5,
            direction: Direction::Both,
            alert_window: 0,
            season: Season { seasonality: Seasonality::Daily, ..Season::weekly() },
        };
        let whole = detect(&axis, &values, &options);
        for (from, to) in [(7 * DAY, 7 * DAY + 3 * HOUR), (6 * DAY + 1234, 8 * DAY), (0, 9 * DAY), (8 * DAY, 10 * DAY)]
        {
            let text = format!("anomalies(avg:m{{*}}, '{name}', 2.5, interval=300, seasonality='daily')");
            let found = answer(&data, &text, from, to);
            let Some(upper) = found.series.iter().find(|series| series.role == Role::Upper) else {
                panic!("{name}: no band from {from} to {to}");
            };
            // From 0 on, a window of nine days is made of longer buckets.
            if upper.interval() != step {
                continue;
            }
            for (time, edge) in upper.points() {
                let at = ((time - MONDAY) / step) as usize;
                assert!((edge - whole.upper[at]).abs() < 1e-9, "{name} at {at}: {edge}, not {}", whole.upper[at]);
            }
            assert!(upper.points().count() > 30, "{name}");
        }
    }
}

/// Work begins at 9 by the clock of Paris, which goes forward on 31 March 2024, 90 days after [`MONDAY`].
#[test]
fn a_window_after_a_clock_change_has_the_band_of_the_wall_clock() {
    let change = 90 * DAY + HOUR;
    let step = 600;
    let mut noise = Noise::new(13);
    let axis = Axis::of(&Grid::Uniform { start: MONDAY + 80 * DAY, step, len: 13 * 144 });
    let values = series(&axis, |second| {
        let wall = second + if second < change { HOUR } else { 2 * HOUR };
        noise.next() + if (9 * HOUR..17 * HOUR).contains(&(wall % DAY)) { 100.0 } else { 10.0 }
    });
    let mut data = one(step, &values);
    data.series[0].points.iter_mut().for_each(|(time, _)| *time += 80 * DAY);
    let season = Season { seasonality: Seasonality::Daily, zone: galgo_query::calendar::zone("Europe/Paris").unwrap() };
    for (name, algorithm) in [("agile", Algorithm::Agile), ("robust", Algorithm::Robust)] {
        let options =
            Options { algorithm, bounds: 5.0, direction: Direction::Both, alert_window: 0, season: season.clone() };
        let whole = detect(&axis, &values, &options);
        for (from, to) in [(89 * DAY + 20 * HOUR, 91 * DAY), (91 * DAY + 6 * HOUR, 91 * DAY + 12 * HOUR)] {
            let arguments = "interval=600, seasonality='daily', timezone='Europe/Paris'";
            let found = answer(&data, &format!("anomalies(avg:m{{*}}, '{name}', 5, {arguments})"), from, to);
            assert!(found.series[0].outside.is_empty(), "{name}: {:?}", found.series[0].outside);
            for (time, edge) in found.series[2].points() {
                let at = ((time - axis.starts[0]) / step) as usize;
                assert!((edge - whole.upper[at]).abs() < 1e-9, "{name} at {at}: {edge}, not {}", whole.upper[at]);
            }
            let universal = answer(
                &data,
                &format!("anomalies(avg:m{{*}}, '{name}', 5, interval=600, seasonality='daily')"),
                from,
                to,
            );
            assert!(!universal.series[0].outside.is_empty(), "{name}");
        }
    }
}

#[test]
fn days_of_a_calendar_have_weeks() {
    let mut noise = Noise::new(3);
    let values: Vec<f64> = (0..10 * 168).map(|hour| working_week(hour * HOUR) + noise.next()).collect();
    let data = one(HOUR, &values);
    for zone in ["UTC", "Europe/Paris"] {
        let text = format!("anomalies(avg:m{{*}}.rollup(avg, daily, '{zone}'), 'robust', 5, timezone='{zone}')");
        let found = answer(&data, &text, 5 * WEEK, 9 * WEEK);
        let roles: Vec<&str> = found.series.iter().map(|series| series.role.as_str()).collect();
        assert_eq!(roles, ["value", "lower", "upper"], "{zone}");
        assert!(found.series[1].points().count() >= 27, "{zone}");
        assert!(found.series[0].outside.len() <= 2, "{zone}: {:?}", found.series[0].outside);
        // Weekends are half as busy, and the band knows it.
        let upper: Vec<f64> = found.series[2].points().map(|(_, edge)| edge).collect();
        assert!(upper.iter().any(|edge| *edge < 70.0) && upper.iter().any(|edge| *edge > 95.0), "{zone}: {upper:?}");
    }
}

/// A source that counts what it is asked for.
struct Counting<'a>(&'a Data, std::sync::Mutex<Vec<usize>>);

impl MetricSource for Counting<'_> {
    fn describe(&self, metric: &str) -> Option<MetricInfo> {
        self.0.describe(metric)
    }

    fn leaf(&self, leaf: &Leaf, budget: &galgo_query::source::Budget) -> Result<Matrix, SourceError> {
        self.1.lock().unwrap().push(leaf.grid.len());
        self.0.leaf(leaf, budget)
    }
}

#[test]
fn an_hour_costs_hours_and_not_weeks() {
    let mut noise = Noise::new(4);
    let axis = axis(60, 5 * 10_080);
    let values = series(&axis, |second| working_week(second) + 3.0 * noise.next());
    let data = one(60, &values);
    for (algorithm, most) in [("robust", 10 * 180 + 7 * 140), ("agile", 10 * 180 + 7 * 400), ("basic", 180 + 180 + 61)]
    {
        let counting = Counting(&data, std::sync::Mutex::default());
        let text = format!("anomalies(avg:m{{*}}, '{algorithm}', 3, interval=60)");
        let found = answer(&counting, &text, 4 * WEEK + 34 * HOUR, 4 * WEEK + 37 * HOUR);
        assert!(found.series.iter().any(|series| series.role == Role::Upper), "{algorithm}");
        let buckets: usize = counting.1.lock().unwrap().iter().sum();
        assert!(buckets <= most, "{algorithm}: {buckets} buckets");
    }
}

#[test]
fn the_newest_minutes_of_a_sparse_series_have_a_band() {
    // A point each 15 seconds in buckets of one second.
    let mut noise = Noise::new(8);
    let values: Vec<f64> = (0..80).map(|_| 20.0 + noise.next()).collect();
    let data = one(15, &values);
    let found = answer(&data, "anomalies(avg:m{host:a}, 'basic', 2)", 15 * 60, 20 * 60);
    assert_eq!(found.series.len(), 3);
    assert_eq!(found.series[0].interval(), 1);
    for series in &found.series {
        assert_eq!(series.points().count(), 20);
    }
    // Two minutes after the first point there is something to go by.
    let young = answer(&data, "anomalies(avg:m{host:a}, 'basic', 2)", -120, 180);
    assert_eq!(young.series[1].points().next().unwrap().0, MONDAY + 8 * 15);
}

#[test]
fn seasons_of_sparse_series_meet_though_their_seconds_differ() {
    // A point each 31 seconds, which is no part of a day.
    let len = 5 * 86_400 / 31;
    let mut noise = Noise::new(8);
    let values: Vec<f64> = (0..len).map(|at| day(at * 31) + noise.next()).collect();
    let data = one(31, &values);
    let found = answer(&data, "anomalies(avg:m{*}, 'robust', 4, seasonality='daily')", 4 * DAY + 600, 4 * DAY + 1200);
    assert_eq!(found.series.len(), 3);
    assert_eq!(found.series[1].points().count(), found.series[0].points().count());
    assert!(found.series[0].outside.is_empty());
}

#[test]
fn counts_without_events_are_zeros_and_gauges_unknown() {
    let step = 600;
    let axis = axis(step, 6 * 144);
    let mut noise = Noise::new(6);
    let mut values = series(&axis, |second| (60.0 + day(second) + noise.next()).round());
    // Nobody comes on the last day from 8 to 10.
    values[5 * 144 + 48..5 * 144 + 60].fill(f64::NAN);
    let outside = |kind: MetricKind, text: &str| {
        let data = Data { series: vec![raw("a", kind, step, &values)], ..Data::default() };
        let found = answer(&data, text, 5 * DAY, 6 * DAY);
        found.series[0].outside.len()
    };
    let robust = |query: &str, more: &str| {
        format!("anomalies({query}, 'robust', 5, 'below', seasonality='daily', interval=600{more})")
    };
    assert_eq!(outside(MetricKind::Count, &robust("sum:m{*}.as_count()", "")), 12);
    assert_eq!(outside(MetricKind::Count, &robust("2 * (sum:m{*} + 0).as_count()", "")), 12);
    assert_eq!(outside(MetricKind::Count, &robust("sum:m{*}.as_count()", ", count_default_zero='false'")), 0);
    assert_eq!(outside(MetricKind::Gauge, &robust("sum:m{*}", "")), 0);
}

#[test]
fn counts_that_stop_are_zeros_once_they_cannot_be_late() {
    let values: Vec<f64> = (0..30).map(|minute| f64::from(10 + minute % 4)).collect();
    let data = Data { series: vec![raw("a", MetricKind::Count, 60, &values)], ..Data::default() };
    let zeros = |minutes: i64| {
        let text = "anomalies(sum:m{*}.as_count(), 'basic', 3, interval=60)";
        let found = answer(&data, text, 20 * 60, minutes * 60);
        (found.series[0].points().filter(|(_, value)| *value == 0.0).count(), found.series[0].outside.len())
    };
    assert_eq!([30, 31, 32, 35].map(zeros), [(0, 0), (0, 0), (2, 2), (5, 4)]);
}

#[test]
fn arguments_by_place_and_by_name_mean_the_same() {
    let mut noise = Noise::new(4);
    let values: Vec<f64> = (0..5 * 288).map(|at| day(at * 300) + 3.0 * noise.next()).collect();
    let data = one(300, &values);
    let by_place = "anomalies(avg:m{*}, 'agile', 2, 'above', 'last_30m', 300, 'true', 'daily', 'Europe/Paris')";
    let by_name = "anomalies(avg:m{*}, 'Adaptive', timezone=\"europe/paris\", seasonality=daily, direction='above', \
                   interval='5m', alert_window='last_30m', count_default_zero=true, bounds=2)";
    let (left, right) = (answer(&data, by_place, 4 * DAY, 5 * DAY), answer(&data, by_name, 4 * DAY, 5 * DAY));
    assert_eq!(left.series.len(), 3);
    for (left, right) in left.series.iter().zip(&right.series) {
        assert_eq!((&left.values, &left.outside), (&right.values, &right.outside));
    }
    assert_eq!(left.series[0].interval(), 300);
}

#[test]
fn monitors_ask_for_the_unusual_part_of_their_window() {
    let mut values: Vec<f64> = (0..240).map(|minute| f64::from(minute % 5)).collect();
    // Of the last 15 minutes the newest twelve are high.
    values[228..].fill(50.0);
    let data = one(60, &values);
    let text = "anomalies(avg:m{*} by {host}, 'basic', 2, direction='above', alert_window='last_15m', interval=60)";
    let found = answer(&data, text, 0, 4 * HOUR);
    let window = |from: i64, to: i64| verdict::unusual(&found, MONDAY + from * 60, MONDAY + to * 60);
    let alert = window(225, 240);
    assert_eq!((alert.len(), alert[0].judged, alert[0].outside), (1, 15, 12));
    assert_eq!(alert[0].share(), Some(0.8));
    assert_eq!(alert[0].tags, [("host".to_owned(), Some("a".to_owned()))]);
    assert_eq!(window(100, 200)[0].share(), Some(0.0));
    assert_eq!(window(0, 5)[0].share(), None, "no band yet");
    let below = answer(&data, &text.replace("above", "below"), 0, 4 * HOUR);
    assert_eq!(verdict::unusual(&below, MONDAY + 225 * 60, MONDAY + 240 * 60)[0].share(), Some(0.0));
}

#[test]
fn scalars_are_made_of_the_values_and_their_continuation() {
    let data = one(3600, &[10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
    let variables = Variables::default();
    let scalar = |text: &str, aggregator, from: i64, to: i64| {
        let queries = [NamedQuery { name: "a".into(), text: text.into(), aggregator }];
        let request = FormulaRequest {
            queries: &queries,
            formulas: &[],
            from: MONDAY + from,
            to: MONDAY + to,
            interval: None,
            variables: &variables,
            context: Context::Graph,
        };
        evaluate_scalar(&data, &request, &BUDGET).unwrap().rows[0].values[0].unwrap()
    };
    let forecast = "forecast(avg:m{*}, 'linear', 1, interval=3600)";
    assert!((scalar(forecast, Aggregator::Max, 0, 10 * HOUR) - 19.0).abs() < 1e-9);
    assert_eq!(scalar(forecast, Aggregator::Min, 0, 10 * HOUR), 10.0);
    assert_eq!(scalar("anomalies(avg:m{*}, 'basic', 2, interval=3600)", Aggregator::Max, 0, 6 * HOUR), 15.0);
}

#[test]
fn names_inside_are_checked_where_they_stand() {
    let data = one(60, &[1.0; 10]);
    let variables = Variables::default();
    let queries = [NamedQuery { name: "a".into(), text: "integral(avg:m{*})".into(), aggregator: Aggregator::Avg }];
    let formulas = [galgo_query::request::Formula { text: "anomalies(a, 'basic', 2)".into(), limit: None }];
    let request = FormulaRequest {
        queries: &queries,
        formulas: &formulas,
        from: MONDAY,
        to: MONDAY + 600,
        interval: None,
        variables: &variables,
        context: Context::Graph,
    };
    let error = galgo_query::evaluate_series(&data, &request, &BUDGET).unwrap_err();
    assert_eq!(error.to_string(), "integral cannot stand inside anomalies at character 1 (near `integral(avg:m{*})`)");
}
