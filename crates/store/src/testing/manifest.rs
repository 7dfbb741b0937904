//! A manifest that forgets everything with the process. Clones share their content, so a clone stands for "opened
//! again".

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::manifest::{Edit, Manifest, ManifestError, Quarantined};
use crate::segment::{SegmentId, SegmentMeta};
use crate::wal::Generation;

/// A manifest in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryManifest {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    segments: BTreeMap<SegmentId, Entry>,
    flushed: HashMap<String, Generation>,
    sequences: HashMap<String, u64>,
    refuse_publishes: usize,
}

#[derive(Debug)]
struct Entry {
    segment: SegmentMeta,
    quarantined: Option<String>,
}

impl MemoryManifest {
    /// An empty manifest.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next `count` calls of [`Manifest::publish`] fail as if the database were gone.
    pub fn refuse_publishes(&self, count: usize) {
        self.state.lock().refuse_publishes = count;
    }
}

impl State {
    fn check(&self, edit: &Edit) -> Result<(), ManifestError> {
        let mut removed = std::collections::HashSet::new();
        for &id in &edit.remove {
            let live = self.segments.get(&id).is_some_and(|entry| entry.quarantined.is_none());
            if !live || !removed.insert(id) {
                return Err(ManifestError::NotThere { id, expected: "live" });
            }
        }
        let mut added = std::collections::HashSet::new();
        for segment in &edit.add {
            if self.segments.contains_key(&segment.id) || !added.insert(segment.id) {
                return Err(ManifestError::Duplicate { id: segment.id });
            }
        }
        if let Some((stream, asked)) = &edit.flushed {
            let flushed = self.flushed.get(stream).copied().unwrap_or_default();
            if *asked < flushed {
                return Err(ManifestError::Backwards { stream: stream.clone(), flushed, asked: *asked });
            }
        }
        Ok(())
    }

    fn select<T>(&self, engine: &str, pick: impl Fn(&Entry) -> Option<T>) -> Vec<T> {
        let mut entries: Vec<&Entry> = self.segments.values().filter(|entry| entry.segment.engine == engine).collect();
        entries.sort_by_key(|entry| (entry.segment.partition_start, entry.segment.sequence, entry.segment.id));
        entries.into_iter().filter_map(pick).collect()
    }
}

#[async_trait]
impl Manifest for MemoryManifest {
    async fn publish(&self, edit: Edit) -> Result<(), ManifestError> {
        let mut state = self.state.lock();
        if state.refuse_publishes > 0 {
            state.refuse_publishes -= 1;
            return Err(ManifestError::backend("refused on demand"));
        }
        state.check(&edit)?;
        for id in edit.remove {
            state.segments.remove(&id);
        }
        for segment in edit.add {
            state.segments.insert(segment.id, Entry { segment, quarantined: None });
        }
        if let Some((stream, generation)) = edit.flushed {
            state.flushed.insert(stream, generation);
        }
        Ok(())
    }

    async fn live(&self, engine: &str) -> Result<Vec<SegmentMeta>, ManifestError> {
        let live = |entry: &Entry| entry.quarantined.is_none().then(|| entry.segment.clone());
        Ok(self.state.lock().select(engine, live))
    }

    async fn flushed(&self, stream: &str) -> Result<Generation, ManifestError> {
        Ok(self.state.lock().flushed.get(stream).copied().unwrap_or_default())
    }

    async fn next_sequence(&self, engine: &str) -> Result<u64, ManifestError> {
        let mut state = self.state.lock();
        let last = state.sequences.entry(engine.to_owned()).or_default();
        *last += 1;
        Ok(*last)
    }

    async fn quarantine(&self, id: SegmentId, reason: &str) -> Result<(), ManifestError> {
        let mut state = self.state.lock();
        match state.segments.get_mut(&id) {
            Some(entry) if entry.quarantined.is_none() => entry.quarantined = Some(reason.to_owned()),
            _ => return Err(ManifestError::NotThere { id, expected: "live" }),
        }
        Ok(())
    }

    async fn quarantined(&self, engine: &str) -> Result<Vec<Quarantined>, ManifestError> {
        let quarantined = |entry: &Entry| {
            let reason = entry.quarantined.clone()?;
            Some(Quarantined { segment: entry.segment.clone(), reason })
        };
        Ok(self.state.lock().select(engine, quarantined))
    }

    async fn discard(&self, id: SegmentId) -> Result<(), ManifestError> {
        let mut state = self.state.lock();
        let there = state.segments.get(&id).is_some_and(|entry| entry.quarantined.is_some());
        if !there {
            return Err(ManifestError::NotThere { id, expected: "quarantined" });
        }
        state.segments.remove(&id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::manifest_suite;

    #[tokio::test]
    async fn passes_the_suite() {
        let manifest = MemoryManifest::new();
        manifest_suite(async || Arc::new(manifest.clone()) as Arc<dyn Manifest>).await;
    }
}
