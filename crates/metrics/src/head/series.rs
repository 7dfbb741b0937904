//! One active series.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use galgo_core::{KeyHash, MetricKind, Sketch};
use parking_lot::Mutex;

use super::buffer::{PointBuffer, SketchBuffer};

/// A series that was written to lately. Its identity never changes; its kind and interval are those of the last
/// sender.
#[derive(Debug)]
pub struct Series {
    /// Number in this process; never given twice.
    pub id: u32,
    /// The stable identity.
    pub hash: KeyHash,
    /// Interned metric name.
    pub metric: u32,
    /// Interned host.
    pub host: u32,
    /// Interned tags, in order of their text.
    pub tags: Box<[u32]>,
    // kind in the low 8 bits, interval above.
    meta: AtomicU64,
    last_time: AtomicU32,
    body: Mutex<Body>,
}

/// The points of a series that are in no segment yet. The lock is held by the log's thread for an append and by a
/// query for a copy, never across I/O.
#[derive(Debug, Default)]
pub struct Body {
    active: PointBuffer,
    frozen: Option<Arc<PointBuffer>>,
    sketches: Option<Box<SketchBody>>,
}

#[derive(Debug, Default)]
struct SketchBody {
    active: SketchBuffer,
    frozen: Option<Arc<SketchBuffer>>,
}

/// What a flush takes from one series.
#[derive(Debug, Clone)]
pub enum Frozen {
    /// Scalars.
    Points(Arc<PointBuffer>),
    /// Sketches.
    Sketches(Arc<SketchBuffer>),
}

impl Series {
    /// A series without points.
    pub fn new(id: u32, hash: KeyHash, names: (u32, u32, Box<[u32]>), kind: MetricKind, interval: u32) -> Self {
        let (metric, host, tags) = names;
        let series = Self {
            id,
            hash,
            metric,
            host,
            tags,
            meta: AtomicU64::new(0),
            last_time: AtomicU32::new(0),
            body: Mutex::new(Body::default()),
        };
        series.set_meta(kind, interval);
        series
    }

    /// Kind of the last sender.
    pub fn kind(&self) -> MetricKind {
        MetricKind::from_code(self.meta.load(Ordering::Relaxed) as u8).unwrap_or(MetricKind::Gauge)
    }

    /// Interval of the last sender in seconds.
    pub fn interval(&self) -> u32 {
        (self.meta.load(Ordering::Relaxed) >> 8) as u32
    }

    /// Replaces kind and interval.
    pub fn set_meta(&self, kind: MetricKind, interval: u32) {
        self.meta.store(u64::from(kind.code()) | u64::from(interval) << 8, Ordering::Relaxed);
    }

    /// Time of the newest point that ever arrived, 0 for none.
    pub fn last_time(&self) -> u32 {
        self.last_time.load(Ordering::Relaxed)
    }

    /// Adds points in order of arrival.
    pub fn push(&self, times: &[u32], values: &[f64]) {
        let mut body = self.body.lock();
        for (&time, &value) in times.iter().zip(values) {
            body.active.push(time, value);
        }
        drop(body);
        self.touch(times);
    }

    /// Adds a sketch.
    pub fn push_sketch(&self, time: u32, sketch: Sketch) {
        let mut body = self.body.lock();
        let sketches = body.sketches.get_or_insert_default();
        sketches.active.times.push(time);
        sketches.active.sketches.push(sketch);
        drop(body);
        self.touch(&[time]);
    }

    fn touch(&self, times: &[u32]) {
        // Only the log's thread writes, so no compare-and-swap is needed.
        let newest = times.iter().copied().max().unwrap_or(0);
        if newest > self.last_time.load(Ordering::Relaxed) {
            self.last_time.store(newest, Ordering::Relaxed);
        }
    }

    /// Sets the points aside for a flush. They stay readable until [`Series::thaw`]. `None` when there are none.
    pub fn freeze(&self) -> Option<Frozen> {
        let mut body = self.body.lock();
        if let Some(sketches) = body.sketches.as_deref_mut() {
            if sketches.active.times.is_empty() {
                return None;
            }
            let frozen = Arc::new(std::mem::take(&mut sketches.active));
            debug_assert!(sketches.frozen.is_none(), "one flush at a time");
            sketches.frozen = Some(frozen.clone());
            return Some(Frozen::Sketches(frozen));
        }
        if body.active.is_empty() {
            return None;
        }
        let frozen = Arc::new(std::mem::take(&mut body.active));
        debug_assert!(body.frozen.is_none(), "one flush at a time");
        body.frozen = Some(frozen.clone());
        Some(Frozen::Points(frozen))
    }

    /// Lets go of the points that were set aside, once their segment is published.
    pub fn thaw(&self) {
        let mut body = self.body.lock();
        body.frozen = None;
        if let Some(sketches) = body.sketches.as_deref_mut() {
            sketches.frozen = None;
        }
    }

    /// Whether it holds no point.
    pub fn is_empty(&self) -> bool {
        let body = self.body.lock();
        let no_sketches = body
            .sketches
            .as_deref()
            .is_none_or(|sketches| sketches.active.times.is_empty() && sketches.frozen.is_none());
        body.active.is_empty() && body.frozen.is_none() && no_sketches
    }

    /// Appends the points with `from <= time < to` in order of arrival.
    pub fn copy_points(&self, from: i64, to: i64, times: &mut Vec<u32>, values: &mut Vec<f64>) {
        let body = self.body.lock();
        let frozen = body.frozen.clone();
        if let Some(frozen) = &frozen {
            frozen.copy_range(from, to, times, values);
        }
        body.active.copy_range(from, to, times, values);
    }

    /// Appends the sketches with `from <= time < to` in order of arrival.
    pub fn copy_sketches(&self, from: i64, to: i64, times: &mut Vec<u32>, out: &mut Vec<Sketch>) {
        let body = self.body.lock();
        let Some(sketches) = body.sketches.as_deref() else { return };
        for buffer in sketches.frozen.as_deref().into_iter().chain([&sketches.active]) {
            for (&time, sketch) in buffer.times.iter().zip(&buffer.sketches) {
                if i64::from(time) >= from && i64::from(time) < to {
                    times.push(time);
                    out.push(sketch.clone());
                }
            }
        }
    }
}
