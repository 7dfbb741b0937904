//! A sink that writes down what arrives.

use galgo_core::{MetricKind, MetricSink, Point, RawSeries, Rejection, SketchPoint};

/// A series with everything owned.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub metric: String,
    pub host: String,
    pub tags: Vec<String>,
    pub pairs: Vec<(String, String)>,
    pub kind: MetricKind,
    pub interval: u32,
    pub unit: String,
    pub points: Vec<Point>,
    pub sketches: Vec<SketchPoint>,
}

#[derive(Debug, Default)]
pub struct Recorder {
    pub series: Vec<Series>,
    /// Metrics to refuse.
    pub refuse: &'static str,
}

impl Recorder {
    fn take(&mut self, series: &RawSeries<'_>, points: &[Point], sketches: &[SketchPoint]) -> Result<(), Rejection> {
        if series.metric == self.refuse {
            return Err(Rejection::invalid("no room"));
        }
        self.series.push(Series {
            metric: series.metric.into(),
            host: series.host.into(),
            tags: series.tags.iter().map(|tag| tag.to_string()).collect(),
            pairs: series.pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
            kind: series.kind,
            interval: series.interval,
            unit: series.unit.into(),
            points: points.to_vec(),
            sketches: sketches.to_vec(),
        });
        Ok(())
    }

    /// One line for each series.
    pub fn show(&self) -> String {
        let mut lines = String::new();
        for series in &self.series {
            let mut line = format!("{} {}", series.metric, series.kind.as_str());
            if !series.host.is_empty() {
                line += &format!(" host={}", series.host);
            }
            if !series.tags.is_empty() {
                line += &format!(" tags={:?}", series.tags);
            }
            if !series.pairs.is_empty() {
                line += &format!(" pairs={:?}", series.pairs);
            }
            if series.interval > 0 {
                line += &format!(" interval={}", series.interval);
            }
            if !series.unit.is_empty() {
                line += &format!(" unit={}", series.unit);
            }
            for point in &series.points {
                line += &format!(" {}={:?}", point.time, point.value);
            }
            for point in &series.sketches {
                let sketch = &point.sketch;
                line += &format!(
                    " {}: count {} sum {:?} min {:?} max {:?} bins {:?}",
                    point.time,
                    sketch.count(),
                    sketch.sum(),
                    sketch.min().unwrap_or(f64::NAN),
                    sketch.max().unwrap_or(f64::NAN),
                    sketch.bins().iter().map(|bin| (bin.key, bin.count)).collect::<Vec<_>>()
                );
            }
            lines += &(line + "\n");
        }
        lines
    }
}

impl MetricSink for Recorder {
    fn series(&mut self, series: &RawSeries<'_>, points: &[Point]) -> Result<(), Rejection> {
        self.take(series, points, &[])
    }

    fn sketches(&mut self, series: &RawSeries<'_>, points: &[SketchPoint]) -> Result<(), Rejection> {
        self.take(series, &[], points)
    }
}
