//! A server that does what its script says, without a socket.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use galgo_core::{MetricSink, Point, RawSeries, Rejection, SketchPoint};
use galgo_intake::Context;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::compress::decompress;
use crate::payload::{Payload, Route};
use crate::transport::{Answer, Transport, TransportError};

/// What a script answers: `None` for a connection that is refused.
pub(super) type Reply = Option<Answer>;

/// What a script knows of a request.
pub(super) struct Request<'a> {
    pub(super) route: Route,
    pub(super) body: &'a [u8],
    pub(super) key: &'a str,
    /// Since the server was made.
    pub(super) at: Duration,
}

type Script = Box<dyn FnMut(&Request<'_>) -> Reply + Send>;

/// A scripted server.
pub(super) struct Server {
    started: Instant,
    script: Mutex<Script>,
    seen: Mutex<Vec<Seen>>,
}

/// A request that came in.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) route: Route,
    pub(super) body: Vec<u8>,
    pub(super) at: Duration,
    pub(super) taken: bool,
}

pub(super) fn status(status: u16) -> Reply {
    Some(Answer { status, ..Answer::default() })
}

impl Server {
    pub(super) fn new(script: impl FnMut(&Request<'_>) -> Reply + Send + 'static) -> Arc<Self> {
        Arc::new(Self { started: Instant::now(), script: Mutex::new(Box::new(script)), seen: Mutex::default() })
    }

    /// A server that takes everything, outside of the given seconds.
    pub(super) fn away(from: u64, until: u64) -> Arc<Self> {
        Self::new(move |request| if (from..until).contains(&request.at.as_secs()) { None } else { status(202) })
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    /// Moments of all requests, in seconds.
    pub(super) fn moments(&self) -> Vec<f64> {
        self.seen.lock().iter().map(|seen| seen.at.as_secs_f64()).collect()
    }

    /// Values of all points of series that it took, in the order in which they came.
    pub(super) fn values(&self) -> Vec<usize> {
        let mut values = Values::default();
        for seen in self.seen.lock().iter().filter(|seen| seen.taken && seen.route == Route::Series) {
            let ctx = Context { now_s: super::EPOCH_MS / 1000, from_agent: true };
            galgo_intake::series_v2::decode_proto(&seen.body, &ctx, &mut values).unwrap();
        }
        values.0
    }
}

#[derive(Default)]
struct Values(Vec<usize>);

impl MetricSink for Values {
    fn series(&mut self, series: &RawSeries<'_>, points: &[Point]) -> Result<(), Rejection> {
        if !series.metric.starts_with("galgo.") {
            self.0.extend(points.iter().map(|point| point.value as usize));
        }
        Ok(())
    }

    fn sketches(&mut self, _: &RawSeries<'_>, _: &[SketchPoint]) -> Result<(), Rejection> {
        Ok(())
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

#[async_trait]
impl Transport for Server {
    async fn post(&self, payload: &Payload, key: &str) -> Result<Answer, TransportError> {
        // As long as a request takes.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let body = decompress(&payload.body, payload.encoding).unwrap();
        let at = self.started.elapsed();
        let reply = (self.script.lock())(&Request { route: payload.route, body: &body, key, at });
        let taken = reply.as_ref().is_some_and(|answer| answer.status < 300);
        self.seen.lock().push(Seen { route: payload.route, body, at, taken });
        reply.ok_or_else(|| TransportError("connection refused".to_owned()))
    }

    async fn validate(&self, key: &str, _: Duration) -> Result<Answer, TransportError> {
        let request = Request { route: Route::Metadata, body: b"", key, at: self.started.elapsed() };
        (self.script.lock())(&request).ok_or_else(|| TransportError("connection refused".to_owned()))
    }
}
