//! The pictures of docs/anomalies.md, drawn from what the algorithms answer. They are written by
//! `cargo test -p galgo-query --test algorithms pictures -- --ignored`.

use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

use galgo_query::algorithms::anomaly::{Algorithm, Direction, Options, detect};
use galgo_query::algorithms::forecast::{Method, Model, forecast};
use galgo_query::algorithms::outlier::{self, outliers};
use galgo_query::algorithms::season::{Season, Seasonality};

use super::synthetic::*;

const WIDTH: f64 = 760.0;
const PANEL: f64 = 130.0;
const TITLE: f64 = 22.0;
const LEFT: f64 = 12.0;

const LINE: &str = "#5b6cb8";
const BAND: &str = "#d3d6de";
const OUTSIDE: &str = "#d64545";
const PALE: &str = "#c3c7d1";
const TEXT: &str = "#3a3f4b";

/// One graph: its values are scaled to what it shows.
struct Panel {
    title: String,
    body: String,
    range: (f64, f64),
    len: usize,
}

impl Panel {
    fn new(title: &str, len: usize, range: (f64, f64)) -> Self {
        Self { title: title.into(), body: String::new(), range, len }
    }

    fn place(&self, at: usize, value: f64) -> (f64, f64) {
        let x = LEFT + at as f64 / (self.len - 1) as f64 * (WIDTH - 2.0 * LEFT);
        let part = ((value - self.range.0) / (self.range.1 - self.range.0)).clamp(0.0, 1.0);
        (x, TITLE + (1.0 - part) * (PANEL - TITLE - 8.0))
    }

    fn path(&self, points: impl Iterator<Item = (usize, f64)>) -> String {
        let mut path = String::new();
        let mut before: Option<usize> = None;
        for (at, value) in points.filter(|(_, value)| !value.is_nan()) {
            let (x, y) = self.place(at, value);
            let command = if before.is_some_and(|before| at.abs_diff(before) == 1) { 'L' } else { 'M' };
            let _ = write!(path, "{command}{x:.1} {y:.1}");
            before = Some(at);
        }
        path
    }

    fn line(&mut self, values: &[f64], first: usize, colour: &str, style: &str) {
        let path = self.path(values.iter().enumerate().map(|(at, &value)| (first + at, value)));
        let _ = writeln!(self.body, r#"<path d="{path}" fill="none" stroke="{colour}" {style}/>"#);
    }

    fn band(&mut self, lower: &[f64], upper: &[f64], first: usize) {
        let known: Vec<usize> = (0..upper.len()).filter(|&at| !upper[at].is_nan() && !lower[at].is_nan()).collect();
        let corner = |(at, value): (usize, f64)| {
            let (x, y) = self.place(first + at, value);
            format!("{x:.1},{y:.1}")
        };
        let over = known.iter().map(|&at| (at, upper[at]));
        let back = known.iter().rev().map(|&at| (at, lower[at]));
        let corners: Vec<String> = over.chain(back).map(corner).collect();
        let _ = writeln!(self.body, r#"<polygon points="{}" fill="{BAND}"/>"#, corners.join(" "));
    }

    fn outside(&mut self, values: &[f64], outside: &[bool]) {
        for at in (0..values.len()).filter(|&at| outside[at]) {
            let (x, y) = self.place(at, values[at]);
            let _ = writeln!(self.body, r#"<circle cx="{x:.1}" cy="{y:.1}" r="1.9" fill="{OUTSIDE}"/>"#);
        }
    }
}

fn write(name: &str, panels: &[Panel]) {
    let height = PANEL * panels.len() as f64;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">"#
    );
    let _ = writeln!(svg, "\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>");
    for (number, panel) in panels.iter().enumerate() {
        let _ = writeln!(svg, r#"<g transform="translate(0 {})">"#, PANEL * number as f64);
        let _ = writeln!(svg, r#"<text x="{LEFT}" y="15" fill="{TEXT}">{}</text>"#, panel.title);
        let _ = writeln!(svg, "{}</g>", panel.body);
    }
    svg.push_str("</svg>\n");
    assert!(svg.len() < 60_000, "{name} has {} bytes", svg.len());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images");
    std::fs::write(folder.join(name), svg).unwrap();
}

fn daily() -> Season {
    Season { seasonality: Seasonality::Daily, ..Season::weekly() }
}

#[test]
#[ignore = "writes docs/images"]
fn anomalies() {
    // Two weeks are known, the second is shown: a spike by night, an outage, and a higher level from Friday noon on.
    let (step, day_len) = (1800, 48);
    let axis = axis(step, 14 * day_len);
    let mut noise = Noise::new(5);
    let mut values = series(&axis, |second| {
        day(second) + 5.0 * noise.next() + if second >= 11 * DAY + 12 * HOUR { 45.0 } else { 0.0 }
    });
    values[8 * day_len + 36..8 * day_len + 40].iter_mut().for_each(|value| *value += 55.0);
    values[9 * day_len + 10..9 * day_len + 15].iter_mut().for_each(|value| *value = 12.0);
    let shown = 7 * day_len..14 * day_len;
    let panels: Vec<Panel> = [
        ("basic: the points just before", Algorithm::Basic),
        ("agile: the last days, moved to the present level", Algorithm::Agile),
        ("robust: the last days and nothing else", Algorithm::Robust),
    ]
    .into_iter()
    .map(|(title, algorithm)| {
        let options = Options { algorithm, bounds: 3.0, direction: Direction::Both, alert_window: 0, season: daily() };
        let band = detect(&axis, &values, &options);
        let outside: Vec<bool> =
            shown.clone().map(|at| band.is_outside(at, values[at], Direction::Both).unwrap_or(false)).collect();
        let mut panel = Panel::new(title, shown.len(), (0.0, 230.0));
        panel.band(&band.lower[shown.clone()], &band.upper[shown.clone()], 0);
        panel.line(&values[shown.clone()], 0, LINE, r#"stroke-width="1.3""#);
        panel.outside(&values[shown.clone()], &outside);
        panel
    })
    .collect();
    write("anomalies.svg", &panels);
}

#[test]
#[ignore = "writes docs/images"]
fn outlying_groups() {
    let axis = axis(600, 144);
    let mut noise = Noise::new(5);
    let mut hosts: Vec<Vec<f64>> = (0..7).map(|_| series(&axis, |second| day(second) + 6.0 * noise.next())).collect();
    // One is out of step, one is too high for much of the day.
    hosts[2] = series(&axis, |second| day(second + 10 * HOUR) + 6.0 * noise.next());
    hosts[5][50..110].iter_mut().for_each(|value| *value += 110.0);
    let rows: Vec<&[f64]> = hosts.iter().map(Vec::as_slice).collect();
    let panels: Vec<Panel> = [
        ("DBSCAN, tolerance 3: shapes unlike the others", outlier::Algorithm::Dbscan, 3.0),
        (
            "MAD, tolerance 2, pct 20: more than a fifth of the points far from the middle of all",
            outlier::Algorithm::Mad,
            2.0,
        ),
    ]
    .into_iter()
    .map(|(title, algorithm, tolerance)| {
        let flags = outliers(&rows, &outlier::Options { algorithm, tolerance, share: 0.2 }).unwrap();
        let mut panel = Panel::new(title, axis.len(), (30.0, 260.0));
        for is_outlier in [false, true] {
            for (host, _) in hosts.iter().zip(&flags).filter(|(_, flag)| **flag == is_outlier) {
                panel.line(host, 0, if is_outlier { OUTSIDE } else { PALE }, r#"stroke-width="1.3""#);
            }
        }
        panel
    })
    .collect();
    write("outliers.svg", &panels);
}

#[test]
#[ignore = "writes docs/images"]
fn forecasts() {
    let mut noise = Noise::new(5);
    let mut panels = Vec::new();
    // A disk that fills up faster since a day and a half, by hours; half a week ahead.
    let (known, len) = (168, 252);
    let disk_axis = axis(HOUR, len);
    let disk = series(&disk_axis, |second| {
        40.0 + 2.0 * second as f64 / DAY as f64
            + 7.0 * (second - 5 * DAY - 12 * HOUR).max(0) as f64 / DAY as f64
            + noise.next()
    });
    for (title, model) in [
        ("linear, model default: the latest trend", Model::Default),
        ("linear, model simple: the trend of the whole history", Model::Simple),
        ("linear, model reactive: the last moments", Model::Reactive),
    ] {
        panels.push(continued(title, &disk_axis, &disk, 0..known, &Method::Linear(model), (35.0, 120.0)));
    }
    let (known, len) = (6 * 144, 8 * 144);
    let busy_axis = axis(600, len);
    let busy = series(&busy_axis, |second| day(second) + 3.0 * second as f64 / DAY as f64 + 5.0 * noise.next());
    let title = "seasonal: like the last days, with their trend";
    panels.push(continued(title, &busy_axis, &busy, 4 * 144..known, &Method::Seasonal(daily()), (40.0, 200.0)));
    write("forecast.svg", &panels);
}

fn continued(
    title: &str,
    axis: &galgo_query::frame::Axis,
    values: &[f64],
    shown: Range<usize>,
    method: &Method,
    range: (f64, f64),
) -> Panel {
    let found = forecast(axis, &values[..shown.end], method, 2.0).unwrap();
    let mut panel = Panel::new(title, axis.len() - shown.start, range);
    panel.band(&found.lower, &found.upper, shown.len());
    panel.line(&values[shown.clone()], 0, LINE, r#"stroke-width="1.3""#);
    panel.line(&found.expected, shown.len(), LINE, r#"stroke-width="1.5" stroke-dasharray="5 4""#);
    panel
}
