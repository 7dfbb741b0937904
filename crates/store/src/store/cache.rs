//! Which files of an object store are here, and which go first when there are too many.

use std::collections::HashMap;
use std::io;

use super::local_dir::LocalDir;

#[derive(Debug)]
struct Entry {
    bytes: u64,
    used: u64,
}

/// The list of cached files.
#[derive(Debug)]
pub struct Cache {
    files: HashMap<String, Entry>,
    bytes: u64,
    limit: u64,
    uses: u64,
}

impl Cache {
    /// A cache that starts with what an earlier process left in its directory.
    pub fn over(dir: &LocalDir, limit: u64) -> io::Result<Self> {
        let mut cache = Self { files: HashMap::new(), bytes: 0, limit, uses: 0 };
        let mut left = dir.list("")?;
        left.sort_by_key(|file| file.modified_ms);
        for file in left {
            for evicted in cache.put(&file.path, file.bytes) {
                dir.remove(&evicted)?;
            }
        }
        Ok(cache)
    }

    /// Whether a file is here; it counts as used.
    pub fn touch(&mut self, path: &str) -> bool {
        self.uses += 1;
        let uses = self.uses;
        self.files.get_mut(path).map(|entry| entry.used = uses).is_some()
    }

    /// Notes a new file; answers which ones must go. The new one stays, even when it is larger than the cache.
    pub fn put(&mut self, path: &str, bytes: u64) -> Vec<String> {
        self.forget(path);
        self.uses += 1;
        self.bytes += bytes;
        self.files.insert(path.to_owned(), Entry { bytes, used: self.uses });
        let mut evicted = Vec::new();
        while self.bytes > self.limit && self.files.len() > 1 {
            let oldest = self.files.iter().min_by_key(|(_, entry)| entry.used).map(|(path, _)| path.clone());
            let Some(oldest) = oldest else { break };
            self.forget(&oldest);
            evicted.push(oldest);
        }
        evicted
    }

    pub fn forget(&mut self, path: &str) {
        if let Some(entry) = self.files.remove(path) {
            self.bytes -= entry.bytes;
        }
    }
}
