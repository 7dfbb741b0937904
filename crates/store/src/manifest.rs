//! Which segments are live. The manifest is the only truth: a file that it does not name is garbage, a generation of
//! the log that it calls flushed is never replayed. `testing::manifest_suite` holds every
//! implementation to the rules below.

use async_trait::async_trait;

use crate::segment::{SegmentId, SegmentMeta};
use crate::wal::Generation;

/// One change of the set of live segments, made whole or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// Segments whose files are complete in the store and that become live.
    pub add: Vec<SegmentMeta>,
    /// Live segments that cease to be live (compacted away or expired).
    pub remove: Vec<SegmentId>,
    /// A stream of the log (one [`Wal`](crate::wal::Wal) directory) and its last generation that live segments now
    /// cover in full.
    pub flushed: Option<(String, Generation)>,
}

/// A segment that readers must not touch, kept so that somebody can look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// What was published.
    pub segment: SegmentMeta,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a manifest would not do as asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The segment to remove, quarantine or discard is not in the state that this needs. A compaction that meets this
    /// lost a race and drops its result.
    #[error("segment {id} is not {expected}")]
    NotThere {
        /// Which segment.
        id: SegmentId,
        /// `live` or `quarantined`.
        expected: &'static str,
    },
    /// A segment with this identity was published before.
    #[error("segment {id} was published before")]
    Duplicate {
        /// Which segment.
        id: SegmentId,
    },
    /// The stream was flushed beyond this generation already.
    #[error("stream {stream:?} is flushed through generation {flushed}, it cannot go back to {asked}")]
    Backwards {
        /// Which stream.
        stream: String,
        /// What the manifest holds.
        flushed: Generation,
        /// What the edit said.
        asked: Generation,
    },
    /// The database behind the manifest failed. Whether the change was made is unknown when the connection broke
    /// during the commit: read [`Manifest::live`] again.
    #[error("manifest: {0}")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ManifestError {
    /// Wraps an error of the database.
    pub fn backend(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Backend(error.into())
    }
}

/// The catalogue of segments.
#[async_trait]
pub trait Manifest: Send + Sync + std::fmt::Debug {
    /// Makes an edit in one transaction. Fails, and changes nothing, when a segment to remove is not live, one to add
    /// was published before (live or quarantined), or the flushed generation would go back. The same generation
    /// again is allowed. A segment may not be added and removed by the same edit.
    async fn publish(&self, edit: Edit) -> Result<(), ManifestError>;

    /// The live segments of an engine, in order of (partition_start, sequence, id).
    async fn live(&self, engine: &str) -> Result<Vec<SegmentMeta>, ManifestError>;

    /// The last generation of a stream that segments cover; generation 0 when none ever was.
    async fn flushed(&self, stream: &str) -> Result<Generation, ManifestError>;

    /// A number greater than any that this was ever answered with for this engine, across restarts; the first is 1.
    /// Taken even when what it was taken for fails.
    async fn next_sequence(&self, engine: &str) -> Result<u64, ManifestError>;

    /// Takes a live segment out of the sight of readers because it is damaged.
    async fn quarantine(&self, id: SegmentId, reason: &str) -> Result<(), ManifestError>;

    /// The quarantined segments of an engine, in the order of [`Manifest::live`]. Their files are not garbage.
    async fn quarantined(&self, engine: &str) -> Result<Vec<Quarantined>, ManifestError>;

    /// Forgets a quarantined segment; its files become garbage.
    async fn discard(&self, id: SegmentId) -> Result<(), ManifestError>;
}
