//! The live segments: the list that a query starts from, and the bounded cache of open ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use galgo_store::{Manifest, SegmentId, SegmentMeta, SegmentStore, StoreError};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::segment::{DATA_FILE, INDEX_FILE, SegmentIndex, SegmentReader, rebuild_index};

/// Why a segment cannot be read now.
#[derive(Debug)]
pub enum OpenError {
    /// It is gone: it was compacted away since the list was read. Start again with a new list.
    Gone,
    /// It is damaged and was set aside; the text names file and damage.
    Damaged(String),
    /// The disk or the object store failed; the segment itself may be well.
    Io(String),
}

/// Live segments and open ones.
#[derive(Debug)]
pub struct Segments {
    live: ArcSwap<Vec<Arc<SegmentMeta>>>,
    store: SegmentStore,
    manifest: Arc<dyn Manifest>,
    cache: Mutex<Cache>,
    runtime: Handle,
    /// Damage met since the start.
    pub damaged: AtomicU64,
}

#[derive(Debug, Default)]
struct Cache {
    open: HashMap<SegmentId, Cached>,
    bytes: usize,
    limit: usize,
    tick: u64,
}

#[derive(Debug)]
struct Cached {
    reader: SegmentReader,
    bytes: usize,
    used: u64,
}

impl Segments {
    /// The segments that the manifest calls live. Reads no data.
    pub async fn load(
        store: SegmentStore,
        manifest: Arc<dyn Manifest>,
        cache_bytes: usize,
    ) -> Result<Self, galgo_store::ManifestError> {
        let live = manifest.live(crate::ENGINE).await?;
        Ok(Self {
            live: ArcSwap::from_pointee(sorted(live.into_iter().map(Arc::new).collect())),
            store,
            manifest,
            cache: Mutex::new(Cache { limit: cache_bytes, ..Cache::default() }),
            runtime: Handle::current(),
            damaged: AtomicU64::new(0),
        })
    }

    /// The live segments, in order of sequence.
    pub fn live(&self) -> Arc<Vec<Arc<SegmentMeta>>> {
        self.live.load_full()
    }

    /// The live segments that may hold points with `from <= time < to`.
    pub fn overlapping(&self, from: i64, to: i64) -> Vec<Arc<SegmentMeta>> {
        let live = self.live.load();
        live.iter().filter(|segment| segment.min_time < to && segment.max_time >= from).cloned().collect()
    }

    /// Takes over what the manifest has just published.
    pub fn replace(&self, add: Vec<SegmentMeta>, remove: &[SegmentId]) {
        let mut live: Vec<Arc<SegmentMeta>> =
            self.live.load().iter().filter(|segment| !remove.contains(&segment.id)).cloned().collect();
        live.extend(add.into_iter().map(Arc::new));
        self.live.store(Arc::new(sorted(live)));
        let mut cache = self.cache.lock();
        for id in remove {
            cache.forget(*id);
        }
    }

    /// Opens a segment, from the cache or the store. Blocks.
    pub fn open(&self, meta: &Arc<SegmentMeta>) -> Result<SegmentReader, OpenError> {
        if let Some(reader) = self.cache.lock().get(meta.id) {
            return Ok(reader);
        }
        let reader = self.read(meta)?;
        self.cache.lock().put(reader.clone());
        Ok(reader)
    }

    fn read(&self, meta: &Arc<SegmentMeta>) -> Result<SegmentReader, OpenError> {
        let data_file = meta.file(DATA_FILE).ok_or_else(|| self.set_aside(meta, "it has no data file".into()))?;
        let data = self.open_file(data_file).map_err(|error| self.explain(meta, error))?;
        let index = match self.read_index(meta) {
            Ok(index) => index,
            Err(reason) => {
                self.damaged.fetch_add(1, Ordering::Relaxed);
                tracing::error!(segment = %meta.id, %reason, "segment index is unreadable, rebuilding it from the data file");
                let bytes = data.read_verified().map_err(|error| self.explain(meta, error))?;
                let rebuilt = rebuild_index(bytes).and_then(|bytes| SegmentIndex::decode(&bytes));
                rebuilt.map_err(|error| self.set_aside(meta, format!("{reason}; {error}")))?
            }
        };
        Ok(SegmentReader { meta: meta.clone(), data, index: Arc::new(index) })
    }

    fn read_index(&self, meta: &SegmentMeta) -> Result<SegmentIndex, String> {
        let file = meta.file(INDEX_FILE).ok_or("it has no index file")?;
        let bytes = self.open_file(file).and_then(|file| file.read_verified()).map_err(|error| error.to_string())?;
        SegmentIndex::decode(&bytes).map_err(|error| format!("{}: {error}", file.path))
    }

    fn open_file(&self, file: &galgo_store::SegmentFile) -> Result<Arc<galgo_store::LocalFile>, StoreError> {
        match self.store.open_local(file)? {
            Some(open) => Ok(open),
            None => self.runtime.block_on(self.store.open(file)),
        }
    }

    fn explain(&self, meta: &Arc<SegmentMeta>, error: StoreError) -> OpenError {
        let still_live = self.live.load().iter().any(|segment| segment.id == meta.id);
        if !still_live {
            return OpenError::Gone;
        }
        if error.is_damage() { self.set_aside(meta, error.to_string()) } else { OpenError::Io(error.to_string()) }
    }

    // Takes a damaged segment out of the list, so that the rest stays readable.
    fn set_aside(&self, meta: &Arc<SegmentMeta>, reason: String) -> OpenError {
        let reason = format!("segment {}: {reason}", meta.id);
        self.damaged.fetch_add(1, Ordering::Relaxed);
        tracing::error!(segment = %meta.id, %reason, "segment quarantined");
        self.replace(Vec::new(), &[meta.id]);
        let (manifest, id, text) = (self.manifest.clone(), meta.id, reason.clone());
        self.runtime.spawn(async move {
            if let Err(error) = manifest.quarantine(id, &text).await {
                tracing::error!(segment = %id, %error, "quarantine was not recorded");
            }
        });
        OpenError::Damaged(reason)
    }
}

fn sorted(mut segments: Vec<Arc<SegmentMeta>>) -> Vec<Arc<SegmentMeta>> {
    segments.sort_by_key(|segment| (segment.sequence, segment.id));
    segments
}

impl Cache {
    fn get(&mut self, id: SegmentId) -> Option<SegmentReader> {
        self.tick += 1;
        let cached = self.open.get_mut(&id)?;
        cached.used = self.tick;
        Some(cached.reader.clone())
    }

    fn put(&mut self, reader: SegmentReader) {
        self.tick += 1;
        let bytes = reader.index.memory_bytes();
        self.forget(reader.meta.id);
        self.bytes += bytes;
        self.open.insert(reader.meta.id, Cached { reader, bytes, used: self.tick });
        while self.bytes > self.limit && self.open.len() > 1 {
            let Some(oldest) = self.open.iter().min_by_key(|(_, cached)| cached.used).map(|(id, _)| *id) else { break };
            self.forget(oldest);
        }
    }

    fn forget(&mut self, id: SegmentId) {
        if let Some(cached) = self.open.remove(&id) {
            self.bytes -= cached.bytes;
        }
    }
}
