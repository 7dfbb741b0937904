//! The limits on one series (reference: intake-agent.md §5.3). A series that breaks one is dropped and reported.

/// Longest metric name in bytes.
pub const MAX_METRIC_BYTES: usize = galgo_core::tags::MAX_METRIC_BYTES;
/// Most tags of one series, pairs included.
pub const MAX_TAGS: usize = 100;
/// Most bytes of all tags of one series together.
pub const MAX_TAG_SET_BYTES: usize = 100 * 1024;
/// Most resources of one series.
pub const MAX_RESOURCES: usize = 500;
/// Longest host name in bytes.
pub const MAX_HOST_BYTES: usize = 255;
/// How far in the future a point may lie, in seconds.
pub const MAX_FUTURE_S: i64 = 600;
