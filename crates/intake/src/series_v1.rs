//! POST /api/v1/series (JSON; reference: intake-agent.md §5.1).

use galgo_core::MetricSink;

use crate::report::{Context, DecodeError, Report};
use crate::series_json;

/// Decodes the JSON body of `/api/v1/series`.
pub fn decode<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Report, DecodeError> {
    series_json::decode(body, ctx, sink)
}
