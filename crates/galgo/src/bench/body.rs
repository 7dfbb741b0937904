//! Request bodies. The text around the points never changes, so it is built once for each host; sending a step only
//! writes times and values into it. The generator then takes a fraction of the server's CPU.

use std::io::Write;

use galgo_core::MetricKind;

use super::data::{STEP_S, SeriesPlan, Values};

/// How points travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// `/api/v2/series`, protobuf: what agents send.
    V2Proto,
    /// `/api/v2/series`, JSON.
    V2Json,
    /// `/api/v1/series`, JSON.
    V1Json,
}

impl Format {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::V2Proto | Self::V2Json => "/api/v2/series",
            Self::V1Json => "/api/v1/series",
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::V2Proto => "application/x-protobuf",
            Self::V2Json | Self::V1Json => "application/json",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V2Proto => "v2-proto",
            Self::V2Json => "v2-json",
            Self::V1Json => "v1-json",
        }
    }
}

/// A body in which points are still open.
#[derive(Debug)]
pub(super) struct Template {
    format: Format,
    /// Text before the points of each series, and one after the last.
    pieces: Vec<Vec<u8>>,
    values: Vec<Values>,
    points_per_series: usize,
}

/// Bytes of a protobuf `MetricPoint`: a double (tag and 8 bytes) and a timestamp (tag and 5 bytes).
const PROTO_POINT_BYTES: usize = 15;
/// Timestamps from 1978 to 2106 take five bytes as a varint: points have a fixed size.
const VARINT_BYTES: usize = 5;

impl Template {
    /// A body for some series of a host. `values` run on from one step to the next.
    pub(super) fn new(
        format: Format,
        host: &str,
        series: &[SeriesPlan],
        values: Vec<Values>,
        points_per_series: usize,
    ) -> Self {
        let mut pieces: Vec<Vec<u8>> = Vec::with_capacity(series.len() + 1);
        let mut after: Vec<u8> = if format == Format::V2Proto { vec![] } else { br#"{"series":["#.to_vec() };
        for (index, plan) in series.iter().enumerate() {
            let (before, rest) = match format {
                Format::V2Proto => proto_series(host, plan, points_per_series),
                Format::V2Json => json_v2_series(host, plan),
                Format::V1Json => json_v1_series(host, plan),
            };
            if index > 0 && format != Format::V2Proto {
                after.push(b',');
            }
            after.extend(before);
            pieces.push(std::mem::replace(&mut after, rest));
        }
        if format != Format::V2Proto {
            after.extend(b"]}");
        }
        pieces.push(after);
        Self { format, pieces, values, points_per_series }
    }

    /// Points of one body.
    pub(super) fn points(&self) -> usize {
        self.values.len() * self.points_per_series
    }

    /// Appends the body whose first points lie at `time` (seconds).
    pub(super) fn write(&mut self, time: i64, out: &mut Vec<u8>) {
        for (piece, values) in self.pieces.iter().zip(&mut self.values) {
            out.extend_from_slice(piece);
            for step in 0..self.points_per_series {
                let (time, value) = (time + step as i64 * STEP_S, values.next());
                match self.format {
                    Format::V2Proto => write_proto_point(time, value, out),
                    Format::V2Json => write_json(step, format_args!(r#"{{"timestamp":{time},"value":{value}}}"#), out),
                    Format::V1Json => write_json(step, format_args!("[{time},{value}]"), out),
                }
            }
        }
        if let Some(last) = self.pieces.last() {
            out.extend_from_slice(last);
        }
    }
}

fn write_json(step: usize, point: std::fmt::Arguments<'_>, out: &mut Vec<u8>) {
    if step > 0 {
        out.push(b',');
    }
    // Writing to memory does not fail.
    let _ = out.write_fmt(point);
}

/// Field 4 of a `MetricSeries`: one `MetricPoint` (reference: intake-agent.md §5.2).
fn write_proto_point(time: i64, value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[4 << 3 | 2, PROTO_POINT_BYTES as u8, 1 << 3 | 1]);
    out.extend_from_slice(&value.to_le_bytes());
    out.push(2 << 3);
    let mut varint = [0u8; VARINT_BYTES];
    for (at, byte) in varint.iter_mut().enumerate() {
        let more = if at + 1 < VARINT_BYTES { 0x80 } else { 0 };
        *byte = (time >> (7 * at)) as u8 & 0x7f | more;
    }
    out.extend_from_slice(&varint);
}

/// Everything of a series before its points, and after them.
fn proto_series(host: &str, plan: &SeriesPlan, points: usize) -> (Vec<u8>, Vec<u8>) {
    let mut head = Vec::new();
    let mut resource = Vec::new();
    proto_bytes(1, b"host", &mut resource);
    proto_bytes(2, host.as_bytes(), &mut resource);
    proto_bytes(1, &resource, &mut head);
    proto_bytes(2, plan.metric.as_bytes(), &mut head);
    plan.tags.iter().for_each(|tag| proto_bytes(3, tag.as_bytes(), &mut head));
    let mut tail = vec![5 << 3, plan.kind().code()];
    if plan.kind() != MetricKind::Gauge {
        tail.extend([8 << 3, STEP_S as u8]);
    }
    let length = head.len() + points * (PROTO_POINT_BYTES + 2) + tail.len();
    let mut before = vec![1 << 3 | 2];
    proto_varint(length as u64, &mut before);
    before.extend(head);
    (before, tail)
}

fn proto_bytes(field: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(field << 3 | 2);
    proto_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn proto_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn json_v2_series(host: &str, plan: &SeriesPlan) -> (Vec<u8>, Vec<u8>) {
    let (metric, tags) = (&plan.metric, serde_json::json!(plan.tags));
    let before = format!(
        r#"{{"metric":"{metric}","type":{},"interval":{STEP_S},"resources":[{{"type":"host","name":"{host}"}}],"tags":{tags},"points":["#,
        plan.kind().code()
    );
    (before.into_bytes(), b"]}".to_vec())
}

fn json_v1_series(host: &str, plan: &SeriesPlan) -> (Vec<u8>, Vec<u8>) {
    let (metric, tags) = (&plan.metric, serde_json::json!(plan.tags));
    let before = format!(
        r#"{{"metric":"{metric}","type":"{}","interval":{STEP_S},"host":"{host}","tags":{tags},"points":["#,
        plan.kind().as_str()
    );
    (before.into_bytes(), b"]}".to_vec())
}

#[cfg(test)]
mod tests {
    use super::super::data::series_plans;
    use super::*;
    use expect_test::expect;

    fn template(format: Format, points: usize) -> Template {
        let plans: Vec<SeriesPlan> = series_plans(100)
            .into_iter()
            .filter(|plan| plan.metric.ends_with("rate.00") || plan.metric.ends_with("walk.00"))
            .collect();
        let values = plans.iter().enumerate().map(|(index, plan)| Values::new(plan.shape, 1, 0, index)).collect();
        Template::new(format, "h", &plans, values, points)
    }

    fn body(format: Format, points: usize) -> Vec<u8> {
        let mut out = Vec::new();
        template(format, points).write(1_700_000_000, &mut out);
        out
    }

    #[test]
    fn json_bodies() {
        expect![[r#"{"series":[{"metric":"bench.cpu.walk.00","type":3,"interval":10,"resources":[{"type":"host","name":"h"}],"tags":[],"points":[{"timestamp":1700000000,"value":76.46},{"timestamp":1700000010,"value":76.24}]},{"metric":"bench.net.rate.00","type":2,"interval":10,"resources":[{"type":"host","name":"h"}],"tags":["device:eth0","device_name:eth0"],"points":[{"timestamp":1700000000,"value":8.4},{"timestamp":1700000010,"value":1.1}]}]}"#]].assert_eq(&String::from_utf8(body(Format::V2Json, 2)).expect("text"));
        expect![[r#"{"series":[{"metric":"bench.cpu.walk.00","type":"gauge","interval":10,"host":"h","tags":[],"points":[[1700000000,76.46]]},{"metric":"bench.net.rate.00","type":"rate","interval":10,"host":"h","tags":["device:eth0","device_name:eth0"],"points":[[1700000000,8.4]]}]}"#]].assert_eq(&String::from_utf8(body(Format::V1Json, 1)).expect("text"));
    }

    #[derive(Debug, Default)]
    struct Points(Vec<String>);

    impl galgo_core::MetricSink for Points {
        fn series(
            &mut self,
            series: &galgo_core::RawSeries<'_>,
            points: &[galgo_core::Point],
        ) -> Result<(), galgo_core::Rejection> {
            let points: Vec<String> = points.iter().map(|point| format!("{}={}", point.time, point.value)).collect();
            let tags = series.tags.join(",");
            self.0.push(format!(
                "{} {} {:?} {} {tags} {}",
                series.metric,
                series.host,
                series.kind,
                series.interval,
                points.join(" ")
            ));
            Ok(())
        }

        fn sketches(
            &mut self,
            _: &galgo_core::RawSeries<'_>,
            _: &[galgo_core::SketchPoint],
        ) -> Result<(), galgo_core::Rejection> {
            Ok(())
        }
    }

    #[test]
    fn protobuf_bodies_are_what_the_intake_reads() {
        let mut points = Points::default();
        let context = galgo_intake::report::Context::new(1_700_000_000, None);
        galgo_intake::series_v2::decode_proto(&body(Format::V2Proto, 2), &context, &mut points).expect("decodes");
        expect![[r#"
            bench.cpu.walk.00 h Gauge 0  1700000000=76.46 1700000010=76.24
            bench.net.rate.00 h Rate 10 device:eth0,device_name:eth0 1700000000=8.4 1700000010=1.1"#]]
        .assert_eq(&points.0.join("\n"));
        assert_eq!(template(Format::V2Proto, 2).points(), 4);
    }
}
