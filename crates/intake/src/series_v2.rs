//! POST /api/v2/series.

use galgo_core::MetricSink;

use crate::report::{Context, DecodeError, Report};

/// Decodes the JSON body of `/api/v2/series`.
pub fn decode_json<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Report, DecodeError> {
    let _ = (body, ctx, sink);
    Ok(Report::default())
}

/// Decodes the protobuf body of `/api/v2/series`.
pub fn decode_proto<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Report, DecodeError> {
    let _ = (body, ctx, sink);
    Ok(Report::default())
}
