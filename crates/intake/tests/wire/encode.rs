//! Encoders that write what senders write, byte by byte and independent of the decoders.

use galgo_core::MetricKind;
use serde_json::{Value, json};

use crate::sink::Series;

/// A protobuf message under construction.
#[derive(Debug, Default, Clone)]
pub struct Message(pub Vec<u8>);

impl Message {
    pub fn varint(mut self, field: u32, value: u64) -> Self {
        self.tag(field, 0);
        push_varint(&mut self.0, value);
        self
    }

    pub fn double(mut self, field: u32, value: f64) -> Self {
        self.tag(field, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn bytes(mut self, field: u32, bytes: impl AsRef<[u8]>) -> Self {
        self.tag(field, 2);
        push_varint(&mut self.0, bytes.as_ref().len() as u64);
        self.0.extend(bytes.as_ref());
        self
    }

    pub fn message(self, field: u32, message: Message) -> Self {
        self.bytes(field, message.0)
    }

    fn tag(&mut self, field: u32, wire: u32) {
        push_varint(&mut self.0, u64::from(field << 3 | wire));
    }
}

pub fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn kind_code(kind: MetricKind) -> u64 {
    match kind {
        MetricKind::Count => 1,
        MetricKind::Rate => 2,
        MetricKind::Gauge => 3,
        MetricKind::Distribution => 4,
    }
}

/// `MetricPayload` of /api/v2/series. Points carry their timestamp before their value, as the agent writes them.
pub fn v2_proto(series: &[Series]) -> Vec<u8> {
    let mut payload = Message::default();
    for series in series {
        let mut message = Message::default();
        let host = Message::default().bytes(1, "host").bytes(2, &series.host);
        message = message.message(1, host);
        for (kind, name) in &series.pairs {
            message = message.message(1, Message::default().bytes(1, kind).bytes(2, name));
        }
        message = message.bytes(2, &series.metric);
        for tag in &series.tags {
            message = message.bytes(3, tag);
        }
        message = message.varint(5, kind_code(series.kind)).bytes(6, &series.unit).bytes(7, "System");
        message = message.varint(8, u64::from(series.interval));
        for point in &series.points {
            message = message.message(4, Message::default().varint(2, point.time as u64).double(1, point.value));
        }
        let origin = Message::default().varint(4, 10).varint(5, 10);
        payload = payload.message(1, message.message(9, Message::default().message(1, origin)));
    }
    payload.0
}

/// The JSON of /api/v2/series.
pub fn v2_json(series: &[Series]) -> String {
    let one = |series: &Series| {
        let host = ("host".to_owned(), series.host.clone());
        let resources: Vec<Value> = std::iter::once(&host)
            .chain(&series.pairs)
            .map(|(kind, name)| json!({"type": kind, "name": name}))
            .collect();
        let points: Vec<Value> =
            series.points.iter().map(|point| json!({"timestamp": point.time, "value": point.value})).collect();
        json!({"metric": series.metric, "type": kind_code(series.kind), "points": points, "resources": resources,
               "tags": series.tags, "unit": series.unit, "interval": series.interval, "metadata": {"origin": {"product": 1}}})
    };
    json!({"series": series.iter().map(one).collect::<Vec<_>>()}).to_string()
}

/// The JSON of /api/v1/series; has no unit.
pub fn v1_json(series: &[Series]) -> String {
    let one = |series: &Series| {
        let resources: Vec<Value> =
            series.pairs.iter().map(|(kind, name)| json!({"type": kind, "name": name})).collect();
        let points: Vec<Value> = series.points.iter().map(|point| json!([point.time, point.value])).collect();
        json!({"metric": series.metric, "type": series.kind.as_str(), "points": points, "resources": resources,
               "tags": series.tags, "host": series.host, "interval": series.interval, "source_type_name": "System"})
    };
    json!({"series": series.iter().map(one).collect::<Vec<_>>()}).to_string()
}

/// `SketchPayload` of /api/beta/sketches. Counts beyond the agent's 16 bits are split over several bins.
pub fn sketches(series: &[Series]) -> Vec<u8> {
    let mut payload = Message::default();
    for series in series {
        let mut message = Message::default().bytes(1, &series.metric).bytes(2, &series.host);
        for tag in &series.tags {
            message = message.bytes(4, tag);
        }
        for point in &series.sketches {
            let sketch = &point.sketch;
            let (mut keys, mut counts) = (Vec::new(), Vec::new());
            for bin in sketch.bins() {
                let mut left = bin.count;
                while left > 0 {
                    let part = left.min(65535);
                    push_varint(&mut keys, zigzag(i64::from(bin.key)));
                    push_varint(&mut counts, part);
                    left -= part;
                }
            }
            let (min, max) = (sketch.min().unwrap_or(0.0), sketch.max().unwrap_or(0.0));
            let dogsketch = Message::default()
                .varint(1, point.time as u64)
                .varint(2, sketch.count())
                .double(3, min)
                .double(4, max)
                .double(5, sketch.avg().unwrap_or(0.0))
                .double(6, sketch.sum())
                .bytes(7, keys)
                .bytes(8, counts);
            message = message.message(7, dogsketch);
        }
        payload = payload.message(1, message);
    }
    payload.message(2, Message::default()).0
}

/// A column of the v3 payload.
#[derive(Debug, Default, Clone)]
pub struct Column {
    pub bytes: Vec<u8>,
    last: i64,
}

impl Column {
    pub fn push(&mut self, value: u64) {
        push_varint(&mut self.bytes, value);
    }

    pub fn push_signed(&mut self, value: i64) {
        self.push(zigzag(value));
    }

    pub fn push_delta(&mut self, value: i64) {
        self.push_signed(value.wrapping_sub(self.last));
        self.last = value;
    }
}

/// Texts by number from 1 on; "" is 0.
#[derive(Debug, Default)]
struct Dictionary(Vec<String>);

impl Dictionary {
    fn number(&mut self, text: &str) -> i64 {
        if text.is_empty() {
            return 0;
        }
        let known = self.0.iter().position(|known| known == text);
        1 + known.unwrap_or_else(|| {
            self.0.push(text.to_owned());
            self.0.len() - 1
        }) as i64
    }

    fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        for text in &self.0 {
            push_varint(&mut blob, text.len() as u64);
            blob.extend(text.as_bytes());
        }
        blob
    }
}

/// The v3 `Payload` of series and sketches. Tag sets that begin like an earlier one include it.
pub fn v3(series: &[Series]) -> Vec<u8> {
    let mut columns: Vec<Column> = vec![Column::default(); 27];
    let [mut names, mut tags, mut resources, mut units] = <[Dictionary; 4]>::default();
    let mut tag_sets: Vec<Vec<String>> = vec![Vec::new()];
    let mut resource_sets = 0;
    for series in series {
        let is_sketch = series.kind == MetricKind::Distribution;
        let unit_flag = if series.unit.is_empty() { 0 } else { 0x200 };
        let values: Vec<f64> = series.points.iter().map(|point| point.value).collect();
        let value_kind = if is_sketch { 0x30 } else { narrowest(&values) };
        columns[10].push(kind_code(series.kind) | value_kind | unit_flag);
        columns[11].push_delta(names.number(&series.metric));
        let tag_set = tag_set(&series.tags, &mut tag_sets, &mut tags, &mut columns[3]);
        columns[12].push_delta(tag_set);
        resource_sets += 1;
        columns[5].push(1 + series.pairs.len() as u64);
        let host = ("host".to_owned(), series.host.clone());
        let (mut last_kind, mut last_name) = (0, 0);
        for (kind, name) in std::iter::once(&host).chain(&series.pairs) {
            let (kind, name) = (resources.number(kind), resources.number(name));
            columns[6].push_signed(kind - last_kind);
            columns[7].push_signed(name - last_name);
            (last_kind, last_name) = (kind, name);
        }
        columns[13].push_delta(resource_sets);
        columns[14].push(u64::from(series.interval));
        columns[15].push((series.points.len() + series.sketches.len()) as u64);
        columns[23].push_delta(0);
        columns[24].push_delta(1);
        if unit_flag > 0 {
            columns[26].push_delta(units.number(&series.unit));
        }
        push_points(series, value_kind, &mut columns);
    }
    for (field, dictionary) in [(1, &names), (2, &tags), (4, &resources), (25, &units)] {
        columns[field].bytes = dictionary.blob();
    }
    [10, 11, 12].into_iter().for_each(|number| columns[9].push(number));
    let mut data = Message::default();
    for (field, column) in columns.iter().enumerate().filter(|(_, column)| !column.bytes.is_empty()) {
        data = data.bytes(field as u32, &column.bytes);
    }
    Message::default().message(3, data).0
}

fn narrowest(values: &[f64]) -> u64 {
    if values.iter().all(|value| value.to_bits() == 0) {
        0x00
    } else if values.iter().all(|value| value.abs() < 9e15 && value.fract() == 0.0 && value.to_bits() != 1 << 63) {
        0x10
    } else if values.iter().all(|&value| f64::from(value as f32) == value) {
        0x20
    } else {
        0x30
    }
}

fn tag_set(wanted: &[String], sets: &mut Vec<Vec<String>>, tags: &mut Dictionary, column: &mut Column) -> i64 {
    if let Some(known) = sets.iter().position(|set| set == wanted) {
        return known as i64;
    }
    let prefix =
        (1..sets.len()).filter(|&index| wanted.starts_with(&sets[index])).max_by_key(|&index| sets[index].len());
    let mut entries: Vec<i64> = prefix.map(|index| -(index as i64)).into_iter().collect();
    let included = prefix.map_or(0, |index| sets[index].len());
    entries.extend(wanted[included..].iter().map(|tag| tags.number(tag)));
    column.push_signed(entries.len() as i64);
    let mut last = 0;
    for entry in entries {
        column.push_signed(entry - last);
        last = entry;
    }
    sets.push(wanted.to_vec());
    sets.len() as i64 - 1
}

fn push_points(series: &Series, value_kind: u64, columns: &mut [Column]) {
    for point in &series.points {
        columns[16].push_delta(point.time);
        match value_kind {
            0x10 => columns[17].push_signed(point.value as i64),
            0x20 => columns[18].bytes.extend((point.value as f32).to_le_bytes()),
            0x30 => columns[19].bytes.extend(point.value.to_le_bytes()),
            _ => {}
        }
    }
    for point in &series.sketches {
        let sketch = &point.sketch;
        columns[16].push_delta(point.time);
        for value in [sketch.sum(), sketch.min().unwrap_or(0.0), sketch.max().unwrap_or(0.0)] {
            columns[19].bytes.extend(value.to_le_bytes());
        }
        columns[17].push_signed(sketch.count() as i64);
        columns[20].push(sketch.bins().len() as u64);
        let mut last = 0;
        for bin in sketch.bins() {
            columns[21].push_signed(i64::from(bin.key) - last);
            columns[22].push(bin.count);
            last = i64::from(bin.key);
        }
    }
}
