//! The object store behind a cache: fetching, uploading, listing.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart};
use parking_lot::Mutex;

use super::cache::Cache;
use super::local_dir::{LocalDir, Unfinished};
use super::{StoreError, StoredFile};
use crate::segment::SegmentFile;

/// How much is fetched or read with one request. Files up to this length are uploaded with one request.
const PIECE_BYTES: u64 = 8 << 20;
/// Parts of one upload that are under way at once.
const UPLOADS_AT_ONCE: usize = 4;

/// The object store and what is here of it.
#[derive(Debug)]
pub struct Remote {
    objects: Arc<dyn ObjectStore>,
    pub cache: Mutex<Cache>,
    fetching: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Remote {
    pub fn new(objects: Arc<dyn ObjectStore>, cache: Cache) -> Self {
        Self { objects, cache: Mutex::new(cache), fetching: Mutex::default() }
    }

    /// What to hold while a file is fetched, so that it is fetched once.
    pub fn fetching(&self, path: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut fetching = self.fetching.lock();
        if let Some(lock) = fetching.get(path).and_then(Weak::upgrade) {
            return lock;
        }
        fetching.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        fetching.insert(path.to_owned(), Arc::downgrade(&lock));
        lock
    }

    /// Fetches a file and checks it.
    pub async fn fetch(&self, dir: &LocalDir, file: &SegmentFile) -> Result<Unfinished, StoreError> {
        let at_file = |error| StoreError::io(&file.path, error);
        let damaged = |what: String| StoreError::Damaged { path: file.path.clone(), what };
        let mut unfinished = dir.begin().map_err(at_file)?;
        let (mut offset, mut found) = (0, 0);
        while offset < file.bytes {
            let end = file.bytes.min(offset + PIECE_BYTES);
            let piece = self.fetch_piece(file, offset, end).await?;
            if piece.is_empty() {
                return Err(damaged(format!("ends at byte {offset}, expected {} bytes", file.bytes)));
            }
            offset += piece.len() as u64;
            found = crc32c::crc32c_append(found, &piece);
            unfinished.append(&piece).map_err(at_file)?;
        }
        if found != file.crc32c {
            return Err(damaged(format!("crc32c {found:#010x}, expected {:#010x}", file.crc32c)));
        }
        Ok(unfinished)
    }

    async fn fetch_piece(&self, file: &SegmentFile, start: u64, end: u64) -> Result<Bytes, StoreError> {
        let at_file = |error| StoreError::remote(&file.path, error);
        let options = GetOptions { range: Some(GetRange::Bounded(start..end)), ..GetOptions::default() };
        let answer = self.objects.get_opts(&ObjectPath::from(file.path.as_str()), options).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(self.explain_range(file, error).await),
        };
        if answer.meta.size != file.bytes {
            let what = format!("{} bytes, expected {}", answer.meta.size, file.bytes);
            return Err(StoreError::Damaged { path: file.path.clone(), what });
        }
        answer.bytes().await.map_err(at_file)
    }

    /// A range that starts behind the end of an object is refused in different words by each store.
    async fn explain_range(&self, file: &SegmentFile, error: object_store::Error) -> StoreError {
        match self.objects.head(&ObjectPath::from(file.path.as_str())).await {
            Ok(meta) if meta.size != file.bytes => {
                let what = format!("{} bytes, expected {}", meta.size, file.bytes);
                StoreError::Damaged { path: file.path.clone(), what }
            }
            _ => StoreError::remote(&file.path, error),
        }
    }

    /// Uploads a complete file.
    pub async fn upload(&self, file: &SegmentFile, content: &Unfinished) -> Result<(), StoreError> {
        let at_file = |error| StoreError::remote(&file.path, error);
        let path = ObjectPath::from(file.path.as_str());
        if file.bytes <= PIECE_BYTES {
            let bytes = read_piece(file, content, 0, file.bytes)?;
            self.objects.put(&path, bytes.into()).await.map_err(at_file)?;
            return Ok(());
        }
        let upload = self.objects.put_multipart(&path).await.map_err(at_file)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PIECE_BYTES as usize);
        let mut offset = 0;
        while offset < file.bytes {
            let end = file.bytes.min(offset + PIECE_BYTES);
            let step = match read_piece(file, content, offset, end) {
                Ok(bytes) => upload.wait_for_capacity(UPLOADS_AT_ONCE).await.map(|()| bytes).map_err(at_file),
                Err(error) => Err(error),
            };
            match step {
                Ok(bytes) => upload.put(bytes),
                Err(error) => {
                    let _ = upload.abort().await; // the parts cost money until a lifecycle rule ends them
                    return Err(error);
                }
            }
            offset = end;
        }
        upload.finish().await.map_err(at_file)?;
        Ok(())
    }

    pub async fn delete(&self, path: &str) -> Result<(), StoreError> {
        match self.objects.delete(&ObjectPath::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(StoreError::remote(path, error)),
        }
    }

    pub async fn list(&self, prefix: &str) -> Result<Vec<StoredFile>, StoreError> {
        let below = (!prefix.is_empty()).then(|| ObjectPath::from(prefix));
        let listed: Vec<_> =
            self.objects.list(below.as_ref()).try_collect().await.map_err(|error| StoreError::remote(prefix, error))?;
        let mut files: Vec<_> = listed
            .into_iter()
            .map(|object| StoredFile {
                path: object.location.to_string(),
                bytes: object.size,
                modified_ms: object.last_modified.timestamp_millis(),
            })
            .filter(|file| super::check_path(&file.path).is_ok())
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

fn read_piece(file: &SegmentFile, content: &Unfinished, start: u64, end: u64) -> Result<Bytes, StoreError> {
    let mut piece = vec![0; (end - start) as usize];
    content.read_exact_at(&mut piece, start).map_err(|error| StoreError::io(&file.path, error))?;
    Ok(piece.into())
}
