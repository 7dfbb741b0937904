//! POST /api/beta/sketches (protobuf).

use galgo_core::MetricSink;

use crate::report::{Context, DecodeError, Report};

/// Decodes the protobuf body of `/api/beta/sketches`.
pub fn decode<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Report, DecodeError> {
    let _ = (body, ctx, sink);
    Ok(Report::default())
}
