//! Placeholder.
use crate::metrics::metadata::MetricMetadata;
/// x
pub fn metadata(_metric: &str) -> MetricMetadata {
    MetricMetadata::default()
}
